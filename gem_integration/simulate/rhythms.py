"""Rhythms: when each P wave and each QRS complex begins, and where the beat comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate, chain, cycle, pairwise, repeat
from typing import TypeAlias

import numpy as np

from gem_integration.domain.measurement import BeatClass
from gem_integration.simulate.atria import PForm
from gem_integration.simulate.scenario import QrsForm, Rhythm

EVENT_GRID_S = 0.002  # events fall on samples at 500 and 1000 Hz
SPIKE_LEAD_S = 0.010  # from a pacing spike to the wave it makes
ECTOPY_EVERY_BEATS = 5
PVC_COUPLING = 0.60  # of the RR interval
COUPLET_COUPLING = 0.52
PAC_COUPLING = 0.70
BLOCKED_PAC_COUPLING = 0.42
PAC_RESET = 1.08  # the sinus node starts anew after an atrial premature beat
PAUSE_S = 2.6  # added to one RR interval
NSVT_BEATS = 5
NSVT_RR_S = 0.42
RETROGRADE_DELAY_S = 0.100
ATRIAL_RATE_IN_BLOCK_BPM = 82.0
FLUTTER_CHANGING_RATIOS = (2, 4, 2, 4, 4, 2)
AF_VARIATION = 0.24
AF_RR_RANGE = (0.60, 1.65)


class Background(StrEnum):
    """Activity that goes on between beats."""

    NONE = "none"
    FIBRILLATION = "fibrillation"
    FLUTTER = "flutter"
    VENTRICULAR_FIBRILLATION = "ventricular_fibrillation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Intervals in seconds, and the stretch of time to fill (it starts before the recording does)."""

    rr_s: float
    pr_s: float
    start_s: float
    end_s: float
    conduction: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBeat:
    """One ventricular beat, with its P wave and spikes if it has them; no ``form`` means the scenario's."""

    qrs_on_s: float
    p_on_s: float | None = None
    p_form: PForm = PForm.SINUS
    form: QrsForm | None = None
    beat_class: BeatClass = BeatClass.DOMINANT
    spikes_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All events of a rhythm; ``lone_p`` are P waves that belong to no beat."""

    beats: tuple[PlannedBeat, ...]
    lone_p: tuple[tuple[float, PForm], ...] = ()
    background: Background = Background.NONE
    flutter_cycle_s: float | None = None


Planner: TypeAlias = Callable[[Timing, np.random.Generator], Plan]


def plan(rhythm: Rhythm, timing: Timing, rng: np.random.Generator) -> Plan:
    """Return when everything happens in ``rhythm``, on the event grid."""
    return _on_grid(PLANNERS[rhythm](timing, rng))


def _on_grid(rough: Plan) -> Plan:
    return replace(
        rough,
        beats=tuple(_shifted(beat, _snap(beat.qrs_on_s) - beat.qrs_on_s) for beat in rough.beats),
        lone_p=tuple((_snap(at), form) for at, form in rough.lone_p),
    )


def _shifted(beat: PlannedBeat, shift_s: float) -> PlannedBeat:
    """Move a beat as a whole, so that its PR interval stays what was asked for."""
    return replace(
        beat,
        qrs_on_s=beat.qrs_on_s + shift_s,
        p_on_s=None if beat.p_on_s is None else beat.p_on_s + shift_s,
        spikes_s=tuple(at + shift_s for at in beat.spikes_s),
    )


def _snap(time_s: float) -> float:
    return round(time_s / EVENT_GRID_S) * EVENT_GRID_S


def _times(timing: Timing, rng: np.random.Generator, intervals_s: Iterator[float]) -> list[float]:
    first = timing.start_s + float(rng.uniform(0.2, 0.8)) * timing.rr_s
    times = []
    for at in accumulate(intervals_s, initial=first):
        if at > timing.end_s:
            break
        times.append(at)
    return times


def _breathing(
    rr_s: float, rng: np.random.Generator, *, depth: float = 0.02, jitter: float = 0.006
) -> Iterator[float]:
    """Yield RR intervals that follow the breath; their mean is ``rr_s``."""
    phase, elapsed_s = float(rng.uniform(0.0, 2 * np.pi)), 0.0
    breath_hz = 0.22
    while True:
        swing = depth * np.sin(2 * np.pi * breath_hz * elapsed_s + phase)
        chance = jitter * float(np.clip(rng.standard_normal(), -2.5, 2.5))
        interval = rr_s * (1.0 + float(swing) + chance)
        elapsed_s += interval
        yield interval


def _steady(rr_s: float, rng: np.random.Generator) -> Iterator[float]:
    return _breathing(rr_s, rng, depth=0.0, jitter=0.002)


def _conducted(times: Sequence[float], timing: Timing, p_form: PForm = PForm.SINUS) -> list[PlannedBeat]:
    return [PlannedBeat(qrs_on_s=at, p_on_s=at - timing.pr_s, p_form=p_form) for at in times]


def _sinus(timing: Timing, rng: np.random.Generator) -> Plan:
    return Plan(beats=tuple(_conducted(_times(timing, rng, _breathing(timing.rr_s, rng)), timing)))


def _sinus_arrhythmia(timing: Timing, rng: np.random.Generator) -> Plan:
    intervals = _breathing(timing.rr_s, rng, depth=0.14)
    return Plan(beats=tuple(_conducted(_times(timing, rng, intervals), timing)))


def _sinus_pause(timing: Timing, rng: np.random.Generator) -> Plan:
    times = _times(timing, rng, _breathing(timing.rr_s, rng))
    middle = len(times) // 2
    return Plan(beats=tuple(_conducted([*times[:middle], *(at + PAUSE_S for at in times[middle:])], timing)))


def _atrial(timing: Timing, rng: np.random.Generator) -> Plan:
    times = _times(timing, rng, _breathing(timing.rr_s, rng))
    return Plan(beats=tuple(_conducted(times, timing, PForm.RETROGRADE)))


def _ventricular_only(form: QrsForm | None) -> Planner:
    def planner(timing: Timing, rng: np.random.Generator) -> Plan:
        times = _times(timing, rng, _steady(timing.rr_s, rng))
        return Plan(beats=tuple(PlannedBeat(qrs_on_s=at, form=form) for at in times))

    return planner


def _svt(timing: Timing, rng: np.random.Generator) -> Plan:
    times = _times(timing, rng, _steady(timing.rr_s, rng))
    return Plan(
        beats=tuple(PlannedBeat(qrs_on_s=at) for at in times),
        lone_p=tuple((at + RETROGRADE_DELAY_S, PForm.RETROGRADE) for at in times),
    )


def _dissociated(form: QrsForm | None) -> Planner:
    def planner(timing: Timing, rng: np.random.Generator) -> Plan:
        times = _times(timing, rng, _steady(timing.rr_s, rng))
        atrial = _times(timing, rng, _steady(60.0 / ATRIAL_RATE_IN_BLOCK_BPM, rng))
        return Plan(
            beats=tuple(PlannedBeat(qrs_on_s=at, form=form) for at in times),
            lone_p=tuple((at, PForm.SINUS) for at in atrial),
        )

    return planner


def _fibrillation(timing: Timing, rng: np.random.Generator) -> Plan:
    count = int((timing.end_s - timing.start_s) / timing.rr_s) + 2
    shares = np.clip(1.0 + AF_VARIATION * rng.standard_normal(count), *AF_RR_RANGE)
    intervals = timing.rr_s * shares / shares.mean()
    times = _times(timing, rng, iter(intervals.tolist()))
    return Plan(beats=tuple(PlannedBeat(qrs_on_s=at) for at in times), background=Background.FIBRILLATION)


def _flutter(timing: Timing, rng: np.random.Generator) -> Plan:
    ratios = FLUTTER_CHANGING_RATIOS if timing.conduction is None else (timing.conduction,)
    cycle_s = timing.rr_s / float(np.mean(ratios))
    times = _times(timing, rng, (cycle_s * ratio for ratio in cycle(ratios)))
    return Plan(
        beats=tuple(PlannedBeat(qrs_on_s=at) for at in times),
        background=Background.FLUTTER,
        flutter_cycle_s=cycle_s,
    )


def _premature(form: QrsForm, beat_class: BeatClass) -> Callable[[float], PlannedBeat]:
    return lambda at: PlannedBeat(qrs_on_s=at, form=form, beat_class=beat_class)


_PVC = _premature(QrsForm.RIGHT_VENTRICULAR, BeatClass.ECTOPIC_WIDE)
_OTHER_PVC = _premature(QrsForm.LEFT_VENTRICULAR, BeatClass.ECTOPIC_WIDE)


def _pvc(
    couplings: tuple[float, ...], *, every: int = ECTOPY_EVERY_BEATS, multiform: bool = False
) -> Planner:
    """Return sinus rhythm where ectopic beats follow every n-th beat; the sinus node keeps its time."""

    def planner(timing: Timing, rng: np.random.Generator) -> Plan:
        sinus = _conducted(_times(timing, rng, _breathing(timing.rr_s, rng)), timing)
        forms = cycle((_PVC, _OTHER_PVC) if multiform else (_PVC,))
        beats, hidden = [], 0
        for number, beat in enumerate(sinus):
            if hidden:
                hidden -= 1
                continue
            beats.append(beat)
            if number % every == every - 2 or every == 2:
                onsets = [beat.qrs_on_s + share * timing.rr_s for share in accumulate(couplings)]
                beats += [next(forms)(at) for at in onsets]
                hidden = int(sum(couplings)) + 1
        return Plan(beats=tuple(beats))

    return planner


def _nsvt(timing: Timing, rng: np.random.Generator) -> Plan:
    sinus = _conducted(_times(timing, rng, _breathing(timing.rr_s, rng)), timing)
    before = next(beat for beat in sinus if beat.qrs_on_s > timing.end_s * 0.35)
    run = [before.qrs_on_s + NSVT_RR_S * number for number in range(1, NSVT_BEATS + 1)]
    kept = [beat for beat in sinus if not before.qrs_on_s < beat.qrs_on_s < run[-1] + timing.rr_s]
    ectopic = [_OTHER_PVC(at) for at in run]
    return Plan(beats=tuple(sorted([*kept, *ectopic], key=lambda beat: beat.qrs_on_s)))


def _reset_by_pac(times: list[float], timing: Timing, coupling: float) -> Iterator[tuple[float, bool]]:
    """Yield (time, premature): every n-th beat comes early and the sinus node starts anew from it."""
    shift, premature = 0.0, 0.0
    for number, (at, following) in enumerate(pairwise(times)):
        yield at + shift, False
        if number % ECTOPY_EVERY_BEATS == ECTOPY_EVERY_BEATS - 2:
            premature = at + shift + coupling * timing.rr_s
            yield premature, True
            shift = premature + PAC_RESET * timing.rr_s - following


def _pac(timing: Timing, rng: np.random.Generator) -> Plan:
    times = _times(timing, rng, _breathing(timing.rr_s, rng))
    beats = [
        PlannedBeat(
            qrs_on_s=at,
            p_on_s=at - timing.pr_s,
            p_form=PForm.ECTOPIC if premature else PForm.SINUS,
            beat_class=BeatClass.ECTOPIC_NARROW if premature else BeatClass.DOMINANT,
        )
        for at, premature in _reset_by_pac(times, timing, PAC_COUPLING)
    ]
    return Plan(beats=tuple(beats))


def _pac_blocked(timing: Timing, rng: np.random.Generator) -> Plan:
    times = _times(timing, rng, _breathing(timing.rr_s, rng))
    events = list(_reset_by_pac(times, timing, BLOCKED_PAC_COUPLING))
    return Plan(
        beats=tuple(_conducted([at for at, premature in events if not premature], timing)),
        lone_p=tuple((at, PForm.ECTOPIC) for at, premature in events if premature),
    )


def _second_degree(pr_added_s: tuple[float | None, ...]) -> Planner:
    """Return a block whose P waves add these delays to PR in turn; ``None`` is not conducted."""
    conducted = sum(added is not None for added in pr_added_s)

    def planner(timing: Timing, rng: np.random.Generator) -> Plan:
        pp_s = timing.rr_s * conducted / len(pr_added_s)
        atrial = zip(_times(timing, rng, _steady(pp_s, rng)), cycle(pr_added_s), strict=False)
        beats, lone = [], []
        for at, added in atrial:
            if added is None:
                lone.append((at, PForm.SINUS))
            else:
                beats.append(PlannedBeat(qrs_on_s=at + timing.pr_s + added, p_on_s=at))
        return Plan(beats=tuple(beats), lone_p=tuple(lone))

    return planner


def _paced(*, atrium: bool, ventricle: bool) -> Planner:
    def planner(timing: Timing, rng: np.random.Generator) -> Plan:
        times = _times(timing, rng, repeat(timing.rr_s))
        return Plan(beats=tuple(beat(at, timing) for at in times))

    def beat(at: float, timing: Timing) -> PlannedBeat:
        p_on = at - timing.pr_s if atrium else None
        paced_atrium = () if p_on is None else (p_on - SPIKE_LEAD_S,)
        paced_ventricle = (at - SPIKE_LEAD_S,) if ventricle else ()
        return PlannedBeat(
            qrs_on_s=at,
            p_on_s=p_on,
            form=QrsForm.RV_PACED if ventricle else None,
            beat_class=BeatClass.PACED,
            spikes_s=tuple(chain(paced_atrium, paced_ventricle)),
        )

    return planner


def _no_beats(background: Background) -> Planner:
    return lambda _timing, _rng: Plan(beats=(), background=background)


PLANNERS: Mapping[Rhythm, Planner] = {
    Rhythm.SINUS: _sinus,
    Rhythm.SINUS_ARRHYTHMIA: _sinus_arrhythmia,
    Rhythm.SINUS_PAUSE: _sinus_pause,
    Rhythm.AF: _fibrillation,
    Rhythm.FLUTTER: _flutter,
    Rhythm.PAC: _pac,
    Rhythm.PAC_BLOCKED: _pac_blocked,
    Rhythm.PVC: _pvc((PVC_COUPLING,)),
    Rhythm.PVC_BIGEMINY: _pvc((PVC_COUPLING,), every=2),
    Rhythm.PVC_COUPLET: _pvc((PVC_COUPLING, COUPLET_COUPLING)),
    Rhythm.PVC_MULTIFORM: _pvc((PVC_COUPLING,), every=4, multiform=True),
    Rhythm.NSVT: _nsvt,
    Rhythm.MOBITZ1: _second_degree((0.0, 0.090, 0.130, None)),
    Rhythm.MOBITZ2: _second_degree((0.0, 0.0, 0.0, None)),
    Rhythm.AVB2_2TO1: _second_degree((0.0, None)),
    Rhythm.AVB3: _dissociated(None),
    Rhythm.PACED_ATRIAL: _paced(atrium=True, ventricle=False),
    Rhythm.PACED_VENTRICULAR: _paced(atrium=False, ventricle=True),
    Rhythm.PACED_DUAL: _paced(atrium=True, ventricle=True),
    Rhythm.VT: _dissociated(QrsForm.LEFT_VENTRICULAR),
    Rhythm.JUNCTIONAL: _ventricular_only(None),
    Rhythm.SVT: _svt,
    Rhythm.ATRIAL: _atrial,
    Rhythm.IDIOVENTRICULAR: _ventricular_only(QrsForm.RIGHT_VENTRICULAR),
    Rhythm.VF: _no_beats(Background.VENTRICULAR_FIBRILLATION),
    Rhythm.ASYSTOLE: _no_beats(Background.NONE),
}
