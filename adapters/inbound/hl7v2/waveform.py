"""Waveform observations of one HL7 v2 report → recordings (HL7 v2.5.1 section 7.14)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from adapters.inbound.hl7v2.attributes import Attributes, waveform_attributes
from adapters.inbound.hl7v2.categories import AVERAGED, TIME_TYPES, category, is_waveform
from adapters.inbound.hl7v2.channels import Channel
from adapters.inbound.hl7v2.definitions import Definitions, Key, announced_leads, key_of
from adapters.inbound.hl7v2.leads import observed_lead, unit_names, voltage_mv
from adapters.inbound.hl7v2.samples import sample_rows
from adapters.inbound.hl7v2.split import Segment
from adapters.inbound.hl7v2.streams import Stream, Timing, Trace, traces_of
from gem_integration.domain.ecg import FloatArray, Lead
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording


def traces(observations: tuple[Segment, ...], limits: ParseLimits) -> tuple[Trace, ...]:
    """Return the ECG recordings among the observations of one report, possibly none.

    Channels that are no ECG leads are left out with a warning. Raises ``UnreadableMessage`` and
    ``UnsupportedRecording`` where values, units, rates or lengths are missing or contradict.
    """
    announced = announced_leads(observations, limits.lead_aliases)
    reading = _Reading(
        attributes=waveform_attributes(o for o in observations if not is_waveform(o)),
        definitions=Definitions(aliases=limits.lead_aliases, announced=announced),
        limits=limits,
    )
    for index, observation in enumerate(observations):
        reading.take(observation, observations[index + 1] if index + 1 < len(observations) else None)
    streams = [stream for stream in reading.streams.values() if stream.blocks]
    return traces_of(streams, reading.left_out + _not_sent(announced, streams))


def _not_sent(announced: frozenset[Lead], streams: list[Stream]) -> list[str]:
    sent = {lead for stream in streams for lead in stream.blocks}
    return [f"lead {lead} is defined but has no samples" for lead in Lead if lead in announced - sent]


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What has been seen so far of one report's waveform segments."""

    attributes: Attributes
    definitions: Definitions
    limits: ParseLimits
    timings: dict[str, Timing] = field(default_factory=dict)
    latest: Timing = field(default_factory=Timing)
    streams: dict[tuple[int, Key], Stream] = field(default_factory=dict)
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
            self.definitions.define(observation)
        elif kind == "WAV":
            self._read(observation)

    def _time(self, observation: Segment) -> None:
        self.latest = Timing(number=self.latest.number + 1, text=observation.get(5))
        if not observation.get(4):
            self.timings.clear()
        self.timings[observation.get(4)] = self.latest

    def _read(self, observation: Segment) -> None:
        if AVERAGED.search(observation.raw(3)):
            self.left_out.append("a representative beat was left out")
            return
        key, defined = self._channels(observation)
        rows = sample_rows(observation, self.limits)
        self.samples += rows.size
        if self.samples > self.limits.samples_max:
            raise UnreadableMessage("the message has more samples than the limit")
        timing = self.timings.get(observation.get(4), self.latest)
        stream = self.streams.setdefault((timing.number, key), Stream(timing=timing))
        for row, channel in zip(*self._paired(rows, defined, observation, stream), strict=True):
            if channel.lead is None:
                self.left_out.append("a channel that is no ECG lead was left out")
            else:
                stream.append(channel.lead, row, self._rated(channel, observation))

    def _channels(self, observation: Segment) -> tuple[Key, list[Channel]]:
        found = self.definitions.of(observation)
        if found is None:
            return key_of(observation), [self._plain(observation)]
        key, defined = found
        return key, [_with_unit(channel, observation) for channel in defined]

    def _plain(self, observation: Segment) -> Channel:
        """Return the channel of an OBX that names its lead and unit itself, as many senders do."""
        named = observed_lead(observation, self.limits.lead_aliases)
        if named is None:
            return Channel(lead=None)
        if self.attributes.scaled:
            raise UnsupportedRecording(
                "the waveform is scaled by attributes we do not read; send CD segments"
            )
        unit_mv = voltage_mv(*unit_names(observation))
        return Channel(lead=named.lead, sign=named.sign, sensitivity=1.0, unit_mv=unit_mv)

    def _paired(
        self, rows: FloatArray, defined: list[Channel], observation: Segment, stream: Stream
    ) -> tuple[FloatArray, list[Channel]]:
        """Return rows and their channels in step; ``UnreadableMessage`` when they cannot be matched."""
        if len(rows) == len(defined) + 1 and len(defined) > 1 and np.isnan(rows[-1]).all():
            rows = rows[:-1]  # a repetition delimiter behind the last channel
        if len(rows) == len(defined):
            return rows, defined
        if len(defined) == 1 and rows.shape[1] == 1:
            return rows.T, defined
        if len(rows) == 1:
            return rows, [self._in_turn(defined, observation, stream)]
        raise UnreadableMessage(
            "a waveform has another number of channels than its definition",
            segment=observation.number,
            channels=len(defined),
            rows=len(rows),
        )

    def _in_turn(self, defined: list[Channel], observation: Segment, stream: Stream) -> Channel:
        """Return the channel of a waveform that holds one of several: the named one, else the next."""
        named = observed_lead(observation, self.limits.lead_aliases)
        for channel in defined:
            if named is not None and channel.lead is named.lead:
                return channel
        return defined[stream.turn(observation.get(4), len(defined))]

    def _rated(self, channel: Channel, observation: Segment) -> Channel:
        if channel.rate_hz is not None:
            return channel
        rate_hz = self.attributes.rate_hz(observation.get(4))
        if rate_hz is None:
            raise UnsupportedRecording(
                f"lead {channel.lead}: no sampling frequency; send it in CD.5 or as an observation in Hz"
            )
        return replace(channel, rate_hz=rate_hz)


def _with_unit(channel: Channel, observation: Segment) -> Channel:
    """Take OBX-6 as the unit of values whose channel has neither scale nor unit.

    ``UnsupportedRecording`` where it is not certain what OBX-6 is the unit of, or where it contradicts
    the channel's.
    """
    stated_mv = voltage_mv(*unit_names(observation))
    if stated_mv is None or channel.lead is None or channel.unit_mv == stated_mv:
        return channel
    if channel.unit_mv is None and channel.sensitivity in {None, 1.0}:
        return replace(channel, sensitivity=1.0, unit_mv=stated_mv)
    if channel.unit_mv is None:
        raise UnsupportedRecording(
            f"lead {channel.lead}: the sensitivity (CD.3) has no unit, and OBX-6 is the values' unit or its"
        )
    raise UnsupportedRecording(f"lead {channel.lead}: OBX-6 and the channel definition name different units")
