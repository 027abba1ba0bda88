"""``gem-integration demo``: the main job on real input, end to end, in one process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import click

from gem_integration.cli.embedded import EmbeddedLine
from gem_integration.cli.read import reader_named
from gem_integration.cli.report_view import report_lines
from gem_integration.clock import SystemClock
from gem_integration.domain.identity import Patient, Sex
from gem_integration.domain.report import DeadLetter, Report
from gem_integration.domain.study import InboundMessage, MediaType
from gem_integration.settings import Settings
from gem_integration.simulate import SCENARIOS, as_inbound, simulate
from gem_integration.storage import Store

MARKER = ".gem-integration-demo"
DATABASE_NAME = "demo.sqlite"
REPORTS_NAME = "reports"
SOURCE = "demo"
STARTED_AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)

# scenario, title, format; the formats alternate so that both paths are seen
SIMULATED = (
    ("normal_sinus", "normal sinus rhythm", "hl7"),
    ("af_rvr", "atrial fibrillation with rapid ventricular response", "dicom"),
    ("lbbb", "left bundle branch block", "hl7"),
    ("rbbb", "right bundle branch block", "dicom"),
    ("avb1", "first-degree AV block", "hl7"),
    ("inferior_stemi", "inferior ST elevation", "dicom"),
    ("pvc", "premature ventricular complexes", "hl7"),
    ("paced", "paced rhythm", "dicom"),
)
MEDIA_TYPE = {"hl7": MediaType.HL7V2, "dicom": MediaType.DICOM}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMessage:
    """One message of the demo, and what it is."""

    title: str
    message: InboundMessage


@click.command("demo")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-out"))
@click.pass_obj
def demo_command(settings: Settings, *, out: Path) -> None:
    """Receive, read, ground, store and deliver ten messages; everything lands in --out."""
    started_s = time.perf_counter()
    _clear(out)
    database_url = f"sqlite:///{out / DATABASE_NAME}"
    settings = settings.model_copy(
        update={"database_url": database_url, "output_dir": out / REPORTS_NAME, "sinks": ("files",)}
    )
    store = Store.open(database_url, clock=SystemClock())
    store.migrate()
    line = EmbeddedLine(settings, store, reader_named(settings.reader))
    messages = list(demo_messages())
    for number, item in enumerate(messages, start=1):
        click.echo(f"[{number}/{len(messages)}] {item.title} · {item.message.media_type}")
        _run_one(line, item, out)
    _closing(store, out, database_url, seconds=time.perf_counter() - started_s)
    store.close()


def demo_messages() -> Iterator[DemoMessage]:
    """Yield the demo's messages: a real DICOM ECG, eight simulated ones in two formats, a broken one."""
    from adapters.writers import WRITERS

    yield DemoMessage(title="a real ECG, from pydicom", message=_message(_real_dicom(), MediaType.DICOM))
    for number, (name, title, form) in enumerate(SIMULATED, start=1):
        ecg = as_inbound(
            simulate(SCENARIOS[name]),
            patient=_patient(number),
            started_at=STARTED_AT + timedelta(minutes=10 * number),
            message_id=f"DEMO{number:04d}",
        )
        (content,) = WRITERS[form](ecg, name).values()
        yield DemoMessage(title=title, message=_message(content, MEDIA_TYPE[form]))
        if number == 1:
            broken = content.replace(b"|DEMO0001|", b"|DEMO0099|").replace(b"^-", b"^n/a", 1)
    yield DemoMessage(title="a broken message", message=_message(broken, MediaType.HL7V2))


def _real_dicom() -> bytes:
    from pydicom.data import get_testdata_file

    path = get_testdata_file("waveform_ecg.dcm", download=False)
    return Path(str(path)).read_bytes()


def _patient(number: int) -> Patient:
    return Patient(
        patient_id=f"DEMO-{number:03d}",
        assigner="DEMO",
        family_name="Demonstration",
        given_name=f"Case{number}",
        birth_date=date(1950 + 3 * number, 1 + number, 10 + number),
        sex=Sex.FEMALE if number % 2 else Sex.MALE,
    )


def _message(content: bytes, media_type: MediaType) -> InboundMessage:
    return InboundMessage(
        source=SOURCE, media_type=media_type, content=content, received_at=SystemClock().now()
    )


def _clear(out: Path) -> None:
    marker = out / MARKER
    if out.exists() and any(out.iterdir()) and not marker.exists():
        click.echo(
            f"gem-integration demo: {out} holds other things; name another folder with --out", err=True
        )
        sys.exit(2)
    if out.exists():
        rmtree(out)
    out.mkdir(parents=True)
    marker.touch()


def _run_one(line: EmbeddedLine, item: DemoMessage, out: Path) -> None:
    started_s = time.perf_counter()
    taken = line.take_in(item.message)
    line.read_all_due()
    line.deliver_all_due()
    seconds = time.perf_counter() - started_s
    if taken.dead_letter is not None:
        _show_dead_letter(taken.dead_letter)
    for received in taken.received:
        report = line.store.latest_report(received.study_id) if received.study_id else None
        if report is not None:
            click.echo(f"  received, read and delivered in {seconds:.2f} s\n")
            _show_report(line.store, report, out)


def _show_dead_letter(letter: DeadLetter) -> None:
    click.echo(f"  not read, kept as a dead letter: {letter.code}")
    click.echo(f"  reason: {letter.reason}")
    click.echo(f"  bytes:  sha256 {letter.blob_sha256}\n")


def _show_report(store: Store, report: Report, out: Path) -> None:
    study = store.study(report.study_id)
    click.echo(report_lines(study, store.measurements_under(report.report_id), report))
    folder = out / REPORTS_NAME / str(report.report_id)
    click.echo(f"  FHIR bundle  {folder / 'bundle.json'}")
    click.echo(f"  ECG sheets   {', '.join(str(file) for file in sorted(folder.glob('*.svg')))}")
    click.echo(f"  SQL rows     study {report.study_id} in v_worklist, v_claims, v_evidence_samples\n")


def _closing(store: Store, out: Path, database_url: str, *, seconds: float) -> None:
    counts = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in store.counts().items())
    click.echo(f"Done in {seconds:.1f} s: {counts}.\n\nLook further:")
    for words in (
        "worklist",
        "view v_claims --limit 20",
        "view v_contradicted",
        "view v_dead_letters",
        "view v_evidence_samples --limit 20 --format jsonl",
    ):
        click.echo(f"  {sys.argv[0]} {words} --database {database_url}")
    click.echo(f"  open {out / REPORTS_NAME} for bundles, sheets and texts")
