"""Read jobs, what a reader is given, and what it gives back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gem_integration.domain.ecg import Recording
from gem_integration.domain.identity import Demographics, ReaderIdentity
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.statement import Statement


class JobStatus(StrEnum):
    """Where a read job is."""

    QUEUED = "queued"  #: due now or at its due time
    LEASED = "leased"  #: one holder works on it until its lease expires
    READ = "read"  #: its report is stored
    DEAD = "dead"  #: a dead letter says why


JOB_TRANSITIONS: frozenset[tuple[JobStatus, JobStatus]] = frozenset(
    {
        (JobStatus.QUEUED, JobStatus.LEASED),
        (JobStatus.LEASED, JobStatus.LEASED),  # an expired lease is taken over with a higher token
        (JobStatus.LEASED, JobStatus.READ),
        (JobStatus.LEASED, JobStatus.QUEUED),  # handed back, or due again after a failure
        (JobStatus.LEASED, JobStatus.DEAD),
        (JobStatus.DEAD, JobStatus.QUEUED),  # replayed by a person
    }
)


class Priority(StrEnum):
    """The lane of a job; STAT goes first."""

    STAT = "stat"
    ROUTINE = "routine"


class StopReason(StrEnum):
    """Why a reader stopped writing."""

    END = "end"
    LENGTH = "length"  #: the token limit was hit: the text is truncated and unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedJob:
    """A read job held by one holder until ``lease_expires_at``; ``fencing_token`` guards its writes."""

    job_id: uuid.UUID
    study_id: uuid.UUID
    reader_key: str
    priority: Priority
    attempts: int
    fencing_token: int
    lease_expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadRequest:
    """What a reader may look at; a model must not look at ``measurements`` and ``statements``."""

    recording: Recording
    demographics: Demographics
    indication: str | None
    measurements: Measurements
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """A reader's text, kept verbatim."""

    text: str
    reader: ReaderIdentity
    stop_reason: StopReason
    seconds: float
