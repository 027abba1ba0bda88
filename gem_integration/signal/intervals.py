"""Global intervals and axes of the dominant beats."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, sqrt

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.signal.beats import Compared, early, late
from gem_integration.signal.collector import Collector, Place
from gem_integration.signal.delineation import Delineation
from gem_integration.signal.waves import median_over_leads

#: Half widths of the 95 % interval in ms against cardiologists' marks (docs/decisions/0010-delineation.md),
#: never under the standard deviations IEC 60601-2-25 allows.
INTERVAL_UNCERTAINTY_MS = {
    Kind.P_DURATION: 24.0,
    Kind.PR_INTERVAL: 16.0,
    Kind.QRS_DURATION: 20.0,
    Kind.QT_INTERVAL: 30.0,
    Kind.JT_INTERVAL: 34.0,
}
AXIS_UNCERTAINTY_DEG = 10.0
AXIS_AREA_MIN_MV_MS = {Kind.P_AXIS: 0.8, Kind.QRS_AXIS: 2.0, Kind.T_AXIS: 3.0}
AXES = (Kind.P_AXIS, Kind.QRS_AXIS, Kind.T_AXIS)
QTC_KINDS = (Kind.QTC_BAZETT, Kind.QTC_FRIDERICIA, Kind.QTC_FRAMINGHAM, Kind.QTC_HODGES)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GlobalMarks:
    """Each beat's marks over all leads, in ms from the first sample; NaN where the beat has no such wave."""

    p_on: FloatArray
    p_peak: FloatArray
    p_off: FloatArray
    qrs_on: FloatArray
    qrs_off: FloatArray
    t_on: FloatArray
    t_peak: FloatArray
    t_off: FloatArray


def global_marks(found: Delineation) -> GlobalMarks:
    """Return the second earliest onsets and second latest ends over leads (AHA/ACCF/HRS Part III)."""
    qrs_on = early(found.qrs.on_ms)
    p_off = np.minimum(late(found.p.off_ms), qrs_on)
    return GlobalMarks(
        p_on=early(found.p.on_ms),
        p_peak=median_over_leads(found.p.peak_ms),
        p_off=p_off,
        qrs_on=qrs_on,
        qrs_off=late(found.qrs.off_ms),
        t_on=early(found.t.on_ms),
        t_peak=median_over_leads(found.t.peak_ms),
        t_off=late(found.t.off_ms),
    )


def measure_intervals(marks: GlobalMarks, compared: Compared, out: Collector) -> None:
    """Measure P, PR, QRS, QT and JT as medians over the dominant beats."""
    pairs = {
        Kind.P_DURATION: (marks.p_on, marks.p_off),
        Kind.PR_INTERVAL: (marks.p_on, marks.qrs_on),
        Kind.QRS_DURATION: (marks.qrs_on, marks.qrs_off),
        Kind.QT_INTERVAL: (marks.qrs_on, marks.t_off),
        Kind.JT_INTERVAL: (marks.qrs_off, marks.t_off),
    }
    for kind, (start, stop) in pairs.items():
        known = np.flatnonzero(compared.main & np.isfinite(stop - start))
        if len(known) == 0 or len(known) < compared.main.sum() / 4:
            out.miss(None, "too few beats have the wave it needs", [kind])
            continue
        values = (stop - start)[known]
        spread = 2.0 * 1.25 * float(values.std()) / sqrt(len(values))
        place = Place(
            beats=tuple((known + 1).tolist()),
            samples=out.ranges_between(start[known], stop[known]),
        )
        out.add(
            kind,
            float(np.rint(np.median(values))),  # carts state whole milliseconds; the rest would be show
            place=place,
            uncertainty=float(np.hypot(INTERVAL_UNCERTAINTY_MS[kind], spread)),
            method=f"median of {len(known)} beats, second earliest onset to second latest end over leads",
        )


def measure_qtc(qt_ms: float | None, rr_ms: float | None, place: Place, out: Collector) -> None:
    """Correct QT for rate by the four formulas of ecg-criteria 3.0."""
    if qt_ms is None or rr_ms is None or rr_ms <= 0:
        out.miss(None, "QT or RR could not be measured", QTC_KINDS)
        return
    rr_s = rr_ms / 1000.0
    base = INTERVAL_UNCERTAINTY_MS[Kind.QT_INTERVAL]
    formulas = {
        Kind.QTC_BAZETT: (qt_ms / sqrt(rr_s), base / sqrt(rr_s), "QT / RR^(1/2)"),
        Kind.QTC_FRIDERICIA: (qt_ms / rr_s ** (1 / 3), base / rr_s ** (1 / 3), "QT / RR^(1/3)"),
        Kind.QTC_FRAMINGHAM: (qt_ms + 154.0 * (1.0 - rr_s), base, "QT + 154 (1 - RR)"),
        Kind.QTC_HODGES: (qt_ms + 1.75 * (60.0 / rr_s - 60.0), base, "QT + 1.75 (HR - 60)"),
    }
    for kind, (value, uncertainty, formula) in formulas.items():
        out.add(kind, value, place=place, uncertainty=uncertainty, method=formula)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontalAreas:
    """Net areas in mV·ms in leads I and aVF of P, QRS and T; ``None`` where not measured."""

    p: tuple[float, float] | None
    qrs: tuple[float, float] | None
    t: tuple[float, float] | None


def measure_axes(areas: FrontalAreas, places: dict[Kind, Place], out: Collector) -> None:
    """Measure the frontal axes by net area: atan2(2/√3 aVF, I) (ecg-criteria 3.0)."""
    found: dict[Kind, float] = {}
    for kind, pair in zip(AXES, (areas.p, areas.qrs, areas.t), strict=True):
        if pair is None:
            out.miss(None, f"the wave was not found in leads {Lead.I} and {Lead.AVF}", [kind])
            continue
        x, y = pair[0], pair[1] * 2.0 / sqrt(3.0)
        size = float(np.hypot(x, y))
        if size < AXIS_AREA_MIN_MV_MS[kind]:
            out.miss(None, "the net areas in leads I and aVF are too small for an axis", [kind])
            continue
        found[kind] = degrees(atan2(y, x))
        small = 4.0 * AXIS_AREA_MIN_MV_MS[kind] / size
        out.add(
            kind,
            found[kind],
            place=places[kind],
            uncertainty=max(AXIS_UNCERTAINTY_DEG, min(60.0, 5.0 * small)),
            method="net area of leads I and aVF",
        )
    _measure_angle(found, places, out)


def _measure_angle(found: dict[Kind, float], places: dict[Kind, Place], out: Collector) -> None:
    if Kind.QRS_AXIS not in found or Kind.T_AXIS not in found:
        out.miss(None, "QRS or T axis could not be measured", [Kind.QRS_T_ANGLE])
        return
    apart = abs(found[Kind.QRS_AXIS] - found[Kind.T_AXIS])
    out.add(
        Kind.QRS_T_ANGLE,
        min(apart, 360.0 - apart),
        place=places[Kind.QRS_AXIS],
        uncertainty=15.0,
        method="difference of the QRS and T axes",
    )
