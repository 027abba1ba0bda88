"""Studies, measurements and reports: written whole, read back whole."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gem_integration.domain.evidence import GroundedObservation
from gem_integration.domain.identity import stable_id
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.report import OutboxStatus, Report
from gem_integration.domain.study import InboundEcg, InboundOrder, Order, Study
from gem_integration.storage import blobs, mapping
from gem_integration.storage.codec import decode
from gem_integration.storage.inserts import insert_all
from gem_integration.storage.tables import (
    EvidenceRow,
    MeasurementRow,
    MeasurementSetRow,
    MessageRow,
    MessageStudyRow,
    ObservationRow,
    OrderMatchRow,
    OrderRow,
    OutboxRow,
    ReportRow,
    StatementRow,
    StudyRow,
)


def study_of(session: Session, row: StudyRow) -> Study:
    """Return a study with its recording and the order it is under."""
    recording = blobs.unpack_recording(blobs.get(session, row.recording_blob))
    match = latest_match(session, row.study_id)
    return Study(
        study_id=row.study_id,
        ecg=decode(InboundEcg, row.document, recording=recording),
        received_at=row.received_at,
        order_id=match.order_id if match else None,
        message_sha256=_first_message_sha256(session, row.study_id),
    )


def _first_message_sha256(session: Session, study_id: uuid.UUID) -> str | None:
    query = sa.select(MessageRow.blob_sha256).join(
        MessageStudyRow, MessageStudyRow.message_row_id == MessageRow.message_row_id
    )
    first = query.where(MessageStudyRow.study_id == study_id).order_by(MessageRow.received_at).limit(1)
    return session.scalars(first).first()


def order_of(row: OrderRow) -> Order:
    """Return an order."""
    return Order(order_id=row.order_id, inbound=decode(InboundOrder, row.document))


def latest_match(session: Session, study_id: uuid.UUID) -> OrderMatchRow | None:
    """Return the current outcome of matching a study with its order."""
    query = sa.select(OrderMatchRow).where(OrderMatchRow.study_id == study_id)
    return session.scalars(query.order_by(OrderMatchRow.number.desc()).limit(1)).first()


def insert_measurements(
    session: Session, measurements: Measurements, *, study_id: uuid.UUID, job_id: uuid.UUID, at: datetime
) -> uuid.UUID:
    """Insert the measurements of one read and return their set."""
    row = mapping.set_row(measurements, study_id=study_id, job_id=job_id, measured_at=at)
    set_id = mapping.set_id_of(job_id)
    insert_all(session, MeasurementSetRow, [row])
    insert_all(session, MeasurementRow, mapping.measurement_rows(set_id, measurements))
    return set_id


def insert_report(session: Session, report: Report, set_id: uuid.UUID) -> None:
    """Insert one version of a report with its statements, claims and evidence."""
    insert_all(session, ReportRow, [mapping.report_row(report, set_id)])
    insert_all(session, StatementRow, mapping.statement_rows(report))
    insert_all(session, ObservationRow, mapping.observation_rows(report))
    insert_all(session, EvidenceRow, mapping.evidence_rows(report))


def insert_outbox(session: Session, report: Report, sinks: tuple[str, ...], due_at: datetime) -> None:
    """Insert one row of delivery for each sink."""
    rows: list[dict[str, object]] = [
        {
            "outbox_id": stable_id("outbox", str(report.report_id), sink),
            "report_id": report.report_id,
            "study_id": report.study_id,
            "version": report.version,
            "sink": sink,
            "status": OutboxStatus.DUE,
            "due_at": due_at,
            "created_at": due_at,
            "attempts": 0,
            "fencing_token": 0,
        }
        for sink in sinks
    ]
    insert_all(session, OutboxRow, rows)


def measurements_in(session: Session, row: MeasurementSetRow) -> Measurements:
    """Return the measurements of a set, in their order."""
    query = sa.select(MeasurementRow).where(MeasurementRow.set_id == row.set_id)
    return mapping.measurements_of(row, session.scalars(query.order_by(MeasurementRow.number)))


def report_in(session: Session, row: ReportRow) -> Report:
    """Return a report with its statements, claims and evidence, in their order."""
    statements = session.scalars(
        sa.select(StatementRow).where(StatementRow.report_id == row.report_id).order_by(StatementRow.number)
    ).all()
    return mapping.report_of(row, statements, _observations_in(session, row.report_id))


def _observations_in(session: Session, report_id: uuid.UUID) -> tuple[GroundedObservation, ...]:
    evidence: defaultdict[int, list[EvidenceRow]] = defaultdict(list)
    numbers = (EvidenceRow.observation_number, EvidenceRow.number)
    for row in session.scalars(
        sa.select(EvidenceRow).where(EvidenceRow.report_id == report_id).order_by(*numbers)
    ):
        evidence[row.observation_number].append(row)
    observations = session.scalars(
        sa.select(ObservationRow).where(ObservationRow.report_id == report_id).order_by(ObservationRow.number)
    )
    return tuple(mapping.observation_of(row, evidence[row.number]) for row in observations)
