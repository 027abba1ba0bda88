"""Our measurements as Observations: one per global quantity, one per single-lead quantity that is cited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.outbound.fhir.frame import Frame, MeasurementKey
from adapters.outbound.fhir.parts import (
    DCM,
    HL7,
    LOINC,
    MDC,
    OWN_MEASUREMENT,
    Part,
    absent,
    coding,
    component,
    concept,
    quantity,
    range_of,
    refer,
)
from gem_integration.domain.ecg import Lead
from gem_integration.domain.identity import Demographics, Sex
from gem_integration.domain.measurement import Measurement, MeasurementKind
from gem_integration.terminology.codes import MeasurementCode, lead_codes, measurement_codes
from gem_integration.terminology.loinc_leads import loinc_per_lead

ADULT_AGE_YEARS = 18.0
VITAL_SIGNS = frozenset({MeasurementKind.HEART_RATE})  # LOINC 8867-4 obliges to the vital-signs profile

#: LOINC's QTc code names no formula; DICOM PS3.16 CID 3678 does.
QTC_METHODS: dict[MeasurementKind, tuple[str, str]] = {
    MeasurementKind.QTC_BAZETT: ("122730", "Bazett QTc Algorithm"),
    MeasurementKind.QTC_HODGES: ("122731", "Hodges QTc Algorithm"),
    MeasurementKind.QTC_FRIDERICIA: ("122732", "Fridericia QTc Algorithm"),
    MeasurementKind.QTC_FRAMINGHAM: ("122733", "Framingham QTc Algorithm"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a resting adult ECG, for one sex or for both; an open side is ``None``."""

    low: float | None
    high: float | None
    sex: Sex | None = None


#: AHA/ACCF/HRS recommendations 2009: part III (PR, QRS), part IV (QTc), part II (rate, axis).
ADULT_LIMITS: dict[MeasurementKind, tuple[Limits, ...]] = {
    MeasurementKind.HEART_RATE: (Limits(low=60, high=100),),
    MeasurementKind.P_DURATION: (Limits(low=None, high=120),),
    MeasurementKind.PR_INTERVAL: (Limits(low=120, high=200),),
    MeasurementKind.QRS_DURATION: (Limits(low=None, high=110),),
    MeasurementKind.QRS_AXIS: (Limits(low=-30, high=90),),
    MeasurementKind.QTC_FRIDERICIA: (
        Limits(low=390, high=450, sex=Sex.MALE),
        Limits(low=390, high=460, sex=Sex.FEMALE),
    ),
}


def measurement_observations(frame: Frame) -> Iterator[Part]:
    """Yield the Observations of coded global measurements, taken or not, then of the cited others."""
    measurements = frame.delivery.measurements
    coded = [kind for kind, code in measurement_codes().items() if code.scope != "lead" and code.loinc]
    for kind in coded:
        item = measurements.get(kind)
        yield _unmeasured(frame, kind) if item is None else _measured(frame, item)
    others = sorted(frame.cited - {(kind, None) for kind in coded}, key=_order)
    for key in others:
        if (item := measurements.get(*key)) is not None:
            yield _measured(frame, item)


def _order(key: MeasurementKey) -> tuple[int, int]:
    kind, lead = key
    return tuple(MeasurementKind).index(kind), -1 if lead is None else tuple(Lead).index(lead)


def _measured(frame: Frame, item: Measurement) -> Part:
    value: Part = {"valueQuantity": quantity(item.value, item.unit)}
    parts = [*lead_component(item.lead), _interval(item), *sample_ranges(item.samples)]
    return {
        **_beginning(frame, item.kind, item.lead),
        **value,
        **_against_limits(frame, item),
        "method": _method(item),
        "derivedFrom": [refer(frame.waveform_id)],
        "component": parts,
    }


def _unmeasured(frame: Frame, kind: MeasurementKind) -> Part:
    why = frame.delivery.measurements.why_not(kind)
    return {**_beginning(frame, kind, None), **absent("unknown"), "note": [{"text": why}]}


def _beginning(frame: Frame, kind: MeasurementKind, lead: Lead | None) -> Part:
    return frame.observation(
        frame.measurement_id((kind, lead)),
        category="vital-signs" if kind in VITAL_SIGNS and lead is None else "procedure",
        code=measurement_concept(kind, lead),
        device=frame.verifier_id,
    )


def measurement_concept(kind: MeasurementKind, lead: Lead | None) -> Part:
    """Return what a measurement is called: LOINC and MDC where they have it, and our own code."""
    code = measurement_codes()[kind]
    words = f"{code.display}, lead {lead}" if lead else code.display
    standard = _global_codings(code) if lead is None else _lead_codings(kind, lead)
    return concept([*standard, coding(OWN_MEASUREMENT, kind)], words)


def _global_codings(code: MeasurementCode) -> Iterator[Part]:
    if code.loinc:
        yield coding(LOINC, code.loinc)
    if code.mdc:
        yield coding(MDC, str(code.mdc))


def _lead_codings(kind: MeasurementKind, lead: Lead) -> Iterator[Part]:
    if loinc := loinc_per_lead().get((kind, lead)):
        yield coding(LOINC, loinc)


def _method(item: Measurement) -> Part:
    formula = QTC_METHODS.get(item.kind)
    return concept([coding(DCM, *formula)] if formula else [], item.method or "measured by software")


def _interval(item: Measurement) -> Part:
    bounds = range_of(item.low, item.high, item.unit)
    return component("interval-95", {"valueRange": bounds}, "95 % interval")


def lead_component(lead: Lead | None) -> Iterator[Part]:
    """Yield which lead a number belongs to, in MDC."""
    if lead is not None:
        yield component("lead", {"valueCodeableConcept": lead_concept(lead)}, "lead")


def lead_concept(lead: Lead) -> Part:
    """Return a lead as MDC names it."""
    code = lead_codes()[lead]
    return concept([coding(MDC, str(code.mdc_context_free), code.mdc_refid)], lead)


def sample_ranges(samples: tuple[tuple[int, int], ...], of: str = "this value") -> Iterator[Part]:
    """Yield where something was taken, as ``start-stop`` ranges in samples of the recording as received.

    The ranges are half-open and stand in one component: R4 has no value for a list of ranges, and a
    component each would bury what a person came to read.
    """
    if samples:
        words = ", ".join(f"{start}-{stop}" for start, stop in samples)
        yield component("sample-ranges", {"valueString": words}, f"samples of {of}, half-open ranges")


def _against_limits(frame: Frame, item: Measurement) -> Part:
    """Return interpretation and reference range of a global value of an adult, where limits are published."""
    limits = _limits_for(frame, item)
    if limits is None:
        return {}
    low, high = limits.low, limits.high
    flag = (
        "L"
        if low is not None and item.value < low
        else "H"
        if high is not None and item.value > high
        else "N"
    )
    return {
        "interpretation": [concept([coding(f"{HL7}/v3-ObservationInterpretation", flag)])],
        "referenceRange": [range_of(low, high, item.unit)],
    }


def _limits_for(frame: Frame, item: Measurement) -> Limits | None:
    who = demographics_of(frame)
    if item.lead is not None or who.age_years is None or who.age_years < ADULT_AGE_YEARS:
        return None
    return next((found for found in ADULT_LIMITS.get(item.kind, ()) if found.sex in (None, who.sex)), None)


def demographics_of(frame: Frame) -> Demographics:
    """Return age and sex at the time of the ECG."""
    ecg = frame.delivery.study.ecg
    taken = ecg.acquisition.performed_at or ecg.recording.started_at
    known = Demographics.of(ecg.patient, taken.date() if taken else None)
    return known if known.age_years is not None else Demographics(age_years=ecg.age_years, sex=known.sex)
