"""Beats compared with each other: classes, and the representative beat of the dominant shape."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from gem_integration.domain.ecg import FloatArray, MaskArray
from gem_integration.domain.measurement import BeatClass
from gem_integration.signal.delineation import Delineation
from gem_integration.signal.filtering import WORKING_RATE_HZ
from gem_integration.signal.waves import median_over_leads

STEP_MS = 1000.0 / WORKING_RATE_HZ
TEMPLATE_BEFORE = 35  #: samples at 500 Hz: 70 ms
TEMPLATE_AFTER = 50  #: 100 ms
SHIFT_MAX = 15  #: 30 ms
SMOOTHING = 5  #: 10 ms
ALIKE_MIN = 0.90  #: correlation of beats of one shape (ecg-criteria 3.1, pac)
ALIKE_MIN_NOISY = 0.80
PREMATURE_MAX = 0.85  #: RR against its neighbours' median (ecg-criteria 3.1, pac)
NEIGHBOURS = 4
IRREGULAR_SHARE_MAX = 0.4  #: with more RR intervals off their median, prematurity means nothing
P_SHARE_MIN = 0.25  #: with P before fewer beats, early beats of a rhythm that varies besides are no news
REGULAR_CV_MAX = 0.05
IRREGULAR_MIN = 0.12
WIDE_MIN_MS = 115.0
WIDER_MIN = 1.2
SPIKE_BEFORE_MS = 350.0  #: an atrial spike stands at most this long before the QRS onset
SPIKE_AFTER_MS = 30.0
SPIKED_BEATS_MIN = 3  #: fewer beats with a spike are no pacing: a spike may be an artefact
LEVEL_WINDOW = 9  #: samples at 500 Hz: the QRS-onset level is the mean of the 18 ms before (ecg-criteria 3.0)
REPRESENTATIVE_BEFORE_MS = 500.0
REPRESENTATIVE_AFTER_MS = 760.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """Each beat's class and alignment point in ms; ``main`` marks the beats of the dominant class."""

    classes: tuple[BeatClass, ...]
    aligned_ms: FloatArray
    main: MaskArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Representative:
    """The median beat of the dominant class: (lead, sample) at 500 Hz, millivolts against the PQ level.

    ``origin`` is the sample of the alignment point, ``beats`` the indices of the beats it is made of.
    """

    samples_mv: FloatArray
    origin: int
    beats: tuple[int, ...]


def compare(found: Delineation) -> Compared:
    """Align the beats of a delineation with the dominant one and class each."""
    if found.beat_count == 0:
        return Compared(classes=(), aligned_ms=np.empty(0), main=np.zeros(0, dtype=np.bool_))
    width_ms = np.nanmedian(found.qrs.off_ms - found.qrs.on_ms, axis=1)
    windows = _windows(found)
    reference = _reference(windows, width_ms)
    correlation, shift = _against(windows, reference)
    alike = correlation >= (ALIKE_MIN if (correlation >= ALIKE_MIN).mean() >= 0.5 else ALIKE_MIN_NOISY)
    spiked = _spiked(found)
    with_p = float(np.isfinite(found.p.on_ms).any(axis=1).mean())
    premature = _premature(found.r_ms, alike)
    if with_p < P_SHARE_MIN and _varies(np.diff(found.r_ms), premature):
        premature[:] = False
    main_width_ms = float(np.median(width_ms[alike]))
    wide = ~alike & (width_ms >= WIDE_MIN_MS) & (width_ms >= WIDER_MIN * main_width_ms)
    between = ~alike & ~wide & (width_ms >= WIDE_MIN_MS) & (wide.any() or spiked.any())
    conditions = [
        (spiked, BeatClass.PACED),
        (wide, BeatClass.ECTOPIC_WIDE),
        (between, BeatClass.FUSION),
        (premature, BeatClass.ECTOPIC_NARROW),
    ]
    classes = tuple(
        next((kind for mask, kind in conditions if mask[beat]), BeatClass.DOMINANT)
        for beat in range(found.beat_count)
    )
    main_class, _ = Counter(kind for kind, like in zip(classes, alike, strict=True) if like).most_common(1)[0]
    main = np.array([kind is main_class for kind in classes]) & alike
    return Compared(classes=classes, aligned_ms=found.r_ms + shift * STEP_MS, main=main)


def representative(found: Delineation, compared: Compared) -> Representative:
    """Return the median over the dominant beats that lie whole inside the recording."""
    before, after = int(REPRESENTATIVE_BEFORE_MS / STEP_MS), int(REPRESENTATIVE_AFTER_MS / STEP_MS)
    length = found.samples_mv.shape[1]
    level = found.samples_mv - pq_baseline(found)
    centres = np.rint(compared.aligned_ms / STEP_MS).astype(int)
    edge = int(200.0 / STEP_MS)
    whole = compared.main & (centres >= edge) & (centres + edge < length)
    chosen = np.flatnonzero(whole if whole.any() else compared.main)
    padded = np.pad(level, ((0, 0), (before, after)), constant_values=np.nan)
    stack = np.stack([padded[:, centres[beat] : centres[beat] + before + after] for beat in chosen])
    flat = stack.reshape(len(stack), -1).T
    median = np.nan_to_num(median_over_leads(flat)).reshape(stack.shape[1:])
    return Representative(samples_mv=median, origin=before, beats=tuple(chosen.tolist()))


def pq_baseline(found: Delineation) -> FloatArray:
    """Return the drift of each lead: a spline through the levels just before each QRS onset."""
    on = np.clip(np.rint(early(found.qrs.on_ms) / STEP_MS).astype(int), 0, found.samples_mv.shape[1] - 1)
    starts = np.maximum(on - LEVEL_WINDOW, 0)
    levels = np.stack(
        [found.samples_mv[:, a : max(b, a + 1)].mean(axis=1) for a, b in zip(starts, on, strict=True)], axis=1
    )
    knots = (starts + on) / 2
    rising = np.r_[True, np.diff(knots) > 0]
    knots, levels = knots[rising], levels[:, rising]
    length = found.samples_mv.shape[1]
    if len(knots) < 2:
        return np.repeat(levels[:, :1], length, axis=1)
    spline = CubicSpline(knots, levels, axis=1)
    return np.asarray(spline(np.clip(np.arange(length), knots[0], knots[-1])), dtype=np.float64)


def early(on_ms: FloatArray) -> FloatArray:
    """Return each beat's onset over all leads: the second earliest, so that one outlying lead is ignored."""
    return _extreme(np.sort(on_ms, axis=1))


def late(off_ms: FloatArray) -> FloatArray:
    """Return each beat's end over all leads: the second latest, so that one outlying lead is ignored."""
    return -_extreme(np.sort(-off_ms, axis=1))


def _extreme(ordered: FloatArray) -> FloatArray:
    # numpy sorts NaN to the end; with three leads or fewer every lead counts
    enough = np.isfinite(ordered).sum(axis=1) > 3
    second = ordered[:, min(1, ordered.shape[1] - 1)]
    return np.asarray(np.where(enough, second, ordered[:, 0]), dtype=np.float64)


def _windows(found: Delineation) -> FloatArray:
    """Return (beat, lead, sample): smoothed windows around each R with room to shift, each lead centred."""
    before, after = TEMPLATE_BEFORE + SHIFT_MAX + SMOOTHING, TEMPLATE_AFTER + SHIFT_MAX + SMOOTHING
    padded = np.pad(found.samples_mv, ((0, 0), (before, after)), mode="edge")
    centres = np.rint(found.r_ms / STEP_MS).astype(int)
    windows = np.stack([padded[:, c : c + before + after + 1] for c in centres])
    sums = np.cumsum(windows, axis=-1)
    return np.asarray((sums[..., SMOOTHING:] - sums[..., :-SMOOTHING]) / SMOOTHING, dtype=np.float64)


def _normalised(windows: FloatArray) -> FloatArray:
    centred = windows - windows.mean(axis=-1, keepdims=True)
    flat = centred.reshape(len(windows), -1)
    norm = np.sqrt(np.square(flat).sum(axis=1, keepdims=True))
    return np.asarray(flat / np.maximum(norm, 1e-9), dtype=np.float64)


def _reference(windows: FloatArray, width_ms: FloatArray) -> int:
    """Return the beat most others are like; of equals the narrower one."""
    flat = _normalised(windows)
    alike = (flat @ flat.T) >= ALIKE_MIN
    return int(np.lexsort((width_ms, -alike.sum(axis=1)))[0])


def _against(windows: FloatArray, reference: int) -> tuple[FloatArray, FloatArray]:
    """Return each beat's best correlation with the reference and the shift in samples that gives it."""
    size = windows.shape[-1] - 2 * SHIFT_MAX
    template = _normalised(windows[[reference], :, SHIFT_MAX : SHIFT_MAX + size])[0]
    shifts = np.arange(-SHIFT_MAX, SHIFT_MAX + 1)
    scores = np.stack(
        [_normalised(windows[:, :, SHIFT_MAX + s : SHIFT_MAX + s + size]) @ template for s in shifts]
    )
    best = scores.argmax(axis=0)
    return scores.max(axis=0), shifts[best].astype(np.float64)


def _varies(rr_ms: FloatArray, premature: MaskArray) -> bool:
    """Say whether the intervals that no premature beat begins or ends vary: fibrillation, for a while."""
    others = rr_ms[~(premature[1:] | premature[:-1])]
    return bool(premature.any()) and (len(others) < 2 or float(others.std() / others.mean()) > REGULAR_CV_MAX)


def _premature(r_ms: FloatArray, alike: MaskArray) -> MaskArray:
    """Say which beats come early against their neighbours, unless the whole rhythm is irregular."""
    early_beats = np.zeros(len(r_ms), dtype=np.bool_)
    rr = np.diff(r_ms)
    if len(rr) < 3:
        return early_beats
    local = np.array([np.median(rr[max(0, i - NEIGHBOURS) : i + NEIGHBOURS + 1]) for i in range(len(rr))])
    both = alike[1:] & alike[:-1]
    off = np.abs(rr / local - 1) > IRREGULAR_MIN
    if both.any() and off[both].mean() > IRREGULAR_SHARE_MAX:
        return early_beats
    early_beats[1:] = rr < PREMATURE_MAX * local
    return early_beats


def _spiked(found: Delineation) -> MaskArray:
    """Say which beats have a spike just before their QRS."""
    if len(found.spikes_ms) == 0:
        return np.zeros(found.beat_count, dtype=np.bool_)
    delay = np.nanmedian(found.qrs.on_ms, axis=1)[:, None] - found.spikes_ms[None, :]
    near = (delay <= SPIKE_BEFORE_MS) & (delay >= -SPIKE_AFTER_MS)
    spiked = np.asarray(near.any(axis=1), dtype=np.bool_)
    enough = int(spiked.sum()) >= min(SPIKED_BEATS_MIN, found.beat_count)
    return spiked if enough else np.zeros(found.beat_count, dtype=np.bool_)
