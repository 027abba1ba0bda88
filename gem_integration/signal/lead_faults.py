"""What one lead shows on its own: flat, saturated, noisy, mains, drift, gaps (ecg-criteria 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gem_integration.domain.ecg import FloatArray, MaskArray
from gem_integration.domain.quality import LeadQuality, QualityFlag

FLAT_PEAK_TO_PEAK_MV = 0.02
FLAT_RUN_MS = 100.0  #: no slope for this long is a flat piece …
FLAT_SHARE = 0.8  #: … and a lead of mostly flat pieces is flat
RAIL_RUN_MS = 8.0
RAIL_SHARE = 0.004
RAIL_MIN_MV = 0.5
NOISE_WINDOW_MS = 100.0
NOISE_SMOOTHING_MS = 24.0
NOISY_UV = 40.0
NOISE_UNUSABLE_UV = 200.0
MAINS_HZ = (50.0, 60.0)
MAINS_HALF_WIDTH_HZ = 0.6
MAINS_NEIGHBOUR_HZ = (1.0, 4.0)
MAINS_RATIO_MIN = 6.0
MAINS_UV = 8.0
WANDER_BLOCK_MS = 40.0
WANDER_BLOCKS = 17
WANDER_MV = 0.3
GAP_UNUSABLE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """(lead, sample) millivolts; ``gaps`` were not received, ``hidden`` are they and calibration pulses."""

    samples_mv: FloatArray
    hidden: MaskArray
    gaps: MaskArray
    rate_hz: float


def lead_qualities(traces: Traces) -> list[LeadQuality]:
    """Return each lead's quality, in the order of the rows."""
    mains_hz, mains_uv = _mains(traces)
    noise_uv = _noise_uv(traces, mains_uv)
    wander_mv = _wander_mv(traces)
    return [
        _lead_quality(
            traces.samples_mv[row][~traces.hidden[row]],
            traces,
            LeadQuality(
                usable=True,
                noise_rms_uv=round(float(noise_uv[row]), 1),
                mains_hz=float(mains_hz[row]) or None,
                mains_rms_uv=round(float(mains_uv[row]), 1),
                baseline_wander_mv=round(float(wander_mv[row]), 3),
                gap_fraction=float(traces.gaps[row].mean()),
            ),
        )
        for row in range(len(traces.samples_mv))
    ]


def _lead_quality(seen_mv: FloatArray, traces: Traces, numbers: LeadQuality) -> LeadQuality:
    span = float(np.ptp(seen_mv)) if len(seen_mv) else 0.0
    noise, mains, wander = (
        numbers.noise_rms_uv or 0.0,
        numbers.mains_rms_uv or 0.0,
        numbers.baseline_wander_mv or 0.0,
    )
    checks = (
        (QualityFlag.GAP, numbers.gap_fraction > 0),
        (QualityFlag.FLAT, span < FLAT_PEAK_TO_PEAK_MV or _flat_share(seen_mv, traces.rate_hz) >= FLAT_SHARE),
        (QualityFlag.SATURATED, _rail_share(seen_mv, traces.rate_hz) >= RAIL_SHARE),
        (QualityFlag.NOISY, noise >= NOISY_UV),
        (QualityFlag.MAINS, numbers.mains_hz is not None and mains >= MAINS_UV),
        (QualityFlag.BASELINE_WANDER, wander >= WANDER_MV),
    )
    flags = tuple(flag for flag, holds in checks if holds)
    spoilt = {QualityFlag.FLAT, QualityFlag.SATURATED} & set(flags)
    return LeadQuality(
        usable=not spoilt and noise < NOISE_UNUSABLE_UV and numbers.gap_fraction < GAP_UNUSABLE,
        flags=flags,
        noise_rms_uv=numbers.noise_rms_uv,
        mains_hz=numbers.mains_hz,
        mains_rms_uv=numbers.mains_rms_uv,
        baseline_wander_mv=numbers.baseline_wander_mv,
        peak_to_peak_mv=round(span, 4),
        gap_fraction=round(numbers.gap_fraction, 4),
    )


def _run_lengths(mask: MaskArray) -> FloatArray:
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    return np.asarray(edges[1::2] - edges[::2], dtype=np.float64)


def _flat_share(seen_mv: FloatArray, rate_hz: float) -> float:
    if len(seen_mv) < 2:
        return 1.0
    runs = _run_lengths(np.abs(np.diff(seen_mv)) < 1e-6)
    return float(runs[runs >= FLAT_RUN_MS * rate_hz / 1000.0].sum()) / len(seen_mv)


def _rail_share(seen_mv: FloatArray, rate_hz: float) -> float:
    """Return the share of samples that stay at the lead's own extreme, far from its middle."""
    if len(seen_mv) < 2:
        return 0.0
    total, shortest = 0.0, max(3.0, RAIL_RUN_MS * rate_hz / 1000.0)
    for rail in (float(seen_mv.max()), float(seen_mv.min())):
        there = np.abs(seen_mv - rail) < 1e-4
        if there.sum() < shortest or abs(rail - float(np.median(seen_mv))) < RAIL_MIN_MV:
            continue
        runs = _run_lengths(there)
        total += float(runs[runs >= shortest].sum())
    return total / len(seen_mv)


def _mains(traces: Traces) -> tuple[FloatArray, FloatArray]:
    """Return each lead's mains frequency (0: none) and RMS in µV, decided from the spectrum."""
    count = traces.samples_mv.shape[1]
    window = np.hanning(count)
    spectrum = np.abs(np.fft.rfft(traces.samples_mv * window, axis=1)) ** 2
    power = spectrum * 2.0 / max(float(np.square(window).sum()) * count, 1e-12)
    frequency = np.fft.rfftfreq(count, 1.0 / traces.rate_hz)
    line_hz, line_uv = np.zeros(len(power)), np.zeros(len(power))
    for candidate in MAINS_HZ:
        away = np.abs(frequency - candidate)
        line, near = (
            away <= MAINS_HALF_WIDTH_HZ,
            (away >= MAINS_NEIGHBOUR_HZ[0]) & (away <= MAINS_NEIGHBOUR_HZ[1]),
        )
        if not line.any() or not near.any() or candidate > 0.48 * traces.rate_hz:
            continue
        beside = np.median(power[:, near], axis=1)
        stands_out = power[:, line].mean(axis=1) > MAINS_RATIO_MIN * beside
        uv = 1000.0 * np.sqrt(np.maximum(power[:, line].sum(axis=1) - beside * line.sum(), 0.0))
        better = stands_out & (uv > line_uv)
        line_hz[better], line_uv[better] = candidate, uv[better]
    return line_hz, line_uv


def _noise_uv(traces: Traces, mains_uv: FloatArray) -> FloatArray:
    """Return the RMS in µV of what is fast, in the quieter quarter of the windows, without the mains."""
    smoothing = max(3, round(NOISE_SMOOTHING_MS * traces.rate_hz / 1000.0))
    window = max(2, round(NOISE_WINDOW_MS * traces.rate_hz / 1000.0))
    sums = np.cumsum(np.pad(traces.samples_mv, ((0, 0), (1, 0))), axis=1)
    if sums.shape[1] <= smoothing + window:
        return np.zeros(len(traces.samples_mv))
    smooth = (sums[:, smoothing:] - sums[:, :-smoothing]) / smoothing
    offset = smoothing // 2
    fast = traces.samples_mv[:, offset : offset + smooth.shape[1]] - smooth
    fast = fast[:, : fast.shape[1] // window * window].reshape(len(fast), -1, window)
    rms = np.sqrt(np.square(fast).mean(axis=2))
    quiet = 1000.0 * np.percentile(rms, 30, axis=1)
    fast_uv = np.sqrt(np.maximum(np.square(quiet) - np.square(mains_uv), 0.0))
    return np.asarray(fast_uv, dtype=np.float64)


def _wander_mv(traces: Traces) -> FloatArray:
    """Return the span in mV of a running median that beats do not move."""
    block = max(1, round(WANDER_BLOCK_MS * traces.rate_hz / 1000.0))
    count = traces.samples_mv.shape[1] // block
    if count < WANDER_BLOCKS:
        return np.zeros(len(traces.samples_mv))
    means = traces.samples_mv[:, : count * block].reshape(len(traces.samples_mv), count, block).mean(axis=2)
    windows = np.lib.stride_tricks.sliding_window_view(means, WANDER_BLOCKS, axis=1)
    medians = np.median(windows, axis=2)
    return np.asarray(
        np.percentile(medians, 98, axis=1) - np.percentile(medians, 2, axis=1), dtype=np.float64
    )
