"""Whatever the coding of a DICOM ECG, its millivolts come back; whatever its damage, it is refused."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.inbound.dicom_ecg import parse
from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.study import InboundEcg, ParseLimits
from gem_integration.errors import Rejected
from tests.unit.adapters.dicom_objects import UNIT_MV, Channels, Group, object_of, ramp_group, sample_object

LIMITS = ParseLimits()
MICROVOLT = 1e-3
WIDTHS = {"SB": 8, "UB": 8, "SS": 16, "US": 16, "SL": 32, "UL": 32}
RANGE_MV = 400.0

slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def groups(draw: st.DrawFn) -> Group:
    """Draw a group of any rate, coding, scale, unit, leads and gaps."""
    coding = draw(st.sampled_from(sorted(WIDTHS)))
    bits = draw(st.integers(2, WIDTHS[coding]))
    leads = draw(st.lists(st.sampled_from(list(Lead)), min_size=1, max_size=13, unique=True))
    lowest, highest = (0, 2**bits - 1) if coding[0] == "U" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    seed = draw(st.integers(0, 2**32 - 1))
    shape = (draw(st.integers(1, 40)), len(leads))
    stored = np.random.default_rng(seed).integers(lowest, highest, size=shape, endpoint=True)
    return Group(
        stored=stored,
        leads=leads,
        rate_hz=draw(st.floats(50.0, 4000.0, allow_nan=False)),
        channels=draw(scales(coding, bits, max(abs(lowest), highest))),
        padding=draw(st.none() | st.just(lowest)),
    )


@st.composite
def scales(draw: st.DrawFn, coding: str, bits: int, largest: int) -> Channels:
    """Draw a scale that keeps the largest number within what a body surface can show."""
    unit = draw(st.sampled_from(sorted(UNIT_MV)))
    correction = draw(st.none() | st.sampled_from([1.0, 4.88, 0.5]))
    full_scale_mv = draw(st.floats(0.5, RANGE_MV)) * draw(st.sampled_from([1.0, -1.0]))
    sensitivity = full_scale_mv / UNIT_MV[unit] / largest / (correction or 1.0)
    return Channels(
        coding=coding,
        bits_stored=bits,
        sensitivity=float(f"{sensitivity:.10g}"),
        correction=correction,
        baseline=float(f"{draw(st.floats(-RANGE_MV, RANGE_MV)) / UNIT_MV[unit]:.10g}"),
        unit=unit,
        lead_system=draw(st.sampled_from(["MDC", "SCPECG", "99SITE"])),
        garbage_above=draw(st.booleans()),
    )


@slow
@given(group=groups(), syntax=st.sampled_from(["implicit", "explicit", "big"]))
def test_every_legal_coding_gives_its_millivolts(group: Group, syntax: str) -> None:
    """Rate, leads, gaps and samples within 1 µV come back from any linear coding."""
    if syntax == "big" and group.channels.coding.endswith("L"):
        syntax = "explicit"
    if syntax == "big" and group.channels.coding.endswith("B"):
        syntax = "implicit"
    (ecg,) = parse(object_of(group, syntax=syntax), LIMITS)
    assert isinstance(ecg, InboundEcg)
    samples = ecg.recording.samples_mv.astype(float)
    if ecg.recording.gap_mask is not None:
        samples[ecg.recording.gap_mask] = np.nan
    assert ecg.recording.leads == tuple(group.leads)
    assert ecg.recording.sampling_rate_hz == pytest.approx(group.rate_hz, rel=1e-9)
    np.testing.assert_allclose(samples, group.millivolts, rtol=1e-6, atol=MICROVOLT, equal_nan=True)


@pytest.fixture(scope="module")
def wholes() -> dict[str, bytes]:
    """Return intact objects to damage: the one of pydicom, and small ones of our own."""
    small = ramp_group(STANDARD_LEADS, 60)
    return {
        "sample": sample_object(),
        "explicit": object_of(small),
        "implicit": object_of(small, syntax="implicit"),
        "big": object_of(small, syntax="big"),
    }


def outcome(content: bytes) -> str:
    """Return what became of the bytes; anything but a recording or a refusal fails the test."""
    try:
        (ecg,) = parse(content, LIMITS)
    except Rejected as error:
        return error.code
    assert isinstance(ecg, InboundEcg)
    return "read"


@slow
@given(data=st.data(), which=st.sampled_from(["sample", "explicit", "implicit", "big"]))
def test_a_damaged_object_is_read_or_refused(
    wholes: dict[str, bytes], data: st.DataObject, which: str
) -> None:
    """Flipped bytes never raise anything but a refusal."""
    content = bytearray(wholes[which])
    reach = min(len(content), 9_000)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, reach - 1))] = data.draw(st.integers(0, 255))
    outcome(bytes(content))


@slow
@given(data=st.data(), which=st.sampled_from(["explicit", "implicit", "big"]))
def test_a_truncated_object_is_never_read(wholes: dict[str, bytes], data: st.DataObject, which: str) -> None:
    """A cut anywhere before the end loses samples, so there is no recording."""
    content = wholes[which]
    assert outcome(content[: data.draw(st.integers(0, len(content) - 2))]) != "read"


@slow
@given(content=st.binary(max_size=400))
def test_random_bytes_are_refused(content: bytes) -> None:
    """Noise is no ECG, with or without a DICOM preamble before it."""
    assert outcome(content) != "read"
    assert outcome(bytes(128) + b"DICM" + content) != "read"
