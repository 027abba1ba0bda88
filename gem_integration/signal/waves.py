"""From wave probabilities to the onset and end of every P, QRS and T in every lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gem_integration.domain.ecg import FloatArray, MaskArray

LEVEL = 0.5  #: a lead's wave lasts while its probability exceeds this
EVENT_LEVEL = 0.25  #: a wave of the record lasts while its mean over leads exceeds this
JOIN_MS = 40.0  #: parts closer than this are one wave
VOTE_KEEP = 1 / 3  #: share of leads that must show a wave for it to count
VOTE_INSERT = 2 / 3  #: share of leads that lets the others have it too


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waves:
    """All waves of one kind: (wave, lead) times in ms from the first sample; NaN where a lead has none.

    ``vote`` is the share of leads that showed the wave on their own.
    """

    on_ms: FloatArray
    peak_ms: FloatArray
    off_ms: FloatArray
    vote: FloatArray

    @property
    def count(self) -> int:
        """Return the number of waves."""
        return len(self.vote)

    @property
    def middle_ms(self) -> FloatArray:
        """Return each wave's time: the median over leads of its middle."""
        return median_over_leads((self.on_ms + self.off_ms) / 2)

    def take(self, chosen: MaskArray) -> Waves:
        """Return the chosen waves."""
        return Waves(
            on_ms=self.on_ms[chosen],
            peak_ms=self.peak_ms[chosen],
            off_ms=self.off_ms[chosen],
            vote=self.vote[chosen],
        )


def median_over_leads(marks: FloatArray) -> FloatArray:
    """Return the median of each row, one row a beat and one column a lead; NaN where no lead has a mark."""
    if marks.size == 0:
        return np.full(len(marks), np.nan)
    ordered = np.sort(marks, axis=1)  # NaN last
    known = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(marks))
    lower, upper = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, marks.shape[1] - 1)
    return np.asarray((ordered[rows, lower] + ordered[rows, upper]) / 2, dtype=np.float64)


def find_waves(probability: FloatArray, rate_hz: float, *, shortest_ms: float, edge_ms: float) -> Waves:
    """Return the waves of one class from its (lead, sample) probability, kept and inserted by vote.

    A wave that reaches within ``edge_ms`` of an end of the recording is cut by it, and left out.
    """
    leads, count = probability.shape
    starts, stops = _events(probability.mean(axis=0), rate_hz)
    margin = edge_ms * rate_hz / 1000.0
    whole = (starts >= margin) & (stops <= count - margin)
    starts, stops = starts[whole], stops[whole]
    on = np.full((len(starts), leads), np.nan)
    off = np.full((len(starts), leads), np.nan)
    for lead in range(leads):
        _mark_lead(probability[lead], (starts, stops), on[:, lead], off[:, lead])
    on, off = on * 1000.0 / rate_hz, off * 1000.0 / rate_hz
    too_short = ~(off - on >= shortest_ms)
    on[too_short] = off[too_short] = np.nan
    vote = np.isfinite(on).mean(axis=1)
    kept = vote >= VOTE_KEEP
    on, off, vote = on[kept], off[kept], vote[kept]
    _insert(on, vote)
    _insert(off, vote)
    return Waves(on_ms=on, peak_ms=(on + off) / 2, off_ms=off, vote=vote)


def _events(mean: FloatArray, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    starts, stops = _runs(mean > EVENT_LEVEL)
    if len(starts) == 0:
        return starts, stops
    apart = (starts[1:] - stops[:-1]) * 1000.0 / rate_hz > JOIN_MS
    return starts[np.r_[True, apart]], stops[np.r_[apart, True]]


def _runs(mask: MaskArray) -> tuple[FloatArray, FloatArray]:
    edges = np.diff(np.r_[False, mask, False].astype(np.int8))
    return np.flatnonzero(edges == 1).astype(np.float64), np.flatnonzero(edges == -1).astype(np.float64)


def _mark_lead(
    probability: FloatArray, events: tuple[FloatArray, FloatArray], on: FloatArray, off: FloatArray
) -> None:
    """Write each event's first and last crossing of the level in one lead, the largest part deciding."""
    starts, stops = _runs(probability > LEVEL)
    if len(starts) == 0 or len(on) == 0:
        return
    first = _crossing(probability, starts)
    last = _crossing(probability, stops)
    middle = (events[0][1:] + events[1][:-1]) / 2
    owner = np.searchsorted(middle, (first + last) / 2)
    for index in range(len(starts)):
        event = int(owner[index])
        if first[index] > events[1][event] or last[index] < events[0][event]:
            continue
        known = on[event] == on[event]
        if not known or last[index] - first[index] > off[event] - on[event]:
            on[event], off[event] = first[index], last[index]


def _crossing(probability: FloatArray, edge: FloatArray) -> FloatArray:
    """Return where between samples ``edge - 1`` and ``edge`` the level is crossed."""
    after = np.clip(edge.astype(np.intp), 1, len(probability) - 1)
    low, high = probability[after - 1], probability[after]
    step = high - low
    part = np.where(np.abs(step) > 1e-9, (LEVEL - low) / np.where(step == 0, 1.0, step), 0.5)
    return np.asarray(after - 1 + np.clip(part, 0.0, 1.0), dtype=np.float64)


def _insert(marks: FloatArray, vote: FloatArray) -> None:
    """Give the leads without a mark the median of the others where enough of them agree."""
    if len(marks) == 0:
        return
    agreed = median_over_leads(marks)
    rows, leads = np.nonzero(np.isnan(marks) & (vote >= VOTE_INSERT)[:, None])
    marks[rows, leads] = agreed[rows]
