"""Atrial activity: how constant the P waves are, and what is left when the beats are cancelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from gem_integration.domain.ecg import FloatArray, Lead
from gem_integration.signal.beats import STEP_MS, Compared, Representative, pq_baseline
from gem_integration.signal.delineation import Delineation
from gem_integration.signal.filtering import WORKING_RATE_HZ

P_HALF_WINDOW = 40  #: samples at 500 Hz on either side of the middle of P: 80 ms
P_SHIFT_MAX = 6
ATRIAL_LEADS = (Lead.V1, Lead.II, Lead.III, Lead.AVF)
ATRIAL_RATE_HZ = 50.0
F_BAND_HZ = (4.0, 10.0)
TOTAL_BAND_HZ = (1.0, 20.0)
FLUTTER_BAND_HZ = (3.3, 6.2)  #: 200-370 per minute
FLUTTER_PEAK_MIN = 9.0  #: against the median of the spectrum
FLUTTER_NARROW_MIN = 0.42  #: power within 0.5 Hz of the peak / within 1.6 Hz
FLUTTER_LEADS_MIN = 3
FLUTTER_AGREE_HZ = 0.25
FLUTTER_SHARE_MIN = 0.28  #: of the power of 2.5-20 Hz in the peak and its two harmonics
CANCEL_BEFORE_MS = 80.0
CANCEL_AFTER_MS = 480.0
DURATION_MIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """What the signal without QRS and T shows; rate per minute, ``None`` if no flutter."""

    f_wave_ratio: float
    flutter_rate: float | None
    method: str = "spectrum after QRST cancellation in V1, II, III, aVF"


def p_correlation(found: Delineation) -> float | None:
    """Return the median correlation over beats of the P wave, all leads together, with their median."""
    known = np.flatnonzero(np.isfinite(found.p.on_ms).any(axis=1))
    if len(known) < 3:
        return None
    reach = P_HALF_WINDOW + P_SHIFT_MAX
    middle = np.rint(found.p.middle_ms[known] / STEP_MS).astype(int)
    inside = (middle >= reach) & (middle + reach < found.samples_mv.shape[1])
    if inside.sum() < 3:
        return None
    windows = np.stack([found.samples_mv[:, c - reach : c + reach] for c in middle[inside]])
    kernel = np.ones(7) / 7
    smooth = signal.oaconvolve(windows, kernel[None, None, :], mode="same", axes=-1)
    template = _shape(np.median(smooth, axis=0)[None, :, P_SHIFT_MAX:-P_SHIFT_MAX])[0]
    width = 2 * P_HALF_WINDOW
    scores = [_shape(smooth[:, :, s : s + width]) @ template for s in range(0, 2 * P_SHIFT_MAX + 1, 2)]
    return float(np.median(np.max(scores, axis=0)))


def _shape(windows: FloatArray) -> FloatArray:
    steps = np.linspace(0.0, 1.0, windows.shape[-1])
    first, last = windows[..., :4].mean(-1, keepdims=True), windows[..., -4:].mean(-1, keepdims=True)
    flat = (windows - first - (last - first) * steps).reshape(len(windows), -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9), dtype=np.float64)


def atrial_residual(found: Delineation, compared: Compared, typical: Representative) -> Residual | None:
    """Cancel QRS and T with the representative beat and look at what remains in V1, II, III and aVF."""
    rows = [found.leads.index(lead) for lead in ATRIAL_LEADS if lead in found.leads]
    length = found.samples_mv.shape[1]
    if not rows or length * STEP_MS < DURATION_MIN_S * 1000.0:
        return None
    rest = (found.samples_mv - pq_baseline(found))[rows]
    _cancel(
        rest, compared, Representative(samples_mv=typical.samples_mv[rows], origin=typical.origin, beats=())
    )
    slow = signal.resample_poly(rest, 1, int(WORKING_RATE_HZ / ATRIAL_RATE_HZ), axis=-1)
    segment = min(slow.shape[1], int(6 * ATRIAL_RATE_HZ))
    frequency, power = signal.welch(slow, ATRIAL_RATE_HZ, nperseg=segment, noverlap=segment // 2, nfft=1024)
    total = _band(frequency, power, TOTAL_BAND_HZ)
    ratio = _band(frequency, power, F_BAND_HZ) / np.maximum(total, 1e-12)
    return Residual(f_wave_ratio=float(np.median(ratio)), flutter_rate=_flutter_rate(frequency, power))


def _cancel(rest: FloatArray, compared: Compared, typical: Representative) -> None:
    before, after = int(CANCEL_BEFORE_MS / STEP_MS), int(CANCEL_AFTER_MS / STEP_MS)
    centres = np.rint(compared.aligned_ms / STEP_MS).astype(int)
    for index, centre in enumerate(centres.tolist()):
        # an ectopic beat has no template: its stretch is silenced instead
        share = float(compared.main[index])
        stop = min(after, (centres[index + 1] - centre - before) if index + 1 < len(centres) else after)
        start, end = max(0, centre - before), min(rest.shape[1], centre + max(stop, 1))
        shift = typical.origin - centre
        rest[:, start:end] -= typical.samples_mv[:, start + shift : end + shift]
        rest[:, start:end] *= share


def _band(frequency: FloatArray, power: FloatArray, band_hz: tuple[float, float]) -> FloatArray:
    inside = (frequency >= band_hz[0]) & (frequency <= band_hz[1])
    return np.asarray(power[:, inside].sum(axis=1), dtype=np.float64)


def _flutter_rate(frequency: FloatArray, power: FloatArray) -> float | None:
    """Return the rate of a narrow peak with harmonics that three leads (or all there are) share."""
    found = [hz for hz in (_flutter_hz(frequency, row) for row in power) if hz is not None]
    if len(found) < min(FLUTTER_LEADS_MIN, len(power)) or max(found) - min(found) > FLUTTER_AGREE_HZ:
        return None
    return 60.0 * float(np.median(found))


def _flutter_hz(frequency: FloatArray, power: FloatArray) -> float | None:
    """Return one lead's flutter frequency; the comb that P waves leave is neither narrow nor concentrated."""
    inside = np.flatnonzero((frequency >= FLUTTER_BAND_HZ[0]) & (frequency <= FLUTTER_BAND_HZ[1]))
    peak = int(inside[power[inside].argmax()])
    if peak in (inside[0], inside[-1]):
        return None
    atrial = (frequency > 2.5) & (frequency < 20.0)
    harmonics = sum(float(power[np.abs(frequency - frequency[peak] * n) < 0.35].sum()) for n in (1, 2, 3))
    away = np.abs(frequency - frequency[peak])
    holds = (
        power[peak] > FLUTTER_PEAK_MIN * float(np.median(power[atrial])),
        harmonics > FLUTTER_SHARE_MIN * float(power[atrial].sum()),
        float(power[away < 0.5].sum()) > FLUTTER_NARROW_MIN * float(power[away < 1.6].sum()),
    )
    return float(frequency[peak]) if all(holds) else None
