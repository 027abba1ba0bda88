"""A leased job becomes one preliminary report, or says why it cannot."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from gem_integration.domain.ecg import STANDARD_LEADS, Acquisition, Recording
from gem_integration.domain.evidence import Verdict
from gem_integration.domain.identity import Demographics, Patient, ReaderIdentity, Sex, stable_id
from gem_integration.domain.reading import Interpretation, Priority, StopReason
from gem_integration.domain.report import ReportStatus
from gem_integration.domain.study import InboundEcg, InboundMessage, InboundOrder, MediaType, Study
from gem_integration.errors import LeaseLost, ReaderUnavailable, UnusableInterpretation
from gem_integration.pipeline.read import demographics_of, read, read_study
from gem_integration.pipeline.receive import receive
from gem_integration.simulate import SCENARIOS, simulate
from workers.readers.rules import RulesReader

IDENTITY = ReaderIdentity(
    name="fixed", version="1", weights_digest=None, prompt_digest=None, code_version="test"
)


class FixedReader:
    """A reader that always writes one text, and keeps what it was shown."""

    identity = IDENTITY

    def __init__(self, text="Sinus rhythm.", stop_reason=StopReason.END):
        self.text, self.stop_reason, self.requests = text, stop_reason, []

    def read(self, request):
        """Return the text."""
        self.requests.append(request)
        return Interpretation(text=self.text, reader=IDENTITY, stop_reason=self.stop_reason, seconds=0.0)


class Bench:
    """A store with one simulated ECG and the means to read it."""

    def __init__(self, store, clock):
        self.store, self.clock = store, clock

    def receive(self, reader, recording=None, **changes):
        """Receive an ECG and lease its job."""
        drawn = recording or simulate(SCENARIOS["normal_sinus"]).recording
        ecg = InboundEcg(message_id="M1", recording=drawn, acquisition=Acquisition(), **changes)
        return self.take(reader, ecg)

    def take(self, reader, parsed):
        """Receive what a message carried, and lease the job it made."""
        message = InboundMessage(
            source="test",
            media_type=MediaType.HL7V2,
            content=parsed.message_id.encode(),
            received_at=self.clock.now(),
        )
        receive(message, parsed, store=self.store, reader_key=reader.identity.key, clock=self.clock)
        return next(iter(self.store.lease_reads(1, "w", 60)), None)

    def read(self, job, reader, sinks=()):
        """Read the job."""
        return read(job, store=self.store, reader=reader, clock=self.clock, sinks=sinks)


@pytest.fixture
def bench(sqlite_store, clock):
    """Return a store on SQLite and a clock that stands still."""
    return Bench(sqlite_store, clock)


def test_a_report_by_rules_is_preliminary_grounded_and_stored_whole(bench):
    """The text of our own reader agrees with our own measurements, and all of it is in SQL."""
    reader = RulesReader()
    job = bench.receive(reader)
    report = bench.read(job, reader, sinks=("files", "fhir"))
    assert (report.status, report.version, report.reader) == (
        ReportStatus.PRELIMINARY,
        1,
        reader.identity,
    )
    verdicts = [observation.verdict for observation in report.observations]
    assert Verdict.SUPPORTED in verdicts
    assert Verdict.CONTRADICTED not in verdicts
    assert bench.store.report(report.report_id) == report
    assert bench.store.measurements(job.study_id) == bench.store.measurements_under(report.report_id)
    assert bench.store.counts()["outbox_due"] == 2


def test_reading_the_same_ecg_again_gives_the_same_report(bench):
    """The same bytes and the same reader give the same words, verdicts and numbers."""
    reader = RulesReader()
    job = bench.receive(reader)
    first = bench.read(job, reader)
    study = bench.store.study(job.study_id)
    again = read_study(study, reader, version=1, issued_at=bench.clock.now())
    assert again.report == first


def test_a_second_read_makes_a_new_version_that_supersedes_the_first(bench):
    """Another reader edits nothing: its report is the next version and names the one before."""
    rules, other = RulesReader(), FixedReader()
    first = bench.read(bench.receive(rules), rules)
    with bench.store.transaction() as work:
        work.queue_read(
            first.study_id, other.identity.key, priority=Priority.ROUTINE, due_at=bench.clock.now()
        )
    second = bench.read(*bench.store.lease_reads(1, "w", 60), other)
    assert (first.supersedes, second.version, second.supersedes) == (None, 2, first.report_id)
    assert bench.store.report(first.report_id) == first


def test_what_the_waveform_contradicts_stays_out_of_the_conclusion(bench):
    """A wrong statement is kept word for word, and listed as not confirmed."""
    reader = FixedReader("Sinus rhythm. The heart rate is 190 bpm.")
    report = bench.read(bench.receive(reader), reader)
    assert report.narrative == "Sinus rhythm. The heart rate is 190 bpm."
    assert "190" not in report.conclusion
    assert any("190" in line for line in report.not_confirmed)


@pytest.mark.parametrize(
    ("text", "stop_reason", "why"),
    [
        ("", StopReason.END, "wrote nothing"),
        (" \n", StopReason.END, "wrote nothing"),
        ("Sinus rhythm at", StopReason.LENGTH, "cut off"),
        ("Sinus rhythm.\x00", StopReason.END, "no text"),
        ("Sinus rhythm.\ud800", StopReason.END, "no text"),
        ("Thank you for this interesting case.", StopReason.END, "no claim"),
        ("Advise follow-up with the cardiologist.", StopReason.END, "no claim"),
    ],
)
def test_a_text_that_cannot_be_grounded_makes_no_report(bench, text, stop_reason, why):
    """An empty, truncated or claimless text is a failure, not a shorter report."""
    reader = FixedReader(text, stop_reason)
    job = bench.receive(reader)
    with pytest.raises(UnusableInterpretation, match=why):
        bench.read(job, reader)
    assert bench.store.counts()["reports"] == 0


def test_an_unusable_recording_is_never_shown_to_the_reader(bench):
    """The report says that the ECG was not interpreted, and why."""
    reader = FixedReader()
    flat = Recording.of(np.zeros((12, 5000)), STANDARD_LEADS, 500)
    report = bench.read(bench.receive(reader, flat), reader)
    assert reader.requests == []
    assert report.observations == ()
    assert report.narrative.startswith("Not interpreted")
    assert report.quality_reasons


def test_a_job_of_another_reader_is_not_read(bench):
    """A job keeps the reader and version it was queued for."""
    job = bench.receive(RulesReader())
    with pytest.raises(ReaderUnavailable, match="another reader"):
        bench.read(job, FixedReader())


def test_a_reader_that_lost_its_lease_stores_nothing(bench):
    """The result of a stalled reader is dropped whole."""
    reader = FixedReader()
    job = bench.receive(reader)
    bench.clock.advance(61)
    bench.store.lease_reads(1, "w2", 60)
    with pytest.raises(LeaseLost):
        bench.read(job, reader)
    assert bench.store.counts()["reports"] == 0
    assert bench.store.measurements(job.study_id) is None


def test_the_reader_is_told_the_indication_of_the_order(bench):
    """Where the ECG states none, the order's indication counts."""
    reader = FixedReader()
    ann = Patient(patient_id="1")
    bench.take(
        reader,
        InboundOrder(message_id="O1", control="NW", patient=ann, placer_number="P1", indication="chest pain"),
    )
    job = bench.receive(reader, patient=ann, placer_number="P1")
    bench.read(job, reader)
    assert reader.requests[0].indication == "chest pain"


@pytest.mark.parametrize(
    ("birth_date", "age_years", "expected"),
    [
        (date(2000, 3, 1), None, 26.0),
        (None, 71.0, 71.0),
        (date(2000, 3, 1), 71.0, 26.0),
        (date(2030, 1, 1), None, None),
        (None, None, None),
    ],
)
def test_age_is_that_at_acquisition(clock, birth_date, age_years, expected):
    """The birth date decides; the age a message states serves only without one."""
    ecg = InboundEcg(
        message_id="M",
        recording=Recording.of(np.ones((1, 100)), STANDARD_LEADS[:1], 500),
        acquisition=Acquisition(performed_at=clock.now()),
        patient=Patient(patient_id="1", birth_date=birth_date, sex=Sex.FEMALE),
        age_years=age_years,
    )
    found = demographics_of(Study(study_id=stable_id("s"), ecg=ecg, received_at=clock.now()))
    assert found.sex is Sex.FEMALE
    if expected is None:
        assert found == Demographics(sex=Sex.FEMALE)
    else:
        assert found.age_years == pytest.approx(expected, abs=0.01)
