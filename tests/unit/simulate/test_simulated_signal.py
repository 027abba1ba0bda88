"""What every simulated recording promises, whatever the scenario."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gem_integration.domain.ecg import Lead
from gem_integration.simulate import (
    SCENARIOS,
    FaultKind,
    Noise,
    QrsForm,
    Rhythm,
    Scenario,
    SimulatedEcg,
    StTForm,
    simulate,
)

SILENT = Noise()
CHANNEL_FAULTS = (
    FaultKind.FLAT_LEAD,
    FaultKind.SATURATED_LEAD,
    FaultKind.GAP,
    FaultKind.CALIBRATION_PULSE,
)
CONSISTENT = [
    name
    for name, scenario in SCENARIOS.items()
    if scenario.fault is None or scenario.fault.kind not in CHANNEL_FAULTS
]
RESTLESS = (Rhythm.AF, Rhythm.FLUTTER, Rhythm.VF)
RESTING = [name for name, scenario in SCENARIOS.items() if scenario.rhythm not in RESTLESS]


def microvolts(simulated: SimulatedEcg) -> dict[Lead, np.ndarray]:
    """Return each lead in microvolts."""
    recording = simulated.recording
    return {lead: recording.lead_mv(lead).astype(np.float64) * 1000 for lead in recording.leads}


@pytest.mark.parametrize("name", CONSISTENT)
def test_limb_leads_follow_einthoven_and_goldberger_exactly(name: str) -> None:
    """In whole microvolts III = II - I and the augmented leads are exact, noise and swaps included."""
    scenario = SCENARIOS[name]
    uv = {lead: np.rint(values) for lead, values in microvolts(simulate(scenario)).items()}
    assert np.array_equal(uv[Lead.II], uv[Lead.I] + uv[Lead.III])
    assert np.array_equal(2 * uv[Lead.AVR], -(uv[Lead.I] + uv[Lead.II]))
    assert np.array_equal(2 * uv[Lead.AVL], 2 * uv[Lead.I] - uv[Lead.II])
    assert np.array_equal(2 * uv[Lead.AVF], 2 * uv[Lead.II] - uv[Lead.I])


@pytest.mark.parametrize("name", ["normal_sinus", "af_rvr", "paced", "lead_off_ra", "inferior_stemi"])
def test_samples_are_whole_microvolts(name: str) -> None:
    """A format that stores whole microvolts loses nothing."""
    for values in microvolts(simulate(SCENARIOS[name])).values():
        assert np.abs(values - np.rint(values)).max() < 0.001


@pytest.mark.parametrize("name", ["normal_sinus", "af_rvr", "muscle_noise", "lead_off_la", "vf"])
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    """A scenario is its recording; another seed is another recording."""
    scenario = SCENARIOS[name]
    first, again = simulate(scenario).recording, simulate(scenario).recording
    other = simulate(replace(scenario, seed=scenario.seed + 1)).recording
    assert first.digest_bytes() == again.digest_bytes()
    assert first.digest_bytes() != other.digest_bytes()


@pytest.mark.parametrize("name", ["normal_sinus", "af_rvr", "flutter_4to1", "lbbb", "mobitz1", "pvc"])
def test_twice_the_rate_is_the_same_waveform(name: str) -> None:
    """At 1000 Hz every second sample is the sample at 500 Hz."""
    scenario = replace(SCENARIOS[name], noise=SILENT)
    slow = simulate(scenario).recording
    fast = simulate(replace(scenario, sampling_rate_hz=1000.0)).recording
    assert np.array_equal(slow.samples_mv, fast.samples_mv[:, ::2])


@pytest.mark.parametrize("rate_hz", [100.0, 250.0, 360.0, 1000.0, 2000.0])
def test_marks_scale_with_the_sampling_rate(rate_hz: float) -> None:
    """The same beat has the same times at any rate, within half a sample of each."""
    base = simulate(Scenario())
    other = simulate(Scenario(sampling_rate_hz=rate_hz))
    assert other.recording.sample_count == round(10 * rate_hz)
    tolerance_s = 0.5 / 500.0 + 0.5 / rate_hz + 1e-9
    for ours, theirs in zip(base.beats, other.beats, strict=True):
        for mark in ("qrs_on", "qrs_off", "p_on", "t_off"):
            at, there = getattr(ours.marks, mark), getattr(theirs.marks, mark)
            if at is not None and there is not None:
                assert abs(at / 500.0 - there / rate_hz) <= tolerance_s


def peak_hz(values: np.ndarray, rate_hz: float, band_hz: tuple[float, float]) -> float:
    """Return the strongest frequency of ``values`` within a band."""
    power = np.abs(np.fft.rfft(values * np.hanning(values.size))) ** 2
    frequencies = np.fft.rfftfreq(values.size, 1.0 / rate_hz)
    inside = (frequencies >= band_hz[0]) & (frequencies <= band_hz[1])
    return float(frequencies[inside][np.argmax(power[inside])])


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_mains_stands_at_its_frequency(mains_hz: float) -> None:
    """The grid's tone is where it was asked for, within its drift."""
    ecg = simulate(Scenario(noise=Noise(mains_mv=0.1, mains_hz=mains_hz)))
    for lead in (Lead.I, Lead.V1, Lead.V6):
        found = peak_hz(ecg.recording.lead_mv(lead), 500.0, (45.0, 65.0))
        assert found == pytest.approx(mains_hz, abs=0.2)


@pytest.mark.parametrize(("name", "atrial_bpm"), [("flutter_3to1", 288.0), ("flutter_4to1", 296.0)])
def test_flutter_waves_have_their_rate(name: str, atrial_bpm: float) -> None:
    """Taking the beats away, what is left in II repeats at the atrial rate."""
    scenario = replace(SCENARIOS[name], noise=SILENT)
    ecg = simulate(scenario)
    found = peak_hz(ecg.recording.lead_mv(Lead.AVF), 500.0, (3.8, 6.2))
    assert found * 60 == pytest.approx(atrial_bpm, rel=0.03)


def test_f_waves_lie_between_four_and_nine_hertz_and_are_strongest_in_v1() -> None:
    """Between T waves and the next QRS, AF shows only f waves, most of all in V1."""
    slow = simulate(Scenario(rhythm=Rhythm.AF, heart_rate_bpm=30.0, duration_s=60.0))
    quiet = np.zeros(slow.recording.sample_count, bool)
    for beat, following in zip(slow.beats, slow.beats[1:], strict=False):
        if beat.marks.t_off is not None and following.marks.qrs_on is not None:
            quiet[beat.marks.t_off : following.marks.qrs_on] = True
    rms = {lead: float(np.std(slow.recording.lead_mv(lead)[quiet])) for lead in slow.recording.leads}
    assert max(rms, key=lambda lead: rms[lead]) is Lead.V1
    runs = np.flatnonzero(np.diff(quiet.astype(int)))
    longest = max(zip(runs[::2], runs[1::2], strict=False), key=lambda run: run[1] - run[0])
    values = slow.recording.lead_mv(Lead.V1)[longest[0] : longest[1]]
    assert 4.0 <= peak_hz(values, 500.0, (0.5, 40.0)) <= 9.0


ANY_SCENARIO = st.builds(
    Scenario,
    rhythm=st.sampled_from(Rhythm),
    qrs_form=st.sampled_from(QrsForm),
    st_t_form=st.sampled_from(StTForm),
    heart_rate_bpm=st.floats(30.0, 220.0),
    axis_deg=st.none() | st.floats(-180.0, 180.0),
    sampling_rate_hz=st.sampled_from([100.0, 240.0, 500.0, 1000.0]),
    duration_s=st.floats(1.0, 20.0),
    seed=st.integers(0, 2**32 - 1),
)


@settings(max_examples=60, deadline=None)
@given(scenario=ANY_SCENARIO)
def test_any_scenario_gives_a_possible_ecg(scenario: Scenario) -> None:
    """Samples are finite and of a heart's size, marks are ordered and inside, beats are in time order."""
    ecg = simulate(scenario)
    assert np.isfinite(ecg.recording.samples_mv).all()
    assert float(np.abs(ecg.recording.samples_mv).max()) < 8.0
    assert_marks_ordered(ecg)


WAVES = (("p_on", "p_peak", "p_off"), ("qrs_on", "r_peak", "qrs_off"), ("t_on", "t_peak", "t_off"))


def assert_marks_ordered(ecg: SimulatedEcg) -> None:
    """Check the order of every beat's marks, globally and in each lead."""
    numbers = [beat.number for beat in ecg.beats]
    assert numbers == list(range(1, len(numbers) + 1))
    onsets = [beat.marks.qrs_on for beat in ecg.beats]
    assert onsets == sorted(onsets, key=lambda onset: onset or 0)
    for beat in ecg.beats:
        for marks in (beat.marks, *beat.leads.values()):
            for names in (
                ("p_on", "p_peak", "p_off"),
                ("qrs_on", "r_peak", "qrs_off"),
                ("t_on", "t_peak", "t_off"),
            ):
                found = [getattr(marks, name) for name in names]
                assert all(mark is None for mark in found) or found == sorted(found)
                assert all(mark is None or 0 <= mark < ecg.recording.sample_count for mark in found)


@pytest.mark.parametrize("name", SCENARIOS)
def test_marks_of_every_named_scenario_are_ordered(name: str) -> None:
    """The scenarios by name keep what any scenario keeps."""
    assert_marks_ordered(simulate(SCENARIOS[name]))


@pytest.mark.parametrize("name", RESTING)
def test_the_waves_stay_within_their_marks(name: str) -> None:
    """Outside the marked waves a silent recording without background activity is exactly zero."""
    scenario = replace(SCENARIOS[name], noise=SILENT, fault=None)
    ecg = simulate(scenario)
    for beat, following in zip(ecg.beats, ecg.beats[1:], strict=False):
        start = beat.marks.t_off
        end = following.marks.p_on or following.marks.qrs_on
        end = min([end or 0, *(spike - 1 for spike in following.spikes)])
        lone = [p for p in ecg.p_only if start is not None and start - 60 <= p < end]
        if start is not None and end - start > 4 and not lone:
            assert not ecg.recording.samples_mv[:, start + 1 : end - 1].any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"heart_rate_bpm": 10.0},
        {"heart_rate_bpm": 400.0},
        {"sampling_rate_hz": 50.0},
        {"duration_s": 0.0},
        {"qrs_ms": 20.0},
        {"amplitude_scale": 0.0},
        {"pr_ms": float("nan")},
    ],
)
def test_impossible_numbers_are_refused(wrong: dict[str, float]) -> None:
    """A scenario no heart could have cannot be written down."""
    with pytest.raises(ValueError, match="must be between"):
        Scenario(**wrong)


def test_a_qt_shorter_than_the_qrs_allows_is_refused() -> None:
    """Intervals that cannot fit together are refused when simulated."""
    with pytest.raises(ValueError, match="QT interval must exceed"):
        simulate(Scenario(qrs_ms=180.0, qt_ms=220.0))
