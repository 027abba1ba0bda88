"""What a report may say, and what it must not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gem_integration.domain.evidence import Verdict
from gem_integration.domain.quality import QualityFlag
from gem_integration.domain.reading import Interpretation, StopReason
from gem_integration.domain.report import ReportStatus
from gem_integration.domain.statement import StatementState, Urgency
from gem_integration.reporting import compose, report_text
from gem_integration.reporting.compose import by_urgency


@pytest.fixture
def composed(make_delivery):
    """Return a function that composes the drawn delivery anew, with arguments replaced."""

    def build(**changes):
        delivery = make_delivery()
        report = delivery.report
        arguments = {
            "study": delivery.study,
            "version": 1,
            "issued_at": datetime(2026, 1, 1, tzinfo=UTC),
            "interpretation": make_interpretation(report),
            "observations": report.observations,
            "coverage": report.coverage,
            "statements": report.statements,
            "quality": delivery.measurements.quality,
        }
        return compose(**{**arguments, **changes})

    return build


def make_interpretation(report):
    return Interpretation(
        text=report.narrative, reader=report.reader, stop_reason=StopReason.END, seconds=0.0
    )


def test_a_report_is_always_preliminary_and_signed_by_its_reader(composed):
    """Software never makes a report final."""
    report = composed()
    assert report.status is ReportStatus.PRELIMINARY
    assert report.reader.name == "rules"


def test_no_contradicted_claim_enters_the_conclusion(composed):
    """A contradicted claim's words are never quoted there; our own statement may share some of them."""
    report = composed()
    refused = [item.claim.text for item in report.observations if item.verdict is Verdict.CONTRADICTED]
    assert refused
    for words in refused:
        assert f'"{words}' not in report.conclusion


def test_a_contradicted_claim_stands_beside_the_number_that_contradicts_it(composed):
    """Both numbers are listed, the claimed and the measured."""
    first = composed().not_confirmed[0]
    assert "not confirmed by the waveform" in first
    assert "stated 240 ms" in first
    assert "160 ms" in first


def test_a_unit_slip_is_named(composed):
    """RR values printed in samples are told apart from a plain wrong number."""
    items = composed().observations
    slipped = replace(items[2], reason="unit_slip")
    assert "samples printed as milliseconds" in composed(observations=(slipped,)).not_confirmed[0]


def test_the_conclusion_lists_met_statements_most_urgent_first(composed):
    """What cannot wait is read first."""
    line = composed().conclusion.splitlines()[0]
    assert line.index("ST depression") < line.index("Sinus rhythm")


def test_urgency_is_the_highest_of_the_met_statements(composed):
    """A critical statement that is not measurable raises nothing; a met urgent one does."""
    assert composed().urgency is Urgency.URGENT
    assert composed(statements=()).urgency is Urgency.NORMAL


def test_a_borderline_finding_raises_urgency_only_where_waiting_could_harm(composed):
    """A possible complete AV block is not left for routine; a possible voltage criterion is."""
    (drawn, *_) = composed().statements
    block = replace(
        drawn, statement_id="avb3", state=StatementState.BORDERLINE, urgency=Urgency.URGENT, parts=drawn.parts
    )
    assert composed(statements=(block,)).urgency is Urgency.URGENT
    assert composed(statements=(replace(block, urgency=Urgency.ROUTINE),)).urgency is Urgency.NORMAL


def test_an_unusable_recording_is_said_to_be_not_interpretable(composed, make_delivery):
    """The reasons are given, the reader's findings are not, and the study is not 'normal'."""
    quality = replace(make_delivery().measurements.quality, usable=False, reasons=("lead V3 is flat",))
    report = composed(quality=quality, statements=())
    assert report.conclusion.startswith("Not interpretable: lead V3 is flat.")
    assert "supported" not in report.conclusion
    assert report.urgency is Urgency.ROUTINE


def test_an_ecg_without_any_qrs_is_urgent(composed, make_delivery):
    """It may be a loose cable; it may be asystole or ventricular fibrillation."""
    quality = replace(make_delivery().measurements.quality, usable=False, flags=(QualityFlag.NO_BEATS,))
    assert composed(quality=quality, statements=()).urgency is Urgency.URGENT


def test_the_same_read_and_version_have_the_same_id(composed):
    """Composing again names the same report; a new version is another one."""
    assert composed().report_id == composed().report_id
    assert composed().report_id != composed(version=2).report_id


def test_three_voices_are_kept_apart(composed, make_delivery):
    """The reader's text is verbatim, the cart's statements and ours stand in their own fields."""
    report = composed()
    assert report.narrative == make_delivery().report.narrative
    assert report.cart_statements == ("Normal ECG",)
    assert "Normal ECG" not in report.conclusion


def test_borderline_statements_are_not_listed_as_met(make_delivery):
    """Each state has its own line."""
    report = make_delivery().report
    assert [item.statement_id for item in by_urgency(report.statements, StatementState.BORDERLINE)] == [
        "irbbb"
    ]
    assert "Borderline: Incomplete right bundle branch block (V1)." in report.conclusion.splitlines()


@given(verdicts=st.lists(st.sampled_from(Verdict), min_size=8, max_size=8))
def test_whatever_the_verdicts_no_refused_words_are_concluded(make_delivery, verdicts):
    """The reader's part of the conclusion never touches a contradicted claim."""
    delivery = make_delivery()
    decided = (Verdict.SUPPORTED, Verdict.CONTRADICTED)
    observations = tuple(
        replace(item, verdict=verdict if item.evidence or verdict not in decided else item.verdict)
        for item, verdict in zip(delivery.report.observations, verdicts, strict=True)
    )
    report = compose(
        study=delivery.study,
        version=1,
        issued_at=delivery.report.issued_at,
        interpretation=make_interpretation(delivery.report),
        observations=observations,
        coverage=delivery.report.coverage,
        statements=(),
        quality=delivery.measurements.quality,
    )
    refused = [item.claim.text for item in observations if item.verdict is Verdict.CONTRADICTED]
    assert len(report.not_confirmed) == len(refused)
    assert not any(f'"{words}"' in report.conclusion for words in refused)


def test_the_text_holds_every_claim_with_its_verdict(make_delivery):
    """Nothing the reader said is lost from the plain text."""
    report = make_delivery().report
    text = " ".join(report_text(report).split())
    assert all(item.claim.text in text for item in report.observations)
    assert "PRELIMINARY" in text
    assert "Research use, not a medical device." in text


def test_the_text_names_no_patient(make_delivery):
    """Identity is the container's, not the text's."""
    delivery = make_delivery()
    text = report_text(delivery.report)
    patient = delivery.study.ecg.patient
    assert patient.family_name not in text
    assert patient.patient_id not in text
