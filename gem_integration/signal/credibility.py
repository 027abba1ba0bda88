"""Second thoughts on what the network found: P waves taken for QRS, and P waves that do not repeat."""

from __future__ import annotations

import numpy as np

from gem_integration.domain.ecg import FloatArray, MaskArray
from gem_integration.signal.waves import Waves, median_over_leads

QRS_SIZE_MIN = 0.22  #: of the median QRS: smaller is a P wave, or nothing
QRS_SIZES_KNOWN = 3
PR_SPREAD_MAX_MS = 22.0  #: robust SD of PR above which P must at least march on its own
PP_SPREAD_MAX = 0.08  #: robust relative SD of PP above which P does not march
P_BEATS_MIN = 4
P_SHARE_MIN = 0.4  #: with P before fewer beats and an irregular rhythm, those few are fibrillatory waves
RR_IRREGULAR_NRMSSD = 0.10  #: ecg-criteria 3.1, af
RR_CHAOTIC_NRMSSD = 0.2
P_SHARE_CHAOTIC_MIN = 0.7  #: of the dominant beats; ectopic ones need no P
MAD_TO_SD = 1.4826


def without_small(qrs: Waves, samples_mv: FloatArray, step_ms: float) -> tuple[Waves, Waves]:
    """Return the QRS complexes and, apart, those far smaller than the others (lone P waves look so)."""
    if qrs.count < QRS_SIZES_KNOWN:
        return qrs, qrs.take(np.zeros(qrs.count, dtype=np.bool_))
    sizes = np.array([_size_mv(qrs, row, samples_mv, step_ms) for row in range(qrs.count)])
    large = sizes >= QRS_SIZE_MIN * np.median(sizes)
    return qrs.take(large), qrs.take(~large)


def _size_mv(qrs: Waves, row: int, samples_mv: FloatArray, step_ms: float) -> float:
    last = samples_mv.shape[1] - 1
    start = min(max(int(np.nanmin(qrs.on_ms[row]) / step_ms), 0), last)
    stop = min(max(int(np.nanmax(qrs.off_ms[row]) / step_ms), start + 1), last + 1)
    return float(np.median(np.ptp(samples_mv[:, start:stop], axis=1)))


def merged(first: Waves, second: Waves) -> Waves:
    """Return the waves of both, in order of time."""
    on = np.concatenate([first.on_ms, second.on_ms])
    order = np.argsort(median_over_leads(on))
    return Waves(
        on_ms=on[order],
        peak_ms=np.concatenate([first.peak_ms, second.peak_ms])[order],
        off_ms=np.concatenate([first.off_ms, second.off_ms])[order],
        vote=np.concatenate([first.vote, second.vote])[order],
    )


def p_repeats(p: Waves, lone_p: Waves, qrs: Waves) -> bool:
    """Say whether the P waves keep their distance to QRS, or at least to each other.

    Where neither holds, fibrillatory waves were taken for P.
    """
    on = median_over_leads(p.on_ms)
    pr = (median_over_leads(qrs.on_ms) - on)[np.isfinite(on)]
    if len(pr) < P_SHARE_MIN * qrs.count and _irregular(qrs.middle_ms):
        return False
    if len(pr) < P_BEATS_MIN:
        return True
    if _spread(pr) <= PR_SPREAD_MAX_MS:
        return True
    all_p = np.sort(np.concatenate([on[np.isfinite(on)], median_over_leads(lone_p.on_ms)]))
    return _pp_spread(np.diff(all_p)) <= PP_SPREAD_MAX


def p_by_chance(p: Waves, r_ms: FloatArray, main: MaskArray) -> bool:
    """Say whether P stands before too few of the dominant beats of a chaotic rhythm to be conducted."""
    pairs = np.diff(r_ms)[main[1:] & main[:-1]]
    if len(pairs) < P_BEATS_MIN:
        return False
    chaotic = float(np.sqrt(np.square(np.diff(pairs)).mean())) > RR_CHAOTIC_NRMSSD * float(pairs.mean())
    share = float(np.isfinite(p.on_ms[main]).any(axis=1).mean())
    return chaotic and share < P_SHARE_CHAOTIC_MIN


def _irregular(r_ms: FloatArray) -> bool:
    rr = np.diff(r_ms)
    if len(rr) < P_BEATS_MIN:
        return False
    return bool(np.sqrt(np.square(np.diff(rr)).mean()) > RR_IRREGULAR_NRMSSD * rr.mean())


def _pp_spread(intervals: FloatArray) -> float:
    """Return the robust relative SD of PP, counting that some P waves hide in QRS or T."""
    skipped = np.maximum(np.rint(intervals / np.percentile(intervals, 25)), 1.0)
    single = intervals / skipped
    return _spread(single) / float(np.median(single))


def _spread(values: FloatArray) -> float:
    return MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))


def nothing_like(waves: Waves) -> Waves:
    """Return as many rows without any mark."""
    absent = np.full_like(waves.on_ms, np.nan)
    return Waves(on_ms=absent, peak_ms=absent, off_ms=absent, vote=np.zeros(waves.count))


def none_of(waves: Waves) -> Waves:
    """Return no rows at all."""
    empty: MaskArray = np.zeros(waves.count, dtype=np.bool_)
    return waves.take(empty)
