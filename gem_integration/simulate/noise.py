"""Noise of skin, muscle, mains and motion, added to the independent leads so that II = I + III holds."""

from __future__ import annotations

import numpy as np

from gem_integration.domain.ecg import FloatArray
from gem_integration.simulate.dipole import INDEPENDENT_LEADS
from gem_integration.simulate.scenario import Noise

WANDER_HZ = (0.12, 0.35)
MAINS_DRIFT_HZ = 0.05
MUSCLE_HIGH_PASS_S = 0.025
STEP_RISE_S = 0.06


def noise_mv(noise: Noise, times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the noise (8, sample) in mV at evenly spaced ``times_s``."""
    total = np.zeros((len(INDEPENDENT_LEADS), times_s.size))
    if noise.baseline_wander_mv:
        total += noise.baseline_wander_mv * _wander(times_s, rng)
    if noise.mains_mv:
        total += noise.mains_mv * _mains(noise.mains_hz, times_s, rng)
    if noise.muscle_mv:
        total += noise.muscle_mv * _muscle(times_s, rng)
    if noise.motion_step_mv:
        total += noise.motion_step_mv * _step(times_s, rng)
    return total


def _wander(times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    leads = len(INDEPENDENT_LEADS)
    breath_hz, slow_hz = rng.uniform(*WANDER_HZ), rng.uniform(0.04, 0.09)
    phases = rng.uniform(0.0, 2 * np.pi, (2, leads, 1))
    breath = np.sin(2 * np.pi * breath_hz * times_s + phases[0] * 0.3)
    slow = np.sin(2 * np.pi * slow_hz * times_s + phases[1])
    wander: FloatArray = rng.uniform(0.6, 1.0, (leads, 1)) * (0.65 * breath + 0.35 * slow)
    return wander


def _mains(mains_hz: float, times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the mains tone: its frequency drifts as a power grid's does, each lead couples by itself."""
    leads = len(INDEPENDENT_LEADS)
    drift = np.sin(2 * np.pi * 0.08 * times_s + rng.uniform(0.0, 2 * np.pi)) * MAINS_DRIFT_HZ / 0.08
    angle = 2 * np.pi * mains_hz * times_s + drift
    phase = rng.uniform(0.0, 2 * np.pi) + 0.4 * rng.standard_normal((leads, 1))
    tone: FloatArray = rng.uniform(0.6, 1.0, (leads, 1)) * np.sin(angle + phase)
    return tone


def _muscle(times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return noise of unit RMS without its slow part."""
    white = rng.standard_normal((len(INDEPENDENT_LEADS), times_s.size))
    width = max(3, round(MUSCLE_HIGH_PASS_S / (times_s[1] - times_s[0])))
    kernel = np.full(width, 1.0 / width)
    slow = np.stack([np.convolve(row, kernel, mode="same") for row in white])
    fast = white - slow
    shaped: FloatArray = fast / np.sqrt(np.mean(fast**2, axis=1, keepdims=True))
    return shaped


def _step(times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a sudden shift of the baseline that decays as an input filter of 0.05 Hz lets it."""
    at = float(rng.uniform(0.35, 0.65)) * float(times_s[-1])
    since = times_s - at
    course = np.clip(since / STEP_RISE_S, 0.0, 1.0) * np.exp(-2 * np.pi * 0.05 * np.maximum(since, 0.0))
    shares: FloatArray = rng.uniform(0.4, 1.0, (len(INDEPENDENT_LEADS), 1)) * course
    return shares
