"""What the order of the beats tells: pauses, wide runs, and how PR moves around a dropped beat."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from gem_integration.domain.measurement import Beat, BeatClass, Measurements

ECTOPIC = frozenset({BeatClass.ECTOPIC_NARROW, BeatClass.ECTOPIC_WIDE, BeatClass.FUSION})
DROP_RR_RATIO = (1.4, 2.4)
"""An RR this many times the median is taken to hold one dropped beat (Wenckebach pauses stay under 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A long RR between two conducted beats: its ratio to the median RR, and PR before and after it (ms)."""

    rr_ratio: float
    pr_before_ms: float
    pr_after_ms: float
    pr_earlier_ms: float | None
    beats: tuple[int, int]
    samples: tuple[int, int]


def pause_after_dominant(measurements: Measurements) -> bool:
    """Say whether the longest RR starts at a beat that is not premature (true when beats are unknown)."""
    pairs = list(pairwise(measurements.beats))
    if not pairs:
        return True
    before, _ = max(pairs, key=lambda pair: pair[1].r_sample - pair[0].r_sample)
    return before.beat_class not in ECTOPIC


def longest_wide_run_rate(measurements: Measurements) -> float | None:
    """Return the rate per minute within the longest run of at least two wide ectopic beats."""
    runs = [
        list(group)
        for wide, group in groupby(measurements.beats, lambda b: b.beat_class is BeatClass.ECTOPIC_WIDE)
        if wide
    ]
    longest: list[Beat] = max(runs, key=len, default=[])
    if len(longest) < 2:
        return None
    span_s = (longest[-1].r_sample - longest[0].r_sample) / measurements.sampling_rate_hz
    return 60.0 * (len(longest) - 1) / span_s


def drops(measurements: Measurements) -> tuple[Drop, ...]:
    """Return every long RR between two beats with a PR, where a beat may have been dropped."""
    beats = measurements.beats
    if len(beats) < 3:
        return ()
    ms = 1000.0 / measurements.sampling_rate_hz
    typical = median(after.r_sample - before.r_sample for before, after in pairwise(beats))
    found = []
    for index, (before, after) in enumerate(pairwise(beats)):
        ratio = (after.r_sample - before.r_sample) / typical
        pr_before, pr_after = _pr(before), _pr(after)
        if not DROP_RR_RATIO[0] <= ratio <= DROP_RR_RATIO[1] or pr_before is None or pr_after is None:
            continue
        if before.beat_class in ECTOPIC or after.beat_class in ECTOPIC:
            continue
        earlier = _pr(beats[index - 1]) if index else None
        found.append(
            Drop(
                rr_ratio=ratio,
                pr_before_ms=pr_before * ms,
                pr_after_ms=pr_after * ms,
                pr_earlier_ms=None if earlier is None else earlier * ms,
                beats=(before.number, after.number),
                samples=(before.r_sample, after.r_sample),
            )
        )
    return tuple(found)


def _pr(beat: Beat) -> int | None:
    if beat.marks.p_on is None or beat.marks.qrs_on is None:
        return None
    return beat.marks.qrs_on - beat.marks.p_on
