"""P waves, and the waves of atria that fibrillate or flutter."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from gem_integration.domain.ecg import FloatArray
from gem_integration.simulate.dipole import Component, peak, spread

P_DURATION_S = 0.104


class PForm(StrEnum):
    """Where an atrial beat starts."""

    SINUS = "sinus"
    ECTOPIC = "ectopic"
    RETROGRADE = "retrograde"


P_COMPONENTS: Mapping[PForm, tuple[Component, ...]] = {
    PForm.SINUS: (
        Component(knots=peak(0.0, 0.38, 0.78), vector_mv=(0.085, 0.095, -0.055)),
        Component(knots=peak(0.22, 0.62, 1.0), vector_mv=(0.095, 0.055, 0.025), fall_power=0.9),
    ),
    PForm.ECTOPIC: (
        Component(knots=peak(0.0, 0.30, 0.70), vector_mv=(0.02, 0.05, -0.10)),
        Component(knots=peak(0.30, 0.66, 1.0), vector_mv=(-0.08, 0.12, -0.05)),
    ),
    PForm.RETROGRADE: (Component(knots=peak(0.0, 0.48, 1.0), vector_mv=(0.03, -0.17, -0.06)),),
}

_FIBRILLATION_MV = spread(I=0.012, II=0.042, V1=0.090, V2=0.042, V3=0.022, V4=0.012, V5=0.010, V6=0.010)
_FIBRILLATION_SECOND_MV = spread(I=-0.008, II=0.024, V1=0.032, V2=0.030, V3=0.015, V4=0.010)
_FIBRILLATION_BAND_HZ = (4.8, 8.0)
_FIBRILLATION_PARTS = 5

_SAWTOOTH_MV = spread(I=0.015, II=-0.17, V1=0.04, V2=0.02, V3=-0.02, V4=-0.03, V5=-0.04, V6=-0.04)
_SECOND_SOURCE_MV = spread(V1=0.10, V2=0.05, V3=0.02)
_SAWTOOTH_HARMONICS = 4

_VF_HZ = (3.6, 6.6)
_VF_MV = (
    spread(I=0.25, II=0.45, V1=-0.30, V2=0.40, V3=0.60, V4=0.55, V5=0.40, V6=0.25),
    spread(I=-0.30, II=0.20, V1=0.35, V2=0.45, V3=0.20, V4=-0.25, V5=-0.35, V6=-0.25),
)


def fibrillation(times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return f waves (8, sample) in mV: a few wandering tones of 5-8 Hz, strongest in V1."""
    sources = (_FIBRILLATION_MV, _FIBRILLATION_SECOND_MV)
    return _fields(
        [_tones(times_s, rng, band_hz=_FIBRILLATION_BAND_HZ, parts=_FIBRILLATION_PARTS) for _ in sources],
        sources,
    )


def ventricular_fibrillation(times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return ventricular fibrillation (8, sample) in mV: coarse quasi-sinusoids of 4-6 Hz."""
    return _fields([_tones(times_s, rng, band_hz=_VF_HZ, parts=4) for _ in _VF_MV], _VF_MV)


def _fields(courses: list[FloatArray], spreads: tuple[tuple[float, ...], ...]) -> FloatArray:
    eight: FloatArray = np.array(spreads).T @ np.stack(courses)
    return eight


def _tones(
    times_s: FloatArray, rng: np.random.Generator, *, band_hz: tuple[float, float], parts: int
) -> FloatArray:
    """Return a sum of tones whose frequency and strength wander slowly, of about unit peak."""
    total = np.zeros_like(times_s)
    for _ in range(parts):
        frequency, wander_hz = rng.uniform(*band_hz), rng.uniform(0.2, 0.7)
        phase, wander_phase, swell_phase = rng.uniform(0.0, 2 * np.pi, 3)
        wander = 1.5 * np.sin(2 * np.pi * wander_hz * times_s + wander_phase)
        swell = 1.0 + 0.35 * np.sin(2 * np.pi * 0.3 * times_s + swell_phase)
        total += swell * np.sin(2 * np.pi * frequency * times_s + phase + wander)
    tones: FloatArray = total / np.sqrt(parts)
    return tones


def flutter(times_s: FloatArray, cycle_s: float) -> FloatArray:
    """Return flutter waves (8, sample) in mV: a sawtooth in II, III, aVF, upright humps in V1."""
    angle = 2 * np.pi * times_s / cycle_s
    harmonics = range(1, _SAWTOOTH_HARMONICS + 1)
    sawtooth = np.sum([np.sin(order * angle) / order for order in harmonics], axis=0) / 1.5
    humps = 0.6 * np.cos(angle) + 0.3 * np.cos(2 * angle)
    return _fields([sawtooth, humps], (_SAWTOOTH_MV, _SECOND_SOURCE_MV))
