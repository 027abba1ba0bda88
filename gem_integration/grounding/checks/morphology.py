"""Morphology: the limits of a feature, held against every named lead or the whole ECG."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from gem_integration.domain.ecg import LIMB_LEADS, PRECORDIAL_LEADS, STANDARD_LEADS, Lead
from gem_integration.domain.evidence import Claim
from gem_integration.domain.identity import Sex
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.grounding.checks.features import (
    BY_LEAD,
    CONTIGUOUS,
    ELSEWHERE,
    FEATURES,
    NO_AVR,
    Q_PATHOLOGICAL,
    Feature,
    limit,
    one_limit,
)
from gem_integration.grounding.checks.outcome import (
    Check,
    Limit,
    Outcome,
    Tested,
    Waveform,
    against_limit,
    all_of,
    any_of,
    in_every_lead,
    in_some_leads,
    is_absent,
    over_named_leads,
)

_YOUNG_YEARS = 40.0

_LIMB_LOW_MV, _CHEST_LOW_MV = 0.5, 1.0  # ecg-criteria 3.1, 35
_CHEST_HIGH_MV, _LIMB_HIGH_MV = 3.0, 2.0
_QTC_MEN_MS, _QTC_WOMEN_MS, _QTC_SHORT_MS = 450.0, 460.0, 350.0  # AHA/ACCF/HRS 2009 part IV
_PATHOLOGICAL = re.compile(r"patholog|significan|abnormal|deep|broad|infarct", re.IGNORECASE)


def judge(feature: Feature, claim: Claim, waveform: Waveform) -> Outcome:
    """Hold a feature against the leads a claim names, or against the whole ECG."""
    denies = is_absent(claim)
    if claim.leads or not feature.leads:
        tested = [_test(feature, waveform, lead) for lead in claim.leads or (None,)]
        return over_named_leads([part.flipped() for part in tested] if denies else tested)
    tested = [_test(feature, waveform, lead) for lead in feature.leads]
    if denies:
        tested = [part.flipped() for part in tested]
    if denies == bool(feature.some):
        return in_every_lead(tested, feature.some or CONTIGUOUS)
    return in_some_leads(tested, feature.some or CONTIGUOUS)


def _test(feature: Feature, waveform: Waveform, lead: Lead | None) -> Tested:
    parts = [_on_lead_or_ecg(limit, waveform, lead) for limit in feature.need]
    if feature.choice:
        parts.append(any_of([_on_lead_or_ecg(limit, waveform, lead) for limit in feature.choice]))
    return replace(all_of(parts), lead=lead)


def _on_lead_or_ecg(limit: Limit, waveform: Waveform, lead: Lead | None) -> Tested:
    """Take a lead's own number; where only the whole ECG has one (rate, axis, rhythm), take that."""
    numbers = waveform.measurements
    only_global = (
        lead is not None
        and waveform.usable(lead)
        and limit.absent_with is None
        and numbers.get(limit.kind, lead) is None
        and numbers.get(limit.kind) is not None
    )
    return against_limit(limit, waveform, None if only_global else lead)


def check_feature(name: str, claim: Claim, waveform: Waveform) -> Outcome:
    """Check a feature of the table."""
    return judge(FEATURES[name], claim, waveform)


def check_by_lead(name: str, claim: Claim, waveform: Waveform) -> Outcome:
    """Check a height or depth whose limit depends on the lead."""
    kind, source, limits = BY_LEAD[name]
    leads = claim.leads or PRECORDIAL_LEADS
    tested = [
        against_limit(_signed_limit(kind, limits.get(lead, ELSEWHERE[name]), source), waveform, lead)
        for lead in leads
    ]
    return _named_or_some(claim, tested)


def _signed_limit(kind: Kind, value: float, source: str) -> Limit:
    return (
        Limit(kind=kind, low=value, source=source)
        if value > 0
        else Limit(kind=kind, high=value, source=source)
    )


def _named_or_some(claim: Claim, tested: list[Tested]) -> Outcome:
    if is_absent(claim):
        tested = [part.flipped() for part in tested]
    if claim.leads:
        return over_named_leads(tested)
    return in_every_lead(tested, 1) if is_absent(claim) else in_some_leads(tested, 1)


def check_low_voltage(claim: Claim, waveform: Waveform) -> Outcome:
    """Check that QRS complexes are small in every lead named, or in all limb leads."""
    leads = claim.leads or LIMB_LEADS
    tested = [
        against_limit(
            Limit(
                kind=Kind.QRS_AMPLITUDE,
                high=_LIMB_LOW_MV if lead in LIMB_LEADS else _CHEST_LOW_MV,
                source="ecg-criteria 3.1, 35",
            ),
            waveform,
            lead,
        )
        for lead in leads
    ]
    if is_absent(claim):
        return in_some_leads([part.flipped() for part in tested], 1)
    return over_named_leads(tested)


def check_high_voltage(claim: Claim, waveform: Waveform) -> Outcome:
    """Check that QRS complexes are large in at least one lead named."""
    tested = [
        against_limit(
            Limit(
                kind=Kind.QRS_AMPLITUDE,
                low=_LIMB_HIGH_MV if lead in LIMB_LEADS else _CHEST_HIGH_MV,
                source="limb 2.0, chest 3.0 mV peak to peak",
            ),
            waveform,
            lead,
        )
        for lead in claim.leads or STANDARD_LEADS
    ]
    if is_absent(claim):
        return in_every_lead([part.flipped() for part in tested], 1)
    return in_some_leads(tested, 1)


def check_q_wave(claim: Claim, waveform: Waveform) -> Outcome:
    """Check Q waves: any for "Q waves are seen", pathological ones for a denial or by name."""
    strict = _PATHOLOGICAL.search(claim.text) is not None or (is_absent(claim) and not claim.leads)
    return judge(Q_PATHOLOGICAL if strict or is_absent(claim) else FEATURES["q_wave"], claim, waveform)


def check_qt(claim: Claim, waveform: Waveform, *, prolonged: bool) -> Outcome:
    """Check QTc (Fridericia) against the limit for the sex; the lower limit where the sex is unknown."""
    women = waveform.demographics.sex is Sex.FEMALE
    limit_ms = _QTC_WOMEN_MS if women else _QTC_MEN_MS
    source = "AHA/ACCF/HRS 2009 part IV, " + ("women" if women else "men")
    if waveform.demographics.sex is None:
        source += "; sex unknown"
    low, high = (limit_ms, None) if prolonged else (_QTC_SHORT_MS, limit_ms)
    return judge(
        one_limit(Kind.QTC_FRIDERICIA, source, low=low, high=high), replace(claim, leads=()), waveform
    )


def _st_limit_mv(lead: Lead, waveform: Waveform) -> float:
    """Return from what J level on a lead is elevated (UDMI 2018); V2 and V3 lie higher in healthy people."""
    if lead not in (Lead.V2, Lead.V3):
        return 0.1
    age = waveform.demographics.age_years
    match waveform.demographics.sex:
        case Sex.MALE if age is not None and age < _YOUNG_YEARS:
            return 0.25
        case Sex.MALE:
            return 0.2
        case _:
            return 0.15


def check_st_elevation(claim: Claim, waveform: Waveform) -> Outcome:
    """Check a J level of 0.1 mV where leads are named, else the limit of each lead."""
    if claim.leads and not is_absent(claim):
        return check_feature("st_elevation", claim, waveform)
    tested = [
        against_limit(limit(Kind.ST_J, "UDMI 2018", low=_st_limit_mv(lead, waveform)), waveform, lead)
        for lead in claim.leads or NO_AVR
    ]
    if not is_absent(claim):
        return in_some_leads(tested, CONTIGUOUS)
    denied = [part.flipped() for part in tested]
    return over_named_leads(denied) if claim.leads else in_every_lead(denied, CONTIGUOUS)


def check_st_isoelectric(claim: Claim, waveform: Waveform) -> Outcome:
    """Check that ST is neither depressed nor elevated, by the limits of each lead."""
    tested = [
        against_limit(
            limit(Kind.ST_J, "UDMI 2018", low=-0.05, high=_st_limit_mv(lead, waveform)), waveform, lead
        )
        for lead in claim.leads or NO_AVR
    ]
    if is_absent(claim):
        denied = [part.flipped() for part in tested]
        return over_named_leads(denied) if claim.leads else in_some_leads(denied, CONTIGUOUS)
    return over_named_leads(tested) if claim.leads else in_every_lead(tested, CONTIGUOUS)


MORPHOLOGY_BY_LIMITS: Mapping[str, Check] = {
    **{name: partial(check_feature, name) for name in FEATURES},
    **{name: partial(check_by_lead, name) for name in BY_LEAD},
    "q_wave": check_q_wave,
    "st_elevation": check_st_elevation,
    "st_isoelectric": check_st_isoelectric,
    "low_voltage": check_low_voltage,
    "high_voltage": check_high_voltage,
    "qt_normal": partial(check_qt, prolonged=False),
    "qt_prolonged": partial(check_qt, prolonged=True),
}
