"""``gem-integration measure``: our own numbers for every ECG under the given paths."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gem_integration.cli.inputs import LoadedEcg, LoadFailure, load_ecgs
from gem_integration.cli.shapes import beats_json, dump_line, measurements_json, quality_json, recording_json
from gem_integration.cli.tables import measurement_table
from gem_integration.domain.measurement import Measurements
from gem_integration.settings import Settings
from gem_integration.signal.leads import with_standard_leads
from gem_integration.signal.measure import measure
from gem_integration.signal.quality import assess


@click.command("measure")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--fiducials", is_flag=True, help="Add every beat with the marks of each lead.")
@click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
@click.pass_obj
def measure_command(settings: Settings, paths: tuple[Path, ...], *, fiducials: bool, form: str) -> None:
    """Measure DICOM, HL7 v2, aECG and WFDB files or folders of them."""
    failed = False
    for item in load_ecgs(paths, settings.parse_limits()):
        failed |= isinstance(item, LoadFailure)
        click.echo(_line(item, fiducials=fiducials) if form == "jsonl" else _text(item))
    sys.exit(1 if failed else 0)


def _line(item: LoadedEcg | LoadFailure, *, fiducials: bool) -> str:
    if isinstance(item, LoadFailure):
        return dump_line(item.line())
    measurements = _measure(item)
    line = {
        "path": str(item.path),
        "recording": recording_json(item.ecg.recording),
        "quality": quality_json(measurements.quality),
        **measurements_json(measurements),
    }
    if fiducials:
        line["beats"] = beats_json(measurements.beats)
    return dump_line(line)


def _text(item: LoadedEcg | LoadFailure) -> str:
    if isinstance(item, LoadFailure):
        return f"{item.path}: {item.error.code}: {item.error.reason}\n"
    measurements = _measure(item)
    return f"{item.path}\n{measurement_table(measurements, item.ecg.cart_measurements)}\n"


def _measure(item: LoadedEcg) -> Measurements:
    recording = with_standard_leads(item.ecg.recording)
    return measure(recording, assess(recording))
