"""How numbers and claims read."""

from dataclasses import replace

import pytest

from gem_integration.domain.evidence import Comparator
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.reporting.wording import claimed_text, evidence_text, measurement_name, number_text
from gem_integration.terminology.codes import measurement_codes


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (160.4, "ms", "160 ms"),
        (-0.004, "mV", "0.00 mV"),
        (-31.6, "deg", "-32°"),
        (72.0, "/min", "72 /min"),
        (0.93, "1", "0.93"),
        (2.0, "furlong", "2.00 furlong"),
        (0.5, None, "0.50"),
    ],
)
def test_a_number_reads_as_its_unit_deserves(value, unit, words):
    """Milliseconds are whole, millivolts have two decimals, zero has no sign."""
    assert number_text(value, unit) == words


def test_every_measurement_has_words():
    """No kind is shown by its identifier."""
    assert all(measurement_name(kind) == measurement_codes()[kind].display for kind in MeasurementKind)


def test_a_kind_of_another_vocabulary_is_spelled_out():
    """An unknown kind is shown, not refused."""
    assert measurement_name("pp_interval") == "pp interval"


@pytest.mark.parametrize(
    ("comparator", "high", "words"),
    [
        (Comparator.EQUAL, None, "240 ms"),
        (Comparator.ABOUT, None, "about 240 ms"),
        (Comparator.GREATER, None, "over 240 ms"),
        (Comparator.LESS_OR_EQUAL, None, "at most 240 ms"),
        (Comparator.RANGE, 260.0, "240 ms to 260 ms"),
    ],
)
def test_a_claimed_number_keeps_how_it_is_meant(make_delivery, comparator, high, words):
    """The comparator is part of what was claimed."""
    claim = make_delivery().report.observations[2].claim
    assert claimed_text(replace(claim, comparator=comparator, value_high=high)) == words


def test_evidence_without_a_number_says_why(make_delivery):
    """A missing measurement is explained by its method."""
    missing = make_delivery().report.observations[6].evidence[0]
    assert evidence_text(missing) == "T wave amplitude in V9 not measurable (lead not recorded)"


def test_a_count_is_a_whole_number(make_delivery):
    """Two ectopic beats are 2, not 2.00 with an interval."""
    rate = make_delivery().report.observations[0].evidence[0]
    count = replace(rate, measurement=MeasurementKind.ECTOPIC_WIDE_COUNT, value=2.0, unit="1")
    assert evidence_text(count) == "Wide ectopic beats: 2"
