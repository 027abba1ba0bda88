"""Rhythm: sinus forms, atrial and ventricular arrhythmias, pacing, pauses and premature beats.

Limits are those of ecg-criteria section 3.1, statements 2 to 16 and 29; rates per minute, times in ms.
"""

from __future__ import annotations

from gem_integration.criteria.parts import (
    BORDERLINE,
    MET,
    Case,
    Outcome,
    all_of,
    any_of,
    count_of,
    negated,
    observed,
    unknown,
)
from gem_integration.criteria.sequences import longest_wide_run_rate, pause_after_dominant
from gem_integration.domain.ecg import PRECORDIAL_LEADS, Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.statement import Urgency

RATE_NORMAL_LOW = 60.0
RATE_NORMAL_HIGH = 100.0
RATE_BRADY_URGENT = 40.0
RATE_BRADY_CRITICAL = 35.0
RATE_VERY_FAST = 150.0
RATE_MAX = 400.0
P_PRESENT_MOST = 0.8
P_PRESENT_FEW = 0.3
P_PRESENT_HALF = 0.5
P_CONSTANT_CORRELATION = 0.8
"""Healthy adults go down to 0.84 (5th percentile) in ordinary noise."""
P_CHANGING_CORRELATION = 0.5
PR_CONSTANT_SD_MS = 20.0
P_AXIS_SINUS = (-15.0, 90.0)
"""0 to +75 degrees, widened by the 15 degrees a small P wave leaves uncertain."""
P_UPRIGHT_MV = 0.03
P_AXIS_ATRIAL = (-30.0, 90.0)
RR_IRREGULAR_NRMSSD = 0.10
RR_REGULAR_CV = 0.05
RR_FAIRLY_REGULAR_CV = 0.10
RR_GRADUAL_JUMP = 0.25
ARRHYTHMIA_RANGE_MS = 120.0
ARRHYTHMIA_RANGE_SHARE = 0.10
PAUSE_MS = 2000.0
PAUSE_CRITICAL_MS = 3000.0
PAUSE_OVER_MEAN = 1.4
FLUTTER_RATE = (240.0, 350.0)
FLUTTER_RATE_IRREGULAR = (240.0, 320.0)
"""With irregular RR a faster atrial peak is that of coarse fibrillation."""
F_WAVE_SHARE = 0.35
QRS_WIDE_MS = 120.0
PR_JUNCTIONAL_MS = 120.0
SPIKED_BEATS = 0.5
VT_RATE = 100.0
VT_RUN = 3.0
RATE_SVT_TYPICAL = 130.0
RATE_TWO_TO_ONE = (140.0, 160.0)
RATE_JUNCTIONAL = (40.0, 100.0)
RATE_ESCAPE = 50.0
RATE_ESCAPE_CRITICAL = 40.0
RATE_IDIOVENTRICULAR = 110.0
PACED_QRS_MS = 140.0


def sinus_p(case: Case) -> Outcome:
    """Test for sinus P waves: before most QRS complexes, of constant shape and PR, upright in II and aVF."""
    constant_pr = any_of(
        case.at_most(Kind.PR_SD, PR_CONSTANT_SD_MS), case.at_least(Kind.DROPPED_BEAT_COUNT, 1)
    )
    return all_of(
        case.at_least(Kind.P_PRESENT_FRACTION, P_PRESENT_MOST),
        case.at_least(Kind.P_CORRELATION, P_CONSTANT_CORRELATION),
        constant_pr,
        _sinus_axis(case),
    )


def _sinus_axis(case: Case) -> Outcome:
    """Judge the P axis, or P upright in II where the limb leads give no axis."""
    if case.value(Kind.P_AXIS) is None and case.value(Kind.P_AMPLITUDE, Lead.II) is not None:
        return case.at_least(Kind.P_AMPLITUDE, P_UPRIGHT_MV, lead=Lead.II)
    return case.within(Kind.P_AXIS, *P_AXIS_SINUS)


def sinus_rhythm(case: Case) -> Outcome:
    """Test for sinus P waves at 60 to 100 per minute."""
    return all_of(case.within(Kind.HEART_RATE, RATE_NORMAL_LOW, RATE_NORMAL_HIGH), sinus_p(case))


def sinus_brady(case: Case) -> Outcome:
    """Test for sinus P waves under 60 per minute; under 40 urgent, at most 35 critical."""
    outcome = all_of(case.within(Kind.HEART_RATE, 0.0, RATE_NORMAL_LOW), sinus_p(case))
    rate = case.value(Kind.HEART_RATE)
    if rate is None or rate >= RATE_BRADY_URGENT:
        return outcome
    urgency = Urgency.CRITICAL if rate <= RATE_BRADY_CRITICAL else Urgency.URGENT
    return outcome.noted("marked bradycardia", urgency)


def sinus_tachy(case: Case) -> Outcome:
    """Test for sinus P waves over 100 per minute; over 150 urgent, flutter and SVT to be considered first."""
    outcome = all_of(case.within(Kind.HEART_RATE, RATE_NORMAL_HIGH, RATE_MAX), sinus_p(case))
    if (case.value(Kind.HEART_RATE) or 0.0) > RATE_VERY_FAST:
        return outcome.noted(
            "over 150/min: consider 2:1 flutter or supraventricular tachycardia first", Urgency.URGENT
        )
    return outcome


def sinus_arrhythmia(case: Case) -> Outcome:
    """Test for sinus P waves with a gradual RR variation over 120 ms or 10 % of the mean, without ectopy."""
    low, high, mean = (case.value(kind) for kind in (Kind.RR_MIN, Kind.RR_MAX, Kind.RR_INTERVAL))
    criterion = "rr_max - rr_min > 120 ms or 10 % of the mean"
    if low is None or high is None or mean is None:
        return unknown(Kind.RR_MAX, criterion, case.measurements.why_not(Kind.RR_MAX))
    limit_ms = min(ARRHYTHMIA_RANGE_MS, ARRHYTHMIA_RANGE_SHARE * mean)
    varies = observed(
        "rr_range",
        criterion,
        met=high - low > limit_ms,
        value=high - low,
        method="longest less shortest RR, ms",
    )
    return all_of(
        varies,
        case.at_most(Kind.RR_JUMP_MAX, RR_GRADUAL_JUMP),
        case.below(Kind.ECTOPIC_WIDE_COUNT, 1),
        case.below(Kind.ECTOPIC_NARROW_COUNT, 1),
        case.below(Kind.DROPPED_BEAT_COUNT, 1),
        sinus_p(case),
    )


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


def af(case: Case) -> Outcome:
    """Test for irregularly irregular RR without repeating P waves; over 150 per minute critical."""
    outcome = all_of(case.above(Kind.RR_NRMSSD, RR_IRREGULAR_NRMSSD), _no_repeating_p(case))
    rate = case.value(Kind.HEART_RATE)
    if rate is None:
        return outcome
    urgency = Urgency.CRITICAL if rate > RATE_VERY_FAST else Urgency.URGENT
    return outcome.noted(f"ventricular response {_response(rate)}", urgency)


def _no_repeating_p(case: Case) -> Outcome:
    """Judge P waves as few, or as some that keep neither their shape nor their PR."""
    wandering = any_of(
        case.below(Kind.P_CORRELATION, P_CONSTANT_CORRELATION), case.above(Kind.PR_SD, PR_CONSTANT_SD_MS)
    )
    return any_of(
        case.below(Kind.P_PRESENT_FRACTION, P_PRESENT_FEW),
        case.below(Kind.P_CORRELATION, P_CHANGING_CORRELATION),
        all_of(case.below(Kind.P_PRESENT_FRACTION, P_PRESENT_MOST), wandering),
    )


def _response(rate: float) -> str:
    classes = ((RATE_NORMAL_LOW, "slow"), (RATE_NORMAL_HIGH, "controlled"), (RATE_VERY_FAST, "rapid"))
    return next((name for limit, name in classes if rate <= limit), "very rapid")


def aflutter(case: Case) -> Outcome:
    """Test for an atrial rate of 240 to 350/min after QRST cancellation, in the place of sinus P waves."""
    if case.value(Kind.FLUTTER_RATE) is None and case.value(Kind.F_WAVE_RATIO) is not None:
        why = case.measurements.why_not(Kind.FLUTTER_RATE)
        return observed("flutter_peak", "a flutter rate stands out", met=False, method=why)
    irregular = (case.value(Kind.RR_NRMSSD) or 0.0) > RR_IRREGULAR_NRMSSD
    return all_of(
        case.within(Kind.FLUTTER_RATE, *(FLUTTER_RATE_IRREGULAR if irregular else FLUTTER_RATE)),
        case.at_least(Kind.F_WAVE_RATIO, F_WAVE_SHARE),
        any_of(
            case.below(Kind.P_PRESENT_FRACTION, P_PRESENT_MOST),
            case.below(Kind.P_CORRELATION, P_CHANGING_CORRELATION),
            negated(case.within(Kind.P_AXIS, *P_AXIS_ATRIAL), "not sinus P"),
        ),
    )


def svt(case: Case) -> Outcome:
    """Test for a fast regular narrow rhythm without sinus P waves; at 100 to 130 per minute only possible."""
    outcome = all_of(
        case.above(Kind.HEART_RATE, RATE_NORMAL_HIGH),
        case.below(Kind.RR_CV, RR_REGULAR_CV),
        case.below(Kind.QRS_DURATION, QRS_WIDE_MS),
        case.below(Kind.P_PRESENT_FRACTION, P_PRESENT_FEW),
    )
    rate = case.value(Kind.HEART_RATE) or 0.0
    if outcome.holds and RATE_TWO_TO_ONE[0] <= rate <= RATE_TWO_TO_ONE[1]:
        return outcome.noted("suspect atrial flutter with 2:1 conduction")
    note = "sinus P waves hidden in the T wave cannot be excluded"
    return _only_possible(outcome, when=rate < RATE_SVT_TYPICAL, note=note)


def atrial_rhythm(case: Case) -> Outcome:
    """Test for constant P waves of an axis outside -30 to +90 degrees with a PR of at least 120 ms."""
    outcome = all_of(
        case.at_least(Kind.P_PRESENT_FRACTION, P_PRESENT_MOST),
        case.at_least(Kind.P_CORRELATION, P_CONSTANT_CORRELATION),
        negated(case.within(Kind.P_AXIS, *P_AXIS_ATRIAL), "non-sinus P axis"),
        case.at_least(Kind.PR_INTERVAL, PR_JUNCTIONAL_MS),
    )
    if (case.value(Kind.HEART_RATE) or 0.0) > RATE_NORMAL_HIGH:
        return outcome.noted("atrial tachycardia", Urgency.URGENT)
    return outcome


def junctional(case: Case) -> Outcome:
    """Test for a regular narrow rhythm of 40 to 100/min without P, or with an inverted P close to QRS."""
    inverted_close = all_of(
        case.at_most(Kind.P_AXIS, P_AXIS_ATRIAL[0]), case.below(Kind.PR_INTERVAL, PR_JUNCTIONAL_MS)
    )
    outcome = all_of(
        case.within(Kind.HEART_RATE, *RATE_JUNCTIONAL),
        case.below(Kind.QRS_DURATION, QRS_WIDE_MS),
        case.below(Kind.RR_CV, RR_FAIRLY_REGULAR_CV),
        any_of(case.below(Kind.P_PRESENT_FRACTION, P_PRESENT_FEW), inverted_close),
    )
    accelerated = (case.value(Kind.HEART_RATE) or 0.0) > RATE_NORMAL_LOW
    return outcome.noted("accelerated junctional rhythm" if accelerated else None)


def pac(case: Case) -> Outcome:
    """Test for at least one premature beat of the dominant QRS shape."""
    return case.at_least(Kind.ECTOPIC_NARROW_COUNT, 1)


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
        case.below(Kind.P_PRESENT_FRACTION, P_PRESENT_HALF),
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
        case.below(Kind.P_PRESENT_FRACTION, P_PRESENT_FEW),
        case.below(Kind.RR_CV, RR_FAIRLY_REGULAR_CV),
        case.below(Kind.SPIKE_FRACTION, SPIKED_BEATS),
    )
    rate = case.value(Kind.HEART_RATE) or 0.0
    urgency = Urgency.CRITICAL if rate <= RATE_ESCAPE_CRITICAL else Urgency.URGENT
    return _only_possible(
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
        _only_possible(look, when=True, note="no spike seen: spikes are often lost at low sampling rates"),
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


def _only_possible(outcome: Outcome, *, when: bool, note: str) -> Outcome:
    if not (when and outcome.likely):
        return outcome
    return Outcome(
        state=BORDERLINE if outcome.state is MET else outcome.state,
        parts=outcome.parts,
        leads=outcome.leads,
        urgency=outcome.urgency,
        note=note,
    )
