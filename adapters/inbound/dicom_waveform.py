"""Which multiplex group of a DICOM waveform object is the ECG, and which leads it holds.

PS3.3 C.10.9 (Waveform Module) and A.34.3-A.34.6 (the ECG objects).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from adapters.inbound.dicom_channels import Channel, Definition, channel_mv, channel_of, lead_channels
from adapters.inbound.dicom_fields import items, number, text, whole
from adapters.inbound.dicom_samples import samples_of
from gem_integration.domain.ecg import FloatArray, Lead
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording

GROUPS_MAX = 64
CHANNELS_MAX = 256
DERIVED_SECONDS_MIN = 2.5  #: a derived group shorter than this is an averaged beat, not a rhythm
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
        short = self.sample_count / self.sampling_rate_hz < DERIVED_SECONDS_MIN
        return named or (not self.original and short)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waveform:
    """The ECG of an object: millivolts (lead, sample) with NaN for gaps, and what was left out."""

    samples_mv: FloatArray
    channels: tuple[Channel, ...]
    group: Group
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
    channels, warnings = lead_channels(chosen.definitions, chosen.sampling_rate_hz)
    samples = samples_of(chosen.data_set, chosen.sample_count, len(chosen.definitions))
    return Waveform(
        samples_mv=np.stack([channel_mv(samples, channel) for channel in channels]),
        channels=channels,
        group=chosen,
        groups=groups,
        warnings=warnings + _left_out(chosen, groups),
    )


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


def _choose(groups: tuple[Group, ...]) -> Group:
    rhythms = [group for group in groups if group.leads and not group.is_averaged]
    originals = [group for group in rhythms if group.original]
    candidates = originals or rhythms
    if not candidates:
        raise UnsupportedRecording(_why_none(groups), groups=len(groups))
    best = max(candidates, key=lambda group: (len(group.leads), group.sample_count / group.sampling_rate_hz))
    elsewhere = frozenset().union(*(group.leads for group in candidates)) - best.leads
    if elsewhere:
        raise UnsupportedRecording(
            "DICOM: the leads lie in several multiplex groups, not recorded as one; "
            "export the simultaneous recording",
            groups=len(candidates),
        )
    return best


def _why_none(groups: tuple[Group, ...]) -> str:
    if any(group.leads for group in groups):
        return "DICOM: only averaged beats, no rhythm; export the rhythm waveform"
    return "DICOM: no channel is a known ECG lead; name the site's labels in the lead aliases"


def _left_out(chosen: Group, groups: tuple[Group, ...]) -> tuple[str, ...]:
    said = [] if chosen.original else ["the waveform is marked as derived by the device"]
    others = [group for group in groups if group is not chosen and group.leads and not group.is_averaged]
    said += [f"multiplex group {group.number} was not read" for group in others]
    return tuple(said)
