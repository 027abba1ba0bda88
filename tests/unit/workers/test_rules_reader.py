"""The rules reader writes only what was measured, in sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from gem_integration.criteria import evaluate
from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.quality import QualityFlag
from tests.unit.criteria.builder import MAN_OF_50, Key, flagged_quality, measured
from tests.unit.criteria.test_statements_by_hand import CASES, INFERIOR, LEFT_BLOCK, NO_P
from workers.readers.rules_sentences import describe

NUMBER = re.compile(r"(-?\d+(?:\.\d+)?) (ms|mV|bpm|degrees)")
UNITS = {"ms": "ms", "mV": "mV", "bpm": "/min", "degrees": "deg"}


def _text(changes: Mapping[Key | Kind, float | None] | None = None) -> str:
    measurements = measured(changes)
    return describe(measurements, evaluate(measurements, MAN_OF_50))


def test_a_normal_ecg_is_described_and_called_normal() -> None:
    """Rate, intervals, axis and QTc are said, and the impression is a normal ECG in sinus rhythm."""
    text = _text()
    for sentence in (
        "The rhythm is sinus rhythm.",
        "The heart rate is 72 bpm.",
        "The PR interval is 160 ms, which is normal.",
        "The QRS axis is 45 degrees, which is normal.",
        "Impression: sinus rhythm and normal ECG.",
    ):
        assert sentence in text


@pytest.mark.parametrize(("name", "changes", "_urgency"), CASES, ids=[case[0] for case in CASES])
def test_every_number_in_the_text_is_a_measurement(name: str, changes: object, _urgency: object) -> None:
    """Each number with a unit is, after rounding, one of the measurements of that unit."""
    measurements = measured(changes)
    text = describe(measurements, evaluate(measurements, MAN_OF_50))
    for digits, unit in NUMBER.findall(text):
        decimals = len(digits.partition(".")[2])
        known = {
            f"{value:.{decimals}f}"
            for item in measurements
            if item.unit == UNITS[unit]
            for value in (item.value, abs(item.value))
        }
        assert digits in known, (name, digits, unit)


@pytest.mark.parametrize(("name", "changes", "_urgency"), CASES, ids=[case[0] for case in CASES])
def test_the_text_is_whole_sentences(name: str, changes: object, _urgency: object) -> None:
    """Every sentence starts with a capital and ends with a full stop."""
    for sentence in re.split(r"(?<=\.)\s+", _text(changes)):
        assert sentence[0].isupper(), name
        assert sentence.endswith("."), name
        assert "None" not in sentence
        assert "nan" not in sentence


def test_what_could_not_be_measured_is_said_to_be_so() -> None:
    """A missing PR interval is not passed over in silence."""
    assert "The PR interval could not be measured." in _text({Kind.PR_INTERVAL: None})
    assert "The QRS duration could not be measured." in _text({Kind.QRS_DURATION: None})
    assert "The QT interval could not be measured." in _text({Kind.QT_INTERVAL: None})


def test_fibrillation_has_no_p_waves_and_no_pr() -> None:
    """The text of atrial fibrillation names neither a PR interval nor a P duration."""
    text = _text({**NO_P, Kind.RR_NRMSSD: 0.28, Kind.HEART_RATE: 130.0})
    assert "The rhythm is atrial fibrillation with rapid ventricular response." in text
    assert "P waves are absent." in text
    assert "PR interval" not in text


def test_elevation_is_given_lead_by_lead_and_leads_the_impression() -> None:
    """Inferior ST elevation is said with a number for each lead, and the critical statement comes first."""
    text = _text(INFERIOR)
    assert "ST elevation of 0.20 mV in lead II, 0.30 mV in lead III and 0.25 mV in lead aVF" in text
    assert "Impression: ST elevation meeting STEMI criteria in leads II, III and aVF" in text


def test_a_borderline_statement_is_only_possible() -> None:
    """A finding at its limit is hedged in the impression."""
    assert "possible first-degree AV block" in _text({Kind.PR_INTERVAL: 203.0})


def test_a_block_names_its_shape() -> None:
    """Left bundle branch block comes with the leads that are notched."""
    text = _text({**LEFT_BLOCK, (Kind.QRS_NOTCH_COUNT, Lead.V6): 1.0})
    assert "The QRS complex is notched in lead V6." in text
    assert "left bundle branch block" in text


def test_a_limited_recording_is_not_interpreted() -> None:
    """An unusable recording gets its reasons, rate and rhythm, and no impression."""
    quality = flagged_quality(QualityFlag.NOISY, usable=False, reason="noise in nine leads")
    measurements = measured(INFERIOR, quality=quality)
    text = describe(measurements, evaluate(measurements, MAN_OF_50))
    assert "technically limited and is not interpretable: noise in nine leads" in text
    assert "The heart rate is 72 bpm." in text
    assert "Impression" not in text
    assert "ST" not in text
