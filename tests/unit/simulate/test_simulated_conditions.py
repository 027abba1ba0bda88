"""Each named scenario satisfies the criteria of its condition, by plain arithmetic on its samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from gem_integration.domain.ecg import PRECORDIAL_LEADS, STANDARD_LEADS, Lead
from gem_integration.domain.measurement import Beat, BeatClass, MeasurementKind
from gem_integration.simulate import SCENARIOS, Noise, SimulatedEcg
from gem_integration.simulate import simulate as simulate_anew

RATE_HZ = 1000
simulate = cache(simulate_anew)
INFERIOR = (Lead.II, Lead.III, Lead.AVF)


class Shown:
    """One beat of a silent scenario at 1000 Hz, so that a sample is a millisecond."""

    def __init__(self, name: str) -> None:
        self.ecg: SimulatedEcg = simulate(replace(SCENARIOS[name], noise=Noise(), sampling_rate_hz=RATE_HZ))
        self.beat: Beat = next(
            beat
            for beat in self.ecg.beats[1:]
            if beat.marks.t_off is not None and beat.beat_class in (BeatClass.DOMINANT, BeatClass.PACED)
        )

    def course(self, lead: Lead, start: int, stop: int) -> np.ndarray:
        """Return samples against the QRS-onset level."""
        values = self.ecg.recording.lead_mv(lead).astype(float)
        onset = self.beat.marks.qrs_on or 0
        before = values[max(onset - 18, 0) : onset] if not self.beat.spikes else values[onset - 5 : onset]
        return values[start:stop] - float(np.mean(before))

    def qrs(self, lead: Lead) -> np.ndarray:
        return self.course(lead, self.beat.marks.qrs_on or 0, (self.beat.marks.qrs_off or 0) + 1)

    def deflections(self, lead: Lead) -> list[tuple[float, int, int]]:
        """Return (peak mV, peak ms from QRS onset, duration ms) of each deflection of at least 30 µV."""
        qrs = self.qrs(lead)
        edges = [0, *(np.flatnonzero(np.diff(np.sign(qrs))) + 1), qrs.size]
        parts = [(qrs[a:b], a) for a, b in pairwise(edges) if b > a]
        return [
            (float(part[np.argmax(np.abs(part))]), start + int(np.argmax(np.abs(part))), part.size)
            for part, start in parts
            if np.abs(part).max() >= 0.03
        ]

    def st(self, lead: Lead, after_ms: int = 0) -> float:
        at = (self.beat.marks.qrs_off or 0) + after_ms
        return float(self.course(lead, at, at + 1)[0])

    def t(self, lead: Lead) -> float:
        course = self.course(lead, (self.beat.marks.qrs_off or 0) + 60, self.beat.marks.t_off or 0)
        return float(course[np.argmax(np.abs(course))])

    def area(self, lead: Lead) -> float:
        return float(self.qrs(lead).sum())

    @property
    def axis_deg(self) -> float:
        return math.degrees(math.atan2(2 / math.sqrt(3) * self.area(Lead.AVF), self.area(Lead.I)))

    def r(self, lead: Lead) -> float:
        return max(float(self.qrs(lead).max()), 0.0)

    def s(self, lead: Lead) -> float:
        return max(-float(self.qrs(lead).min()), 0.0)

    def q(self, lead: Lead) -> tuple[float, int]:
        """Return depth and duration of an initial negative deflection, (0, 0) where there is none."""
        first = self.deflections(lead)[0]
        return (-first[0], first[2]) if first[0] < 0 else (0.0, 0)

    def length(self, start: str, end: str) -> int:
        return int(getattr(self.beat.marks, end)) - int(getattr(self.beat.marks, start))


def rr_ms(ecg: SimulatedEcg) -> np.ndarray:
    return np.diff([beat.marks.qrs_on or 0 for beat in ecg.beats]) * 1000 / ecg.recording.sampling_rate_hz


def nrmssd(ecg: SimulatedEcg) -> float:
    rr = rr_ms(ecg)
    return float(np.sqrt(np.mean(np.diff(rr) ** 2)) / rr.mean())


def prs_ms(ecg: SimulatedEcg) -> list[float]:
    return [
        ((beat.marks.qrs_on or 0) - beat.marks.p_on) * 1000 / ecg.recording.sampling_rate_hz
        for beat in ecg.beats
        if beat.marks.p_on is not None
    ]


@pytest.mark.parametrize("name", SCENARIOS)
def test_marks_say_the_intervals_that_were_asked_for(name: str) -> None:
    """PR, QRS and QT between the marks are the scenario's own, to a sample."""
    scenario = SCENARIOS[name]
    ecg = simulate(scenario)
    for beat in (beat for beat in ecg.beats if beat.beat_class in (BeatClass.DOMINANT, BeatClass.PACED)):
        assert beat.marks.qrs_off is not None
        assert beat.marks.qrs_on is not None
        qrs_ms = (beat.marks.qrs_off - beat.marks.qrs_on) * 2
        assert qrs_ms == pytest.approx(ecg.truth[MeasurementKind.QRS_DURATION], abs=2)
        if scenario.qrs_ms is not None:
            assert qrs_ms == pytest.approx(scenario.qrs_ms, abs=2)
        if beat.marks.t_off is not None:
            qt_ms = (beat.marks.t_off - beat.marks.qrs_on) * 2
            assert qt_ms == pytest.approx(ecg.truth[MeasurementKind.QT_INTERVAL], abs=2)
            assert qt_ms == pytest.approx(scenario.qt_ms or qt_ms, abs=2)
    if scenario.pr_ms is not None and name != "mobitz1":
        assert prs_ms(ecg) == pytest.approx([scenario.pr_ms] * len(prs_ms(ecg)), abs=2)


CHANGED_RATE = {"sinus_pause", "pac", "pac_blocked", "pvc_bigeminy", "nsvt", "vf", "asystole", "mobitz2"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_heart_rate_is_the_one_asked_for(name: str) -> None:
    """The mean ventricular rate is the scenario's, where the rhythm lets one be asked for."""
    scenario = SCENARIOS[name]
    truth = simulate(scenario).truth
    if name not in CHANGED_RATE:
        assert truth[MeasurementKind.HEART_RATE] == pytest.approx(scenario.heart_rate_bpm, rel=0.06)


@pytest.mark.parametrize(
    ("name", "low_bpm", "high_bpm"),
    [("normal_sinus", 60, 100), ("sinus_brady", 40, 59), ("sinus_tachy", 101, 150)],
)
def test_sinus_rhythm_has_upright_p_waves_before_every_beat(
    name: str, low_bpm: float, high_bpm: float
) -> None:
    """P is upright in I, II and aVF, negative in aVR, and its axis lies between 0 and 75 degrees."""
    ecg = simulate(SCENARIOS[name])
    assert low_bpm <= ecg.truth[MeasurementKind.HEART_RATE] <= high_bpm
    assert 0 <= ecg.truth[MeasurementKind.P_AXIS] <= 75
    assert len(prs_ms(ecg)) >= len(ecg.beats) - 1
    shown = Shown(name)
    on, off = shown.beat.marks.p_on or 0, shown.beat.marks.p_off or 0
    for lead, sign in ((Lead.I, 1), (Lead.II, 1), (Lead.AVF, 1), (Lead.AVR, -1)):
        course = shown.course(lead, on, off) * sign
        assert course.max() >= 0.04
        assert course.min() > -0.02


def test_the_normal_ecg_is_normal() -> None:
    """Intervals, axis, R progression, ST and T are those of a healthy adult."""
    shown = Shown("normal_sinus")
    assert 120 <= shown.length("p_on", "qrs_on") <= 200
    assert shown.length("qrs_on", "qrs_off") < 110
    qtc = shown.length("qrs_on", "t_off") / (60 / 70) ** (1 / 3)
    assert 390 <= qtc <= 450
    assert -30 <= shown.axis_deg <= 90
    assert max(abs(shown.st(lead)) for lead in STANDARD_LEADS) < 0.05
    r = [shown.r(lead) for lead in PRECORDIAL_LEADS]
    assert r[0] < r[1] < r[2] < r[3]
    assert shown.s(Lead.V2) > shown.r(Lead.V2)
    assert shown.r(Lead.V5) > shown.s(Lead.V5)
    for lead in (Lead.I, Lead.II, Lead.V3, Lead.V4, Lead.V5, Lead.V6):
        assert shown.t(lead) >= 0.1 * shown.r(lead)
        assert shown.t(lead) > 0.1
    for lead in (*INFERIOR, Lead.I, Lead.AVL, Lead.V5, Lead.V6):
        depth, duration = shown.q(lead)
        assert depth < 0.1 or duration < 30
    assert shown.s(Lead.V1) + max(shown.r(Lead.V5), shown.r(Lead.V6)) < 3.5


def test_sinus_arrhythmia_changes_gradually() -> None:
    """The longest and the shortest RR differ by more than 120 ms, no step by more than a quarter."""
    rr = rr_ms(simulate(SCENARIOS["sinus_arrhythmia"]))
    assert np.ptp(rr) > 120
    assert np.abs(np.diff(rr)).max() < 0.25 * rr.mean()


def test_a_sinus_pause_is_longer_than_three_seconds() -> None:
    """One RR interval is critical."""
    assert rr_ms(simulate(SCENARIOS["sinus_pause"])).max() >= 3000


@pytest.mark.parametrize("name", ["af", "af_rvr"])
def test_atrial_fibrillation_is_irregular_without_p(name: str) -> None:
    """RR is irregularly irregular and no beat has a P wave."""
    ecg = simulate(SCENARIOS[name])
    assert nrmssd(ecg) > 0.10
    assert not prs_ms(ecg)
    assert (ecg.truth[MeasurementKind.HEART_RATE] > 100) == (name == "af_rvr")


def test_svt_is_fast_regular_and_narrow() -> None:
    """Over 150 per minute, CV below 5 %, QRS below 120 ms, P after the QRS."""
    ecg = simulate(SCENARIOS["svt"])
    rr = rr_ms(ecg)
    assert 60_000 / rr.mean() >= 150
    assert rr.std() / rr.mean() < 0.05
    assert ecg.truth[MeasurementKind.QRS_DURATION] < 120
    assert ecg.p_only
    assert not prs_ms(ecg)


def test_junctional_and_atrial_rhythms_have_no_sinus_p() -> None:
    """The junction gives no P at all, a low atrial focus an inverted one in II and aVF."""
    assert not prs_ms(simulate(SCENARIOS["junctional"]))
    assert simulate(SCENARIOS["atrial"]).truth[MeasurementKind.P_AXIS] < -30


@pytest.mark.parametrize(
    ("name", "beat_class", "at_least"),
    [
        ("pac", BeatClass.ECTOPIC_NARROW, 2),
        ("pvc", BeatClass.ECTOPIC_WIDE, 2),
        ("pvc_bigeminy", BeatClass.ECTOPIC_WIDE, 5),
        ("pvc_couplet", BeatClass.ECTOPIC_WIDE, 4),
        ("pvc_multiform", BeatClass.ECTOPIC_WIDE, 2),
        ("nsvt", BeatClass.ECTOPIC_WIDE, 5),
    ],
)
def test_premature_beats_come_early(name: str, beat_class: BeatClass, at_least: int) -> None:
    """The first ectopic beat of a group comes before 85 % of the sinus interval."""
    ecg = simulate(SCENARIOS[name])
    ectopic = [number for number, beat in enumerate(ecg.beats) if beat.beat_class is beat_class]
    assert len(ectopic) >= at_least
    usual_ms = 60_000 / SCENARIOS[name].heart_rate_bpm
    rr = rr_ms(ecg)
    assert all(rr[number - 1] < 0.85 * usual_ms for number in ectopic if number > 0)


def test_a_ventricular_premature_beat_is_wide_and_followed_by_a_full_pause() -> None:
    """QRS of 120 ms or more, no P before it, and the sinus node keeps its time."""
    ecg = simulate(SCENARIOS["pvc"])
    number = next(n for n, beat in enumerate(ecg.beats) if beat.beat_class is BeatClass.ECTOPIC_WIDE)
    beat, rr = ecg.beats[number], rr_ms(ecg)
    assert beat.marks.p_on is None
    assert ((beat.marks.qrs_off or 0) - (beat.marks.qrs_on or 0)) * 2 >= 120
    assert rr[number - 1] + rr[number] == pytest.approx(2 * rr[0], rel=0.06)


def test_bigeminy_alternates() -> None:
    """Every second beat is ventricular."""
    wide = [beat.beat_class is BeatClass.ECTOPIC_WIDE for beat in simulate(SCENARIOS["pvc_bigeminy"]).beats]
    assert all(one != other for one, other in pairwise(wide))


def test_first_degree_block_has_a_long_constant_pr() -> None:
    """Every PR is over 200 ms."""
    prs = prs_ms(simulate(SCENARIOS["avb1"]))
    assert min(prs) > 200
    assert np.std(prs) <= 20


def test_mobitz_one_lengthens_pr_until_a_p_is_dropped() -> None:
    """PR grows within a group, a P without QRS follows, and PR is shorter after it."""
    ecg = simulate(SCENARIOS["mobitz1"])
    assert len(ecg.p_only) >= 2
    for dropped in ecg.p_only:
        before = [beat for beat in ecg.beats if (beat.marks.qrs_on or 0) < dropped][-2:]
        after = [beat for beat in ecg.beats if (beat.marks.qrs_on or 0) > dropped][:1]
        prs = [((beat.marks.qrs_on or 0) - beat.marks.p_on) for beat in before + after if beat.marks.p_on]
        if len(prs) == 3:
            assert prs[2] < prs[0] < prs[1]


def test_mobitz_two_and_two_to_one_keep_pr_constant() -> None:
    """PR does not change around the dropped beats; in 2:1 every second P is dropped."""
    for name in ("mobitz2", "avb2_2to1"):
        ecg = simulate(SCENARIOS[name])
        assert ecg.p_only
        assert np.ptp(prs_ms(ecg)) <= 4
    two_to_one = simulate(SCENARIOS["avb2_2to1"])
    assert abs(len(two_to_one.p_only) - len(two_to_one.beats)) <= 1


@pytest.mark.parametrize("name", ["avb3", "avb3_wide"])
def test_complete_block_separates_atria_and_ventricles(name: str) -> None:
    """Both are regular, the atria faster, the ventricles below 60 per minute."""
    ecg = simulate(SCENARIOS[name])
    rr, pp = rr_ms(ecg), np.diff(ecg.p_only)
    assert 60_000 / rr.mean() < 60
    assert pp.mean() * 2 < rr.mean()
    assert max(rr.std() / rr.mean(), pp.std() / pp.mean()) < 0.05
    assert not prs_ms(ecg)


@pytest.mark.parametrize(("name", "spikes"), [("paced", 1), ("paced_atrial", 1), ("paced_dual", 2)])
def test_paced_beats_follow_their_spikes(name: str, spikes: int) -> None:
    """Each spike lasts at most 2 ms, stands at a fixed delay and far above its neighbours."""
    ecg = simulate(SCENARIOS[name])
    lead_two = ecg.recording.lead_mv(Lead.II).astype(float)
    for beat in ecg.beats[1:-1]:
        assert len(beat.spikes) == spikes
        for spike in beat.spikes:
            assert abs(lead_two[spike] - lead_two[spike - 1]) > 0.8
            assert abs(lead_two[spike] - lead_two[spike + 1]) > 0.8
        assert beat.marks.qrs_on is not None
        wave_on = beat.marks.p_on if name == "paced_atrial" else beat.marks.qrs_on
        assert wave_on is not None
        assert (wave_on - beat.spikes[-1]) * 2 == pytest.approx(10, abs=2)


def test_ventricular_pacing_looks_like_the_right_ventricle() -> None:
    """The QRS is wide, its axis superior, the right chest leads negative."""
    shown = Shown("paced")
    assert shown.length("qrs_on", "qrs_off") >= 120
    assert shown.axis_deg < -30
    assert all(shown.area(lead) < 0 for lead in (Lead.V1, Lead.V2, Lead.V3, Lead.V4))


def test_ventricular_tachycardia_is_wide_fast_and_dissociated() -> None:
    """Over 100 per minute, QRS over 120 ms, northwest axis, initial R in aVR, P waves of their own."""
    shown = Shown("vt")
    assert shown.ecg.truth[MeasurementKind.HEART_RATE] > 100
    assert shown.length("qrs_on", "qrs_off") >= 120
    assert -180 < shown.axis_deg < -90
    assert shown.deflections(Lead.AVR)[0][0] > 0.3
    assert shown.ecg.p_only


def test_an_idioventricular_rhythm_is_slow_and_wide() -> None:
    """20 to 40 per minute, QRS over 120 ms, no P."""
    ecg = simulate(SCENARIOS["idioventricular"])
    assert 20 <= ecg.truth[MeasurementKind.HEART_RATE] <= 40
    assert ecg.truth[MeasurementKind.QRS_DURATION] >= 120
    assert not prs_ms(ecg)


def test_lbbb_meets_the_strict_criteria() -> None:
    """Over 140 ms, QS or rS in V1-V2, no q laterally, notched R in several leads, discordant ST-T."""
    shown = Shown("lbbb")
    assert shown.length("qrs_on", "qrs_off") >= 140
    for lead in (Lead.V1, Lead.V2):
        assert shown.s(lead) > 5 * shown.r(lead)
        assert shown.t(lead) > 0
    lateral = (Lead.I, Lead.V5, Lead.V6)
    assert all(shown.q(lead) == (0.0, 0) for lead in lateral)
    assert sum(crests(shown.qrs(lead)) >= 2 for lead in (*lateral, Lead.AVL)) >= 3
    assert all(shown.t(lead) < 0 for lead in (*lateral, Lead.AVL))
    assert all(int(np.argmax(shown.qrs(lead))) > 50 for lead in (Lead.V5, Lead.V6))


def crests(course: np.ndarray) -> int:
    """Return the number of local maxima in the upper half of a deflection."""
    slope = np.diff(course)
    tops = np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0)) + 1
    return int(np.sum(course[tops] > course.max() / 2))


@pytest.mark.parametrize(("name", "low_ms", "high_ms"), [("rbbb", 120, 180), ("irbbb", 110, 119)])
def test_rbbb_has_a_second_r_in_v1_and_a_broad_s(name: str, low_ms: int, high_ms: int) -> None:
    """RsR' or rSr' in V1; in I and V6 S lasts longer than R or over 40 ms (complete block)."""
    shown = Shown(name)
    assert low_ms <= shown.length("qrs_on", "qrs_off") <= high_ms
    signs = [math.copysign(1, peak) for peak, _, _ in shown.deflections(Lead.V1)]
    assert signs == [1, -1, 1]
    assert shown.deflections(Lead.V1)[2][1] > 50
    for lead in (Lead.I, Lead.V6):
        last = shown.deflections(lead)[-1]
        assert last[0] < 0
        assert last[2] > 40 or name == "irbbb"


def test_left_anterior_fascicular_block() -> None:
    """Axis between -45 and -90, qR in aVL with its peak at 45 ms or later, QRS below 120 ms."""
    shown = Shown("lafb")
    assert -90 <= shown.axis_deg <= -45
    assert [peak > 0 for peak, _, _ in shown.deflections(Lead.AVL)][:2] == [False, True]
    assert int(np.argmax(shown.qrs(Lead.AVL))) >= 45
    assert shown.length("qrs_on", "qrs_off") < 120


def test_left_posterior_fascicular_block() -> None:
    """Axis over 90, rS in I and aVL, qR in III and aVF."""
    shown = Shown("lpfb")
    assert 90 <= shown.axis_deg <= 180
    for lead in (Lead.I, Lead.AVL):
        assert shown.deflections(lead)[0][0] > 0
        assert shown.s(lead) > shown.r(lead)
    for lead in (Lead.III, Lead.AVF):
        assert shown.q(lead)[0] > 0
        assert shown.r(lead) > 0.5


def test_ivcd_is_wide_without_a_bundle_branch_shape() -> None:
    """Over 110 ms, a lateral q, no second R in V1."""
    shown = Shown("ivcd")
    assert shown.length("qrs_on", "qrs_off") > 120
    assert shown.q(Lead.V6)[0] > 0
    assert len(shown.deflections(Lead.V1)) == 2


def test_left_ventricular_hypertrophy() -> None:
    """Sokolow-Lyon and Cornell are exceeded, with lateral strain."""
    shown = Shown("lvh")
    assert shown.s(Lead.V1) + max(shown.r(Lead.V5), shown.r(Lead.V6)) > 3.5
    assert shown.r(Lead.AVL) + shown.s(Lead.V3) > 2.8
    assert shown.length("qrs_on", "qrs_off") < 120
    assert shown.st(Lead.V6, 20) < -0.05
    assert shown.t(Lead.V6) < -0.1


def test_right_ventricular_hypertrophy() -> None:
    """Right axis, R in V1 over 0.6 mV and larger than S, strain in V1."""
    shown = Shown("rvh")
    assert 90 <= shown.axis_deg <= 180
    assert shown.r(Lead.V1) > 0.6
    assert shown.r(Lead.V1) > shown.s(Lead.V1)
    assert shown.t(Lead.V1) < 0


def test_pre_excitation() -> None:
    """PR below 120 ms, QRS over 120 ms, a slow start in at least two leads."""
    shown = Shown("wpw")
    assert shown.length("p_on", "qrs_on") < 120
    assert shown.length("qrs_on", "qrs_off") > 120
    slow = [
        lead
        for lead in STANDARD_LEADS
        if shown.r(lead) > 0.3
        and abs(shown.qrs(lead)[35]) / 35 < 0.5 * float(np.abs(np.diff(shown.qrs(lead))).max())
        and shown.qrs(lead)[35] > 0.05
    ]
    assert len(slow) >= 2


def test_old_inferior_infarction() -> None:
    """Q of at least 30 ms and 0.1 mV in II, III and aVF, nowhere lateral."""
    shown = Shown("old_inferior_mi")
    for lead in INFERIOR:
        depth, duration = shown.q(lead)
        assert depth >= 0.1
        assert duration >= 30
    assert shown.q(Lead.V5)[1] < 30


def test_old_anterior_infarction() -> None:
    """QS complexes in V1 to V3."""
    shown = Shown("old_anterior_mi")
    for lead in (Lead.V1, Lead.V2, Lead.V3):
        assert shown.r(lead) < 0.03
        assert shown.s(lead) > 0.3


def test_low_voltage() -> None:
    """Peak to peak below 0.5 mV in the limb leads and 1 mV in the chest leads."""
    shown = Shown("low_voltage")
    for lead in STANDARD_LEADS:
        assert np.ptp(shown.qrs(lead)) < (1.0 if lead in PRECORDIAL_LEADS else 0.5)


def test_poor_r_progression() -> None:
    """R in V3 is at most 0.3 mV and no larger than in V2."""
    shown = Shown("poor_r_progression")
    assert shown.r(Lead.V3) <= 0.3
    assert shown.r(Lead.V3) <= shown.r(Lead.V2)


@pytest.mark.parametrize(("name", "low", "high"), [("left_axis", -90, -30), ("right_axis", 90, 180)])
def test_axis_deviation(name: str, low: float, high: float) -> None:
    """The axis by area is the one asked for."""
    shown = Shown(name)
    assert low <= shown.axis_deg <= high
    assert shown.axis_deg == pytest.approx(SCENARIOS[name].axis_deg or 0.0, abs=3)


@pytest.mark.parametrize(
    ("name", "raised", "lowered"),
    [
        ("inferior_stemi", INFERIOR, (Lead.I, Lead.AVL)),
        ("anterior_stemi", (Lead.V2, Lead.V3, Lead.V4), (Lead.III,)),
        ("lateral_stemi", (Lead.I, Lead.AVL, Lead.V5, Lead.V6), (Lead.III,)),
    ],
)
def test_st_elevation_of_a_territory(name: str, raised: Sequence[Lead], lowered: Sequence[Lead]) -> None:
    """J is raised in contiguous leads over every limit, reciprocal leads are depressed."""
    shown = Shown(name)
    for lead in raised:
        assert shown.st(lead) >= (0.25 if lead in (Lead.V2, Lead.V3) else 0.12)
    assert all(shown.st(lead) <= -0.05 for lead in lowered)


def test_posterior_infarction() -> None:
    """Depression in V1-V3 with an upright T, and in V2 an R of at least 30 ms larger than S."""
    shown = Shown("posterior_stemi")
    assert all(shown.st(lead) <= -0.06 for lead in (Lead.V1, Lead.V2, Lead.V3))
    assert shown.t(Lead.V2) > 0.05
    assert shown.r(Lead.V2) > shown.s(Lead.V2)
    assert max(shown.deflections(Lead.V2))[2] >= 30


def test_st_depression_is_horizontal_in_contiguous_leads() -> None:
    """At least 0.1 mV below at J and no rise to J+60."""
    shown = Shown("st_depression")
    for lead in (Lead.V4, Lead.V5, Lead.V6):
        assert shown.st(lead) <= -0.1
        assert shown.st(lead, 60) <= shown.st(lead) + 0.03


def test_t_waves_are_inverted_or_flat() -> None:
    """Inversion is deeper than 0.1 mV with R/S over 1; a flat T stays within 0.1 mV."""
    inverted, flat = Shown("t_inversion"), Shown("flat_t")
    assert all(inverted.t(lead) < -0.1 for lead in (Lead.I, Lead.II, Lead.V4, Lead.V5, Lead.V6))
    assert all(abs(flat.t(lead)) < 0.1 for lead in STANDARD_LEADS)


@pytest.mark.parametrize(("name", "low_ms", "high_ms"), [("long_qt", 500, 600), ("short_qt", 200, 340)])
def test_qt_is_long_or_short_after_correction(name: str, low_ms: float, high_ms: float) -> None:
    """QTc by Fridericia lies in the critical or diagnostic range."""
    truth = simulate(SCENARIOS[name]).truth
    rr_s = truth[MeasurementKind.RR_INTERVAL] / 1000
    assert low_ms <= truth[MeasurementKind.QT_INTERVAL] / rr_s ** (1 / 3) <= high_ms


def test_hyperkalaemia_has_tall_narrow_t_and_a_wide_qrs() -> None:
    """T of 1 mV or more in V3-V4, at half height no wider than a quarter of QT, QRS over 120 ms."""
    shown = Shown("hyperkalaemia")
    qt = shown.length("qrs_on", "t_off")
    assert shown.length("qrs_on", "qrs_off") > 120
    for lead in (Lead.V3, Lead.V4):
        course = shown.course(lead, shown.beat.marks.t_on or 0, shown.beat.marks.t_off or 0)
        assert course.max() >= 1.0
        assert int(np.sum(course > course.max() / 2)) <= qt / 4
        top = int(np.argmax(course))
        assert 0.8 <= top / (course.size - top) <= 1.25


def test_early_repolarisation_has_an_end_qrs_notch_outside_v1_to_v3() -> None:
    """A J wave of 0.1 mV or more in inferior and lateral leads, QRS below 120 ms."""
    shown = Shown("early_repolarisation")
    off = shown.beat.marks.qrs_off or 0
    for lead in (Lead.II, Lead.V5, Lead.V6):
        tail = shown.course(lead, off - 35, off)
        assert tail.max() >= 0.1
    assert shown.length("qrs_on", "qrs_off") < 120


def test_pericarditis_raises_st_widely_and_depresses_it_in_avr_only() -> None:
    """Elevation in at least five leads of two territories, depression in aVR."""
    shown = Shown("pericarditis")
    raised = [lead for lead in STANDARD_LEADS if shown.st(lead) >= 0.05]
    assert len(raised) >= 5
    assert {lead for lead in STANDARD_LEADS if shown.st(lead) <= -0.05} <= {Lead.AVR, Lead.V1}


def test_brugada_wellens_and_de_winter() -> None:
    """Coved elevation into a negative T; deep inversion without elevation; upsloping depression, tall T."""
    brugada, wellens, de_winter = Shown("brugada"), Shown("wellens"), Shown("de_winter")
    assert all(brugada.st(lead) >= 0.2 for lead in (Lead.V1, Lead.V2))
    assert all(min_t(brugada, lead) < -0.05 for lead in (Lead.V1, Lead.V2))
    assert brugada.st(Lead.V2, 40) < brugada.st(Lead.V2)
    assert all(wellens.t(lead) <= -0.2 and wellens.st(lead) < 0.1 for lead in (Lead.V2, Lead.V3))
    assert all(de_winter.st(lead) <= -0.1 and de_winter.t(lead) > 0.5 for lead in (Lead.V3, Lead.V4))
    assert de_winter.st(Lead.V3, 60) > de_winter.st(Lead.V3)


def min_t(shown: Shown, lead: Lead) -> float:
    """Return the lowest level of the T wave."""
    return float(shown.course(lead, shown.beat.marks.t_on or 0, shown.beat.marks.t_off or 0).min())


def test_ventricular_fibrillation_and_asystole_have_no_beats() -> None:
    """There is nothing to mark; one is chaos, the other silence."""
    fibrillation, silence = simulate(SCENARIOS["vf"]), simulate(SCENARIOS["asystole"])
    assert not fibrillation.beats
    assert not silence.beats
    assert float(np.std(fibrillation.recording.lead_mv(Lead.II))) > 0.1
    assert float(np.ptp(silence.recording.lead_mv(Lead.II))) < 0.2
