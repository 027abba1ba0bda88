"""Walking an aECG document, whatever its namespace prefix, and its time stamps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

from gem_integration.domain.study import ParseLimits

_TS = re.compile(
    r"(\d{4})(\d{2})(\d{2})(\d{2})?(\d{2})?(\d{2})?(?:\.(\d{1,6})\d*)?([+-]\d{2}:?\d{2})?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point in time, zone-aware, with its text as received."""

    at: datetime
    text: str
    zone_assumed: bool


def children(element: Element | None, name: str) -> Iterator[Element]:
    """Iterate over the direct children called ``name``, in any namespace."""
    if element is not None:
        for child in element:
            if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == name:
                yield child


def descend(element: Element | None, *names: str) -> Element | None:
    """Return the first element along the path of ``names``, or ``None``."""
    for name in names:
        element = next(children(element, name), None)
    return element


def attribute(element: Element | None, name: str) -> str | None:
    """Return an attribute, or ``None`` when the element or the attribute is absent or empty."""
    value = element.get(name) if element is not None else None
    return value.strip() or None if value else None


def text_of(element: Element | None) -> str | None:
    """Return all text inside an element on one line, or ``None``."""
    words = " ".join("".join(element.itertext()).split()) if element is not None else ""
    return words or None


def local_type(element: Element | None) -> str:
    """Return ``xsi:type`` without its prefix, or an empty string."""
    if element is None:
        return ""
    found = element.get("{http://www.w3.org/2001/XMLSchema-instance}type", "")
    return found.rpartition(":")[2]


def moment(text: str | None, limits: ParseLimits | None) -> Moment | None:
    """Return a time stamp (HL7 v3 TS) of at least day precision; without a zone, the site's is assumed."""
    match = _TS.fullmatch(text.strip()) if text else None
    if match is None or text is None:
        return None
    zone, assumed = _zone(match[8], limits)
    try:
        at = datetime(
            int(match[1]), int(match[2]), int(match[3]), int(match[4] or 0), int(match[5] or 0), tzinfo=zone
        ).replace(second=int(match[6] or 0), microsecond=int((match[7] or "0").ljust(6, "0")))
    except ValueError:
        return None
    return Moment(at=at, text=text.strip(), zone_assumed=assumed)


def _zone(offset: str | None, limits: ParseLimits | None) -> tuple[tzinfo, bool]:
    if offset is None:
        return (ZoneInfo(limits.assumed_zone) if limits else UTC), True
    minutes = int(offset[1:3]) % 24 * 60 + int(offset[-2:]) % 60
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)), False
