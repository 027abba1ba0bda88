"""From one message to stored work or a dead letter: the step every transport takes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.inbound import FORMATS, Parse
from gem_integration.domain.report import DeadLetter
from gem_integration.domain.study import InboundMessage, MediaType, ParseLimits
from gem_integration.errors import Rejected
from gem_integration.observability import Event, log_event
from gem_integration.pipeline.receive import Received, ReceivedAs, receive, reject
from gem_integration.ports import Clock
from gem_integration.storage import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What every transport needs to take a message in: where to, for which reader, within which limits.

    A transport that must not be held up brings ``formats`` of its own, which parse elsewhere.
    """

    store: Store
    reader_key: str
    limits: ParseLimits
    clock: Clock
    formats: Mapping[MediaType, Parse] = field(default_factory=lambda: FORMATS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of one message: what was received of it, and the dead letter of what was not."""

    received: tuple[Received, ...] = ()
    dead_letter: DeadLetter | None = None


def take_in(message: InboundMessage, intake: Intake) -> TakenIn:
    """Parse ``message`` and receive all it carries; bad input becomes a dead letter with its bytes.

    ``StorageUnavailable`` passes: the transport must not acknowledge what is not durable.
    """
    received: list[Received] = []
    try:
        for parsed in intake.formats[message.media_type](message.content, intake.limits):
            came_to = receive(
                message, parsed, store=intake.store, reader_key=intake.reader_key, clock=intake.clock
            )
            received.append(came_to)
            _log_received(message, came_to)
    except Rejected as error:
        letter = reject(message, error, store=intake.store, clock=intake.clock)
        log_event(
            Event.MESSAGE_REJECTED,
            level=logging.WARNING,
            code=letter.code,
            source=message.source,
            sha256=letter.blob_sha256,
            dead_letter_id=str(letter.dead_letter_id),
        )
        return TakenIn(received=tuple(received), dead_letter=letter)
    return TakenIn(received=tuple(received))


def _log_received(message: InboundMessage, received: Received) -> None:
    duplicate = received.outcome is ReceivedAs.DUPLICATE
    log_event(
        Event.MESSAGE_DUPLICATE if duplicate else Event.MESSAGE_RECEIVED,
        source=message.source,
        media_type=message.media_type.value,
        outcome=received.outcome.value,
        message_row_id=str(received.message_row_id),
        study_id=str(received.study_id),
        size_bytes=len(message.content),
    )
