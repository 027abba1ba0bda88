"""Known fiducials are recovered, whatever the rate, the leads or the noise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gem_integration.domain.ecg import STANDARD_LEADS, Lead, Recording
from gem_integration.domain.measurement import BeatClass, Measurements
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.signal.leads import with_standard_leads
from gem_integration.signal.measure import measure
from gem_integration.signal.quality import assess
from gem_integration.simulate import SCENARIOS, Noise, Scenario, SimulatedEcg, simulate

CONDUCTED = (
    "normal_sinus",
    "sinus_brady",
    "sinus_tachy",
    "avb1",
    "lbbb",
    "rbbb",
    "lvh",
    "wpw",
    "old_inferior_mi",
    "inferior_stemi",
    "long_qt",
    "low_voltage",
)
TOLERANCE_MS = {Kind.PR_INTERVAL: 15.0, Kind.QRS_DURATION: 20.0, Kind.QT_INTERVAL: 25.0}


def _measured(recording: Recording) -> Measurements:
    standard = with_standard_leads(recording)
    return measure(standard, assess(standard))


def _beats_agree(ecg: SimulatedEcg, found: Measurements, tolerance_ms: float = 60.0) -> bool:
    rate = ecg.recording.sampling_rate_hz
    true = np.array([beat.marks.qrs_on for beat in ecg.beats]) * 1000.0 / rate
    ours = np.array([beat.marks.qrs_on for beat in found.beats]) * 1000.0 / rate
    inside = ours[(ours > true[0] - tolerance_ms) & (ours < true[-1] + tolerance_ms)]
    return len(inside) == len(true) and bool(np.abs(inside - true).max() <= tolerance_ms)


@pytest.mark.parametrize("name", CONDUCTED)
def test_intervals_of_conducted_rhythms_are_recovered(name: str) -> None:
    """PR, QRS and QT lie within their tolerance of the simulator's truth, HR within 2 per minute."""
    ecg = simulate(SCENARIOS[name])
    found = _measured(ecg.recording)
    assert _beats_agree(ecg, found)
    for kind, tolerance in TOLERANCE_MS.items():
        assert found.value(kind) == pytest.approx(ecg.truth[kind], abs=tolerance), kind
    assert found.value(Kind.HEART_RATE) == pytest.approx(ecg.truth[Kind.HEART_RATE], abs=2.0)
    turned = (found.value(Kind.QRS_AXIS) or 0.0) - ecg.truth[Kind.QRS_AXIS]
    assert abs((turned + 180.0) % 360.0 - 180.0) <= 12.0


@pytest.mark.parametrize("name", ["af", "af_rvr", "flutter_4to1", "vt", "paced", "junctional", "svt"])
def test_no_p_wave_is_claimed_where_there_is_none(name: str) -> None:
    """Fibrillation, flutter, pacing and ventricular rhythms have P before at most one beat in ten."""
    ecg = simulate(SCENARIOS[name])
    found = _measured(ecg.recording)
    assert _beats_agree(ecg, found)
    assert (found.value(Kind.P_PRESENT_FRACTION) or 0.0) <= 0.1


@pytest.mark.parametrize("name", ["pac", "pvc", "pvc_bigeminy", "pvc_couplet", "nsvt"])
def test_ectopic_beats_are_classed(name: str) -> None:
    """Each beat has the class the simulator gave it."""
    ecg = simulate(SCENARIOS[name])
    found = _measured(ecg.recording)
    assert [beat.beat_class for beat in found.beats] == [beat.beat_class for beat in ecg.beats]


@pytest.mark.parametrize("name", ["paced", "paced_dual"])
@pytest.mark.parametrize("rate_hz", [500.0, 1000.0])
def test_pacing_spikes_are_seen(name: str, rate_hz: float) -> None:
    """At 500 and 1000 Hz most beats of a paced rhythm show their spike."""
    ecg = simulate(replace(SCENARIOS[name], sampling_rate_hz=rate_hz))
    found = _measured(ecg.recording)
    assert (found.value(Kind.SPIKE_FRACTION) or 0.0) >= 0.7
    assert sum(beat.beat_class is BeatClass.PACED for beat in found.beats) >= 0.7 * len(ecg.beats)


def test_blocked_p_waves_are_counted() -> None:
    """In Mobitz II the P waves without QRS are found and the atrial rate exceeds the ventricular."""
    found = _measured(simulate(SCENARIOS["mobitz2"]).recording)
    assert (found.value(Kind.DROPPED_BEAT_COUNT) or 0) >= 2
    assert (found.value(Kind.ATRIAL_RATE) or 0) > 1.2 * (found.value(Kind.HEART_RATE) or 0)


@pytest.mark.parametrize("rate_hz", [100.0, 250.0, 360.0, 1000.0])
def test_the_rate_of_sampling_changes_nothing(rate_hz: float) -> None:
    """The same heart sampled at another rate gives the same intervals."""
    at_500 = _measured(simulate(SCENARIOS["normal_sinus"]).recording)
    found = _measured(simulate(replace(SCENARIOS["normal_sinus"], sampling_rate_hz=rate_hz)).recording)
    for kind in (Kind.PR_INTERVAL, Kind.QRS_DURATION, Kind.QT_INTERVAL):
        assert found.value(kind) == pytest.approx(at_500.value(kind), abs=6.0), kind


def test_noise_of_the_iec_test_moves_intervals_little() -> None:
    """Wander of 1 mV, mains of 50 µV and muscle of 25 µV together move no interval beyond the IEC limits."""
    noise = Noise(baseline_wander_mv=0.5, mains_mv=0.025, muscle_mv=0.025)
    clean = _measured(simulate(SCENARIOS["normal_sinus"]).recording)
    found = _measured(simulate(replace(SCENARIOS["normal_sinus"], noise=noise)).recording)
    for kind, limit in ((Kind.PR_INTERVAL, 10.0), (Kind.QRS_DURATION, 10.0), (Kind.QT_INTERVAL, 20.0)):
        assert found.value(kind) == pytest.approx(clean.value(kind), abs=limit), kind
    for lead in (Lead.II, Lead.V2, Lead.V5):
        assert found.value(Kind.ST_J60, lead) == pytest.approx(clean.value(Kind.ST_J60, lead), abs=0.035)


@pytest.mark.parametrize("name", ["flutter_3to1", "flutter_4to1", "flutter_variable"])
def test_flutter_has_its_rate_and_no_st_level(name: str) -> None:
    """Waves of 280 to 300 per minute march on between beats; through them no ST level can be read."""
    found = _measured(simulate(SCENARIOS[name]).recording)
    assert found.value(Kind.FLUTTER_RATE) == pytest.approx(292.0, abs=10.0)
    assert found.value(Kind.ATRIAL_RATE) == pytest.approx(292.0, abs=10.0)
    assert found.value(Kind.ST_J60, Lead.V2) is None
    assert "flutter" in found.why_not(Kind.ST_J60, Lead.V2)


@pytest.mark.parametrize("heart_rate_bpm", [60.0, 75.0, 84.0, 92.0, 96.0, 100.0])
@pytest.mark.parametrize("name", ["normal_sinus", "anterior_stemi", "pericarditis"])
def test_harmonics_of_a_sinus_rhythm_are_no_flutter(name: str, heart_rate_bpm: float) -> None:
    """Three, four or five times the heart rate may fall among flutter rates; P waves stay P waves."""
    found = _measured(simulate(replace(SCENARIOS[name], heart_rate_bpm=heart_rate_bpm)).recording)
    assert found.value(Kind.FLUTTER_RATE) is None
    assert (found.value(Kind.P_PRESENT_FRACTION) or 0.0) >= 0.9


def test_two_leads_are_enough_for_rhythm() -> None:
    """A two-lead recording has its beats and its rate; the axis says why it is missing."""
    ecg = simulate(SCENARIOS["normal_sinus"])
    rows = np.stack([ecg.recording.lead_mv(Lead.II), ecg.recording.lead_mv(Lead.V5)])
    found = _measured(Recording.of(rows, (Lead.II, Lead.V5), 500.0))
    assert _beats_agree(ecg, found)
    assert found.get(Kind.QRS_AXIS) is None
    assert "needed" in found.why_not(Kind.QRS_AXIS)


def test_inferior_infarction_raises_the_inferior_st_segments() -> None:
    """ST stands up in II, III and aVF and down in aVL."""
    found = _measured(simulate(SCENARIOS["inferior_stemi"]).recording)
    for lead in (Lead.II, Lead.III, Lead.AVF):
        assert (found.value(Kind.ST_J60, lead) or 0.0) > 0.1
    assert (found.value(Kind.ST_J60, Lead.AVL) or 0.0) < 0.0


def test_every_measurement_points_to_its_samples_and_method() -> None:
    """Ranges lie inside the recording, units and methods are there, nothing is not a number."""
    found = _measured(simulate(SCENARIOS["pvc"]).recording)
    for item in found:
        assert item.method
        assert np.isfinite(item.value)
        assert all(0 <= start < stop <= found.sample_count for start, stop in item.samples)


def test_the_same_samples_give_the_same_numbers() -> None:
    """Measuring twice changes nothing."""
    recording = simulate(SCENARIOS["lbbb"]).recording
    copy = Recording.of(recording.samples_mv, recording.leads, recording.sampling_rate_hz)
    assert _measured(recording).items == _measured(copy).items


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    samples=arrays(
        np.float64,
        st.tuples(st.integers(1, 4), st.integers(1, 1500)),
        elements=st.one_of(st.just(float("nan")), st.floats(-20.0, 20.0, width=32)),
        fill=st.floats(-1.0, 1.0, width=32),
    ),
    rate_hz=st.sampled_from([100.0, 250.0, 500.0, 997.3, 2000.0]),
)
def test_any_legal_recording_is_measured_or_refused(samples: np.ndarray, rate_hz: float) -> None:
    """Whatever the samples are, there is a quality and no exception."""
    recording = Recording.of(samples, STANDARD_LEADS[: len(samples)], rate_hz)
    found = _measured(recording)
    assert found.quality.usable or found.quality.reasons


@pytest.mark.parametrize("seconds", [2.5, 30.0])
def test_short_and_long_recordings_are_measured(seconds: float) -> None:
    """Two and a half seconds or half a minute: every whole beat is found."""
    ecg = simulate(Scenario(duration_s=seconds))
    assert _beats_agree(ecg, _measured(ecg.recording))


@pytest.mark.parametrize("leads", [1, 3, 12])
@pytest.mark.parametrize("fault", ["offset", "clipped", "middle lost", "one lead lost", "all lost", "tiny"])
def test_a_spoilt_recording_is_measured_or_refused(leads: int, fault: str) -> None:
    """Offsets, clipping, lost stretches and lost leads give numbers that are finite, or a reason."""
    samples = simulate(SCENARIOS["pvc"]).recording.samples_mv[:leads].astype(np.float64)
    if fault == "offset":
        samples += 300.0
    elif fault == "clipped":
        samples = np.clip(samples, -0.2, 0.3)
    elif fault == "middle lost":
        samples[:, 1500:3500] = np.nan
    elif fault == "one lead lost":
        samples[0] = np.nan
    elif fault == "all lost":
        samples[:] = np.nan
    else:
        samples *= 1e-6
    found = _measured(Recording.of(samples, STANDARD_LEADS[:leads], 500.0))
    assert found.quality.usable or found.quality.reasons
    assert all(np.isfinite(item.value) for item in found)
