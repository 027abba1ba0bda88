"""A scenario becomes a recording whose every onset, peak and offset is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gem_integration.domain.ecg import STANDARD_LEADS, FloatArray, Recording
from gem_integration.domain.measurement import Beat, MeasurementKind
from gem_integration.simulate import atria
from gem_integration.simulate.dipole import INDEPENDENT_LEADS, Wave, to_twelve
from gem_integration.simulate.faults import at_electrodes, in_channel
from gem_integration.simulate.noise import noise_mv
from gem_integration.simulate.rhythms import Background, Plan, Timing, plan
from gem_integration.simulate.scenario import Scenario
from gem_integration.simulate.shapes import BeatShape, Shape, beat_shape, p_shape, pr_s
from gem_integration.simulate.truth import Drawn, beats_of, global_truth, p_only_of
from gem_integration.simulate.ventricles import SPIKE_MV

LIMB_STEP_UV = 2.0  # even microvolts in I and II make every derived limb lead a whole microvolt
CHEST_STEP_UV = 1.0
LEAD_IN_BEATS = 2.5
BREATH_DEPTH = 0.03
BREATH_HZ = 0.22
SPIKE_HALF_WIDTH_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedEcg:
    """A recording and the truth about it.

    ``beats`` are those whose QRS lies wholly inside and in sight; ``p_only`` are the onsets, in samples,
    of P waves that belong to no QRS (blocked, dissociated or retrograde); ``truth`` holds the global
    numbers of the dominant beat (ms, degrees, per minute), where the rhythm has them.
    """

    scenario: Scenario
    recording: Recording
    beats: tuple[Beat, ...]
    p_only: tuple[int, ...]
    truth: Mapping[MeasurementKind, float]


def simulate(scenario: Scenario) -> SimulatedEcg:
    """Return the recording of a scenario with its truth; ``ValueError`` when its intervals cannot fit."""
    rng = np.random.Generator(np.random.PCG64(scenario.seed))
    planned = plan(scenario.rhythm, _timing(scenario), rng)
    drawn = Drawn(
        scenario=scenario,
        plan=planned,
        beat_shapes={form: beat_shape(scenario, form) for form in {beat.form for beat in planned.beats}},
        p_shapes={form: p_shape(scenario, form) for form in atria.PForm},
    )
    return SimulatedEcg(
        scenario=scenario,
        recording=_recording(drawn, rng),
        beats=beats_of(drawn),
        p_only=p_only_of(drawn),
        truth=global_truth(drawn),
    )


def _timing(scenario: Scenario) -> Timing:
    rr_s = 60.0 / scenario.heart_rate_bpm
    return Timing(
        rr_s=rr_s,
        pr_s=pr_s(scenario),
        start_s=-LEAD_IN_BEATS * rr_s,
        end_s=scenario.duration_s + rr_s,
        conduction=scenario.conduction,
    )


def _recording(drawn: Drawn, rng: np.random.Generator) -> Recording:
    scenario = drawn.scenario
    count = round(scenario.duration_s * scenario.sampling_rate_hz)
    times = np.arange(count) / scenario.sampling_rate_hz
    eight = _beats_mv(drawn, times) + _background_mv(drawn.plan, times, rng)
    eight = scenario.amplitude_scale * eight + _spikes_mv(drawn.plan, times)
    eight += noise_mv(scenario.noise, times, rng)
    if scenario.fault is not None:
        eight = at_electrodes(scenario.fault, eight, times_s=times, rng=rng)
    samples = to_twelve(_stored_uv(eight)) / 1000.0
    if scenario.fault is not None:
        samples = in_channel(scenario.fault, samples, times)
    return Recording.of(samples, STANDARD_LEADS, scenario.sampling_rate_hz)


def _stored_uv(eight_mv: FloatArray) -> FloatArray:
    steps_uv = np.array([LIMB_STEP_UV] * 2 + [CHEST_STEP_UV] * (len(INDEPENDENT_LEADS) - 2))[:, None]
    stored: FloatArray = np.rint(eight_mv * 1000.0 / steps_uv) * steps_uv
    return stored


def _beats_mv(drawn: Drawn, times: FloatArray) -> FloatArray:
    eight = np.zeros((len(INDEPENDENT_LEADS), times.size))
    for beat in drawn.plan.beats:
        shape: BeatShape = drawn.beat_shapes[beat.form]
        gain = 1.0 + BREATH_DEPTH * float(np.sin(2 * np.pi * BREATH_HZ * beat.qrs_on_s))
        _add(eight, times, shape.qrs.wave, onset_s=beat.qrs_on_s, gain=gain)
        _add(eight, times, shape.st_t.wave, onset_s=beat.qrs_on_s + shape.qrs_s, gain=gain)
        if beat.p_on_s is not None:
            _add(eight, times, drawn.p_shapes[beat.p_form].wave, onset_s=beat.p_on_s)
            if shape.pr_segment is not None:
                _add(eight, times, shape.pr_segment, onset_s=beat.p_on_s)
    for onset_s, form in drawn.plan.lone_p:
        shape_of_p: Shape = drawn.p_shapes[form]
        _add(eight, times, shape_of_p.wave, onset_s=onset_s)
    return eight


def _add(eight: FloatArray, times: FloatArray, wave: Wave, *, onset_s: float, gain: float = 1.0) -> None:
    start, end = wave.span_s
    first, last = np.searchsorted(times, (onset_s + start, onset_s + end))
    if last > first:
        eight[:, first:last] += gain * wave.sample(times[first:last] - onset_s)


def _background_mv(planned: Plan, times: FloatArray, rng: np.random.Generator) -> FloatArray:
    match planned.background:
        case Background.FIBRILLATION:
            return atria.fibrillation(times, rng)
        case Background.FLUTTER if planned.flutter_cycle_s is not None:
            return atria.flutter(times, planned.flutter_cycle_s)
        case Background.VENTRICULAR_FIBRILLATION:
            return atria.ventricular_fibrillation(times, rng)
        case _:
            return np.zeros((len(INDEPENDENT_LEADS), times.size))


def _spikes_mv(planned: Plan, times: FloatArray) -> FloatArray:
    """Return spikes of 2 ms; below 500 Hz some fall between two samples, as on a real cart."""
    eight = np.zeros((len(INDEPENDENT_LEADS), times.size))
    for spike_s in (at for beat in planned.beats for at in beat.spikes_s):
        first, last = np.searchsorted(times, (spike_s - SPIKE_HALF_WIDTH_S, spike_s + SPIKE_HALF_WIDTH_S))
        eight[:, first:last] = np.array(SPIKE_MV)[:, None]
    return eight
