"""Whether there are P waves, whether they repeat, and whether they come from the sinus node.

Limits are those of ecg-criteria section 3.1, statement 2, eased where small P waves are missed in noise: P
waves found before a part of the beats, always alike and at one distance, are taken to be before all.
"""

from __future__ import annotations

from gem_integration.criteria.combine import all_of, any_of, only_possible
from gem_integration.criteria.parts import Case, Outcome
from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind as Kind

PRESENT_MOST = 0.8
PRESENT_SOME = 0.3
PRESENT_HARDLY = 0.1
PRESENT_HALF = 0.5
CONSTANT_CORRELATION = 0.8
"""Healthy adults go down to 0.83 (5th percentile) in ordinary noise."""
ALIKE_CORRELATION = 0.95
CHANGING_CORRELATION = 0.5
PR_CONSTANT_SD_MS = 20.0
PR_STEADY_SD_MS = 10.0
PR_LOOSE_SD_MS = 40.0
"""One misplaced P onset in ten beats moves the spread this far; the P waves must then be alike."""
AXIS_SINUS_DEG = (-30.0, 90.0)
"""0 to +75 degrees is usual; the sector outside is that of ectopic atrial rhythm, so that no gap is left."""
UPRIGHT_MV = 0.03


def sinus_p(case: Case) -> Outcome:
    """Test for repeating P waves that are upright in the inferior leads."""
    repeating = all_of(_present(case), _constant_shape(case), constant_pr(case))
    if case.value(Kind.P_AXIS) is not None:
        return all_of(repeating, case.within(Kind.P_AXIS, *AXIS_SINUS_DEG))
    if case.value(Kind.P_AMPLITUDE, Lead.II):
        return all_of(repeating, case.at_least(Kind.P_AMPLITUDE, UPRIGHT_MV, lead=Lead.II))
    # With dropped beats the changing PR smears P in the representative beat: its constancy must do.
    dropped = (case.value(Kind.DROPPED_BEAT_COUNT) or 0.0) >= 1
    return only_possible(repeating, when=not dropped, note="the P axis could not be measured")


def _present(case: Case) -> Outcome:
    steady = all_of(
        case.at_least(Kind.P_PRESENT_FRACTION, PRESENT_SOME), case.at_most(Kind.PR_SD, PR_STEADY_SD_MS)
    )
    return any_of(case.at_least(Kind.P_PRESENT_FRACTION, present_limit(case)), steady)


def _constant_shape(case: Case) -> Outcome:
    return case.at_least(Kind.P_CORRELATION, CONSTANT_CORRELATION)


def constant_pr(case: Case) -> Outcome:
    """Test for a PR that is the same before every beat, dropped beats aside."""
    alike = all_of(
        case.at_most(Kind.PR_SD, PR_LOOSE_SD_MS), case.at_least(Kind.P_CORRELATION, ALIKE_CORRELATION)
    )
    return any_of(
        case.at_most(Kind.PR_SD, PR_CONSTANT_SD_MS), case.at_least(Kind.DROPPED_BEAT_COUNT, 1), alike
    )


def present_limit(case: Case) -> float:
    """Return the share of beats that should have a P wave: wide ectopic beats have none."""
    beats, wide = case.value(Kind.BEAT_COUNT), case.value(Kind.ECTOPIC_WIDE_COUNT)
    if not beats or not wide or wide >= beats:
        return PRESENT_MOST
    return round(PRESENT_MOST * (1.0 - wide / beats), 2)


def no_p(case: Case) -> Outcome:
    """Test for few P waves, or for "P waves" that do not resemble each other and so are none."""
    return any_of(
        case.below(Kind.P_PRESENT_FRACTION, PRESENT_SOME),
        case.below(Kind.P_CORRELATION, CHANGING_CORRELATION),
    )


def no_repeating_p(case: Case) -> Outcome:
    """Test for hardly any P waves, or for some that keep neither their shape nor their PR."""
    few = PRESENT_SOME if case.value(Kind.P_CORRELATION) is None else PRESENT_HARDLY
    wandering = any_of(
        case.below(Kind.P_CORRELATION, CONSTANT_CORRELATION), case.above(Kind.PR_SD, PR_CONSTANT_SD_MS)
    )
    return any_of(
        case.below(Kind.P_PRESENT_FRACTION, few),
        case.below(Kind.P_CORRELATION, CHANGING_CORRELATION),
        all_of(case.below(Kind.P_PRESENT_FRACTION, present_limit(case)), wandering),
    )
