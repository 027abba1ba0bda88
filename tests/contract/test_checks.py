"""Every subject of the vocabulary has a check, and every check answers for any claim."""

from __future__ import annotations

import pytest

from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Claim, ClaimKind, Comparator, Polarity, Verdict
from gem_integration.domain.identity import Demographics
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.quality import Quality
from gem_integration.grounding.checks import CHECKS
from gem_integration.grounding.checks.outcome import Waveform
from gem_integration.grounding.claims.lexicon import features, table
from gem_integration.grounding.claims.measures import MEASURES
from gem_integration.grounding.vocabulary import VOCABULARY
from gem_integration.terminology.codes import read_table

SUBJECTS = [f"{kind}/{subject}" for kind, subjects in VOCABULARY.items() for subject in subjects]


def nothing_measured() -> Waveform:
    quality = Quality(usable=False, flags=(), reasons=(), leads={})
    measurements = Measurements(
        sampling_rate_hz=500.0, sample_count=5000, quality=quality, beats=(), items=()
    )
    return Waveform(measurements=measurements, statements={}, demographics=Demographics())


def claim_of(key: str, leads: tuple[Lead, ...] = (), polarity: Polarity = Polarity.PRESENT) -> Claim:
    kind, subject = key.split("/")
    number = kind == "measurement"
    return Claim(
        text="x",
        start=0,
        end=1,
        kind=ClaimKind(kind),
        subject=subject,
        leads=leads,
        polarity=polarity,
        comparator=Comparator.EQUAL if number else None,
        value=100.0 if number else None,
        unit="ms" if number else None,
    )


def test_every_subject_has_exactly_one_check():
    """The vocabulary and the registry name the same subjects."""
    assert set(CHECKS) == set(SUBJECTS)


@pytest.mark.parametrize("key", SUBJECTS)
@pytest.mark.parametrize("polarity", Polarity)
@pytest.mark.parametrize("leads", [(), (Lead.V1, Lead.V2)], ids=["whole ECG", "two leads"])
def test_a_check_decides_nothing_where_nothing_was_measured(key, polarity, leads):
    """Without a number there is no support and no contradiction."""
    outcome = CHECKS[key](claim_of(key, leads, polarity), nothing_measured())
    assert outcome.verdict is Verdict.NOT_MEASURABLE
    assert outcome.reason


def test_every_statement_can_be_claimed():
    """Each statement of the table is a finding of the vocabulary."""
    statements = {row["id"] for row in read_table("statements.csv")}
    assert statements <= set(VOCABULARY[ClaimKind.FINDING])


def test_the_lexicon_speaks_the_vocabulary():
    """Every subject a phrase, a feature or a number can mean has a check."""
    phrases = {
        part if "/" in part else f"{row['id'].split('/')[0]}/{part}"
        for row in table("lexicon.csv")
        if row["sort"] == "subject" and row["id"] != "other"
        for part in row["id"].split("+")
    }
    said = {part for subject, _ in features().values() for part in subject.split("+") if part != "other"}
    measured = {f"measurement/{subject}" for subject in MEASURES.values()}
    assert phrases | said | measured <= set(SUBJECTS)


def test_every_subject_can_be_said():
    """Each subject of the vocabulary is reachable from some words."""
    source = " ".join(row["id"] for row in table("lexicon.csv"))
    said = " ".join(subject for subject, _ in features().values())
    words = set(
        (source + " " + said + " " + " ".join(MEASURES.values())).replace("+", " ").replace("/", " ").split()
    )
    unsaid = {key.split("/")[1] for key in SUBJECTS} - words
    # ST depression and poor R progression are morphology in words; their statements decide them.
    assert unsaid <= {"st_dep", "prwp"}
