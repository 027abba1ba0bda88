"""One number against one limit, and how such parts combine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gem_integration.criteria.combine import all_of, any_of, contiguous, count_of, negated
from gem_integration.criteria.parts import BORDERLINE, MET, NOT_MEASURABLE, NOT_MET, Case, Outcome
from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from tests.unit.criteria.builder import MAN_OF_50, measured

STATES = st.sampled_from([MET, BORDERLINE, NOT_MET, NOT_MEASURABLE])


def _case(**kinds: float | None) -> Case:
    changes = {Kind(name): value for name, value in kinds.items()}
    return Case(measurements=measured(changes), demographics=MAN_OF_50)


def test_a_value_well_beyond_its_limit_is_met() -> None:
    """A QRS of 150 ms is wide whatever its 10 ms of uncertainty."""
    assert _case(qrs_duration=150.0).at_least(Kind.QRS_DURATION, 120.0).state is MET


def test_a_value_within_its_margin_is_borderline_on_either_side() -> None:
    """A QRS of 121 ms and one of 116 ms can both be 120."""
    for value in (121.0, 116.0):
        assert _case(qrs_duration=value).at_least(Kind.QRS_DURATION, 120.0).state is BORDERLINE


def test_a_part_carries_the_number_and_where_it_was_taken() -> None:
    """The evidence of a part is its measurement with its interval, beats and samples."""
    (part,) = _case(qrs_duration=150.0).at_least(Kind.QRS_DURATION, 120.0).parts
    assert (part.value, part.low, part.high, part.unit) == (150.0, 140.0, 160.0, "ms")
    assert part.criterion == "qrs_duration >= 120 ms"
    assert part.samples == ((100, 600),)
    assert part.beats == (1, 2, 3)
    assert part.met is True


def test_a_missing_number_is_not_measurable_and_says_why() -> None:
    """No number is ever guessed for a missing one."""
    outcome = _case(qrs_duration=None).at_least(Kind.QRS_DURATION, 120.0)
    assert outcome.state is NOT_MEASURABLE
    assert outcome.parts[0].met is None
    assert outcome.parts[0].method == "not measured"


def test_neighbouring_classes_meet_without_gap_or_overlap() -> None:
    """At every rate exactly one of two neighbouring classes holds."""
    for rate in (58.9, 59.9, 60.0, 60.4, 62.0):
        case = _case(heart_rate=rate)
        slow = case.within(Kind.HEART_RATE, 0.0, 60.0)
        usual = case.within(Kind.HEART_RATE, 60.0, 100.0)
        assert slow.holds != usual.holds


@given(STATES, STATES)
def test_conjunction_and_disjunction_are_dual(left: object, right: object) -> None:
    """Negating both sides of "all" gives "any", as in Kleene's logic, wherever all is measurable."""
    first, second = Outcome(state=left), Outcome(state=right)
    if NOT_MEASURABLE in (left, right):
        return
    both = negated(all_of(first, second), "not").state
    assert both is any_of(negated(first, "not"), negated(second, "not")).state


@given(st.lists(STATES, min_size=1, max_size=8), st.integers(1, 8))
def test_a_count_is_met_only_by_enough_met_parts(states: list[object], needed: int) -> None:
    """A count never holds on borderline or unmeasured parts."""
    outcome = count_of(needed, [Outcome(state=state) for state in states])
    assert outcome.holds == (states.count(MET) >= needed)


def test_two_leads_of_one_territory_are_contiguous_and_two_of_different_ones_are_not() -> None:
    """II with aVF counts; II with V2 does not."""
    both = contiguous(lambda lead: _in(lead, {Lead.II, Lead.AVF}))
    apart = contiguous(lambda lead: _in(lead, {Lead.II, Lead.V2}))
    assert both.holds
    assert both.leads == (Lead.II, Lead.AVF)
    assert apart.state is NOT_MET


def test_a_lead_that_could_not_be_measured_does_not_count() -> None:
    """One met lead and one unknown one are no two contiguous leads, and no silence either."""
    outcome = contiguous(
        lambda lead: Outcome(state=NOT_MEASURABLE) if lead is Lead.AVF else _in(lead, {Lead.II})
    )
    assert outcome.state is NOT_MET


def _in(lead: Lead, chosen: set[Lead]) -> Outcome:
    return Outcome(state=MET, leads=(lead,)) if lead in chosen else Outcome(state=NOT_MET)
