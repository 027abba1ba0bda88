"""The tables; rows are inserted once, and only status, lease and attempt columns ever change."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from gem_integration.domain.evidence import Certainty, ClaimKind, Comparator, Polarity, Verdict
from gem_integration.domain.reading import JobStatus, Priority, StopReason
from gem_integration.domain.report import OutboxStatus, ReportStatus, Stage
from gem_integration.domain.statement import StatementState, Urgency
from gem_integration.domain.study import OrderMatch
from gem_integration.storage.columns import Document, Json, Key, UtcDateTime, Words, choice, identifier

HASH_LENGTH = 64


class Base(DeclarativeBase):
    """What all tables share: column types by annotation, and names for constraints."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        uuid.UUID: identifier(),
        datetime: UtcDateTime(),
        str: Words(),
        float: sa.Double(),
        Json: Document(),
    }


class BlobRow(Base):
    """Bytes by their SHA-256, in the same transaction as the rows that point to them."""

    __tablename__ = "blobs"

    sha256: Mapped[str] = mapped_column(sa.String(HASH_LENGTH), primary_key=True)
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    media_type: Mapped[str]
    content: Mapped[bytes]
    stored_at: Mapped[datetime]


class MessageRow(Base):
    """One message as it came; the sender's id is unique within its source."""

    __tablename__ = "inbound_messages"
    __table_args__ = (sa.UniqueConstraint("source", "message_id"),)

    message_row_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Key())
    message_id: Mapped[str] = mapped_column(Key())
    media_type: Mapped[str]
    blob_sha256: Mapped[str] = mapped_column(sa.ForeignKey("blobs.sha256"))
    received_at: Mapped[datetime] = mapped_column(index=True)


class OrderRow(Base):
    """One order message; several messages may speak of one order."""

    __tablename__ = "orders"

    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    control: Mapped[str]
    patient_id: Mapped[str | None]
    accession_number: Mapped[str | None] = mapped_column(Key(), index=True)
    placer_number: Mapped[str | None] = mapped_column(Key(), index=True)
    filler_number: Mapped[str | None] = mapped_column(Key(), index=True)
    received_at: Mapped[datetime]
    document: Mapped[Json] = mapped_column(Document())


class StudyRow(Base):
    """One acquisition event; ``document`` is the ECG as parsed, without its samples."""

    __tablename__ = "studies"

    study_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    recording_sha256: Mapped[str] = mapped_column(sa.String(HASH_LENGTH), unique=True)
    sop_instance_uid: Mapped[str | None] = mapped_column(Key(), unique=True)
    recording_blob: Mapped[str] = mapped_column(sa.ForeignKey("blobs.sha256"))
    patient_id: Mapped[str | None] = mapped_column(Key(), index=True)
    patient_assigner: Mapped[str | None]
    accession_number: Mapped[str | None] = mapped_column(Key(), index=True)
    placer_number: Mapped[str | None] = mapped_column(Key(), index=True)
    filler_number: Mapped[str | None] = mapped_column(Key(), index=True)
    performed_at: Mapped[datetime | None]
    received_at: Mapped[datetime] = mapped_column(index=True)
    document: Mapped[Json] = mapped_column(Document())


class MessageStudyRow(Base):
    """A message that carried a study."""

    __tablename__ = "message_studies"

    message_row_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("inbound_messages.message_row_id"), primary_key=True
    )
    study_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("studies.study_id"), primary_key=True, index=True
    )


class MessageOrderRow(Base):
    """A message that carried an order."""

    __tablename__ = "message_orders"

    message_row_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("inbound_messages.message_row_id"), primary_key=True
    )
    order_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("orders.order_id"), primary_key=True)


class OrderMatchRow(Base):
    """One attempt to put a study under its order; the highest number is the current one."""

    __tablename__ = "order_matches"

    study_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("studies.study_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[OrderMatch] = mapped_column(choice(OrderMatch))
    order_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("orders.order_id"))
    matched_at: Mapped[datetime]


class LeaseColumns:
    """What a row of work carries: when it is due, who holds it, and how it went last time."""

    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    fencing_token: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    holder: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error_reason: Mapped[str | None]
    created_at: Mapped[datetime]


class ReadJobRow(LeaseColumns, Base):
    """A study to be read by one reader."""

    __tablename__ = "read_jobs"
    __table_args__ = (
        sa.UniqueConstraint("study_id", "reader_key"),
        sa.Index("ix_read_jobs_due", "status", "priority", "due_at"),
    )

    job_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    study_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("studies.study_id"))
    reader_key: Mapped[str]
    priority: Mapped[Priority] = mapped_column(choice(Priority))
    status: Mapped[JobStatus] = mapped_column(choice(JobStatus))


class MeasurementSetRow(Base):
    """What surrounds the measurements of one read: quality, beats, and what could not be measured."""

    __tablename__ = "measurement_sets"

    set_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    study_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("studies.study_id"), index=True)
    job_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("read_jobs.job_id"), unique=True)
    sampling_rate_hz: Mapped[float]
    sample_count: Mapped[int]
    usable: Mapped[bool]
    measured_at: Mapped[datetime]
    quality: Mapped[Json] = mapped_column(Document())
    beats: Mapped[Json] = mapped_column(Document())
    unmeasured: Mapped[Json] = mapped_column(Document())


class MeasurementRow(Base):
    """One number with its samples."""

    __tablename__ = "measurements"

    set_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("measurement_sets.set_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(index=True)
    lead: Mapped[str | None]
    value: Mapped[float]
    unit: Mapped[str]
    uncertainty: Mapped[float]
    method: Mapped[str]
    beats: Mapped[Json] = mapped_column(Document())
    samples: Mapped[Json] = mapped_column(Document())


class InterpretationRow(Base):
    """A reader's text, verbatim."""

    __tablename__ = "interpretations"

    job_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("read_jobs.job_id"), primary_key=True)
    text: Mapped[str]
    reader_key: Mapped[str]
    reader: Mapped[Json] = mapped_column(Document())
    stop_reason: Mapped[StopReason] = mapped_column(choice(StopReason))
    seconds: Mapped[float]


class ReportRow(Base):
    """One version of a report; ``document`` holds what has no row or column of its own."""

    __tablename__ = "reports"
    __table_args__ = (sa.UniqueConstraint("study_id", "version"),)

    report_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    study_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("studies.study_id"))
    set_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("measurement_sets.set_id"))
    version: Mapped[int]
    status: Mapped[ReportStatus] = mapped_column(choice(ReportStatus))
    urgency: Mapped[Urgency] = mapped_column(choice(Urgency))
    reader_key: Mapped[str]
    issued_at: Mapped[datetime]
    supersedes: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("reports.report_id"))
    conclusion: Mapped[str]
    document: Mapped[Json] = mapped_column(Document())


class StatementRow(Base):
    """One of our statements in a report; ``parts`` is its evidence."""

    __tablename__ = "statements"

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("reports.report_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    statement_id: Mapped[str] = mapped_column(index=True)
    state: Mapped[StatementState] = mapped_column(choice(StatementState))
    urgency: Mapped[Urgency] = mapped_column(choice(Urgency))
    leads: Mapped[Json] = mapped_column(Document())
    note: Mapped[str | None]
    parts: Mapped[Json] = mapped_column(Document())


class ObservationRow(Base):
    """One claim of a report with its verdict."""

    __tablename__ = "observations"
    __table_args__ = (sa.Index("ix_observations_verdict_subject", "verdict", "subject"),)

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("reports.report_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    start_char: Mapped[int]
    end_char: Mapped[int]
    kind: Mapped[ClaimKind] = mapped_column(choice(ClaimKind))
    subject: Mapped[str | None]
    leads: Mapped[Json] = mapped_column(Document())
    polarity: Mapped[Polarity] = mapped_column(choice(Polarity))
    certainty: Mapped[Certainty] = mapped_column(choice(Certainty))
    comparator: Mapped[Comparator | None] = mapped_column(choice(Comparator))
    value: Mapped[float | None]
    value_high: Mapped[float | None]
    unit: Mapped[str | None]
    beats: Mapped[Json] = mapped_column(Document())
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict))
    reason: Mapped[str]


class EvidenceRow(Base):
    """One number a verdict rests on, with its sample ranges."""

    __tablename__ = "evidence"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["report_id", "observation_number"], ["observations.report_id", "observations.number"]
        ),
    )

    report_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    observation_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    measurement: Mapped[str]
    lead: Mapped[str | None]
    value: Mapped[float | None]
    unit: Mapped[str | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    criterion: Mapped[str]
    met: Mapped[bool | None]
    method: Mapped[str]
    beats: Mapped[Json] = mapped_column(Document())
    samples: Mapped[Json] = mapped_column(Document())


class OutboxRow(LeaseColumns, Base):
    """A report to be put into one sink."""

    __tablename__ = "outbox"
    __table_args__ = (
        sa.UniqueConstraint("report_id", "sink"),
        sa.Index("ix_outbox_due", "status", "due_at"),
    )

    outbox_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("reports.report_id"))
    study_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("studies.study_id"), index=True)
    version: Mapped[int]
    sink: Mapped[str]
    status: Mapped[OutboxStatus] = mapped_column(choice(OutboxStatus))


class DeliveryRow(Base):
    """One attempt to deliver, with what the sink answered."""

    __tablename__ = "deliveries"

    outbox_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("outbox.outbox_id"), primary_key=True)
    fencing_token: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    attempted_at: Mapped[datetime]
    delivered: Mapped[bool]
    location: Mapped[str | None]
    content_sha256: Mapped[str | None]
    code: Mapped[str | None]
    detail: Mapped[str]


class DeadLetterRow(Base):
    """Work that ended without a result; seen again, it is counted, not repeated."""

    __tablename__ = "dead_letters"

    dead_letter_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    stage: Mapped[Stage] = mapped_column(choice(Stage))
    code: Mapped[str]
    reason: Mapped[str]
    source: Mapped[str | None]
    blob_sha256: Mapped[str | None] = mapped_column(sa.ForeignKey("blobs.sha256"))
    subject_id: Mapped[str | None]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]
