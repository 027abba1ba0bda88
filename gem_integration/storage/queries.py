"""What people ask of the store; the lists are SQL views, so that an auditor sees the same."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gem_integration.domain.reading import JobStatus, Priority
from gem_integration.domain.report import DeadLetter, ReportStatus
from gem_integration.domain.statement import Urgency
from gem_integration.domain.study import OrderMatch
from gem_integration.storage import mapping
from gem_integration.storage.codec import Json, encode
from gem_integration.storage.columns import UtcDateTime, Words, choice, identifier
from gem_integration.storage.tables import (
    DeadLetterRow,
    MessageRow,
    OrderRow,
    OutboxRow,
    ReadJobRow,
    ReportRow,
    StudyRow,
)
from gem_integration.storage.tables_arrival import QuarantineRow

Listed = TypeVar("Listed")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistEntry:
    """One study on the worklist with its latest report; counts are claims by verdict."""

    study_id: uuid.UUID
    patient_id: str | None
    performed_at: datetime | None
    received_at: datetime
    order_match: OrderMatch | None
    job_status: JobStatus | None
    not_read_because: str | None
    report_id: uuid.UUID | None
    version: int | None
    report_status: ReportStatus | None
    urgency: Urgency | None
    reader_key: str | None
    conclusion: str | None
    supported: int
    contradicted: int
    borderline: int
    not_measurable: int
    not_groundable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingJob:
    """A read job that is not done: why, and when it is tried next."""

    job_id: uuid.UUID
    study_id: uuid.UUID
    reader_key: str
    priority: Priority
    status: JobStatus
    attempts: int
    due_at: datetime
    because: str


WORKLIST = sa.table(
    "v_worklist",
    sa.column("study_id", identifier()),
    sa.column("patient_id", Words()),
    sa.column("performed_at", UtcDateTime()),
    sa.column("received_at", UtcDateTime()),
    sa.column("order_match", choice(OrderMatch)),
    sa.column("job_status", choice(JobStatus)),
    sa.column("not_read_because", Words()),
    sa.column("report_id", identifier()),
    sa.column("version", sa.Integer()),
    sa.column("report_status", choice(ReportStatus)),
    sa.column("urgency", choice(Urgency)),
    sa.column("urgency_rank", sa.Integer()),
    sa.column("reader_key", Words()),
    sa.column("conclusion", Words()),
    *(
        sa.column(verdict, sa.Integer())
        for verdict in ("supported", "contradicted", "borderline", "not_measurable", "not_groundable")
    ),
)

JOBS_WAITING = sa.table(
    "v_jobs_waiting",
    sa.column("job_id", identifier()),
    sa.column("study_id", identifier()),
    sa.column("reader_key", Words()),
    sa.column("priority", choice(Priority)),
    sa.column("status", choice(JobStatus)),
    sa.column("attempts", sa.Integer()),
    sa.column("due_at", UtcDateTime()),
    sa.column("because", Words()),
)


#: What auditors may ask for by name; the migrations create them.
AUDIT_VIEWS = (
    "v_worklist",
    "v_claims",
    "v_contradicted",
    "v_evidence_samples",
    "v_jobs_waiting",
    "v_deliveries_waiting",
    "v_dead_letters",
    "v_acknowledgements",
    "v_quarantine",
)
#: Columns of the views whose type SQLite forgets.
DOCUMENT_COLUMNS = frozenset({"leads", "beats", "samples"})
TRUTH_COLUMNS = frozenset({"latest", "met"})


def view(session: Session, name: str, limit: int) -> tuple[dict[str, Json], ...]:
    """Return rows of an audit view as plain JSON values; ``KeyError`` for a view we do not have."""
    if name not in AUDIT_VIEWS:
        raise KeyError(name)
    query = sa.select(sa.text("*")).select_from(sa.table(name)).order_by(sa.text("1")).limit(limit)
    rows = session.execute(query).mappings()
    return tuple({column: _plain(column, value) for column, value in row.items()} for row in rows)


def _plain(column: str, value: object) -> Json:
    if column in DOCUMENT_COLUMNS and isinstance(value, str):
        document: Json = json.loads(value)
        return document
    if column in TRUTH_COLUMNS and value is not None:
        return bool(value)
    return encode(value)


def worklist(session: Session, limit: int) -> tuple[WorklistEntry, ...]:
    """Return the studies, the most urgent first, then the newest."""
    order = (WORKLIST.c.urgency_rank, WORKLIST.c.received_at.desc(), WORKLIST.c.study_id)
    return _listed(session, WorklistEntry, sa.select(WORKLIST).order_by(*order).limit(limit))


def jobs_waiting(session: Session, limit: int) -> tuple[WaitingJob, ...]:
    """Return the jobs that are not done, in the order they will be leased."""
    order = (JOBS_WAITING.c.priority.desc(), JOBS_WAITING.c.due_at, JOBS_WAITING.c.job_id)
    return _listed(session, WaitingJob, sa.select(JOBS_WAITING).order_by(*order).limit(limit))


def dead_letters(session: Session, limit: int) -> tuple[DeadLetter, ...]:
    """Return the dead letters, the last seen first."""
    order = (DeadLetterRow.last_seen_at.desc(), DeadLetterRow.dead_letter_id)
    rows = session.scalars(sa.select(DeadLetterRow).order_by(*order).limit(limit))
    return tuple(mapping.dead_letter_of(row) for row in rows)


def counts(session: Session) -> Mapping[str, int]:
    """Return how many rows there are of each sort; jobs and deliveries also by status."""
    counted: dict[str, int] = {}
    tables = (("messages", MessageRow), ("orders", OrderRow), ("studies", StudyRow), ("reports", ReportRow))
    ends = (("dead_letters", DeadLetterRow), ("quarantined", QuarantineRow))
    for name, table in (*tables, *ends):
        counted[name] = session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
    for name, status in (("jobs", ReadJobRow.status), ("outbox", OutboxRow.status)):
        for value, number in session.execute(sa.select(status, sa.func.count()).group_by(status)):
            counted[f"{name}_{value}"] = number
    return counted


def _listed(session: Session, kind: type[Listed], query: sa.Select[tuple[object, ...]]) -> tuple[Listed, ...]:
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    rows = session.execute(query).mappings()
    return tuple(kind(**{name: row[name] for name in names}) for row in rows)
