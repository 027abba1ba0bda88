"""What every registered statement promises, whatever the recording."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gem_integration.criteria import STATEMENTS, evaluate
from gem_integration.domain.ecg import STANDARD_LEADS
from gem_integration.domain.identity import Demographics, Sex
from gem_integration.domain.measurement import MeasurementKind, Measurements
from gem_integration.domain.quality import Quality
from gem_integration.domain.statement import Statement, StatementState, Urgency
from gem_integration.terminology.statements import finding_of, name_of, statement_codes
from tests.unit.criteria.builder import measured, normal_items

PEOPLE = st.builds(
    Demographics,
    age_years=st.none() | st.floats(0.0, 110.0),
    sex=st.none() | st.sampled_from(Sex),
)
KEYS = st.sampled_from(sorted(normal_items(), key=str))
CHANGES = st.dictionaries(KEYS, st.none() | st.floats(-3000.0, 3000.0), max_size=25)


def test_every_statement_of_the_table_has_a_rule_and_every_rule_a_row() -> None:
    """The table of codes and the registry of rules are one set of 54."""
    assert {*STATEMENTS, "normal_ecg"} == set(statement_codes())
    assert len(statement_codes()) == 54


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES, person=PEOPLE)
def test_every_statement_comes_once_in_order_with_evidence(changes: object, person: Demographics) -> None:
    """On any numbers each statement is there, in one state, on parts that name a criterion."""
    found = evaluate(measured(changes), person)
    assert [item.statement_id for item in found] == list(statement_codes())
    for item in found:
        assert item.parts
        assert all(part.criterion for part in item.parts)
        assert name_of(item)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES, person=PEOPLE)
def test_normal_and_abnormal_never_stand_together(changes: object, person: Demographics) -> None:
    """A recording with an urgent or critical statement is not normal."""
    found = {item.statement_id: item for item in evaluate(measured(changes), person)}
    alarming = [
        item
        for item in found.values()
        if item.urgency in (Urgency.URGENT, Urgency.CRITICAL) and item.state is StatementState.MET
    ]
    assert not (alarming and found["normal_ecg"].state is StatementState.MET)


def test_nothing_measured_means_nothing_found() -> None:
    """An empty recording yields no finding, and says for each that it could not be measured or is not met."""
    empty = Measurements(
        sampling_rate_hz=500.0,
        sample_count=5000,
        quality=Quality(usable=False, flags=(), reasons=("all leads are flat",), leads={}),
        beats=(),
        items=(),
    )
    found = evaluate(empty, Demographics())
    held = [item.statement_id for item in found if item.state is StatementState.MET]
    assert held == ["poor_quality"]


@pytest.mark.parametrize("name", list(STATEMENTS))
def test_a_rule_without_its_numbers_is_never_met(name: str) -> None:
    """Taking every lead's numbers away leaves no statement about leads standing."""
    changes = {key: None for key in normal_items() if key[1] in STANDARD_LEADS}
    found = {item.statement_id: item for item in evaluate(measured(changes), Demographics())}
    by_leads = {"normal_ecg", "sinus_rhythm"}
    assert found[name].state is not StatementState.MET or name in by_leads


def test_a_statement_does_not_ask_for_urgency_unless_it_holds() -> None:
    """Statements that are not met ask for nobody."""
    for item in evaluate(measured(), Demographics()):
        if item.state in (StatementState.NOT_MET, StatementState.NOT_MEASURABLE):
            assert item.urgency is Urgency.NORMAL


def test_axis_deviation_has_its_code_by_side() -> None:
    """Left and right deviation are different findings."""
    codes = {finding_of(_axis(degrees)) for degrees in (-50.0, 120.0, -140.0)}
    assert codes == {"39732003", "47665007", "251200008"}


def _axis(degrees: float) -> Statement:
    found = evaluate(measured({MeasurementKind.QRS_AXIS: degrees}), Demographics())
    return next(item for item in found if item.statement_id == "axis_dev")


def test_no_diagnosis_is_coded_as_a_finding() -> None:
    """Acute infarction is the clinician's word: its codes are in no finding column."""
    diagnoses = {"401303003", "57054005", "54329005", "15555002", "14140009", "59282003"}
    assert not diagnoses & {code.finding for code in statement_codes().values()}
