"""Zero-phase filters and exact changes of sampling rate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import signal

from gem_integration.domain.ecg import FloatArray

WORKING_RATE_HZ = 500.0
BASELINE_CUTOFF_HZ = 0.5
RATE_DENOMINATOR_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampled:
    """Samples at another rate; ``index * received_per_sample`` is the index as received."""

    samples_mv: FloatArray
    received_per_sample: float


def resample(samples_mv: FloatArray, from_hz: float, to_hz: float) -> Resampled:
    """Change the rate of (lead, sample) millivolts by a polyphase filter; no sample moves in time."""
    ratio = Fraction(to_hz / from_hz).limit_denominator(RATE_DENOMINATOR_MAX)
    if ratio == 1:
        return Resampled(samples_mv=samples_mv, received_per_sample=1.0)
    changed = signal.resample_poly(samples_mv, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    return Resampled(samples_mv=changed, received_per_sample=float(1 / ratio))


@lru_cache(maxsize=32)
def _butterworth(
    order: int, cutoff_hz: float, kind: Literal["highpass", "lowpass"], rate_hz: float
) -> FloatArray:
    sections = signal.butter(order, cutoff_hz, btype=kind, fs=rate_hz, output="sos")
    return np.asarray(sections, dtype=np.float64)


def _both_ways(sections: FloatArray, samples_mv: FloatArray, pad: int) -> FloatArray:
    length = samples_mv.shape[-1]
    padlen = min(pad, length - 1)
    return np.asarray(signal.sosfiltfilt(sections, samples_mv, axis=-1, padlen=padlen), dtype=np.float64)


def without_baseline(samples_mv: FloatArray, rate_hz: float) -> FloatArray:
    """Remove drift slower than 0.5 Hz, zero-phase (ecg-criteria 6: at most 0.67 Hz when zero-phase)."""
    sections = _butterworth(2, BASELINE_CUTOFF_HZ, "highpass", rate_hz)
    centred = samples_mv - np.median(samples_mv, axis=-1, keepdims=True)
    return _both_ways(sections, centred, int(rate_hz))


def low_passed(samples_mv: FloatArray, rate_hz: float, cutoff_hz: float) -> FloatArray:
    """Remove what is faster than ``cutoff_hz``, zero-phase; unchanged when the rate cannot hold it."""
    if cutoff_hz >= 0.45 * rate_hz:
        return samples_mv
    return _both_ways(_butterworth(3, cutoff_hz, "lowpass", rate_hz), samples_mv, int(0.2 * rate_hz))
