"""Domain values ↔ table rows, both ways in one place.

Where a column is named as its field, the field's JSON form is the column's value, so a new field needs
only its column.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from gem_integration.domain.evidence import Claim, Evidence, GroundedObservation
from gem_integration.domain.identity import stable_id
from gem_integration.domain.measurement import Measurement, Measurements
from gem_integration.domain.reading import Interpretation, LeasedJob
from gem_integration.domain.report import DeadLetter, LeasedDelivery, Report
from gem_integration.domain.statement import Statement
from gem_integration.domain.study import Study
from gem_integration.storage.codec import Json, decode, encode, encode_fields
from gem_integration.storage.tables import (
    Base,
    DeadLetterRow,
    EvidenceRow,
    InterpretationRow,
    MeasurementRow,
    MeasurementSetRow,
    ObservationRow,
    OutboxRow,
    ReadJobRow,
    ReportRow,
    StatementRow,
)

Row: TypeAlias = dict[str, object]

#: The numbers by which an ECG names its order.
ORDER_NUMBERS = ("accession_number", "placer_number", "filler_number")
#: Fields of a report that have rows of their own; the rest is its document.
REPORT_ROWS = ("observations", "statements")
#: ``start`` and ``end`` are words of SQL.
CLAIM_COLUMNS = {"start": "start_char", "end": "end_char"}


def row_of(value: object, **more: object) -> Row:
    """Return the columns of a dataclass whose fields are columns, and ``more`` beside them."""
    return {**encode_fields(value), **more}


def document_of(row: Base, kind: type) -> dict[str, Json]:
    """Return the fields of ``kind`` as a document, from the columns named as they are."""
    return {field.name: getattr(row, field.name) for field in dataclasses.fields(kind)}


def study_row(study: Study, *, recording_sha256: str, blob: str) -> Row:
    """Return the row of a study; its recording is a blob."""
    ecg = study.ecg
    return {
        "study_id": study.study_id,
        "recording_sha256": recording_sha256,
        "sop_instance_uid": ecg.sop_instance_uid,
        "recording_blob": blob,
        "patient_id": ecg.patient.patient_id if ecg.patient else None,
        "patient_assigner": ecg.patient.assigner if ecg.patient else None,
        **{name: getattr(ecg, name) for name in ORDER_NUMBERS},
        "performed_at": ecg.acquisition.performed_at,
        "received_at": study.received_at,
        "document": encode_fields(ecg, without=("recording",)),
    }


def set_id_of(job_id: uuid.UUID) -> uuid.UUID:
    """Return the identifier of the measurements a job makes."""
    return stable_id("measurements", str(job_id))


def set_row(
    measurements: Measurements, *, study_id: uuid.UUID, job_id: uuid.UUID, measured_at: datetime
) -> Row:
    """Return the row of a whole measurement; its items have rows of their own."""
    return {
        "set_id": set_id_of(job_id),
        "study_id": study_id,
        "job_id": job_id,
        "sampling_rate_hz": float(measurements.sampling_rate_hz),
        "sample_count": int(measurements.sample_count),
        "usable": bool(measurements.quality.usable),
        "measured_at": measured_at,
        "quality": encode(measurements.quality),
        "beats": encode(measurements.beats),
        "unmeasured": [[encode(key), reason] for key, reason in measurements.unmeasured.items()],
    }


def measurement_rows(set_id: uuid.UUID, measurements: Measurements) -> list[Row]:
    """Return one row for each measurement, in order."""
    return [row_of(item, set_id=set_id, number=number) for number, item in enumerate(measurements)]


def measurements_of(row: MeasurementSetRow, items: Iterable[MeasurementRow]) -> Measurements:
    """Return what ``set_row`` and ``measurement_rows`` wrote."""
    return decode(
        Measurements,
        {
            "sampling_rate_hz": row.sampling_rate_hz,
            "sample_count": row.sample_count,
            "quality": row.quality,
            "beats": row.beats,
            "unmeasured": row.unmeasured,
        },
        items=tuple(decode(Measurement, document_of(item, Measurement)) for item in items),
    )


def interpretation_row(interpretation: Interpretation, job_id: uuid.UUID) -> Row:
    """Return the row of a reader's text."""
    return row_of(interpretation, job_id=job_id, reader_key=interpretation.reader.key)


def interpretation_of(row: InterpretationRow) -> Interpretation:
    """Return what ``interpretation_row`` wrote."""
    return decode(Interpretation, document_of(row, Interpretation))


def report_row(report: Report, set_id: uuid.UUID) -> Row:
    """Return the row of a report; observations and statements have rows of their own."""
    return {
        "report_id": report.report_id,
        "study_id": report.study_id,
        "set_id": set_id,
        "version": report.version,
        "status": report.status,
        "urgency": report.urgency,
        "reader_key": report.reader.key,
        "issued_at": report.issued_at,
        "supersedes": report.supersedes,
        "conclusion": report.conclusion,
        "document": encode_fields(report, without=REPORT_ROWS),
    }


def report_of(
    row: ReportRow, statements: Sequence[StatementRow], observations: Iterable[GroundedObservation]
) -> Report:
    """Return what ``report_row`` and the rows beside it wrote."""
    return decode(
        Report,
        row.document,
        statements=tuple(decode(Statement, document_of(item, Statement)) for item in statements),
        observations=tuple(observations),
    )


def statement_rows(report: Report) -> list[Row]:
    """Return one row for each of our statements, in order."""
    return [
        row_of(statement, report_id=report.report_id, number=number)
        for number, statement in enumerate(report.statements)
    ]


def observation_rows(report: Report) -> list[Row]:
    """Return one row for each claim with its verdict, in order."""
    return [
        {
            **{
                CLAIM_COLUMNS.get(name, name): item for name, item in encode_fields(observation.claim).items()
            },
            "verdict": observation.verdict,
            "reason": observation.reason,
            "report_id": report.report_id,
            "number": number,
        }
        for number, observation in enumerate(report.observations)
    ]


def evidence_rows(report: Report) -> list[Row]:
    """Return one row for each number a verdict rests on, in order."""
    return [
        row_of(evidence, report_id=report.report_id, observation_number=observation_number, number=number)
        for observation_number, observation in enumerate(report.observations)
        for number, evidence in enumerate(observation.evidence)
    ]


def observation_of(row: ObservationRow, evidence: Iterable[EvidenceRow]) -> GroundedObservation:
    """Return what ``observation_rows`` and ``evidence_rows`` wrote."""
    names = [field.name for field in dataclasses.fields(Claim)]
    claim = {name: getattr(row, CLAIM_COLUMNS.get(name, name)) for name in names}
    return GroundedObservation(
        claim=decode(Claim, claim),
        verdict=row.verdict,
        reason=row.reason,
        evidence=tuple(decode(Evidence, document_of(item, Evidence)) for item in evidence),
    )


def leased_job_of(row: ReadJobRow) -> LeasedJob:
    """Return a job as its holder sees it."""
    return LeasedJob(
        job_id=row.job_id,
        study_id=row.study_id,
        reader_key=row.reader_key,
        priority=row.priority,
        attempts=row.attempts,
        fencing_token=row.fencing_token,
        lease_expires_at=_lease_end(row.lease_expires_at),
    )


def leased_delivery_of(row: OutboxRow) -> LeasedDelivery:
    """Return an outbox row as its holder sees it."""
    return LeasedDelivery(
        outbox_id=row.outbox_id,
        report_id=row.report_id,
        sink=row.sink,
        attempts=row.attempts,
        fencing_token=row.fencing_token,
        lease_expires_at=_lease_end(row.lease_expires_at),
    )


def dead_letter_of(row: DeadLetterRow) -> DeadLetter:
    """Return a dead letter."""
    return DeadLetter(
        dead_letter_id=row.dead_letter_id,
        stage=row.stage,
        code=row.code,
        reason=row.reason,
        source=row.source,
        blob_sha256=row.blob_sha256,
        subject_id=row.subject_id,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        count=row.count,
    )


def _lease_end(expires_at: datetime | None) -> datetime:
    if expires_at is None:
        raise ValueError("a leased row has an end of its lease")
    return expires_at
