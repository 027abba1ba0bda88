"""Everything measured on one recording."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gem_integration.domain.ecg import Lead, Recording
from gem_integration.domain.measurement import Beat, BeatClass, Fiducials, Measurements
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.quality import Quality, QualityFlag
from gem_integration.signal.analysis import analyse
from gem_integration.signal.atrial import atrial_residual
from gem_integration.signal.beats import Compared
from gem_integration.signal.collector import Collector
from gem_integration.signal.delineation import Delineation
from gem_integration.signal.intervals import (
    AXES,
    FrontalAreas,
    GlobalMarks,
    measure_axes,
    measure_intervals,
    measure_qtc,
)
from gem_integration.signal.lead_beats import measure_leads
from gem_integration.signal.rhythm import measure_atrial, measure_ectopy, measure_rate, measure_variation
from gem_integration.signal.wave_amplitudes import LeadBeat, p_area_mv_ms

SPIKE_REACH_MS = 350.0  #: an atrial spike stands at most this long before its QRS


def measure(recording: Recording, quality: Quality) -> Measurements:
    """Measure beats, intervals, axes and every lead's waves; what cannot be measured has its reason.

    ``recording`` has its standard leads (``leads.with_standard_leads``); only leads that ``quality`` calls
    usable are looked at. Marks are samples as received. Never raises on a legal recording.
    """
    leads = tuple(lead for lead in recording.leads if quality.lead_usable(lead))
    analysis = analyse(recording, leads)
    out = Collector(recording.sampling_rate_hz, recording.sample_count)
    if analysis is None:
        out.miss(None, "no QRS complex was found", Kind)
        return _measurements(recording, quality, (), out)
    found, compared, marks = analysis.found, analysis.compared, analysis.marks
    residual = atrial_residual(found, compared, analysis.typical)
    measure_rate(found, out)
    measure_variation(found, compared, out)
    measure_ectopy(found, compared, out)
    measure_atrial(found, marks, residual, out)
    measure_intervals(marks, compared, out)
    measure_leads(found, compared, analysis.leads, out)
    _measure_axes(quality, analysis.leads, out)
    measure_qtc(out.value(Kind.QT_INTERVAL), out.value(Kind.RR_INTERVAL), out.place(Kind.QT_INTERVAL), out)
    return _measurements(recording, quality, _beats(found, compared, marks, out), out)


def _measurements(
    recording: Recording, quality: Quality, beats: tuple[Beat, ...], out: Collector
) -> Measurements:
    return Measurements(
        sampling_rate_hz=recording.sampling_rate_hz,
        sample_count=recording.sample_count,
        quality=quality,
        beats=beats,
        items=tuple(out.items),
        unmeasured=out.unmeasured,
    )


def _measure_axes(quality: Quality, beats: Mapping[Lead, LeadBeat], out: Collector) -> None:
    """Measure the axes unless the limb leads contradict each other."""
    axis_kinds = (*AXES, Kind.QRS_T_ANGLE)
    if QualityFlag.INCONSISTENT in quality.flags:
        out.miss(None, "the limb leads contradict each other: scales differ or a lead is wrong", axis_kinds)
        return
    if Lead.I not in beats or Lead.AVF not in beats:
        out.miss(None, "leads I and aVF are needed", axis_kinds)
        return
    areas = FrontalAreas(
        p=_pair(p_area_mv_ms(beats[Lead.I]), p_area_mv_ms(beats[Lead.AVF])),
        qrs=_pair(out.value(Kind.QRS_AREA, Lead.I), out.value(Kind.QRS_AREA, Lead.AVF)),
        t=_pair(out.value(Kind.T_AREA, Lead.I), out.value(Kind.T_AREA, Lead.AVF)),
    )
    places = {
        Kind.P_AXIS: out.place(Kind.P_AMPLITUDE, Lead.I),
        Kind.QRS_AXIS: out.place(Kind.QRS_AREA, Lead.I),
        Kind.T_AXIS: out.place(Kind.T_AREA, Lead.I),
    }
    measure_axes(areas, places, out)


def _pair(first: float | None, second: float | None) -> tuple[float, float] | None:
    return None if first is None or second is None else (first, second)


def _beats(found: Delineation, compared: Compared, marks: GlobalMarks, out: Collector) -> tuple[Beat, ...]:
    return tuple(
        _beat(index, found, (compared.classes[index], marks), out) for index in range(found.beat_count)
    )


def _beat(index: int, found: Delineation, known: tuple[BeatClass, GlobalMarks], out: Collector) -> Beat:
    beat_class, marks = known

    def at(place_ms: float) -> int | None:
        if not np.isfinite(place_ms):
            return None
        return min(max(out.sample(place_ms), 0), out.sample_count - 1)

    delay = marks.qrs_on[index] - found.spikes_ms
    near = found.spikes_ms[(delay <= SPIKE_REACH_MS) & (found.spikes_ms <= marks.qrs_off[index])]
    own = {lead: _own_marks(index, row, found) for row, lead in enumerate(found.leads)}
    return Beat(
        number=index + 1,
        r_sample=at(found.r_ms[index]) or 0,
        beat_class=beat_class,
        marks=Fiducials(
            p_on=at(marks.p_on[index]),
            p_peak=at(marks.p_peak[index]),
            p_off=at(marks.p_off[index]),
            qrs_on=at(marks.qrs_on[index]),
            r_peak=at(found.r_ms[index]),
            qrs_off=at(marks.qrs_off[index]),
            t_on=at(marks.t_on[index]),
            t_peak=at(marks.t_peak[index]),
            t_off=at(marks.t_off[index]),
        ),
        leads={
            lead: Fiducials(**{name: at(place) for name, place in own[lead].items()}) for lead in found.leads
        },
        spikes=tuple(place for place in map(at, near.tolist()) if place is not None),
    )


def _own_marks(beat: int, lead: int, found: Delineation) -> dict[str, float]:
    """Return one lead's nine marks of one beat, in ms."""
    marks: dict[str, float] = {}
    for name, waves in (("p", found.p), ("t", found.t)):
        marks[f"{name}_on"] = float(waves.on_ms[beat, lead])
        marks[f"{name}_peak"] = float(waves.peak_ms[beat, lead])
        marks[f"{name}_off"] = float(waves.off_ms[beat, lead])
    marks["qrs_on"] = float(found.qrs.on_ms[beat, lead])
    marks["r_peak"] = float(found.qrs.peak_ms[beat, lead])
    marks["qrs_off"] = float(found.qrs.off_ms[beat, lead])
    return marks
