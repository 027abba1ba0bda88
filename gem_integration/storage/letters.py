"""Dead letters: one row for one failure, counted each time it is seen."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gem_integration.domain.report import DeadLetter
from gem_integration.storage import mapping
from gem_integration.storage.inserts import insert_new
from gem_integration.storage.tables import DeadLetterRow


def record_dead_letter(session: Session, letter: DeadLetter) -> DeadLetter:
    """Keep ``letter``, or count it once more where it is known; return it as it now stands."""
    columns = {field.name: getattr(letter, field.name) for field in dataclasses.fields(letter)}
    if insert_new(session, DeadLetterRow, columns):
        return letter
    again = (
        sa.update(DeadLetterRow)
        .where(DeadLetterRow.dead_letter_id == letter.dead_letter_id)
        .values(count=DeadLetterRow.count + 1, last_seen_at=letter.last_seen_at, reason=letter.reason)
        .execution_options(synchronize_session=False)
    )
    session.execute(again)
    row = session.get_one(DeadLetterRow, letter.dead_letter_id, populate_existing=True)
    return mapping.dead_letter_of(row)
