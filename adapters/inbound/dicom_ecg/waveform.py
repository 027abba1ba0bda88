"""Which multiplex group of a DICOM waveform object is the ECG, and which leads it holds.

PS3.3 C.10.9 (Waveform Module) and A.34.3-A.34.6 (the ECG objects).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from adapters.inbound.dicom_ecg.channels import (
    Channel,
    Definition,
    channel_mv,
    channel_of,
    has_bits_above,
    lead_channels,
)
from adapters.inbound.dicom_ecg.fields import items, number, text, whole
from adapters.inbound.dicom_ecg.samples import samples_of
from gem_integration.domain.ecg import FloatArray, Lead
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording

GROUPS_MAX = 64
CHANNELS_MAX = 256
RHYTHM_SECONDS_MIN = 2.5  #: a shorter group is an averaged beat if derived, or beside a longer one
AVERAGED = ("MEDIAN", "AVERAGE", "TEMPLATE", "REPRESENTATIVE", "MEAN BEAT", "DOMINANT")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """One multiplex group: its leads, how it was sampled, and its place in the object (1-based)."""

    number: int
    data_set: Dataset
    original: bool
    label: str
    sampling_rate_hz: float
    sample_count: int
    offset_ms: float | None
    definitions: tuple[Definition, ...]

    @property
    def leads(self) -> frozenset[Lead]:
        """Return the leads the group holds."""
        return frozenset(one.lead for one in self.definitions if one.lead)

    @property
    def channel_leads(self) -> tuple[Lead | None, ...]:
        """Return the lead of every channel."""
        return tuple(one.lead for one in self.definitions)

    @property
    def is_averaged(self) -> bool:
        """Return whether the group holds an averaged beat instead of a rhythm."""
        named = any(word in self.label.upper() for word in AVERAGED)
        return named or (not self.original and self.duration_s < RHYTHM_SECONDS_MIN)

    @property
    def duration_s(self) -> float:
        """Return the duration in seconds."""
        return self.sample_count / self.sampling_rate_hz

    def is_simultaneous_with(self, other: Group) -> bool:
        """Return whether both groups were sampled at the same moments, beyond doubt."""
        if self is other:
            return True
        known = self.offset_ms is not None and self.offset_ms == other.offset_ms
        same = (self.sampling_rate_hz, self.sample_count) == (other.sampling_rate_hz, other.sample_count)
        return known and same


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waveform:
    """The ECG of an object: millivolts (lead, sample) with NaN for gaps, and what was left out.

    ``places`` are the multiplex group and channel of each lead, 1-based.
    """

    samples_mv: FloatArray
    channels: tuple[Channel, ...]
    places: tuple[tuple[int, int], ...]
    sampling_rate_hz: float
    offset_ms: float
    groups: tuple[Group, ...]
    warnings: tuple[str, ...]


def waveform_of(data_set: Dataset, limits: ParseLimits) -> Waveform:
    """Return the rhythm of an ECG object; ``UnsupportedRecording`` if there is none or it is ambiguous."""
    sequence = items(data_set, "WaveformSequence")
    if not sequence:
        raise UnreadableMessage("DICOM: no waveform sequence; the object is cut short or is no waveform")
    if len(sequence) > GROUPS_MAX:
        raise UnsupportedRecording("DICOM: too many multiplex groups", groups=len(sequence), limit=GROUPS_MAX)
    groups = tuple(_group(item, place, limits) for place, item in enumerate(sequence, start=1))
    chosen = _choose(groups)
    read = [_read(group) for group in chosen]
    return Waveform(
        samples_mv=np.concatenate([samples_mv for samples_mv, _, _ in read]),
        channels=tuple(channel for _, channels, _ in read for channel in channels),
        places=tuple(
            (group.number, channel.index + 1)
            for group, (_, channels, _) in zip(chosen, read, strict=True)
            for channel in channels
        ),
        sampling_rate_hz=chosen[0].sampling_rate_hz,
        offset_ms=chosen[0].offset_ms or 0.0,
        groups=groups,
        warnings=tuple(said for _, _, warnings in read for said in warnings) + _left_out(chosen, groups),
    )


def _read(group: Group) -> tuple[FloatArray, tuple[Channel, ...], tuple[str, ...]]:
    channels, warnings = lead_channels(group.definitions, group.sampling_rate_hz)
    samples = samples_of(group.data_set, group.sample_count, len(group.definitions))
    samples_mv = np.stack([channel_mv(samples, channel) for channel in channels])
    masked = [channel for channel in channels if has_bits_above(samples, channel)]
    warnings += tuple(f"lead {one.lead} has bits above those stored; they were masked" for one in masked)
    return samples_mv, channels, warnings


def _group(item: Dataset, place: int, limits: ParseLimits) -> Group:
    rate_hz, samples, channels = _sampling(item, place)
    if samples * channels > limits.samples_max:
        raise UnsupportedRecording(
            "DICOM: more samples than the limit",
            group=place,
            samples=samples * channels,
            limit=limits.samples_max,
        )
    definitions = items(item, "ChannelDefinitionSequence")
    if len(definitions) != channels:
        raise UnreadableMessage(
            "DICOM: the number of channels and of their definitions differ",
            group=place,
            channels=channels,
            definitions=len(definitions),
        )
    return Group(
        number=place,
        data_set=item,
        original=(text(item, "WaveformOriginality") or "ORIGINAL").upper() != "DERIVED",
        label=text(item, "MultiplexGroupLabel") or "",
        sampling_rate_hz=rate_hz,
        sample_count=samples,
        offset_ms=number(item, "MultiplexGroupTimeOffset"),
        definitions=tuple(channel_of(one, index, limits) for index, one in enumerate(definitions)),
    )


def _sampling(item: Dataset, place: int) -> tuple[float, int, int]:
    rate_hz = number(item, "SamplingFrequency")
    samples = whole(item, "NumberOfWaveformSamples")
    channels = whole(item, "NumberOfWaveformChannels")
    if not rate_hz or not np.isfinite(rate_hz) or rate_hz <= 0.0:
        raise UnreadableMessage("DICOM: the group has no sampling frequency", group=place)
    if not samples or not channels or samples < 0 or not 0 < channels <= CHANNELS_MAX:
        raise UnreadableMessage("DICOM: the group has no samples, or an impossible number", group=place)
    return rate_hz, samples, channels


def _choose(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Return the group that is the rhythm, or the groups that are one recording in parts."""
    rhythms = [group for group in groups if group.leads and not group.is_averaged]
    originals = [group for group in rhythms if group.original] or rhythms
    candidates = [group for group in originals if group.duration_s >= RHYTHM_SECONDS_MIN] or originals
    if not candidates:
        raise UnsupportedRecording(_why_none(groups), groups=len(groups))
    best = max(candidates, key=lambda group: (len(group.leads), group.duration_s))
    everything = frozenset().union(*(group.leads for group in candidates))
    if everything == best.leads:
        return (best,)
    parts = tuple(group for group in candidates if group.is_simultaneous_with(best))
    leads = [lead for group in parts for lead in group.leads]
    if everything == set(leads) and len(everything) == len(leads):
        return parts
    raise UnsupportedRecording(
        "DICOM: the leads lie in several multiplex groups, not recorded as one; "
        "export the simultaneous recording",
        groups=len(candidates),
    )


def _why_none(groups: tuple[Group, ...]) -> str:
    if any(group.leads for group in groups):
        return "DICOM: only averaged beats, no rhythm; export the rhythm waveform"
    return "DICOM: no channel is a known ECG lead; name the site's labels in the lead aliases"


def _left_out(chosen: tuple[Group, ...], groups: tuple[Group, ...]) -> tuple[str, ...]:
    said = [] if chosen[0].original else ["the waveform is marked as derived by the device"]
    others = [group for group in groups if group not in chosen and group.leads and not group.is_averaged]
    said += [f"multiplex group {group.number} was not read" for group in others]
    return tuple(said)
