"""Flutter waves between T and the next QRS, where no beat has to be cancelled to see them."""

from __future__ import annotations

import numpy as np

from gem_integration.domain.ecg import FloatArray
from gem_integration.signal.atrial import ATRIAL_LEADS, Residual
from gem_integration.signal.beats import STEP_MS, pq_baseline
from gem_integration.signal.delineation import Delineation
from gem_integration.signal.intervals import GlobalMarks

RATES_HZ = np.arange(3.6, 6.01, 0.04)  #: 216-360 per minute
STRIDE = 5  #: of the samples at 500 Hz one in five is looked at
T_END_MS = 320.0  #: after the QRS onset, where no end of T is known
QRS_MARGIN_MS = 10.0
STRETCH_MIN_MS = 300.0  #: shorter stretches hold a P wave and little else, and any wave fits them
STRETCHES_MIN = 3
FIT_MIN = 0.65  #: share of the variance that one rate and its harmonic explain in the middle lead
SIZE_MIN_MV = 0.02
METHOD = "waves of one rate between T and QRS in V1, II, III, aVF"


def flutter_between_beats(found: Delineation, marks: GlobalMarks) -> Residual | None:
    """Return the waves of one rate that march through all stretches between T and QRS, if they do.

    Fibrillatory waves keep no rate, and a P wave fills only part of its stretch: both are explained badly.
    """
    rows = [found.leads.index(lead) for lead in ATRIAL_LEADS if lead in found.leads]
    stretches = _stretches(marks)
    if len(stretches) < STRETCHES_MIN or not rows:
        return None
    level = (found.samples_mv[rows] - pq_baseline(found)[rows])[:, ::STRIDE]
    step = STRIDE * STEP_MS
    parts = [np.arange(int(start / step) + 1, int(stop / step)) for start, stop in stretches]
    places = np.concatenate(parts)
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    waves = _centred(level[:, places], owner)
    if float(np.median(waves.std(axis=1))) < SIZE_MIN_MV:
        return None
    times_s = np.asarray(places * step / 1000.0, dtype=np.float64)
    fits = [_explained(waves, times_s, owner, float(rate)) for rate in RATES_HZ]
    best = int(np.argmax(fits))
    inside = 0 < best < len(fits) - 1
    if not inside or fits[best] < FIT_MIN:
        return None
    return Residual(
        f_wave_ratio=fits[best], flutter_rate=round(60.0 * float(RATES_HZ[best]), 1), method=METHOD
    )


def _stretches(marks: GlobalMarks) -> list[tuple[float, float]]:
    """Return (start, stop) in ms of every long enough stretch between the end of T and the next QRS."""
    ends = np.where(np.isfinite(marks.t_off), marks.t_off, marks.qrs_on + T_END_MS)[:-1]
    starts = np.minimum(ends, marks.qrs_on[:-1] + 1.4 * T_END_MS)
    stops = marks.qrs_on[1:] - QRS_MARGIN_MS
    pairs = zip(starts.tolist(), stops.tolist(), strict=True)
    return [(start, stop) for start, stop in pairs if stop - start >= STRETCH_MIN_MS]


def _centred(rows: FloatArray, owner: np.ndarray[tuple[int], np.dtype[np.intp]]) -> FloatArray:
    counts = np.bincount(owner)
    means = np.stack([np.bincount(owner, weights=row) / counts for row in rows])
    return np.asarray(rows - means[:, owner], dtype=np.float64)


def _explained(
    waves: FloatArray,
    times_s: FloatArray,
    owner: np.ndarray[tuple[int], np.dtype[np.intp]],
    rate_hz: float,
) -> float:
    """Return the median over leads of the share of variance that the rate and its harmonic explain."""
    angle = 2.0 * np.pi * rate_hz * times_s
    basis = _centred(np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]), owner)
    weights, *_ = np.linalg.lstsq(basis.T, waves.T, rcond=None)
    rest = np.square(waves - weights.T @ basis).sum(axis=1)
    return float(np.median(1.0 - rest / np.maximum(np.square(waves).sum(axis=1), 1e-12)))
