"""The shapes of a scenario's beats: every wave placed in time, with its marks, found once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.simulate.atria import P_COMPONENTS, P_DURATION_S, PForm
from gem_integration.simulate.dipole import (
    PEAK_GRID_S,
    Wave,
    WaveMarks,
    marks_of,
    scaled,
    to_twelve,
    turn_for_axis,
    wave_of,
)
from gem_integration.simulate.repolarisation import PR_SEGMENTS, recovery
from gem_integration.simulate.scenario import FaultKind, QrsForm, Rhythm, Scenario, StTForm
from gem_integration.simulate.ventricles import ACTIVATIONS

QTC_S = 0.416  # Fridericia: QT = QTc x RR^(1/3)
QT_SHARE_OF_RR_MAX = 0.92
JT_MIN_S = 0.100
WIDE_QRS_SHARE_IN_QT = 0.8
PR_S = 0.160
PR_SHORTENING_S_PER_BPM = 0.0003
PR_RANGE_S = (0.124, 0.180)
PR_WPW_S = 0.100
P_SHARE_OF_PR_MAX = 0.85


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """A wave with its marks, global and by lead, in seconds from the wave's onset."""

    wave: Wave
    marks: WaveMarks
    lead_marks: Mapping[Lead, WaveMarks]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BeatShape:
    """How a ventricular beat looks: the QRS from its onset, the ST-T from the J point ``qrs_s`` later.

    The marks of ``st_t`` are those of the T wave alone; ``pr_segment`` runs from the onset of P, where the
    form shifts that level.
    """

    qrs: Shape
    st_t: Shape
    qrs_s: float
    qt_s: float
    pr_segment: Wave | None = None


def pr_s(scenario: Scenario) -> float:
    """Return the PR interval asked for, or what the form and the rate make of it."""
    if scenario.pr_ms is not None:
        return scenario.pr_ms / 1000.0
    if scenario.qrs_form is QrsForm.WPW:
        return PR_WPW_S
    by_rate = PR_S - PR_SHORTENING_S_PER_BPM * (scenario.heart_rate_bpm - 70.0)
    return round(float(np.clip(by_rate, *PR_RANGE_S)), 3)


def p_shape(scenario: Scenario, form: PForm) -> Shape:
    """Return a P wave that ends before the QRS it leads to begins."""
    wave = wave_of(
        scaled(P_COMPONENTS[form], scenario.p_scale),
        min(P_DURATION_S, P_SHARE_OF_PR_MAX * pr_s(scenario)),
        mirrored=_mirrored(scenario),
    )
    return _shape(wave)


def beat_shape(scenario: Scenario, form: QrsForm | None) -> BeatShape:
    """Return the shape of a beat of ``form``, ``None`` meaning the scenario's conducted beat."""
    conducted = form is None or form is scenario.qrs_form
    qrs_form = scenario.qrs_form if form is None else form
    activation = ACTIVATIONS[qrs_form]
    asked_ms = scenario.qrs_ms if conducted or _only_form(scenario) else None
    qrs_s = (asked_ms or activation.duration_ms) / 1000.0
    turn = 0.0
    if conducted and scenario.axis_deg is not None:
        turn = turn_for_axis(activation.components, scenario.axis_deg)
    qt_s = _qt_s(scenario, qrs_s, conducted=conducted or _only_form(scenario))
    st_t_form = scenario.st_t_form if conducted else StTForm.SECONDARY
    mirrored = _mirrored(scenario)
    return BeatShape(
        qrs=_shape(wave_of(activation.components, qrs_s, turn_deg=turn, mirrored=mirrored)),
        st_t=_recovery_shape(st_t_form, qrs_form, qt_s - qrs_s, mirrored=mirrored),
        qrs_s=qrs_s,
        qt_s=qt_s,
        pr_segment=_pr_segment(scenario) if conducted else None,
    )


def _pr_segment(scenario: Scenario) -> Wave | None:
    component = PR_SEGMENTS.get(scenario.st_t_form)
    return None if component is None else wave_of((component,), pr_s(scenario))


def _only_form(scenario: Scenario) -> bool:
    """Say whether every ventricular beat of the rhythm has one form, which is not the conducted one."""
    return scenario.rhythm in (
        Rhythm.VT,
        Rhythm.IDIOVENTRICULAR,
        Rhythm.PACED_VENTRICULAR,
        Rhythm.PACED_DUAL,
    )


def _qt_s(scenario: Scenario, qrs_s: float, *, conducted: bool) -> float:
    rr_s = 60.0 / scenario.heart_rate_bpm
    if conducted and scenario.qt_ms is not None:
        qt_s = scenario.qt_ms / 1000.0
    else:
        widened = WIDE_QRS_SHARE_IN_QT * max(0.0, qrs_s - 0.100)
        by_rate = min(QTC_S * rr_s ** (1.0 / 3.0) + widened, QT_SHARE_OF_RR_MAX * rr_s)
        qt_s = round(max(by_rate, qrs_s + JT_MIN_S) * 500.0) / 500.0
    if qt_s - qrs_s < JT_MIN_S - 1e-9:
        raise ValueError(f"the QT interval must exceed the QRS duration by {JT_MIN_S * 1000:g} ms")
    return qt_s


def _mirrored(scenario: Scenario) -> bool:
    return scenario.fault is not None and scenario.fault.kind is FaultKind.DEXTROCARDIA


def _shape(wave: Wave) -> Shape:
    marks, lead_marks = marks_of(wave)
    return Shape(wave=wave, marks=marks, lead_marks=lead_marks)


def _recovery_shape(st_t_form: StTForm, qrs_form: QrsForm, jt_s: float, *, mirrored: bool) -> Shape:
    components = recovery(st_t_form, qrs_form)
    whole = wave_of(components, jt_s, mirrored=mirrored)
    t_only = wave_of(tuple(item for item in components if item.knots[0] > 0.0), jt_s, mirrored=mirrored)
    marks, lead_marks = marks_of(t_only)
    return Shape(
        wave=whole,
        marks=marks,
        lead_marks={lead: _with_peak_of(whole, lead, mark) for lead, mark in lead_marks.items()},
    )


def _with_peak_of(whole: Wave, lead: Lead, mark: WaveMarks) -> WaveMarks:
    """Return the T marks with the peak where ST and T together are largest, past half of the rise."""
    times = np.arange((mark.on_s + mark.peak_s) / 2, mark.off_s, PEAK_GRID_S)
    course = np.abs(to_twelve(whole.sample(times))[STANDARD_LEADS.index(lead)])
    return WaveMarks(on_s=mark.on_s, peak_s=float(times[int(np.argmax(course))]), off_s=mark.off_s)
