"""The main job, end to end, in one process: what a new user sees first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.inbound import FORMATS
from adapters.outbound.fhir import check_bundle
from gem_integration.cli import cli
from gem_integration.cli.demo import DATABASE_NAME, REPORTS_NAME, demo_messages
from gem_integration.clock import SystemClock
from gem_integration.domain.evidence import Verdict
from gem_integration.domain.report import ReportStatus
from gem_integration.domain.statement import StatementState
from gem_integration.domain.study import InboundEcg, ParseLimits
from gem_integration.errors import GemIntegrationError
from gem_integration.storage import Store

EXPECTED = {
    "normal sinus rhythm": "sinus_rhythm",
    "atrial fibrillation with rapid ventricular response": "af",
    "left bundle branch block": "lbbb",
    "right bundle branch block": "rbbb",
    "first-degree AV block": "avb1",
    "inferior ST elevation": "stemi",
    "premature ventricular complexes": "pvc",
    "paced rhythm": "paced",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """What one run of the demo printed, logged and stored."""

    folder: Path
    output: str
    log_lines: tuple[str, ...]
    store: Store


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """Run the demo once, logging everything."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    outcome = CliRunner().invoke(cli, ["demo", "--out", str(folder)], env={"GEM_LOG_LEVEL": "debug"})
    assert outcome.exit_code == 0, outcome.output
    store = Store.open(f"sqlite:///{folder / DATABASE_NAME}", clock=SystemClock())
    yield DemoRun(
        folder=folder, output=outcome.stdout, log_lines=tuple(outcome.stderr.splitlines()), store=store
    )
    store.close()


def inputs() -> Iterator[tuple[str, InboundEcg]]:
    """Yield every ECG of the demo with its title."""
    for item in demo_messages():
        try:
            parsed = FORMATS[item.message.media_type](item.message.content, ParseLimits())
        except GemIntegrationError:
            continue
        yield from ((item.title, ecg) for ecg in parsed if isinstance(ecg, InboundEcg))


def test_nine_ecgs_become_reports_and_the_broken_message_a_dead_letter(demo: DemoRun) -> None:
    """Every message ends in a report or in a reason."""
    counts = demo.store.counts()
    assert (counts["reports"], counts["dead_letters"], counts["jobs_read"]) == (9, 1, 9)
    (letter,) = demo.store.dead_letters()
    assert letter.code == "unreadable_message"
    assert letter.reason in demo.output


def test_each_simulated_condition_is_found(demo: DemoRun) -> None:
    """The statement a scenario was made for is met."""
    by_signal = {ecg.message_id: title for title, ecg in inputs()}
    found = set()
    for entry in demo.store.worklist():
        report = demo.store.latest_report(entry.study_id)
        assert report is not None
        title = by_signal[demo.store.study(entry.study_id).ecg.message_id]
        met = {item.statement_id for item in report.statements if item.state is StatementState.MET}
        if title in EXPECTED:
            assert EXPECTED[title] in met, title
            found.add(title)
    assert found == set(EXPECTED)


def test_no_claim_of_the_rules_reader_is_contradicted(demo: DemoRun) -> None:
    """The rules reader says what was measured, so the waveform cannot contradict it."""
    for entry in demo.store.worklist():
        report = demo.store.latest_report(entry.study_id)
        assert report is not None
        wrong = [item for item in report.observations if item.verdict is Verdict.CONTRADICTED]
        assert not wrong, [(item.claim.text, item.reason) for item in wrong]
        assert report.observations


def test_every_report_is_preliminary_and_names_its_reader(demo: DemoRun) -> None:
    """No software writes a final report."""
    for entry in demo.store.worklist():
        assert entry.report_status is ReportStatus.PRELIMINARY
        assert entry.reader_key is not None
        assert entry.reader_key.startswith("rules|")


def test_every_report_has_its_bundle_and_sheets(demo: DemoRun) -> None:
    """The files the demo names are there, and the bundle is valid R4, a transaction of PUTs."""
    for entry in demo.store.worklist():
        folder = demo.folder / REPORTS_NAME / str(entry.report_id)
        bundle = json.loads((folder / "bundle.json").read_bytes())
        check_bundle(bundle)
        assert {item["request"]["method"] for item in bundle["entry"]} == {"PUT"}
        assert len(list(folder.glob("*.svg"))) == 2
        assert str(folder / "bundle.json") in demo.output


def test_no_log_line_holds_a_name_an_id_a_birth_date_or_a_text_of_the_inputs(demo: DemoRun) -> None:
    """A full run at the lowest level logs events, ids of ours, and numbers."""
    words: set[str] = set()
    for _title, ecg in inputs():
        patient = ecg.patient
        words |= {ecg.message_id, *ecg.cart_statements}
        words |= {word for word in (ecg.accession_number, ecg.placer_number, ecg.indication) if word}
        if patient is not None:
            words |= {patient.patient_id, patient.family_name or "", patient.given_name or ""}
            if patient.birth_date is not None:
                words |= {patient.birth_date.isoformat(), patient.birth_date.strftime("%Y%m%d")}
    words -= {""}
    text = "\n".join(demo.log_lines)
    assert len(demo.log_lines) >= 28
    assert all(json.loads(line)["event"] for line in demo.log_lines)
    assert len(words) > 20
    assert not [word for word in words if word in text]


def test_the_demo_does_not_delete_what_is_not_its_own(tmp_path: Path) -> None:
    """A folder with other things in it is refused."""
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    outcome = CliRunner().invoke(cli, ["demo", "--out", str(tmp_path)])
    assert outcome.exit_code == 2
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("view", ["v_claims", "v_worklist", "v_evidence_samples", "v_dead_letters"])
def test_the_commands_the_demo_names_work(demo: DemoRun, view: str) -> None:
    """Worklist and views print rows of what the demo stored."""
    database = f"sqlite:///{demo.folder / DATABASE_NAME}"
    outcome = CliRunner().invoke(cli, ["view", view, "--database", database, "--format", "jsonl"])
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(outcome.stdout.splitlines()[0])
    listed = CliRunner().invoke(cli, ["worklist", "--database", database])
    assert len(listed.stdout.splitlines()) == 10
