"""What the rules reader writes, the waveform supports: its own text is never contradicted."""

from __future__ import annotations

import pytest

from gem_integration.criteria import evaluate
from gem_integration.domain.evidence import ClaimKind, Verdict
from gem_integration.grounding import ground
from tests.unit.criteria.builder import MAN_OF_50, measured
from tests.unit.criteria.test_statements_by_hand import CASES
from workers.readers.rules_sentences import describe

DOUBTED = (Verdict.CONTRADICTED, Verdict.NOT_GROUNDABLE)


@pytest.mark.parametrize("changes", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_every_claim_of_the_text_stands(changes: object) -> None:
    """Each number is supported and nothing is contradicted, for every statement's own numbers."""
    measurements = measured(changes)
    statements = evaluate(measurements, MAN_OF_50)
    text = describe(measurements, statements)
    observations = ground(text, measurements, statements, MAN_OF_50)
    assert observations
    doubted = [(item.claim.text, item.reason) for item in observations if item.verdict in DOUBTED]
    numbers = [item for item in observations if item.claim.kind is ClaimKind.MEASUREMENT]
    assert not doubted
    assert {item.verdict for item in numbers} == {Verdict.SUPPORTED}
