"""The work behind an acknowledgement: receive the message here, or hand it on where it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TypeAlias

from adapters.inbound import Parse
from adapters.inbound.intake import Intake, TakenIn, take_in
from adapters.inbound.isolated import Parsed
from adapters.inbound.mllp.ack import Outcome
from gem_integration.domain.study import InboundMessage, ParseLimits
from gem_integration.errors import IdentityConflict, Rejected, UnreadableMessage
from gem_integration.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of a message that was taken, in words without patient data."""

    outcome: Outcome
    reason: str = ""


#: Runs inside the transaction that stores the acknowledgement, and keeps the message's bytes there.
Settle: TypeAlias = Callable[[Transaction], Taken]
#: Does what may take long before that transaction; ``Unavailable`` when nothing can be taken now.
Prepare: TypeAlias = Callable[[InboundMessage], Awaitable[Settle]]

OUTCOMES: Mapping[str, Outcome] = {
    UnreadableMessage.code: Outcome.UNREADABLE,
    IdentityConflict.code: Outcome.CONFLICT,
}


def receiving(intake: Intake, parse: Parse, threads: Executor | None) -> Prepare:
    """Return the work of a gateway that receives: parse first, then store all with the acknowledgement."""

    async def prepare(message: InboundMessage) -> Settle:
        loop = asyncio.get_running_loop()
        parsed = await loop.run_in_executor(threads, _attempt, parse, message.content, intake.limits)
        here = replace(intake, formats={message.media_type: parsed})
        return lambda _: _taken(take_in(message, here))

    return prepare


def forwarding(make_durable: Callable[[InboundMessage], Awaitable[None]]) -> Prepare:
    """Return the work of a gateway that hands on: done when ``make_durable`` returns (say, Kafka acks=all).

    ``make_durable`` raises ``Unavailable`` when it cannot; a repeat may reach it twice.
    """

    async def prepare(message: InboundMessage) -> Settle:
        await make_durable(message)

        def settle(work: Transaction) -> Taken:
            work.keep_bytes(message)
            return Taken(outcome=Outcome.ACCEPTED)

        return settle

    return prepare


def _attempt(parse: Parse, content: bytes, limits: ParseLimits) -> Parse:
    """Parse now; return what gives the outcome again, be it an error."""
    try:
        parsed = parse(content, limits)
    except Rejected as error:
        return _raising(error)
    return _returning(parsed)


def _raising(error: Rejected) -> Parse:
    def parse_again(_: bytes, __: ParseLimits) -> Parsed:
        raise error

    return parse_again


def _returning(parsed: Parsed) -> Parse:
    return lambda _, __: parsed


def _taken(taken_in: TakenIn) -> Taken:
    letter = taken_in.dead_letter
    if letter is None:
        return Taken(outcome=Outcome.ACCEPTED)
    return Taken(outcome=OUTCOMES.get(letter.code, Outcome.UNSUPPORTED), reason=letter.reason)
