"""The store: one object that opens the database, and the only place that commits."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gem_integration.domain.arrival import Acknowledgement, Quarantined
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.reading import Interpretation, JobStatus, LeasedJob
from gem_integration.domain.report import DeadLetter, LeasedDelivery, OutboxStatus, Receipt, Report
from gem_integration.domain.study import Order, Study
from gem_integration.errors import Decision, Fate, StorageUnavailable
from gem_integration.ports import Clock
from gem_integration.storage import arrivals, blobs, due, leases, mapping, migrate, queries, records
from gem_integration.storage.codec import Json
from gem_integration.storage.engine import WRITES, open_engine, translated
from gem_integration.storage.inserts import insert_all
from gem_integration.storage.tables import (
    DeliveryRow,
    InterpretationRow,
    MeasurementSetRow,
    OrderRow,
    ReportRow,
    StudyRow,
)
from gem_integration.storage.transaction import Transaction

LIST_ROWS_MAX = 1_000
T = TypeVar("T")


class _OpenTransaction(threading.local):
    session: Session | None = None


class Store:
    """Our own memory. Safe to share between threads; each call is one transaction.

    Every method raises ``StorageUnavailable`` when the database cannot be used now.
    """

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**{WRITES: True})
        self._clock = clock
        self._open = _OpenTransaction()

    @classmethod
    def open(cls, database_url: str, *, clock: Clock) -> Self:
        """Open ``sqlite:///path`` or ``postgresql://…``; nothing is connected until first used."""
        return cls(open_engine(database_url), clock)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def migrate(self) -> None:
        """Bring the database to this version's tables; safe to run again and from many processes."""
        with translated():
            migrate.upgrade(self._engine)

    def revisions(self) -> tuple[str | None, str | None]:
        """Return the revision the database is at, and the one this version wants."""
        with translated():
            return migrate.revisions(self._engine)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Give the writes of one transaction: all are committed at the end, or none on an error.

        A transaction that a thread begins inside another of its own is a part of it: an error undoes the
        part, and only the end of the whole commits.
        """
        if self._open.session is not None:
            with translated(), self._open.session.begin_nested():
                yield Transaction(self._open.session)
            return
        with self._write() as session:
            self._open.session = session
            try:
                yield Transaction(session)
            finally:
                self._open.session = None

    def study(self, study_id: uuid.UUID) -> Study:
        """Return a study with its recording; ``KeyError`` if there is none."""
        with self._read() as session:
            return records.study_of(session, _found(session.get(StudyRow, study_id), study_id))

    def order(self, order_id: uuid.UUID) -> Order:
        """Return an order; ``KeyError`` if there is none."""
        with self._read() as session:
            return records.order_of(_found(session.get(OrderRow, order_id), order_id))

    def blob(self, sha256: str) -> bytes:
        """Return kept bytes, their hash verified; ``KeyError`` if there are none."""
        with self._read() as session:
            return blobs.get(session, sha256)

    def acknowledgement(self, source: str, message_id: str) -> Acknowledgement | None:
        """Return the answer a message id of a source was given, if it was."""
        with self._read() as session:
            return arrivals.acknowledgement_of(session, source, message_id)

    def measurements(self, study_id: uuid.UUID) -> Measurements | None:
        """Return the latest measurements of a study."""
        query = sa.select(MeasurementSetRow).where(MeasurementSetRow.study_id == study_id)
        latest = query.order_by(MeasurementSetRow.measured_at.desc()).limit(1)
        with self._read() as session:
            row = session.scalars(latest).first()
            return None if row is None else records.measurements_in(session, row)

    def measurements_under(self, report_id: uuid.UUID) -> Measurements:
        """Return the measurements a report rests on; ``KeyError`` if there is no such report."""
        with self._read() as session:
            report = _found(session.get(ReportRow, report_id), report_id)
            return records.measurements_in(session, session.get_one(MeasurementSetRow, report.set_id))

    def interpretation(self, job_id: uuid.UUID) -> Interpretation | None:
        """Return the reader's text of a read job."""
        with self._read() as session:
            row = session.get(InterpretationRow, job_id)
            return None if row is None else mapping.interpretation_of(row)

    def report(self, report_id: uuid.UUID) -> Report | None:
        """Return one version of a report."""
        with self._read() as session:
            row = session.get(ReportRow, report_id)
            return None if row is None else records.report_in(session, row)

    def latest_report(self, study_id: uuid.UUID) -> Report | None:
        """Return the newest version of a study's report."""
        query = sa.select(ReportRow).where(ReportRow.study_id == study_id)
        with self._read() as session:
            row = session.scalars(query.order_by(ReportRow.version.desc()).limit(1)).first()
            return None if row is None else records.report_in(session, row)

    def next_version(self, study_id: uuid.UUID) -> int:
        """Return the version the study's next report will have."""
        query = sa.select(sa.func.max(ReportRow.version)).where(ReportRow.study_id == study_id)
        with self._read() as session:
            return (session.scalar(query) or 0) + 1

    def lease_reads(
        self, limit: int, holder: str, seconds: float, *, reader_key: str | None = None
    ) -> tuple[LeasedJob, ...]:
        """Lease up to ``limit`` due read jobs for ``seconds``, STAT first; for one reader or for any."""
        lease = leases.Lease(holder=holder, limit=limit, seconds=seconds, now=self._clock.now())
        with self._write() as session:
            return leases.lease_reads(session, lease, reader_key)

    def due_reads(self, limit: int) -> tuple[due.DueRead, ...]:
        """Return up to ``limit`` read jobs of each reader that may be leased now, STAT first."""
        with self._read() as session:
            return due.due_reads(session, self._clock.now(), limit)

    def finish(
        self,
        job: LeasedJob,
        *,
        measurements: Measurements,
        interpretation: Interpretation,
        report: Report,
        sinks: Collection[str] = (),
    ) -> None:
        """Store everything a read made, queue its deliveries and end the job, all or nothing.

        ``LeaseLost`` if another holder took the job; ``StorageUnavailable`` if another report of this
        version was stored meanwhile (the next attempt writes the version after it).
        """
        now = self._clock.now()
        try:
            with self._write() as session:
                row = leases.held_job(session, job)
                set_id = records.insert_measurements(
                    session, measurements, study_id=job.study_id, job_id=job.job_id, at=now
                )
                insert_all(
                    session, InterpretationRow, [mapping.interpretation_row(interpretation, job.job_id)]
                )
                records.insert_report(session, report, set_id)
                records.insert_outbox(session, report, tuple(sinks), now)
                leases.end(row, JobStatus.READ)
        except IntegrityError:
            reason = "another report of this version was stored meanwhile: read again"
            raise StorageUnavailable(reason, job=str(job.job_id), version=report.version) from None

    def fail(self, job: LeasedJob, decision: Decision, *, reason: str) -> None:
        """Record a failed attempt to read; ``LeaseLost`` if another holder has the job."""
        if decision.fate is Fate.DROP:
            return
        with self._write() as session:
            row = leases.held_job(session, job)
            leases.fail(session, row, decision, reason=reason, now=self._clock.now())

    def hand_back(self, job: LeasedJob) -> None:
        """Give an unfinished job back at once, without counting the attempt."""
        with self._write() as session:
            row = leases.held_job(session, job)
            row.attempts -= 1
            leases.again(row, self._clock.now())

    def lease_deliveries(
        self, limit: int, holder: str, seconds: float, *, sinks: Collection[str] | None = None
    ) -> tuple[LeasedDelivery, ...]:
        """Lease up to ``limit`` due deliveries for ``seconds``; to some sinks or to any."""
        lease = leases.Lease(holder=holder, limit=limit, seconds=seconds, now=self._clock.now())
        with self._write() as session:
            return leases.lease_deliveries(session, lease, sinks)

    def delivered(self, delivery: LeasedDelivery, receipt: Receipt) -> None:
        """Record what the sink answered; ``LeaseLost`` if another holder has the delivery."""
        with self._write() as session:
            row = leases.held_delivery(session, delivery)
            session.add(
                DeliveryRow(
                    outbox_id=delivery.outbox_id,
                    fencing_token=delivery.fencing_token,
                    attempted_at=self._clock.now(),
                    delivered=True,
                    location=receipt.location,
                    content_sha256=receipt.content_sha256,
                    detail=receipt.detail,
                )
            )
            leases.end(row, OutboxStatus.DELIVERED)

    def delivery_failed(self, delivery: LeasedDelivery, decision: Decision, *, reason: str) -> None:
        """Record a failed attempt to deliver; ``LeaseLost`` if another holder has the delivery."""
        if decision.fate is Fate.DROP:
            return
        now = self._clock.now()
        with self._write() as session:
            row = leases.held_delivery(session, delivery)
            session.add(
                DeliveryRow(
                    outbox_id=delivery.outbox_id,
                    fencing_token=delivery.fencing_token,
                    attempted_at=now,
                    delivered=False,
                    code=decision.code,
                    detail=reason,
                )
            )
            leases.fail(session, row, decision, reason=reason, now=now)

    def worklist(self, limit: int = LIST_ROWS_MAX) -> tuple[queries.WorklistEntry, ...]:
        """Return the studies, the most urgent first, then the newest."""
        with self._read() as session:
            return queries.worklist(session, limit)

    def jobs_waiting(self, limit: int = LIST_ROWS_MAX) -> tuple[queries.WaitingJob, ...]:
        """Return the read jobs that are not done, with the reason."""
        with self._read() as session:
            return queries.jobs_waiting(session, limit)

    def dead_letters(self, limit: int = LIST_ROWS_MAX) -> tuple[DeadLetter, ...]:
        """Return the dead letters, the last seen first."""
        with self._read() as session:
            return queries.dead_letters(session, limit)

    def quarantined(self, limit: int = LIST_ROWS_MAX) -> tuple[Quarantined, ...]:
        """Return the bytes that became no message, the last seen first."""
        with self._read() as session:
            return arrivals.quarantined(session, limit)

    def view(self, name: str, limit: int = LIST_ROWS_MAX) -> tuple[dict[str, Json], ...]:
        """Return rows of one of the ``AUDIT_VIEWS``; ``KeyError`` for a view we do not have."""
        with self._read() as session:
            return queries.view(session, name, limit)

    def counts(self) -> Mapping[str, int]:
        """Return how many rows there are of each sort; jobs and deliveries by status."""
        with self._read() as session:
            return queries.counts(session)

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with translated(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def _read(self) -> Iterator[Session]:
        with translated(), Session(self._engine, expire_on_commit=False) as session:
            yield session


def _found(row: T | None, key: uuid.UUID) -> T:
    if row is None:
        raise KeyError(key)
    return row
