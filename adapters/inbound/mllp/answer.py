"""One piece of a stream → what is stored of it, and the bytes of its answer."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from adapters.inbound.mllp.ack import Answer, Answered, Outcome, acknowledge, codes_for
from adapters.inbound.mllp.frames import Broken
from adapters.inbound.mllp.header import Headers, frame_id, read_headers
from adapters.inbound.mllp.register import Register
from adapters.inbound.mllp.settings import Acceptable, MllpSettings
from adapters.inbound.mllp.take import Prepare, Settle
from gem_integration.domain.arrival import Acknowledgement, Quarantined, QuarantineReason
from gem_integration.domain.identity import content_hash
from gem_integration.domain.study import InboundMessage, MediaType
from gem_integration.errors import StorageUnavailable, Unavailable
from gem_integration.observability import Event, log_event
from gem_integration.ports import Clock
from gem_integration.storage.transaction import Transaction

REPEATED = "repeated"
NAME_LENGTH_MAX = 40
RECENT_MAX = 10_000
LARGE_BYTES = 1024 * 1024
DISK_LOOK_SECONDS = 1.0
#: Message codes that answer another message: never answered, or two systems would go on for ever.
ACKNOWLEDGING = frozenset({"ACK", "MCF"})

REASONS: Mapping[Outcome, str] = {
    Outcome.NO_HEADER: "the frame has no MSH segment that can be read",
    Outcome.NO_TYPE: "MSH-9 does not name a message type",
    Outcome.OVERSIZE: "the message is larger than the limit",
    Outcome.CONFLICT: "this MSH-10 was already answered for other bytes: send the message under a new id",
    Outcome.DEFECT: "this program failed on the message: it is kept for a person to look at",
    Outcome.TYPE_UNACCEPTABLE: "messages of this type (MSH-9) are not taken here",
    Outcome.VERSION_UNACCEPTABLE: "messages of this version (MSH-12) are not taken here",
    Outcome.PROCESSING_UNACCEPTABLE: "messages of this processing id (MSH-11) are not taken here",
    Outcome.UNAVAILABLE: "nothing can be stored now: send the message again later",
}
QUARANTINED_AS: Mapping[Outcome, QuarantineReason] = {
    Outcome.NO_HEADER: QuarantineReason.NO_HEADER,
    Outcome.DEFECT: QuarantineReason.DEFECT,
}
#: What a sender is told of a frame we stopped keeping; of other broken pieces it is told nothing: it may
#: be repeating the message already, and a late refusal would answer the repeat.
TOLD: Mapping[QuarantineReason, Outcome] = {
    QuarantineReason.OVERSIZE: Outcome.OVERSIZE,
    QuarantineReason.NO_ROOM: Outcome.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A frame whose headers can be read."""

    message: InboundMessage
    headers: Headers
    message_id: str


class Answering:
    """Answers frames: each answer is durable, with the message's bytes, before it is returned."""

    def __init__(self, settings: MllpSettings, register: Register, *, prepare: Prepare, clock: Clock) -> None:
        self._acceptable = settings.acceptable
        self._watermark = _Watermark(settings.watched_folders, settings.free_bytes_min)
        self._register = register
        self._prepare = prepare
        self._clock = clock
        self._recent: dict[tuple[str, str], bool] = {}
        self.counts: Counter[str] = Counter()

    async def answer(self, content: bytes, peer: str) -> Answered:
        """Store a frame with all it carries and return its answer; errors become answers too."""
        started_s = time.perf_counter()
        headers = await _headers_of(content)
        message = InboundMessage(
            source=source_of(peer, headers),
            media_type=MediaType.HL7V2,
            content=content,
            received_at=self._clock.now(),
        )
        answered = await self._answered(message, headers)
        self.counts[answered.outcome] += 1
        log_event(
            Event.FRAME_ANSWERED,
            peer=peer,
            outcome=answered.outcome,
            size_bytes=len(content),
            seconds=round(time.perf_counter() - started_s, 4),
        )
        return answered

    async def quarantine(self, broken: Broken, peer: str) -> Answered:
        """Store a broken piece; its answer closes the connection where nobody could make sense of one."""
        self.counts[broken.reason] += 1
        outcome = TOLD.get(broken.reason)
        headers = read_headers(broken.content) if outcome else None
        bad = self._bad(source_of(peer, headers), broken.reason, broken.content, broken.size_bytes)
        stored = await self._stored(bad)
        if outcome is None or headers is None:
            return Answered(content=b"", outcome=broken.reason, closes=outcome is not None)
        return self._refused(headers, outcome if stored else Outcome.UNAVAILABLE)

    async def _answered(self, message: InboundMessage, headers: Headers | None) -> Answered:
        if self._watermark.is_passed():
            return self._not_stored(message, headers)
        outcome = unacceptable(headers, self._acceptable) if headers else Outcome.NO_HEADER
        if headers is None or outcome is not None:
            return await self._kept_as(message, headers, outcome or Outcome.NO_HEADER)
        try:
            return await self._taken(
                _Arrival(message=message, headers=headers, message_id=frame_id(headers, message.content))
            )
        except Unavailable:
            return self._not_stored(message, headers)
        except Exception as error:  # noqa: BLE001 - one frame's defect is answered, and the gateway goes on
            log_event(
                Event.MESSAGE_REJECTED, level=logging.ERROR, code="defect", error_type=type(error).__name__
            )
            return await self._kept_as(message, headers, Outcome.DEFECT)

    async def _taken(self, arrival: _Arrival) -> Answered:
        name = (arrival.message.source, arrival.message_id)
        # What was answered is not parsed again; the register knows better where this memory ends.
        is_recent = self._recent.pop(name, False)
        settle = _forgotten if is_recent else await self._prepare(arrival.message)
        answered = await self._register.write(partial(self._settled, arrival, settle))
        self._recent[name] = True
        if len(self._recent) > RECENT_MAX:
            del self._recent[next(iter(self._recent))]
        return answered

    def _settled(self, arrival: _Arrival, settle: Settle, work: Transaction) -> Answered:
        message, sha256 = arrival.message, content_hash(arrival.message.content)
        if (known := self._known(work, arrival, sha256)) is not None:
            return known
        taken = settle(work)
        answer = Answer(outcome=taken.outcome, reason=taken.reason, at=self._clock.now())
        given = Acknowledgement(
            source=message.source,
            message_id=arrival.message_id,
            message_sha256=sha256,
            code=next(iter(codes_for(arrival.headers.messages[0], taken.outcome)), ""),
            content=acknowledge(arrival.headers, answer),
            acknowledged_at=answer.at,
        )
        if not work.keep_acknowledgement(given):  # another gateway was quicker: say what it said
            return self._known(work, arrival, sha256) or self._refused(arrival.headers, Outcome.UNAVAILABLE)
        return Answered(content=given.content, outcome=taken.outcome)

    def _known(self, work: Transaction, arrival: _Arrival, sha256: str) -> Answered | None:
        """Give the original answer to a repeat, and refuse other bytes under its id."""
        known = work.acknowledgement(arrival.message.source, arrival.message_id)
        if known is None:
            return None
        if known.message_sha256 == sha256:
            work.count_repeat(known)
            return Answered(content=known.content, outcome=REPEATED)
        work.quarantine(self._bad_message(arrival.message, QuarantineReason.CONFLICT))
        return self._refused(arrival.headers, Outcome.CONFLICT)

    async def _kept_as(self, message: InboundMessage, headers: Headers | None, outcome: Outcome) -> Answered:
        """Quarantine a whole frame and refuse it; an acknowledgement is never itself acknowledged."""
        reason = QUARANTINED_AS.get(outcome, QuarantineReason.UNACCEPTABLE)
        stored = await self._stored(self._bad_message(message, reason))
        if outcome is Outcome.ACKNOWLEDGEMENT:
            return Answered(content=b"", outcome=outcome)
        return self._refused(headers, outcome if stored else Outcome.UNAVAILABLE)

    async def _stored(self, bad: Quarantined) -> bool:
        """Store what is no message, or at least count it."""

        def write(work: Transaction) -> Answered:
            work.quarantine(bad)
            return Answered(content=b"", outcome=bad.reason)

        try:
            await self._register.write(write)
        except Unavailable:
            self._count_lost(bad.reason, bad.size_bytes)
            return False
        log_event(
            Event.BYTES_QUARANTINED,
            level=logging.WARNING,
            code=bad.reason.value,
            size_bytes=bad.size_bytes,
            sha256=content_hash(bad.content),
        )
        return True

    def _not_stored(self, message: InboundMessage, headers: Headers | None) -> Answered:
        self._count_lost(Outcome.UNAVAILABLE, len(message.content))
        return self._refused(headers, Outcome.UNAVAILABLE)

    def _count_lost(self, code: str, size_bytes: int) -> None:
        self.counts["bytes_not_stored"] += size_bytes
        log_event(Event.BYTES_NOT_STORED, level=logging.ERROR, code=code, size_bytes=size_bytes)

    def _refused(self, headers: Headers | None, outcome: Outcome) -> Answered:
        answer = Answer(outcome=outcome, reason=REASONS[outcome], at=self._clock.now())
        return Answered(content=acknowledge(headers, answer), outcome=outcome)

    def _bad_message(self, message: InboundMessage, reason: QuarantineReason) -> Quarantined:
        return self._bad(message.source, reason, message.content, len(message.content))

    def _bad(self, source: str, reason: QuarantineReason, content: bytes, size_bytes: int) -> Quarantined:
        now = self._clock.now()
        return Quarantined(
            source=source,
            reason=reason,
            content=content,
            size_bytes=size_bytes,
            first_seen_at=now,
            last_seen_at=now,
        )


def unacceptable(headers: Headers, acceptable: Acceptable) -> Outcome | None:
    """Say which of type, version and processing id of a frame's messages is not taken, if any."""
    for header in headers.messages:
        if header.get(9).upper() in ACKNOWLEDGING:
            return Outcome.ACKNOWLEDGEMENT
        if not header.get(9):
            return Outcome.NO_TYPE
        if header.get(9).upper() not in acceptable.message_codes:
            return Outcome.TYPE_UNACCEPTABLE
        if not acceptable.takes_version(header.get(12)):
            return Outcome.VERSION_UNACCEPTABLE
        if header.get(11).upper() not in acceptable.processing_ids | {""}:
            return Outcome.PROCESSING_UNACCEPTABLE
    return None


def source_of(peer: str, headers: Headers | None) -> str:
    """Return whose message ids these are: those of one application and facility (MSH-3, MSH-4) of a peer."""
    header = (headers.batch or headers.messages[0]) if headers else None
    names = (header.get(3), header.get(4)) if header else ("", "")
    return "/".join(
        (f"mllp:{peer}", *(re.sub(r"[^A-Za-z0-9_.-]", "_", name[:NAME_LENGTH_MAX]) for name in names))
    ).rstrip("/")


def _forgotten(_: Transaction) -> NoReturn:
    raise StorageUnavailable("the answer to this message was removed meanwhile")


async def _headers_of(content: bytes) -> Headers | None:
    if len(content) <= LARGE_BYTES:
        return read_headers(content)
    return await asyncio.to_thread(read_headers, content)  # looks through it whole, while others are served


class _Watermark:
    def __init__(self, folders: tuple[Path, ...], free_bytes_min: int) -> None:
        self._folders, self._free_bytes_min = folders, free_bytes_min
        self._looked_s, self._passed = float("-inf"), False

    def is_passed(self) -> bool:
        """Say whether too little room is left, or nobody can tell; looked up once a second."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= DISK_LOOK_SECONDS:
            self._looked_s = now_s
            self._passed = any(self._is_short(folder) for folder in self._folders)
        return self._passed

    def _is_short(self, folder: Path) -> bool:
        try:
            return shutil.disk_usage(folder).free < self._free_bytes_min
        except OSError:
            return True
