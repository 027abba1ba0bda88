"""Content items of a DICOM structured report (PS3.3 C.17.3, C.18), as plain data sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

CODE_CHARACTERS_MAX = 16  #: value representation SH
MEANING_CHARACTERS_MAX = 64  #: value representation LO
OWN_SCHEME = "99GEMINTEGR"  #: PS3.16 section 8: private schemes begin with 99
#: A UL element in explicit VR holds 65,534 bytes (PS3.5 7.1.2).
SAMPLE_POSITIONS_MAX = 65_534 // 4 // 2 * 2


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept: value, scheme and meaning."""

    value: str
    scheme: str
    meaning: str


def own(value: str, meaning: str) -> Code:
    """Return a concept of this project's own scheme."""
    return Code(value, OWN_SCHEME, meaning)


def code_item(code: Code) -> Dataset:
    """Return a concept as an item of a code sequence (PS3.3 table 8.8-1)."""
    item = Dataset()
    if len(code.value) > CODE_CHARACTERS_MAX:
        item.LongCodeValue = code.value
    else:
        item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme
    item.CodeMeaning = code.meaning[:MEANING_CHARACTERS_MAX].strip() or code.value
    return item


def container(name: Code, children: Iterable[Dataset], *, template: str | None = None) -> Dataset:
    """Return a container, of a DICOM template where one is named."""
    item = _item("CONTAINER", name, "CONTAINS")
    item.ContinuityOfContent = "SEPARATE"
    if template is not None:
        named = Dataset()
        named.MappingResource = "DCMR"
        named.TemplateIdentifier = template
        item.ContentTemplateSequence = [named]
    return _with(item, children)


def text(name: Code, words: str, children: Iterable[Dataset] = (), *, as_: str = "CONTAINS") -> Dataset:
    """Return a text; control characters, which no UT value may hold, become spaces."""
    item = _item("TEXT", name, as_)
    item.TextValue = printable(words) or "-"
    return _with(item, children)


def code(name: Code, value: Code, children: Iterable[Dataset] = (), *, as_: str = "CONTAINS") -> Dataset:
    """Return a coded value."""
    item = _item("CODE", name, as_)
    item.ConceptCodeSequence = [code_item(value)]
    return _with(item, children)


def uid_reference(name: Code, uid: str, *, as_: str) -> Dataset:
    """Return a UID."""
    item = _item("UIDREF", name, as_)
    item.UID = uid
    return item


def moment(name: Code, at: datetime) -> Dataset:
    """Return a date and time, in the zone the document's Timezone Offset From UTC names."""
    item = _item("DATETIME", name, "CONTAINS")
    item.DateTime = f"{at:%Y%m%d%H%M%S.%f}"
    return item


def number(
    name: Code, value: float, unit: Code, children: Iterable[Dataset] = (), *, as_: str = "CONTAINS"
) -> Dataset:
    """Return a number with its unit."""
    item = _item("NUM", name, as_)
    measured = Dataset()
    measured.NumericValue = format_number_as_ds(float(value))
    measured.MeasurementUnitsCodeSequence = [code_item(unit)]
    item.MeasuredValueSequence = [measured]
    return _with(item, children)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveformPlace:
    """Channels of a waveform instance: pairs of multiplex group and channel, 0 for all of a group."""

    sop_class_uid: str
    sop_instance_uid: str
    channels: tuple[tuple[int, int], ...]


def waveform(name: Code | None, place: WaveformPlace, *, as_: str) -> Dataset:
    """Return a reference to channels of a waveform instance (PS3.3 C.18.5)."""
    item = _item("WAVEFORM", name, as_)
    reference = Dataset()
    reference.ReferencedSOPClassUID = place.sop_class_uid
    reference.ReferencedSOPInstanceUID = place.sop_instance_uid
    reference.ReferencedWaveformChannels = [number for pair in place.channels for number in pair]
    item.ReferencedSOPSequence = [reference]
    return item


def samples(name: Code, ranges: Sequence[tuple[int, int]], place: WaveformPlace) -> Dataset:
    """Return sample ranges of a waveform (PS3.3 C.18.7).

    ``ranges`` are half-open from 0; DICOM's are closed from 1, so only the start moves. More than an
    element can hold become the one range that spans them.
    """
    if 2 * len(ranges) > SAMPLE_POSITIONS_MAX:
        ranges = [(min(start for start, _ in ranges), max(stop for _, stop in ranges))]
    item = _item("TCOORD", name, "INFERRED FROM")
    item.TemporalRangeType = "SEGMENT" if len(ranges) == 1 else "MULTISEGMENT"
    item.ReferencedSamplePositions = [position for start, stop in ranges for position in (start + 1, stop)]
    return _with(item, [waveform(None, place, as_="SELECTED FROM")])


def printable(words: str) -> str:
    """Return a text without the control characters DICOM forbids; line ends stay, as CR LF."""
    lines = words.splitlines()
    kept = ("".join(mark if mark.isprintable() else " " for mark in line).rstrip() for line in lines)
    return "\r\n".join(kept).strip()


def _item(value_type: str, name: Code | None, relationship: str) -> Dataset:
    item = Dataset()
    item.RelationshipType = relationship
    item.ValueType = value_type
    if name is not None:
        item.ConceptNameCodeSequence = [code_item(name)]
    return item


def _with(item: Dataset, children: Iterable[Dataset]) -> Dataset:
    content = list(children)
    if content:
        item.ContentSequence = content
    return item
