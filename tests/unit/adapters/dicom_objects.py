"""Builds DICOM ECG objects of every legal (and many an illegal) kind, with the millivolts they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from adapters.inbound.dicom_ecg import parse
from gem_integration.domain.ecg import Lead
from gem_integration.domain.study import InboundEcg, ParseLimits
from gem_integration.terminology.codes import lead_codes

TWELVE_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"
TYPE_CODES = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}
UNIT_MV = {"nV": 1e-6, "uV": 1e-3, "mV": 1.0, "V": 1e3}
SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big": ExplicitVRBigEndian,
}


@dataclass(frozen=True, kw_only=True)
class Channels:
    """How a group's channels are coded; one value for all of them."""

    coding: str = "SS"
    bits_stored: int = 16
    sensitivity: float | None = 1.0
    correction: float | None = 1.0
    baseline: float = 0.0
    unit: str | None = "uV"
    lead_system: str = "MDC"
    garbage_above: bool = False
    changes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Group:
    """One multiplex group: stored numbers (sample, channel) and how they are described."""

    stored: npt.NDArray[np.int64]
    leads: Sequence[Lead]
    rate_hz: float = 500.0
    channels: Channels = field(default_factory=Channels)
    originality: str = "ORIGINAL"
    label: str = "RHYTHM"
    padding: int | None = None
    changes: dict[str, object] = field(default_factory=dict)

    @property
    def millivolts(self) -> npt.NDArray[np.float64]:
        """Return what the group means: (lead, sample) in mV, NaN where padded."""
        one = self.channels
        gain = (one.sensitivity or 0.0) * (1.0 if one.correction is None else one.correction)
        millivolts = (self.stored * gain + one.baseline) * UNIT_MV[one.unit or "uV"]
        if self.padding is not None:
            millivolts = np.where(self.stored == self.padding, np.nan, millivolts)
        return np.asarray(millivolts.T)


def ramp_group(leads: Sequence[Lead], samples: int = 500, **described: object) -> Group:
    """Return a group of distinct slow waves, II = I + III and the augmented leads kept."""
    time = np.arange(samples) / 50.0
    one, two = 300 * np.sin(time), 400 * np.cos(time * 1.3)
    limb = {
        Lead.I: one,
        Lead.II: two,
        Lead.III: two - one,
        Lead.AVR: -(one + two) / 2,
        Lead.AVL: one - two / 2,
        Lead.AVF: two - one / 2,
    }
    waves = [limb.get(lead, (50.0 + 20 * place) * np.sin(time + place)) for place, lead in enumerate(leads)]
    return replace(Group(stored=np.rint(np.stack(waves, axis=1)).astype(np.int64), leads=leads), **described)


def code_item(value: str, system: str, meaning: str = "meaning") -> Dataset:
    """Return a code sequence item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, system, meaning
    return item


def _source(lead: Lead, system: str) -> Dataset:
    number = lead_codes()[lead].number
    codes = {"MDC": f"2:{number}", "SCPECG": f"5.6.3-9-{number}", "99SITE": f"L{number}"}
    return code_item(codes[system], system, f"Lead {lead}")


def _channel(lead: Lead, how: Channels) -> Dataset:
    item = Dataset()
    item.ChannelSourceSequence = [_source(lead, how.lead_system)]
    if how.sensitivity is not None:
        item.ChannelSensitivity = format_number_as_ds(how.sensitivity)
        item.ChannelBaseline = format_number_as_ds(how.baseline)
    if how.correction is not None:
        item.ChannelSensitivityCorrectionFactor = format_number_as_ds(how.correction)
    if how.unit is not None:
        item.ChannelSensitivityUnitsSequence = [code_item(how.unit, "UCUM")]
    item.ChannelSampleSkew = 0
    item.WaveformBitsStored = how.bits_stored
    for keyword, value in how.changes.items():
        setattr(item, keyword, value)
    return item


def _packed_samples(group: Group, *, big_endian: bool) -> bytes:
    code = TYPE_CODES[group.channels.coding]
    size = int(code[1])
    allocated = group.stored & ((1 << (8 * size)) - 1)
    if group.channels.garbage_above:
        stored_mask = (1 << group.channels.bits_stored) - 1
        allocated = (allocated & stored_mask) | (0x5A5A5A5A & ~stored_mask & ((1 << (8 * size)) - 1))
    data = allocated.astype(f"{'>' if big_endian else '<'}u{size}").tobytes()
    return data + bytes(len(data) % 2)


def _group_item(group: Group, *, big_endian: bool) -> Dataset:
    size = int(TYPE_CODES[group.channels.coding][1])
    item = Dataset()
    item.WaveformOriginality = group.originality
    item.NumberOfWaveformChannels = len(group.leads)
    item.NumberOfWaveformSamples = len(group.stored)
    item.SamplingFrequency = format_number_as_ds(group.rate_hz)
    item.MultiplexGroupLabel = group.label
    item.ChannelDefinitionSequence = [_channel(lead, group.channels) for lead in group.leads]
    item.WaveformBitsAllocated = 8 * size
    item.WaveformSampleInterpretation = group.channels.coding
    if group.padding is not None:
        raw = group.padding & ((1 << (8 * size)) - 1)
        item.WaveformPaddingValue = raw.to_bytes(size, "big" if big_endian else "little").ljust(2, b"\0")
    item.WaveformData = _packed_samples(group, big_endian=big_endian)
    for keyword, value in group.changes.items():
        setattr(item, keyword, value)
    for keyword in ("WaveformData", "WaveformPaddingValue"):
        if keyword in item:
            item[keyword].VR = "OB" if size == 1 else "OW"
    return item


def data_set_of(*groups: Group, big_endian: bool = False, **elements: object) -> Dataset:
    """Return an object with the given groups; ``elements`` set or replace top-level elements."""
    data_set = Dataset()
    data_set.SOPClassUID = TWELVE_LEAD
    data_set.SOPInstanceUID = "2.25.1"
    data_set.Modality = "ECG"
    data_set.PatientID = "P1"
    data_set.PatientName = "Muster^Erika"
    data_set.AcquisitionDateTime = "20240102030405"
    data_set.WaveformSequence = [_group_item(group, big_endian=big_endian) for group in groups]
    for keyword, value in elements.items():
        setattr(data_set, keyword, value)
    return data_set


def packed(data_set: Dataset, syntax: str = "explicit", *, preamble: bool = True) -> bytes:
    """Return the object's bytes in a transfer syntax, with or without preamble and meta group."""
    target = BytesIO()
    if not preamble:
        implicit, little = SYNTAXES[syntax].is_implicit_VR, SYNTAXES[syntax].is_little_endian
        dcmwrite(target, data_set, implicit_vr=implicit, little_endian=little)
        return target.getvalue()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    meta.TransferSyntaxUID = SYNTAXES[syntax]
    meta.ImplementationClassUID = "2.25.2"
    data_set.file_meta = meta
    dcmwrite(target, data_set, enforce_file_format=True)
    return target.getvalue()


def object_of(*groups: Group, syntax: str = "explicit", **elements: object) -> bytes:
    """Return a whole object as bytes."""
    return packed(data_set_of(*groups, big_endian=syntax == "big", **elements), syntax)


def sample_object() -> bytes:
    """Return the ECG that pydicom ships in its own package."""
    path = get_testdata_file("waveform_ecg.dcm", download=False)
    assert isinstance(path, str)
    return Path(path).read_bytes()


def read(content: bytes) -> InboundEcg:
    """Return the only ECG of an object."""
    (ecg,) = parse(content, ParseLimits())
    assert isinstance(ecg, InboundEcg)
    return ecg
