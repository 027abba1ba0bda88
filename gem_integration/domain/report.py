"""The report, its deliveries, and what could not become one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gem_integration.domain.evidence import GroundedObservation
from gem_integration.domain.identity import ReaderIdentity
from gem_integration.domain.statement import Statement, Urgency


class ReportStatus(StrEnum):
    """FHIR R4 DiagnosticReport.status values this project uses."""

    PRELIMINARY = "preliminary"  #: written by a reader, seen by no person
    FINAL = "final"  #: over-read by a person
    AMENDED = "amended"
    ENTERED_IN_ERROR = "entered-in-error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Counts of claims by kind and verdict, and the share of ECG-bearing words inside claims (0 to 1)."""

    by_kind: Mapping[str, int]
    by_verdict: Mapping[str, int]
    words_covered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One version of the report on one study.

    Three voices, kept apart: ``narrative`` is the reader's text verbatim, ``statements`` are ours,
    ``cart_statements`` the cart's. ``conclusion`` never holds a contradicted claim; those stand in
    ``not_confirmed`` with both numbers.
    """

    report_id: uuid.UUID
    study_id: uuid.UUID
    version: int
    status: ReportStatus
    issued_at: datetime
    reader: ReaderIdentity
    narrative: str
    conclusion: str
    not_confirmed: tuple[str, ...]
    observations: tuple[GroundedObservation, ...]
    coverage: Coverage
    statements: tuple[Statement, ...]
    cart_statements: tuple[str, ...]
    urgency: Urgency
    quality_reasons: tuple[str, ...] = ()
    supersedes: uuid.UUID | None = None


class OutboxStatus(StrEnum):
    """Where a delivery to one sink is."""

    DUE = "due"
    LEASED = "leased"
    DELIVERED = "delivered"
    DEAD = "dead"


OUTBOX_TRANSITIONS: frozenset[tuple[OutboxStatus, OutboxStatus]] = frozenset(
    {
        (OutboxStatus.DUE, OutboxStatus.LEASED),
        (OutboxStatus.LEASED, OutboxStatus.LEASED),
        (OutboxStatus.LEASED, OutboxStatus.DELIVERED),
        (OutboxStatus.LEASED, OutboxStatus.DUE),
        (OutboxStatus.LEASED, OutboxStatus.DEAD),
        (OutboxStatus.DEAD, OutboxStatus.DUE),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedDelivery:
    """One outbox row held by one relay."""

    outbox_id: uuid.UUID
    report_id: uuid.UUID
    sink: str
    attempts: int
    fencing_token: int
    lease_expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a sink answered: where the report is now, and the digest of what was sent."""

    location: str
    content_sha256: str
    detail: str = ""


class Stage(StrEnum):
    """The step at which work died."""

    RECEIVE = "receive"
    READ = "read"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Work that ended without a result: why, and where its bytes are. No patient data in clear."""

    dead_letter_id: uuid.UUID
    stage: Stage
    code: str
    reason: str
    source: str | None
    blob_sha256: str | None
    subject_id: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    count: int = 1
