"""What silences what, and that one basic rhythm governs."""

from __future__ import annotations

import pytest

from gem_integration.criteria import evaluate
from gem_integration.criteria.evaluate import STATEMENTS
from gem_integration.criteria.guards import BASIC_RHYTHMS, GUARDS, SUPPRESSIONS
from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import Beat, BeatClass, Fiducials
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.quality import QualityFlag
from gem_integration.domain.statement import StatementState
from gem_integration.terminology.statements import statement_codes
from tests.unit.criteria.builder import MAN_OF_50, flagged_quality, measured
from tests.unit.criteria.test_statements_by_hand import CASES, INFERIOR, LEFT_BLOCK, NO_P

LIKELY = (StatementState.MET, StatementState.BORDERLINE)


def test_the_table_names_only_known_guards_and_statements() -> None:
    """Every row of the table has a guard, and every name in it is a rule."""
    assert {row.guard for row in SUPPRESSIONS} == set(GUARDS)
    assert {name for row in SUPPRESSIONS for name in row.statements} <= set(STATEMENTS)


def test_the_order_of_rhythms_is_their_exclusion_group() -> None:
    """The priority list and the group in the code table are the same set."""
    group = {name for name, code in statement_codes().items() if code.group == "basic_rhythm"}
    assert set(BASIC_RHYTHMS) == group


@pytest.mark.parametrize("changes", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_at_most_one_basic_rhythm_holds(changes: object) -> None:
    """No recording has two basic rhythms."""
    found = evaluate(measured(changes), MAN_OF_50)
    held = [
        item.statement_id for item in found if item.state in LIKELY and item.statement_id in BASIC_RHYTHMS
    ]
    assert len(held) <= 1


def test_infarction_limits_do_not_apply_in_left_bundle_branch_block() -> None:
    """ST elevation beside LBBB is not called an infarction by the ordinary limits, and the note says why."""
    found = {item.statement_id: item for item in evaluate(measured({**LEFT_BLOCK, **INFERIOR}), MAN_OF_50)}
    assert found["stemi"].state is StatementState.NOT_MEASURABLE
    assert "left bundle branch block" in (found["stemi"].note or "")
    assert found["lvh"].state is StatementState.NOT_MEASURABLE


def test_ventricular_pacing_silences_morphology() -> None:
    """A paced QRS is no bundle branch block."""
    paced = {**LEFT_BLOCK, Kind.SPIKE_FRACTION: 1.0}
    found = {item.statement_id: item for item in evaluate(measured(paced), MAN_OF_50)}
    assert found["paced"].state is StatementState.MET
    assert found["lbbb"].state is StatementState.NOT_MEASURABLE


def test_exchanged_electrodes_silence_axis_and_infarction() -> None:
    """With arms exchanged nothing that depends on lead positions is said."""
    quality = flagged_quality(QualityFlag.RA_LA_REVERSAL, usable=True, reason="arm electrodes exchanged")
    found = {item.statement_id: item for item in evaluate(measured(INFERIOR, quality=quality), MAN_OF_50)}
    assert found["lead_reversal"].state is StatementState.MET
    assert found["stemi"].state is StatementState.NOT_MEASURABLE
    assert found["axis_dev"].state is StatementState.NOT_MEASURABLE


def test_a_limited_recording_gives_rate_and_rhythm_only() -> None:
    """No morphology is judged on a recording that must not be interpreted."""
    quality = flagged_quality(QualityFlag.NOISY, usable=False, reason="noise in nine leads")
    found = {item.statement_id: item for item in evaluate(measured(INFERIOR, quality=quality), MAN_OF_50)}
    assert found["poor_quality"].state is StatementState.MET
    assert found["sinus_rhythm"].state is StatementState.MET
    assert found["stemi"].state is StatementState.NOT_MEASURABLE
    assert found["normal_ecg"].state is not StatementState.MET


def test_there_is_no_first_degree_block_in_fibrillation() -> None:
    """Without P waves no PR statement holds."""
    changes = {**NO_P, Kind.RR_NRMSSD: 0.3, Kind.PR_INTERVAL: 260.0}
    found = {item.statement_id: item for item in evaluate(measured(changes), MAN_OF_50)}
    assert found["af"].state is StatementState.MET
    assert found["avb1"].state not in LIKELY


def _beats(pr_ms: list[float], rr_ms: list[float]) -> tuple[Beat, ...]:
    beats, at = [], 500
    for number, pr in enumerate(pr_ms, start=1):
        marks = Fiducials(p_on=at - round(pr / 2), qrs_on=at, r_peak=at + 20, qrs_off=at + 45)
        beats.append(
            Beat(number=number, r_sample=at + 20, beat_class=BeatClass.DOMINANT, marks=marks, leads={})
        )
        at += round(rr_ms[number - 1] / 2) if number <= len(rr_ms) else 0
    return tuple(beats)


def test_wenckebach_is_told_from_mobitz_ii_by_the_pr_around_the_drop() -> None:
    """PR that grows and falls back is type I, PR that stays is type II."""
    dropped = {Kind.DROPPED_BEAT_COUNT: 1.0}
    growing = _beats([180, 230, 260, 180, 230], [800, 770, 1450, 800])
    steady = _beats([180, 182, 180, 181, 180], [800, 800, 1600, 800])
    for beats, name, other in ((growing, "avb2_m1", "avb2_m2"), (steady, "avb2_m2", "avb2_m1")):
        found = {i.statement_id: i for i in evaluate(measured(dropped, beats=beats), MAN_OF_50)}
        assert found[name].state is StatementState.MET
        assert found[other].state not in LIKELY


def test_a_pause_after_a_premature_beat_is_compensatory() -> None:
    """The long RR that follows a premature beat is no sinus pause."""
    first, second = _beats([160, 160], [2200])
    early = Beat(
        number=1, r_sample=first.r_sample, beat_class=BeatClass.ECTOPIC_WIDE, marks=first.marks, leads={}
    )
    for beats, expected in (((early, second), False), ((first, second), True)):
        found = {i.statement_id: i for i in evaluate(measured({Kind.RR_MAX: 2200.0}, beats=beats), MAN_OF_50)}
        assert (found["pause"].state is StatementState.MET) is expected


def test_a_run_of_tachycardia_stands_beside_the_rhythm_it_interrupts() -> None:
    """Three fast wide beats are critical and leave the sinus rhythm standing."""
    base = _beats([160] * 6, [800, 400, 400, 400, 800])
    beats = tuple(
        Beat(
            number=beat.number,
            r_sample=beat.r_sample,
            beat_class=BeatClass.ECTOPIC_WIDE if beat.number in (2, 3, 4) else BeatClass.DOMINANT,
            marks=beat.marks,
            leads={Lead.II: beat.marks},
        )
        for beat in base
    )
    changes = {Kind.ECTOPIC_WIDE_COUNT: 3.0, Kind.WIDE_RUN_MAX: 3.0}
    found = {item.statement_id: item for item in evaluate(measured(changes, beats=beats), MAN_OF_50)}
    assert found["vt"].state is StatementState.MET
    assert found["sinus_rhythm"].state is StatementState.MET


def test_flutter_waves_make_elevation_doubtful_not_absent() -> None:
    """An infarction beside flutter is still named, as possible."""
    changes = {**NO_P, **INFERIOR, Kind.FLUTTER_RATE: 288.0, Kind.F_WAVE_RATIO: 0.6}
    found = {item.statement_id: item for item in evaluate(measured(changes), MAN_OF_50)}
    assert found["aflutter"].state is StatementState.MET
    assert found["stemi"].state is StatementState.BORDERLINE
    assert found["stemi"].leads == (Lead.II, Lead.III, Lead.AVF)


def test_a_random_pr_under_a_regular_slow_rhythm_is_possibly_complete_block() -> None:
    """Where P waves were missed, dissociation shows in the PR alone."""
    changes = {Kind.HEART_RATE: 42.0, Kind.PR_SD: 80.0, Kind.P_AXIS: -120.0, Kind.RR_CV: 0.01}
    found = {item.statement_id: item for item in evaluate(measured(changes), MAN_OF_50)}
    assert found["avb3"].state is StatementState.BORDERLINE
    assert found["atrial_rhythm"].state not in LIKELY
