"""Technical statements: exchanged electrodes and limited quality (ecg-criteria section 6)."""

from __future__ import annotations

from dataclasses import replace

from gem_integration.criteria.parts import BORDERLINE, Case, Outcome, observed
from gem_integration.domain.quality import QualityFlag

REVERSALS = (
    QualityFlag.RA_LA_REVERSAL,
    QualityFlag.RA_RL_REVERSAL,
    QualityFlag.PRECORDIAL_SWAP,
    QualityFlag.DEXTROCARDIA,
)


def lead_reversal(case: Case) -> Outcome:
    """Test for exchanged electrodes, as the quality of the recording names them."""
    found = [flag for flag in REVERSALS if flag in case.measurements.quality.flags]
    words = ", ".join(flag.replace("_", " ") for flag in found)
    outcome = observed(
        "quality", "electrodes are exchanged", met=bool(found), method=words or "no sign of it"
    )
    return outcome.noted(words or None)


def poor_quality(case: Case) -> Outcome:
    """Test for a recording that must not be interpreted; single faults make it borderline."""
    quality = case.measurements.quality
    reasons = "; ".join(quality.reasons)
    outcome = observed(
        "quality",
        "the recording is technically limited",
        met=not quality.usable,
        method=reasons or "no fault found",
    )
    bad_leads = tuple(lead for lead, state in quality.leads.items() if not state.usable)
    if quality.usable and bad_leads:
        outcome = replace(outcome, state=BORDERLINE)
    return replace(outcome, leads=bad_leads, note=reasons or None)
