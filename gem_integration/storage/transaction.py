"""What receiving writes: the message, its study or order, the job, and how study and order match."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gem_integration.domain.arrival import Acknowledgement, Quarantined
from gem_integration.domain.ecg import Lead, Recording
from gem_integration.domain.identity import Patient, content_hash, stable_id
from gem_integration.domain.reading import JobStatus, Priority
from gem_integration.domain.report import DeadLetter
from gem_integration.domain.study import InboundEcg, InboundMessage, InboundOrder, Order, OrderMatch, Study
from gem_integration.errors import IdentityConflict
from gem_integration.storage import arrivals, blobs, records
from gem_integration.storage.codec import dumps, encode
from gem_integration.storage.columns import Key
from gem_integration.storage.inserts import insert_new
from gem_integration.storage.letters import record_dead_letter
from gem_integration.storage.mapping import ORDER_NUMBERS, study_row
from gem_integration.storage.tables import (
    MessageOrderRow,
    MessageRow,
    MessageStudyRow,
    OrderMatchRow,
    OrderRow,
    ReadJobRow,
    StudyRow,
)

ORDERS_MATCHED_MAX = 100
#: Leads that I and II determine (Einthoven, Goldberger).
DERIVED_LEADS = frozenset({Lead.III, Lead.AVR, Lead.AVL, Lead.AVF})


class Transaction:
    """The writes of one transaction; ``Store.transaction`` commits them all, or none."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def keep_bytes(self, message: InboundMessage) -> str:
        """Keep a message's bytes and return their hash."""
        return blobs.put(self._session, message.content, message.media_type, message.received_at)

    def keep_message(self, message: InboundMessage, message_id: str) -> uuid.UUID:
        """Keep a message and its bytes; ``IdentityConflict`` if its id is known with other bytes."""
        sha256 = self.keep_bytes(message)
        message_row_id = stable_id("message", message.source, message_id)
        row: dict[str, object] = {
            "message_row_id": message_row_id,
            "source": message.source,
            "message_id": message_id,
            "media_type": message.media_type,
            "blob_sha256": sha256,
            "received_at": message.received_at,
        }
        if not insert_new(self._session, MessageRow, row):
            known = self._session.get(MessageRow, message_row_id)
            if known is None or known.blob_sha256 != sha256:
                reason = "this message id is already stored with other bytes: send it under a new id"
                raise IdentityConflict(reason, message=str(message_row_id))
        return message_row_id

    def keep_study(
        self, ecg: InboundEcg, message_row_id: uuid.UUID, received_at: datetime
    ) -> tuple[Study, bool]:
        """Return the study of ``ecg`` and whether it is new.

        The same signal, whichever of its derivable leads came along, is the same study. Under another
        patient, or with another signal under the same SOP Instance UID, it is an ``IdentityConflict``.
        """
        sha256 = _signal_hash(ecg, message_row_id)
        study = Study(study_id=stable_id("study", sha256), ecg=ecg, received_at=received_at)
        packed = blobs.pack_recording(ecg.recording)
        blob = blobs.put(self._session, packed, blobs.RECORDING_MEDIA_TYPE, received_at)
        if insert_new(self._session, StudyRow, study_row(study, recording_sha256=sha256, blob=blob)):
            return study, True
        known = self._session.get(StudyRow, study.study_id)
        if known is None:
            raise IdentityConflict("this SOP Instance UID is already stored with another signal")
        if not _may_be_same(known, ecg.patient):
            reason = "this signal is already stored under another patient: a person must say whose it is"
            raise IdentityConflict(reason, study=str(study.study_id))
        return records.study_of(self._session, known), False

    def keep_order(self, inbound: InboundOrder, message_row_id: uuid.UUID, received_at: datetime) -> Order:
        """Keep one order message; keeping it again changes nothing."""
        document = encode(inbound)
        order_id = stable_id("order", str(message_row_id), content_hash(dumps(document).encode()))
        row: dict[str, object] = {
            "order_id": order_id,
            "control": inbound.control,
            "patient_id": inbound.patient.patient_id if inbound.patient else None,
            **{name: getattr(inbound, name) for name in ORDER_NUMBERS},
            "received_at": received_at,
            "document": document,
        }
        insert_new(self._session, OrderRow, row)
        return Order(order_id=order_id, inbound=inbound)

    def link_study(self, message_row_id: uuid.UUID, study_id: uuid.UUID) -> bool:
        """Say that the message carried the study; false if that was known."""
        row = {"message_row_id": message_row_id, "study_id": study_id}
        return insert_new(self._session, MessageStudyRow, row)

    def link_order(self, message_row_id: uuid.UUID, order_id: uuid.UUID) -> bool:
        """Say that the message carried the order; false if that was known."""
        row = {"message_row_id": message_row_id, "order_id": order_id}
        return insert_new(self._session, MessageOrderRow, row)

    def queue_read(
        self, study_id: uuid.UUID, reader_key: str, *, priority: Priority, due_at: datetime
    ) -> uuid.UUID:
        """Queue the study for a reader, once; return the job."""
        job_id = stable_id("job", str(study_id), reader_key)
        row: dict[str, object] = {
            "job_id": job_id,
            "study_id": study_id,
            "reader_key": reader_key,
            "priority": priority,
            "status": JobStatus.QUEUED,
            "due_at": due_at,
            "created_at": due_at,
            "attempts": 0,
            "fencing_token": 0,
        }
        insert_new(self._session, ReadJobRow, row)
        return job_id

    def job_for(self, study_id: uuid.UUID, reader_key: str) -> uuid.UUID | None:
        """Return the study's job for this reader, if it was queued."""
        query = sa.select(ReadJobRow.job_id).filter_by(study_id=study_id, reader_key=reader_key)
        return self._session.scalars(query).first()

    def orders_named_by(self, ecg: InboundEcg) -> tuple[Order, ...]:
        """Return the orders that bear a number the ECG bears, oldest first, and hold those numbers.

        Until the transaction ends, nobody else matches an order or ECG of the same numbers, so that of
        two that arrive at once the second sees the first.
        """
        self._hold_numbers(ecg)
        rows = self._session.scalars(_ORDERS_NAMED, _numbers_of(ecg))
        return tuple(records.order_of(row) for row in rows)

    def studies_awaiting(self, order: InboundOrder) -> tuple[Study, ...]:
        """Return the studies that bear a number of the order and are under no order yet."""
        self._hold_numbers(order)
        rows = self._session.scalars(_STUDIES_AWAITING, _numbers_of(order))
        return tuple(records.study_of(self._session, row) for row in rows)

    def keep_match(
        self, study_id: uuid.UUID, outcome: OrderMatch, *, order_id: uuid.UUID | None, matched_at: datetime
    ) -> None:
        """Record what came of matching, unless it already stands so."""
        latest = records.latest_match(self._session, study_id)
        if latest is not None and (latest.outcome, latest.order_id) == (outcome, order_id):
            return
        self._session.add(
            OrderMatchRow(
                study_id=study_id,
                number=0 if latest is None else latest.number + 1,
                outcome=outcome,
                order_id=order_id,
                matched_at=matched_at,
            )
        )
        self._session.flush()

    def keep_dead_letter(self, letter: DeadLetter) -> DeadLetter:
        """Keep a dead letter, or count it once more."""
        return record_dead_letter(self._session, letter)

    def acknowledgement(self, source: str, message_id: str) -> Acknowledgement | None:
        """Return the answer a message id of a source was given, if it was."""
        return arrivals.acknowledgement_of(self._session, source, message_id)

    def keep_acknowledgement(self, given: Acknowledgement) -> bool:
        """Keep an answer beside its message's bytes; false if this message id was answered before."""
        return arrivals.keep_acknowledgement(self._session, given)

    def count_repeat(self, given: Acknowledgement) -> None:
        """Count that an answer was sent once more."""
        arrivals.count_repeat(self._session, given)

    def quarantine(self, bad: Quarantined) -> None:
        """Keep bytes that became no message, or count them once more."""
        arrivals.keep_quarantined(self._session, bad)

    def _hold_numbers(self, named: InboundEcg | InboundOrder) -> None:
        if self._session.get_bind().dialect.name != "postgresql":
            return  # a writing transaction on SQLite is alone
        numbers = {number for name in ORDER_NUMBERS if (number := getattr(named, name))}
        for number in sorted(numbers):
            lock = sa.func.hashtextextended(sa.literal(number, Key()), 0)
            self._session.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def _shares_number(table: type[OrderRow | StudyRow]) -> sa.ColumnElement[bool]:
    return sa.or_(*(getattr(table, name) == sa.bindparam(name) for name in ORDER_NUMBERS))


def _numbers_of(named: InboundEcg | InboundOrder) -> dict[str, str | None]:
    """Return the numbers to look for; one that is missing is NULL, which equals nothing."""
    return {name: getattr(named, name) or None for name in ORDER_NUMBERS}


# Composing these takes longer than running them, and every message runs one.
_ORDERS_NAMED = (
    sa.select(OrderRow)
    .where(_shares_number(OrderRow))
    .order_by(OrderRow.received_at)
    .limit(ORDERS_MATCHED_MAX)
)
_STUDIES_AWAITING = (
    sa.select(StudyRow)
    .where(
        _shares_number(StudyRow),
        ~sa.exists().where(
            OrderMatchRow.study_id == StudyRow.study_id, OrderMatchRow.outcome == OrderMatch.MATCHED
        ),
    )
    .order_by(StudyRow.received_at)
    .limit(ORDERS_MATCHED_MAX)
)


def _signal_hash(ecg: InboundEcg, message_row_id: uuid.UUID) -> str:
    # A recording that is flat throughout identifies nothing: two patients may both have one.
    flat = not ecg.recording.samples_mv.any()
    return content_hash(_signal(ecg.recording).digest_bytes() + (message_row_id.bytes if flat else b""))


def _signal(recording: Recording) -> Recording:
    # One system sends eight leads, another all twelve, each in its own order: what follows from I and II
    # adds no signal.
    derivable = DERIVED_LEADS if {Lead.I, Lead.II} <= set(recording.leads) else frozenset()
    leads = [lead for lead in Lead if lead in recording.leads and lead not in derivable]
    rows = [recording.leads.index(lead) for lead in leads]
    return Recording.of(recording.samples_mv[rows], leads, recording.sampling_rate_hz)


def _may_be_same(known: StudyRow, patient: Patient | None) -> bool:
    if patient is None or known.patient_id is None:
        return True
    assigners_differ = None not in (known.patient_assigner, patient.assigner) and (
        known.patient_assigner != patient.assigner
    )
    return known.patient_id == patient.patient_id and not assigners_differ
