"""The headers of a framed content: all that an acknowledgement needs, read without the rest."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from adapters.inbound.hl7v2.split import Segment, split_messages
from gem_integration.domain.identity import content_hash
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage

HEADER_BYTES_MAX = 4096
HEADERS_MAX = 10_000
BEFORE_HEADER = b"\x0b\x1c\r\n\t "
HEADER_NAMES = (b"MSH", b"BHS", b"FHS")
LIMITS = ParseLimits()
#: ISO 8859-1 gives every byte back as it came, whatever MSH-18 says it means.
AS_BYTES = "iso8859-1"
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"M\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00M", "utf-32-be"),
    (b"M\x00", "utf-16-le"),
    (b"\x00M", "utf-16-be"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The headers of one frame: of its batch, if it is one, and of each message; text as ``codec``."""

    batch: Segment | None
    messages: tuple[Segment, ...]
    codec: str

    @property
    def control_id(self) -> str:
        """Return the id the sender gave the frame: MSH-10, or BHS-11 or FHS-11; empty without."""
        if self.batch is None:
            return self.messages[0].get(10)
        return f"batch:{self.batch.get(11)}" if self.batch.get(11) else ""


def read_headers(content: bytes) -> Headers | None:
    """Return the headers of a framed content, or ``None`` where no message has one that can be read."""
    codec = next((name for mark, name in _WIDE if content.startswith(mark)), AS_BYTES)
    try:
        narrow = content if codec == AS_BYTES else content.decode(codec).lstrip("\ufeff").encode("utf-8")
    except UnicodeError:
        return None
    lines = _lines(narrow.removeprefix(codecs.BOM_UTF8).lstrip(BEFORE_HEADER))
    found = [(line[:3], segment) for line in lines if (segment := _segment(line)) is not None]
    messages = tuple(segment for name, segment in found if name == b"MSH")
    batches = [segment for name, segment in found if name == b"BHS"]
    files = [segment for name, segment in found if name == b"FHS"]
    if not messages:
        return None
    whole = batches if len(batches) == 1 else files + batches
    return Headers(batch=whole[0] if whole else None, messages=messages, codec=codec)


def frame_id(headers: Headers, content: bytes) -> str:
    """Return the sender's id of a frame, or a name made of its content when the sender gave none."""
    return headers.control_id or f"sha256:{content_hash(content)[:32]}"


def _lines(content: bytes) -> Iterator[bytes]:
    """Give each line that may be a header; the first line of a message is one."""
    if content[:3] not in HEADER_NAMES:
        return
    marks = (line_end + name for line_end in (b"\r", b"\n") for name in HEADER_NAMES)
    starts = sorted([0, *(start for mark in marks for start in _starts(content, mark))])
    for start in starts[:HEADERS_MAX]:
        yield content[start : start + HEADER_BYTES_MAX].splitlines()[0]


def _starts(content: bytes, mark: bytes) -> Iterator[int]:
    at = content.find(mark)
    while at >= 0:
        yield at + 1
        at = content.find(mark, at + 1)


def _segment(line: bytes) -> Segment | None:
    """Return a header line as MSH: a batch header numbers its delimiters and its own id likewise."""
    try:
        (message,) = split_messages("MSH" + line[3:].decode(AS_BYTES), LIMITS)
    except UnreadableMessage:
        return None
    return message.header
