"""Blocks of samples → recordings (HL7 v2.5.1 section 7.14.1).

A channel's successive WAV segments continue each other. A new TIM starts another stretch of time:
stretches are never joined, they become separate recordings. Groups of different leads that share their
start, rate and length are one recording.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from adapters.inbound.hl7v2.channels import Channel, millivolts
from adapters.inbound.limb_leads import contradictions
from gem_integration.domain.ecg import FloatArray, Lead, Recording
from gem_integration.errors import UnsupportedRecording

RECORDINGS_MAX = 64  #: stretches of time one report may hold
_FRACTION = re.compile(r"\.(\d*?)0*(?=[+-]|$)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One recording of a report, with the start time as received and what was noticed."""

    recording: Recording
    time_text: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A stretch of time: its place among the report's TIM segments, 0 before the first, and its start."""

    number: int = 0
    text: str = ""

    def is_simultaneous(self, other: Timing) -> bool:
        """Say whether both name the same start, or neither any; the digits of its fraction do not matter."""
        return self.start == other.start

    @property
    def start(self) -> str:
        """Return the start without zeros at the end of its fraction."""
        return _FRACTION.sub(lambda match: f".{match[1]}" if match[1] else "", self.text)


@dataclass(slots=True, kw_only=True)
class Stream:
    """The blocks of one channel definition within one stretch of time."""

    timing: Timing
    blocks: dict[Lead, list[FloatArray]] = field(default_factory=dict)
    rate_hz: float = 0.0
    skews_s: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)  #: sub-ids of waveforms that held one channel of several
    channel_count: int = 0  #: of the definition those waveforms have

    def append(self, lead: Lead, values: FloatArray, channel: Channel) -> None:
        """Add the received ``values`` of a lead; ``UnsupportedRecording`` when its rate differs."""
        samples_mv, warnings = millivolts(values, channel)
        rate_hz = channel.rate_hz or 0.0
        if self.rate_hz not in {0.0, rate_hz}:
            raise UnsupportedRecording("the leads have different sampling frequencies and form no recording")
        self.rate_hz = rate_hz
        self.skews_s.append(channel.skew_s)
        self.warnings += warnings
        self.blocks.setdefault(lead, []).append(samples_mv)

    def turn(self, sub_id: str, channel_count: int) -> int:
        """Return which channel the next waveform with a single one of several channels holds.

        Raises ``UnsupportedRecording`` where numbered sub-ids do not rise with the channels, or their
        number changes.
        """
        if self.channel_count not in {0, channel_count}:
            raise UnsupportedRecording("the number of channels changes within one waveform")
        self.channel_count = channel_count
        place = len(self.turns) % self.channel_count
        number = int(sub_id[:9]) if sub_id.isascii() and sub_id.isdigit() else 0
        if place and number < self.turns[-1]:
            raise UnsupportedRecording("the order of the waveforms does not fit the channel definition")
        self.turns.append(number)
        return place

    def samples_mv(self) -> dict[Lead, FloatArray]:
        """Return each lead's blocks as one row, without the delimiters that only end a block."""
        ended = _ends_each_block(list(self.blocks.values()))
        if ended:
            self.warnings.append("a delimiter behind the last value of every block was taken for no sample")
        return {
            lead: np.concatenate([block[:-1] if ended and np.isnan(block[-1]) else block for block in blocks])
            for lead, blocks in self.blocks.items()
        }


def _ends_each_block(leads: list[list[FloatArray]]) -> bool:
    """Say whether the blocks end in one absent value each, in all leads: a delimiter too many, not a gap."""
    if len({len(blocks) for blocks in leads}) != 1:
        return False
    ends = [_ends_in_one_absence(rows) for rows in zip(*leads, strict=True)]
    return len(ends) > 1 and all(ends[:-1]) and sum(ends) * len(leads) > 1


def _ends_in_one_absence(rows: Iterable[FloatArray]) -> bool:
    tails = [row[-2:] for row in rows]
    if not all(tail.size == 2 and np.isnan(tail[1]) for tail in tails):
        return False
    return not all(np.isnan(tail[0]) for tail in tails)


def traces_of(streams: Iterable[Stream], left_out: list[str]) -> tuple[Trace, ...]:
    """Return the recordings that ``streams`` form; ``UnsupportedRecording`` when they form none."""
    return tuple(_trace(joined, left_out) for joined in _together(streams))


def _together(streams: Iterable[Stream]) -> list[list[Stream]]:
    """Join streams of different leads that started together; a lead twice is another recording.

    Without a start time only what follows each other belongs together.
    """
    recordings: list[list[Stream]] = []
    for stream in streams:
        near = recordings if stream.timing.text else recordings[-1:]
        for joined in near:
            if joined[0].timing.is_simultaneous(stream.timing) and not _shared_leads(joined, stream):
                joined.append(stream)
                break
        else:
            recordings.append([stream])
        if len(recordings) > RECORDINGS_MAX:
            raise UnsupportedRecording("the report holds more separate recordings than the limit")
    return recordings


def _shared_leads(joined: list[Stream], stream: Stream) -> bool:
    return any(lead in stream.blocks for other in joined for lead in other.blocks)


def _trace(streams: list[Stream], left_out: list[str]) -> Trace:
    rates = {stream.rate_hz for stream in streams}
    if len(rates) > 1:
        raise UnsupportedRecording("the leads have different sampling frequencies and form no recording")
    samples = {lead: row for stream in streams for lead, row in stream.samples_mv().items()}
    if len({row.size for row in samples.values()}) > 1:
        raise UnsupportedRecording(
            "the leads have different numbers of samples: part of the waveform is missing", leads=len(samples)
        )
    _check_skew([skew for stream in streams for skew in stream.skews_s], rates.pop())
    samples_mv, trimmed = _trimmed(np.stack(list(samples.values())))
    recording = _recording(samples_mv, tuple(samples), streams[0].rate_hz)
    for stream in streams:
        _check_turns(stream, recording)
    warnings = [warning for stream in streams for warning in stream.warnings] + left_out + trimmed
    return Trace(
        recording=recording,
        time_text=next((stream.timing.text for stream in streams if stream.timing.text), None),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _check_skew(skews_s: list[float], rate_hz: float) -> None:
    if (max(skews_s) - min(skews_s)) * rate_hz >= 1.0:
        raise UnsupportedRecording("the leads are skewed in time by a sample or more and not simultaneous")


def _check_turns(stream: Stream, recording: Recording) -> None:
    """Refuse channels that came one by one unless all came and the limb leads confirm their order."""
    if not stream.turns:
        return
    if len(stream.turns) % stream.channel_count:
        raise UnsupportedRecording("a waveform has fewer channels than its definition")
    if contradictions(recording):
        raise UnsupportedRecording("the order of the waveforms does not fit the channel definition")
    stream.warnings.append("the waveforms were taken in the order of the channel definition")


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
