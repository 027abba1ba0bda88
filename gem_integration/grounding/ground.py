"""Every claim through its check, none dropped."""

from __future__ import annotations

from collections.abc import Iterable

from gem_integration.domain.evidence import Claim, ClaimKind, GroundedObservation, Verdict
from gem_integration.domain.identity import Demographics
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.statement import Statement
from gem_integration.grounding.checks import CHECKS
from gem_integration.grounding.checks.outcome import Waveform
from gem_integration.grounding.claims import extract_claims

NOT_GROUNDABLE_REASON = "nothing a 12-lead ECG could show"


def ground(
    text: str, measurements: Measurements, statements: Iterable[Statement], demographics: Demographics
) -> tuple[GroundedObservation, ...]:
    """Return every claim of ``text`` with its verdict and the evidence it rests on (claims.md 4 and 5)."""
    waveform = Waveform(
        measurements=measurements,
        statements={statement.statement_id: statement for statement in statements},
        demographics=demographics,
    )
    return tuple(ground_claim(claim, waveform) for claim in extract_claims(text))


def ground_claim(claim: Claim, waveform: Waveform) -> GroundedObservation:
    """Return one claim with its verdict."""
    if claim.kind is ClaimKind.OTHER:
        return GroundedObservation(claim=claim, verdict=Verdict.NOT_GROUNDABLE, reason=NOT_GROUNDABLE_REASON)
    outcome = CHECKS[f"{claim.kind}/{claim.subject}"](claim, waveform)
    return GroundedObservation(
        claim=claim, verdict=outcome.verdict, reason=outcome.reason, evidence=outcome.evidence
    )
