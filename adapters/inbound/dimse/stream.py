"""What one connection may send: PDUs and objects within their sizes and times (PS3.8 9.3).

Sans I/O. The DICOM library reads whatever length a peer announces and waits for it without end; this
watch is fed what is read, and says stop.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from gem_integration.domain.arrival import QuarantineReason

HEADER = struct.Struct(">BxL")  #: PDU type, reserved, length (PS3.8 9.3.1)
P_DATA_TF = 0x04
#: An association request names up to 128 contexts with their syntaxes, whatever data PDUs may hold.
NEGOTIATION_BYTES_MAX = 128 * 1024
#: Requests sent before earlier ones are answered; none may be: PS3.7 D.3.3.3.
UNANSWERED_MAX = 2


class OverLimitError(ConnectionAbortedError):
    """The peer sends more, or longer, than it may; the connection ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """Sizes in bytes and times in seconds of one connection."""

    pdu_bytes_max: int
    object_bytes_max: int
    pdu_seconds_max: float
    object_seconds_max: float


@dataclass(slots=True, kw_only=True, eq=False)
class StreamWatch:
    """Follows one connection; ``object_bytes`` is what has been announced of the unfinished object.

    ``has_room`` is asked before each data PDU whether the objects of all connections fit together.
    """

    peer: str
    limits: StreamLimits
    has_room: Callable[[], bool] = field(default=lambda: True)
    object_bytes: int = 0
    unanswered: int = 0
    fault: QuarantineReason | None = None
    has_ended: bool = False
    last_active_s: float = 0.0
    _object_began_s: float | None = None
    _pdu_began_s: float | None = None
    _header: bytearray = field(default_factory=bytearray)
    _body_left: int = 0

    def seconds_left(self, now_s: float) -> float:
        """Return how long a read may wait; ``TimeoutError`` when the PDU or the object took too long."""
        ends_s = [(self._pdu_began_s or now_s) + self.limits.pdu_seconds_max]
        if self._object_began_s is not None:
            ends_s.append(self._object_began_s + self.limits.object_seconds_max)
        if min(ends_s) <= now_s:
            raise TimeoutError("the peer sends too slowly")
        return min(ends_s) - now_s

    def feed(self, piece: bytes, now_s: float) -> None:
        """Take note of bytes read, none at the end; ``OverLimitError`` once a limit is sure to be passed."""
        self.last_active_s = now_s
        self.has_ended = not piece
        rest = memoryview(piece)
        while rest:
            if self._body_left:
                taken = min(self._body_left, len(rest))
                self._body_left -= taken
            else:
                taken = min(HEADER.size - len(self._header), len(rest))
                self._feed_header(bytes(rest[:taken]), now_s)
            rest = rest[taken:]
            if not self._body_left and not self._header:
                self._pdu_began_s = None

    def _feed_header(self, piece: bytes, now_s: float) -> None:
        self._pdu_began_s = self._pdu_began_s or now_s
        self._header += piece
        if len(self._header) < HEADER.size:
            return
        kind, length = HEADER.unpack(self._header)
        self._header.clear()
        if length > max(self.limits.pdu_bytes_max, NEGOTIATION_BYTES_MAX):
            self._refuse(QuarantineReason.OVERSIZE, "the PDU is longer than the limit")
        if kind == P_DATA_TF:
            self._begin_data(length, now_s)
        self._body_left = length

    def _begin_data(self, length: int, now_s: float) -> None:
        if self._object_began_s is None:
            self._object_began_s = now_s
        self.object_bytes += length
        if length > self.limits.pdu_bytes_max:
            self._refuse(QuarantineReason.OVERSIZE, "the data PDU is longer than was negotiated")
        if self.object_bytes > self.limits.object_bytes_max:
            self._refuse(QuarantineReason.OVERSIZE, "the object is larger than the limit")
        if not self.has_room() or self.unanswered > UNANSWERED_MAX:
            self._refuse(QuarantineReason.NO_ROOM, "too much is being received at once")

    def _refuse(self, fault: QuarantineReason, words: str) -> None:
        self.fault = fault
        self.has_ended = True
        raise OverLimitError(words)

    def object_ended(self) -> None:
        """Take note that a message is whole and waits for its answer."""
        self.object_bytes = 0
        self._object_began_s = None
        self.unanswered += 1

    def answered(self, now_s: float) -> None:
        """Take note that a message was answered."""
        self.unanswered -= 1
        self.last_active_s = now_s

    def is_quiet(self, now_s: float, seconds: float) -> bool:
        """Say whether nothing is arriving, waiting for its answer, or just answered."""
        arriving = self.object_bytes > 0 or self._pdu_began_s is not None
        busy = self.unanswered > 0 or (arriving and not self.has_ended)
        return not busy and now_s - self.last_active_s > seconds
