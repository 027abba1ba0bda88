"""Channel definitions of HL7 v2 waveforms: data type CD (HL7 v2.5.1 sections 2.A.4 and 7.14.1.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from adapters.inbound.hl7v2.leads import first_lead, observed_lead, unit_names, voltage_mv
from adapters.inbound.hl7v2.split import Delimiters, Segment, unescape
from gem_integration.domain.ecg import FloatArray, Lead
from gem_integration.errors import UnreadableMessage, UnsupportedRecording
from gem_integration.terminology.lead_names import NamedLead

#: Components of CD that name one channel and are never carried over to the next.
CHANNEL_IDENTIFIER, WAVEFORM_SOURCE, SENSITIVITY, CALIBRATION, SAMPLING_RATE, RANGE = range(6)
#: Subcomponents of CD.3 that spell the unit: identifier, text, alternate identifier and text.
UNIT_SPELLINGS = (1, 2, 4, 5)
#: Second waveform sources that make a chest electrode the lead of its name (Wilson's central terminal).
REFERENCES = frozenset({"", "wct", "wilson", "ct"})
NULL = '""'
CHANNELS_MAX = 1024  #: channels that one report may define
OUT_OF_RANGE_FRACTION_MAX = 0.05
CLIPPED_FRACTION_MAX = 0.005
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)

#: Texts of a channel definition by component and subcomponent, counted from 0.
_Items: TypeAlias = dict[tuple[int, int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel: mV = (value - ``baseline``) x ``mv_per_step`` x ``sign``.

    ``None`` stands where the message is silent; ``sign`` is -1 for a lead sent upside down (-aVR),
    ``unit_mv`` is 0 for a unit that is no voltage.
    """

    lead: Lead | None
    sign: int = 1
    sensitivity: float | None = None
    correction: float = 1.0
    unit_mv: float | None = None
    baseline: float = 0.0
    rate_hz: float | None = None
    low: float | None = None
    high: float | None = None
    skew_s: float = 0.0

    @property
    def mv_per_step(self) -> float:
        """Return the millivolts of one step, 0 where the message does not say enough."""
        return (self.sensitivity or 0.0) * self.correction * (self.unit_mv or 0.0)


def number(text: str, what: str) -> float | None:
    """Return a decimal number, ``None`` for nothing; ``UnreadableMessage`` for anything else."""
    text = text.strip()
    if text in {"", NULL}:
        return None
    value = float(text) if _NUMBER.fullmatch(text) else float("inf")
    if abs(value) == float("inf"):
        raise UnreadableMessage(f"{what} is not a number")
    return value


def channels(observation: Segment, aliases: Mapping[str, str]) -> list[Channel]:
    """Return the channels of one CHN segment; an absent item repeats the last one present in it.

    Only scale, calibration, rate and range carry over (HL7 2.3 section 7.16.2); a name never does. A unit
    carries over as a whole, and OBX-6 of the segment is the unit where CD.3 has none.
    """
    carried = dict(_units_of_segment(observation))
    named = observed_lead(observation, aliases)
    found = []
    for repetition in observation.repetitions(5)[: CHANNELS_MAX + 1]:
        items = _items(repetition, observation.delimiters)
        if any(_is_unit(place) for place in items):
            carried = {place: text for place, text in carried.items() if not _is_unit(place)}
        carried |= {place: text for place, text in items.items() if place[0] >= SENSITIVITY}
        found.append(_channel(items | carried, aliases))
    if not found:
        raise UnreadableMessage("a channel definition (CD) is empty", segment=observation.number)
    return [_with_name(found[0], named)] if len(found) == 1 else found


def _with_name(channel: Channel, named: NamedLead | None) -> Channel:
    """Take the lead that OBX-3 names for a single channel that names none; refuse two different names."""
    if named is None or (channel.lead, channel.sign) == (named.lead, named.sign):
        return channel
    if channel.lead is not None:
        raise UnsupportedRecording(f"one channel is named {named.lead} in OBX-3 and {channel.lead} in CD")
    return replace(channel, lead=named.lead, sign=named.sign)


def _is_unit(place: tuple[int, int]) -> bool:
    return place[0] == SENSITIVITY and place[1] > 0


def _units_of_segment(observation: Segment) -> Iterator[tuple[tuple[int, int], str]]:
    for place, name in zip(UNIT_SPELLINGS, unit_names(observation), strict=False):
        yield (SENSITIVITY, place), name


def _items(repetition: str, delimiters: Delimiters) -> _Items:
    return {
        (place, sub): unescape(text, delimiters).strip()
        for place, component in enumerate(repetition.split(delimiters.component))
        for sub, text in enumerate(component.split(delimiters.subcomponent))
        if text.strip()
    }


def _channel(items: _Items, aliases: Mapping[str, str]) -> Channel:
    def item(place: int, sub: int = 0) -> str:
        text = items.get((place, sub), "")
        return "" if text == NULL else text

    named = _named([item(CHANNEL_IDENTIFIER, 1), _source(item), item(CHANNEL_IDENTIFIER)], aliases)
    units = [unit for sub in UNIT_SPELLINGS if (unit := item(SENSITIVITY, sub))]
    correction = number(item(CALIBRATION), "the sensitivity correction (CD.4)")
    return Channel(
        lead=named.lead if named else None,
        sign=named.sign if named else 1,
        sensitivity=number(item(SENSITIVITY), "the channel sensitivity (CD.3)"),
        correction=1.0 if correction is None else correction,
        unit_mv=(voltage_mv(*units) or 0.0) if units else None,
        baseline=number(item(CALIBRATION, 1), "the channel baseline (CD.4)") or 0.0,
        skew_s=number(item(CALIBRATION, 2), "the time skew (CD.4)") or 0.0,
        rate_hz=number(item(SAMPLING_RATE), "the sampling frequency (CD.5)"),
        low=number(item(RANGE, 0), "the minimum data value (CD.6)"),
        high=number(item(RANGE, 1), "the maximum data value (CD.6)"),
    )


def _source(item: Callable[[int, int], str]) -> str:
    """Return the waveform source, empty for a pair of electrodes: which is the positive one is not said."""
    paired = item(WAVEFORM_SOURCE, 1)
    return item(WAVEFORM_SOURCE, 0) if paired.lower() in REFERENCES else ""


def _named(labels: list[str], aliases: Mapping[str, str]) -> NamedLead | None:
    """Return the lead that all known ``labels`` of a channel name; ``UnsupportedRecording`` if they differ.

    The channel's number is one of them: a small number there is no lead code.
    """
    found = {lead for label in labels if (lead := first_lead([(label, "")], aliases))}
    if len(found) > 1:
        raise UnsupportedRecording("one channel is named as two different leads (CD.1 and CD.2)")
    return found.pop() if found else None


def millivolts(values: FloatArray, channel: Channel) -> tuple[FloatArray, tuple[str, ...]]:
    """Return received ``values`` (NaN: absent) in mV; what lies outside the declared range is absent.

    Raises ``UnsupportedRecording`` without a scale or unit, and when the declared range contradicts
    the values.
    """
    if not channel.mv_per_step:
        raise UnsupportedRecording(
            f"lead {channel.lead}: no sensitivity with a voltage unit; send CD.3 as number & unit"
        )
    outside = _outside(values, channel)
    if outside.mean() > OUT_OF_RANGE_FRACTION_MAX:
        raise UnsupportedRecording(f"lead {channel.lead}: the samples contradict the declared range (CD.6)")
    kept = np.where(outside, np.nan, values)
    return (kept - channel.baseline) * (channel.mv_per_step * channel.sign), _range_warnings(
        kept, outside, channel
    )


def _outside(values: FloatArray, channel: Channel) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    if channel.low is None or channel.high is None or channel.low >= channel.high:
        return np.zeros(values.shape, dtype=np.bool_)
    return (values < channel.low) | (values > channel.high)


def _range_warnings(
    kept: FloatArray, outside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], channel: Channel
) -> tuple[str, ...]:
    warnings = []
    if outside.any():
        warnings.append(
            f"lead {channel.lead}: {int(outside.sum())} samples outside the declared range are gaps"
        )
    if channel.low is not None and channel.high is not None and channel.low < channel.high:
        clipped = int(((kept == channel.low) | (kept == channel.high)).sum())
        if clipped > CLIPPED_FRACTION_MAX * kept.size:
            warnings.append(f"lead {channel.lead}: {clipped} samples lie at the declared limits (clipped)")
    return tuple(warnings)
