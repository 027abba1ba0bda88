"""The public JSON of a grounded claim (claims.md sections 1 and 5)."""

from __future__ import annotations

from typing import TypeAlias

from gem_integration.domain.evidence import Claim, Evidence, GroundedObservation

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"


def claim_fields_json(claim: Claim) -> dict[str, JSON]:
    """Return the 13 fields of a claim, in the order of claims.md section 1."""
    return {
        "text": claim.text,
        "start": claim.start,
        "end": claim.end,
        "kind": claim.kind.value,
        "subject": claim.subject,
        "leads": [lead.value for lead in claim.leads],
        "polarity": claim.polarity.value,
        "certainty": claim.certainty.value,
        "comparator": claim.comparator.value if claim.comparator else None,
        "value": claim.value,
        "value_high": claim.value_high,
        "unit": claim.unit,
        "beats": list(claim.beats),
    }


def claim_json(observation: GroundedObservation) -> dict[str, JSON]:
    """Return a claim's 13 fields, then verdict, reason and evidence."""
    return {
        **claim_fields_json(observation.claim),
        "verdict": observation.verdict.value,
        "reason": observation.reason,
        "evidence": [evidence_json(shown) for shown in observation.evidence],
    }


def evidence_json(shown: Evidence) -> dict[str, JSON]:
    """Return one piece of evidence as claims.md section 5 writes it."""
    return {
        "measurement": shown.measurement,
        "lead": shown.lead.value if shown.lead else None,
        "value": shown.value,
        "unit": shown.unit,
        "low": shown.low,
        "high": shown.high,
        "beats": list(shown.beats),
        "samples": [[start, stop] for start, stop in shown.samples],
        "method": shown.method,
        "criterion": shown.criterion,
        "met": shown.met,
    }
