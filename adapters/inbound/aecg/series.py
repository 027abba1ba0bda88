"""Rhythm series of an aECG → recordings: SLIST_PQ leads over a GLIST_TS or GLIST_PQ time axis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import TypeAlias
from xml.etree.ElementTree import Element

import numpy as np

from adapters.inbound.aecg.xml import Moment, attribute, children, descend, local_type, moment, text_of
from gem_integration.domain.ecg import FloatArray, Lead, Recording
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording
from gem_integration.terminology.lead_names import lead_of_code

SERIES_MAX = 64
#: Codes of averaged beats (ActCode REPRESENTATIVE_BEAT and local ones); derivedSeries are not visited at all.
NO_RHYTHM = re.compile(r"representative|median|average|template", re.IGNORECASE)
TIME_AXES = frozenset({"TIME_ABSOLUTE", "TIME_RELATIVE"})

#: UCUM units of amplitude, lower case, → mV, and of time → s.
VOLTAGES_MV: Mapping[str, float] = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6}
TIMES_S: Mapping[str, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_ALLOWED = b"0123456789+-.eE \t\r\n"


#: A lead's sequence element, and -1 for a lead sent upside down (-aVR).
_Sequence: TypeAlias = tuple[Element, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One recording with the series element it came from."""

    element: Element
    recording: Recording
    started: Moment | None
    filters: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _SequenceSet:
    """The leads over one time axis, before their samples are read."""

    axis: Element | None = None
    leads: dict[Lead, _Sequence] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def times(self) -> tuple[str | None, ...]:
        """Return what must be equal for two sets to be simultaneous: start, step and unit."""
        head, increment = descend(self.axis, "head"), descend(self.axis, "increment")
        return attribute(head, "value"), attribute(increment, "value"), attribute(increment, "unit")


def rhythm_series(root: Element, limits: ParseLimits) -> Iterator[Series]:
    """Yield the recordings of all rhythm series.

    Sequence sets of one series that hold different leads over the same time axis are one recording;
    others are recordings of their own.
    """
    count = 0
    for component in children(root, "component"):
        for element in children(component, "series"):
            if NO_RHYTHM.search(attribute(descend(element, "code"), "code") or ""):
                continue
            for found in _joined(element):
                count += 1
                if count > SERIES_MAX:
                    raise UnsupportedRecording("aECG: more recordings than the limit", limit=SERIES_MAX)
                yield _series(element, found, limits)


def _joined(element: Element) -> list[_SequenceSet]:
    joined: list[_SequenceSet] = []
    for part in children(element, "component"):
        for sequences in children(part, "sequenceSet"):
            new = _sequence_set(sequences)
            if new.leads and not any(_merge(other, new) for other in joined[-SERIES_MAX:]):
                joined.append(new)
    return joined


def _merge(into: _SequenceSet, new: _SequenceSet) -> bool:
    """Add the leads of a simultaneous set; say whether the two belong together."""
    if into.times != new.times or into.times[0] is None or into.leads.keys() & new.leads.keys():
        return False
    into.leads |= new.leads
    into.warnings += new.warnings
    return True


def _sequence_set(sequences: Element) -> _SequenceSet:
    found = _SequenceSet()
    for component in children(sequences, "component"):
        for sequence in children(component, "sequence"):
            code = attribute(descend(sequence, "code"), "code") or ""
            named = lead_of_code(code)
            if code in TIME_AXES:
                found.axis = descend(sequence, "value") if found.axis is None else found.axis
            elif named is None:
                found.warnings.append("a sequence that is no ECG lead was left out")
            elif named.lead in found.leads:
                raise UnsupportedRecording(f"aECG: lead {named.lead} occurs twice in one sequence set")
            else:
                found.leads[named.lead] = (sequence, named.sign)
    return found


def _series(element: Element, found: _SequenceSet, limits: ParseLimits) -> Series:
    started = moment(attribute(descend(found.axis, "head"), "value"), limits) or _low(element, limits)
    return Series(
        element=element,
        recording=_recording(found.leads, _rate_hz(found.axis), started, limits),
        started=started,
        filters=tuple(_filters(element)),
        warnings=tuple(dict.fromkeys(found.warnings)),
    )


def _low(element: Element, limits: ParseLimits) -> Moment | None:
    return moment(attribute(descend(element, "effectiveTime", "low"), "value"), limits)


def _rate_hz(axis: Element | None) -> float:
    increment = descend(axis, "increment")
    unit_s = TIMES_S.get(attribute(increment, "unit") or "")
    value = _number(attribute(increment, "value"), "the time increment")
    if not unit_s or value is None or value <= 0.0:
        raise UnsupportedRecording("aECG: no time axis with an increment and its unit")
    return round(1.0 / (value * unit_s), 6)


def _recording(
    leads: Mapping[Lead, _Sequence], rate_hz: float, started: Moment | None, limits: ParseLimits
) -> Recording:
    rows = [
        _samples_mv(lead, descend(sequence, "value"), limits) * sign
        for lead, (sequence, sign) in leads.items()
    ]
    if len({row.size for row in rows}) > 1:
        raise UnsupportedRecording("aECG: the leads have different numbers of samples", leads=len(rows))
    if len(rows) * rows[0].size > limits.samples_max:
        raise UnreadableMessage("aECG: more samples than the limit", limit=limits.samples_max)
    try:
        return Recording.of(np.stack(rows), tuple(leads), rate_hz, started_at=started.at if started else None)
    except ValueError as error:
        raise UnsupportedRecording(f"aECG: the waveform cannot be a surface ECG: {error}") from error


def _samples_mv(lead: Lead, value: Element | None, limits: ParseLimits) -> FloatArray:
    if local_type(value) not in {"SLIST_PQ", ""}:
        raise UnsupportedRecording(f"aECG: lead {lead}: only SLIST_PQ values are read")
    scale = _voltage_mv(descend(value, "scale"), f"lead {lead}: the scale")
    origin = descend(value, "origin")
    origin_mv = 0.0 if origin is None else _voltage_mv(origin, f"lead {lead}: the origin")
    if scale == 0.0:
        raise UnsupportedRecording(f"aECG: lead {lead}: the scale is zero")
    digits = descend(value, "digits")
    text = "" if digits is None else digits.text or ""
    if text.encode("utf-8").translate(None, _ALLOWED):
        raise UnreadableMessage(f"aECG: lead {lead}: the digits hold something that is not a number")
    if len(text) > limits.samples_max * 16:
        raise UnreadableMessage("aECG: more samples than the limit", limit=limits.samples_max)
    return np.array(_digits(text, lead), dtype=np.float64) * scale + origin_mv


def _digits(text: str, lead: Lead) -> list[float]:
    try:
        digits = [float(word) for word in text.split()]
    except ValueError as error:
        raise UnreadableMessage(
            f"aECG: lead {lead}: the digits hold something that is not a number"
        ) from error
    if not all(map(isfinite, digits)):
        raise UnreadableMessage(f"aECG: lead {lead}: the digits hold something that is not a number")
    if not digits:
        raise UnsupportedRecording(f"aECG: lead {lead} has no samples")
    return digits


def _voltage_mv(element: Element | None, what: str) -> float:
    unit_mv = VOLTAGES_MV.get((attribute(element, "unit") or "").lower())
    value = _number(attribute(element, "value"), what)
    if unit_mv is None or value is None:
        raise UnsupportedRecording(f"aECG: {what} has no number with a voltage unit")
    return value * unit_mv


def _number(text: str | None, what: str) -> float | None:
    if text is None:
        return None
    if not _NUMBER.fullmatch(text) or not isfinite(float(text)):
        raise UnreadableMessage(f"aECG: {what} is not a number")
    return float(text)


def _filters(element: Element) -> Iterator[str]:
    """Yield each filter control variable with its cut-off or notch frequency."""
    for outer in children(element, "controlVariable"):
        variable = descend(outer, "controlVariable")
        name = attribute(descend(variable, "code"), "code") or ""
        if "FILTER" in name:
            yield " ".join([name.rpartition("FILTER_")[2].lower().replace("_", " "), *_details(variable)])


def _details(variable: Element | None) -> Iterator[str]:
    for part in children(variable, "component"):
        value = descend(part, "controlVariable", "value")
        words = (attribute(value, "value"), attribute(value, "unit"), text_of(value))
        yield from (word for word in words if word)
