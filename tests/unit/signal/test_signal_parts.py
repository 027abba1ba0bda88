"""Filters, spikes and the waves of a QRS, each on its own."""

import numpy as np
import pytest

from gem_integration.signal.deflections import initial_slope_ratio, notch_count, qrs_waves, r_peak_time_ms
from gem_integration.signal.filtering import resample, without_baseline
from gem_integration.signal.network import wave_probabilities
from gem_integration.signal.spikes import find_spikes, without_spikes


def _bump(places_ms: np.ndarray, centre_ms: float, width_ms: float) -> np.ndarray:
    return np.exp(-0.5 * ((places_ms - centre_ms) / width_ms) ** 2)


@pytest.mark.parametrize("rate_hz", [100.0, 250.0, 360.0, 1000.0])
def test_resampling_moves_nothing_in_time(rate_hz: float) -> None:
    """A bump stands at the same time at any rate."""
    places_ms = np.arange(int(2 * rate_hz)) * 1000.0 / rate_hz
    changed = resample(_bump(places_ms, 800.0, 30.0)[None], rate_hz, 500.0)
    assert abs(int(changed.samples_mv.argmax()) * 2.0 - 800.0) <= 5.0
    assert changed.received_per_sample == pytest.approx(rate_hz / 500.0)


def test_slow_drift_goes_and_a_wave_stays() -> None:
    """Drift of 1 mV at 0.3 Hz and an offset of 300 mV vanish; a QRS-like bump keeps its height."""
    places_ms = np.arange(5000) * 2.0
    bump = _bump(places_ms, 5000.0, 15.0)
    drift = 300.0 + 0.5 * np.sin(2 * np.pi * 0.1 * places_ms / 1000.0)
    clean = without_baseline((bump + drift)[None], 500.0)[0]
    assert clean[2500] == pytest.approx(1.0, abs=0.12)
    assert abs(clean[1000:2000]).max() < 0.1


@pytest.mark.parametrize("rate_hz", [500.0, 1000.0, 2000.0])
def test_spikes_are_found_where_they_stand_and_cut_out(rate_hz: float) -> None:
    """Three spikes of 2 ms in ten seconds with QRS complexes are all that is found."""
    places_ms = np.arange(int(10 * rate_hz)) * 1000.0 / rate_hz
    trace = sum(_bump(places_ms, 700.0 + 900.0 * beat, 12.0) for beat in range(10))
    spikes_ms = (580.0, 3280.0, 5980.0)
    spiked = trace + sum(2.0 * ((places_ms >= at) & (places_ms < at + 2.0)) for at in spikes_ms)
    rows = np.stack([spiked, 0.5 * spiked])
    found = find_spikes(rows, rate_hz)
    assert [round(place * 1000.0 / rate_hz / 10.0) * 10 for place in found] == [580, 3280, 5980]
    assert np.abs(without_spikes(rows, rate_hz, found)[0] - trace).max() < 0.05


def test_steep_qrs_complexes_are_no_spikes() -> None:
    """A narrow tall QRS is not taken for a spike."""
    places_ms = np.arange(10_000) * 1.0
    trace = sum(3.0 * _bump(places_ms, 700.0 + 600.0 * beat, 9.0) for beat in range(15))
    assert find_spikes(np.stack([trace, trace]), 1000.0) == ()


def test_a_qrs_is_named_wave_by_wave() -> None:
    """Q, R and S have their signs, order and sizes; absent waves are absent."""
    places_ms = np.arange(60) * 2.0
    qrs = -0.2 * _bump(places_ms, 15, 4) + 1.2 * _bump(places_ms, 45, 8) - 0.4 * _bump(places_ms, 85, 8)
    waves = qrs_waves(qrs)
    assert waves.q is not None
    assert waves.q.amplitude_mv == pytest.approx(-0.2, abs=0.02)
    assert waves.r is not None
    assert waves.r.amplitude_mv == pytest.approx(1.2, abs=0.02)
    assert waves.s is not None
    assert waves.s.amplitude_mv == pytest.approx(-0.4, abs=0.02)
    assert waves.r_prime is None
    assert r_peak_time_ms(qrs, waves) == pytest.approx(45.0, abs=2.0)


def test_a_qs_complex_is_a_q_without_r() -> None:
    """A wholly negative QRS has no R and therefore no R-peak time."""
    qs = -0.8 * _bump(np.arange(50) * 2.0, 50, 12)
    waves = qrs_waves(qs)
    assert waves.r is None
    assert waves.q is not None
    assert waves.q.amplitude_mv == pytest.approx(-0.8, abs=0.02)
    assert r_peak_time_ms(qs, waves) is None


def test_notches_are_counted_and_smooth_waves_have_none() -> None:
    """A double-crested R has one notch; a single smooth one has none."""
    places_ms = np.arange(80) * 2.0
    assert notch_count(_bump(places_ms, 80, 18)) == 0
    assert notch_count(_bump(places_ms, 55, 13) + _bump(places_ms, 105, 13)) == 1


def test_a_delta_wave_rises_slowly_at_first() -> None:
    """The initial slope ratio separates a slurred beginning from a steep one."""
    places_ms = np.arange(70) * 2.0
    steep = _bump(places_ms, 40, 13)
    slurred = 0.2 * np.clip(places_ms / 50.0, 0, 1) * (places_ms < 60) + _bump(places_ms, 85, 10)
    assert (initial_slope_ratio(steep) or 0.0) > 0.45
    assert (initial_slope_ratio(slurred) or 1.0) < 0.35


def test_probabilities_add_up_for_any_number_of_leads() -> None:
    """One lead or twenty: each sample's four classes sum to one."""
    rng = np.random.default_rng(1)
    for leads in (1, 2, 12, 20):
        probability = wave_probabilities(0.1 * rng.standard_normal((leads, 1700)), 500.0)
        assert probability.shape == (leads, 4, 850)
        assert np.allclose(probability.sum(axis=1), 1.0, atol=1e-5)
