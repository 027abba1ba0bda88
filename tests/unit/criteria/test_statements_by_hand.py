"""Each statement on numbers made for it: where it holds, where it does not, and how urgent it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gem_integration.criteria import evaluate
from gem_integration.domain.ecg import LIMB_LEADS, PRECORDIAL_LEADS, Lead
from gem_integration.domain.identity import Demographics
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.statement import Statement, StatementState, Urgency
from tests.unit.criteria.builder import MAN_OF_50, WOMAN_OF_50, Key, in_leads, measured

MET, BORDERLINE = StatementState.MET, StatementState.BORDERLINE
Changes = Mapping[Key | Kind, float | None]

NO_P: Changes = {
    Kind.P_PRESENT_FRACTION: 0.1,
    Kind.P_CORRELATION: None,
    Kind.P_AXIS: None,
    Kind.PR_SD: None,
    Kind.PR_INTERVAL: None,
    Kind.P_DURATION: None,
}
LEFT_BLOCK: Changes = {
    Kind.QRS_DURATION: 150.0,
    (Kind.QRS_AREA, Lead.V1): -60.0,
    (Kind.R_PEAK_TIME, Lead.V5): 82.0,
    (Kind.R_PEAK_TIME, Lead.V6): 80.0,
}
RIGHT_BLOCK: Changes = {
    Kind.QRS_DURATION: 146.0,
    (Kind.R_PRIME_AMPLITUDE, Lead.V1): 0.7,
    (Kind.S_DURATION, Lead.I): 58.0,
    (Kind.S_DURATION, Lead.V6): 55.0,
}


def _st(levels: Mapping[Lead, float]) -> Changes:
    kinds = (Kind.ST_J, Kind.ST_J40, Kind.ST_J60, Kind.ST_J80)
    return {(kind, lead): level for kind in kinds for lead, level in levels.items()}


INFERIOR = _st({Lead.II: 0.2, Lead.III: 0.3, Lead.AVF: 0.25, Lead.I: -0.1, Lead.AVL: -0.15})
DIFFUSE = _st({**dict.fromkeys((Lead.I, Lead.II, *PRECORDIAL_LEADS[2:]), -0.15), Lead.AVR: 0.15})

CASES: tuple[tuple[str, Changes, Urgency], ...] = (
    ("normal_ecg", {}, Urgency.NORMAL),
    ("normal_ecg", {Kind.HEART_RATE: 54.0, Kind.RR_INTERVAL: 1110.0}, Urgency.NORMAL),
    ("sinus_rhythm", {}, Urgency.NORMAL),
    ("sinus_brady", {Kind.HEART_RATE: 48.0}, Urgency.ROUTINE),
    ("sinus_brady", {Kind.HEART_RATE: 38.0}, Urgency.URGENT),
    ("sinus_brady", {Kind.HEART_RATE: 33.0}, Urgency.CRITICAL),
    ("sinus_tachy", {Kind.HEART_RATE: 120.0}, Urgency.ROUTINE),
    ("sinus_tachy", {Kind.HEART_RATE: 160.0}, Urgency.URGENT),
    ("sinus_arrhythmia", {Kind.RR_MIN: 760.0, Kind.RR_MAX: 930.0, Kind.RR_JUMP_MAX: 0.12}, Urgency.NORMAL),
    ("pause", {Kind.RR_MAX: 2400.0}, Urgency.URGENT),
    ("pause", {Kind.RR_MAX: 3300.0}, Urgency.CRITICAL),
    ("af", {**NO_P, Kind.RR_NRMSSD: 0.28, Kind.HEART_RATE: 110.0}, Urgency.URGENT),
    ("af", {**NO_P, Kind.RR_NRMSSD: 0.28, Kind.HEART_RATE: 165.0}, Urgency.CRITICAL),
    (
        "aflutter",
        {**NO_P, Kind.FLUTTER_RATE: 300.0, Kind.F_WAVE_RATIO: 0.6, Kind.RR_INTERVAL: 800.0},
        Urgency.URGENT,
    ),
    ("svt", {**NO_P, Kind.HEART_RATE: 180.0}, Urgency.URGENT),
    ("atrial_rhythm", {Kind.P_AXIS: -80.0}, Urgency.ROUTINE),
    ("junctional", {**NO_P, Kind.HEART_RATE: 52.0}, Urgency.ROUTINE),
    ("pac", {Kind.ECTOPIC_NARROW_COUNT: 2.0}, Urgency.ROUTINE),
    ("pvc", {Kind.ECTOPIC_WIDE_COUNT: 2.0, Kind.WIDE_RUN_MAX: 1.0}, Urgency.ROUTINE),
    ("pvc", {Kind.ECTOPIC_WIDE_COUNT: 2.0, Kind.WIDE_RUN_MAX: 2.0}, Urgency.URGENT),
    ("vt", {**NO_P, Kind.HEART_RATE: 180.0, Kind.QRS_DURATION: 160.0}, Urgency.CRITICAL),
    ("ventr_escape", {**NO_P, Kind.HEART_RATE: 32.0, Kind.QRS_DURATION: 160.0}, Urgency.CRITICAL),
    ("avb1", {Kind.PR_INTERVAL: 240.0}, Urgency.ROUTINE),
    (
        "avb3",
        {Kind.HEART_RATE: 38.0, Kind.ATRIAL_RATE: 82.0, Kind.PR_SD: 110.0, Kind.P_PRESENT_FRACTION: 0.6},
        Urgency.CRITICAL,
    ),
    (
        "wpw",
        {
            Kind.PR_INTERVAL: 95.0,
            Kind.QRS_DURATION: 130.0,
            **in_leads(Kind.INITIAL_SLOPE_RATIO, {Lead.V4: 0.3, Lead.V5: 0.3}),
        },
        Urgency.URGENT,
    ),
    ("lbbb", LEFT_BLOCK, Urgency.ROUTINE),
    ("rbbb", RIGHT_BLOCK, Urgency.ROUTINE),
    ("irbbb", {**RIGHT_BLOCK, Kind.QRS_DURATION: 114.0}, Urgency.ROUTINE),
    ("ilbbb", {**LEFT_BLOCK, Kind.QRS_DURATION: 114.0}, Urgency.ROUTINE),
    (
        "lafb",
        {Kind.QRS_AXIS: -62.0, (Kind.Q_AMPLITUDE, Lead.AVL): -0.1, (Kind.R_PEAK_TIME, Lead.AVL): 52.0},
        Urgency.ROUTINE,
    ),
    (
        "lpfb",
        {
            Kind.QRS_AXIS: 115.0,
            **in_leads(Kind.Q_AMPLITUDE, {Lead.III: -0.1, Lead.AVF: -0.1}),
            **in_leads(Kind.QRS_AREA, {Lead.I: -15.0, Lead.AVL: -20.0}),
        },
        Urgency.ROUTINE,
    ),
    ("ivcd", {Kind.QRS_DURATION: 135.0}, Urgency.ROUTINE),
    ("paced", {Kind.SPIKE_FRACTION: 1.0, Kind.QRS_DURATION: 160.0}, Urgency.ROUTINE),
    ("axis_dev", {Kind.QRS_AXIS: -50.0}, Urgency.ROUTINE),
    ("lvh", in_leads(Kind.S_AMPLITUDE, {Lead.V1: -2.4, Lead.V3: -2.6}), Urgency.ROUTINE),
    ("rvh", {Kind.QRS_AXIS: 110.0, (Kind.R_AMPLITUDE, Lead.V1): 0.9}, Urgency.ROUTINE),
    (
        "lae",
        {(Kind.P_NEGATIVE_AMPLITUDE, Lead.V1): -0.15, (Kind.P_TERMINAL_DURATION, Lead.V1): 55.0},
        Urgency.ROUTINE,
    ),
    ("rae", {(Kind.P_AMPLITUDE, Lead.II): 0.31}, Urgency.ROUTINE),
    ("low_voltage", in_leads(Kind.QRS_AMPLITUDE, dict.fromkeys(LIMB_LEADS, 0.4)), Urgency.ROUTINE),
    ("prwp", in_leads(Kind.R_AMPLITUDE, {Lead.V2: 0.2, Lead.V3: 0.15}), Urgency.ROUTINE),
    (
        "q_mi",
        {
            **in_leads(Kind.Q_AMPLITUDE, {Lead.II: -0.2, Lead.AVF: -0.25}),
            **in_leads(Kind.Q_DURATION, {Lead.II: 40.0, Lead.AVF: 42.0}),
        },
        Urgency.ROUTINE,
    ),
    ("stemi", INFERIOR, Urgency.CRITICAL),
    (
        "posterior_mi",
        {
            **_st({Lead.V1: -0.12, Lead.V2: -0.15, Lead.V3: -0.12}),
            (Kind.R_AMPLITUDE, Lead.V2): 1.4,
            (Kind.R_DURATION, Lead.V2): 45.0,
        },
        Urgency.CRITICAL,
    ),
    ("st_dep", _st({Lead.V4: -0.12, Lead.V5: -0.15, Lead.V6: -0.12}), Urgency.URGENT),
    ("avr_diffuse", DIFFUSE, Urgency.CRITICAL),
    (
        "dewinter",
        {
            **in_leads(Kind.ST_J, {Lead.V3: -0.2, Lead.V4: -0.2, Lead.AVR: 0.08}),
            **in_leads(Kind.ST_SLOPE, {Lead.V3: 2.5, Lead.V4: 2.5}),
            **in_leads(Kind.T_AMPLITUDE, {Lead.V3: 0.9, Lead.V4: 0.9}),
        },
        Urgency.CRITICAL,
    ),
    ("wellens", in_leads(Kind.T_AMPLITUDE, {Lead.V2: -0.4, Lead.V3: -0.5}), Urgency.URGENT),
    ("sgarbossa", {**LEFT_BLOCK, (Kind.ST_J, Lead.V5): 0.2}, Urgency.CRITICAL),
    ("t_abn", in_leads(Kind.T_AMPLITUDE, {Lead.V4: -0.2, Lead.V5: -0.2}), Urgency.ROUTINE),
    ("t_abn", in_leads(Kind.T_AMPLITUDE, {Lead.V4: -0.7, Lead.V5: -0.6}), Urgency.URGENT),
    ("long_qt", {Kind.QTC_FRIDERICIA: 468.0}, Urgency.ROUTINE),
    ("long_qt", {Kind.QTC_FRIDERICIA: 520.0}, Urgency.CRITICAL),
    ("short_qt", {Kind.QTC_FRIDERICIA: 330.0}, Urgency.URGENT),
    (
        "early_repol",
        {
            **_st({Lead.II: 0.15, Lead.AVF: 0.15, Lead.V5: 0.15, Lead.V6: 0.13}),
            **in_leads(Kind.QRS_NOTCH_COUNT, dict.fromkeys((Lead.II, Lead.AVF, Lead.V5, Lead.V6), 1.0)),
        },
        Urgency.NORMAL,
    ),
    (
        "brugada1",
        {
            (Kind.ST_J, Lead.V1): 0.35,
            (Kind.ST_J40, Lead.V1): 0.25,
            (Kind.ST_J80, Lead.V1): 0.1,
            (Kind.T_AMPLITUDE, Lead.V1): -0.2,
        },
        Urgency.URGENT,
    ),
    (
        "pericarditis",
        {
            **_st(dict.fromkeys((Lead.I, Lead.II, Lead.AVF, Lead.V4, Lead.V5, Lead.V6), 0.14)),
            (Kind.PR_LEVEL, Lead.II): -0.1,
        },
        Urgency.URGENT,
    ),
    (
        "hyperk",
        {
            **in_leads(Kind.T_AMPLITUDE, {Lead.V2: 1.4, Lead.V3: 1.5}),
            **in_leads(Kind.T_AREA, {Lead.V2: 100.0, Lead.V3: 110.0}),
            **in_leads(Kind.T_SYMMETRY, {Lead.V2: 1.0, Lead.V3: 1.0}),
            Kind.PR_INTERVAL: 230.0,
        },
        Urgency.URGENT,
    ),
    (
        "pe_strain",
        {
            (Kind.S_AMPLITUDE, Lead.I): -0.3,
            (Kind.Q_AMPLITUDE, Lead.III): -0.2,
            (Kind.Q_DURATION, Lead.III): 30.0,
            (Kind.T_AMPLITUDE, Lead.III): -0.2,
            Kind.HEART_RATE: 118.0,
        },
        Urgency.URGENT,
    ),
)


def _statement(name: str, changes: Changes, person: Demographics = MAN_OF_50) -> Statement:
    found = {item.statement_id: item for item in evaluate(measured(changes), person)}
    return found[name]


@pytest.mark.parametrize(("name", "changes", "urgency"), CASES, ids=[case[0] for case in CASES])
def test_a_statement_holds_on_numbers_made_for_it(name: str, changes: Changes, urgency: Urgency) -> None:
    """The statement is met, rests on parts, and is as urgent as its numbers say."""
    statement = _statement(name, changes)
    assert statement.state is MET
    assert statement.urgency is urgency
    assert statement.parts


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES} - {"normal_ecg", "sinus_rhythm"}))
def test_a_statement_does_not_hold_on_a_normal_ecg(name: str) -> None:
    """Nothing but "normal" and "sinus rhythm" is found on a normal ECG, not even as borderline."""
    assert _statement(name, {}).state not in (MET, BORDERLINE)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("lbbb", {**LEFT_BLOCK, Kind.QRS_DURATION: 121.0}),
        ("avb1", {Kind.PR_INTERVAL: 203.0}),
        ("stemi", _st({Lead.II: 0.105, Lead.AVF: 0.105})),
        ("long_qt", {Kind.QTC_FRIDERICIA: 454.0}),
        ("axis_dev", {Kind.QRS_AXIS: -27.0}),
    ],
)
def test_a_number_at_its_limit_makes_the_statement_borderline(name: str, changes: Changes) -> None:
    """Within half its 95 % interval of a necessary limit, a number decides nothing."""
    assert _statement(name, changes).state is BORDERLINE


def test_a_borderline_critical_statement_is_urgent_not_critical() -> None:
    """A doubtful finding does not raise the highest alarm."""
    statement = _statement("stemi", _st({Lead.II: 0.105, Lead.AVF: 0.105}))
    assert statement.urgency is Urgency.URGENT


def test_elevation_in_v2_and_v3_is_judged_by_age_and_sex() -> None:
    """0.18 mV in V2-V3 exceeds the limit of a woman, not that of a man."""
    changes = _st({Lead.V2: 0.18, Lead.V3: 0.18})
    assert _statement("stemi", changes, WOMAN_OF_50).state is MET
    assert _statement("stemi", changes, MAN_OF_50).state is not MET


def test_unknown_age_and_sex_take_the_stricter_limit_and_say_so() -> None:
    """Nothing is assumed of a person of whom nothing is known."""
    statement = _statement("stemi", _st({Lead.V2: 0.4, Lead.V3: 0.4}), Demographics())
    assert statement.state is MET
    assert "age and sex unknown" in (statement.note or "")


def test_the_leads_of_an_infarction_name_its_territory() -> None:
    """Inferior elevation is found in II, III and aVF, with its reciprocal depression noted."""
    statement = _statement("stemi", INFERIOR)
    assert statement.leads == (Lead.II, Lead.III, Lead.AVF)
    assert "inferior" in (statement.note or "")
    assert "reciprocal" in (statement.note or "")


def test_one_voltage_sum_alone_is_borderline_hypertrophy() -> None:
    """Voltage alone is no hypertrophy; a young person's voltage is none at all."""
    tall = {(Kind.R_AMPLITUDE, Lead.AVL): 1.25}
    assert _statement("lvh", tall).state is BORDERLINE
    young = Demographics(age_years=22.0, sex=MAN_OF_50.sex)
    assert _statement("lvh", tall, young).state is StatementState.NOT_MET


def test_q_in_iii_alone_is_no_infarction() -> None:
    """A Q in III is common in health and counts only with aVF."""
    changes = {(Kind.Q_AMPLITUDE, Lead.III): -0.4, (Kind.Q_DURATION, Lead.III): 45.0}
    assert _statement("q_mi", changes).state is StatementState.NOT_MET


def test_fibrillation_names_its_ventricular_response() -> None:
    """The rate class of atrial fibrillation stands in its note."""
    statement = _statement("af", {**NO_P, Kind.RR_NRMSSD: 0.28, Kind.HEART_RATE: 130.0})
    assert statement.note == "ventricular response rapid"


def test_a_faint_flutter_peak_at_a_multiple_of_a_slow_rate_is_only_possible() -> None:
    """Harmonics of a regular heart rate look like flutter conducted 4:1."""
    changes = {**NO_P, Kind.FLUTTER_RATE: 288.0, Kind.F_WAVE_RATIO: 0.4}
    assert _statement("aflutter", changes).state is BORDERLINE
