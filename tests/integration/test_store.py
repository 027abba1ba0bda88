"""The store gives back what it was given, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from gem_integration.domain.evidence import Verdict
from gem_integration.domain.identity import content_hash
from gem_integration.domain.reading import JobStatus, StopReason
from gem_integration.domain.report import Receipt
from gem_integration.domain.study import OrderMatch
from gem_integration.errors import StorageUnavailable, UnreadableMessage
from gem_integration.storage import Store, migrate
from gem_integration.storage.engine import shown_address
from gem_integration.storage.queries import AUDIT_VIEWS
from gem_integration.storage.tables import Base, BlobRow, StudyRow


def rows(store: Store, sql: str, **values: object) -> list[sa.RowMapping]:
    """Return the rows of a query an auditor might type."""
    with store._engine.connect() as connection:
        return list(connection.execute(sa.text(sql), values).mappings())


def test_the_migrations_make_the_tables_of_the_code(store):
    """Nothing stands in the code that a migrated database lacks, nor the other way round."""
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    current, wanted = store.revisions()
    assert current == wanted


def test_migrations_can_be_taken_back_and_run_again(store):
    """A withdrawn release leaves nothing behind, and the next one starts clean."""
    migrate.downgrade(store._engine)
    assert sa.inspect(store._engine).get_table_names() == ["alembic_version"]
    assert sa.inspect(store._engine).get_view_names() == []
    store.migrate()
    store.migrate()
    assert set(sa.inspect(store._engine).get_view_names()) == set(AUDIT_VIEWS)


def test_a_study_comes_back_whole_with_its_recording(line):
    """What was received is what is read, sample for sample."""
    received = line.receive()
    study = line.store.study(received.study_id)
    expected = line.ecg()
    assert study.ecg.recording.digest_bytes() == expected.recording.digest_bytes()
    assert replace(study.ecg, recording=expected.recording).patient == expected.patient
    for name in ("message_id", "acquisition", "accession_number", "cart_statements", "age_years", "stat"):
        assert getattr(study.ecg, name) == getattr(expected, name)


def test_a_study_names_the_bytes_it_first_came_in(line):
    """Whoever holds a report can ask for the message behind it."""
    study = line.store.study(line.receive().study_id)
    assert study.message_sha256 == content_hash(line.message(b"MSH|1").content)
    assert line.store.blob(study.message_sha256) == line.message(b"MSH|1").content


def test_a_report_comes_back_whole_with_every_claim_and_its_evidence(line):
    """Report, statements, claims, evidence and measurements are equal to what was stored."""
    line.receive()
    job = line.lease()
    report = line.finish(job)
    assert line.store.report(report.report_id) == report
    assert line.store.latest_report(job.study_id) == report
    assert line.store.measurements_under(report.report_id) == line.make_delivery().measurements
    assert line.store.measurements(job.study_id) == line.make_delivery().measurements
    interpretation = line.store.interpretation(job.job_id)
    assert (interpretation.text, interpretation.stop_reason) == (report.narrative, StopReason.END)


def test_the_original_bytes_come_back_and_a_changed_byte_is_noticed(line):
    """Bytes that no longer match their hash are never processed."""
    line.receive()
    (blob,) = rows(line.store, "SELECT blob_sha256 FROM inbound_messages")
    sha256 = blob["blob_sha256"]
    assert line.store.blob(sha256) == b"MSH|1"
    with line.store._write() as session:
        session.execute(sa.update(BlobRow).where(BlobRow.sha256 == sha256).values(content=b"MSH|2"))
    with pytest.raises(UnreadableMessage, match="no longer match"):
        line.store.blob(sha256)


def test_nothing_of_a_failed_transaction_stays(line):
    """An error halfway takes back everything before it."""

    def stop_halfway():
        with line.store.transaction() as work:
            work.keep_message(line.message(), "MSG1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stop_halfway()
    assert line.store.counts()["messages"] == 0
    assert rows(line.store, "SELECT * FROM blobs") == []


def test_text_no_database_holds_does_not_lose_a_message(line):
    """A zero character or half a surrogate pair in a name is replaced in columns, kept in the document."""
    odd = replace(line.ecg().patient, patient_id="P\x001", family_name="O\ud800Neil")
    received = line.receive(1, patient=odd, accession_number="A\x00" * 300)
    assert line.store.study(received.study_id).ecg.patient == odd
    (row,) = rows(line.store, "SELECT patient_id, accession_number FROM studies")
    assert row["patient_id"] == "P\ufffd1"
    assert len(row["accession_number"]) == 255


def test_the_worklist_shows_a_study_before_and_after_its_report(line):
    """A study waits visibly, and then shows its report, urgency and claims by verdict."""
    received = line.receive()
    (waiting,) = line.store.worklist()
    assert (waiting.study_id, waiting.report_id) == (received.study_id, None)
    assert waiting.job_status is JobStatus.QUEUED
    assert waiting.order_match is OrderMatch.WAITING
    (job_waiting,) = line.store.jobs_waiting()
    assert job_waiting.because == "waiting for a reader"

    report = line.finish(line.lease())
    (entry,) = line.store.worklist()
    assert (entry.report_id, entry.urgency, entry.job_status) == (
        report.report_id,
        report.urgency,
        JobStatus.READ,
    )
    assert (entry.supported, entry.contradicted, entry.not_groundable) == (3, 2, 1)
    assert line.store.jobs_waiting() == ()


def test_an_auditor_finds_every_claim_with_its_number_and_samples_in_sql(line):
    """The views hold one row a number, and one row a sample range, in both dialects."""
    line.receive()
    report = line.finish(line.lease())
    claims = rows(line.store, "SELECT * FROM v_claims ORDER BY claim_number, evidence_number")
    assert {row["claim"] for row in claims} == {item.claim.text for item in report.observations}
    contradicted = rows(line.store, "SELECT DISTINCT claim FROM v_contradicted")
    assert {row["claim"] for row in contradicted} == {
        item.claim.text for item in report.observations if item.verdict is Verdict.CONTRADICTED
    }
    spans = rows(line.store, "SELECT * FROM v_evidence_samples WHERE claim_number = 2 ORDER BY start_sample")
    assert [(row["start_sample"], row["stop_sample"]) for row in spans] == [(155, 203), (572, 620)]


def test_the_views_give_the_same_plain_values_on_both_dialects(line):
    """What an auditor exports is JSON: lists are lists, truth is true, times are text."""
    line.receive()
    report = line.finish(line.lease())
    claim = next(row for row in line.store.view("v_claims") if row["claim_number"] == 3)
    assert (claim["leads"], claim["samples"], claim["met"], claim["latest"]) == (
        ["V1"],
        [[155, 203], [572, 620]],
        True,
        True,
    )
    assert claim["report_id"] == str(report.report_id)
    for name in AUDIT_VIEWS:
        assert json.dumps(line.store.view(name))
    with pytest.raises(KeyError):
        line.store.view("blobs")


def test_a_later_version_becomes_the_current_one(line):
    """Both versions stay; the worklist and the latest report show the newer."""
    received = line.receive()
    first = line.finish(line.lease())
    with line.store.transaction() as work:
        work.queue_read(received.study_id, "gem|7b|x|y|1", priority="routine", due_at=line.clock.now())
    line.clock.advance(5)
    second = line.finish(line.lease())
    assert (first.version, second.version) == (1, 2)
    assert line.store.latest_report(received.study_id) == second
    assert line.store.report(first.report_id) == first
    (entry,) = line.store.worklist()
    assert entry.version == 2
    latest = rows(line.store, "SELECT DISTINCT report_id FROM v_claims WHERE latest")
    assert len(latest) == 1


def test_a_delivery_is_leased_attempted_and_done_with_one_row_an_attempt(line):
    """Each attempt leaves a row; the outbox ends as delivered."""
    line.receive()
    line.finish(line.lease(), sinks=("files", "fhir"))
    first, second = line.store.lease_deliveries(5, "relay", 60)
    assert {first.sink, second.sink} == {"files", "fhir"}
    receipt = Receipt(location="out/1.json", content_sha256="ab" * 32)
    line.store.delivered(first, receipt)
    counts = line.store.counts()
    assert (counts["outbox_delivered"], counts["outbox_leased"]) == (1, 1)
    (row,) = rows(line.store, "SELECT * FROM deliveries")
    assert (row["location"], bool(row["delivered"])) == ("out/1.json", True)


def test_unknown_ids_are_said_to_be_unknown(line):
    """What is not there is None for people's questions and KeyError for our own steps."""
    nobody = uuid.uuid4()
    assert line.store.report(nobody) is None
    assert line.store.latest_report(nobody) is None
    assert line.store.measurements(nobody) is None
    assert line.store.interpretation(nobody) is None
    for ask in (line.store.study, line.store.order, line.store.measurements_under):
        with pytest.raises(KeyError):
            ask(nobody)


def test_instants_are_stored_in_utc(line):
    """A time received in another zone is the same instant when read."""
    line.receive()
    with line.store._read() as session:
        row = session.scalars(sa.select(StudyRow)).one()
        assert row.performed_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
        assert row.performed_at.tzinfo is UTC


def test_a_database_without_tables_says_what_to_do(store):
    """The reason names the command that helps, on either dialect."""
    with store._engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE orders RENAME TO mislaid"))
    try:
        with pytest.raises(StorageUnavailable, match="gem-integration migrate"):
            store.counts()
    finally:
        with store._engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE mislaid RENAME TO orders"))


def test_a_file_that_cannot_be_opened_is_unavailable_with_advice(tmp_path, clock):
    """An operator is told to make the folder."""
    store = Store.open(f"sqlite:///{tmp_path / 'no folder' / 'gem.db'}", clock=clock)
    with pytest.raises(StorageUnavailable, match="make its folder"):
        store.counts()


def test_a_file_that_is_no_database_is_unavailable_with_advice(tmp_path, clock):
    """A mistaken address never overwrites what is there."""
    letter = tmp_path / "letter.db"
    letter.write_bytes(b"this is a letter, not a database at all" * 40)
    store = Store.open(f"sqlite:///{letter}", clock=clock)
    with pytest.raises(StorageUnavailable, match="no database"):
        store.migrate()
    assert letter.read_bytes().startswith(b"this is a letter")


@pytest.mark.parametrize("url", ["nonsense", "oracle://u:secret@h/x", "postgresql://u:secret@[::1/x", ""])
def test_an_address_we_do_not_know_is_refused_without_repeating_it(url, clock):
    """A mistyped address, which may hold a password, is not repeated in the error."""
    with pytest.raises(StorageUnavailable, match="no address of a database") as caught:
        Store.open(url, clock=clock)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ecg:secret@db/gem", "postgresql://ecg:***@db/gem"),
        ("sqlite:///gem.db", "sqlite:///gem.db"),
        ("secret", "an address that cannot be read"),
    ],
)
def test_an_address_is_shown_without_its_password(url, shown):
    """What people and logs see never opens the database."""
    assert shown_address(url) == shown
