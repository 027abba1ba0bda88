"""Answers given and bytes quarantined: kept once, counted after."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gem_integration.domain.arrival import Acknowledgement, Quarantined
from gem_integration.domain.identity import stable_id
from gem_integration.storage import blobs
from gem_integration.storage.inserts import insert_new
from gem_integration.storage.tables import BlobRow
from gem_integration.storage.tables_arrival import AcknowledgementRow, QuarantineRow

UNREADABLE_MEDIA_TYPE = "application/octet-stream"
_ANSWER = sa.select(*AcknowledgementRow.__table__.columns).where(
    AcknowledgementRow.acknowledgement_id == sa.bindparam("key")
)


def acknowledgement_of(session: Session, source: str, message_id: str) -> Acknowledgement | None:
    """Return the answer a message id of a source was given, if it was."""
    key = {"key": stable_id("acknowledgement", source, message_id)}
    row = session.connection().execute(_ANSWER, key).one_or_none()
    if row is None:
        return None
    return Acknowledgement(
        source=row.source,
        message_id=row.message_id,
        message_sha256=row.message_sha256,
        code=row.code,
        content=row.content,
        acknowledged_at=row.acknowledged_at,
        repeats=row.repeats,
    )


def keep_acknowledgement(session: Session, given: Acknowledgement) -> bool:
    """Keep an answer; false if this message id was answered before. Its message's bytes must be kept."""
    row: dict[str, object] = {
        "acknowledgement_id": given.acknowledgement_id,
        "source": given.source,
        "message_id": given.message_id,
        "message_sha256": given.message_sha256,
        "code": given.code,
        "content": given.content,
        "acknowledged_at": given.acknowledged_at,
        "repeats": given.repeats,
    }
    return insert_new(session, AcknowledgementRow, row)


def count_repeat(session: Session, given: Acknowledgement) -> None:
    """Count that an answer was sent once more."""
    again = (
        sa.update(AcknowledgementRow)
        .where(AcknowledgementRow.acknowledgement_id == given.acknowledgement_id)
        .values(repeats=AcknowledgementRow.repeats + 1)
        .execution_options(synchronize_session=False)
    )
    session.execute(again)


def keep_quarantined(session: Session, bad: Quarantined) -> None:
    """Keep bytes with the reason, or count them once more with their size."""
    sha256 = blobs.put(session, bad.content, UNREADABLE_MEDIA_TYPE, bad.last_seen_at)
    row: dict[str, object] = {
        "quarantine_id": bad.quarantine_id,
        "source": bad.source,
        "reason": bad.reason,
        "blob_sha256": sha256,
        "size_bytes": bad.size_bytes,
        "first_seen_at": bad.first_seen_at,
        "last_seen_at": bad.last_seen_at,
        "count": bad.count,
    }
    if insert_new(session, QuarantineRow, row):
        return
    again = (
        sa.update(QuarantineRow)
        .where(QuarantineRow.quarantine_id == bad.quarantine_id)
        .values(
            count=QuarantineRow.count + bad.count,
            size_bytes=QuarantineRow.size_bytes + bad.size_bytes,
            last_seen_at=bad.last_seen_at,
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(again)


def quarantined(session: Session, limit: int) -> tuple[Quarantined, ...]:
    """Return what is in quarantine, the last seen first."""
    query = sa.select(QuarantineRow, BlobRow.content).join(
        BlobRow, BlobRow.sha256 == QuarantineRow.blob_sha256
    )
    order = (QuarantineRow.last_seen_at.desc(), QuarantineRow.quarantine_id)
    return tuple(
        Quarantined(
            source=row.source,
            reason=row.reason,
            content=content,
            size_bytes=row.size_bytes,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            count=row.count,
        )
        for row, content in session.execute(query.order_by(*order).limit(limit))
    )
