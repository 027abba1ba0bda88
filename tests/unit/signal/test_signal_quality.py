"""Every fault is named, with the electrode it points at; what cannot be read is refused in words."""

import numpy as np
import pytest

from gem_integration.domain.ecg import STANDARD_LEADS, Lead, Recording
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.domain.quality import Quality, QualityFlag
from gem_integration.signal.leads import with_standard_leads
from gem_integration.signal.measure import measure
from gem_integration.signal.quality import assess
from gem_integration.simulate import SCENARIOS, simulate

FAULTS = {
    "arm_reversal": QualityFlag.RA_LA_REVERSAL,
    "ra_rl_reversal": QualityFlag.RA_RL_REVERSAL,
    "precordial_swap": QualityFlag.PRECORDIAL_SWAP,
    "dextrocardia": QualityFlag.DEXTROCARDIA,
    "lead_off_ra": QualityFlag.LEAD_OFF,
    "lead_off_v3": QualityFlag.LEAD_OFF,
    "flat_lead": QualityFlag.FLAT,
    "saturated": QualityFlag.SATURATED,
    "gap": QualityFlag.GAP,
    "calibration_pulse": QualityFlag.CALIBRATION_PULSE,
    "baseline_wander": QualityFlag.BASELINE_WANDER,
    "mains_50hz": QualityFlag.MAINS,
    "mains_60hz": QualityFlag.MAINS,
    "muscle_noise": QualityFlag.NOISY,
    "asystole": QualityFlag.NO_BEATS,
    "vf": QualityFlag.NO_BEATS,
}
SOUND = ("normal_sinus", "lbbb", "rbbb", "lvh", "af", "paced", "inferior_stemi", "left_axis", "right_axis")


def _assessed(name: str) -> Quality:
    return assess(with_standard_leads(simulate(SCENARIOS[name]).recording))


@pytest.mark.parametrize(("name", "flag"), FAULTS.items())
def test_every_fault_is_named(name: str, flag: QualityFlag) -> None:
    """The simulator's fault is among the flags, and there is a reason in words."""
    quality = _assessed(name)
    assert flag in quality.flags
    assert quality.reasons


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_recording_is_usable_and_no_exchange_is_suspected(name: str) -> None:
    """Bundle branch blocks, axes and infarctions are not taken for exchanged electrodes."""
    quality = _assessed(name)
    suspected = {QualityFlag.RA_LA_REVERSAL, QualityFlag.RA_RL_REVERSAL, QualityFlag.PRECORDIAL_SWAP}
    assert quality.usable
    assert not suspected & set(quality.flags)


@pytest.mark.parametrize(
    ("name", "electrode"), [("lead_off_ra", "RA"), ("lead_off_la", "LA"), ("lead_off_v3", "V3")]
)
def test_a_loose_electrode_is_named(name: str, electrode: str) -> None:
    """The leads that lost contact point at one electrode."""
    quality = _assessed(name)
    assert {state.electrode for state in quality.leads.values() if state.electrode} == {electrode}
    assert any(f"check electrode {electrode}" in reason for reason in quality.reasons)


@pytest.mark.parametrize("name", ["normal_sinus", "af", "rbbb", "lvh", "left_axis", "sinus_tachy"])
def test_exchanged_arms_are_found_with_and_without_p(name: str) -> None:
    """Exchanging the arms inverts I and exchanges II with III and aVR with aVL; it is seen in any rhythm."""
    samples = simulate(SCENARIOS[name]).recording.samples_mv[[0, 2, 1, 4, 3, *range(5, 12)]]
    samples[0] *= -1.0
    quality = assess(Recording.of(samples, STANDARD_LEADS, 500.0))
    assert QualityFlag.RA_LA_REVERSAL in quality.flags


def test_zeros_are_refused_without_an_exception() -> None:
    """An all-zero recording is unusable, has no beat, and says why."""
    recording = Recording.of(np.zeros((12, 5000)), STANDARD_LEADS, 500.0)
    quality = assess(recording)
    assert not quality.usable
    assert QualityFlag.FLAT in quality.flags
    assert measure(recording, quality).beats == ()


def test_scaled_leads_are_inconsistent_but_still_timed() -> None:
    """Leads that break Einthoven's law keep their intervals and lose their axis."""
    recording = simulate(SCENARIOS["normal_sinus"]).recording
    scaled = recording.samples_mv / np.ptp(recording.samples_mv, axis=1, keepdims=True)
    broken = Recording.of(scaled, recording.leads, 500.0)
    quality = assess(broken)
    assert QualityFlag.INCONSISTENT in quality.flags
    assert quality.usable
    measured = measure(broken, quality)
    assert measured.value(MeasurementKind.QRS_DURATION) is not None
    assert "contradict" in measured.why_not(MeasurementKind.QRS_AXIS)
    assert measured.value(MeasurementKind.QRS_DURATION, Lead.V2) is not None
    for kind in (MeasurementKind.R_AMPLITUDE, MeasurementKind.ST_J60, MeasurementKind.QRS_AREA):
        assert measured.value(kind, Lead.V2) is None
        assert "contradict" in measured.why_not(kind, Lead.V2)


def test_too_few_good_leads_are_refused() -> None:
    """With five of twelve leads flat the recording must not be read."""
    samples = simulate(SCENARIOS["normal_sinus"]).recording.samples_mv.copy()
    samples[7:] = 0.0
    quality = assess(Recording.of(samples, STANDARD_LEADS, 500.0))
    assert not quality.usable
    assert not quality.lead_usable(Lead.V5)


def test_noise_without_a_heart_is_refused() -> None:
    """Pure noise has no beats and is not usable."""
    rng = np.random.default_rng(3)
    quality = assess(Recording.of(0.05 * rng.standard_normal((12, 5000)), STANDARD_LEADS, 500.0))
    assert not quality.usable
