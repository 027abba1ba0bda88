"""Rhythms from above the ventricles: sinus forms, fibrillation, flutter, ectopic and junctional rhythms.

Limits are those of ecg-criteria section 3.1, statements 2 to 5 and 7 to 12; rates per minute, times in ms.
"""

from __future__ import annotations

from gem_integration.criteria.combine import all_of, any_of, negated, only_possible
from gem_integration.criteria.p_waves import (
    AXIS_SINUS_DEG,
    CHANGING_CORRELATION,
    CONSTANT_CORRELATION,
    PR_LOOSE_SD_MS,
    PRESENT_MOST,
    no_p,
    no_repeating_p,
    present_limit,
    sinus_p,
)
from gem_integration.criteria.parts import Case, Outcome, observed, unknown
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.statement import Urgency

RATE_NORMAL_LOW = 60.0
RATE_NORMAL_HIGH = 100.0
RATE_BRADY_URGENT = 40.0
RATE_BRADY_CRITICAL = 35.0
RATE_VERY_FAST = 150.0
RATE_MAX = 400.0
P_AXIS_NOT_FLUTTER = (-30.0, 85.0)
RR_IRREGULAR_NRMSSD = 0.10
RR_REGULAR_CV = 0.05
RR_FAIRLY_REGULAR_CV = 0.10
RR_GRADUAL_JUMP = 0.25
ARRHYTHMIA_RANGE_MS = 120.0
ARRHYTHMIA_RANGE_SHARE = 0.10
FLUTTER_RATE = (240.0, 350.0)
FLUTTER_RATE_IRREGULAR = (240.0, 320.0)
"""With irregular RR a faster atrial peak is that of coarse fibrillation."""
F_WAVE_SHARE = 0.35
F_WAVE_SHARE_CLEAR = 0.5
"""At 3:1 and 4:1 the peak is also where harmonics of a regular heart rate lie."""
FLUTTER_RATIOS = (2, 3, 4)
FLUTTER_RATIO_SLACK = 0.15
MS_PER_MINUTE = 60_000.0
QRS_WIDE_MS = 120.0
PR_JUNCTIONAL_MS = 120.0
RATE_SVT_TYPICAL = 130.0
RATE_TWO_TO_ONE = (140.0, 160.0)
RATE_JUNCTIONAL = (40.0, 100.0)


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
    """Test for sinus P waves with a gradual RR variation without ectopy.

    Over 120 ms and 10 % of the mean it is met, over the smaller of the two alone it is borderline.
    """
    low, high, mean = (case.value(kind) for kind in (Kind.RR_MIN, Kind.RR_MAX, Kind.RR_INTERVAL))
    criterion = "rr_max - rr_min > 120 ms or 10 % of the mean"
    if low is None or high is None or mean is None:
        return unknown(Kind.RR_MAX, criterion, case.measurements.why_not(Kind.RR_MAX))
    span_ms, limits_ms = high - low, (ARRHYTHMIA_RANGE_MS, ARRHYTHMIA_RANGE_SHARE * mean)
    varies = observed(
        "rr_range", criterion, met=span_ms > min(limits_ms), value=span_ms, method="longest less shortest RR"
    )
    varies = only_possible(varies, when=span_ms <= max(limits_ms), note=None)
    return all_of(
        varies,
        case.at_most(Kind.RR_JUMP_MAX, RR_GRADUAL_JUMP),
        case.below(Kind.ECTOPIC_WIDE_COUNT, 1),
        case.below(Kind.ECTOPIC_NARROW_COUNT, 1),
        case.below(Kind.DROPPED_BEAT_COUNT, 1),
        sinus_p(case),
    )


def af(case: Case) -> Outcome:
    """Test for irregularly irregular RR without repeating P waves; over 150 per minute critical."""
    outcome = all_of(case.above(Kind.RR_NRMSSD, RR_IRREGULAR_NRMSSD), no_repeating_p(case))
    rate = case.value(Kind.HEART_RATE)
    if rate is None:
        return outcome
    urgency = Urgency.CRITICAL if rate > RATE_VERY_FAST else Urgency.URGENT
    return outcome.noted(f"ventricular response {_response(rate)}", urgency)


def _response(rate: float) -> str:
    classes = ((RATE_NORMAL_LOW, "slow"), (RATE_NORMAL_HIGH, "controlled"), (RATE_VERY_FAST, "rapid"))
    return next((name for limit, name in classes if rate <= limit), "very rapid")


def aflutter(case: Case) -> Outcome:
    """Test for an atrial rate of 240 to 350/min after QRST cancellation, in the place of sinus P waves."""
    if case.value(Kind.FLUTTER_RATE) is None and case.value(Kind.F_WAVE_RATIO) is not None:
        why = case.measurements.why_not(Kind.FLUTTER_RATE)
        return observed("flutter_peak", "a flutter rate stands out", met=False, method=why)
    irregular = (case.value(Kind.RR_NRMSSD) or 0.0) > RR_IRREGULAR_NRMSSD
    outcome = all_of(
        case.within(Kind.FLUTTER_RATE, *(FLUTTER_RATE_IRREGULAR if irregular else FLUTTER_RATE)),
        case.at_least(Kind.F_WAVE_RATIO, F_WAVE_SHARE),
        _conducted(case, irregular=irregular),
        any_of(
            case.below(Kind.P_PRESENT_FRACTION, present_limit(case)),
            case.below(Kind.P_CORRELATION, CHANGING_CORRELATION),
            negated(case.within(Kind.P_AXIS, *P_AXIS_NOT_FLUTTER), "not sinus P"),
        ),
    )
    slow = not irregular and (case.value(Kind.HEART_RATE) or 0.0) < RATE_NORMAL_HIGH
    faint = (case.value(Kind.F_WAVE_RATIO) or 0.0) < F_WAVE_SHARE_CLEAR
    note = "the atrial peak may be a harmonic of the heart rate"
    return only_possible(outcome, when=slow and faint, note=note)


def _conducted(case: Case, *, irregular: bool) -> Outcome:
    """Judge a regular RR as 2, 3 or 4 flutter cycles; an irregular one may be any."""
    rr, rate = case.value(Kind.RR_INTERVAL), case.value(Kind.FLUTTER_RATE)
    criterion = "RR is 2, 3 or 4 flutter cycles"
    if rr is None or not rate:
        return unknown("flutter_ratio", criterion, case.measurements.why_not(Kind.FLUTTER_RATE))
    ratio = rr * rate / MS_PER_MINUTE
    met = irregular or any(abs(ratio - whole) <= FLUTTER_RATIO_SLACK for whole in FLUTTER_RATIOS)
    return observed("flutter_ratio", criterion, met=met, value=ratio, method="RR over the flutter cycle")


def svt(case: Case) -> Outcome:
    """Test for a fast regular narrow rhythm without sinus P waves; at 100 to 130 per minute only possible."""
    outcome = all_of(
        case.above(Kind.HEART_RATE, RATE_NORMAL_HIGH),
        case.below(Kind.RR_CV, RR_REGULAR_CV),
        case.within(Kind.QRS_DURATION, 0.0, QRS_WIDE_MS),
        no_p(case),
    )
    rate = case.value(Kind.HEART_RATE) or 0.0
    if outcome.holds and RATE_TWO_TO_ONE[0] <= rate <= RATE_TWO_TO_ONE[1]:
        return outcome.noted("suspect atrial flutter with 2:1 conduction")
    note = "sinus P waves hidden in the T wave cannot be excluded"
    return only_possible(outcome, when=rate < RATE_SVT_TYPICAL, note=note)


def atrial_rhythm(case: Case) -> Outcome:
    """Test for constant P waves of an axis outside -30 to +90 degrees with a PR of at least 120 ms."""
    outcome = all_of(
        case.at_least(Kind.P_PRESENT_FRACTION, PRESENT_MOST),
        case.at_least(Kind.P_CORRELATION, CONSTANT_CORRELATION),
        negated(case.within(Kind.P_AXIS, *AXIS_SINUS_DEG), "non-sinus P axis"),
        case.at_least(Kind.PR_INTERVAL, PR_JUNCTIONAL_MS),
        case.at_most(Kind.PR_SD, PR_LOOSE_SD_MS),
    )
    if (case.value(Kind.HEART_RATE) or 0.0) > RATE_NORMAL_HIGH:
        return outcome.noted("atrial tachycardia", Urgency.URGENT)
    return outcome


def junctional(case: Case) -> Outcome:
    """Test for a regular narrow rhythm of 40 to 100/min without P, or with an inverted P close to QRS."""
    inverted_close = all_of(
        case.at_most(Kind.P_AXIS, AXIS_SINUS_DEG[0]), case.below(Kind.PR_INTERVAL, PR_JUNCTIONAL_MS)
    )
    outcome = all_of(
        case.within(Kind.HEART_RATE, *RATE_JUNCTIONAL),
        case.within(Kind.QRS_DURATION, 0.0, QRS_WIDE_MS),
        case.below(Kind.RR_CV, RR_FAIRLY_REGULAR_CV),
        any_of(no_p(case), inverted_close),
    )
    if (case.value(Kind.HEART_RATE) or 0.0) > RATE_NORMAL_LOW:
        note = "accelerated junctional rhythm; P waves too small to be found cannot be excluded"
        return only_possible(outcome, when=not inverted_close.holds, note=note)
    return outcome.noted("complete AV block is to be considered where P waves are too small to be found")


def pac(case: Case) -> Outcome:
    """Test for at least one premature beat of the dominant QRS shape."""
    return case.at_least(Kind.ECTOPIC_NARROW_COUNT, 1)
