"""Each lead's part of the representative beat, and the lead's own intervals."""

from __future__ import annotations

from collections.abc import Mapping

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

    def typically(places_ms: FloatArray) -> float:
        relative = (places_ms - aligned)[chosen]
        if np.isfinite(relative).mean() < SHARE_MIN:
            return float("nan")
        return float(median_over_leads(relative[None])[0]) / STEP_MS + typical.origin

    first_wave = np.where(np.isfinite(marks.p_on), marks.p_on, marks.qrs_on)
    following = np.r_[first_wave[1:], np.inf]
    next_on = float(np.min((following - aligned)[chosen])) / STEP_MS + typical.origin
    return {
        lead: LeadBeat(
            lead=lead,
            samples_mv=typical.samples_mv[row],
            qrs_on=typically(marks.qrs_on),
            qrs_off=typically(marks.qrs_off),
            p_on=typically(found.p.on_ms[:, row]),
            p_off=typically(np.minimum(found.p.off_ms[:, row], marks.qrs_on)),
            t_on=typically(found.t.on_ms[:, row]),
            t_off=typically(found.t.off_ms[:, row]),
            next_on=next_on,
        )
        for row, lead in enumerate(found.leads)
    }


def measure_leads(
    found: Delineation, compared: Compared, beats: Mapping[Lead, LeadBeat], out: Collector
) -> None:
    """Measure every lead's waves and its own intervals over the dominant beats."""
    chosen = np.flatnonzero(compared.main)
    for row, (lead, beat) in enumerate(beats.items()):
        _measure_lead_intervals(row, lead, (found, compared.main), out)
        measure_lead(beat, _places(row, lead, (found, chosen), out), out)


def _places(
    row: int, lead: Lead, where: tuple[Delineation, np.ndarray[tuple[int], np.dtype[np.intp]]], out: Collector
) -> Places:
    found, chosen = where
    beats = tuple((chosen + 1).tolist())

    def place(start_ms: FloatArray, stop_ms: FloatArray) -> Place:
        return Place(lead=lead, beats=beats, samples=out.ranges_between(start_ms[chosen], stop_ms[chosen]))

    end = found.qrs.off_ms[:, row]
    return Places(
        p=place(found.p.on_ms[:, row], found.p.off_ms[:, row]),
        qrs=place(found.qrs.on_ms[:, row], end),
        st=place(end, end + ST_REACH_MS),
        t=place(found.t.on_ms[:, row], found.t.off_ms[:, row]),
    )


def _measure_lead_intervals(
    row: int, lead: Lead, where: tuple[Delineation, MaskArray], out: Collector
) -> None:
    found, main = where
    p, qrs, t = found.p, found.qrs, found.t
    pairs = {
        Kind.P_DURATION: (p.on_ms[:, row], p.off_ms[:, row]),
        Kind.PR_INTERVAL: (p.on_ms[:, row], qrs.on_ms[:, row]),
        Kind.QRS_DURATION: (qrs.on_ms[:, row], qrs.off_ms[:, row]),
        Kind.QT_INTERVAL: (qrs.on_ms[:, row], t.off_ms[:, row]),
        Kind.T_DURATION: (t.on_ms[:, row], t.off_ms[:, row]),
    }
    for kind, (start, stop) in pairs.items():
        known = np.flatnonzero(main & np.isfinite(stop - start))
        if len(known) < SHARE_MIN * main.sum():
            out.miss(lead, "too few beats have the wave it needs in this lead", [kind])
            continue
        out.add(
            kind,
            float(median_over_leads((stop - start)[None, known])[0]),
            place=Place(
                lead=lead,
                beats=tuple((known + 1).tolist()),
                samples=out.ranges_between(start[known], stop[known]),
            ),
            uncertainty=LEAD_INTERVAL_UNCERTAINTY_MS[kind],
            method=f"median of {len(known)} beats in this lead",
        )
    _measure_lead_rate(qrs.peak_ms[:, row], lead, out)


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
