"""The waves inside one lead's representative QRS: q, R, s, R', S', notches and slopes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gem_integration.domain.ecg import FloatArray
from gem_integration.signal.beats import STEP_MS

WAVE_MIN_MV = 0.03  #: IEC 60601-2-25 annex GG.5: at least 30 µV from the reference level …
WAVE_MIN_MS = 8.0  #: … for at least 6 ms, seen on samples 2 ms apart
WAVE_SHARE_MIN = 0.03  #: of the QRS peak-to-peak: smaller bumps beside a tall QRS are drift
NOTCH_MIN_MV = 0.04
NOTCH_SHARE_MIN = 0.04
SLUR_MAX = 0.45  #: slope at a slur against the steeper parts on both its sides
CREST_SHARE_MIN = 0.75  #: a first crest at least this tall ends the R-peak time
INITIAL_MS = 40.0
SLOPE_WINDOW = 5  #: samples: 10 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflection:
    """One wave of a QRS: signed amplitude in mV, start, stop and peak in samples from the QRS onset."""

    amplitude_mv: float
    start: int
    stop: int
    peak: int

    @property
    def duration_ms(self) -> float:
        """Return how long the wave lasts."""
        return (self.stop - self.start) * STEP_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class QrsWaves:
    """The named waves of one QRS; a QS complex is a ``q`` without an ``r``."""

    q: Deflection | None = None
    r: Deflection | None = None
    s: Deflection | None = None
    r_prime: Deflection | None = None
    s_prime: Deflection | None = None


def qrs_waves(qrs_mv: FloatArray) -> QrsWaves:
    """Name the deflections of one QRS, given against its onset level."""
    waves = _deflections(qrs_mv)
    positive = [index for index, wave in enumerate(waves) if wave.amplitude_mv > 0]
    if not positive:
        deepest = min(waves, key=lambda wave: wave.amplitude_mv, default=None)
        return QrsWaves(q=deepest)
    first = positive[0]
    return QrsWaves(
        q=_deepest(waves[:first]),
        r=waves[first],
        s=_deepest(waves[first + 1 : positive[1]] if len(positive) > 1 else waves[first + 1 :]),
        r_prime=waves[positive[1]] if len(positive) > 1 else None,
        s_prime=_deepest(waves[positive[1] + 1 :]) if len(positive) > 1 else None,
    )


def r_peak_time_ms(qrs_mv: FloatArray, waves: QrsWaves) -> float | None:
    """Return the time from QRS onset to the first crest of the last upright wave."""
    last = waves.r_prime or waves.r
    if last is None:
        return None
    part = qrs_mv[last.start : last.stop]
    rising = np.diff(part, prepend=-np.inf) > 0
    falling = np.diff(part, append=-np.inf) <= 0
    crests = np.flatnonzero(rising & falling & (part >= CREST_SHARE_MIN * last.amplitude_mv))
    return float((last.start + crests[0]) * STEP_MS) if len(crests) else last.peak * STEP_MS


def notch_count(qrs_mv: FloatArray) -> int:
    """Return how many notches the largest deflection has or, without a notch, how many slurs."""
    waves = _deflections(qrs_mv)
    if not waves:
        return 0
    main = max(waves, key=lambda wave: abs(wave.amplitude_mv))
    part = np.abs(qrs_mv[main.start : main.stop])
    smooth = np.convolve(part, np.ones(SLOPE_WINDOW) / SLOPE_WINDOW, mode="same")
    depth = max(NOTCH_MIN_MV, NOTCH_SHARE_MIN * abs(main.amplitude_mv))
    return _dips(smooth, depth) or _slurs(smooth)


def initial_slope_ratio(qrs_mv: FloatArray) -> float | None:
    """Return the mean slope of the first 40 ms against the steepest 10 ms (delta wave: well under 0.5)."""
    if len(qrs_mv) <= 2 * SLOPE_WINDOW:
        return None
    slope = np.abs(qrs_mv[SLOPE_WINDOW:] - qrs_mv[:-SLOPE_WINDOW]) / SLOPE_WINDOW
    first = slope[: max(1, int(INITIAL_MS / STEP_MS) - SLOPE_WINDOW)]
    steepest = float(slope.max())
    return float(first.mean()) / steepest if steepest > 0 else None


def _deflections(qrs_mv: FloatArray) -> list[Deflection]:
    """Return the parts of one sign that are tall and long enough to be waves, in order."""
    if len(qrs_mv) < 2:
        return []
    signs = np.sign(qrs_mv)
    edges = np.r_[0, np.flatnonzero(np.diff(signs) != 0) + 1, len(qrs_mv)]
    least = max(WAVE_MIN_MV, WAVE_SHARE_MIN * float(np.ptp(qrs_mv)))
    out: list[Deflection] = []
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        peak = start + int(np.abs(qrs_mv[start:stop]).argmax())
        amplitude = float(qrs_mv[peak])
        if abs(amplitude) >= least and (stop - start) * STEP_MS >= WAVE_MIN_MS:
            out.append(Deflection(amplitude_mv=amplitude, start=start, stop=stop, peak=peak))
    return out


def _deepest(waves: list[Deflection]) -> Deflection | None:
    return min(
        (wave for wave in waves if wave.amplitude_mv < 0), key=lambda wave: wave.amplitude_mv, default=None
    )


def _dips(part: FloatArray, depth: float) -> int:
    """Count the valleys between two crests that both stand ``depth`` above them."""
    count, crest, valley = 0, float(part[0]), float("inf")
    for value in part.tolist():
        if valley == float("inf"):
            crest = max(crest, value)
            if value <= crest - depth:
                valley = value
        elif value >= valley + depth:
            count, crest, valley = count + 1, value, float("inf")
        else:
            valley = min(valley, value)
    return count


def _slurs(part: FloatArray) -> int:
    """Count the places on either limb where the slope falls well below both its neighbours'."""
    top = int(part.argmax())
    limbs = (np.diff(part[: top + 1]), -np.diff(part[top:]))
    return sum(_has_slur(np.asarray(limb, dtype=np.float64)) for limb in limbs)


def _has_slur(slope: FloatArray) -> bool:
    if len(slope) < 3 * SLOPE_WINDOW:
        return False
    smooth = np.convolve(slope, np.ones(SLOPE_WINDOW) / SLOPE_WINDOW, mode="valid")
    before = np.maximum.accumulate(smooth)
    after = np.maximum.accumulate(smooth[::-1])[::-1]
    rest = np.minimum(before, after)
    strong = rest > 0.35 * smooth.max()
    return bool((strong & (smooth > 0) & (smooth < SLUR_MAX * rest)).any())
