"""The standard twelve leads from those recorded, by Einthoven's and Goldberger's laws."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from gem_integration.domain.ecg import (
    LIMB_LEADS,
    STANDARD_LEADS,
    FloatArray,
    Lead,
    MaskArray,
    Recording,
)

#: Each limb lead as a combination of I and II (Einthoven: II = I + III; Goldberger: aVR = -(I + II) / 2).
LIMB_COEFFICIENTS: dict[Lead, tuple[float, float]] = {
    Lead.I: (1.0, 0.0),
    Lead.II: (0.0, 1.0),
    Lead.III: (-1.0, 1.0),
    Lead.AVR: (-0.5, -0.5),
    Lead.AVL: (1.0, -0.5),
    Lead.AVF: (-0.5, 1.0),
}


def with_standard_leads(recording: Recording) -> Recording:
    """Add the limb leads that follow from two recorded ones; put the standard leads first, in order.

    Extra leads keep their order behind them; a lead that cannot be derived stays absent. A derived sample
    is a gap where either source is.
    """
    derived = _derived(recording)
    present = {*recording.leads, *derived}
    order = [lead for lead in STANDARD_LEADS if lead in present]
    order += [lead for lead in recording.leads if lead not in STANDARD_LEADS]
    if tuple(order) == recording.leads:
        return recording
    rows = [derived[lead][0] if lead in derived else recording.lead_mv(lead) for lead in order]
    gaps = [derived[lead][1] if lead in derived else gaps_of(recording, lead) for lead in order]
    mask = np.stack(gaps)
    return Recording(
        samples_mv=np.where(mask, 0.0, np.stack(rows)).astype(np.float32),
        leads=tuple(order),
        sampling_rate_hz=recording.sampling_rate_hz,
        started_at=recording.started_at,
        gap_mask=mask if mask.any() else None,
    )


def gaps_of(recording: Recording, lead: Lead) -> MaskArray:
    """Return where ``lead`` was not received."""
    if recording.gap_mask is None:
        return np.zeros(recording.sample_count, dtype=np.bool_)
    gaps: MaskArray = recording.gap_mask[recording.leads.index(lead)]
    return gaps


def _derived(recording: Recording) -> dict[Lead, tuple[FloatArray, MaskArray]]:
    recorded = [lead for lead in LIMB_LEADS if lead in recording.leads]
    missing = [lead for lead in LIMB_LEADS if lead not in recording.leads]
    if not missing or len(recorded) < 2:
        return {}
    first, second = next(combinations(recorded, 2))
    system = np.array([LIMB_COEFFICIENTS[first], LIMB_COEFFICIENTS[second]])
    sources = np.stack([recording.lead_mv(first), recording.lead_mv(second)]).astype(np.float64)
    one_and_two = np.linalg.solve(system, sources)
    gaps = gaps_of(recording, first) | gaps_of(recording, second)
    return {lead: (np.asarray(LIMB_COEFFICIENTS[lead]) @ one_and_two, gaps) for lead in missing}
