"""What is true of a simulated ECG: the marks of every beat and the global numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.measurement import Beat, BeatClass, Fiducials, MeasurementKind
from gem_integration.simulate.atria import PForm
from gem_integration.simulate.dipole import PEAK_GRID_S, WaveMarks, frontal_axis_deg, whole
from gem_integration.simulate.faults import hidden_s
from gem_integration.simulate.rhythms import Plan, PlannedBeat
from gem_integration.simulate.scenario import QrsForm, Scenario
from gem_integration.simulate.shapes import BeatShape, Shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Everything the samples are drawn from, so that the truth comes from the same numbers."""

    scenario: Scenario
    plan: Plan
    beat_shapes: Mapping[QrsForm | None, BeatShape]
    p_shapes: Mapping[PForm, Shape]

    def sample_of(self, time_s: float) -> int | None:
        """Return the sample at a time, ``None`` outside the recording or where a fault hides the heart."""
        sample = round(time_s * self.scenario.sampling_rate_hz)
        hidden_from, hidden_to = hidden_s(self.scenario.fault, self.scenario.duration_s)
        count = round(self.scenario.duration_s * self.scenario.sampling_rate_hz)
        inside = 0 <= sample < count and not hidden_from <= time_s < hidden_to
        return sample if inside else None


def beats_of(drawn: Drawn) -> tuple[Beat, ...]:
    """Return the beats whose QRS is wholly in sight, numbered from 1."""
    seen = [beat for beat in drawn.plan.beats if _in_sight(drawn, beat)]
    return tuple(_beat(drawn, beat, number) for number, beat in enumerate(seen, start=1))


def _in_sight(drawn: Drawn, beat: PlannedBeat) -> bool:
    ends = (beat.qrs_on_s, beat.qrs_on_s + drawn.beat_shapes[beat.form].qrs_s)
    return all(drawn.sample_of(time_s) is not None for time_s in ends)


def _beat(drawn: Drawn, beat: PlannedBeat, number: int) -> Beat:
    shape = drawn.beat_shapes[beat.form]
    spikes = [drawn.sample_of(at) for at in beat.spikes_s]
    return Beat(
        number=number,
        r_sample=round((beat.qrs_on_s + shape.qrs.marks.peak_s) * drawn.scenario.sampling_rate_hz),
        beat_class=beat.beat_class,
        marks=_fiducials(drawn, beat, None),
        leads={lead: _fiducials(drawn, beat, lead) for lead in STANDARD_LEADS},
        spikes=tuple(sample for sample in spikes if sample is not None),
    )


def _fiducials(drawn: Drawn, beat: PlannedBeat, lead: Lead | None) -> Fiducials:
    shape = drawn.beat_shapes[beat.form]
    p_marks = None if beat.p_on_s is None else _marks(drawn.p_shapes[beat.p_form], lead)
    p = _samples(drawn, p_marks, beat.p_on_s or 0.0)
    qrs = _samples(drawn, _marks(shape.qrs, lead), beat.qrs_on_s)
    t = _samples(drawn, _marks(shape.st_t, lead), beat.qrs_on_s + shape.qrs_s)
    return Fiducials(
        p_on=p[0],
        p_peak=p[1],
        p_off=p[2],
        qrs_on=qrs[0],
        r_peak=qrs[1],
        qrs_off=qrs[2],
        t_on=t[0],
        t_peak=t[1],
        t_off=t[2],
    )


def _marks(shape: Shape, lead: Lead | None) -> WaveMarks | None:
    return shape.marks if lead is None else shape.lead_marks.get(lead)


def _samples(
    drawn: Drawn, marks: WaveMarks | None, onset_s: float
) -> tuple[int | None, int | None, int | None]:
    """Return the samples of a wave's marks; a wave cut by the edge of the recording has none."""
    if marks is None:
        return (None, None, None)
    on, peak, off = (drawn.sample_of(onset_s + at) for at in (marks.on_s, marks.peak_s, marks.off_s))
    return (None, None, None) if on is None or off is None else (on, peak, off)


def p_only_of(drawn: Drawn) -> tuple[int, ...]:
    """Return the onsets, in samples, of the P waves that belong to no beat."""
    samples = (drawn.sample_of(onset_s) for onset_s, _ in drawn.plan.lone_p)
    return tuple(sample for sample in samples if sample is not None)


def global_truth(drawn: Drawn) -> dict[MeasurementKind, float]:
    """Return rate, intervals and axes of the dominant beat; what the rhythm does not have is left out."""
    numbers = _rate(drawn)
    dominant = [beat for beat in drawn.plan.beats if beat.beat_class in (BeatClass.DOMINANT, BeatClass.PACED)]
    if not dominant:
        return numbers
    shape = drawn.beat_shapes[dominant[0].form]
    numbers |= {
        MeasurementKind.QRS_DURATION: shape.qrs_s * 1000.0,
        MeasurementKind.QT_INTERVAL: shape.qt_s * 1000.0,
        MeasurementKind.QRS_AXIS: _axis_deg(shape, 0.0, shape.qrs_s),
        MeasurementKind.T_AXIS: _axis_deg(shape, shape.qrs_s + shape.st_t.marks.on_s, shape.qt_s),
    }
    prs = [beat.qrs_on_s - beat.p_on_s for beat in dominant if beat.p_on_s is not None]
    if prs:
        p = drawn.p_shapes[dominant[0].p_form]
        numbers |= {
            MeasurementKind.PR_INTERVAL: float(np.median(prs)) * 1000.0,
            MeasurementKind.P_DURATION: (p.marks.off_s - p.marks.on_s) * 1000.0,
            MeasurementKind.P_AXIS: frontal_axis_deg(whole(p.wave)),
        }
    return numbers


def _axis_deg(shape: BeatShape, start_s: float, end_s: float) -> float:
    """Return the axis of what the leads show between two times from the QRS onset, ST level included."""
    times = np.arange(start_s, end_s, PEAK_GRID_S)
    return frontal_axis_deg(shape.qrs.wave.sample(times) + shape.st_t.wave.sample(times - shape.qrs_s))


def _rate(drawn: Drawn) -> dict[MeasurementKind, float]:
    onsets = [beat.qrs_on_s for beat in drawn.plan.beats if 0.0 <= beat.qrs_on_s < drawn.scenario.duration_s]
    if len(onsets) < 2:
        return {}
    rr_s = (onsets[-1] - onsets[0]) / (len(onsets) - 1)
    return {MeasurementKind.HEART_RATE: 60.0 / rr_s, MeasurementKind.RR_INTERVAL: rr_s * 1000.0}
