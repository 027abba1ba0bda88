"""Quantities in prose: numbers with units, ranges, lists that share a unit, and how they are meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gem_integration.domain.evidence import Comparator

# Written unit -> (unit of claims.md section 1, factor).
UNITS: dict[str, tuple[str, float]] = {
    "ms": ("ms", 1.0),
    "msec": ("ms", 1.0),
    "msecs": ("ms", 1.0),
    "millisecond": ("ms", 1.0),
    "milliseconds": ("ms", 1.0),
    "s": ("ms", 1000.0),
    "sec": ("ms", 1000.0),
    "secs": ("ms", 1000.0),
    "second": ("ms", 1000.0),
    "seconds": ("ms", 1000.0),
    "mv": ("mV", 1.0),
    "millivolt": ("mV", 1.0),
    "millivolts": ("mV", 1.0),
    "µv": ("mV", 1e-3),
    "uv": ("mV", 1e-3),
    "microvolt": ("mV", 1e-3),
    "microvolts": ("mV", 1e-3),
    "mm": ("mm", 1.0),
    "millimeter": ("mm", 1.0),
    "millimeters": ("mm", 1.0),
    "millimetre": ("mm", 1.0),
    "millimetres": ("mm", 1.0),
    "bpm": ("bpm", 1.0),
    "b.p.m": ("bpm", 1.0),
    "beats per minute": ("bpm", 1.0),
    "beats a minute": ("bpm", 1.0),
    "beats/minute": ("bpm", 1.0),
    "beats/min": ("bpm", 1.0),
    "per minute": ("bpm", 1.0),
    "/min": ("bpm", 1.0),
    "/minute": ("bpm", 1.0),
    "min-1": ("bpm", 1.0),
    "ppm": ("bpm", 1.0),
    "times per minute": ("bpm", 1.0),
    "times a minute": ("bpm", 1.0),
    "cycles per minute": ("bpm", 1.0),
    "beats per min": ("bpm", 1.0),
    "per min": ("bpm", 1.0),
    "a minute": ("bpm", 1.0),
    "/ min": ("bpm", 1.0),
    "/ minute": ("bpm", 1.0),
    "beats / min": ("bpm", 1.0),
    "x/min": ("bpm", 1.0),
    "°": ("deg", 1.0),
    "deg": ("deg", 1.0),
    "degs": ("deg", 1.0),
    "degree": ("deg", 1.0),
    "degrees": ("deg", 1.0),
}
_UNIT = "|".join(sorted((re.escape(unit) for unit in UNITS), key=len, reverse=True))
_NUMBER = re.compile(
    r"(?:(?<![\w.,)])(?P<sign>[+-]))?(?<![\w.])(?<!\d:)(?P<digits>\d{1,3}(?:,\d{3})+(?![\d,])|"
    r"\d{1,6}(?:[.,]\d{1,4})?|[.]\d{1,4})"
    rf"(?![\d:])(?:[ -]?(?P<unit>{_UNIT})(?![a-z/²]))?(?![.]\d)"
)
_RANGE_GAP = re.compile(r"\s?(?:-|to|through|and|up to)\s?")
_LIST_GAP = re.compile(r"\s?(?:,|/|and|or|, and|;)\s?")
_NO_QUANTITY_AFTER = re.compile(
    r"-?(?:lead|year|yo\b|channel|st\b|nd\b|rd\b|th\b|hz|%|/(?!\s?[+-]?\d)|:\d|'|\.\d|x\b)|\s?(?:/\s?\d+\s?)?=\s?\d"
)
_DATE = re.compile(
    r"(?<![\d.])(?:[0-2]?\d|3[01])([-/.])(?:[0-2]?\d|3[01]|[a-z]{3})\1(?:19|20)?\d\d(?![\d°]| ?(?:deg|ms|mv))"
    r"|\d{4}-\d\d-\d\d"
)

_COMPARATORS: tuple[tuple[Comparator, str], ...] = (
    (
        Comparator.LESS_OR_EQUAL,
        (
            r"(?:(?:amounting )?up to|none exceed(?:s|ing)?|not exceed(?:ing)?|"
            r"(?:never|not) (?:more|longer|wider|greater) than|at (?:the )?most"
            r"|no (?:more|longer|greater|wider|deeper|higher|larger) than|does not surpass|"
            r"(?:a )?max(?:imum|imal|imally|[.])?(?: of)?"
            r"|without exceeding|≤|<=|=<)"
        ),
    ),
    (
        Comparator.GREATER_OR_EQUAL,
        (
            r"(?:at least|no (?:shorter|less|fewer|lower|smaller) than|not (?:less|shorter|below) than|"
            r"not below"
            r"|(?:a )?min(?:imum|imal|imally|[.])?(?: of)?|≥|>=|=>)"
        ),
    ),
    (
        Comparator.LESS,
        (
            r"(?:(?:just |well |slightly |stays? |remain(?:s|ing)? )?(?:under|below|beneath)"
            r"|(?:less|shorter|smaller|lower|narrower|fewer|shallower) than|none reach(?:es|ing)?"
            r"|(?:not|never) (?:even )?reach(?:es|ing)?|fall(?:s|ing)? short of|<)"
        ),
    ),
    (
        Comparator.GREATER,
        (
            r"(?:exceed(?:s|ing)?|surpass(?:es|ing)?|(?:just |well |slightly )?(?:above|over|beyond|"
            r"upwards of)"
            r"|(?:more|greater|deeper|longer|wider|higher|larger|taller) than|in excess of|>)"
        ),
    ),
    (
        Comparator.ABOUT,
        (
            r"(?:about|around|approximately|approx\.?|near(?:ly)?|roughly|some|close to|circa|ca\.?|"
            r"almost|an estimated|maybe|perhaps|say|like"
            r"|estimated (?:at|to be)|in the (?:region|order|neighbou?rhood|vicinity) of|"
            r"of the order of|cluster(?:s|ing)? around|hover(?:s|ing)? (?:at|around)|~|≈|±)"
        ),
    ),
)
_FILLER = r"(?:\s|\b(?:a|an|the|only|just|mean|of|value|threshold|level)\b|[(:=@])*"
_BEFORE = tuple((comparator, re.compile(pattern + _FILLER + "$")) for comparator, pattern in _COMPARATORS)
_AFTER = (
    (
        Comparator.GREATER_OR_EQUAL,
        re.compile(r"\s?(?:or (?:more|greater|longer|above|higher)|and above|\+(?!\d))"),
    ),
    (Comparator.LESS_OR_EQUAL, re.compile(r"\s?(?:or (?:less|below|lower|shorter)|at most)")),
)
_CITED = r"[\s(:=<>≤≥~]*(?:(?:is|of|from|between|up to|below|under|about|less than|to)\s*)?[<>≤≥~]?\s*$"
_QUOTED = re.compile(
    r"(?:\breference(?: \w+)?|\bnormal (?:ranges?|values?|limits?|is)|\blimits?|\brange of|\bcut-?off|"
    r"\bcriteri(?:a|on)|"
    r"\bthreshold|\bexpected|\busual(?: range)?|\bnormally|\bnl|\bnorm|\bref\.?)" + _CITED
)
_QUOTED_NORMAL = re.compile(r"\b(?:normal|nl)[\s(:,]*(?:up to|below|under)?[\s<>≤≥]*$")
_QUOTED_PAREN = re.compile(
    r"\((?:normal (?!width|duration)|norm|ref|n[:=]|<|>|≤|≥|reference|limit|upper|expected|usual|nl)[^)]*$"
)
_LIMIT_AFTER = re.compile(r"\s?(?:is )?normal\)")
_LIMIT_SIGN = re.compile(r"(?:[<>≤≥]|up to|below|under)\s*$")
LOOK_BACK = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number in prose; ``unit`` is ``None`` where none was printed, ``quoted`` for a limit only cited."""

    start: int
    end: int
    value: float
    value_high: float | None = None
    unit: str | None = None
    comparator: Comparator = Comparator.EQUAL
    phrase_start: int
    quoted: bool = False
    shared: int = 0  #: how many numbers of a list come before this one
    listed: int = 1  #: how many numbers the list has


def quantities(lower: str, masked: str) -> list[Quantity]:
    """Return the quantities of one sentence; ``masked`` is ``lower`` with lead names blanked out."""
    dates = [match.span() for match in _DATE.finditer(masked)]
    plain = [
        _quantity(match)
        for match in _NUMBER.finditer(masked)
        if not _NO_QUANTITY_AFTER.match(masked, match.end())
        and not any(start <= match.start() < stop for start, stop in dates)
    ]
    return [_compared(quantity, lower) for quantity in _combined(plain, masked)]


def _quantity(match: re.Match[str]) -> Quantity:
    digits = match["digits"]
    thousands = re.fullmatch(r"\d{1,3}(?:,\d{3})+", digits) is not None
    number = float(digits.replace(",", "" if thousands else "."))
    unit, factor = UNITS[match["unit"]] if match["unit"] else (None, 1.0)
    value = round(number * factor * (-1.0 if match["sign"] == "-" else 1.0), 6)
    return Quantity(start=match.start(), end=match.end(), phrase_start=match.start(), value=value, unit=unit)


def _combined(plain: list[Quantity], masked: str) -> list[Quantity]:
    """Join ranges, and give the numbers of a list their common unit."""
    joined: list[Quantity] = []
    for quantity in plain:
        before = joined[-1] if joined else None
        if before is not None and _is_range(before, quantity, masked):
            joined[-1] = _range_of(before, quantity)
        else:
            joined.append(quantity)
    return _with_shared_units(joined, masked)


def _is_range(first: Quantity, second: Quantity, masked: str) -> bool:
    gap = masked[first.end : second.start]
    if first.value_high is not None or not _RANGE_GAP.fullmatch(gap):
        return False
    if first.unit is not None and first.unit != second.unit:
        return False
    if gap.strip() == "and" and not re.search(r"\bbetween\s+(?:\w+\s+)?$", masked[: first.start]):
        return False
    low, high = _scaled(first, second), second.value
    if second.unit == "deg" and low != high:
        return True
    return low < high and (second.unit is not None or gap.strip() != "and")


def _scaled(first: Quantity, second: Quantity) -> float:
    """Return the first number of a range in the unit of the second ("0.16 to 0.20 s")."""
    seconds = first.unit is None and second.unit == "ms" and first.value < 3.0 < second.value
    return first.value * 1000.0 if seconds else first.value


def _range_of(first: Quantity, second: Quantity) -> Quantity:
    low, high = sorted((round(_scaled(first, second), 6), second.value))
    return replace(
        first,
        end=second.end,
        value=low,
        value_high=high,
        unit=second.unit,
        comparator=Comparator.RANGE,
    )


def _with_shared_units(joined: list[Quantity], masked: str) -> list[Quantity]:
    listed: list[Quantity] = []
    start = 0
    while start < len(joined):
        stop = start + 1
        while stop < len(joined) and _same_list(joined[stop - 1], joined[stop], masked):
            stop += 1
        items = joined[start:stop]
        unit = next((item.unit for item in items if item.unit), None)
        factor = 1000.0 if unit == "ms" and max(item.value for item in items if item.unit) >= 30 else 1.0
        for place, item in enumerate(items):
            small = item.unit is None and factor != 1.0 and abs(item.value) < 3.0
            value = round(item.value * (factor if small else 1.0), 6)
            listed.append(replace(item, unit=unit, value=value, shared=place, listed=len(items)))
        start = stop
    return listed


def _same_list(first: Quantity, second: Quantity, masked: str) -> bool:
    if first.unit is not None and second.unit is not None and first.unit != second.unit:
        return False
    if first.comparator is Comparator.RANGE or second.comparator is Comparator.RANGE:
        return False
    return _LIST_GAP.fullmatch(masked[first.end : second.start]) is not None


def _is_quoted(quantity: Quantity, before: str, lower: str) -> bool:
    """Say whether a number is a limit only cited ("(normal 120-200 ms)")."""
    limit = quantity.comparator is Comparator.RANGE or _LIMIT_SIGN.search(before) is not None
    if _QUOTED_PAREN.search(before) or (_QUOTED.search(before) and (limit or not before.endswith("("))):
        return True
    if _LIMIT_AFTER.match(lower, quantity.end):
        return True
    return limit and _QUOTED_NORMAL.search(before) is not None


def _compared(quantity: Quantity, lower: str) -> Quantity:
    before = lower[max(0, quantity.start - LOOK_BACK) : quantity.start]
    quoted = _is_quoted(quantity, before, lower)
    if quantity.comparator is Comparator.RANGE:
        return replace(quantity, quoted=quoted)
    for comparator, pattern in _AFTER:
        after = pattern.match(lower, quantity.end)
        if after:
            return replace(quantity, comparator=comparator, end=after.end(), quoted=quoted)
    for comparator, pattern in _BEFORE:
        match = pattern.search(before)
        if match:
            start = quantity.start - len(before) + match.start()
            return replace(quantity, comparator=comparator, phrase_start=start, quoted=quoted)
    return replace(quantity, quoted=quoted)
