"""``gem-integration claims`` and ``ground``: what a text claims, and what the waveform says of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import click

from gem_integration.cli.inputs import LoadedEcg, load_ecgs
from gem_integration.cli.shapes import coverage_json, dump_line
from gem_integration.criteria import evaluate
from gem_integration.domain.identity import Demographics, Sex
from gem_integration.grounding import coverage, extract_claims, ground
from gem_integration.grounding.shape import claim_fields_json, claim_json
from gem_integration.settings import Settings
from gem_integration.signal.leads import with_standard_leads
from gem_integration.signal.measure import measure
from gem_integration.signal.quality import assess

TEXT_CHARACTERS_MAX = 1_000_000


@click.command("claims")
@click.argument("text_file", type=click.File(encoding="utf-8"))
def claims_command(text_file: TextIO) -> None:
    """Print the claims of the text in TEXT_FILE (- for standard input) as one JSON line."""
    text = text_file.read(TEXT_CHARACTERS_MAX)
    claims = [claim_fields_json(claim) for claim in extract_claims(text)]
    click.echo(dump_line({"text": text, "claims": claims}))


@click.command("ground")
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--text", "text_file", type=click.File(encoding="utf-8"), required=True)
@click.option("--age", "age_years", type=click.FloatRange(0, 130))
@click.option("--sex", type=click.Choice([sex.value for sex in Sex]))
@click.pass_obj
def ground_command(
    settings: Settings, path: Path, *, text_file: TextIO, age_years: float | None, sex: str | None
) -> None:
    """Give every claim of a text its verdict from the ECG at PATH, as one JSON line."""
    item = next(iter(load_ecgs([path], settings.parse_limits())))
    if not isinstance(item, LoadedEcg):
        click.echo(dump_line(item.line()))
        sys.exit(1)
    text = text_file.read(TEXT_CHARACTERS_MAX)
    demographics = Demographics(age_years=age_years, sex=Sex(sex) if sex else None)
    recording = with_standard_leads(item.ecg.recording)
    measurements = measure(recording, assess(recording))
    observations = ground(text, measurements, evaluate(measurements, demographics), demographics)
    click.echo(
        dump_line(
            {
                "path": str(item.path),
                "interpretation": text,
                "claims": [claim_json(observation) for observation in observations],
                "coverage": coverage_json(coverage(text, observations)),
            }
        )
    )
