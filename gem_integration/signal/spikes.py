"""Pacing spikes: found at the received rate, and cut out before anything else is looked for.

At 500 Hz three of four spikes are seen, and most biventricular ones are not (Luo 2008): a spike is evidence
for pacing, its absence is no evidence against.
"""

from __future__ import annotations

import numpy as np

from gem_integration.domain.ecg import FloatArray

SPIKE_WIDTH_MS = 5.0  #: a spike has come and gone within this on either side
FLANK_MS = 16.0  #: at this distance a QRS complex has moved much further than at SPIKE_WIDTH_MS
NARROWNESS_MIN = 0.65  #: height over the narrow distance / height over the wide one
SPIKE_MIN_MV = 0.15  #: root mean square over leads
SPIKE_TO_NOISE_MIN = 12.0
SPIKE_APART_MS = 20.0
CUT_BEFORE_MS = 6.0
CUT_AFTER_MS = 8.0
RATE_MIN_HZ = 400.0  #: below, a spike may fall between two samples
SPIKES_PER_SECOND_MAX = 8.0  #: more than any pacemaker gives: noise


def find_spikes(samples_mv: FloatArray, rate_hz: float) -> tuple[int, ...]:
    """Return the samples at which pacing spikes stand in (lead, sample) millivolts."""
    flank = round(FLANK_MS * rate_hz / 1000.0)
    if rate_hz < RATE_MIN_HZ or samples_mv.shape[1] < 4 * flank:
        return ()
    narrow = _height(samples_mv, round(SPIKE_WIDTH_MS * rate_hz / 1000.0))
    wide = _height(samples_mv, flank)
    limit = max(SPIKE_MIN_MV, SPIKE_TO_NOISE_MIN * float(np.median(narrow)))
    candidates = np.flatnonzero((narrow > limit) & (narrow > NARROWNESS_MIN * wide))
    found = _strongest(candidates, narrow, round(SPIKE_APART_MS * rate_hz / 1000.0))
    too_many = len(found) > SPIKES_PER_SECOND_MAX * samples_mv.shape[1] / rate_hz
    return () if too_many else found


def without_spikes(samples_mv: FloatArray, rate_hz: float, spikes: tuple[int, ...]) -> FloatArray:
    """Return a copy in which a straight line replaces each spike."""
    out = samples_mv.copy()
    last = samples_mv.shape[1] - 1
    for spike in spikes:
        start = max(0, spike - round(CUT_BEFORE_MS * rate_hz / 1000.0))
        stop = min(last, spike + round(CUT_AFTER_MS * rate_hz / 1000.0))
        part = np.linspace(0.0, 1.0, stop - start + 1)
        out[:, start : stop + 1] = out[:, [start]] * (1 - part) + out[:, [stop]] * part
    return out


def _height(samples_mv: FloatArray, distance: int) -> FloatArray:
    """Return, RMS over leads, how far each sample stands above or below both neighbours at a distance."""
    padded = np.pad(samples_mv, ((0, 0), (distance, distance)), mode="edge")
    before = samples_mv - padded[:, : samples_mv.shape[1]]
    after = samples_mv - padded[:, 2 * distance :]
    both = np.where(before * after > 0, np.minimum(np.abs(before), np.abs(after)), 0.0)
    return np.asarray(np.sqrt(np.square(both).mean(axis=0)), dtype=np.float64)


def _strongest(
    candidates: np.ndarray[tuple[int], np.dtype[np.intp]], height: FloatArray, apart: int
) -> tuple[int, ...]:
    found: list[int] = []
    for place in candidates.tolist():
        if found and place - found[-1] < apart:
            if height[place] > height[found[-1]]:
                found[-1] = place
        else:
            found.append(place)
    return tuple(found)
