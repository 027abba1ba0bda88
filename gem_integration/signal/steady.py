"""Marks of one lead steadied over beats: beats of one shape have their marks at one distance from R."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gem_integration.domain.ecg import FloatArray
from gem_integration.signal.beats import Compared
from gem_integration.signal.delineation import Delineation
from gem_integration.signal.waves import Waves, median_over_leads

OWN_SHARE = 0.4  #: of a beat's own mark; the rest is the lead's median over the dominant beats
BEATS_MIN = 3
#: A deviation in ms is scatter up to the first; from the second on it is real (PR in a block, QT in AF).
P_SCATTER_MS = (24.0, 48.0)
QRS_SCATTER_MS = (16.0, 32.0)
T_SCATTER_MS = (40.0, 80.0)


def steadied(found: Delineation, compared: Compared) -> Delineation:
    """Return the delineation with the dominant beats' scatter drawn together, lead by lead."""
    return replace(
        found,
        p=_steadied_waves(found.p, compared, P_SCATTER_MS),
        qrs=_steadied_waves(found.qrs, compared, QRS_SCATTER_MS),
        t=_steadied_peaks(found.t, compared, T_SCATTER_MS),
    )


def _steadied_waves(waves: Waves, compared: Compared, scatter_ms: tuple[float, float]) -> Waves:
    on = _steadied_marks(waves.on_ms, compared, scatter_ms)
    peak = _steadied_marks(waves.peak_ms, compared, scatter_ms)
    off = _steadied_marks(waves.off_ms, compared, scatter_ms)
    return replace(waves, on_ms=on, peak_ms=np.clip(peak, on, off), off_ms=off)


def _steadied_peaks(waves: Waves, compared: Compared, scatter_ms: tuple[float, float]) -> Waves:
    """Steady only the peaks: the end of T gains nothing, and QT loses."""
    peak = _steadied_marks(waves.peak_ms, compared, scatter_ms)
    return replace(waves, peak_ms=np.clip(peak, waves.on_ms, waves.off_ms))


def _steadied_marks(marks_ms: FloatArray, compared: Compared, scatter_ms: tuple[float, float]) -> FloatArray:
    relative = (marks_ms - compared.aligned_ms[:, None])[compared.main]
    enough = np.isfinite(relative).sum(axis=0) >= BEATS_MIN
    if not enough.any():
        return marks_ms
    typical = median_over_leads(relative[:, enough].T)
    deviation = relative[:, enough] - typical
    low, high = scatter_ms
    own = OWN_SHARE + (1 - OWN_SHARE) * np.clip((np.abs(deviation) - low) / (high - low), 0.0, 1.0)
    drawn = marks_ms.copy()
    rows = np.flatnonzero(compared.main)
    drawn[np.ix_(rows, np.flatnonzero(enough))] = (
        typical + own * deviation + compared.aligned_ms[rows][:, None]
    )
    return drawn
