"""Dates and times of DICOM (PS3.5 section 6.2: DA, TM, DT, AS), with their zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from pydicom.dataset import Dataset

from adapters.inbound.dicom_ecg.fields import text
from gem_integration.domain.study import ParseLimits

_DATE_TIME = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?(?:\.(?P<fraction>\d{1,6}))?"
    r"(?P<zone>[+-]\d{4})?",
    re.ASCII,
)
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})", re.ASCII)
_AGE = re.compile(r"(\d{1,3})([DWMY])", re.ASCII)
_ZONE = re.compile(r"([+-])(\d{2})(\d{2})", re.ASCII)

EARLIEST_YEAR = 1950  #: no digital ECG is older: such a date stands for "unknown"
DAYS_A_YEAR = 365.2425
YEARS_OF = {"D": 1 / DAYS_A_YEAR, "W": 7 / DAYS_A_YEAR, "M": 1 / 12, "Y": 1.0}

#: Where the moment of acquisition may stand, best first: (date, time), or one element with both.
MOMENTS = (
    ("AcquisitionDateTime", None),
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("StudyDate", "StudyTime"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When an ECG was taken, the words of the source, and whether the zone is ours."""

    at: datetime | None = None
    text: str | None = None
    zone_assumed: bool = False


def moment_of(data_set: Dataset, limits: ParseLimits) -> Moment:
    """Return when the recording was taken; never finer than the source says, so a bare date is no time."""
    said = [words for place in MOMENTS if (words := _words(data_set, *place)) and not _is_placeholder(words)]
    for words in said:
        if match := _DATE_TIME.fullmatch(words):
            own = _zone(match["zone"]) or _zone(text(data_set, "TimezoneOffsetFromUTC"))
            at = _moment(match, own or ZoneInfo(limits.assumed_zone))
            if at is not None:
                return Moment(at=at, text=words, zone_assumed=own is None)
    return Moment(text=said[0] if said else None)


def _words(data_set: Dataset, day: str, time: str | None) -> str | None:
    first = text(data_set, day)
    if time is None or first is None:
        return first
    return first + (text(data_set, time) or "").replace(":", "")


def _is_placeholder(words: str) -> bool:
    year = words[:4]
    return year.isascii() and year.isdigit() and int(year) < EARLIEST_YEAR


def _moment(match: re.Match[str], zone: tzinfo) -> datetime | None:
    year, month, day, hour, minute = (int(match[n]) for n in ("year", "month", "day", "hour", "minute"))
    second = min(int(match["second"] or 0), 59)  # DICOM allows the leap second 60
    fraction = int((match["fraction"] or "").ljust(6, "0"))
    try:
        local = datetime(year, month, day, hour, minute, second, fraction, tzinfo=zone)
        local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return local


def _zone(words: str | None) -> tzinfo | None:
    match = _ZONE.fullmatch(words) if words else None
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if offset >= timedelta(hours=24):
        return None
    return timezone(-offset if match[1] == "-" else offset)


def date_of(words: str | None) -> date | None:
    """Return a DA value as a date; ``None`` where it is none."""
    match = _DATE.fullmatch(words) if words else None
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def age_years_of(words: str | None) -> float | None:
    """Return an AS value ("042Y", "006M") in years."""
    match = _AGE.fullmatch(words.upper()) if words else None
    return None if match is None else int(match[1]) * YEARS_OF[match[2]]
