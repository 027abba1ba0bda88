"""Conduction: AV block, pre-excitation, bundle branch and fascicular blocks.

Limits are those of ecg-criteria section 3.1, statements 17 to 28 (AHA/ACCF/HRS 2009 part III); times in ms.
"""

from __future__ import annotations

from dataclasses import replace

from gem_integration.criteria.combine import all_of, any_of, count_of, negated, only_possible
from gem_integration.criteria.parts import MET, Case, Outcome, observed
from gem_integration.criteria.sequences import Drop, drops
from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.evidence import Evidence
from gem_integration.domain.identity import Sex
from gem_integration.domain.measurement import MeasurementKind as Kind

PR_LONG_MS = 200.0
PR_MARKED_MS = 300.0
PR_SHORT_MS = 120.0
PR_CONSTANT_SD_MS = 20.0
PR_RANDOM_SD_MS = 60.0
PR_APART_SD_MS = 45.0
PR_STEP_MS = 20.0
TWO_TO_ONE = (1.8, 2.2)
HALF_DROPPED = 0.4
RR_REGULAR_CV = 0.05
RATE_BLOCK_MAX = 60.0
ATRIAL_OVER_VENTRICULAR = 1.2
DELTA_SLOPE_RATIO = 0.5
DELTA_LEADS = 2
QRS_WIDE_MS = 120.0
QRS_INCOMPLETE_MS = 110.0
QRS_PREEXCITED_MS = 110.0
Q_ABSENT_MV = -0.05
R_PEAK_LATE_LEFT_MS = 60.0
R_PEAK_LATE_RIGHT_MS = 50.0
R_PEAK_LATE_AVL_MS = 45.0
R_PRIME_MV = 0.1
R_BROAD_LEFT_MS = 100.0
S_BROAD_MS = 40.0
AXIS_LAFB = (-90.0, -45.0)
AXIS_LPFB = (90.0, 180.0)
WAVE_CLEAR_MV = 0.05
STRICT_LBBB_MS = {Sex.MALE: 140.0, Sex.FEMALE: 130.0, None: 140.0}
"""Strauss 2011; an unknown sex takes the stricter limit."""

S_SMALL_MV = 0.15
NO_Q_NO_S = (
    *((Kind.Q_AMPLITUDE, lead) for lead in (Lead.I, Lead.V5, Lead.V6)),
    *((Kind.S_AMPLITUDE, lead) for lead in (Lead.I, Lead.V6)),
)
"""An incomplete block, without the width, must have R alone in the left leads."""

LEFT_LEADS = (Lead.I, Lead.AVL, Lead.V5, Lead.V6)


def avb1(case: Case) -> Outcome:
    """Test for a constant PR over 200 ms with every P conducted."""
    outcome = all_of(
        case.above(Kind.PR_INTERVAL, PR_LONG_MS),
        case.at_most(Kind.PR_SD, PR_CONSTANT_SD_MS),
        case.below(Kind.DROPPED_BEAT_COUNT, 1),
    )
    marked = (case.value(Kind.PR_INTERVAL) or 0.0) > PR_MARKED_MS
    return outcome.noted("marked PR prolongation" if marked else None)


def avb2_m1(case: Case) -> Outcome:
    """Test for a dropped beat with PR lengthening before it and shorter after it (Wenckebach)."""
    dropped = case.at_least(Kind.DROPPED_BEAT_COUNT, 1)
    found = [drop for drop in drops(case.measurements) if _lengthens(drop)]
    return all_of(dropped, _drop_seen(found, "PR lengthens before the dropped beat and is shorter after it"))


def avb2_m2(case: Case) -> Outcome:
    """Test for dropped beats with a constant PR, or for 2:1 conduction."""
    dropped = case.at_least(Kind.DROPPED_BEAT_COUNT, 1)
    found = [drop for drop in drops(case.measurements) if _constant(drop)]
    constant = _drop_seen(found, "PR is the same (within 20 ms) before and after the dropped beat")
    return all_of(dropped, any_of(constant, _two_to_one(case)), case.at_most(Kind.PR_SD, PR_CONSTANT_SD_MS))


def _lengthens(drop: Drop) -> bool:
    longest_before_ms = max(drop.pr_before_ms, drop.pr_earlier_ms or 0.0)
    return longest_before_ms - drop.pr_after_ms >= PR_STEP_MS


def _constant(drop: Drop) -> bool:
    doubled = TWO_TO_ONE[0] <= drop.rr_ratio <= TWO_TO_ONE[1]
    around = (drop.pr_before_ms, drop.pr_earlier_ms or drop.pr_before_ms)
    return doubled and all(abs(pr_ms - drop.pr_after_ms) < PR_STEP_MS for pr_ms in around)


def _drop_seen(found: list[Drop], criterion: str) -> Outcome:
    if not found:
        return observed("pr_step", criterion, met=False, method="PR around long RR intervals")
    part = Evidence(
        measurement="pr_step",
        value=found[0].pr_before_ms - found[0].pr_after_ms,
        unit="ms",
        beats=found[0].beats,
        samples=(found[0].samples,),
        method="PR before less PR after the long RR",
        criterion=criterion,
        met=True,
    )
    return Outcome(state=MET, parts=(part,))


def _two_to_one(case: Case) -> Outcome:
    atrial, rate = case.value(Kind.ATRIAL_RATE), case.value(Kind.HEART_RATE)
    beats, dropped = case.value(Kind.BEAT_COUNT), case.value(Kind.DROPPED_BEAT_COUNT)
    criterion = "atrial rate is twice the ventricular rate and every second P is not conducted"
    if not (atrial and rate and beats) or dropped is None:
        return observed("atrial_ratio", criterion, met=False, method="no separate atrial rate was found")
    met = TWO_TO_ONE[0] <= atrial / rate <= TWO_TO_ONE[1] and dropped >= HALF_DROPPED * beats
    return case.seen(Kind.ATRIAL_RATE, criterion, met=met, method=f"QRS rate {rate:.0f} /min")


def avb3(case: Case) -> Outcome:
    """Test for P waves faster than and unrelated to a slow regular QRS rhythm.

    Where not every P was found, a PR at random under a regular RR makes the block possible.
    """
    rate = case.value(Kind.HEART_RATE)
    if rate is None:
        return case.at_most(Kind.HEART_RATE, RATE_BLOCK_MAX)
    slow = (case.below(Kind.HEART_RATE, RATE_BLOCK_MAX), case.below(Kind.RR_CV, RR_REGULAR_CV))
    outcome = all_of(
        *slow,
        case.above(Kind.ATRIAL_RATE, round(rate * ATRIAL_OVER_VENTRICULAR)),
        case.above(Kind.PR_SD, PR_RANDOM_SD_MS),
    )
    if outcome.likely:
        return outcome
    apart = all_of(*slow, case.above(Kind.PR_SD, PR_APART_SD_MS))
    if not apart.holds:
        return outcome
    return only_possible(apart, when=True, note="PR varies at random while RR is regular")


def wpw(case: Case) -> Outcome:
    """Test for a short PR with a slurred QRS onset in at least two leads and a QRS over 110 ms."""
    slurs = [case.below(Kind.INITIAL_SLOPE_RATIO, DELTA_SLOPE_RATIO, lead=lead) for lead in STANDARD_LEADS]
    return all_of(
        case.below(Kind.PR_INTERVAL, PR_SHORT_MS),
        case.above(Kind.QRS_DURATION, QRS_PREEXCITED_MS),
        count_of(DELTA_LEADS, slurs),
    )


def lbbb(case: Case) -> Outcome:
    """Test for a QRS of at least 120 ms of left bundle branch shape; the note tells Strauss's strict form."""
    outcome = all_of(case.at_least(Kind.QRS_DURATION, QRS_WIDE_MS), left_shape(case))
    strict = (case.value(Kind.QRS_DURATION) or 0.0) >= STRICT_LBBB_MS[case.demographics.sex]
    return outcome.noted("strict criteria (Strauss) met by duration" if strict and outcome.holds else None)


def ilbbb(case: Case) -> Outcome:
    """Test for left bundle branch shape with a QRS of 110 to 119 ms."""
    pure = [case.above(kind, -S_SMALL_MV, lead=lead) for kind, lead in NO_Q_NO_S]
    return all_of(case.within(Kind.QRS_DURATION, QRS_INCOMPLETE_MS, QRS_WIDE_MS), left_shape(case), *pure)


def left_shape(case: Case) -> Outcome:
    """Test for left bundle branch shape: late, notched or broad R without q, negative QRS in V1."""
    late = [case.above(Kind.R_PEAK_TIME, R_PEAK_LATE_LEFT_MS, lead=lead) for lead in (Lead.V5, Lead.V6)]
    broad = [case.at_least(Kind.R_DURATION, R_BROAD_LEFT_MS, lead=lead) for lead in (Lead.I, Lead.V6)]
    notched = count_of(2, [case.at_least(Kind.QRS_NOTCH_COUNT, 1, lead=lead) for lead in LEFT_LEADS])
    no_q = count_of(
        2, [case.above(Kind.Q_AMPLITUDE, Q_ABSENT_MV, lead=lead) for lead in (Lead.I, Lead.V5, Lead.V6)]
    )
    upright = count_of(1, [case.above(Kind.QRS_AREA, 0.0, lead=lead) for lead in (Lead.I, Lead.V6)])
    return all_of(
        case.below(Kind.QRS_AREA, 0.0, lead=Lead.V1),
        case.above(Kind.QRS_AREA, 0.0, lead=Lead.I),
        upright,
        no_q,
        any_of(*late, notched, *broad),
    )


def rbbb(case: Case) -> Outcome:
    """Test for a QRS of at least 120 ms of right bundle branch shape."""
    return all_of(case.at_least(Kind.QRS_DURATION, QRS_WIDE_MS), right_shape(case))


def irbbb(case: Case) -> Outcome:
    """Test for a second or late R in V1-V2 and a broad S in I or V6, with a QRS of 110 to 119 ms."""
    broad = any_of(_broad_s(case, Lead.I), _broad_s(case, Lead.V6))
    return all_of(case.within(Kind.QRS_DURATION, QRS_INCOMPLETE_MS, QRS_WIDE_MS), _second_r(case), broad)


def right_shape(case: Case) -> Outcome:
    """Test for right bundle branch shape: a second or late R in V1 or V2, and a broad S in I and V6."""
    return all_of(_second_r(case), _broad_s(case, Lead.I), _broad_s(case, Lead.V6))


def _second_r(case: Case) -> Outcome:
    second = [case.at_least(Kind.R_PRIME_AMPLITUDE, R_PRIME_MV, lead=lead) for lead in (Lead.V1, Lead.V2)]
    late = all_of(
        case.above(Kind.R_PEAK_TIME, R_PEAK_LATE_RIGHT_MS, lead=Lead.V1),
        case.above(Kind.QRS_AREA, 0.0, lead=Lead.V1),
    )
    return any_of(*second, late)


def _broad_s(case: Case, lead: Lead) -> Outcome:
    s_ms, r_ms = (case.value(kind, lead) for kind in (Kind.S_DURATION, Kind.R_DURATION))
    absolute = case.above(Kind.S_DURATION, S_BROAD_MS, lead=lead)
    if s_ms is None or r_ms is None:
        return absolute
    relative = case.seen(
        Kind.S_DURATION,
        f"S lasts longer than R in {lead}",
        met=s_ms > r_ms,
        lead=lead,
        method=f"R {r_ms:.0f} ms",
    )
    return any_of(absolute, relative)


def lafb(case: Case) -> Outcome:
    """Test for an axis of -45 to -90 degrees with qR and a late R peak in aVL; a wide QRS only with RBBB."""
    right = rbbb(case)
    outcome = all_of(
        case.within(Kind.QRS_AXIS, *AXIS_LAFB),
        case.at_most(Kind.Q_AMPLITUDE, -WAVE_CLEAR_MV / 2, lead=Lead.AVL),
        case.at_least(Kind.R_AMPLITUDE, 2 * WAVE_CLEAR_MV, lead=Lead.AVL),
        case.at_least(Kind.R_PEAK_TIME, R_PEAK_LATE_AVL_MS, lead=Lead.AVL),
        _narrow_or(case, right),
    )
    return outcome.noted("with right bundle branch block" if right.holds else None)


def lpfb(case: Case) -> Outcome:
    """Test for an axis of +90 to +180 degrees with rS in I and aVL and qR in III and aVF."""
    q_inferior = [
        case.at_most(Kind.Q_AMPLITUDE, -WAVE_CLEAR_MV / 2, lead=lead) for lead in (Lead.III, Lead.AVF)
    ]
    r_lateral = [case.at_least(Kind.R_AMPLITUDE, WAVE_CLEAR_MV, lead=lead) for lead in (Lead.I, Lead.AVL)]
    s_lateral = [case.below(Kind.QRS_AREA, 0.0, lead=lead) for lead in (Lead.I, Lead.AVL)]
    return all_of(
        case.within(Kind.QRS_AXIS, *AXIS_LPFB),
        *q_inferior,
        *r_lateral,
        *s_lateral,
        _narrow_or(case, rbbb(case)),
        case.below(Kind.QRS_AREA, 0.0, lead=Lead.V1),
    )


def _narrow_or(case: Case, block: Outcome) -> Outcome:
    return any_of(case.within(Kind.QRS_DURATION, 0.0, QRS_WIDE_MS), block)


def ivcd(case: Case) -> Outcome:
    """Test for a QRS of at least 120 ms that no bundle branch shape explains.

    AHA/ACCF/HRS part III starts at 110 ms, which earliest-onset-to-latest-offset durations of healthy adults
    reach; 110 to 119 ms only keep a recording from being plainly normal.
    """
    wide = case.at_least(Kind.QRS_DURATION, QRS_WIDE_MS)
    return all_of(wide, *(_unexplained(shape) for shape in (left_shape(case), right_shape(case))))


def _unexplained(shape: Outcome) -> Outcome:
    """Fail where the shape explains the width, be it only by a borderline."""
    decided = replace(shape, state=MET) if shape.likely else shape
    return negated(decided, "no block shape")
