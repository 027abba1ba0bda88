"""Does a recording agree with itself? Limb leads are combinations of each other, and spans differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead, Recording

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
    measured = _centred(recording, lead)
    expected = np.sum([weight * _centred(recording, part) for part, weight in parts.items()], axis=0)
    spread_mv = float(np.sqrt(np.mean(np.square(measured))))
    error_mv = float(np.sqrt(np.mean(np.square(measured - expected))))
    return error_mv > max(DISAGREEMENT_SHARE * spread_mv, DISAGREEMENT_MV / 2)


def _centred(recording: Recording, lead: Lead) -> FloatArray:
    samples = recording.lead_mv(lead).astype(np.float64)
    return samples - float(np.median(samples))
