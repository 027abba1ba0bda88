"""Morphology: a table of limits per feature, in every named lead or over the whole ECG."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from gem_integration.domain.ecg import LIMB_LEADS, PRECORDIAL_LEADS, STANDARD_LEADS, Lead
from gem_integration.domain.evidence import Claim
from gem_integration.domain.identity import Sex
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.grounding.checks_outcome import (
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

WAVE_MIN_MV = 0.03  # IEC 60601-2-25 annex GG.5
T_LEADS = (Lead.I, Lead.II, Lead.V3, Lead.V4, Lead.V5, Lead.V6)
PART_IV_T_LEADS = (Lead.I, Lead.II, Lead.AVL, Lead.V2, Lead.V3, Lead.V4, Lead.V5, Lead.V6)
P_LEADS = (Lead.I, Lead.II, Lead.AVF)
NO_AVR = tuple(lead for lead in STANDARD_LEADS if lead is not Lead.AVR)
CONTIGUOUS = 2  # a shift or Q wave counts in two contiguous leads (UDMI 2018)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature as limits: ``need`` all, and one of ``choice`` where there is a choice.

    For a claim that names no lead it is looked for in ``leads``: in ``some`` of them (as many as given), or,
    where ``some`` is 0, in every one. No ``leads`` means a number of the whole ECG.
    """

    need: tuple[Limit, ...] = ()
    choice: tuple[Limit, ...] = ()
    leads: tuple[Lead, ...] = ()
    some: int = 0


def _one(
    kind: Kind, source: str, *, low: float | None = None, high: float | None = None, band: float = 0.0
) -> Feature:
    return Feature(need=(Limit(kind=kind, low=low, high=high, source=source, band=band),))


def _limit(kind: Kind, source: str, *, low: float | None = None, high: float | None = None) -> Limit:
    return Limit(kind=kind, low=low, high=high, source=source, absent_with=_BESIDE.get(kind))


# A part that a measured wave does not have is a zero.
_BESIDE: Mapping[Kind, Kind] = {
    Kind.T_POSITIVE_AMPLITUDE: Kind.T_AMPLITUDE,
    Kind.T_NEGATIVE_AMPLITUDE: Kind.T_AMPLITUDE,
}


_ST_UP = (
    _limit(Kind.ST_J, "UDMI 2018", low=0.1),
    _limit(Kind.ST_J60, "UDMI 2018", low=0.1),
)
_ST_DOWN = (
    _limit(Kind.ST_J, "UDMI 2018", high=-0.05),
    _limit(Kind.ST_J60, "UDMI 2018", high=-0.05),
)
_T_DOWN = (
    _limit(Kind.T_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", high=-0.05),
    _limit(Kind.T_NEGATIVE_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", high=-0.075),
)
_R_PRESENT = _limit(Kind.R_AMPLITUDE, "IEC 60601-2-25 GG.5", low=WAVE_MIN_MV)
_R_NONE = _limit(Kind.R_AMPLITUDE, "IEC 60601-2-25 GG.5", high=WAVE_MIN_MV)
_S_PRESENT = _limit(Kind.S_AMPLITUDE, "IEC 60601-2-25 GG.5", high=-WAVE_MIN_MV)
_Q_PRESENT = _limit(Kind.Q_AMPLITUDE, "IEC 60601-2-25 GG.5", high=-WAVE_MIN_MV)
_Q_NONE = _limit(Kind.Q_AMPLITUDE, "IEC 60601-2-25 GG.5", low=-WAVE_MIN_MV)

FEATURES: Mapping[str, Feature] = {
    "p_wave": _one(Kind.P_PRESENT_FRACTION, "ecg-criteria 3.1, 2 and 7", low=0.55, band=0.25),
    "p_before_qrs": _one(Kind.P_PRESENT_FRACTION, "ecg-criteria 3.1, 2", low=0.75, band=0.05),
    "p_inverted": Feature(
        need=(_limit(Kind.P_AMPLITUDE, "AHA/ACCF/HRS 2009 part III", high=0.0),), leads=P_LEADS, some=1
    ),
    "p_notched": Feature(
        need=(
            Limit(
                kind=Kind.P_NOTCH_GAP,
                low=40.0,
                source="AHA/ACCF/HRS 2009 part V",
                absent_with=Kind.P_AMPLITUDE,
            ),
        ),
        leads=(Lead.II,),
        some=1,
    ),
    "p_peaked": Feature(
        need=(_limit(Kind.P_AMPLITUDE, "AHA/ACCF/HRS 2009 part V", low=0.25),),
        leads=(Lead.II, Lead.III, Lead.AVF),
        some=1,
    ),
    "rr_regular": _one(Kind.RR_NRMSSD, "ecg-criteria 3.1, 7", high=0.075, band=0.025),
    "rr_irregular": _one(Kind.RR_NRMSSD, "ecg-criteria 3.1, 7", low=0.075, band=0.025),
    "rate_normal": _one(Kind.HEART_RATE, "60 to 100/min", low=60.0, high=100.0),
    "rate_slow": _one(Kind.HEART_RATE, "below 60/min", high=60.0),
    "rate_fast": _one(Kind.HEART_RATE, "above 100/min", low=100.0),
    "pr_normal": _one(Kind.PR_INTERVAL, "120 to 200 ms", low=120.0, high=200.0),
    "pr_prolonged": _one(Kind.PR_INTERVAL, "above 200 ms", low=200.0),
    "pr_short": _one(Kind.PR_INTERVAL, "below 120 ms", high=120.0),
    "pr_constant": _one(Kind.PR_SD, "ecg-criteria 3.1, 2", high=20.0),
    "qrs_normal": _one(Kind.QRS_DURATION, "AHA/ACCF/HRS 2009 part III", high=120.0),
    "qrs_narrow": _one(Kind.QRS_DURATION, "AHA/ACCF/HRS 2009 part III", high=120.0),
    "qrs_wide": _one(Kind.QRS_DURATION, "AHA/ACCF/HRS 2009 part III", low=120.0),
    "qrs_notched": Feature(
        need=(
            Limit(
                kind=Kind.QRS_NOTCH_COUNT,
                low=0.5,
                source="AHA/ACCF/HRS 2009 part III",
                absent_with=Kind.QRS_AMPLITUDE,
            ),
        ),
        leads=STANDARD_LEADS,
        some=1,
    ),
    "rsr_pattern": Feature(
        need=(
            Limit(
                kind=Kind.R_PRIME_AMPLITUDE,
                low=WAVE_MIN_MV,
                source="AHA/ACCF/HRS 2009 part III",
                absent_with=Kind.R_AMPLITUDE,
            ),
        ),
        leads=(Lead.V1, Lead.V2),
        some=1,
    ),
    "rs_pattern": Feature(need=(_Q_NONE, _R_PRESENT, _S_PRESENT), leads=STANDARD_LEADS, some=1),
    "qr_pattern": Feature(need=(_Q_PRESENT, _R_PRESENT), leads=STANDARD_LEADS, some=1),
    "q_wave": Feature(need=(_Q_PRESENT,), leads=NO_AVR, some=CONTIGUOUS),
    "qs_complex": Feature(need=(_Q_PRESENT, _R_NONE), leads=NO_AVR, some=1),
    "broad_r": Feature(
        choice=(
            _limit(Kind.R_DURATION, "AHA/ACCF/HRS 2009 part III", low=60.0),
            _limit(Kind.R_PEAK_TIME, "AHA/ACCF/HRS 2009 part III", low=60.0),
        ),
        leads=(Lead.I, Lead.AVL, Lead.V5, Lead.V6),
        some=1,
    ),
    "delta_wave": Feature(
        need=(
            _limit(Kind.INITIAL_SLOPE_RATIO, "ecg-criteria 3.1, 21", high=0.5),
            Limit(kind=Kind.PR_INTERVAL, high=120.0, source="ecg-criteria 3.1, 21", whole_ecg=True),
        ),
        leads=STANDARD_LEADS,
        some=CONTIGUOUS,
    ),
    "st_isoelectric": Feature(
        need=(_limit(Kind.ST_J60, "UDMI 2018", low=-0.05, high=0.1),), leads=STANDARD_LEADS
    ),
    "st_elevation": Feature(choice=_ST_UP, leads=STANDARD_LEADS, some=CONTIGUOUS),
    "st_depression": Feature(choice=_ST_DOWN, leads=NO_AVR, some=CONTIGUOUS),
    "st_downsloping": Feature(
        need=(_limit(Kind.ST_SLOPE, "slope from J to J+80", high=0.0),), leads=STANDARD_LEADS, some=1
    ),
    "st_upsloping": Feature(
        need=(_limit(Kind.ST_SLOPE, "slope from J to J+80", low=0.0),), leads=STANDARD_LEADS, some=1
    ),
    "st_t_abnormal": Feature(choice=(*_ST_UP, *_ST_DOWN, *_T_DOWN), leads=PART_IV_T_LEADS, some=CONTIGUOUS),
    "t_upright": Feature(
        need=(_limit(Kind.T_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=0.025),), leads=T_LEADS
    ),
    "t_normal": Feature(
        need=(
            _limit(Kind.T_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=0.05),
            _limit(Kind.T_NEGATIVE_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=-0.1),
        ),
        leads=T_LEADS,
    ),
    "t_inverted": Feature(choice=_T_DOWN, leads=PART_IV_T_LEADS, some=CONTIGUOUS),
    "t_flat": Feature(
        need=(_limit(Kind.T_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=-0.1, high=0.1),),
        leads=PART_IV_T_LEADS,
        some=1,
    ),
    "t_biphasic": Feature(
        need=(
            _limit(Kind.T_POSITIVE_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=0.05),
            _limit(Kind.T_NEGATIVE_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", high=-0.05),
        ),
        leads=PART_IV_T_LEADS,
        some=1,
    ),
    "u_wave": Feature(
        need=(
            Limit(
                kind=Kind.U_AMPLITUDE,
                low=0.05,
                source="AHA/ACCF/HRS 2009 part IV",
                absent_with=Kind.T_AMPLITUDE,
            ),
        ),
        leads=(Lead.V2, Lead.V3, Lead.V4),
        some=1,
    ),
    "axis_normal": _one(Kind.QRS_AXIS, "AHA/ACCF/HRS 2009 part III", low=-30.0, high=90.0),
    "axis_left": _one(Kind.QRS_AXIS, "AHA/ACCF/HRS 2009 part III", low=-110.0, high=-30.0),
    "axis_right": _one(Kind.QRS_AXIS, "AHA/ACCF/HRS 2009 part III", low=90.0, high=190.0),
}

# Heights and depths that differ by lead, in mV.
_BY_LEAD: Mapping[str, tuple[Kind, str, Mapping[Lead, float]]] = {
    "tall_r": (
        Kind.R_AMPLITUDE,
        "ecg-criteria 3.1, 31 and 32",
        {Lead.AVL: 1.1, Lead.I: 1.3, Lead.V1: 0.6, Lead.V2: 1.0, Lead.V3: 2.0, Lead.AVR: 0.4},
    ),
    "deep_s": (
        Kind.S_AMPLITUDE,
        "ecg-criteria 3.1, 23, 31 and 32",
        {Lead.I: -0.15, Lead.V5: -0.5, Lead.V6: -0.3, Lead.AVL: -0.3, Lead.V4: -1.0},
    ),
    "t_peaked": (
        Kind.T_AMPLITUDE,
        "ecg-criteria 3.1, 51",
        dict.fromkeys(LIMB_LEADS, 0.5),
    ),
}
_ELSEWHERE = {"tall_r": 2.0, "deep_s": -1.5, "t_peaked": 1.0}
_LIMB_LOW_MV, _CHEST_LOW_MV = 0.5, 1.0  # ecg-criteria 3.1, 35
_CHEST_HIGH_MV, _LIMB_HIGH_MV = 3.0, 2.0
_QTC_MEN_MS, _QTC_WOMEN_MS, _QTC_SHORT_MS = 450.0, 460.0, 350.0  # AHA/ACCF/HRS 2009 part IV
_PATHOLOGICAL = re.compile(r"patholog|significan|abnormal|deep|broad|infarct", re.IGNORECASE)
_Q_PATHOLOGICAL = Feature(
    need=(
        _limit(Kind.Q_AMPLITUDE, "UDMI 2018", high=-0.1),
        _limit(Kind.Q_DURATION, "UDMI 2018", low=30.0),
    ),
    leads=NO_AVR,
    some=CONTIGUOUS,
)


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
    kind, source, limits = _BY_LEAD[name]
    leads = claim.leads or PRECORDIAL_LEADS
    tested = [
        against_limit(_signed_limit(kind, limits.get(lead, _ELSEWHERE[name]), source), waveform, lead)
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
    return judge(_Q_PATHOLOGICAL if strict or is_absent(claim) else FEATURES["q_wave"], claim, waveform)


def check_qt(claim: Claim, waveform: Waveform, *, prolonged: bool) -> Outcome:
    """Check QTc (Fridericia) against the limit for the sex; the lower limit where the sex is unknown."""
    women = waveform.demographics.sex is Sex.FEMALE
    limit_ms = _QTC_WOMEN_MS if women else _QTC_MEN_MS
    source = "AHA/ACCF/HRS 2009 part IV, " + ("women" if women else "men")
    if waveform.demographics.sex is None:
        source += "; sex unknown"
    low, high = (limit_ms, None) if prolonged else (_QTC_SHORT_MS, limit_ms)
    return judge(_one(Kind.QTC_FRIDERICIA, source, low=low, high=high), replace(claim, leads=()), waveform)


MORPHOLOGY_BY_LIMITS: Mapping[str, Check] = {
    **{name: partial(check_feature, name) for name in FEATURES},
    **{name: partial(check_by_lead, name) for name in _BY_LEAD},
    "q_wave": check_q_wave,
    "low_voltage": check_low_voltage,
    "high_voltage": check_high_voltage,
    "qt_normal": partial(check_qt, prolonged=False),
    "qt_prolonged": partial(check_qt, prolonged=True),
}
