"""Waveform observations of one HL7 v2 report → recordings (HL7 v2.5.1 section 7.14).

A channel's successive WAV segments continue each other. A new TIM starts another stretch of time:
stretches are never joined, they become separate recordings. Groups of different leads that share their
start, rate and length are one recording.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np

from adapters.inbound.hl7v2_attributes import Attributes, waveform_attributes
from adapters.inbound.hl7v2_channels import Channel, channels, millivolts
from adapters.inbound.hl7v2_leads import observed_lead, unit_names, voltage_mv
from adapters.inbound.hl7v2_samples import sample_rows
from adapters.inbound.hl7v2_split import Segment
from gem_integration.domain.ecg import FloatArray, Lead, Recording
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording
from gem_integration.terminology.lead_names import NamedLead

SUFFIXES = frozenset({"TIM", "CHN", "WAV", "ANO"})
TIME_TYPES = frozenset({"TS", "DTM"})
SAMPLE_TYPES = frozenset({"NA", "MA"})
CATEGORY_OF_TYPE = {"CD": "CHN", "NA": "WAV", "MA": "WAV"}

#: Beats averaged by the cart look like a recording and are none.
AVERAGED = re.compile(r"representative|median|average|template", re.IGNORECASE)
RECORDINGS_MAX = 64  #: stretches of time one report may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One recording of a report, with the start time as received and what was noticed."""

    recording: Recording
    time_text: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timing:
    number: int
    text: str


_UNTIMED = _Timing(number=0, text="")
_Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class _Stream:
    """The blocks of one channel definition within one stretch of time."""

    timing: _Timing
    blocks: dict[Lead, list[FloatArray]] = field(default_factory=dict)
    rate_hz: float = 0.0
    skews_s: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def samples_mv(self, lead: Lead) -> FloatArray:
        return np.concatenate(self.blocks[lead])


def category(observation: Segment) -> str | None:
    """Return TIM, CHN, WAV or ANO: by the suffix in OBX-3 (HL7 v2.5.1 section 7.14.1), else by value type."""
    delimiters = observation.delimiters
    kind = observation.get(2).upper()
    for component in observation.components(3)[:2]:
        for name in component.split(delimiters.subcomponent):
            if name.strip().upper() in SUFFIXES:
                return name.strip().upper()
    return CATEGORY_OF_TYPE.get(kind)


def is_waveform(observation: Segment) -> bool:
    """Say whether an OBX belongs to a waveform: its samples, channels, timing or annotation."""
    return category(observation) is not None


def traces(observations: tuple[Segment, ...], limits: ParseLimits) -> tuple[Trace, ...]:
    """Return the ECG recordings among the observations of one report, possibly none.

    Channels that are no ECG leads are left out with a warning. Raises ``UnreadableMessage`` and
    ``UnsupportedRecording`` where values, units, rates or lengths are missing or contradict.
    """
    attributes = waveform_attributes(o for o in observations if not is_waveform(o))
    reading = _Reading(attributes=attributes, limits=limits)
    for index, observation in enumerate(observations):
        reading.take(observation, observations[index + 1] if index + 1 < len(observations) else None)
    return tuple(_trace(streams, reading.left_out) for streams in _together(list(reading.streams.values())))


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What has been seen so far of one report's waveform segments."""

    attributes: Attributes
    limits: ParseLimits
    timings: dict[str, _Timing] = field(default_factory=dict)
    latest: _Timing = _UNTIMED
    defined: dict[_Key, list[Channel]] = field(default_factory=dict)
    keys: dict[str, set[_Key]] = field(default_factory=dict)
    used: set[_Key] = field(default_factory=set)
    streams: dict[tuple[int, _Key], _Stream] = field(default_factory=dict)
    samples: int = 0
    left_out: list[str] = field(default_factory=list)

    def take(self, observation: Segment, following: Segment | None) -> None:
        """Take the next OBX."""
        kind = category(observation)
        untagged_time = (
            kind is None
            and observation.get(2).upper() in TIME_TYPES
            and following is not None
            and category(following) in {"CHN", "WAV"}
        )
        if kind == "TIM" or untagged_time:
            self._time(observation)
        elif kind == "CHN":
            self._define(observation)
        elif kind == "WAV":
            self._read(observation)

    def _time(self, observation: Segment) -> None:
        self.latest = _Timing(number=self.latest.number + 1, text=observation.get(5))
        if not observation.get(4):
            self.timings.clear()
        self.timings[observation.get(4)] = self.latest

    def _define(self, observation: Segment) -> None:
        key = _key(observation)
        if key in self.used or key not in self.defined:
            self.defined[key] = []
            self.used.discard(key)
            self.keys.setdefault(key[0], set()).add(key)
        self.defined[key] += channels(observation, self.limits.lead_aliases)

    def _read(self, observation: Segment) -> None:
        if AVERAGED.search(observation.raw(3)):
            self.left_out.append("a representative beat was left out")
            return
        key, definitions = self._definitions(observation)
        rows = sample_rows(observation, self.limits)
        self.samples += rows.size
        if self.samples > self.limits.samples_max:
            raise UnreadableMessage("the message has more samples than the limit")
        timing = self.timings.get(observation.get(4), self.latest)
        stream = self.streams.setdefault((timing.number, key), _Stream(timing=timing))
        _check_distinct(definitions)
        for row, channel in zip(*_paired(rows, definitions, observation, self.limits), strict=True):
            if channel.lead is None:
                self.left_out.append(
                    f"a channel that is no ECG lead was left out (segment {observation.number})"
                )
            else:
                _append(stream, channel.lead, row, self._rated(channel, observation))
        if not stream.blocks:
            del self.streams[timing.number, key]

    def _definitions(self, observation: Segment) -> tuple[_Key, list[Channel]]:
        key = _key(observation)
        near = self.keys.get(key[0], set())
        chosen = key if key in near else next(iter(near)) if len(near) == 1 else None
        named = observed_lead(observation, self.limits.lead_aliases)
        if chosen is None or (named and all(one.lead is not named.lead for one in self.defined[chosen])):
            return key, [self._plain(observation, named)]
        self.used.add(chosen)
        return chosen, [_with_unit(channel, observation) for channel in self.defined[chosen]]

    def _plain(self, observation: Segment, named: NamedLead | None) -> Channel:
        """Return the channel of an OBX that names its lead and unit itself, as many senders do."""
        unit_mv = voltage_mv(*unit_names(observation))
        if named is None:
            return Channel(lead=None)
        if self.attributes.scaled:
            raise UnsupportedRecording(
                "the waveform is scaled by attributes we do not read; send CD segments"
            )
        return Channel(lead=named.lead, sign=named.sign, mv_per_step=unit_mv, unit_mv=unit_mv)

    def _rated(self, channel: Channel, observation: Segment) -> Channel:
        if channel.rate_hz is not None:
            return channel
        rate_hz = self.attributes.rate_hz(observation.get(4))
        if rate_hz is None:
            raise UnsupportedRecording(
                f"lead {channel.lead}: no sampling frequency; send it in CD.5 or as an observation in Hz"
            )
        return replace(channel, rate_hz=rate_hz)


def _check_distinct(definitions: list[Channel]) -> None:
    leads = [channel.lead for channel in definitions if channel.lead is not None]
    if len(set(leads)) != len(leads):
        raise UnsupportedRecording("one channel definition names a lead twice")


def _key(observation: Segment) -> _Key:
    return observation.get(4), observation.get(3).upper()


def _with_unit(channel: Channel, observation: Segment) -> Channel:
    """Take OBX-6 for a channel without unit and scale; refuse it where it contradicts the channel's unit."""
    stated_mv = voltage_mv(*unit_names(observation))
    if stated_mv is None or channel.lead is None:
        return channel
    if channel.unit_mv is None and channel.mv_per_step is None:
        return replace(channel, mv_per_step=stated_mv, unit_mv=stated_mv)
    if channel.unit_mv != stated_mv:
        raise UnsupportedRecording(
            f"lead {channel.lead}: OBX-6 and the channel definition name different units"
        )
    return channel


def _paired(
    rows: FloatArray, definitions: list[Channel], observation: Segment, limits: ParseLimits
) -> tuple[FloatArray, list[Channel]]:
    """Return rows and their channels in step; ``UnreadableMessage`` when they cannot be matched."""
    if len(rows) == len(definitions):
        return rows, definitions
    if len(definitions) == 1 and rows.shape[1] == 1:
        return rows.T, definitions
    named = observed_lead(observation, limits.lead_aliases)
    matching = [channel for channel in definitions if named and channel.lead is named.lead]
    if len(rows) == 1 and len(matching) == 1:
        return rows, matching
    raise UnreadableMessage(
        "a waveform has another number of channels than its definition",
        segment=observation.number,
        channels=len(definitions),
        rows=len(rows),
    )


def _append(stream: _Stream, lead: Lead, row: FloatArray, channel: Channel) -> None:
    samples_mv, warnings = millivolts(row, channel)
    rate_hz = channel.rate_hz or 0.0
    if stream.rate_hz not in {0.0, rate_hz}:
        raise UnsupportedRecording("the leads have different sampling frequencies and form no recording")
    stream.rate_hz = rate_hz
    stream.skews_s.append(channel.skew_s)
    stream.warnings += warnings
    stream.blocks.setdefault(lead, []).append(samples_mv)


def _together(streams: list[_Stream]) -> list[list[_Stream]]:
    """Join streams of different leads that started together; a lead twice is another recording."""
    recordings: list[list[_Stream]] = []
    for stream in streams:
        for joined in recordings:
            if _simultaneous(joined[0].timing, stream.timing) and not _shared_leads(joined, stream):
                joined.append(stream)
                break
        else:
            recordings.append([stream])
        if len(recordings) > RECORDINGS_MAX:
            raise UnsupportedRecording("the report holds more separate recordings than the limit")
    return recordings


def _simultaneous(one: _Timing, other: _Timing) -> bool:
    return one.number == other.number or (one.text == other.text and bool(one.text))


def _shared_leads(joined: list[_Stream], stream: _Stream) -> bool:
    return any(lead in stream.blocks for other in joined for lead in other.blocks)


def _trace(streams: list[_Stream], left_out: list[str]) -> Trace:
    rates = {stream.rate_hz for stream in streams}
    if len(rates) > 1:
        raise UnsupportedRecording("the leads have different sampling frequencies and form no recording")
    samples = {lead: stream.samples_mv(lead) for stream in streams for lead in stream.blocks}
    if len({row.size for row in samples.values()}) > 1:
        raise UnsupportedRecording(
            "the leads have different numbers of samples: part of the waveform is missing", leads=len(samples)
        )
    _check_skew([skew for stream in streams for skew in stream.skews_s], rates.pop())
    samples_mv, trimmed = _trimmed(np.stack(list(samples.values())))
    warnings = [warning for stream in streams for warning in stream.warnings] + left_out + trimmed
    return Trace(
        recording=_recording(samples_mv, tuple(samples), streams[0].rate_hz),
        time_text=next((stream.timing.text for stream in streams if stream.timing.text), None),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _check_skew(skews_s: list[float], rate_hz: float) -> None:
    if (max(skews_s) - min(skews_s)) * rate_hz >= 1.0:
        raise UnsupportedRecording("the leads are skewed in time by a sample or more and not simultaneous")


def _trimmed(samples_mv: FloatArray) -> tuple[FloatArray, list[str]]:
    """Drop the samples at the end that no lead has: a sender's trailing delimiters (HL7 v2.5.1 2.10.6)."""
    present = np.flatnonzero(~np.isnan(samples_mv).all(axis=0))
    if not present.size:
        raise UnsupportedRecording("the waveform holds no sample value")
    dropped = samples_mv.shape[1] - int(present[-1]) - 1
    warnings = [f"{dropped} trailing sample positions without any value were dropped"] if dropped else []
    return samples_mv[:, : int(present[-1]) + 1], warnings


def _recording(samples_mv: FloatArray, leads: tuple[Lead, ...], rate_hz: float) -> Recording:
    try:
        return Recording.of(samples_mv, leads, rate_hz)
    except ValueError as error:
        raise UnsupportedRecording(f"the waveform cannot be a surface ECG: {error}") from error
