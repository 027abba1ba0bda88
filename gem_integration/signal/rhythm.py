"""Rate, regularity, ectopy, P presence and pauses of the whole recording."""

from __future__ import annotations

from math import sqrt

import numpy as np

from gem_integration.domain.ecg import FloatArray, MaskArray
from gem_integration.domain.measurement import BeatClass
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.signal.atrial import Residual, p_correlation
from gem_integration.signal.beats import Compared
from gem_integration.signal.collector import Collector, Place
from gem_integration.signal.delineation import PR_MAX_MS, Delineation
from gem_integration.signal.intervals import GlobalMarks
from gem_integration.signal.waves import median_over_leads

RATE_UNCERTAINTY_BPM = 2.0
RR_UNCERTAINTY_MS = 8.0
RATIO_UNCERTAINTY = 0.01
FRACTION_UNCERTAINTY = 0.05
ATRIAL_P_MIN = 0.5  #: share of beats with P from which P waves give the atrial rate
ECTOPIC = (BeatClass.ECTOPIC_NARROW, BeatClass.ECTOPIC_WIDE, BeatClass.FUSION)
RR_KINDS = (Kind.HEART_RATE, Kind.RR_INTERVAL, Kind.RR_MIN, Kind.RR_MAX)
VARIATION_KINDS = (Kind.RR_CV, Kind.RR_NRMSSD, Kind.RR_JUMP_MAX)


def measure_rate(found: Delineation, out: Collector) -> None:
    """Measure heart rate and RR over all beats."""
    if found.beat_count < 2:
        out.miss(None, "fewer than two beats", RR_KINDS)
        return
    rr = np.diff(found.r_ms)
    mean = float(rr.mean())
    everywhere = out.range_between(float(found.r_ms[0]), float(found.r_ms[-1]))
    place = Place(beats=tuple(range(1, found.beat_count + 1)), samples=everywhere)
    method = f"mean of all {len(rr)} RR intervals"
    rate = 60_000.0 / mean
    uncertainty = max(RATE_UNCERTAINTY_BPM, rate * RR_UNCERTAINTY_MS / (mean * sqrt(len(rr))))
    out.add(Kind.HEART_RATE, rate, place=place, uncertainty=uncertainty, method=method)
    out.add(Kind.RR_INTERVAL, mean, place=place, uncertainty=RR_UNCERTAINTY_MS, method=method)
    for kind, index in ((Kind.RR_MIN, int(rr.argmin())), (Kind.RR_MAX, int(rr.argmax()))):
        ends = (float(found.r_ms[index]), float(found.r_ms[index + 1]))
        one = Place(beats=(index + 1, index + 2), samples=out.range_between(*ends))
        out.add(kind, float(rr[index]), place=one, uncertainty=RR_UNCERTAINTY_MS, method="one RR interval")


def measure_variation(found: Delineation, compared: Compared, out: Collector) -> None:
    """Measure RR variation over pairs of beats that are not ectopic."""
    rr = np.diff(found.r_ms)
    regular = np.array([kind not in ECTOPIC for kind in compared.classes], dtype=np.bool_)
    pair = regular[1:] & regular[:-1]
    if pair.sum() < 3:
        out.miss(None, "fewer than three RR intervals between beats that are not ectopic", VARIATION_KINDS)
        return
    mean, jumps = float(rr[pair].mean()), np.diff(rr)[pair[1:] & pair[:-1]]
    chosen = np.flatnonzero(pair)
    spans = out.ranges_between(found.r_ms[chosen], found.r_ms[chosen + 1])
    place = Place(beats=tuple((chosen + 1).tolist()), samples=spans)
    method = f"{len(chosen)} RR intervals, ectopic pairs left out"
    values = {Kind.RR_CV: float(rr[pair].std()) / mean}
    if len(jumps):
        values[Kind.RR_NRMSSD] = float(np.sqrt(np.square(jumps).mean())) / mean
        values[Kind.RR_JUMP_MAX] = float(np.abs(jumps).max()) / mean
    for kind, value in values.items():
        out.add(kind, value, place=place, uncertainty=RATIO_UNCERTAINTY, method=method)
    out.miss(None, "no three successive beats without ectopy", set(VARIATION_KINDS) - values.keys())


def measure_ectopy(found: Delineation, compared: Compared, out: Collector) -> None:
    """Count beats, ectopic beats, runs and pacing spikes."""
    wide = np.array([kind is BeatClass.ECTOPIC_WIDE for kind in compared.classes], dtype=np.bool_)
    narrow = np.array([kind is BeatClass.ECTOPIC_NARROW for kind in compared.classes], dtype=np.bool_)
    paced = np.array([kind is BeatClass.PACED for kind in compared.classes], dtype=np.bool_)
    everything = np.ones(found.beat_count, dtype=np.bool_)
    _count(Kind.BEAT_COUNT, everything, found, out)
    _count(Kind.ECTOPIC_WIDE_COUNT, wide, found, out)
    _count(Kind.ECTOPIC_NARROW_COUNT, narrow, found, out)
    run = _longest_run(wide)
    _count(Kind.WIDE_RUN_MAX, run, found, out)
    if found.beat_count:
        place = _place(paced, _qrs_ms(found), out)
        fraction = float(paced.mean())
        method = f"spikes at {int(paced.sum())} of {found.beat_count} beats; at 500 Hz one in four is missed"
        out.add(Kind.SPIKE_FRACTION, fraction, place=place, uncertainty=FRACTION_UNCERTAINTY, method=method)


def measure_atrial(found: Delineation, marks: GlobalMarks, residual: Residual | None, out: Collector) -> None:
    """Measure the presence and constancy of P waves, lone P waves, and the atrial rate."""
    answerable = marks.qrs_on > PR_MAX_MS / 2
    present = np.isfinite(marks.p_on)
    fraction = float(present[answerable].mean()) if answerable.any() else 0.0
    if answerable.any():
        place = _place(present, (marks.p_on, marks.p_off), out)
        method = f"P seen before {int(present[answerable].sum())} of {int(answerable.sum())} QRS complexes"
        out.add(
            Kind.P_PRESENT_FRACTION, fraction, place=place, uncertainty=FRACTION_UNCERTAINTY, method=method
        )
    else:
        out.miss(None, "no beat with enough signal before it", [Kind.P_PRESENT_FRACTION])
    _measure_p_constancy(found, marks, present, out)
    _measure_residual(residual, out)
    lone, ends = median_over_leads(found.lone_p.on_ms), median_over_leads(found.lone_p.off_ms)
    between = np.isfinite(lone) & (lone > found.r_ms[0]) & (lone < found.r_ms[-1])
    place = Place(samples=out.ranges_between(lone[between], ends[between]))
    count = float(between.sum())
    out.add(
        Kind.DROPPED_BEAT_COUNT, count, place=place, uncertainty=0.0, method="P waves that lead to no QRS"
    )
    _measure_atrial_rate(found, fraction, residual, out)


def _measure_p_constancy(found: Delineation, marks: GlobalMarks, present: MaskArray, out: Collector) -> None:
    place = _place(present, (marks.p_on, marks.qrs_on), out)
    pr = (marks.qrs_on - marks.p_on)[present]
    if len(pr) >= 3:
        out.add(Kind.PR_SD, float(pr.std()), place=place, uncertainty=5.0, method=f"PR of {len(pr)} beats")
    else:
        out.miss(None, "fewer than three P waves", [Kind.PR_SD])
    correlation = p_correlation(found)
    if correlation is None:
        out.miss(None, "fewer than three P waves", [Kind.P_CORRELATION])
    else:
        method = "median correlation with the median P wave, all leads"
        out.add(Kind.P_CORRELATION, correlation, place=place, uncertainty=0.03, method=method)


def _measure_residual(residual: Residual | None, out: Collector) -> None:
    if residual is None:
        out.miss(None, "too short, or no lead that shows the atria", [Kind.F_WAVE_RATIO, Kind.FLUTTER_RATE])
        return
    whole = Place(samples=((0, out.sample_count),))
    method = residual.method
    out.add(Kind.F_WAVE_RATIO, residual.f_wave_ratio, place=whole, uncertainty=0.05, method=method)
    if residual.flutter_rate is None:
        out.miss(None, "no narrow peak with harmonics between 200 and 370 per minute", [Kind.FLUTTER_RATE])
    else:
        out.add(Kind.FLUTTER_RATE, residual.flutter_rate, place=whole, uncertainty=10.0, method=method)


def _measure_atrial_rate(
    found: Delineation, fraction: float, residual: Residual | None, out: Collector
) -> None:
    peaks = np.concatenate([_middles(found.p.peak_ms), _middles(found.lone_p.peak_ms)])
    peaks = np.sort(peaks[np.isfinite(peaks)])
    if fraction >= ATRIAL_P_MIN and len(peaks) >= 3:
        pp = float(np.median(np.diff(peaks)))
        place = Place(samples=out.range_between(float(peaks[0]), float(peaks[-1])))
        method = f"median of {len(peaks) - 1} PP intervals"
        out.add(Kind.ATRIAL_RATE, 60_000.0 / pp, place=place, uncertainty=3.0, method=method)
    elif residual is not None and residual.flutter_rate is not None:
        whole = Place(samples=((0, out.sample_count),))
        out.add(
            Kind.ATRIAL_RATE, residual.flutter_rate, place=whole, uncertainty=10.0, method="flutter waves"
        )
    else:
        out.miss(None, "no regular atrial activity found", [Kind.ATRIAL_RATE])


def _middles(marks: FloatArray) -> FloatArray:
    middles = median_over_leads(marks)
    return middles[np.isfinite(middles)]


def _qrs_ms(found: Delineation) -> tuple[FloatArray, FloatArray]:
    return median_over_leads(found.qrs.on_ms), median_over_leads(found.qrs.off_ms)


def _place(chosen: MaskArray, spans_ms: tuple[FloatArray, FloatArray], out: Collector) -> Place:
    start, stop = spans_ms
    rows = np.flatnonzero(chosen)
    return Place(beats=tuple((rows + 1).tolist()), samples=out.ranges_between(start[rows], stop[rows]))


def _count(kind: Kind, chosen: MaskArray, found: Delineation, out: Collector) -> None:
    out.add(
        kind,
        float(chosen.sum()),
        place=_place(chosen, _qrs_ms(found), out),
        uncertainty=0.0,
        method="count of beats",
    )


def _longest_run(mask: MaskArray) -> MaskArray:
    """Return the beats of the longest run of ``mask``."""
    edges = np.diff(np.r_[False, mask, False].astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    out = np.zeros(len(mask), dtype=np.bool_)
    if len(starts):
        longest = int((stops - starts).argmax())
        out[starts[longest] : stops[longest]] = True
    return out
