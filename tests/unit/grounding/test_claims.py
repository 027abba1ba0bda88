"""What the claim grammar reads out of sentences."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gem_integration.domain.evidence import Certainty, Claim, ClaimKind, Polarity
from gem_integration.grounding import extract_claims

WORDS = [
    "the",
    "a",
    "no",
    "not",
    "without",
    "is",
    "are",
    "in",
    "lead",
    "leads",
    "II",
    "III",
    "aVF",
    "V1",
    "V2-V4",
    "I",
    "and",
    "or",
    ",",
    ".",
    ";",
    ":",
    "(",
    ")",
    "ST",
    "QRS",
    "PR",
    "QTc",
    "T",
    "wave",
    "waves",
    "segment",
    "elevation",
    "depression",
    "inverted",
    "normal",
    "prolonged",
    "wide",
    "possible",
    "cannot",
    "be",
    "excluded",
    "suggests",
    "120",
    "ms",
    "0.2",
    "mV",
    "mm",
    "75",
    "bpm",
    "-30",
    "°",
    "degrees",
    "inferior",
    "anterior",
    "infarct",
    "old",
    "sinus",
    "rhythm",
    "LBBB",
    "all",
    "except",
    "these",
    "same",
    "beat",
    "3",
    "unlikely",
    "-",
    "**",
]


def seen(text: str) -> set[tuple[str, str, str, str]]:
    """Return subject, leads, polarity and certainty of each claim, shortly."""
    return {
        (
            claim.subject or "other",
            " ".join(claim.leads),
            "" if claim.polarity is Polarity.PRESENT else "absent",
            "" if claim.certainty is Certainty.STATED else "possible",
        )
        for claim in extract_claims(text)
    }


def numbers(text: str) -> list[tuple[str, str, str, float, float | None, str]]:
    return [
        (c.subject, " ".join(c.leads), c.comparator.value, c.value, c.value_high, c.unit)
        for c in extract_claims(text)
        if c.kind is ClaimKind.MEASUREMENT
    ]


def test_the_sentence_of_the_contract_holds_its_four_claims():
    """Width, number, pattern and hedged finding of one sentence are four claims."""
    text = (
        "The QRS is wide at 142 ms in V1 and V6 with an rsR' pattern in V1, consistent with right bundle "
        "branch block."
    )
    assert seen(text) == {
        ("qrs_wide", "V1 V6", "", ""),
        ("qrs_duration", "V1 V6", "", ""),
        ("rsr_pattern", "V1", "", ""),
        ("rbbb", "", "", "possible"),
    }
    assert numbers(text) == [("qrs_duration", "V1 V6", "=", 142.0, None, "ms")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No ST elevation or depression is seen.", {"st_elevation", "st_depression"}),
        ("ST segments are neither elevated nor depressed.", {"st_elevation", "st_depression"}),
        ("There is no bundle branch block.", {"lbbb", "rbbb"}),
        ("Q waves are absent.", {"q_wave"}),
        ("P waves are not visible.", {"p_wave"}),
        ("Acute ischemia is excluded.", {"ischaemia"}),
        ("No evidence of atrial fibrillation.", {"af"}),
        ("The QRS is not widened.", {"qrs_wide"}),
    ],
)
def test_a_denial_reaches_what_it_denies(text, expected):
    """Negations before and after, shared by "or" and "nor", make absent claims."""
    assert {(s, "", "absent", "") for s in expected} == seen(text)


def test_a_denial_ends_with_its_clause():
    """What follows "but" or a new clause is not denied."""
    assert seen("No ST elevation is present, but T waves are inverted in V5.") == {
        ("st_elevation", "", "absent", ""),
        ("t_inverted", "V5", "", ""),
    }
    assert ("axis_normal", "", "", "") in seen("There is no QT prolongation and the axis is normal.")


@pytest.mark.parametrize(
    "text",
    [
        "Possible left ventricular hypertrophy.",
        "Left ventricular hypertrophy cannot be excluded.",
        "LVH should be considered.",
        "The findings suggest LVH.",
        "CONSIDER LEFT VENTRICULAR HYPERTROPHY",
        "Cannot rule out LVH",
        "?LVH",
        "LVH is likely.",
    ],
)
def test_a_hedge_makes_a_possible_claim(text):
    """Hedges before or after keep the claim present and make it possible."""
    assert ("lvh", "", "", "possible") in seen(text)


@pytest.mark.parametrize("text", ["LVH is unlikely.", "This argues against LVH.", "LVH is less likely."])
def test_doubt_makes_a_possible_absence(text):
    """The word "unlikely" is absent and only possible."""
    assert ("lvh", "", "absent", "possible") in seen(text)


@pytest.mark.parametrize(
    ("words", "leads"),
    [
        ("in V2-V4", "V2 V3 V4"),
        ("in leads II, III and aVF", "II III aVF"),
        ("in the inferior leads", "II III aVF"),
        ("from V1 through V3", "V1 V2 V3"),
        ("in all leads except aVR and V1", "I II III aVL aVF V2 V3 V4 V5 V6"),
        ("in V5/V6", "V5 V6"),
        ("in the lateral precordial leads (V5 and V6)", "V5 V6"),
        ("in lead 2 and AVF", "II aVF"),
        ("in every lead", ""),
        ("in I and avL", "I aVL"),
        ("from V4 onwards", "V4 V5 V6"),
        ("except in the precordial leads", "I II III aVR aVL aVF"),
    ],
)
def test_leads_are_read_in_every_spelling(words, leads):
    """Lists, ranges, territories and exceptions become canonical names in order."""
    assert seen(f"T waves are inverted {words}.") == {("t_inverted", leads, "", "")}


def test_leads_stay_with_their_own_words():
    """Two lists in one sentence belong to two claims."""
    assert seen("T waves are flat in II and aVF and inverted in lead III.") == {
        ("t_flat", "II aVF", "", ""),
        ("t_inverted", "III", "", ""),
    }
    assert seen("Lead V1 shows an rsR' complex, and leads I and V6 have deep S waves.") == {
        ("rsr_pattern", "V1", "", ""),
        ("deep_s", "I V6", "", ""),
    }


def test_the_pronoun_is_no_lead():
    """The first person is not lead I."""
    assert all(not claim.leads for claim in extract_claims("In summary, I see T-wave inversion."))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PR 0.16 s", ("pr_interval", "", "=", 160.0, None, "ms")),
        ("PR 142", ("pr_interval", "", "=", 142.0, None, "ms")),
        ("QRS duration ≥ 140 ms", ("qrs_duration", "", ">=", 140.0, None, "ms")),
        ("The QTc is under 440 ms.", ("qtc_interval", "", "<", 440.0, None, "ms")),
        ("The heart rate is about 75 bpm.", ("heart_rate", "", "~", 75.0, None, "bpm")),
        ("RR intervals vary between 372 and 604 ms.", ("rr_interval", "", "range", 372.0, 604.0, "ms")),
        ("QRS axis −52°", ("qrs_axis", "", "=", -52.0, None, "deg")),
        ("R amplitude of 280 µV in V3", ("r_amplitude", "V3", "=", 0.28, None, "mV")),
        ("ST elevation of 2 mm in V2", ("st_level", "V2", "=", 2.0, None, "mm")),
        ("Q waves up to 44 ms in III", ("q_duration", "III", "<=", 44.0, None, "ms")),
        ("The atrial rate is 300 per minute.", ("atrial_rate", "", "=", 300.0, None, "bpm")),
        ("The RR interval is 1,180 ms.", ("rr_interval", "", "=", 1180.0, None, "ms")),
    ],
)
def test_numbers_come_with_unit_and_comparator(text, expected):
    """Seconds become milliseconds, microvolts millivolts; millimetres stay as written."""
    assert numbers(text) == [expected]


def test_lists_of_numbers_and_leads_pair_up():
    """The word "respectively" gives each lead its own number; slashes pair names with numbers."""
    assert [
        n[:4] for n in numbers("QRS durations of 82, 86 and 90 ms in leads I, II and V1, respectively")
    ] == [
        ("qrs_duration", "I", "=", 82.0),
        ("qrs_duration", "II", "=", 86.0),
        ("qrs_duration", "V1", "=", 90.0),
    ]
    assert [(n[0], n[3]) for n in numbers("QT/QTC 392/426 MS  P-R-T AXES 48 -34 12")] == [
        ("qt_interval", 392.0),
        ("qtc_interval", 426.0),
        ("p_axis", 48.0),
        ("qrs_axis", -34.0),
        ("t_axis", 12.0),
    ]


def test_a_quoted_limit_is_no_claim():
    """Reference ranges in brackets and after "normal range" are not asserted of this ECG."""
    assert numbers("The PR interval is 148 ms (normal range 120-200 ms).") == [
        ("pr_interval", "", "=", 148.0, None, "ms")
    ]
    assert [n[3] for n in numbers("PR = 238 ms, prolonged (> 200 ms)")] == [238.0]


@pytest.mark.parametrize(
    "text",
    [
        "I will go through rhythm, intervals, axis and repolarization in turn.",
        "Is there ST elevation?",
        "Left axis deviation is defined as an axis beyond -30 degrees.",
        "In atrial fibrillation the atria are activated chaotically.",
        "Upon analyzing the ECG, several features are evident.",
        "If the QRS were wider, LBBB would be diagnosed.",
        "Normal PR intervals lie between 120 and 200 ms.",
        "Hyperkalemia often produces tall, peaked T waves.",
        "A QRS below 120 ms speaks for supraventricular conduction.",
        "I looked for Q waves, ST elevation and T-wave inversion in all leads.",
        "",
        "\n \n",
    ],
)
def test_general_talk_is_no_claim(text):
    """Announcements, questions, definitions and hypotheticals assert nothing of this ECG."""
    assert extract_claims(text) == ()


@pytest.mark.parametrize(
    "text",
    ["Clinical correlation is recommended.", "The patient reports chest pain.", "Age undetermined."],
)
def test_what_no_ecg_shows_is_other(text):
    """Advice, history and unknown age are claims of kind other."""
    assert [claim.kind for claim in extract_claims(text)] == [ClaimKind.OTHER]


def test_beats_named_by_the_sentence_are_kept():
    """Ordinals and numbers of beats belong to the claims of their sentence."""
    claims = extract_claims("The fifth beat is premature and has a QRS duration of 152 ms.")
    assert {claim.beats for claim in claims} == {(5,)}


def check_spans(text: str, claims: tuple[Claim, ...]) -> None:
    pieces, position = [], 0
    for claim in claims:
        assert text[claim.start : claim.end] == claim.text
        if claim.end > position:
            pieces += [
                text[position : max(claim.start, position)],
                text[max(claim.start, position) : claim.end],
            ]
            position = claim.end
    assert "".join(pieces) + text[position:] == text
    assert [c.start for c in claims] == sorted(c.start for c in claims)


@given(st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_the_grammar(text):
    """Any string is read without an error, and spans and gaps give it back."""
    check_spans(text, extract_claims(text))


@given(st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join))
@settings(max_examples=250, deadline=None)
def test_no_order_of_ecg_words_breaks_the_grammar(text):
    """ECG words in any order keep spans exact, nothing overlapping in part."""
    claims = extract_claims(text)
    check_spans(text, claims)
    for first in claims:
        for second in claims:
            crossing = first.start < second.start < first.end < second.end
            assert not crossing


def test_reading_is_linear_in_the_length_of_the_text():
    """Eight times the text takes no more than some sixteen times the time, even without a full stop."""
    part = "no ST elevation in V1-V4 and II, III and aVF or T wave inversion of 0.2 mV possibly old infarct, "

    def seconds(times: int) -> float:
        started = time.process_time()
        extract_claims(part * times)
        return time.process_time() - started

    seconds(10)
    assert seconds(400) < 16.0 * max(seconds(50), 0.02)
