"""``gem-integration read``: a reader's interpretation of every ECG, each claim with its verdict."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from gem_integration.cli.inputs import LoadedEcg, LoadFailure, load_ecgs
from gem_integration.cli.report_view import report_lines
from gem_integration.cli.shapes import dump_line, reading_json
from gem_integration.clock import SystemClock
from gem_integration.domain.identity import Sex, stable_id
from gem_integration.domain.study import Study
from gem_integration.errors import GemIntegrationError
from gem_integration.pipeline.read import Reading, read_study
from gem_integration.ports import Delivery, EcgReader
from gem_integration.settings import Settings


@click.command("read")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--reader", "reader_name", help="a name of READERS; default GEM_READER")
@click.option("--age", "age_years", type=click.FloatRange(0, 130), help="in years, where the file has none")
@click.option("--sex", type=click.Choice([sex.value for sex in Sex]), help="where the file has none")
@click.option("--format", "form", type=click.Choice(["text", "jsonl"]), default="text", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="also write bundle and sheets here"
)
@click.pass_obj
def read_command(  # noqa: PLR0913 - one argument an option
    settings: Settings,
    paths: tuple[Path, ...],
    *,
    reader_name: str | None,
    age_years: float | None,
    sex: str | None,
    form: str,
    out: Path | None,
) -> None:
    """Read DICOM, HL7 v2, aECG and WFDB files or folders of them."""
    reader = reader_named(reader_name or settings.reader)
    failed = False
    for item in load_ecgs(paths, settings.parse_limits()):
        outcome = item
        if isinstance(item, LoadedEcg):
            study = _study(item, age_years=age_years, sex=Sex(sex) if sex else None)
            outcome = _print_reading(item, study, reader=reader, form=form, out=out)
        if isinstance(outcome, LoadFailure):
            failed = True
            click.echo(_failure(outcome, form))
    sys.exit(1 if failed else 0)


def reader_named(name: str) -> EcgReader:
    """Build the reader called ``name``; a usage error if there is none."""
    from workers.readers import READERS

    if name not in READERS:
        raise click.BadParameter(f"no such reader; there are: {', '.join(READERS)}", param_hint="--reader")
    return READERS[name]()


def _study(item: LoadedEcg, *, age_years: float | None, sex: Sex | None) -> Study:
    ecg = item.ecg
    patient = ecg.patient
    if sex is not None and patient is not None and patient.sex is None:
        patient = replace(patient, sex=sex)
    ecg = replace(
        ecg,
        patient=patient,
        age_years=ecg.age_years if ecg.age_years is not None else age_years,
        sex=ecg.sex or sex,
    )
    study_id = stable_id("study", ecg.message_id, str(item.number))
    return Study(study_id=study_id, ecg=ecg, received_at=SystemClock().now())


def _print_reading(
    item: LoadedEcg, study: Study, *, reader: EcgReader, form: str, out: Path | None
) -> LoadedEcg | LoadFailure:
    try:
        reading = read_study(study, reader, version=1, issued_at=study.received_at)
        files = _write(study, reading, out) if out else []
    except GemIntegrationError as error:
        return LoadFailure(path=item.path, error=error)
    if form == "jsonl":
        line = {"path": str(item.path), **reading_json(study.ecg.recording, reading)}
        click.echo(dump_line({**line, "files": files} if out else line))
    else:
        click.echo(f"{item.path}\n{report_lines(study, reading.measurements, reading.report)}")
        click.echo("\n".join(f"  {file}" for file in files))
    return item


def _write(study: Study, reading: Reading, out: Path) -> list[str]:
    from adapters.outbound.files import FilesSink

    parcel = Delivery(study=study, measurements=reading.measurements, report=reading.report)
    location = Path(FilesSink(out, checked=True).deliver(parcel).location)
    return sorted(str(file) for file in location.iterdir())


def _failure(failure: LoadFailure, form: str) -> str:
    if form == "jsonl":
        return dump_line(failure.line())
    return f"{failure.path}: {failure.error.code}: {failure.error.reason}\n"
