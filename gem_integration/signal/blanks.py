"""Where a recording shows no heart: samples not received, and calibration pulses."""

from __future__ import annotations

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead, MaskArray, Recording

PULSE_MV = 1.0
PULSE_TOLERANCE_MV = 0.1
PULSE_SPREAD_MV = 0.02  #: leads differ by less than this while they all show the pulse
PULSE_MIN_MS = 80.0
PULSE_MARGIN_MS = 250.0
PULSE_LEADS_MIN = 3


def calibration_pulse(samples_mv: FloatArray, rate_hz: float) -> MaskArray:
    """Return where all leads together show a 1 mV pulse, with a margin around it."""
    hidden = np.zeros(samples_mv.shape[1], dtype=np.bool_)
    if len(samples_mv) < PULSE_LEADS_MIN:
        return hidden
    near = np.abs(samples_mv - PULSE_MV) < PULSE_TOLERANCE_MV + PULSE_SPREAD_MV
    places = np.flatnonzero(2 * near.sum(axis=0) > len(samples_mv))
    if len(places) == 0:
        return hidden
    middle = np.median(samples_mv[:, places], axis=0)
    spread = np.median(np.abs(samples_mv[:, places] - middle), axis=0)
    pulse = np.zeros_like(hidden)
    pulse[places] = (np.abs(middle - PULSE_MV) < PULSE_TOLERANCE_MV) & (spread < PULSE_SPREAD_MV)
    edges = np.flatnonzero(np.diff(np.r_[False, pulse, False].astype(np.int8)))
    margin = round(PULSE_MARGIN_MS * rate_hz / 1000.0)
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if stop - start >= PULSE_MIN_MS * rate_hz / 1000.0:
            hidden[max(0, start - margin) : stop + margin] = True
    return hidden


def hidden_samples(recording: Recording, leads: tuple[Lead, ...]) -> tuple[FloatArray, MaskArray]:
    """Return ``leads`` as float64 millivolts and where each hides the heart."""
    rows = [recording.leads.index(lead) for lead in leads]
    samples = recording.samples_mv[rows].astype(np.float64)
    hidden = np.zeros(samples.shape, dtype=np.bool_)
    if recording.gap_mask is not None:
        hidden |= recording.gap_mask[rows]
    hidden |= calibration_pulse(samples, recording.sampling_rate_hz)
    return samples, hidden


def bridged(samples_mv: FloatArray, hidden: MaskArray) -> FloatArray:
    """Return a copy with a straight line over everything hidden."""
    out = samples_mv.copy()
    for row in np.flatnonzero(hidden.any(axis=1)).tolist():
        seen = np.flatnonzero(~hidden[row])
        if len(seen) == 0:
            out[row] = 0.0
            continue
        gone = np.flatnonzero(hidden[row])
        out[row, gone] = np.interp(gone, seen, samples_mv[row, seen])
    return out
