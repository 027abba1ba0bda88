"""Each lead's amplitudes, durations and shapes, from the representative beat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.signal.beats import LEVEL_WINDOW, STEP_MS
from gem_integration.signal.collector import Collector, Place
from gem_integration.signal.deflections import (
    Deflection,
    initial_slope_ratio,
    notch_count,
    qrs_waves,
    r_peak_time_ms,
)

AMPLITUDE_UNCERTAINTY_MV = 0.025  #: IEC 60601-2-25: 25 µV up to 500 µV …
AMPLITUDE_UNCERTAINTY_SHARE = 0.05  #: … and 5 % above
QRS_WAVE_UNCERTAINTY_MS = 8.0
R_PEAK_UNCERTAINTY_MS = 8.0
ST_WINDOW = 2  #: samples on either side: ST levels are means of 10 ms
ST_POINTS = {Kind.ST_J: 0.0, Kind.ST_J40: 40.0, Kind.ST_J60: 60.0, Kind.ST_J80: 80.0}
T_PART_MIN_MV = 0.05
U_WINDOW_MS = (40.0, 240.0)  #: after the end of T
U_MIN_MV = 0.04
NOTCH_P_SHARE = 0.15
METHOD = "representative beat against the QRS-onset level"

QRS_KINDS = (
    Kind.Q_AMPLITUDE,
    Kind.R_AMPLITUDE,
    Kind.S_AMPLITUDE,
    Kind.R_PRIME_AMPLITUDE,
    Kind.S_PRIME_AMPLITUDE,
    Kind.QRS_AMPLITUDE,
    Kind.QRS_AREA,
    Kind.QRS_NOTCH_COUNT,
    Kind.R_PEAK_TIME,
    Kind.INITIAL_SLOPE_RATIO,
    *ST_POINTS,
    Kind.ST_SLOPE,
)
P_KINDS = (Kind.P_AMPLITUDE, Kind.P_NEGATIVE_AMPLITUDE, Kind.P_TERMINAL_DURATION, Kind.PR_LEVEL)
T_KINDS = (
    Kind.T_AMPLITUDE,
    Kind.T_POSITIVE_AMPLITUDE,
    Kind.T_NEGATIVE_AMPLITUDE,
    Kind.T_SYMMETRY,
    Kind.T_AREA,
    Kind.ST_DURATION,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadBeat:
    """One lead's representative beat and where its waves lie, in samples of it; NaN where absent.

    ``qrs_on`` and ``qrs_off`` are global; the marks of P and T are the lead's own.
    """

    lead: Lead
    samples_mv: FloatArray
    qrs_on: float
    qrs_off: float
    p_on: float
    p_off: float
    t_on: float
    t_off: float
    next_on: float  #: where the next beat's first wave begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where on the recording a lead's P, QRS, ST and T were measured."""

    p: Place
    qrs: Place
    st: Place
    t: Place


def amplitude_uncertainty_mv(value_mv: float) -> float:
    """Return the 95 % half width of an amplitude (IEC 60601-2-25)."""
    return max(AMPLITUDE_UNCERTAINTY_MV, AMPLITUDE_UNCERTAINTY_SHARE * abs(value_mv))


def measure_lead(beat: LeadBeat, places: Places, out: Collector) -> None:
    """Measure every amplitude and shape of one lead."""
    on, off = round(beat.qrs_on), round(beat.qrs_off)
    level = float(beat.samples_mv[max(0, on - LEVEL_WINDOW) : max(on, 1)].mean())
    levelled = beat.samples_mv - level
    _measure_qrs(levelled[on : off + 1], places.qrs, out)
    _measure_st(levelled, beat, places, out)
    _measure_p(levelled, beat, places.p, out)
    _measure_t(levelled, beat, places.t, out)


def p_area_mv_ms(beat: LeadBeat) -> float | None:
    """Return the net area of the P wave against the line from its onset to its end."""
    if not (np.isfinite(beat.p_on) and np.isfinite(beat.p_off)):
        return None
    part = beat.samples_mv[max(0, round(beat.p_on)) : max(1, round(beat.p_off)) + 1]
    return float((part - np.linspace(part[0], part[-1], len(part))).sum() * STEP_MS)


def _add_mv(out: Collector, kind: Kind, value_mv: float, place: Place) -> None:
    out.add(kind, value_mv, place=place, uncertainty=amplitude_uncertainty_mv(value_mv), method=METHOD)


def _measure_qrs(qrs_mv: FloatArray, place: Place, out: Collector) -> None:
    waves = qrs_waves(qrs_mv)
    named: Iterable[tuple[Deflection | None, Kind, Kind | None]] = (
        (waves.q, Kind.Q_AMPLITUDE, Kind.Q_DURATION),
        (waves.r, Kind.R_AMPLITUDE, Kind.R_DURATION),
        (waves.s, Kind.S_AMPLITUDE, Kind.S_DURATION),
        (waves.r_prime, Kind.R_PRIME_AMPLITUDE, Kind.R_PRIME_DURATION),
        (waves.s_prime, Kind.S_PRIME_AMPLITUDE, None),
    )
    for wave, amplitude, duration in named:
        _add_mv(out, amplitude, wave.amplitude_mv if wave else 0.0, place)
        if duration is not None and wave is None:
            out.miss(place.lead, "the wave is absent", [duration])
        elif duration is not None and wave is not None:
            out.add(
                duration, wave.duration_ms, place=place, uncertainty=QRS_WAVE_UNCERTAINTY_MS, method=METHOD
            )
    _add_mv(out, Kind.QRS_AMPLITUDE, float(np.ptp(qrs_mv)), place)
    area = float(qrs_mv.sum() * STEP_MS)
    spread = AMPLITUDE_UNCERTAINTY_MV * len(qrs_mv) * STEP_MS / 2
    out.add(Kind.QRS_AREA, area, place=place, uncertainty=max(spread, 0.05 * abs(area)), method=METHOD)
    out.add(Kind.QRS_NOTCH_COUNT, notch_count(qrs_mv), place=place, uncertainty=0.0, method=METHOD)
    peak_time = r_peak_time_ms(qrs_mv, waves)
    if peak_time is None:
        out.miss(place.lead, "no upright wave in the QRS", [Kind.R_PEAK_TIME])
    else:
        out.add(Kind.R_PEAK_TIME, peak_time, place=place, uncertainty=R_PEAK_UNCERTAINTY_MS, method=METHOD)
    ratio = initial_slope_ratio(qrs_mv)
    if ratio is not None:
        out.add(
            Kind.INITIAL_SLOPE_RATIO,
            ratio,
            place=place,
            uncertainty=0.08,
            method="mean of 40 ms / steepest 10 ms",
        )


def _measure_st(levelled: FloatArray, beat: LeadBeat, places: Places, out: Collector) -> None:
    levels: dict[Kind, float] = {}
    for kind, after_ms in ST_POINTS.items():
        centre = round(beat.qrs_off + after_ms / STEP_MS)
        if centre + ST_WINDOW >= len(levelled):
            continue
        levels[kind] = float(levelled[centre - ST_WINDOW : centre + ST_WINDOW + 1].mean())
        _add_mv(out, kind, levels[kind], places.st)
    if Kind.ST_J80 in levels:
        slope = (levels[Kind.ST_J80] - levels[Kind.ST_J]) / 0.08
        out.add(
            Kind.ST_SLOPE, slope, place=places.st, uncertainty=AMPLITUDE_UNCERTAINTY_MV / 0.08, method=METHOD
        )
    duration = (beat.t_on - beat.qrs_off) * STEP_MS
    if duration >= 0:
        out.add(Kind.ST_DURATION, duration, place=places.st, uncertainty=30.0, method="J to T onset")
    else:
        out.miss(places.st.lead, "T begins within the QRS or was not found", [Kind.ST_DURATION])


def _measure_p(levelled: FloatArray, beat: LeadBeat, place: Place, out: Collector) -> None:
    if not (np.isfinite(beat.p_on) and np.isfinite(beat.p_off)):
        out.miss(place.lead, "no P wave in this lead", (*P_KINDS, Kind.P_NOTCH_GAP))
        return
    on, off = max(0, round(beat.p_on)), max(1, round(beat.p_off))
    part = levelled[on : off + 1]
    wave = part - np.linspace(part[0], part[-1], len(part))
    high, low = max(0.0, float(wave.max())), min(0.0, float(wave.min()))
    _add_mv(out, Kind.P_AMPLITUDE, high if high >= -low else low, place)
    _add_mv(out, Kind.P_NEGATIVE_AMPLITUDE, low, place)
    positive = np.flatnonzero(wave > 0.02)
    terminal = wave[positive[-1] :] if len(positive) and int(wave.argmin()) > int(wave.argmax()) else wave
    duration = float((terminal < -0.02).sum() * STEP_MS)
    if duration > 0:
        out.add(Kind.P_TERMINAL_DURATION, duration, place=place, uncertainty=15.0, method=METHOD)
    gap = _crest_gap_ms(np.abs(wave))
    if gap is not None:
        out.add(Kind.P_NOTCH_GAP, gap, place=place, uncertainty=10.0, method=METHOD)
    _measure_pr_level(levelled, beat, place, out)


def _measure_pr_level(levelled: FloatArray, beat: LeadBeat, place: Place, out: Collector) -> None:
    on, off, qrs = round(beat.p_on), round(beat.p_off), round(beat.qrs_on)
    before = levelled[max(0, on - 2 * LEVEL_WINDOW) : max(1, on)]
    segment = levelled[off:qrs] if qrs - off >= 5 else levelled[max(0, qrs - LEVEL_WINDOW) : qrs]
    if len(segment) and len(before):
        _add_mv(out, Kind.PR_LEVEL, float(segment.mean() - before.mean()), place)


def _crest_gap_ms(wave: FloatArray) -> float | None:
    """Return the distance of a P wave's two crests, if a valley of 15 % lies between them."""
    smooth = np.convolve(wave, np.ones(5) / 5, mode="same")
    crests = np.flatnonzero((np.diff(smooth, prepend=-1) > 0) & (np.diff(smooth, append=-1) <= 0))
    tall = crests[smooth[crests] >= 0.5 * smooth.max()]
    if len(tall) < 2:
        return None
    valley = float(smooth[tall[0] : tall[-1]].min())
    deep = valley <= min(smooth[tall[0]], smooth[tall[-1]]) - NOTCH_P_SHARE * float(smooth.max())
    return float((tall[-1] - tall[0]) * STEP_MS) if deep else None


def _measure_t(levelled: FloatArray, beat: LeadBeat, place: Place, out: Collector) -> None:
    if not (np.isfinite(beat.t_on) and np.isfinite(beat.t_off)):
        out.miss(place.lead, "no T wave in this lead", (*T_KINDS, Kind.T_NEGATIVE_FIRST, Kind.U_AMPLITUDE))
        return
    on, off = max(0, round(beat.t_on)), min(len(levelled) - 1, round(beat.t_off))
    wave = levelled[on : max(off, on + 2) + 1]
    high, low = max(0.0, float(wave.max())), min(0.0, float(wave.min()))
    main = high if high >= -low else low
    _add_mv(out, Kind.T_AMPLITUDE, main, place)
    _add_mv(out, Kind.T_POSITIVE_AMPLITUDE, high, place)
    _add_mv(out, Kind.T_NEGATIVE_AMPLITUDE, low, place)
    if high >= T_PART_MIN_MV and -low >= T_PART_MIN_MV:
        first = float(int(wave.argmin()) < int(wave.argmax()))
        out.add(Kind.T_NEGATIVE_FIRST, first, place=place, uncertainty=0.0, method=METHOD)
    else:
        out.miss(place.lead, "the T wave is not biphasic", [Kind.T_NEGATIVE_FIRST])
    peak = int(np.abs(wave - np.linspace(wave[0], wave[-1], len(wave))).argmax())
    if 0 < peak < len(wave) - 1:
        symmetry = peak / (len(wave) - 1 - peak)
        out.add(
            Kind.T_SYMMETRY, symmetry, place=place, uncertainty=0.2 * symmetry, method="onset-peak / peak-end"
        )
    area = float(wave.sum() * STEP_MS)
    spread = AMPLITUDE_UNCERTAINTY_MV * len(wave) * STEP_MS / 2
    out.add(Kind.T_AREA, area, place=place, uncertainty=max(spread, 0.05 * abs(area)), method=METHOD)
    _measure_u(levelled[: max(off, round(min(beat.next_on, len(levelled))))], off, place, out)


def _measure_u(levelled: FloatArray, t_off: int, place: Place, out: Collector) -> None:
    start, stop = (t_off + round(edge / STEP_MS) for edge in U_WINDOW_MS)
    part = levelled[start:stop]
    if len(part) < stop - start:
        out.miss(place.lead, "too little signal after T", [Kind.U_AMPLITUDE])
        return
    wave = part - np.linspace(part[0], part[-1], len(part))
    top = int(wave.argmax())
    if wave[top] >= U_MIN_MV and 0.15 * len(wave) < top < 0.85 * len(wave):
        _add_mv(out, Kind.U_AMPLITUDE, float(wave[top]), place)
    else:
        out.miss(place.lead, "no U wave stands out", [Kind.U_AMPLITUDE])
