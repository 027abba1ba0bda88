"""ECGs written as HL7 v2 come back equal, and other parsers read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest
from hl7apy.parser import parse_message
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapters.inbound.hl7v2 import parse
from adapters.writers.hl7v2 import write
from gem_integration.domain.ecg import STANDARD_LEADS, Acquisition, Lead, Recording
from gem_integration.domain.identity import Patient, Sex
from gem_integration.domain.study import CartMeasurement, InboundEcg, ParseLimits

LIMITS = ParseLimits()
AT = datetime(2024, 3, 1, 8, 15, 0, 250_000, tzinfo=timezone(timedelta(hours=5, minutes=30)))
PATIENT = Patient(
    patient_id="7|8^9",
    assigner="HOSP&CO",
    family_name="Müller~Roe\\",
    given_name="Ann",
    birth_date=date(1960, 1, 2),
    sex=Sex.FEMALE,
)


def ecg_of(samples_mv: np.ndarray, leads: tuple[Lead, ...] = STANDARD_LEADS) -> InboundEcg:
    return InboundEcg(
        message_id="M^1",
        recording=Recording.of(samples_mv, leads, 500.0, started_at=AT),
        acquisition=Acquisition(performed_at=AT, device="CART 9", device_serial="S1"),
        patient=PATIENT,
        accession_number="A1",
        placer_number="P1",
        filler_number="F1",
        indication="chest pain & palpitations",
        result_status="P",
        stat=True,
        cart_statements=("Sinus rhythm | normal ^ ECG", "Second line"),
        cart_measurements=(
            CartMeasurement(
                kind="qrs_duration", value=96.0, unit="ms", code="8633-0", code_system="LN", label="QRS"
            ),
            CartMeasurement(
                kind="r_amplitude",
                value=1.25,
                unit="mV",
                code="2:2048",
                code_system="MDC",
                label="R amplitude",
                lead="V5",
            ),
            CartMeasurement(kind=None, value=-3.5, unit="xyz", code="L1", code_system="99L", label="local"),
        ),
    )


def read_back(ecg: InboundEcg) -> InboundEcg:
    (content,) = write(ecg, "ecg").values()
    (found,) = parse(content, LIMITS)
    assert isinstance(found, InboundEcg)
    return found


def noise_mv(seed: int, shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.4, shape)


def test_everything_the_format_holds_comes_back():
    """Patient, order, times, device, statements and measurements are equal."""
    ecg = ecg_of(noise_mv(1, (12, 50)))
    back = read_back(ecg)
    same = ("message_id", "patient", "accession_number", "placer_number", "filler_number", "indication")
    same += ("result_status", "stat", "age_years", "cart_statements", "cart_measurements")
    for name in same:
        assert getattr(back, name) == getattr(ecg, name), name
    assert back.recording.started_at == ecg.recording.started_at
    assert back.acquisition.performed_at == AT
    assert (back.acquisition.device, back.acquisition.device_serial) == ("CART 9", "S1")


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), scale_uv=st.sampled_from([1.0, 2.44, 4.88, 0.3, 0.01, 1e-7, 3e4]))
def test_samples_come_back_exactly(seed: int, scale_uv: float):
    """Whatever the recording's resolution, the signal is the same signal."""
    samples_mv = np.rint(noise_mv(seed, (2, 30)) * 1e3 / scale_uv) * scale_uv / 1e3
    ecg = ecg_of(samples_mv, (Lead.II, Lead.V3R))
    back = read_back(ecg)
    assert back.recording.leads == ecg.recording.leads
    assert back.recording.digest_bytes() == ecg.recording.digest_bytes()
    assert np.array_equal(back.recording.samples_mv, ecg.recording.samples_mv)


@settings(deadline=None)
@given(
    name=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30),
    statement=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60),
)
def test_any_text_comes_back(name: str, statement: str):
    """Delimiters, escapes and every script survive in names and statements."""
    assume('""' not in {name.strip(), statement.strip()})  # HL7's null
    ecg = replace(
        ecg_of(np.ones((1, 4)), (Lead.I,)),
        patient=replace(PATIENT, family_name=name),
        cart_statements=(statement,),
    )
    back = read_back(ecg)
    assert back.patient is not None
    assert back.patient.family_name == (name.replace("\ufeff", "").strip() or None)
    assert back.cart_statements == tuple(filter(None, (statement.replace("\ufeff", "").strip(),)))


def test_gaps_come_back_as_gaps():
    """A sample that was not received is not received again."""
    samples_mv = noise_mv(2, (2, 20))
    samples_mv[0, 3:6] = np.nan
    samples_mv[1, 19] = np.nan
    back = read_back(ecg_of(samples_mv, (Lead.I, Lead.II)))
    assert back.recording.gap_mask is not None
    assert np.array_equal(back.recording.gap_mask, np.isnan(samples_mv))


def test_an_ecg_of_nobody_knows_no_times_and_is_still_a_message():
    """What is absent is left empty; an age without a birth date is kept."""
    bare = InboundEcg(
        message_id="M2",
        recording=Recording.of(np.ones((1, 4)), (Lead.I,), 240.5),
        acquisition=Acquisition(),
        age_years=52.5,
    )
    back = read_back(bare)
    assert back.patient is None
    assert back.age_years == 52.5
    assert back.recording.started_at is None
    assert back.recording.sampling_rate_hz == 240.5


@pytest.mark.parametrize("find_groups", [True, False])
def test_hl7apy_reads_what_we_write(find_groups: bool):
    """An independent parser finds the segments, the channel definition and the samples."""
    (content,) = write(ecg_of(noise_mv(3, (2, 8)), (Lead.I, Lead.II)), "ecg").values()
    text = content.decode()
    found = parse_message(text, find_groups=find_groups)
    assert found.msh.msh_10.to_er7() == "M\\S\\1"
    if not find_groups:
        types = [segment.obx_2.value for segment in found.children if segment.name == "OBX"]
        assert types == ["TS", "CD", "NA"] * 2 + ["TX"] * 2 + ["NM"] * 3


def test_the_file_is_named_by_its_stem():
    """One file, UTF-8, segments ended by CR."""
    files = write(ecg_of(noise_mv(4, (1, 4)), (Lead.I,)), "study-1")
    assert list(files) == ["study-1.hl7"]
    assert files["study-1.hl7"].endswith(b"\r")
    assert b"\n" not in files["study-1.hl7"]
