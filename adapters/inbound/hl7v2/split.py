"""Text of an HL7 v2 message → segments, fields and groups, losing nothing.

Joining the segments again gives the normalised text back: this split, not a library's model, is the
source of truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage

HEADERS = frozenset({"MSH", "FHS", "BHS"})
BATCH_SEGMENTS = frozenset({"FHS", "BHS", "BTS", "FTS"})
DEFAULT_ENCODING_CHARACTERS = "^~\\&"
_HEADER_START = re.compile(r"(?:MSH|BHS|FHS)[^A-Za-z0-9\s]")
_SEGMENT_ID = re.compile(r"[A-Z][A-Z0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """The delimiters MSH-1 and MSH-2 declare (HL7 v2.5.1 section 2.5.4)."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment; ``fields[n]`` is field n as received (of MSH too, where field 1 is the separator)."""

    fields: tuple[str, ...]
    delimiters: Delimiters
    number: int

    @property
    def name(self) -> str:
        """Return the segment id."""
        return self.fields[0]

    @property
    def text(self) -> str:
        """Return the segment exactly as it stands in the normalised message."""
        if self.name in HEADERS and len(self.fields) > 1:
            rest = self.fields[2:]
            return self.name + self.delimiters.field + self.delimiters.field.join(rest)
        return self.delimiters.field.join(self.fields)

    def raw(self, field: int) -> str:
        """Return a field as received, empty when the segment ends before it."""
        return self.fields[field] if field < len(self.fields) else ""

    def repetitions(self, field: int) -> list[str]:
        """Return the raw repetitions of a field."""
        raw = self.raw(field)
        return raw.split(self.delimiters.repetition) if raw else []

    def components(self, field: int) -> list[str]:
        """Return the raw components of a field's first repetition."""
        return self.raw(field).split(self.delimiters.repetition, 1)[0].split(self.delimiters.component)

    def get(self, field: int, component: int = 1, subcomponent: int = 1) -> str:
        """Return a decoded subcomponent of a field's first repetition; empty when absent or null."""
        return part(
            self.raw(field).split(self.delimiters.repetition, 1)[0], self.delimiters, component, subcomponent
        )


def part(repetition: str, delimiters: Delimiters, component: int = 1, subcomponent: int = 1) -> str:
    """Return a decoded, trimmed subcomponent of ``repetition``; HL7's null ``""`` is empty."""
    components = repetition.split(delimiters.component)
    if len(components) < component:
        return ""
    subcomponents = components[component - 1].split(delimiters.subcomponent)
    if len(subcomponents) < subcomponent:
        return ""
    found = unescape(subcomponents[subcomponent - 1], delimiters).strip()
    return "" if found == '""' else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: its segments in order, the header first."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        """Return MSH."""
        return self.segments[0]

    @property
    def delimiters(self) -> Delimiters:
        """Return the delimiters of the header."""
        return self.header.delimiters

    @property
    def text(self) -> str:
        """Return the message joined again, equal to its normalised text."""
        return "\r".join(segment.text for segment in self.segments)

    @property
    def kind(self) -> tuple[str, str]:
        """Return message code and trigger event (MSH-9.1, MSH-9.2)."""
        return self.header.get(9, 1).upper(), self.header.get(9, 2).upper()


def split_messages(text: str, limits: ParseLimits) -> tuple[Message, ...]:
    """Return every message of ``text``, a single message or a batch (HL7 v2.5.1 section 2.10.3).

    Raises ``UnreadableMessage`` when the text does not start with a header, exceeds the segment limit
    or holds another number of messages than its batch trailer declares.
    """
    if not _HEADER_START.match(text):
        raise UnreadableMessage("the message does not start with MSH, BHS or FHS")
    if text.count("\r") >= limits.segments_max:
        raise UnreadableMessage("the message has more segments than the limit", limit=limits.segments_max)
    messages: list[Message] = []
    trailers: list[Segment] = []
    for run in _runs(_lines(text)):
        segments = _segments(run)
        if segments[0].name == "MSH":
            messages.append(Message(segments=segments))
        else:
            trailers.extend(segments)
    _check_counts(trailers, len(messages))
    return tuple(messages)


def _lines(text: str) -> list[str]:
    """Return the segments' texts; a line that starts no segment continues the one before."""
    lines: list[list[str]] = []
    separator = text[3]
    for line in text.split("\r"):
        if _HEADER_START.match(line):
            separator = line[3]
        if _starts_segment(line, separator):
            lines.append([line])
        elif line.strip() and lines:
            lines[-1].append(line)
    return ["\n".join(parts) for parts in lines]


def _starts_segment(line: str, separator: str) -> bool:
    return (line[3:4] == separator and _SEGMENT_ID.match(line) is not None) or line in BATCH_SEGMENTS


def _runs(lines: list[str]) -> Iterator[list[str]]:
    """Cut the lines before each header and each batch segment."""
    run: list[str] = []
    for line in lines:
        starts = line[:3] == "MSH" or line[:3] in BATCH_SEGMENTS
        if starts and run:
            yield run
            run = []
        run.append(line)
    yield run


def _segments(lines: list[str]) -> tuple[Segment, ...]:
    delimiters = _delimiters(lines[0]) if lines[0][:3] in HEADERS else Delimiters(field=lines[0][3:4] or "|")
    return tuple(_segment(line, delimiters, number) for number, line in enumerate(lines, start=1))


def _segment(line: str, delimiters: Delimiters, number: int) -> Segment:
    fields = line.split(delimiters.field)
    if line[:3] in HEADERS:
        fields.insert(1, delimiters.field)
    return Segment(fields=tuple(fields), delimiters=delimiters, number=number)


def _delimiters(header: str) -> Delimiters:
    field = header[3:4]
    encoding = header[4:].split(field, 1)[0].strip() or DEFAULT_ENCODING_CHARACTERS
    if len(encoding) > 4 and encoding[2] == encoding[3]:
        encoding = encoding[:3] + encoding[4:]  # the escape character came doubled, from a string literal
    encoding += DEFAULT_ENCODING_CHARACTERS[len(encoding) :]
    marks = (field, *encoding[:4])
    if len(set(marks)) != len(marks) or any(mark.isalnum() or mark.isspace() for mark in marks):
        raise UnreadableMessage("MSH-1 and MSH-2 do not declare five different delimiters")
    return Delimiters(
        field=field, component=marks[1], repetition=marks[2], escape=marks[3], subcomponent=marks[4]
    )


def _check_counts(trailers: list[Segment], found: int) -> None:
    if not found:
        raise UnreadableMessage("the batch holds no message")
    declared = [segment.get(1) for segment in trailers if segment.name == "BTS" and segment.get(1)]
    if not declared:
        return
    if not all(count.isascii() and count.isdigit() for count in declared):
        raise UnreadableMessage("BTS-1 does not hold the number of messages")
    total = sum(int(count[:9]) for count in declared)
    if total != found:
        raise UnreadableMessage(
            "the batch trailer declares another number of messages than the batch holds",
            declared=total,
            found=found,
        )
    _check_batches(trailers)


def _check_batches(trailers: list[Segment]) -> None:
    batches = sum(segment.name == "BHS" for segment in trailers)
    files = [segment.get(1) for segment in trailers if segment.name == "FTS" and segment.get(1)]
    if batches and files and files != [str(batches)]:
        raise UnreadableMessage("the file trailer declares another number of batches than the file holds")


_ESCAPED = {"H": "", "N": "", ".br": "\n", ".ce": "\n", ".sp": "\n", ".fi": "", ".nf": "", "P": "#"}
_FORMATTING = re.compile(r"\.(?:in|ti|sk|sp)\s*[+-]?\d{0,4}")
_HEXADECIMAL = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")


def unescape(text: str, delimiters: Delimiters) -> str:
    r"""Return ``text`` with its escape sequences replaced (HL7 v2.5.1 section 2.7).

    ``\F\ \S\ \T\ \R\ \E\`` become delimiters, ``\Xhh\`` characters, ``\.br\`` a line feed; sequences
    we do not know and lone escape characters stay as they came.
    """
    if delimiters.escape not in text:
        return text
    pieces = text.split(delimiters.escape)
    found = [pieces[0]]
    index = 1
    while index < len(pieces):
        meaning = _meaning(pieces[index], delimiters) if index + 1 < len(pieces) else None
        if meaning is None:
            found.append(delimiters.escape + pieces[index])
            index += 1
        else:
            found.append(meaning + pieces[index + 1])
            index += 2
    return "".join(found)


@lru_cache(maxsize=16)
def _named(delimiters: Delimiters) -> Mapping[str, str]:
    return {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
    } | _ESCAPED


def _meaning(sequence: str, delimiters: Delimiters) -> str | None:
    if (meaning := _named(delimiters).get(sequence)) is not None:
        return meaning
    if hexadecimal := _HEXADECIMAL.fullmatch(sequence):
        raw = bytes.fromhex(hexadecimal[1])
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")
    if formatting := _FORMATTING.fullmatch(sequence):
        return "\n" if formatting[0].startswith(".sp") else " "
    return None
