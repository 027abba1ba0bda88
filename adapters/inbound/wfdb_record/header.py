"""The header of a WFDB record: signals, scale, time and comments (WFDB Applications Guide, header(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from gem_integration.domain.identity import Sex
from gem_integration.errors import UnreadableMessage, UnsupportedRecording

HEADER_BYTES_MAX = 1024 * 1024
SIGNALS_MAX = 256
AGE_YEARS_MAX = 130.0
DEFAULT_UNIT = "mV"  #: header(5): "if the units field is missing, mV are assumed"

_RECORD = re.compile(
    r"(?P<name>[^\s/]+)(?P<segments>/\d+)?\s+(?P<signals>\d+)"
    r"(?:\s+(?P<rate>[\d.]+(?:[eE][+-]?\d+)?)(?:/\S+)?"
    r"(?:\s+(?P<samples>\d+)(?:\s+(?P<time>[\d:.]+)(?:\s+(?P<date>\d{1,2}/\d{1,2}/\d{4}))?)?)?)?\s*",
    re.ASCII,
)
_SIGNAL = re.compile(
    r"(?P<file>\S+)\s+(?P<format>\d+)(?:x(?P<per_frame>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?"
    r"(?:\s+(?P<gain>[-+]?[\d.]+(?:[eE][+-]?\d+)?)(?:\((?P<baseline>[-+]?\d+)\))?(?:/(?P<unit>\S+))?"
    r"(?:\s+(?P<bits>\d+)(?:\s+(?P<zero>[-+]?\d+)(?:\s+(?P<first>[-+]?\d+)"
    r"(?:\s+(?P<checksum>[-+]?\d+)(?:\s+(?P<block>\d+)(?:\s+(?P<description>.*?))?)?)?)?)?)?)?\s*",
    re.ASCII,
)
_AGE = re.compile(r"<?\bage\b>?\s*[:=]\s*<?(\d{1,3}(?:\.\d+)?)\b", re.IGNORECASE | re.ASCII)
_SEX = re.compile(r"<?\b(?:sex|gender)\b>?\s*[:=]\s*(male|female|m|f)\b", re.IGNORECASE | re.ASCII)
_ZONE = re.compile(r"Time zone: ([+-](?:0\d|1[0-4])[0-5]\d)", re.ASCII)
_MIT_BIH = re.compile(r"\s*(\d{1,3})\s+([MF])\b", re.ASCII)
_SEXES = {"m": Sex.MALE, "male": Sex.MALE, "f": Sex.FEMALE, "female": Sex.FEMALE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal line; ``gain`` is in stored units per ``unit``, ``None`` where it is not calibrated."""

    file: str
    storage: int
    samples_per_frame: int
    skew: int
    byte_offset: int
    gain: float | None
    baseline: int
    unit: str
    first: int
    checksum: int | None
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A parsed header; ``sample_count`` is ``None`` where the header leaves it to the file's length."""

    record: str
    sampling_rate_hz: float
    sample_count: int | None
    time: str | None
    date: str | None
    signals: tuple[Signal, ...]
    comments: tuple[str, ...]

    @property
    def zone(self) -> tzinfo | None:
        """Return the zone a comment gives."""
        found = next((match for line in self.comments if (match := _ZONE.fullmatch(line))), None)
        return datetime.strptime(found[1], "%z").tzinfo if found else None

    def started_at(self, assumed_zone: str) -> datetime | None:
        """Return the start, in the site's zone if none is given; ``None`` without both date and time."""
        if not self.time or not self.date:
            return None
        zone = self.zone or ZoneInfo(assumed_zone)
        for pattern in ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M"):
            try:
                return datetime.strptime(f"{self.date} {self.time}", pattern).replace(tzinfo=zone)
            except ValueError:
                continue
        return None

    @property
    def age_years(self) -> float | None:
        """Return the age a comment gives."""
        found = [match[1] for line in self.comments if (match := _AGE.search(line) or _MIT_BIH.match(line))]
        years = float(found[0]) if found else None
        return years if years is not None and years <= AGE_YEARS_MAX else None

    @property
    def sex(self) -> Sex | None:
        """Return the sex a comment gives."""
        for line in self.comments:
            if match := _SEX.search(line):
                return _SEXES[match[1].lower()]
            if match := _MIT_BIH.match(line):
                return _SEXES[match[2].lower()]
        return None


def header_of(content: bytes) -> Header:
    """Parse a header; ``UnreadableMessage`` where it breaks the grammar, names outside files included."""
    if len(content) > HEADER_BYTES_MAX:
        raise UnreadableMessage("WFDB: the header is larger than the limit", bytes=len(content))
    lines = [line.strip() for line in content.decode("utf-8", errors="replace").splitlines()]
    said = [line for line in lines if line and not line.startswith("#")]
    record = _RECORD.fullmatch(said[0]) if said else None
    if record is None:
        raise UnreadableMessage("WFDB: the record line cannot be read; send the header as it was written")
    return Header(
        record=record["name"],
        sampling_rate_hz=_rate(record),
        sample_count=int(record["samples"] or 0) or None,
        time=record["time"],
        date=record["date"],
        signals=_signals(record, said[1:]),
        comments=tuple(line.lstrip("#").strip() for line in lines if line.startswith("#")),
    )


def _rate(record: re.Match[str]) -> float:
    if record["segments"]:
        raise UnsupportedRecording("WFDB: a record of several segments; send each segment as its own record")
    try:
        rate_hz = float(record["rate"] or 0.0)
    except ValueError:
        rate_hz = 0.0
    if rate_hz <= 0.0:
        raise UnreadableMessage("WFDB: the header gives no sampling frequency")
    return rate_hz


def _signals(record: re.Match[str], lines: list[str]) -> tuple[Signal, ...]:
    count = int(record["signals"])
    if count != len(lines) or not 0 < count <= SIGNALS_MAX:
        raise UnreadableMessage(
            "WFDB: the number of signals and of signal lines differ", signals=count, lines=len(lines)
        )
    return tuple(_signal(line, number) for number, line in enumerate(lines, start=1))


def _signal(line: str, number: int) -> Signal:
    match = _SIGNAL.fullmatch(line)
    if match is None or not _is_plain_name(match["file"]):
        raise UnreadableMessage(
            "WFDB: a signal line cannot be read, or names a file outside the record", signal=number
        )
    zero = int(match["zero"] or 0)
    return Signal(
        file=match["file"],
        storage=int(match["format"]),
        samples_per_frame=int(match["per_frame"] or 1),
        skew=int(match["skew"] or 0),
        byte_offset=int(match["offset"] or 0),
        gain=_gain(match["gain"]),
        baseline=int(match["baseline"]) if match["baseline"] else zero,
        unit=match["unit"] or DEFAULT_UNIT,
        first=int(match["first"] or 0),
        checksum=int(match["checksum"]) if match["checksum"] else None,
        description=match["description"] or "",
    )


def _gain(words: str | None) -> float | None:
    try:
        gain = float(words or 0.0)
    except ValueError:
        return None
    return gain or None


def _is_plain_name(name: str) -> bool:
    path = PurePosixPath(name)
    return name == path.name and "\\" not in name and not name.startswith(("~", "."))
