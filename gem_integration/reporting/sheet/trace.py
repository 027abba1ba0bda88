"""One lead's samples → one SVG path, in hundredths of a millimetre."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gem_integration.domain.ecg import Recording
from gem_integration.reporting.sheet.geometry import MM_PER_MV, MM_PER_S, STRIP_S, Panel

POINTS_MAX = 2500
UNITS_PER_MM = 100  # coordinates are whole hundredths of a millimetre

IndexArray = npt.NDArray[np.intp]


def trace_path(recording: Recording, panel: Panel) -> str:
    """Return the path of the panel's lead, in units of 1/100 mm; empty when the window holds no sample.

    The lead's median over the sheet's ten seconds lies on the row's baseline: a constant offset of the
    amplifier is not drawn, nothing else is changed. Gaps stay open.
    """
    row = recording.leads.index(panel.lead)
    samples = recording.samples_mv[row]
    present = np.ones(samples.size, dtype=np.bool_)
    if recording.gap_mask is not None:
        present = ~recording.gap_mask[row]
    first, stop = window_of(recording, panel)
    if not present[first:stop].any():
        return ""
    strip = slice(round(STRIP_S * recording.sampling_rate_hz) + 1)
    offset_mv = float(np.median(samples[strip][present[strip]]))
    runs = (run + first for run in _runs(present[first:stop]))
    kept = (run[_kept(samples[run], stop - first)] for run in runs)
    return "".join(_subpath(recording, panel, indices, offset_mv) for indices in kept)


def window_of(recording: Recording, panel: Panel) -> tuple[int, int]:
    """Return the half-open range of samples the panel shows."""
    rate_hz = recording.sampling_rate_hz
    first = round(panel.start_s * rate_hz)
    stop = min(round(panel.stop_s * rate_hz) + 1, recording.sample_count)
    return first, max(stop, first)


def _runs(present: npt.NDArray[np.bool_]) -> Iterator[IndexArray]:
    """Yield the indices of each unbroken run of present samples."""
    indices = np.flatnonzero(present)
    yield from np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1)


def _kept(samples: npt.NDArray[np.float32], window: int) -> IndexArray:
    """Return the samples to draw: both ends, and of each equal bin its lowest and highest."""
    if window <= POINTS_MAX:
        return np.arange(samples.size)
    width = -(-2 * window // (POINTS_MAX - 2))
    whole = samples.size // width * width
    bins = samples[:whole].reshape(-1, width)
    starts = np.arange(0, whole, width)
    extremes = (starts + bins.argmin(axis=1), starts + bins.argmax(axis=1))
    return np.unique(np.concatenate((*extremes, np.arange(whole, samples.size), [0, samples.size - 1])))


def _subpath(recording: Recording, panel: Panel, indices: IndexArray, offset_mv: float) -> str:
    row = recording.leads.index(panel.lead)
    x_mm = panel.x_mm + (indices / recording.sampling_rate_hz - panel.start_s) * MM_PER_S
    y_mm = panel.baseline_mm - (recording.samples_mv[row, indices] - offset_mv) * MM_PER_MV
    points = np.rint(np.column_stack((x_mm, y_mm)) * UNITS_PER_MM).astype(np.int64)
    steps = np.diff(points, axis=0).ravel().tolist()
    start = f"M{points[0, 0]} {points[0, 1]}"
    return f"{start}l{' '.join(map(str, steps))}" if steps else f"{start}h1"
