"""``gem-integration simulate``: an ECG with known truth, as a valid file of a real format."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from gem_integration.cli.shapes import beats_json, dump_line
from gem_integration.domain.identity import Patient, stable_id
from gem_integration.simulate import SCENARIOS, SimulatedEcg, as_inbound, simulate
from gem_integration.simulate.scenario import (
    Electrode,
    Fault,
    FaultKind,
    Noise,
    QrsForm,
    Rhythm,
    Scenario,
    StTForm,
)

NAMES = sorted({*SCENARIOS, *(rhythm.value for rhythm in Rhythm)})
FORMATS_OUT = ("dicom", "hl7", "wfdb", "npz")
STARTED_AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


@click.command("simulate")
@click.option("--rhythm", "name", type=click.Choice(NAMES), default="normal_sinus", show_default=True)
@click.option("--qrs-form", type=click.Choice([form.value for form in QrsForm]))
@click.option("--st-t-form", type=click.Choice([form.value for form in StTForm]))
@click.option("--heart-rate", "heart_rate_bpm", type=float, help="beats per minute")
@click.option("--pr", "pr_ms", type=float, help="ms")
@click.option("--qrs", "qrs_ms", type=float, help="ms")
@click.option("--qt", "qt_ms", type=float, help="ms")
@click.option("--axis", "axis_deg", type=float, help="degrees")
@click.option("--duration", "duration_s", type=float, help="s")
@click.option("--sampling-rate", "sampling_rate_hz", type=float, help="Hz")
@click.option("--seed", type=int)
@click.option("--wander", type=float, default=0.0, help="baseline wander, mV")
@click.option("--mains", type=float, default=0.0, help="mains interference, mV")
@click.option("--mains-hz", type=click.Choice(["50", "60"]), default="50")
@click.option("--muscle", type=float, default=0.0, help="muscle noise, mV RMS")
@click.option("--swap", help="two exchanged electrodes, such as RA,LA")
@click.option("--off", "electrode_off", help="an electrode without contact, such as V3")
@click.option("--format", "form", type=click.Choice(FORMATS_OUT), default="dicom", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="folder, or file to be written")
@click.option("--truth", type=click.Path(path_type=Path), help="write the true marks of every beat, as JSON")
def simulate_command(  # noqa: PLR0913 - one argument an option
    *,
    name: str,
    qrs_form: str | None,
    st_t_form: str | None,
    heart_rate_bpm: float | None,
    pr_ms: float | None,
    qrs_ms: float | None,
    qt_ms: float | None,
    axis_deg: float | None,
    duration_s: float | None,
    sampling_rate_hz: float | None,
    seed: int | None,
    wander: float,
    mains: float,
    mains_hz: str,
    muscle: float,
    swap: str | None,
    electrode_off: str | None,
    form: str,
    out: Path,
    truth: Path | None,
) -> None:
    """Simulate a 12-lead ECG and write it as DICOM, HL7 v2, WFDB or npz."""
    base = SCENARIOS[name] if name in SCENARIOS else Scenario(rhythm=Rhythm(name))
    try:
        scenario = replace(
            base,
            qrs_form=QrsForm(qrs_form or base.qrs_form),
            st_t_form=StTForm(st_t_form or base.st_t_form),
            heart_rate_bpm=heart_rate_bpm or base.heart_rate_bpm,
            pr_ms=pr_ms or base.pr_ms,
            qrs_ms=qrs_ms or base.qrs_ms,
            qt_ms=qt_ms or base.qt_ms,
            axis_deg=base.axis_deg if axis_deg is None else axis_deg,
            duration_s=duration_s or base.duration_s,
            sampling_rate_hz=sampling_rate_hz or base.sampling_rate_hz,
            seed=base.seed if seed is None else seed,
            noise=_noise(base.noise, wander=wander, mains=mains, mains_hz=mains_hz, muscle=muscle),
            fault=_fault(swap, electrode_off) or base.fault,
        )
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    simulated = simulate(scenario)
    for file in _write(simulated, name, form=form, out=out):
        click.echo(str(file))
    if truth is not None:
        truth.write_text(
            dump_line({"scenario": name, "beats": beats_json(simulated.beats)}), encoding="utf-8"
        )


def _noise(base: Noise, *, wander: float, mains: float, mains_hz: str, muscle: float) -> Noise:
    return replace(
        base,
        baseline_wander_mv=wander or base.baseline_wander_mv,
        mains_mv=mains or base.mains_mv,
        mains_hz=float(mains_hz),
        muscle_mv=muscle or base.muscle_mv,
    )


def _fault(swap: str | None, electrode_off: str | None) -> Fault | None:
    if swap:
        pair = tuple(Electrode(part.strip()) for part in swap.split(","))
        return Fault(kind=FaultKind.ELECTRODES_SWAPPED, electrodes=pair)
    if electrode_off:
        return Fault(kind=FaultKind.ELECTRODE_OFF, electrodes=(Electrode(electrode_off),))
    return None


def _write(simulated: SimulatedEcg, name: str, *, form: str, out: Path) -> list[Path]:
    from adapters.writers import WRITERS

    as_file = bool(out.suffix) and not out.is_dir()
    folder, stem = (out.parent, out.stem) if as_file else (out, name)
    folder.mkdir(parents=True, exist_ok=True)
    patient = Patient(patient_id=f"SIM-{name}", family_name="Simulated", given_name=name)
    message_id = str(stable_id("simulated", repr(simulated.scenario)))
    ecg = as_inbound(simulated, patient=patient, started_at=STARTED_AT, message_id=message_id)
    written = []
    for file_name, content in WRITERS[form](ecg, stem).items():
        written.append(folder / file_name)
        written[-1].write_bytes(content)
    return written
