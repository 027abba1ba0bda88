"""A parsed message becomes a study with a read job, or an order; once, however often it comes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum

from gem_integration.domain.identity import content_hash, stable_id
from gem_integration.domain.report import DeadLetter, Stage
from gem_integration.domain.study import InboundEcg, InboundMessage, InboundOrder, Order, OrderMatch, Study
from gem_integration.errors import UnreadableMessage
from gem_integration.pipeline.failures import cause_of
from gem_integration.pipeline.orders import match_order, priority_of
from gem_integration.ports import Clock
from gem_integration.storage import Store
from gem_integration.storage.transaction import Transaction

MESSAGE_ID_LENGTH_MAX = 255


class ReceivedAs(StrEnum):
    """What a message turned out to be."""

    NEW = "new"  #: a study or an order not seen before
    DUPLICATE = "duplicate"  #: this message was received before; nothing changed
    LINKED = "linked"  #: another message about a study that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What receiving came to; a duplicate bears the ids of the first time."""

    outcome: ReceivedAs
    message_row_id: uuid.UUID
    study_id: uuid.UUID | None = None
    job_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    order_match: OrderMatch | None = None


def receive(
    message: InboundMessage,
    parsed: InboundEcg | InboundOrder,
    *,
    store: Store,
    reader_key: str,
    clock: Clock,
) -> Received:
    """Store a message with what it carries and queue the read, in one transaction.

    ``IdentityConflict`` when an id or a signal is known as something else; ``UnreadableMessage`` for an
    id that is no id; ``StorageUnavailable``. A message that carries several ECGs is received once for
    each.
    """
    if not 0 < len(parsed.message_id) <= MESSAGE_ID_LENGTH_MAX:
        raise UnreadableMessage(f"a message id has 1 to {MESSAGE_ID_LENGTH_MAX} characters")
    with store.transaction() as work:
        message_row_id = work.keep_message(message, parsed.message_id)
        if isinstance(parsed, InboundOrder):
            return _receive_order(work, parsed, message_row_id, clock=clock)
        return _receive_ecg(work, parsed, message_row_id, reader_key=reader_key, clock=clock)


def reject(message: InboundMessage, error: BaseException, *, store: Store, clock: Clock) -> DeadLetter:
    """Keep the bytes of a message that could not be received, and why; no patient data in clear.

    The same bytes failing again for the same cause are counted on one letter.
    """
    code, reason = cause_of(error)
    now = clock.now()
    sha256 = content_hash(message.content)
    letter = DeadLetter(
        dead_letter_id=stable_id("dead letter", Stage.RECEIVE, code, message.source, sha256),
        stage=Stage.RECEIVE,
        code=code,
        reason=reason,
        source=message.source,
        blob_sha256=sha256,
        subject_id=None,
        first_seen_at=now,
        last_seen_at=now,
    )
    with store.transaction() as work:
        work.keep_bytes(message)
        return work.keep_dead_letter(letter)


def _receive_ecg(
    work: Transaction, ecg: InboundEcg, message_row_id: uuid.UUID, *, reader_key: str, clock: Clock
) -> Received:
    now = clock.now()
    study, is_new = work.keep_study(ecg, message_row_id, now)
    is_first_link = work.link_study(message_row_id, study.study_id)
    if not is_new:
        return Received(
            outcome=ReceivedAs.LINKED if is_first_link else ReceivedAs.DUPLICATE,
            message_row_id=message_row_id,
            study_id=study.study_id,
            job_id=work.job_for(study.study_id, reader_key),
            order_id=study.order_id or _late_order_id(work, study, ecg, clock),
        )
    outcome, order = match_order(ecg, work.orders_named_by(ecg))
    order_id = order.order_id if order else None
    work.keep_match(study.study_id, outcome, order_id=order_id, matched_at=now)
    job_id = work.queue_read(study.study_id, reader_key, priority=priority_of(ecg, order), due_at=now)
    return Received(
        outcome=ReceivedAs.NEW,
        message_row_id=message_row_id,
        study_id=study.study_id,
        job_id=job_id,
        order_id=order_id,
        order_match=outcome,
    )


def _late_order_id(work: Transaction, study: Study, ecg: InboundEcg, clock: Clock) -> uuid.UUID | None:
    """Match a known study by the numbers of another message about it: one format may name what one omits."""
    if study.ecg.patient is None:
        return None
    outcome, order = match_order(ecg, work.orders_named_by(ecg))
    if order is None:
        return None
    work.keep_match(study.study_id, outcome, order_id=order.order_id, matched_at=clock.now())
    return order.order_id


def _receive_order(
    work: Transaction, inbound: InboundOrder, message_row_id: uuid.UUID, *, clock: Clock
) -> Received:
    now = clock.now()
    order = work.keep_order(inbound, message_row_id, now)
    is_first_link = work.link_order(message_row_id, order.order_id)
    if is_first_link:
        _match_waiting_studies(work, order, clock)
    return Received(
        outcome=ReceivedAs.NEW if is_first_link else ReceivedAs.DUPLICATE,
        message_row_id=message_row_id,
        order_id=order.order_id,
    )


def _match_waiting_studies(work: Transaction, order: Order, clock: Clock) -> None:
    for study in work.studies_awaiting(order.inbound):
        outcome, matched = match_order(study.ecg, work.orders_named_by(study.ecg))
        order_id = matched.order_id if matched else None
        work.keep_match(study.study_id, outcome, order_id=order_id, matched_at=clock.now())
