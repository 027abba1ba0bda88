"""One peer's connection: read within time, answer in order, close with every byte accounted for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from adapters.inbound.mllp.ack import Answered
from adapters.inbound.mllp.answer import Answering
from adapters.inbound.mllp.frames import Broken, Frame, FrameReader, Piece
from adapters.inbound.mllp.settings import MIB, MllpSettings
from gem_integration.domain.arrival import QuarantineReason
from gem_integration.observability import Event, log_event

READ_BYTES = 256 * 1024
UNREAD_ANSWERS_BYTES_MAX = 64 * 1024
#: A frame up to this size always has room.
SMALL_FRAME_BYTES = MIB


class End(StrEnum):
    """Why a connection was closed."""

    BY_PEER = "by_peer"
    IDLE = "idle"
    FRAME_TOO_SLOW = "frame_too_slow"
    ANSWER_NOT_READ = "answer_not_read"
    BEYOND_REPAIR = "beyond_repair"
    STOPPING = "stopping"


@dataclass(slots=True)
class Room:
    """The bytes all connections together may hold, and do hold."""

    bytes_max: int
    held_bytes: int = 0


class Connection:
    """Follows one connection to its end."""

    def __init__(self, settings: MllpSettings, answering: Answering, room: Room, *, peer: str) -> None:
        self._settings, self._answering, self._room, self._peer = settings, answering, room, peer
        self._frames = FrameReader(settings.frame_bytes_max, settings.kept_bytes_max)
        self._held_bytes = 0
        self._broken = 0
        self._began_s = 0.0
        self._stop_s: float | None = None
        self._patience: asyncio.Timeout | None = None
        self._end: End | None = None

    def stop(self) -> None:
        """Close as soon as no frame is under way, at the latest after the time to stop."""
        now_s = asyncio.get_running_loop().time()
        self._stop_s = now_s if self._frames.is_idle else now_s + self._settings.stop_seconds_max
        if self._patience is not None:
            self._patience.reschedule(self._deadline_s())

    async def follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer frames until the connection ends; whatever is left of one then is quarantined."""
        log_event(Event.CONNECTION_OPENED, peer=self._peer)
        writer.transport.set_write_buffer_limits(high=UNREAD_ANSWERS_BYTES_MAX)
        try:
            while self._end is None:
                pieces = await self._next_pieces(reader)
                self._hold(self._frames.held_bytes + sum(len(piece.content) for piece in pieces))
                for piece in pieces:
                    await self._answer(piece, writer)
                self._hold(self._frames.held_bytes)
                if self._stop_s is not None and self._frames.is_idle and self._end is None:
                    self._end = End.STOPPING
        finally:
            self._hold(0)
            await self._close(writer)

    async def _next_pieces(self, reader: asyncio.StreamReader) -> list[Piece]:
        try:
            async with asyncio.timeout_at(self._deadline_s()) as self._patience:
                arrived = await reader.read(READ_BYTES)
        except TimeoutError:
            return self._out_of_patience()
        except OSError:  # reset, or TLS broken
            arrived = b""
        finally:
            self._patience = None
        if not arrived:
            self._end = End.BY_PEER
            return [*self._frames.accept(), *self._frames.give_up()]
        was_idle = self._frames.is_idle
        pieces = self._frames.feed(arrived)
        if was_idle or pieces:
            self._began_s = asyncio.get_running_loop().time()
        return pieces + self._without_room()

    def _deadline_s(self) -> float:
        """Return when to stop waiting for bytes, in the loop's time."""
        now_s = asyncio.get_running_loop().time()
        if self._frames.is_idle:
            deadline_s = now_s + self._settings.idle_seconds_max
        else:
            deadline_s = self._began_s + self._settings.frame_seconds_max
        if self._frames.may_be_whole:
            deadline_s = min(deadline_s, now_s + self._settings.end_seconds_max)
        if self._stop_s is None:
            return deadline_s
        return now_s if self._frames.is_idle else min(deadline_s, self._stop_s)

    def _out_of_patience(self) -> list[Piece]:
        if self._frames.may_be_whole:
            return self._frames.accept()
        if self._stop_s is not None:
            self._end = End.STOPPING
        else:
            self._end = End.IDLE if self._frames.is_idle else End.FRAME_TOO_SLOW
        return self._frames.give_up()

    def _without_room(self) -> list[Piece]:
        others = self._room.held_bytes - self._held_bytes
        if self._frames.held_bytes <= SMALL_FRAME_BYTES:
            return []
        if others + self._frames.held_bytes <= self._room.bytes_max:
            return []
        return [self._frames.refuse(QuarantineReason.NO_ROOM)]

    def _hold(self, held_bytes: int) -> None:
        self._room.held_bytes += held_bytes - self._held_bytes
        self._held_bytes = held_bytes

    async def _answer(self, piece: Piece, writer: asyncio.StreamWriter) -> None:
        if isinstance(piece, Frame):
            answered = await self._answering.answer(piece.content, self._peer)
        else:
            answered = await self._quarantined(piece)
        if answered.closes and self._end is None:
            self._end = End.BEYOND_REPAIR
        if answered.content and self._end is not End.ANSWER_NOT_READ:
            await self._send(answered.content, writer)

    async def _quarantined(self, piece: Broken) -> Answered:
        self._broken += 1
        if self._broken >= self._settings.broken_pieces_max and self._end is None:
            self._end = End.BEYOND_REPAIR
        return await self._answering.quarantine(piece, self._peer)

    async def _send(self, content: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(content)
            async with asyncio.timeout(self._settings.write_seconds_max):
                await writer.drain()
        except TimeoutError:
            self._end = End.ANSWER_NOT_READ
        except OSError:
            self._end = self._end or End.BY_PEER

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        """Close once the last answer is out, or cut where it does not go out in time."""
        log_event(Event.CONNECTION_CLOSED, peer=self._peer, outcome=(self._end or End.STOPPING).value)
        if self._end is End.ANSWER_NOT_READ or self._end is None:
            writer.transport.abort()
            return
        writer.close()
        try:
            async with asyncio.timeout(self._settings.write_seconds_max):
                await writer.wait_closed()
        except OSError:  # of which TimeoutError is one: reset, TLS broken, or nobody reads
            writer.transport.abort()
