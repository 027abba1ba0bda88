"""Reading a DICOM data set: every failure of pydicom becomes an ``UnreadableMessage`` here."""

from __future__ import annotations

import logging
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage

#: The top-level elements that are read at all; others are passed over, however many there are.
ELEMENTS = (
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "StudyDate",
    "ContentDate",
    "AcquisitionDate",
    "AcquisitionDateTime",
    "StudyTime",
    "ContentTime",
    "AcquisitionTime",
    "TimezoneOffsetFromUTC",
    "AccessionNumber",
    "Manufacturer",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "ReasonForStudy",
    "ReasonForTheRequestedProcedure",
    "RequestedProcedurePriority",
    "PlacerOrderNumberImagingServiceRequest",
    "FillerOrderNumberImagingServiceRequest",
    "WaveformAnnotationSequence",
    "WaveformSequence",
)

PREAMBLE_BYTES = 128
META_START = PREAMBLE_BYTES + 4
META_BYTES_MAX = 4096
INFLATION_RATIO_MAX = 100  #: an ECG deflates to about a third; a hundredfold is an attack
INFLATED_BYTES_FREE = 8 * 1024 * 1024  #: what any object may inflate to, so that a flat line is no attack

ITEM_TAGS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")  #: (FFFE,E000), little and big endian

_TRANSFER_SYNTAX = re.compile(rb"\x02\x00\x10\x00UI..([0-9.]+)", re.DOTALL)
_ESCAPE = re.compile(r"\x1b[\x20-\x2f]+[\x30-\x7e]")  #: ISO 2022; pydicom leaves that of GB 2312 in place
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_META_LENGTH = re.compile(rb"\x02\x00\x00\x00UL\x04\x00(.{4})", re.DOTALL)

#: What pydicom raises on broken input, seen under random damage; it documents no closed list.
_PYDICOM_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    NameError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@contextmanager
def without_remarks() -> Iterator[None]:
    """Keep pydicom's warnings and log lines on odd values from leaving: they quote patient data."""
    logger = logging.getLogger("pydicom")
    silence = _Silence()
    logger.addFilter(silence)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeFilter(silence)


class _Silence(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return False


class _Translated:
    """Turns pydicom's failures inside a ``with`` block into ``UnreadableMessage``."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _PYDICOM_FAILURES):
            # Not "from error": pydicom's words quote the value, which may be the patient's.
            raise UnreadableMessage(
                f"DICOM: {self.what} cannot be read; send the object again", cause=type(error).__name__
            ) from None


def read_object(content: bytes, limits: ParseLimits) -> Dataset:
    """Read a DICOM object in any uncompressed or deflated transfer syntax, with or without preamble."""
    if len(content) > limits.message_bytes_max:
        raise UnreadableMessage(
            "DICOM: the object is larger than the limit", bytes=len(content), limit=limits.message_bytes_max
        )
    with _Translated("the data set"):
        if _is_deflated(content):
            return _read_deflated(content, limits)
        _check_items(content, limits)
        return dcmread(BytesIO(content), force=True, specific_tags=list(ELEMENTS))


def _check_items(content: bytes, limits: ParseLimits) -> None:
    """Refuse a crowd of sequence items: each costs pydicom a thousand times the bytes it is made of."""
    count = max(content.count(tag) for tag in ITEM_TAGS)
    if count > limits.segments_max:
        raise UnreadableMessage("DICOM: more sequence items than the limit", limit=limits.segments_max)


def _is_deflated(content: bytes) -> bool:
    found = _TRANSFER_SYNTAX.search(content[:META_BYTES_MAX])
    return found is not None and found[1].decode() == str(DeflatedExplicitVRLittleEndian)


def _read_deflated(content: bytes, limits: ParseLimits) -> Dataset:
    length = _META_LENGTH.match(content, META_START)
    if length is None:
        raise UnreadableMessage("DICOM: deflated, but the length of its file meta group is not given")
    start = length.end() + int(struct.unpack("<I", length[1])[0])
    room = min(limits.message_bytes_max, max(INFLATION_RATIO_MAX * len(content), INFLATED_BYTES_FREE))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = inflater.decompress(content[start:], room)
    if inflater.unconsumed_tail:
        raise UnreadableMessage("DICOM: inflates beyond the limit", limit=room)
    if not inflater.eof:
        raise UnreadableMessage("DICOM: the deflated data set is cut short; send the object again")
    _check_items(plain, limits)
    tags: list[BaseTag | int] = [Tag(keyword) for keyword in ELEMENTS]
    data_set = read_dataset(BytesIO(plain), is_implicit_VR=False, is_little_endian=True, specific_tags=tags)
    data_set.set_original_encoding(is_implicit_vr=False, is_little_endian=True)
    return data_set


def is_big_endian(data_set: Dataset) -> bool:
    """Return whether the object came in the (retired) big-endian syntax."""
    return data_set.original_encoding[1] is False


def _values(data_set: Dataset, keyword: str) -> list[object]:
    with _Translated(keyword):
        if keyword not in data_set:
            return []
        value = data_set[keyword].value
        several = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
        return [one for one in several if one is not None and one != ""]


def texts(data_set: Dataset, keyword: str) -> list[str]:
    """Return the values of an element as stripped text, empty ones left out."""
    with _Translated(keyword):
        words = [_ESCAPE.sub("", str(value)).strip(" \0") for value in _values(data_set, keyword)]
        return [word for word in words if word]


def text(data_set: Dataset, keyword: str) -> str | None:
    """Return the first value of an element as stripped text."""
    return next(iter(texts(data_set, keyword)), None)


def number(data_set: Dataset, keyword: str) -> float | None:
    """Return the only value of a numeric element; ``UnreadableMessage`` if it is no number or several."""
    with _Translated(keyword):
        values = _values(data_set, keyword)
        if not values:
            return None
        (value,) = values
        decimal = _DECIMAL.fullmatch(str(value).strip())
    if decimal is None:
        raise UnreadableMessage(f"DICOM: {keyword} is not a number")
    return float(decimal[0])


def readable_number(data_set: Dataset, keyword: str) -> float | None:
    """Return the value of a numeric element the recording does not depend on, ``None`` if it is broken."""
    try:
        return number(data_set, keyword)
    except UnreadableMessage:
        return None


def whole(data_set: Dataset, keyword: str) -> int | None:
    """Return the only value of an element that holds a whole number."""
    value = number(data_set, keyword)
    if value is not None and not value.is_integer():
        raise UnreadableMessage(f"DICOM: {keyword} is not a whole number")
    return None if value is None else int(value)


def whole_numbers(data_set: Dataset, keyword: str) -> list[int]:
    """Return all values of an element that holds whole numbers."""
    with _Translated(keyword):
        return [int(str(value)) for value in _values(data_set, keyword)]


def items(data_set: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence, none if it is absent."""
    values = _values(data_set, keyword)
    if not values:
        return []
    (sequence,) = values[:1]
    if not isinstance(sequence, Sequence):
        raise UnreadableMessage(f"DICOM: {keyword} is not a sequence")
    with _Translated(keyword):
        return list(sequence)


def first_item(data_set: Dataset, keyword: str) -> Dataset | None:
    """Return the first item of a sequence."""
    return next(iter(items(data_set, keyword)), None)


def octets(data_set: Dataset, keyword: str) -> bytes | None:
    """Return the raw bytes of an element; ``UnreadableMessage`` if it holds none."""
    values = _values(data_set, keyword)
    if not values:
        return None
    (value,) = values[:1]
    if not isinstance(value, bytes):
        raise UnreadableMessage(f"DICOM: {keyword} is not bytes")
    return value


def has_word_order(data_set: Dataset, keyword: str) -> bool:
    """Return whether an element is held as 16-bit words (VR OW), not as bytes (VR OB)."""
    with _Translated(keyword):
        return keyword in data_set and str(data_set[keyword].VR) != "OB"
