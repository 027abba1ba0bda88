"""A recording holds finite millivolts of distinct leads, or does not exist."""

from datetime import datetime

import numpy as np
import pytest

from gem_integration.domain.ecg import STANDARD_LEADS, Acquisition, Lead, Recording


def test_the_standard_leads_are_twelve_in_canonical_order() -> None:
    """Every table and drawing relies on this order."""
    assert [lead.value for lead in STANDARD_LEADS] == [
        "I",
        "II",
        "III",
        "aVR",
        "aVL",
        "aVF",
        "V1",
        "V2",
        "V3",
        "V4",
        "V5",
        "V6",
    ]


def test_a_sample_not_received_is_a_gap_not_a_number() -> None:
    """NaN becomes a marked gap; the other samples stay."""
    recording = Recording.of([[0.1, np.nan, 0.3]], [Lead.II], 500)
    assert recording.gap_mask is not None
    assert recording.gap_mask.tolist() == [[False, True, False]]
    assert recording.samples_mv[0, 2] == np.float32(0.3)


def test_samples_cannot_be_changed_afterwards() -> None:
    """Evidence points into samples; they must stay."""
    recording = Recording.of([[0.1, 0.2]], [Lead.II], 500)
    with pytest.raises(ValueError, match="read-only"):
        recording.samples_mv[0, 0] = 1.0


@pytest.mark.parametrize(
    ("samples", "leads", "rate"),
    [
        ([[0.0], [0.0]], [Lead.I, Lead.I], 500),
        ([[0.0]], [Lead.I, Lead.II], 500),
        ([[np.inf]], [Lead.I], 500),
        ([[5000.0]], [Lead.I], 500),
        ([[0.0]], [Lead.I], 1),
        ([[]], [Lead.I], 500),
    ],
    ids=["lead twice", "rows and leads differ", "infinite", "impossible scale", "rate too low", "no samples"],
)
def test_an_impossible_recording_is_refused(
    samples: list[list[float]], leads: list[Lead], rate: float
) -> None:
    """No recording is better than a wrong one."""
    with pytest.raises(ValueError, match=r"lead|rate|sample|finite|scale"):
        Recording.of(samples, leads, rate)


def test_one_signal_in_two_formats_has_one_digest() -> None:
    """Noise of representation below 0.05 µV does not make a new ECG; a real change does."""
    one = Recording.of([[0.1234, 0.5]], [Lead.II], 500)
    same = Recording.of([[0.12340001, 0.5]], [Lead.II], 500)
    other = Recording.of([[0.1244, 0.5]], [Lead.II], 500)
    assert one.digest_bytes() == same.digest_bytes() != other.digest_bytes()


def test_an_acquisition_time_names_its_zone() -> None:
    """A time without zone is refused."""
    with pytest.raises(ValueError, match="zone"):
        Acquisition(performed_at=datetime(2026, 1, 1, 8))  # noqa: DTZ001 - the point of the test
