"""Work as rows: leased to one holder at a time, guarded by a fencing token, due again or dead.

A lease is taken by raising the row's fencing token. Whoever comes back with an older token lost the
lease, and nothing they bring is written. Every change of status is looked up in the transition table.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from gem_integration.domain.identity import stable_id
from gem_integration.domain.reading import JOB_TRANSITIONS, JobStatus, LeasedJob, Priority
from gem_integration.domain.report import OUTBOX_TRANSITIONS, DeadLetter, LeasedDelivery, OutboxStatus, Stage
from gem_integration.errors import ATTEMPTS_MAX, Decision, Fate, LeaseLost
from gem_integration.storage import mapping
from gem_integration.storage.letters import record_dead_letter
from gem_integration.storage.tables import OutboxRow, ReadJobRow

Work: TypeAlias = ReadJobRow | OutboxRow

ATTEMPTS_EXHAUSTED = "attempts_exhausted"
#: STAT first, then by due time.
READING_ORDER = (
    sa.case((ReadJobRow.priority == Priority.STAT, 0), else_=1),
    ReadJobRow.due_at,
    ReadJobRow.created_at,
)
LEASES_LOST_REASON = "every holder of this work stopped before it ended: look at their logs, then replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who asks for work, how many rows at most, and for how long each is theirs."""

    holder: str
    limit: int
    seconds: float
    now: datetime


def lease_reads(session: Session, lease: Lease, reader_key: str | None) -> tuple[LeasedJob, ...]:
    """Lease due read jobs, STAT first and then by due time; rows held by others are stepped over."""
    query = sa.select(ReadJobRow).where(readable(lease.now))
    if reader_key is not None:
        query = query.where(ReadJobRow.reader_key == reader_key)
    query = query.order_by(*READING_ORDER).limit(lease.limit)
    rows = session.scalars(query.with_for_update(skip_locked=True)).all()
    return tuple(mapping.leased_job_of(row) for row in rows if _take(session, row, lease))


def readable(now: datetime) -> sa.ColumnElement[bool]:
    """Say which read jobs may be leased: queued and due, or leased by a holder whose time is over."""
    return _takeable(ReadJobRow, JobStatus.QUEUED, JobStatus.LEASED, now)


def lease_deliveries(
    session: Session, lease: Lease, sinks: Collection[str] | None
) -> tuple[LeasedDelivery, ...]:
    """Lease due deliveries, oldest first; a report's version waits for the version before it."""
    earlier = aliased(OutboxRow)
    overtaken = sa.exists().where(
        earlier.study_id == OutboxRow.study_id,
        earlier.sink == OutboxRow.sink,
        earlier.version < OutboxRow.version,
        earlier.status.in_([OutboxStatus.DUE, OutboxStatus.LEASED]),
    )
    query = sa.select(OutboxRow).where(
        _takeable(OutboxRow, OutboxStatus.DUE, OutboxStatus.LEASED, lease.now), ~overtaken
    )
    if sinks is not None:
        query = query.where(OutboxRow.sink.in_(sinks))
    query = query.order_by(OutboxRow.due_at, OutboxRow.created_at).limit(lease.limit)
    rows = session.scalars(query.with_for_update(of=OutboxRow, skip_locked=True)).all()
    return tuple(mapping.leased_delivery_of(row) for row in rows if _take(session, row, lease))


def held_job(session: Session, job: LeasedJob) -> ReadJobRow:
    """Return the row of ``job``, locked, if it is still its holder's; ``LeaseLost`` otherwise."""
    row = session.get(ReadJobRow, job.job_id, with_for_update=True, populate_existing=True)
    if row is None or row.status is not JobStatus.LEASED or row.fencing_token != job.fencing_token:
        raise LeaseLost("the read job is no longer held by this holder", job=str(job.job_id))
    return row


def held_delivery(session: Session, delivery: LeasedDelivery) -> OutboxRow:
    """Return the row of ``delivery``, locked, if it is still its holder's; ``LeaseLost`` otherwise."""
    row = session.get(OutboxRow, delivery.outbox_id, with_for_update=True, populate_existing=True)
    if row is None or row.status is not OutboxStatus.LEASED or row.fencing_token != delivery.fencing_token:
        raise LeaseLost("the delivery is no longer held by this holder", outbox=str(delivery.outbox_id))
    return row


def end(row: Work, status: JobStatus | OutboxStatus) -> None:
    """Let go of a row that is done or dead."""
    _move(row, status)
    row.holder = None
    row.lease_expires_at = None


def fail(session: Session, row: Work, decision: Decision, *, reason: str, now: datetime) -> None:
    """Record a failed attempt: due again after the decision's delay, or dead with a dead letter.

    A stopped process leaves its work due again: the next process tries once more.
    """
    row.error_code = decision.code
    row.error_reason = reason
    if decision.fate is Fate.DEAD_LETTER:
        _bury(session, row, now=now)
        return
    again(row, now + timedelta(seconds=decision.delay_s))


def again(row: Work, due_at: datetime) -> None:
    """Make a row due again."""
    end(row, JobStatus.QUEUED if isinstance(row, ReadJobRow) else OutboxStatus.DUE)
    row.due_at = due_at


def _takeable(
    table: type[Work], due: JobStatus | OutboxStatus, leased: JobStatus | OutboxStatus, now: datetime
) -> sa.ColumnElement[bool]:
    return sa.or_(
        sa.and_(table.status == due, table.due_at <= now),
        sa.and_(table.status == leased, table.lease_expires_at <= now),
    )


def _take(session: Session, row: Work, lease: Lease) -> bool:
    leased = JobStatus.LEASED if isinstance(row, ReadJobRow) else OutboxStatus.LEASED
    _move(row, leased)
    if row.attempts >= ATTEMPTS_MAX:
        row.error_code, row.error_reason = ATTEMPTS_EXHAUSTED, LEASES_LOST_REASON
        _bury(session, row, now=lease.now)
        return False
    row.attempts += 1
    row.fencing_token += 1
    row.holder = lease.holder
    row.lease_expires_at = lease.now + timedelta(seconds=lease.seconds)
    return True


def _bury(session: Session, row: Work, *, now: datetime) -> None:
    if isinstance(row, ReadJobRow):
        stage, subject_id = Stage.READ, str(row.job_id)
        end(row, JobStatus.DEAD)
    else:
        stage, subject_id = Stage.DELIVER, str(row.outbox_id)
        end(row, OutboxStatus.DEAD)
    code = row.error_code or ATTEMPTS_EXHAUSTED
    letter = DeadLetter(
        dead_letter_id=stable_id("dead letter", stage, code, subject_id),
        stage=stage,
        code=code,
        reason=row.error_reason or "",
        source=None,
        blob_sha256=None,
        subject_id=subject_id,
        first_seen_at=now,
        last_seen_at=now,
    )
    record_dead_letter(session, letter)


def _move(row: Work, to: JobStatus | OutboxStatus) -> None:
    moves = JOB_TRANSITIONS if isinstance(row, ReadJobRow) else OUTBOX_TRANSITIONS
    if (row.status, to) not in moves:
        raise ValueError(f"no work moves from {row.status} to {to}")
    row.status = to
