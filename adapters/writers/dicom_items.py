"""The sequences of a DICOM ECG object: the waveform and the cart's annotations."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from adapters.writers.quantised import QuantisedLead, millivolts_with_gaps, quantise
from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.domain.study import CartMeasurement, InboundEcg
from gem_integration.terminology.codes import MDC_PARTITION_SIZE, lead_codes, measurement_codes

SAMPLE_CODING = {16: "SS", 32: "SL"}
STATEMENT_CHARACTERS_MAX = 1024  #: value representation ST
CODE_CHARACTERS_MAX = 16  #: value representation SH
DICOM_SYSTEMS = {"MDC": "MDC", "SCPECG": "SCPECG", "LN": "LN", "LOINC": "LN", "DCM": "DCM", "SCT": "SCT"}
LOCAL_SYSTEM = "99LOCAL"  #: PS3.16 section 8: private schemes begin with 99
SCHEME_VERSIONS = {"SCPECG": "1.3"}  #: the only scheme here whose codes need a version

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\\]+")
_FILTER = re.compile(r"(high-pass|low-pass|notch) ([\d.]+) Hz")
_FILTER_ELEMENTS = {
    "high-pass": "FilterLowFrequency",
    "low-pass": "FilterHighFrequency",
    "notch": "NotchFilterFrequency",
}


def fitting_text(words: str, longest: int) -> str:
    """Return a text as DICOM can hold it: no control characters or backslashes, and not too long."""
    return _CONTROLS.sub(" ", words).strip()[:longest].rstrip()


def _code(value: str, system: str, meaning: str) -> Dataset:
    item = Dataset()
    if len(value) > CODE_CHARACTERS_MAX:
        item.LongCodeValue = value
    else:
        item.CodeValue = value
    item.CodingSchemeDesignator = system
    if system in SCHEME_VERSIONS:
        item.CodingSchemeVersion = SCHEME_VERSIONS[system]
    item.CodeMeaning = fitting_text(meaning, 64) or value[:64]
    return item


def waveform_item(ecg: InboundEcg, bits: int) -> Dataset:
    """Return the only multiplex group: every lead, sampled as received."""
    recording = ecg.recording
    leads = [quantise(lead_mv, bits) for lead_mv in millivolts_with_gaps(recording)]
    missing = -(2 ** (bits - 1))
    stored = np.stack([np.where(one.missing, missing, one.stored) for one in leads], axis=1)
    item = Dataset()
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformChannels = len(leads)
    item.NumberOfWaveformSamples = recording.sample_count
    item.SamplingFrequency = format_number_as_ds(recording.sampling_rate_hz)
    item.MultiplexGroupLabel = "RHYTHM"
    item.ChannelDefinitionSequence = [
        _channel(lead, one, bits, ecg.acquisition.filters)
        for lead, one in zip(recording.leads, leads, strict=True)
    ]
    item.WaveformBitsAllocated = bits
    item.WaveformSampleInterpretation = SAMPLE_CODING[bits]
    item.WaveformPaddingValue = missing.to_bytes(bits // 8, "little", signed=True)
    item.WaveformData = stored.astype(f"<i{bits // 8}").tobytes()
    for keyword in ("WaveformPaddingValue", "WaveformData"):
        item[keyword].VR = "OW"
    return item


def _channel(lead: Lead, samples: QuantisedLead, bits: int, filters: Sequence[str]) -> Dataset:
    item = Dataset()
    item.ChannelLabel = str(lead)
    item.ChannelSourceSequence = [_code(lead_codes()[lead].mdc_dicom, "MDC", f"Lead {lead}")]
    item.ChannelSensitivity = format_number_as_ds(samples.step_uv)
    item.ChannelSensitivityUnitsSequence = [_code("uV", "UCUM", "microvolt")]
    item.ChannelSensitivityCorrectionFactor = 1
    item.ChannelBaseline = format_number_as_ds(round(samples.offset_steps * samples.step_uv, 1))
    item.ChannelSampleSkew = 0
    item.WaveformBitsStored = bits
    for words in filters:
        if match := _FILTER.fullmatch(words):
            setattr(item, _FILTER_ELEMENTS[match[1]], match[2])
    return item


def annotation_items(ecg: InboundEcg) -> list[Dataset]:
    """Return the cart's statements and measurements as annotations."""
    leads = ecg.recording.leads
    statements = [_statement(words) for words in ecg.cart_statements]
    return statements + [_measurement(one, leads) for one in ecg.cart_measurements]


def _statement(words: str) -> Dataset:
    item = Dataset()
    item.ReferencedWaveformChannels = [1, 0]
    item.AnnotationGroupNumber = 0
    item.UnformattedTextValue = words.replace("\0", " ")[:STATEMENT_CHARACTERS_MAX]
    return item


def _measurement(measurement: CartMeasurement, leads: Sequence[Lead]) -> Dataset:
    channel = next((place for place, lead in enumerate(leads, start=1) if lead == measurement.lead), 0)
    code, system = _measurement_code(measurement)
    unit = measurement.unit or "1"
    item = Dataset()
    item.MeasurementUnitsCodeSequence = [_code(unit, "UCUM", "no units" if unit == "1" else unit)]
    item.ConceptNameCodeSequence = [_code(code, system, measurement.label or code)]
    item.ReferencedWaveformChannels = [1, channel]
    item.AnnotationGroupNumber = 1
    item.NumericValue = format_number_as_ds(float(measurement.value))
    return item


def _measurement_code(measurement: CartMeasurement) -> tuple[str, str]:
    """Keep the cart's code where DICOM knows its system, else take ours for the kind, else a private one."""
    system = DICOM_SYSTEMS.get((measurement.code_system or "").upper())
    if system and not measurement.code.startswith("MDC_"):
        return measurement.code, system
    ours = measurement_codes()[MeasurementKind(measurement.kind)].mdc if measurement.kind else None
    if ours is not None:
        return f"2:{ours % MDC_PARTITION_SIZE}", "MDC"
    return measurement.code, LOCAL_SYSTEM
