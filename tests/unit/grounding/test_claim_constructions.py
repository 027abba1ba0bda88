"""Constructions of ECG prose that the claim grammar follows."""

from __future__ import annotations

import pytest

from gem_integration.domain.evidence import Certainty, Polarity
from gem_integration.grounding import extract_claims


def read(text: str) -> list[tuple[str, str, str, str]]:
    """Return subject, leads, "absent" and "possible" of each claim, in text order."""
    return [
        (
            claim.subject or "other",
            " ".join(claim.leads),
            "" if claim.polarity is Polarity.PRESENT else "absent",
            "" if claim.certainty is Certainty.STATED else "possible",
        )
        for claim in extract_claims(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "T waves in aVL and V1 are flat; those in I are upright.",
            [("t_flat", "aVL V1", "", ""), ("t_upright", "I", "", "")],
        ),
        (
            "No ST changes, T waves positive in V5.",
            [("st_t_abnormal", "", "absent", ""), ("t_upright", "V5", "", "")],
        ),
        (
            "Lateral leads reveal ST depression, most pronounced in V5 (1.5 mm).",
            [("st_depression", "I aVL V5 V6", "", ""), ("st_level", "V5", "", "")],
        ),
        (
            "T waves are inverted in V1-V3. The remaining precordial leads show upright T waves.",
            [("t_inverted", "V1 V2 V3", "", ""), ("t_upright", "V4 V5 V6", "", "")],
        ),
        ("SV2 2.6 mV and RV5 2.9 mV", [("s_amplitude", "V2", "", ""), ("r_amplitude", "V5", "", "")]),
    ],
)
def test_leads_stay_with_their_words(text, expected):
    """Leads follow pronouns and remainders, and cross neither a denial nor a semicolon."""
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("There is probable right atrial enlargement.", [("rae", "", "", "possible")]),
        ("Peaked T waves: hyperkalaemia?", [("t_peaked", "", "", ""), ("hyperk", "", "", "possible")]),
        ("No infarct is suspected.", [("q_mi", "", "absent", "")]),
        ("The axis appears to be normal.", [("axis_normal", "", "", "")]),
        ("Atrial flutter with 2:1 block has to be considered.", [("aflutter", "", "", "possible")]),
    ],
)
def test_hedges_reach_what_they_doubt(text, expected):
    """A hedge may stand behind, in front, or be a question mark; a denial under it stays firm."""
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "A wide QRS with an rSR' pattern in V1 is a classic sign of right bundle branch block.",
        "Left ventricular hypertrophy is diagnosed when SV1 + RV5 exceeds 35 mm.",
        "The Q wave is the first negative deflection of the ventricular complex.",
    ],
)
def test_textbook_sentences_make_no_claims(text):
    """What is said of ECGs in general is not said of this one."""
    assert read(text) == []


@pytest.mark.parametrize(
    "text", ["This corresponds to atrial fibrillation.", "This rhythm denotes atrial fibrillation."]
)
def test_words_of_definition_may_state_a_finding(text):
    """Words such as "corresponds to" and "denotes" hide no finding of this ECG."""
    assert read(text) == [("af", "", "", "")]


@pytest.mark.parametrize(
    ("text", "value", "high", "unit"),
    [
        ("QRS .10 sec", 100.0, None, "ms"),
        ("**4. QRS** – 94 ms", 94.0, None, "ms"),
        ("QRS axis: -30 to -45 degrees", -45.0, -30.0, "deg"),
        ("Heart rate = 300 / 4 = 75 bpm (60-100 normal).", 75.0, None, "bpm"),
        ("LAD -42", -42.0, None, "deg"),
    ],
)
def test_numbers_are_read_as_meant(text, value, high, unit):
    """Bare decimals, dashes, falling ranges, sums on the way and abbreviations give the number meant."""
    (claim,) = [claim for claim in extract_claims(text) if claim.value is not None]
    assert (claim.value, claim.value_high, claim.unit) == (value, high, unit)


def test_beats_named_in_a_sentence_carry_its_predicates():
    """A predicate of beats named before speaks of their QRS; "whereas" parts other beats from them."""
    claims = extract_claims("The fourth and sixth beats arrive prematurely, they are broad at 148 ms.")
    assert [(c.subject, c.beats) for c in claims] == [
        ("premature_beat", (4, 6)),
        ("qrs_wide", (4, 6)),
        ("qrs_duration", (4, 6)),
    ]
    claims = extract_claims("Beat 3 has a QRS duration of 156 ms, whereas the others measure 92 ms.")
    assert [c.beats for c in claims] == [(3,), ()]
