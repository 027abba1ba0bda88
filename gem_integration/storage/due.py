"""Which read jobs wait for somebody to lease them, for whoever rings the workers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gem_integration.domain.reading import Priority
from gem_integration.storage.leases import READING_ORDER, readable
from gem_integration.storage.tables import ReadJobRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRead:
    """A read job that may be leased now: by which reader, in which lane, after how many attempts."""

    job_id: uuid.UUID
    reader_key: str
    priority: Priority
    attempts: int


def due_reads(session: Session, now: datetime, limit: int) -> tuple[DueRead, ...]:
    """Return up to ``limit`` due jobs of each reader, in the order they will be leased.

    A reader nobody runs any more keeps its jobs due for ever: they must not hide those of the others.
    """
    place = sa.func.row_number().over(partition_by=ReadJobRow.reader_key, order_by=READING_ORDER)
    columns = (ReadJobRow.job_id, ReadJobRow.reader_key, ReadJobRow.priority, ReadJobRow.attempts)
    due = sa.select(*columns, place.label("place")).where(readable(now)).subquery()
    query = sa.select(due).where(due.c.place <= limit).order_by(due.c.place, due.c.job_id)
    return tuple(
        DueRead(job_id=row.job_id, reader_key=row.reader_key, priority=row.priority, attempts=row.attempts)
        for row in session.execute(query)
    )
