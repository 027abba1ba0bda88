"""The public commands and their JSON, which is a contract."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from pydicom.data import get_testdata_file

from gem_integration.cli import COMMANDS, cli

GLOBAL_KEYS = {
    "heart_rate_bpm",
    "rr_ms",
    "p_duration_ms",
    "pr_ms",
    "qrs_ms",
    "qt_ms",
    "qtc_bazett_ms",
    "qtc_fridericia_ms",
    "qtc_framingham_ms",
    "qtc_hodges_ms",
    "p_axis_deg",
    "qrs_axis_deg",
    "t_axis_deg",
}
LEAD_KEYS = {
    "p_amplitude_mv",
    "q_amplitude_mv",
    "r_amplitude_mv",
    "s_amplitude_mv",
    "st_j_mv",
    "st_j60_mv",
    "t_amplitude_mv",
}
MARKS = {"p_on", "p_peak", "p_off", "qrs_on", "r_peak", "qrs_off", "t_on", "t_peak", "t_off"}
CLAIM_KEYS = [
    "text",
    "start",
    "end",
    "kind",
    "subject",
    "leads",
    "polarity",
    "certainty",
    "comparator",
    "value",
    "value_high",
    "unit",
    "beats",
]


def run(*words: object, text: str | None = None) -> Result:
    """Run one command."""
    return CliRunner().invoke(cli, [str(word) for word in words], input=text)


@pytest.fixture(scope="module")
def real_dicom() -> str:
    """Return the real 12-lead ECG that pydicom ships."""
    return str(get_testdata_file("waveform_ecg.dcm", download=False))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one simulated ECG in each format and one file that is no ECG."""
    folder = tmp_path_factory.mktemp("ecgs")
    for form, name in (("dicom", "one.dcm"), ("hl7", "two.hl7"), ("wfdb", "three.hea")):
        assert run("simulate", "--rhythm", "lbbb", "--format", form, "--out", folder / name).exit_code == 0
    (folder / "notes.hl7").write_bytes(b"MSH|^~\\&|nothing else")
    return folder


def test_measure_prints_one_line_a_file_and_goes_on_after_a_bad_one(folder: Path) -> None:
    """Three ECGs and one error line come, and the exit status says that something failed."""
    outcome = run("measure", folder, "--fiducials", "--format", "jsonl")
    lines = [json.loads(line) for line in outcome.stdout.splitlines()]
    good = [line for line in lines if "error" not in line]
    (bad,) = [line for line in lines if "error" in line]
    assert outcome.exit_code == 1
    assert set(bad["error"]) == {"code", "reason"}
    assert len(good) == 3
    for line in good:
        assert line["global"].keys() >= GLOBAL_KEYS
        assert line["leads"]["V1"].keys() >= LEAD_KEYS
        assert line["recording"]["samples"] == 5000
        assert line["beats"][3]["leads"]["II"].keys() == MARKS


def test_measure_agrees_with_the_cart_of_a_real_ecg(real_dicom: str) -> None:
    """Rate, intervals and axis lie as near the device's own annotations as two good programs do."""
    line = json.loads(run("measure", real_dicom, "--format", "jsonl").stdout)
    measured = line["global"]
    assert measured["heart_rate_bpm"] == pytest.approx(60_000 / 982, abs=2)
    assert measured["pr_ms"] == pytest.approx(161, abs=12)
    assert measured["qrs_ms"] == pytest.approx(75, abs=14)
    assert measured["qt_ms"] == pytest.approx(368, abs=20)
    assert measured["qrs_axis_deg"] == pytest.approx(52, abs=10)


def test_one_ecg_in_three_formats_measures_the_same(folder: Path) -> None:
    """The format of the message does not change the medicine."""
    lines = [json.loads(line) for line in run("measure", folder, "--format", "jsonl").stdout.splitlines()]
    qrs = [line["global"]["qrs_ms"] for line in lines if "error" not in line]
    assert max(qrs) - min(qrs) <= 1.0


def test_read_gives_statements_text_and_claims_that_point_into_it(real_dicom: str, tmp_path: Path) -> None:
    """The spans reproduce the words, verdicts rest on evidence, and --out writes the files it names."""
    outcome = run(
        "read", real_dicom, "--reader", "rules", "--age", 50, "--format", "jsonl", "--out", tmp_path
    )
    line = json.loads(outcome.stdout)
    assert outcome.exit_code == 0
    assert {"id", "state", "urgency", "snomed", "parts"} <= line["statements"][0].keys()
    for claim in line["claims"]:
        assert list(claim)[:13] == CLAIM_KEYS
        assert line["interpretation"][claim["start"] : claim["end"]] == claim["text"]
        assert claim["evidence"] or claim["verdict"] not in ("supported", "contradicted")
    assert all(Path(file).exists() for file in line["files"])
    assert len(line["files"]) >= 3


def test_convert_gives_the_samples_as_received(real_dicom: str, tmp_path: Path) -> None:
    """The npz holds float64 millivolts at the rate received, and the JSON strings parse."""
    outcome = run("convert", real_dicom, "--to", "npz", "--out", tmp_path)
    (file,) = json.loads(outcome.stdout)["files"]
    with np.load(file, allow_pickle=False) as stored:
        assert stored["samples_mv"].dtype == np.float64
        assert stored["samples_mv"].shape == (12, 10_000)
        assert float(stored["sampling_rate_hz"]) == 1000.0
        assert list(stored["leads"])[:3] == ["I", "II", "III"]
        measured = {item["kind"]: item["value"] for item in json.loads(str(stored["cart_measurements"]))}
    assert (measured["pr_interval"], measured["qrs_duration"]) == (161.0, 75.0)


def test_a_missing_file_is_an_error_line(tmp_path: Path) -> None:
    """A path that does not exist is reported like any other bad input."""
    outcome = run("convert", tmp_path / "absent.dcm", "--to", "npz", "--out", tmp_path / "out")
    assert outcome.exit_code == 1
    assert json.loads(outcome.stdout)["error"]["code"] == "unreadable_message"


def test_ground_contradicts_a_false_sentence_and_supports_a_true_one(real_dicom: str) -> None:
    """The waveform, not the prose, decides."""
    text = "The heart rate is 61 bpm. The QRS duration is 160 ms."
    outcome = run("ground", real_dicom, "--text", "-", text=text)
    verdicts = {claim["subject"]: claim["verdict"] for claim in json.loads(outcome.stdout)["claims"]}
    assert verdicts == {"heart_rate": "supported", "qrs_duration": "contradicted"}


def test_claims_of_a_text_are_one_line() -> None:
    """The text comes back beside its claims."""
    line = json.loads(run("claims", "-", text="PR interval 160 ms.").stdout)
    assert [claim["subject"] for claim in line["claims"]] == ["pr_interval"]


def test_doctor_finds_nothing_broken() -> None:
    """A fresh install is usable as it is."""
    outcome = run("doctor")
    assert outcome.exit_code == 0, outcome.stdout
    assert "reader rules" in outcome.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    """--help of each command works and names its options."""
    assert "--help" in run(name, "--help").stdout
