"""``gem-integration convert``: a recording as our parsers understood it, in another format."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from gem_integration.cli.inputs import LoadedEcg, LoadFailure, load_ecgs
from gem_integration.cli.shapes import dump_line, recording_json
from gem_integration.settings import Settings
from gem_integration.signal.leads import with_standard_leads

FORMATS_OUT = ("npz", "wfdb", "dicom", "hl7")


@click.command("convert")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", "target", type=click.Choice(FORMATS_OUT), required=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option(
    "--leads",
    type=click.Choice(["received", "12"]),
    default="received",
    show_default=True,
    help="12 adds the limb leads that follow from those received.",
)
@click.pass_obj
def convert_command(
    settings: Settings, paths: tuple[Path, ...], *, target: str, out: Path, leads: str
) -> None:
    """Convert DICOM, HL7 v2, aECG and WFDB files; one JSON line an ECG says which files came of it."""
    out.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    failed = False
    for item in load_ecgs(paths, settings.parse_limits()):
        if isinstance(item, LoadFailure):
            failed = True
            click.echo(dump_line(item.line()))
            continue
        click.echo(dump_line(_convert(item, target, out / _stem(item, taken), derive=leads == "12")))
    sys.exit(1 if failed else 0)


def _stem(item: LoadedEcg, taken: set[str]) -> str:
    base = item.path.stem if item.number == 1 else f"{item.path.stem}-{item.number}"
    stem, count = base, 1
    while stem in taken:
        count += 1
        stem = f"{base}~{count}"
    taken.add(stem)
    return stem


def _convert(item: LoadedEcg, target: str, stem: Path, *, derive: bool) -> dict[str, object]:
    from adapters.writers import WRITERS

    ecg = replace(item.ecg, recording=with_standard_leads(item.ecg.recording)) if derive else item.ecg
    written = []
    for name, content in WRITERS[target](ecg, stem.name).items():
        file = stem.parent / name
        file.write_bytes(content)
        written.append(str(file))
    return {"path": str(item.path), "recording": recording_json(ecg.recording), "files": written}
