"""Claims about single beats: durations, coupling, pauses and classes of the beats a sentence names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gem_integration.domain.evidence import Claim, Evidence
from gem_integration.domain.measurement import Beat, BeatClass, Measurement, MeasurementKind
from gem_integration.grounding.checks.outcome import (
    PRECISION,
    Held,
    Outcome,
    Tested,
    Waveform,
    band_of,
    evidence_of,
    hold,
    in_some_leads,
    is_absent,
    missing,
    over_named_leads,
)

ECTOPIC = (BeatClass.ECTOPIC_NARROW, BeatClass.ECTOPIC_WIDE, BeatClass.FUSION)
PAUSE_SHARE = 1.1  # of the mean RR: the pause after a premature beat is longer than the usual cycle
QRS_WIDE_MS = 120.0

_MARKS: Mapping[str, tuple[str, str]] = {
    "p_duration": ("p_on", "p_off"),
    "pr_interval": ("p_on", "qrs_on"),
    "qrs_duration": ("qrs_on", "qrs_off"),
    "qt_interval": ("qrs_on", "t_off"),
    "t_duration": ("t_on", "t_off"),
}


def beat_measurements(subject: str, claim: Claim, waveform: Waveform) -> list[Measurement]:
    """Return the number of ``subject`` in each beat the claim names, where its marks are known."""
    found = []
    for number in claim.beats:
        if subject == "rr_interval":
            found += list(_cycles(number, waveform))
        elif subject in _MARKS:
            found += list(_between_marks(subject, number, waveform))
    return found


def _beat(number: int, waveform: Waveform) -> Beat | None:
    return next((beat for beat in waveform.measurements.beats if beat.number == number), None)


def _between_marks(subject: str, number: int, waveform: Waveform) -> Iterator[Measurement]:
    beat = _beat(number, waveform)
    if beat is None:
        return
    first, last = _MARKS[subject]
    start, stop = getattr(beat.marks, first), getattr(beat.marks, last)
    if start is None or stop is None or stop <= start:
        return
    yield Measurement(
        kind=MeasurementKind(subject),
        value=(stop - start) * 1000.0 / waveform.measurements.sampling_rate_hz,
        unit="ms",
        beats=(number,),
        samples=((start, stop),),
        method="marks of the beat named",
        uncertainty=PRECISION[subject],
    )


def _cycles(number: int, waveform: Waveform) -> Iterator[Measurement]:
    """Yield the RR intervals that end and that begin at a beat."""
    beats = [_beat(number - 1, waveform), _beat(number, waveform), _beat(number + 1, waveform)]
    for first, last in itertools.pairwise(beats):
        if first is not None and last is not None:
            yield _cycle(first, last, waveform)


def _cycle(first: Beat, last: Beat, waveform: Waveform) -> Measurement:
    rr_ms = (last.r_sample - first.r_sample) * 1000.0 / waveform.measurements.sampling_rate_hz
    return Measurement(
        kind=MeasurementKind.RR_INTERVAL,
        value=rr_ms,
        unit="ms",
        beats=(first.number, last.number),
        samples=((first.r_sample, last.r_sample),),
        method="R peak to R peak of the beats named",
        uncertainty=band_of("rr_interval", rr_ms),
    )


def check_premature_beat(claim: Claim, waveform: Waveform) -> Outcome:
    """Check that the beats named are ectopic, or that there is an ectopic beat at all."""
    if claim.beats:
        return _over_beats(claim, waveform, lambda beat: beat.beat_class in ECTOPIC, "ectopic beat")
    tested = [
        _counted(kind, waveform)
        for kind in (MeasurementKind.ECTOPIC_WIDE_COUNT, MeasurementKind.ECTOPIC_NARROW_COUNT)
    ]
    if is_absent(claim):
        return over_named_leads([part.flipped() for part in tested])
    return in_some_leads(tested, 1)


def _counted(kind: MeasurementKind, waveform: Waveform) -> Tested:
    criterion = f"{kind} >= 1"
    measured = waveform.measurements.get(kind)
    if measured is None:
        reason = waveform.why_not(kind, None)
        return Tested(held=Held.UNMEASURED, reason=reason, evidence=(missing(kind, None, criterion, reason),))
    met = measured.value >= 1.0
    return Tested(
        held=Held.MET if met else Held.VIOLATED, evidence=(evidence_of(measured, criterion, met=met),)
    )


def check_beat_shape(claim: Claim, waveform: Waveform) -> Outcome:
    """Check that the beats named are wide."""
    return _over_beats(
        claim,
        waveform,
        lambda beat: _width_ms(beat, waveform) >= QRS_WIDE_MS,
        f"qrs_duration >= {QRS_WIDE_MS:g}",
    )


def _width_ms(beat: Beat, waveform: Waveform) -> float:
    if beat.marks.qrs_on is None or beat.marks.qrs_off is None:
        return 0.0
    return (beat.marks.qrs_off - beat.marks.qrs_on) * 1000.0 / waveform.measurements.sampling_rate_hz


def check_beat_p(claim: Claim, waveform: Waveform) -> Outcome:
    """Check that a P wave precedes the beats named."""
    return _over_beats(claim, waveform, lambda beat: beat.marks.p_on is not None, "P wave before the QRS")


def _over_beats(claim: Claim, waveform: Waveform, holds: Callable[[Beat], bool], criterion: str) -> Outcome:
    tested = [_of_beat(number, _beat(number, waveform), holds, criterion) for number in claim.beats]
    return over_named_leads([part.flipped() for part in tested] if is_absent(claim) else tested)


def _of_beat(number: int, beat: Beat | None, holds: Callable[[Beat], bool], criterion: str) -> Tested:
    if beat is None:
        reason = f"there is no beat {number}"
        return Tested(
            held=Held.UNMEASURED, reason=reason, evidence=(missing("beat", None, criterion, reason),)
        )
    met = holds(beat)
    shown = Evidence(
        measurement="beat",
        value=float(number),
        unit="1",
        beats=(number,),
        samples=_beat_samples(beat),
        method=f"class {beat.beat_class}",
        criterion=criterion,
        met=met,
    )
    return Tested(held=Held.MET if met else Held.VIOLATED, evidence=(shown,))


def _beat_samples(beat: Beat) -> tuple[tuple[int, int], ...]:
    start, stop = beat.marks.qrs_on, beat.marks.qrs_off
    if start is None or stop is None or stop <= start:
        return ((beat.r_sample, beat.r_sample + 1),)
    return ((start, stop),)


def check_compensatory_pause(claim: Claim, waveform: Waveform) -> Outcome:
    """Check that the cycle after a premature beat is longer than the usual one."""
    ectopic = [beat for beat in waveform.measurements.beats if beat.beat_class in ECTOPIC]
    named = [beat for beat in waveform.measurements.beats if beat.number in claim.beats] or ectopic
    after = [_cycle(beat, following, waveform) for beat, following in _followed(named, waveform)]
    usual = _usual_rr_ms(waveform)
    if not after or usual is None:
        reason = "there is no premature beat with a cycle after it"
        shown = missing("rr_interval", None, "pause after a premature beat", reason)
        held = (
            Held.UNMEASURED
            if usual is None or claim.beats or not waveform.measurements.beats
            else Held.VIOLATED
        )
        if held is Held.VIOLATED:
            shown = replace(
                _counted(MeasurementKind.BEAT_COUNT, waveform).evidence[0], criterion=reason, met=False
            )
        tested = [Tested(held=held, reason=reason, evidence=(shown,))]
    else:
        tested = [_paused(measured, usual) for measured in after]
    return over_named_leads([part.flipped() for part in tested] if is_absent(claim) else tested)


def _followed(beats: Sequence[Beat], waveform: Waveform) -> Iterator[tuple[Beat, Beat]]:
    for beat in beats:
        following = _beat(beat.number + 1, waveform)
        if following is not None and following.beat_class not in ECTOPIC:
            yield beat, following


def _usual_rr_ms(waveform: Waveform) -> float | None:
    beats = waveform.measurements.beats
    if len(beats) < 3:
        return None
    return (
        float(np.median(np.diff([beat.r_sample for beat in beats])))
        * 1000.0
        / waveform.measurements.sampling_rate_hz
    )


def _paused(measured: Measurement, usual_ms: float) -> Tested:
    limit = PAUSE_SHARE * usual_ms
    held = hold(measured.value, limit, None, measured.uncertainty)
    met = None if held is Held.NEAR else held is Held.MET
    return Tested(
        held=held, evidence=(evidence_of(measured, f"rr_interval >= {limit:.0f} (1.1 x median RR)", met=met),)
    )
