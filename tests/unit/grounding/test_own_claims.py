"""The claim grammar against interpretations annotated by hand (tests/data/claims/own.jsonl)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gem_integration.domain.evidence import Claim, ClaimKind
from gem_integration.grounding import extract_claims

OWN = Path(__file__).parents[2] / "data" / "claims" / "own.jsonl"
NEAR = 60  # characters between spans that still speak of one assertion
PRECISION_MIN, RECALL_MIN, LEADS_MIN, VALUES_MIN = 0.975, 0.975, 0.98, 0.99

Gold = dict[str, object]


@pytest.fixture(scope="module")
def compared() -> tuple[list[tuple[Gold, Claim]], int, int]:
    """Return matched pairs, the number of annotated claims, and the number of claims found."""
    pairs: list[tuple[Gold, Claim]] = []
    gold_count = found_count = 0
    for line in OWN.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found = list(extract_claims(row["text"]))
        gold_count, found_count = gold_count + len(row["claims"]), found_count + len(found)
        for gold in row["claims"]:
            match = min(
                (claim for claim in found if _same(gold, claim)), key=lambda c: _apart(gold, c), default=None
            )
            if match is not None and _apart(gold, match)[0] < NEAR:
                found.remove(match)
                pairs.append((gold, match))
    return pairs, gold_count, found_count


def _same(gold: Gold, claim: Claim) -> bool:
    ours = (claim.kind.value, claim.subject, claim.polarity.value)
    return ours == (gold["kind"], gold["subject"], gold["polarity"])


def _apart(gold: Gold, claim: Claim) -> tuple[int, bool]:
    gap = max(gold["start"], claim.start) - min(gold["end"], claim.end)
    return max(0, gap), list(claim.leads) != gold["leads"]


def test_nearly_every_annotated_claim_is_found(compared):
    """Recall over all kinds stays above its floor."""
    pairs, gold_count, _ = compared
    assert len(pairs) / gold_count >= RECALL_MIN


def test_hardly_any_claim_is_made_up(compared):
    """Precision over all kinds stays above its floor; bait sentences are among the texts."""
    pairs, _, found_count = compared
    assert len(pairs) / found_count >= PRECISION_MIN


def test_claims_found_speak_of_the_annotated_leads(compared):
    """Leads of matched claims are those a reader names."""
    pairs = [(gold, claim) for gold, claim in compared[0] if claim.kind is not ClaimKind.OTHER]
    right = sum(list(claim.leads) == gold["leads"] for gold, claim in pairs)
    assert right / len(pairs) >= LEADS_MIN


def test_numbers_keep_their_value_unit_and_comparator(compared):
    """Numbers come out as written, in the units of the contract."""
    pairs = [(gold, claim) for gold, claim in compared[0] if claim.kind is ClaimKind.MEASUREMENT]
    right = sum(
        (abs(claim.value), claim.value_high, claim.unit, claim.comparator.value)
        == (abs(gold["value"]), gold["value_high"], gold["unit"], gold["comparator"])
        for gold, claim in pairs
    )
    assert right / len(pairs) >= VALUES_MIN
