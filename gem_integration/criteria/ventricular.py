"""Ventricular rhythms, premature beats, pacing and pauses.

Limits are those of ecg-criteria section 3.1, statements 6, 13 to 16 and 29; rates per minute, times in ms.
"""

from __future__ import annotations

from gem_integration.criteria.combine import all_of, any_of, count_of, only_possible
from gem_integration.criteria.conduction import left_shape, right_shape
from gem_integration.criteria.p_waves import PRESENT_HALF, no_p
from gem_integration.criteria.parts import Case, Outcome, observed, unknown
from gem_integration.criteria.sequences import longest_wide_run_rate, pause_after_dominant
from gem_integration.domain.ecg import PRECORDIAL_LEADS, Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.statement import Urgency

RR_REGULAR_CV = 0.05
RR_FAIRLY_REGULAR_CV = 0.10
PAUSE_MS = 2000.0
PAUSE_CRITICAL_MS = 3000.0
PAUSE_OVER_MEAN = 1.4
QRS_WIDE_MS = 120.0
SPIKED_BEATS = 0.5
VT_RATE = 100.0
VT_RUN = 3.0
RATE_ESCAPE = 50.0
RATE_ESCAPE_CRITICAL = 40.0
RATE_IDIOVENTRICULAR = 110.0
PACED_QRS_MS = 140.0


def pause(case: Case) -> Outcome:
    """Test for an RR of 2 s or more that no premature beat explains; 3 s or more is critical."""
    mean = case.value(Kind.RR_INTERVAL)
    longest = case.value(Kind.RR_MAX)
    outcome = case.at_least(Kind.RR_MAX, PAUSE_MS)
    if longest is None or mean is None or not outcome.likely:
        return outcome
    alone = observed(
        "rr_max_ratio",
        "the pause stands out from the mean RR and does not follow a premature beat",
        met=longest >= PAUSE_OVER_MEAN * mean and pause_after_dominant(case.measurements),
        value=longest / mean,
        method="ratio to the mean RR, class of the beat before",
    )
    urgency = Urgency.CRITICAL if longest >= PAUSE_CRITICAL_MS else Urgency.URGENT
    return all_of(outcome, alone).noted(None, urgency)


def pvc(case: Case) -> Outcome:
    """Test for at least one premature wide beat of another shape; couplets are urgent."""
    outcome = case.at_least(Kind.ECTOPIC_WIDE_COUNT, 1)
    if (case.value(Kind.WIDE_RUN_MAX) or 0.0) >= 2:
        return outcome.noted("couplet or run", Urgency.URGENT)
    return outcome


def vt(case: Case) -> Outcome:
    """Test for three wide ectopic beats in a row over 100/min, or a sustained regular wide tachycardia."""
    run_rate = longest_wide_run_rate(case.measurements)
    run = all_of(
        case.at_least(Kind.WIDE_RUN_MAX, VT_RUN),
        observed(
            "run_rate",
            "rate within the run > 100 /min",
            met=run_rate is not None and run_rate > VT_RATE,
            value=run_rate,
            method="mean RR within the longest wide run",
        ),
    )
    sustained = all_of(
        case.above(Kind.HEART_RATE, VT_RATE),
        case.at_least(Kind.QRS_DURATION, QRS_WIDE_MS),
        case.below(Kind.RR_CV, RR_FAIRLY_REGULAR_CV),
        any_of(case.below(Kind.P_PRESENT_FRACTION, PRESENT_HALF), no_p(case)),
        case.below(Kind.SPIKE_FRACTION, SPIKED_BEATS),
    )
    outcome = any_of(run, sustained)
    return outcome.noted(None if run.holds else "wide-complex tachycardia, ventricular until disproved")


def vf(case: Case) -> Outcome:
    """Test for the absence of separable QRS complexes; no spectrum is taken to prove fibrillation."""
    criterion = "no separable QRS complex in any lead"
    if (case.value(Kind.BEAT_COUNT) or 0.0) >= VT_RUN and case.value(Kind.QRS_DURATION) is not None:
        return case.seen(Kind.BEAT_COUNT, criterion, met=False)
    return unknown(
        Kind.BEAT_COUNT, criterion, "no measurement tells fibrillation from noise or a lost electrode"
    )


def ventr_escape(case: Case) -> Outcome:
    """Test for a regular wide rhythm without P waves: escape under 50/min, else possibly accelerated."""
    outcome = all_of(
        case.at_most(Kind.HEART_RATE, RATE_IDIOVENTRICULAR),
        case.at_least(Kind.QRS_DURATION, QRS_WIDE_MS),
        no_p(case),
        case.below(Kind.RR_CV, RR_FAIRLY_REGULAR_CV),
        case.below(Kind.SPIKE_FRACTION, SPIKED_BEATS),
    )
    rate = case.value(Kind.HEART_RATE) or 0.0
    if rate > RATE_ESCAPE and any(block(case).likely for block in (left_shape, right_shape)):
        blocked = observed("block_shape", "no bundle branch block explains the width", met=False)
        return all_of(outcome, blocked)
    urgency = Urgency.CRITICAL if rate <= RATE_ESCAPE_CRITICAL else Urgency.URGENT
    return only_possible(
        outcome.noted(None, urgency),
        when=rate > RATE_ESCAPE,
        note="accelerated idioventricular rhythm possible",
    )


def paced(case: Case) -> Outcome:
    """Test for pacing spikes in most beats; without spikes a paced-looking QRS is only possibly paced."""
    spikes = case.at_least(Kind.SPIKE_FRACTION, SPIKED_BEATS)
    if spikes.likely:
        return spikes
    look = _paced_look(case)
    return any_of(
        spikes,
        only_possible(look, when=True, note="no spike seen: spikes are often lost at low sampling rates"),
    )


def _paced_look(case: Case) -> Outcome:
    negative = count_of(5, [case.below(Kind.QRS_AREA, 0.0, lead=lead) for lead in PRECORDIAL_LEADS])
    return all_of(
        case.at_least(Kind.QRS_DURATION, PACED_QRS_MS),
        case.within(Kind.QRS_AXIS, -120.0, -30.0),
        negative,
        case.below(Kind.QRS_AREA, 0.0, lead=Lead.V6),
        case.below(Kind.RR_CV, RR_REGULAR_CV),
    )
