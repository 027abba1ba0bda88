"""Every beat's P, QRS and T in every lead, for one recording."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead, MaskArray, Recording
from gem_integration.signal.blanks import bridged, hidden_samples
from gem_integration.signal.credibility import merged, none_of, nothing_like, p_repeats, without_small
from gem_integration.signal.filtering import WORKING_RATE_HZ, resample, without_baseline
from gem_integration.signal.network import (
    CLASS_P,
    CLASS_QRS,
    CLASS_T,
    NETWORK_RATE_HZ,
    wave_probabilities,
)
from gem_integration.signal.spikes import find_spikes, without_spikes
from gem_integration.signal.waves import Waves, find_waves, median_over_leads

SHORTEST_MS = {CLASS_P: 20.0, CLASS_QRS: 20.0, CLASS_T: 40.0}
EDGE_MS = {CLASS_P: 12.0, CLASS_QRS: 0.0, CLASS_T: 12.0}
PR_MAX_MS = 480.0  #: a P that starts earlier does not belong to the beat
P_INTO_QRS_MS = 20.0  #: a P may seem to end this long after the earliest QRS onset
QRS_APART_MS = 160.0  #: two QRS complexes cannot be closer
DURATION_MIN_S = 1.0
HIDDEN_LEADS_MAX = 0.5  #: where more of the leads hide the heart, no wave is looked for


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delineation:
    """Beats and their waves; every array is (beat, lead), in ms from the first sample.

    ``leads`` are the leads looked at, ``samples_mv`` their working signal at 500 Hz (spikes cut out, drift
    kept), ``lone_p`` the P waves that lead to no QRS, ``spikes_ms`` the pacing spikes.
    """

    leads: tuple[Lead, ...]
    samples_mv: FloatArray = field(repr=False)
    r_ms: FloatArray
    p: Waves
    qrs: Waves
    t: Waves
    lone_p: Waves
    spikes_ms: FloatArray

    @property
    def beat_count(self) -> int:
        """Return the number of beats."""
        return len(self.r_ms)


def delineate(recording: Recording, leads: tuple[Lead, ...]) -> Delineation:
    """Find all beats of ``recording`` in ``leads``; none where there is nothing to find."""
    if not leads or recording.duration_s < DURATION_MIN_S:
        return _empty(leads)
    samples, hidden = hidden_samples(recording, leads)
    received = bridged(samples, hidden)
    spikes = find_spikes(received, recording.sampling_rate_hz)
    clean = without_spikes(received, recording.sampling_rate_hz, spikes)
    working = resample(clean, recording.sampling_rate_hz, WORKING_RATE_HZ).samples_mv
    level = without_baseline(working, WORKING_RATE_HZ)
    probability = wave_probabilities(level, WORKING_RATE_HZ)
    _silence(probability, hidden.mean(axis=0) >= HIDDEN_LEADS_MAX, recording.sampling_rate_hz)
    spikes_ms = np.asarray(spikes, dtype=np.float64) * 1000.0 / recording.sampling_rate_hz
    return _assembled(
        _Signal(leads=leads, working_mv=working, level_mv=level, spikes_ms=spikes_ms), probability
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Signal:
    leads: tuple[Lead, ...]
    working_mv: FloatArray
    level_mv: FloatArray
    spikes_ms: FloatArray


def _assembled(signal: _Signal, probability: FloatArray) -> Delineation:
    level = signal.level_mv
    qrs, t_all, p_all = (
        find_waves(
            probability[:, kind], NETWORK_RATE_HZ, shortest_ms=SHORTEST_MS[kind], edge_ms=EDGE_MS[kind]
        )
        for kind in (CLASS_QRS, CLASS_T, CLASS_P)
    )
    qrs, small = without_small(_apart(qrs), level, 1000.0 / WORKING_RATE_HZ)
    p_all = merged(p_all, small)
    p_index, t_index = _p_of_beats(qrs, p_all), _t_of_beats(qrs, t_all)
    lone = np.ones(p_all.count, dtype=np.bool_)
    lone[p_index[p_index >= 0]] = False
    p, lone_p = _picked(p_all, p_index), p_all.take(lone)
    if not p_repeats(p, lone_p, qrs):
        p, lone_p = nothing_like(p), none_of(lone_p)
    qrs = _with_peaks(qrs, level, chord=False)
    return Delineation(
        leads=signal.leads,
        samples_mv=signal.working_mv,
        r_ms=_main_peak(qrs, level),
        p=_with_peaks(p, level, chord=True),
        qrs=qrs,
        t=_with_peaks(_picked(t_all, t_index), level, chord=True),
        lone_p=_with_peaks(lone_p, level, chord=True),
        spikes_ms=signal.spikes_ms,
    )


def _silence(probability: FloatArray, hidden: MaskArray, rate_hz: float) -> None:
    """Let no wave be found where most leads hide the heart."""
    if hidden.any():
        places = np.arange(probability.shape[2]) * rate_hz / NETWORK_RATE_HZ
        there = hidden[np.minimum(places.astype(np.intp), len(hidden) - 1)]
        probability[:, 1:, there] = 0.0


def _empty(leads: tuple[Lead, ...]) -> Delineation:
    nothing = np.empty((0, len(leads)))
    waves = Waves(on_ms=nothing, peak_ms=nothing, off_ms=nothing, vote=np.empty(0))
    return Delineation(
        leads=leads,
        samples_mv=np.zeros((len(leads), 1)),
        r_ms=np.empty(0),
        p=waves,
        qrs=waves,
        t=waves,
        lone_p=waves,
        spikes_ms=np.empty(0),
    )


def _apart(qrs: Waves) -> Waves:
    """Drop the weaker of two QRS complexes that are too close."""
    middle = qrs.middle_ms
    kept: list[int] = []
    for index in range(qrs.count):
        if kept and middle[index] - middle[kept[-1]] < QRS_APART_MS:
            if qrs.vote[index] > qrs.vote[kept[-1]]:
                kept[-1] = index
        else:
            kept.append(index)
    chosen = np.zeros(qrs.count, dtype=np.bool_)
    chosen[kept] = True
    return qrs.take(chosen)


def _p_of_beats(qrs: Waves, p: Waves) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return, for each beat, the index of the last P before its QRS, or -1."""
    on, off = median_over_leads(qrs.on_ms), median_over_leads(qrs.off_ms)
    p_on, p_off = median_over_leads(p.on_ms), median_over_leads(p.off_ms)
    chosen = np.full(qrs.count, -1, dtype=np.intp)
    for beat in range(qrs.count):
        floor = max(on[beat] - PR_MAX_MS, off[beat - 1] if beat else -np.inf)
        fits = np.flatnonzero((p_on >= floor) & (p_off <= on[beat] + P_INTO_QRS_MS))
        if len(fits):
            chosen[beat] = fits[-1]
    return chosen


def _t_of_beats(qrs: Waves, t: Waves) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return, for each beat, the index of the first T between its QRS and the next, or -1."""
    middle, t_middle = qrs.middle_ms, t.middle_ms
    chosen = np.full(qrs.count, -1, dtype=np.intp)
    for beat in range(qrs.count):
        stop = middle[beat + 1] if beat + 1 < qrs.count else np.inf
        fits = np.flatnonzero((t_middle > middle[beat]) & (t_middle < stop))
        if len(fits):
            chosen[beat] = fits[0]
    return chosen


def _picked(waves: Waves, index: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Waves:
    """Return one row per beat, NaN where the beat has no such wave."""
    absent = index < 0

    def rows(values: FloatArray, fill: float) -> FloatArray:
        if len(values) == 0:
            return np.full((len(index), *values.shape[1:]), fill)
        taken = values[np.maximum(index, 0)].copy()
        taken[absent] = fill
        return taken

    return Waves(
        on_ms=rows(waves.on_ms, np.nan),
        peak_ms=rows(waves.peak_ms, np.nan),
        off_ms=rows(waves.off_ms, np.nan),
        vote=rows(waves.vote, 0.0),
    )


def _with_peaks(waves: Waves, samples_mv: FloatArray, *, chord: bool) -> Waves:
    """Put each peak where the signal is furthest from the onset level, or from the chord of the wave."""
    peak = np.full_like(waves.on_ms, np.nan)
    last = samples_mv.shape[1] - 1
    step = 1000.0 / WORKING_RATE_HZ
    known = np.argwhere(np.isfinite(waves.on_ms) & np.isfinite(waves.off_ms))
    starts = np.clip(np.rint(waves.on_ms[tuple(known.T)] / step).astype(int), 0, last)
    stops = np.maximum(np.clip(np.rint(waves.off_ms[tuple(known.T)] / step).astype(int), 0, last), starts)
    ramp = np.arange(int((stops - starts).max(initial=0)) + 1)
    for (row, lead), start, stop in zip(known.tolist(), starts.tolist(), stops.tolist(), strict=True):
        part = samples_mv[lead, start : stop + 1]
        rise = (part[-1] - part[0]) / max(stop - start, 1) if chord else 0.0
        peak[row, lead] = (start + int(np.abs(part - part[0] - rise * ramp[: len(part)]).argmax())) * step
    return Waves(on_ms=waves.on_ms, peak_ms=peak, off_ms=waves.off_ms, vote=waves.vote)


def _main_peak(qrs: Waves, samples_mv: FloatArray) -> FloatArray:
    """Return each beat's time: where the root mean square over leads is greatest within the QRS."""
    size = np.sqrt(np.square(samples_mv).mean(axis=0))
    step = 1000.0 / WORKING_RATE_HZ
    peaks: list[float] = []
    for on, off in zip(median_over_leads(qrs.on_ms), median_over_leads(qrs.off_ms), strict=True):
        start = min(max(round(on / step), 0), len(size) - 1)
        stop = max(min(round(off / step), len(size) - 1), start)
        peaks.append((start + int(size[start : stop + 1].argmax())) * step)
    return np.asarray(peaks, dtype=np.float64)
