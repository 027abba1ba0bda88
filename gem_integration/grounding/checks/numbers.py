"""Numbers in the text beside numbers of ours: |measured - claimed| against the band, or the inequality."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.evidence import Claim, Comparator, Evidence, Verdict
from gem_integration.domain.measurement import Measurement, MeasurementKind
from gem_integration.grounding.checks.beats import beat_measurements
from gem_integration.grounding.checks.outcome import (
    LIMIT_SHARE,
    Held,
    Outcome,
    Tested,
    Waveform,
    band_of,
    evidence_of,
    hold,
    in_every_lead,
    in_some_leads,
    missing,
    over_named_leads,
)

K = MeasurementKind
# Every measurement that a claim of this subject may mean, the preferred first.
MEANT: Mapping[str, tuple[MeasurementKind, ...]] = {
    "heart_rate": (K.HEART_RATE,),
    "atrial_rate": (K.ATRIAL_RATE, K.FLUTTER_RATE),
    "rr_interval": (K.RR_INTERVAL,),
    "p_duration": (K.P_DURATION,),
    "p_amplitude": (K.P_AMPLITUDE,),
    "pr_interval": (K.PR_INTERVAL,),
    "qrs_duration": (K.QRS_DURATION,),
    "qrs_amplitude": (K.QRS_AMPLITUDE, K.R_AMPLITUDE, K.S_AMPLITUDE),
    "q_duration": (K.Q_DURATION,),
    "q_amplitude": (K.Q_AMPLITUDE,),
    "r_amplitude": (K.R_AMPLITUDE, K.R_PRIME_AMPLITUDE),
    "s_amplitude": (K.S_AMPLITUDE, K.S_PRIME_AMPLITUDE, K.Q_AMPLITUDE),
    "st_level": (K.ST_J, K.ST_J60, K.ST_J40, K.ST_J80),
    "st_duration": (K.ST_DURATION,),
    "t_duration": (K.T_DURATION,),
    "t_amplitude": (K.T_AMPLITUDE, K.T_POSITIVE_AMPLITUDE, K.T_NEGATIVE_AMPLITUDE),
    "qt_interval": (K.QT_INTERVAL,),
    "qtc_interval": (K.QTC_FRIDERICIA, K.QTC_BAZETT, K.QTC_FRAMINGHAM, K.QTC_HODGES),
    "p_axis": (K.P_AXIS,),
    "qrs_axis": (K.QRS_AXIS,),
    "t_axis": (K.T_AXIS,),
}
_UNSIGNED = frozenset(
    ["qrs_amplitude", "q_amplitude", "r_amplitude", "s_amplitude", "p_amplitude", "t_amplitude", "st_level"]
)
_PER_LEAD_ONLY = _UNSIGNED | {"q_duration", "st_duration", "t_duration"}
_SPREAD: Mapping[str, tuple[MeasurementKind, MeasurementKind]] = {"rr_interval": (K.RR_MIN, K.RR_MAX)}
_FORMULAS: Mapping[str, MeasurementKind] = {
    "bazett": K.QTC_BAZETT,
    "fridericia": K.QTC_FRIDERICIA,
    "framingham": K.QTC_FRAMINGHAM,
    "hodges": K.QTC_HODGES,
}
MV_PER_MM = 0.1
UNIT_SLIP_FACTOR = 2.0  # samples at 500 Hz printed as milliseconds (ecg-criteria 4)
ABOUT_SHARE = 0.05
_DEGREES = 360.0


def check_number(subject: str, claim: Claim, waveform: Waveform) -> Outcome:
    """Hold a claimed number against what was measured, lead by lead or over the whole ECG."""
    claim = _in_our_unit(claim)
    if claim.value is None:
        return Outcome(verdict=Verdict.NOT_MEASURABLE, reason="the claim has no number")
    outcome = _held_against_ecg(subject, claim, waveform)
    if subject == "rr_interval" and outcome.verdict is Verdict.CONTRADICTED:
        return _unit_slip(claim, waveform) or outcome
    return outcome


def _held_against_ecg(subject: str, claim: Claim, waveform: Waveform) -> Outcome:
    if claim.beats:
        return _over_beats(subject, claim, waveform)
    if claim.leads:
        return over_named_leads([_in_lead(subject, claim, waveform, lead) for lead in claim.leads])
    if claim.comparator is Comparator.RANGE:
        return over_named_leads([_spread(subject, claim, waveform)])
    if subject in _PER_LEAD_ONLY:
        return _in_any_lead(subject, claim, waveform)
    return over_named_leads([_in_lead(subject, claim, waveform, None)])


def _in_our_unit(claim: Claim) -> Claim:
    if claim.unit != "mm" or claim.value is None:
        return claim
    high = None if claim.value_high is None else claim.value_high * MV_PER_MM
    return replace(claim, value=claim.value * MV_PER_MM, value_high=high, unit="mV")


def _in_any_lead(subject: str, claim: Claim, waveform: Waveform) -> Outcome:
    tested = [_in_lead(subject, claim, waveform, lead) for lead in STANDARD_LEADS]
    if claim.comparator in (Comparator.LESS, Comparator.LESS_OR_EQUAL):
        return in_every_lead(tested, 1)
    return in_some_leads(tested, 1)


def _in_lead(subject: str, claim: Claim, waveform: Waveform, lead: Lead | None) -> Tested:
    """Try every measurement the claim may mean; the best agreement counts, and the evidence says which."""
    if lead is not None and not waveform.usable(lead):
        return _unmeasured(subject, claim, waveform, lead)
    found = [
        measured for kind in _kinds(subject, claim) if (measured := _get(waveform, kind, lead)) is not None
    ]
    if not found:
        return _unmeasured(subject, claim, waveform, lead)
    return _best([_compare(subject, claim, measured) for measured in found])


def _kinds(subject: str, claim: Claim) -> tuple[MeasurementKind, ...]:
    if subject == "qtc_interval":
        for word, kind in _FORMULAS.items():
            if word in claim.text.lower():
                return (kind,)
    return MEANT[subject]


def _get(waveform: Waveform, kind: MeasurementKind, lead: Lead | None) -> Measurement | None:
    own = waveform.measurements.get(kind, lead)
    return own if own is not None or lead is None else waveform.measurements.get(kind)


def _best(tested: Sequence[Tested]) -> Tested:
    order = (Held.MET, Held.NEAR, Held.VIOLATED, Held.UNMEASURED)
    return min(tested, key=lambda part: order.index(part.held))


def _unmeasured(subject: str, claim: Claim, waveform: Waveform, lead: Lead | None) -> Tested:
    reason = waveform.why_not(MEANT[subject][0], lead)
    shown = missing(MEANT[subject][0].value, lead, _words(subject, claim), reason)
    return Tested(held=Held.UNMEASURED, lead=lead, reason=reason, evidence=(shown,))


def _compare(subject: str, claim: Claim, measured: Measurement) -> Tested:
    value, claimed, high = measured.value, claim.value or 0.0, claim.value_high
    if subject in _UNSIGNED:
        value, claimed = _unsigned(claim, value, claimed)
        high = None if high is None else abs(high)
    if subject.endswith("_axis"):
        value = claimed + _turn(value - claimed)
    doubt = max(measured.uncertainty, band_of(subject, claimed))
    held = _held(replace(claim, value=claimed, value_high=high), value, doubt)
    met = None if held is Held.NEAR else held is Held.MET
    shown = evidence_of(measured, _words(subject, claim, doubt), met=met)
    return Tested(held=held, lead=measured.lead, evidence=(shown,))


def _unsigned(claim: Claim, value: float, claimed: float) -> tuple[float, float]:
    """Compare sizes: "depression of 1 mm" is written 1; a printed sign or an opposite word still counts."""
    if claim.subject == "st_level" and claimed > 0 and re.search(r"elevat", claim.text, re.IGNORECASE):
        return value, claimed
    if claim.subject == "st_level" and claimed > 0 and re.search(r"depress", claim.text, re.IGNORECASE):
        return -value, claimed
    if claimed < 0:
        return -value, -claimed
    return abs(value), claimed


def _turn(difference: float) -> float:
    return (difference + _DEGREES / 2.0) % _DEGREES - _DEGREES / 2.0


def _held(claim: Claim, value: float, doubt: float) -> Held:
    claimed = claim.value or 0.0
    match claim.comparator:
        case Comparator.LESS | Comparator.LESS_OR_EQUAL:
            return hold(value, None, claimed, LIMIT_SHARE * doubt)
        case Comparator.GREATER | Comparator.GREATER_OR_EQUAL:
            return hold(value, claimed, None, LIMIT_SHARE * doubt)
        case Comparator.RANGE:
            top = claimed if claim.value_high is None else claim.value_high
            return Held.MET if claimed - doubt <= value <= top + doubt else Held.VIOLATED
        case Comparator.ABOUT:
            wide = max(doubt, ABOUT_SHARE * abs(claimed))
            return Held.MET if abs(value - claimed) <= wide else Held.VIOLATED
        case _:
            return Held.MET if abs(value - claimed) <= doubt else Held.VIOLATED


def _words(subject: str, claim: Claim, doubt: float | None = None) -> str:
    """Return the claimed condition in words, with the band it was held against."""
    band = "" if doubt is None else f" ± {doubt:.3g}"
    if claim.comparator is Comparator.RANGE and claim.value is not None and claim.value_high is not None:
        return f"{subject} {claim.value:g} to {claim.value_high:g} {claim.unit}{band}"
    sign = claim.comparator.value if claim.comparator else "="
    return f"{subject} {sign} {0.0 if claim.value is None else claim.value:g} {claim.unit}{band}"


def _spread(subject: str, claim: Claim, waveform: Waveform) -> Tested:
    """Hold a range against the smallest and largest value over beats, or against the one number there is."""
    measured = _extremes(subject, waveform)
    if not measured:
        return _unmeasured(subject, claim, waveform, None)
    if subject in _SPREAD and len(measured) == len(_SPREAD[subject]):
        ends = (claim.value, claim.value_high)
        claims = [replace(claim, comparator=Comparator.ABOUT, value=end, value_high=None) for end in ends]
    else:
        claims = [claim] * len(measured)
    parts = [_compare(subject, part, item) for part, item in zip(claims, measured, strict=True)]
    inside = all(part.held is Held.MET for part in parts)
    evidence = tuple(shown for part in parts for shown in part.evidence)
    return Tested(held=Held.MET if inside else Held.VIOLATED, evidence=evidence)


def _extremes(subject: str, waveform: Waveform) -> list[Measurement]:
    if subject in _SPREAD:
        return [found for kind in _SPREAD[subject] if (found := waveform.measurements.get(kind)) is not None]
    kind = MEANT[subject][0]
    overall = waveform.measurements.get(kind)
    if overall is not None:
        return [overall]
    per_lead = [
        found
        for lead in STANDARD_LEADS
        if waveform.usable(lead) and (found := waveform.measurements.get(kind, lead))
    ]
    return (
        [min(per_lead, key=lambda item: item.value), max(per_lead, key=lambda item: item.value)]
        if per_lead
        else []
    )


def _over_beats(subject: str, claim: Claim, waveform: Waveform) -> Outcome:
    found = beat_measurements(subject, claim, waveform)
    if not found:
        reason = f"no {subject} was measured in the beats named"
        shown = missing(MEANT[subject][0].value, None, _words(subject, claim), reason)
        return Outcome(verdict=Verdict.NOT_MEASURABLE, reason=reason, evidence=(shown,))
    tested = [_compare(subject, claim, measured) for measured in found]
    return over_named_leads([_best(tested)] if subject == "rr_interval" else tested)


def _unit_slip(claim: Claim, waveform: Waveform) -> Outcome | None:
    """See whether the claimed RR matches after doubling: contradicted, but the reason is known."""
    high = None if claim.value_high is None else claim.value_high * UNIT_SLIP_FACTOR
    doubled = replace(claim, value=(claim.value or 0.0) * UNIT_SLIP_FACTOR, value_high=high)
    again = _held_against_ecg("rr_interval", doubled, waveform)
    if again.verdict is not Verdict.SUPPORTED:
        return None
    evidence = tuple(_not_met(shown, claim) for shown in again.evidence)
    return Outcome(verdict=Verdict.CONTRADICTED, reason="unit_slip", evidence=evidence)


def _not_met(shown: Evidence, claim: Claim) -> Evidence:
    return replace(shown, criterion=f"{_words('rr_interval', claim)} (matches after x2)", met=False)
