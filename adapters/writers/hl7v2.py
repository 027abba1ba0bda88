"""An ECG as an HL7 v2.5.1 ORU^R01 message: TS, CD and NA observations for each lead.

Samples come back exactly: as whole steps of 1, 0.1 or 0.01 µV where the recording consists of such, else
as decimal millivolts. Acquisition filters, the SOP instance UID and warnings have no place in the message
and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead, Recording, SampleArray
from gem_integration.domain.identity import Patient, Sex
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.domain.study import CartMeasurement, InboundEcg
from gem_integration.terminology.codes import lead_codes, measurement_codes

VERSION = "2.5.1"
STEPS_UV = (1.0, 0.1, 0.01)
MV_PER_UV = 1e-3
LOINC = "LN"
SEXES: Mapping[Sex | None, str] = {Sex.MALE: "M", Sex.FEMALE: "F", None: ""}

#: HL7 v2.5.1 section 2.7: what stands for a delimiter, and for line ends, in text.
ESCAPES = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\", "\r": "\\.br\\"}
)


def write(ecg: InboundEcg, stem: str) -> Mapping[str, bytes]:
    """Return ``{stem}.hl7``: one UTF-8 message with CR line ends that our parser reads back equal."""
    segments = [*_context(ecg), *_observations(ecg)]
    return {f"{stem}.hl7": "".join(f"{segment}\r" for segment in segments).encode("utf-8")}


def _context(ecg: InboundEcg) -> Iterator[str]:
    performed = _time(ecg.acquisition.performed_at)
    yield _segment(
        "MSH",
        {
            2: "^~\\&",
            3: "GEM-INTEGRATION",
            7: performed,
            9: "ORU^R01^ORU_R01",
            10: _text(ecg.message_id),
            11: "P",
            12: VERSION,
            18: "UNICODE UTF-8",
        },
    )
    if ecg.patient is not None:
        yield _pid(ecg.patient)
    yield _segment("ORC", {1: "RE", 2: _text(ecg.placer_number), 3: _text(ecg.filler_number)})
    yield _segment(
        "OBR",
        {
            1: "1",
            2: _text(ecg.placer_number),
            3: _text(ecg.filler_number),
            4: f"11524-6^EKG study^{LOINC}",
            7: performed,
            18: _text(ecg.accession_number),
            25: _text(ecg.result_status) or "F",
            31: f"^{_text(ecg.indication)}" if ecg.indication else "",
        },
    )
    if ecg.stat:
        yield _segment("TQ1", {1: "1", 9: "S"})


def _pid(patient: Patient) -> str:
    born = patient.birth_date.strftime("%Y%m%d") if patient.birth_date else ""
    name = f"{_text(patient.family_name)}^{_text(patient.given_name)}"
    return _segment(
        "PID",
        {
            1: "1",
            3: f"{_text(patient.patient_id)}^^^{_text(patient.assigner)}^MR",
            5: "" if name == "^" else name,
            7: born,
            8: SEXES[patient.sex],
        },
    )


def _observations(ecg: InboundEcg) -> Iterator[str]:
    contents = [*_waveform(ecg), *_statements(ecg.cart_statements), *_measurements(ecg)]
    for number, content in enumerate(contents, start=1):
        yield _segment("OBX", {1: str(number), 11: "F"} | content)


def _waveform(ecg: InboundEcg) -> Iterator[dict[int, str]]:
    """Yield timing, channel definition and samples of each lead, tied by the sub-id (section 7.14.1)."""
    recording = ecg.recording
    step_uv = _step_uv(recording)
    equipment = _equipment(ecg)
    for number, lead in enumerate(recording.leads, start=1):
        code = lead_codes()[lead].mdc_refid
        started = _time(recording.started_at)
        tied = {4: str(number)}
        if started:
            yield tied | {2: "TS", 3: f"{code}&TIM^^MDC", 5: started}
        scale = f"{step_uv:g}&uV&&UCUM" if step_uv else "1&mV&&UCUM"
        channel = f"{number}&{lead}^{lead}^{scale}^1&0&0^{recording.sampling_rate_hz:.9g}"
        yield tied | {2: "CD", 3: f"{code}&CHN^^MDC", 5: channel, 18: equipment}
        yield tied | {2: "NA", 3: f"{code}&WAV^^MDC", 5: _samples(recording, lead, step_uv)}


def _step_uv(recording: Recording) -> float | None:
    """Return the coarsest step of which every sample is a multiple, ``None`` when none of ours is."""
    for step_uv in STEPS_UV:
        back = (_steps(recording.samples_mv, step_uv) * (step_uv * MV_PER_UV)).astype(np.float32)
        if np.array_equal(back, recording.samples_mv):
            return step_uv
    return None


def _steps(samples_mv: SampleArray, step_uv: float) -> FloatArray:
    steps: FloatArray = np.rint(samples_mv.astype(np.float64) / (step_uv * MV_PER_UV))
    return steps


def _samples(recording: Recording, lead: Lead, step_uv: float | None) -> str:
    row = recording.leads.index(lead)
    samples_mv = recording.samples_mv[row]
    if step_uv is None:
        texts = [np.format_float_positional(sample, trim="0") for sample in samples_mv]
    else:
        texts = [str(int(step)) for step in _steps(samples_mv, step_uv).tolist()]
    if recording.gap_mask is not None:
        missing = recording.gap_mask[row].tolist()
        texts = ["" if absent else text for text, absent in zip(texts, missing, strict=True)]
    return "^".join(texts)


def _statements(statements: Iterable[str]) -> Iterator[dict[int, str]]:
    for number, statement in enumerate(statements, start=1):
        yield {2: "TX", 3: f"8601-7^EKG impression^{LOINC}", 4: str(number), 5: _text(statement)}


def _measurements(ecg: InboundEcg) -> Iterator[dict[int, str]]:
    for item in ecg.cart_measurements:
        yield {
            2: "NM",
            3: _code(item),
            5: f"{item.value:.15g}",
            6: f"{_text(item.unit)}^^UCUM" if item.unit else "",
            20: _text(item.lead),
        }
    if ecg.age_years is not None and (ecg.patient is None or ecg.patient.birth_date is None):
        yield {2: "NM", 3: f"30525-0^Age^{LOINC}", 5: f"{ecg.age_years:.15g}", 6: "a^^UCUM"}


def _code(item: CartMeasurement) -> str:
    """Return the code as received, and LOINC beside it where that carries our meaning."""
    received = f"{_text(item.code)}^{_text(item.label)}^{_text(item.code_system)}"
    known = measurement_codes()[MeasurementKind(item.kind)] if item.kind else None
    if known is None or known.loinc is None or known.loinc == item.code or item.lead:
        return received
    return f"{received}^{known.loinc}^{known.display}^{LOINC}"


def _equipment(ecg: InboundEcg) -> str:
    serial, device = _text(ecg.acquisition.device_serial), _text(ecg.acquisition.device)
    return f"{serial}^{device}" if device else serial


def _segment(name: str, fields: Mapping[int, str]) -> str:
    """Join fields by their number; MSH-1 is the separator itself."""
    first = 2 if name == "MSH" else 1
    last = max(number for number, text in fields.items() if text or number == first)
    return "|".join([name, *(fields.get(number, "") for number in range(first, last + 1))])


def _text(text: str | None) -> str:
    return (text or "").translate(ESCAPES)


def _time(at: datetime | None) -> str:
    """Return a DTM with tenths of milliseconds and its zone (HL7 v2.5.1 section 2.A.22)."""
    if at is None:
        return ""
    fraction = f".{at.microsecond // 100:04d}" if at.microsecond else ""
    return at.strftime("%Y%m%d%H%M%S") + fraction + at.strftime("%z")[:5]
