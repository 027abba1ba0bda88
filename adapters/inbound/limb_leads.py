"""Does a recording agree with itself? Limb leads are combinations of each other, and spans differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead, MaskArray, Recording

#: Einthoven and Goldberger: each lead as a combination of two others.
COMBINATIONS: Mapping[Lead, Mapping[Lead, float]] = {
    Lead.III: {Lead.II: 1.0, Lead.I: -1.0},
    Lead.AVR: {Lead.I: -0.5, Lead.II: -0.5},
    Lead.AVL: {Lead.I: 1.0, Lead.II: -0.5},
    Lead.AVF: {Lead.II: 1.0, Lead.I: -0.5},
}

DISAGREEMENT_MV = 0.1  #: rounding and separate filters stay far below
LEADS_TO_COMPARE_MIN = 3
SAME_SPAN_SHARE = 1e-3
DISAGREEMENT_SHARE = 0.3  #: of the lead's own spread


def contradictions(recording: Recording) -> tuple[str, ...]:
    """Return a sentence for each limb lead that is not what the others say: wrong gain, sign or lead."""
    return tuple(
        f"lead {lead} contradicts the other limb leads: gains, signs or lead names are wrong"
        for lead, parts in COMBINATIONS.items()
        if lead in recording.leads and all(part in recording.leads for part in parts)
        if _disagrees(recording, lead, parts)
    )


def normalisation(recording: Recording) -> tuple[str, ...]:
    """Say so where all leads span exactly the same range: such gains were never a calibration."""
    spans_mv = np.ptp(recording.samples_mv, axis=1)
    widest_mv = float(spans_mv.max())
    same = widest_mv - float(spans_mv.min()) <= SAME_SPAN_SHARE * widest_mv
    if len(spans_mv) < LEADS_TO_COMPARE_MIN or widest_mv == 0.0 or not same:
        return ()
    return ("every lead spans the same range: its gains are a normalisation, not a scale in millivolts",)


def _disagrees(recording: Recording, lead: Lead, parts: Mapping[Lead, float]) -> bool:
    received = _received(recording, (lead, *parts))
    if not received.any():
        return False
    measured = _samples(recording, lead)[received]
    expected = np.sum(
        [weight * _samples(recording, part)[received] for part, weight in parts.items()], axis=0
    )
    return _spread_mv(measured - expected) > max(
        DISAGREEMENT_SHARE * _spread_mv(measured), DISAGREEMENT_MV / 2
    )


def _received(recording: Recording, leads: tuple[Lead, ...]) -> MaskArray:
    """Return where none of ``leads`` has a gap."""
    if recording.gap_mask is None:
        return np.ones(recording.sample_count, dtype=np.bool_)
    rows = [recording.leads.index(lead) for lead in leads]
    received: MaskArray = np.logical_not(np.any(recording.gap_mask[rows], axis=0))
    return received


def _samples(recording: Recording, lead: Lead) -> FloatArray:
    return recording.lead_mv(lead).astype(np.float64)


def _spread_mv(samples_mv: FloatArray) -> float:
    """Return the root mean square about the median: each lead may have an offset of its own."""
    return float(np.sqrt(np.mean(np.square(samples_mv - float(np.median(samples_mv))))))
