"""Everything measured on one recording."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead, Recording
from gem_integration.domain.measurement import Beat, Fiducials, Measurements
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.quality import Quality, QualityFlag
from gem_integration.signal.analysis import analyse
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
from gem_integration.signal.wave_amplitudes import ST_POINTS, LeadBeat, p_area_mv_ms
from gem_integration.terminology.codes import measurement_codes

VOLTAGE_UNITS = frozenset({"mV", "mV/s", "mV.ms"})
LEVEL_KINDS = {*ST_POINTS, Kind.ST_SLOPE, Kind.ST_DURATION, Kind.PR_LEVEL, Kind.U_AMPLITUDE}
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
    measure_rate(found, out)
    measure_variation(found, compared, out)
    measure_ectopy(found, compared, out)
    measure_atrial(found, marks, analysis.residual, out)
    measure_intervals(marks, compared, out)
    measure_leads(found, compared, analysis.leads, out)
    _measure_axes(quality, analysis.leads, out)
    if QualityFlag.INCONSISTENT in quality.flags:
        out.withdraw(_voltages(), "the leads' scales contradict each other: no voltage can be trusted")
    if analysis.residual is not None and analysis.residual.flutter_rate is not None:
        out.withdraw(LEVEL_KINDS, "flutter waves run through the segments before and after QRS")
    measure_qtc(out.value(Kind.QT_INTERVAL), out.value(Kind.RR_INTERVAL), out.place(Kind.QT_INTERVAL), out)
    return _measurements(recording, quality, _beats(found, compared, marks, out), out)


def _voltages() -> set[Kind]:
    return {kind for kind, code in measurement_codes().items() if code.unit in VOLTAGE_UNITS}


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
    own = {name: _samples(places, out) for name, places in _lead_marks(found).items()}
    whole = {name: _samples(places[:, None], out) for name, places in _whole_marks(found, marks).items()}
    return tuple(
        Beat(
            number=beat + 1,
            r_sample=whole["r_peak"][beat][0] or 0,
            beat_class=compared.classes[beat],
            marks=Fiducials(**{name: rows[beat][0] for name, rows in whole.items()}),
            leads={
                lead: Fiducials(**{name: rows[beat][row] for name, rows in own.items()})
                for row, lead in enumerate(found.leads)
            },
            spikes=_spikes(beat, found, marks, out),
        )
        for beat in range(found.beat_count)
    )


def _samples(places_ms: FloatArray, out: Collector) -> list[list[int | None]]:
    """Return (beat, lead) samples as received, ``None`` where there is no mark."""
    places = np.clip(np.rint(np.nan_to_num(places_ms) * out.rate_hz / 1000.0), 0, out.sample_count - 1)
    rows = zip(places.astype(int).tolist(), np.isfinite(places_ms).tolist(), strict=True)
    return [[at if known else None for at, known in zip(*row, strict=True)] for row in rows]


def _spikes(beat: int, found: Delineation, marks: GlobalMarks, out: Collector) -> tuple[int, ...]:
    delay = marks.qrs_on[beat] - found.spikes_ms
    near = found.spikes_ms[(delay <= SPIKE_REACH_MS) & (found.spikes_ms <= marks.qrs_off[beat])]
    return tuple(out.sample(place) for place in near.tolist())


def _lead_marks(found: Delineation) -> dict[str, FloatArray]:
    return {
        "p_on": found.p.on_ms,
        "p_peak": found.p.peak_ms,
        "p_off": found.p.off_ms,
        "qrs_on": found.qrs.on_ms,
        "r_peak": found.qrs.peak_ms,
        "qrs_off": found.qrs.off_ms,
        "t_on": found.t.on_ms,
        "t_peak": found.t.peak_ms,
        "t_off": found.t.off_ms,
    }


def _whole_marks(found: Delineation, marks: GlobalMarks) -> dict[str, FloatArray]:
    return {
        "p_on": marks.p_on,
        "p_peak": marks.p_peak,
        "p_off": marks.p_off,
        "qrs_on": marks.qrs_on,
        "r_peak": found.r_ms,
        "qrs_off": marks.qrs_off,
        "t_on": marks.t_on,
        "t_peak": marks.t_peak,
        "t_off": marks.t_off,
    }
