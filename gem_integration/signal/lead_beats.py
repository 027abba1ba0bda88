"""Each lead's part of the representative beat, and the lead's own intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead, MaskArray
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.signal.beats import STEP_MS, Compared, Representative
from gem_integration.signal.collector import Collector, Place
from gem_integration.signal.delineation import Delineation
from gem_integration.signal.intervals import GlobalMarks
from gem_integration.signal.rhythm import RATE_UNCERTAINTY_BPM, RR_UNCERTAINTY_MS
from gem_integration.signal.wave_amplitudes import LeadBeat, Places, measure_lead
from gem_integration.signal.waves import median_over_leads

#: One lead's marks scatter more than the global ones (docs/decisions/0010-delineation.md).
LEAD_INTERVAL_UNCERTAINTY_MS = {
    Kind.P_DURATION: 30.0,
    Kind.PR_INTERVAL: 26.0,
    Kind.QRS_DURATION: 24.0,
    Kind.QT_INTERVAL: 40.0,
    Kind.T_DURATION: 50.0,
}
ST_REACH_MS = 80.0
SHARE_MIN = 0.5  #: of the dominant beats must show a wave in a lead for the lead to have it


def lead_beats(
    found: Delineation, compared: Compared, marks: GlobalMarks, typical: Representative
) -> dict[Lead, LeadBeat]:
    """Return each lead's representative beat with the median places of its waves."""
    chosen = np.array(typical.beats, dtype=np.intp)
    aligned = compared.aligned_ms

    def typically(places_ms: FloatArray) -> list[float]:
        relative = (places_ms.reshape(len(aligned), -1) - aligned[:, None])[chosen]
        enough = np.isfinite(relative).mean(axis=0) >= SHARE_MIN
        middle = np.where(enough, median_over_leads(relative.T), np.nan)
        return [float(place) for place in (middle / STEP_MS + typical.origin)]

    first_wave = np.where(np.isfinite(marks.p_on), marks.p_on, marks.qrs_on)
    following = np.r_[first_wave[1:], np.inf]
    next_on = float(np.min((following - aligned)[chosen])) / STEP_MS + typical.origin
    (qrs_on,), (qrs_off,) = typically(marks.qrs_on), typically(marks.qrs_off)
    p_off = np.minimum(found.p.off_ms, marks.qrs_on[:, None])
    own = (typically(found.p.on_ms), typically(p_off), typically(found.t.on_ms), typically(found.t.off_ms))
    columns = zip(found.leads, typical.samples_mv, *own, strict=True)
    return {
        lead: LeadBeat(
            lead=lead,
            samples_mv=samples_mv,
            qrs_on=qrs_on,
            qrs_off=qrs_off,
            p_on=p_on,
            p_off=p_end,
            t_on=t_on,
            t_off=t_off,
            next_on=next_on,
        )
        for lead, samples_mv, p_on, p_end, t_on, t_off in columns
    }


def measure_leads(
    found: Delineation, compared: Compared, beats: Mapping[Lead, LeadBeat], out: Collector
) -> None:
    """Measure every lead's waves and its own intervals over the dominant beats."""
    intervals = _intervals(found, compared.main, out)
    places = _places(found, np.flatnonzero(compared.main), out)
    for row, (lead, beat) in enumerate(beats.items()):
        for kind, leads in intervals.items():
            _add_interval(kind, leads[row], lead, out)
        _measure_lead_rate(found.qrs.peak_ms[:, row], lead, out)
        measure_lead(beat, places[row], out)


def _places(
    found: Delineation, chosen: np.ndarray[tuple[int], np.dtype[np.intp]], out: Collector
) -> list[Places]:
    """Return where each lead's waves lie in the chosen beats."""
    beats = tuple((chosen + 1).tolist())

    def place(start_ms: FloatArray, stop_ms: FloatArray) -> list[Place]:
        spans = out.ranges_by_lead(start_ms[chosen], stop_ms[chosen])
        return [
            Place(lead=lead, beats=beats, samples=own) for lead, own in zip(found.leads, spans, strict=True)
        ]

    end = found.qrs.off_ms
    waves = (
        place(found.p.on_ms, found.p.off_ms),
        place(found.qrs.on_ms, end),
        place(end, end + ST_REACH_MS),
        place(found.t.on_ms, found.t.off_ms),
    )
    return [Places(p=p, qrs=qrs, st=st, t=t) for p, qrs, st, t in zip(*waves, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Interval:
    """One lead's median interval in ms with its place; NaN where too few beats have it."""

    median_ms: float
    place: Place


def _intervals(found: Delineation, main: MaskArray, out: Collector) -> dict[Kind, list[_Interval]]:
    """Return each kind's interval lead by lead: medians over the dominant beats."""
    p, qrs, t = found.p, found.qrs, found.t
    pairs = {
        Kind.P_DURATION: (p.on_ms, p.off_ms),
        Kind.PR_INTERVAL: (p.on_ms, qrs.on_ms),
        Kind.QRS_DURATION: (qrs.on_ms, qrs.off_ms),
        Kind.QT_INTERVAL: (qrs.on_ms, t.off_ms),
        Kind.T_DURATION: (t.on_ms, t.off_ms),
    }
    return {kind: _interval_by_lead(found.leads, main, pair, out) for kind, pair in pairs.items()}


def _interval_by_lead(
    leads: tuple[Lead, ...], main: MaskArray, pair: tuple[FloatArray, FloatArray], out: Collector
) -> list[_Interval]:
    start, stop = (np.where(main[:, None], marks, np.nan) for marks in pair)
    length = stop - start
    known = np.isfinite(length)
    medians = np.where(known.sum(axis=0) >= SHARE_MIN * main.sum(), median_over_leads(length.T), np.nan)
    numbers = np.arange(1, len(main) + 1)
    columns = zip(leads, medians.tolist(), known.T, out.ranges_by_lead(start, stop), strict=True)
    return [
        _Interval(
            median_ms=median,
            place=Place(lead=lead, beats=tuple(numbers[shown].tolist()), samples=samples),
        )
        for lead, median, shown, samples in columns
    ]


def _add_interval(kind: Kind, interval: _Interval, lead: Lead, out: Collector) -> None:
    if np.isnan(interval.median_ms):
        out.miss(lead, "too few beats have the wave it needs in this lead", [kind])
        return
    out.add(
        kind,
        interval.median_ms,
        place=interval.place,
        uncertainty=LEAD_INTERVAL_UNCERTAINTY_MS[kind],
        method=f"median of {len(interval.place.beats)} beats in this lead",
    )


def _measure_lead_rate(peak_ms: FloatArray, lead: Lead, out: Collector) -> None:
    known = np.flatnonzero(np.isfinite(peak_ms))
    if len(known) < 2:
        out.miss(lead, "fewer than two beats in this lead", [Kind.HEART_RATE, Kind.RR_INTERVAL])
        return
    rr = float(np.median(np.diff(peak_ms[known])))
    span = (float(peak_ms[known[0]]), float(peak_ms[known[-1]]))
    place = Place(lead=lead, beats=tuple((known + 1).tolist()), samples=out.range_between(*span))
    method = "median RR in this lead"
    out.add(Kind.RR_INTERVAL, rr, place=place, uncertainty=RR_UNCERTAINTY_MS, method=method)
    out.add(Kind.HEART_RATE, 60_000.0 / rr, place=place, uncertainty=RATE_UNCERTAINTY_BPM, method=method)
