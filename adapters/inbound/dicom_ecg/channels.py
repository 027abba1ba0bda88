"""One channel of a multiplex group: its lead, its scale to millivolts, its time.

PS3.3 C.10.9.1.4 (Channel Definition Sequence); lead codes CID 3001 of PS3.16.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from adapters.inbound.dicom_ecg.fields import first_item, number, readable_number, text, whole
from adapters.inbound.dicom_ecg.samples import StoredSamples
from gem_integration.domain.ecg import FloatArray, Lead
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording
from gem_integration.terminology.lead_names import NamedLead, is_lead_code, lead_of_code, lead_of_label

#: Unit of Channel Sensitivity (UCUM, CID 3082, and its spellings) -> millivolts.
MILLIVOLTS: Mapping[str, float] = {
    "nv": 1e-6,
    "nanovolt": 1e-6,
    "uv": 1e-3,
    "µv": 1e-3,
    "μv": 1e-3,
    "microvolt": 1e-3,
    "mv": 1.0,
    "millivolt": 1.0,
    "v": 1e3,
    "volt": 1e3,
}

#: Channel Status (003A,0205) that says the samples are no electrocardiogram.
UNUSABLE = frozenset({"TEST DATA", "DISCONNECTED", "INVALID", "UNCALIBRATED", "UNZEROED"})

SKEW_SAMPLES_MAX = 0.5  #: a channel shifted by more is no longer on the sample grid of the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """mV = (stored x ``sensitivity`` + ``baseline``) x ``millivolts``; the baseline is in the unit."""

    sensitivity: float
    baseline: float
    millivolts: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A channel as defined; ``named`` is ``None`` where it is no lead we know."""

    index: int
    named: NamedLead | None
    status: str
    bits_stored: int | None
    scale: Scale | None
    skew_s: float
    skew_samples: float
    filters: tuple[str, ...]

    @property
    def lead(self) -> Lead | None:
        """Return the lead the channel holds, ``None`` where it holds none that can be used."""
        return self.named.lead if self.named and self.status not in UNUSABLE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel that is a lead, with all that is needed to read it."""

    index: int
    lead: Lead
    sign: int
    bits_stored: int | None
    scale: Scale
    filters: tuple[str, ...]


def channel_of(definition: Dataset, index: int, limits: ParseLimits) -> Definition:
    """Read one item of the Channel Definition Sequence; ``index`` is 0-based."""
    return Definition(
        index=index,
        named=_named_lead(definition, index, limits),
        status=(text(definition, "ChannelStatus") or "OK").upper(),
        bits_stored=whole(definition, "WaveformBitsStored"),
        scale=_scale(definition, index),
        skew_s=(number(definition, "ChannelTimeSkew") or 0.0) + (number(definition, "ChannelOffset") or 0.0),
        skew_samples=number(definition, "ChannelSampleSkew") or 0.0,
        filters=_filters(definition),
    )


def lead_channels(
    definitions: Sequence[Definition], sampling_rate_hz: float
) -> tuple[tuple[Channel, ...], tuple[str, ...]]:
    """Return the channels that are leads, and a sentence for each that was left out."""
    channels: list[Channel] = []
    warnings: list[str] = []
    for one in definitions:
        if one.named is None:
            warnings.append(f"channel {one.index + 1} is no known ECG lead and was left out")
        elif one.status in UNUSABLE:
            warnings.append(f"lead {one.named.lead} was left out: the device marks it {one.status.lower()}")
        else:
            channels.append(_lead_channel(one, one.named, sampling_rate_hz))
    leads = [channel.lead for channel in channels]
    if len(set(leads)) != len(leads):
        raise UnsupportedRecording("DICOM: one lead occurs twice in a multiplex group")
    return tuple(channels), tuple(warnings)


def _lead_channel(one: Definition, named: NamedLead, sampling_rate_hz: float) -> Channel:
    if one.scale is None:
        raise UnsupportedRecording(
            "DICOM: the channel has no sensitivity in volts, so its amplitude is unknown; "
            "export with Channel Sensitivity and its units",
            channel=one.index + 1,
        )
    skew_samples = max(abs(one.skew_s) * sampling_rate_hz, abs(one.skew_samples))
    if not skew_samples <= SKEW_SAMPLES_MAX:
        raise UnsupportedRecording(
            "DICOM: the channels were not recorded at the same time; export the simultaneous recording",
            channel=one.index + 1,
        )
    return Channel(
        index=one.index,
        lead=named.lead,
        sign=named.sign,
        bits_stored=one.bits_stored,
        scale=one.scale,
        filters=one.filters,
    )


def _named_lead(definition: Dataset, index: int, limits: ParseLimits) -> NamedLead | None:
    source = first_item(definition, "ChannelSourceSequence")
    code = (text(source, "CodeValue") or text(source, "LongCodeValue")) if source else None
    meaning = text(source, "CodeMeaning") if source else None
    coded = lead_of_code(code) if code else None
    if code and coded is None and is_lead_code(code):
        return None  # a lead, but derived from others or none of ours, whatever its label says
    labels = [text(definition, "ChannelLabel"), meaning, None if coded else code]
    labelled = [found for word in labels if word and (found := lead_of_label(word, limits.lead_aliases))]
    named = [coded, *labelled] if coded else labelled
    if len({one.lead for one in named}) > 1:
        raise UnsupportedRecording(
            "DICOM: code and label of a channel are different leads", channel=index + 1
        )
    return named[0] if named else None


def _scale(definition: Dataset, index: int) -> Scale | None:
    sensitivity = number(definition, "ChannelSensitivity")
    unit = first_item(definition, "ChannelSensitivityUnitsSequence")
    millivolts = _unit(unit) if unit else None
    if sensitivity is None or millivolts is None:
        return None
    correction = number(definition, "ChannelSensitivityCorrectionFactor")
    gain = sensitivity * (1.0 if correction is None else correction)
    baseline = number(definition, "ChannelBaseline") or 0.0
    if not math.isfinite(gain) or gain == 0.0 or not math.isfinite(baseline):
        raise UnreadableMessage("DICOM: the channel's scale is zero or not finite", channel=index + 1)
    return Scale(sensitivity=gain, baseline=baseline, millivolts=millivolts)


def _unit(item: Dataset) -> float | None:
    for keyword in ("CodeValue", "CodeMeaning"):
        word = (text(item, keyword) or "").lower()
        if (found := MILLIVOLTS.get(word) or MILLIVOLTS.get(word.removesuffix("s"))) is not None:
            return found
    return None


def _filters(definition: Dataset) -> tuple[str, ...]:
    """Say the nominal pass band in words; 0 means no filter."""
    named = (
        ("high-pass", readable_number(definition, "FilterLowFrequency")),
        ("low-pass", readable_number(definition, "FilterHighFrequency")),
        ("notch", readable_number(definition, "NotchFilterFrequency")),
    )
    return tuple(f"{name} {frequency_hz:g} Hz" for name, frequency_hz in named if frequency_hz)


def channel_mv(samples: StoredSamples, channel: Channel) -> FloatArray:
    """Return one lead in millivolts, NaN where no sample was received."""
    stored, missing = samples.channel(channel.index, _bits(samples, channel))
    in_unit = stored.astype(np.float64) * channel.scale.sensitivity + channel.scale.baseline
    millivolts = channel.sign * in_unit * channel.scale.millivolts
    millivolts[missing] = np.nan
    return millivolts


def has_bits_above(samples: StoredSamples, channel: Channel) -> bool:
    """Return whether the unused high bits of a channel hold anything but its sign or zeros."""
    return samples.has_bits_above(channel.index, _bits(samples, channel))


def _bits(samples: StoredSamples, channel: Channel) -> int:
    bits = samples.bits_allocated if channel.bits_stored is None else channel.bits_stored
    if not 1 < bits <= samples.bits_allocated:
        raise UnreadableMessage(
            "DICOM: bits stored exceed those allocated", channel=channel.index + 1, bits=bits
        )
    return bits
