"""A stream of bytes → HL7 v2 frames, and everything that is no frame (MLLP, HL7 v2.5.1 appendix C).

Sans I/O: the same bytes give the same pieces however they are cut, and the sizes of all pieces, with
the marks between them, add up to what was fed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from gem_integration.domain.arrival import QuarantineReason

START = b"\x0b"
END = b"\x1c"
FRAME_END = b"\x1c\r"
#: Line ends between frames say nothing.
BETWEEN = b"\r\n"
#: A frame ends at FS before CR; senders also send LF, or begin the next frame at once. A VT inside text
#: is text; before a header it begins a new frame, so that the one before lost its end.
_BOUNDARY = re.compile(rb"\x1c(?=[\r\n\x0b])|\x0b(?=MSH|BHS|FHS)")
#: Bytes after a possible boundary that decide whether it is one.
LOOK_AHEAD = 3
OUTSIDE_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The content of one whole frame."""

    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Bytes that are no whole frame: why, at least their beginning, and how many they were."""

    reason: QuarantineReason
    content: bytes = field(repr=False)
    size_bytes: int


Piece: TypeAlias = Frame | Broken


class FrameReader:
    """Cuts one connection's bytes into pieces; holds at most one frame, up to ``frame_bytes_max``."""

    def __init__(self, frame_bytes_max: int, kept_bytes_max: int) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._kept_bytes_max = kept_bytes_max
        self._buffer = bytearray()
        self._scanned = 0
        self._inside = False
        self._dropped: int | None = None

    @property
    def held_bytes(self) -> int:
        """Return how many bytes wait for their frame to end."""
        return len(self._buffer)

    @property
    def is_idle(self) -> bool:
        """Say whether nothing is under way but, perhaps, a line end."""
        return not self._inside and not self._buffer.strip(BETWEEN)

    @property
    def may_be_whole(self) -> bool:
        """Say whether the frame has its FS and only the CR after it is missing."""
        return self._inside and self._buffer.endswith(END)

    def feed(self, arrived: bytes) -> list[Piece]:
        """Take bytes and return the pieces they complete, in order."""
        self._buffer += arrived
        return list(self._pieces())

    def accept(self) -> list[Piece]:
        """End the frame at the FS that closes the buffer: its CR is not coming."""
        return self.feed(BETWEEN[:1]) if self.may_be_whole else []

    def give_up(self) -> list[Piece]:
        """Return what is left when nothing more will come, and start afresh."""
        left, dropped, inside = bytes(self._buffer), self._dropped, self._inside
        self._restart(inside=False, used=len(left))
        if not inside:
            return list(self._outside(left))
        return [
            self._broken(QuarantineReason.HALF_FRAME, left) if dropped is None else _rest(dropped + len(left))
        ]

    def refuse(self, reason: QuarantineReason) -> Piece:
        """Stop keeping the frame under way: return its beginning; the rest is counted until its end."""
        taken = max(0, min(len(self._buffer) - LOOK_AHEAD, self._frame_bytes_max))
        beginning = self._broken(reason, bytes(self._buffer[:taken]))
        self._restart(inside=True, used=taken)
        self._dropped = 0
        return beginning

    def _pieces(self) -> Iterator[Piece]:
        while (boundary := self._boundary()) is not None:
            if self._inside and self._dropped is None and boundary[0] > self._frame_bytes_max:
                yield self.refuse(QuarantineReason.OVERSIZE)
            else:
                yield from self._cut(*boundary)
        yield from self._overflow()

    def _boundary(self) -> tuple[int, int] | None:
        """Return start and stop of the mark that ends what is under way."""
        if not self._inside:
            at = self._buffer.find(START, self._scanned)
            self._scanned = len(self._buffer)
            return (at, at + 1) if at >= 0 else None
        found = _BOUNDARY.search(self._buffer, self._scanned)
        self._scanned = max(0, len(self._buffer) - LOOK_AHEAD)
        return found.span() if found else None

    def _cut(self, start: int, stop: int) -> Iterator[Piece]:
        content, mark = bytes(self._buffer[:start]), self._buffer[start:stop]
        inside, dropped = self._inside, self._dropped
        self._restart(inside=mark == START, used=stop)
        if not inside:
            yield from self._outside(content)
        elif dropped is not None:
            yield _rest(dropped + len(content))
        elif mark == END:
            yield Frame(content=content)
        else:
            yield self._broken(QuarantineReason.NO_END, content)

    def _overflow(self) -> Iterator[Piece]:
        """Keep memory bounded where no boundary is in sight."""
        spare = len(self._buffer) - LOOK_AHEAD
        if not self._inside and len(self._buffer) > OUTSIDE_BYTES_MAX:
            whole = len(self._buffer) // OUTSIDE_BYTES_MAX * OUTSIDE_BYTES_MAX
            yield from self._outside(bytes(self._buffer[:whole]))
            self._restart(inside=False, used=whole)
        elif self._inside and self._dropped is None and spare > self._frame_bytes_max:
            yield self.refuse(QuarantineReason.OVERSIZE)
        if self._dropped is not None and (spare := len(self._buffer) - LOOK_AHEAD) > 0:
            dropped = self._dropped + spare
            self._restart(inside=True, used=spare)
            self._dropped = dropped

    def _outside(self, content: bytes) -> Iterator[Piece]:
        for start in range(0, len(content), OUTSIDE_BYTES_MAX):
            part = content[start : start + OUTSIDE_BYTES_MAX]
            if part.strip(BETWEEN):
                yield self._broken(QuarantineReason.OUTSIDE_FRAME, part)

    def _restart(self, *, inside: bool, used: int) -> None:
        del self._buffer[:used]
        self._inside, self._scanned, self._dropped = inside, 0, None

    def _broken(self, reason: QuarantineReason, content: bytes) -> Broken:
        return Broken(reason=reason, content=content[: self._kept_bytes_max], size_bytes=len(content))


def _rest(size_bytes: int) -> Broken:
    return Broken(reason=QuarantineReason.OVERSIZE_REST, content=b"", size_bytes=size_bytes)
