"""What carts send is put into our vocabulary, or kept as it came."""

import pytest

from gem_integration.domain.measurement import MeasurementKind
from gem_integration.terminology.cart import cart_code, cart_codes, cart_measurement
from gem_integration.terminology.codes import measurement_codes


def test_a_mapped_code_has_the_unit_of_its_kind() -> None:
    """No row says another unit than our own table does."""
    units = measurement_codes()
    assert all(row.unit == units[row.kind].unit for row in cart_codes().values() if row.kind)


@pytest.mark.parametrize(
    ("code", "system", "kind"),
    [
        ("8625-6", "LN", MeasurementKind.PR_INTERVAL),
        ("8625-6", None, MeasurementKind.PR_INTERVAL),
        ("2:15872", "MDC", MeasurementKind.PR_INTERVAL),
        ("146944", "MDC", MeasurementKind.PR_INTERVAL),
        ("MDC_ECG_TIME_PD_PR_GL", None, MeasurementKind.PR_INTERVAL),
        ("2:16168", "MDC", MeasurementKind.RR_INTERVAL),
        ("2:16000", "MDC", MeasurementKind.RR_INTERVAL),
        ("5.13.5-11", "SCPECG", MeasurementKind.QT_INTERVAL),
    ],
)
def test_one_measurement_has_many_codes(code: str, system: str | None, kind: MeasurementKind) -> None:
    """Each spelling of a code leads to its kind."""
    found = cart_code(code, system)
    assert found is not None
    assert found.kind is kind


def test_a_per_lead_code_names_its_lead() -> None:
    """The low byte of an MDC per-lead code is the lead's number."""
    found = cart_code("2:1344", "MDC")  # P maximum amplitude (1280) + aVL's neighbour aVF (64)
    assert found is not None
    assert (found.kind, found.lead) == (MeasurementKind.P_AMPLITUDE, "aVF")


def test_a_code_of_a_foreign_system_is_not_understood() -> None:
    """A local code that looks like one of ours means nothing under another system."""
    assert cart_code("8625-6", "99LOCAL") is None


def test_units_are_converted() -> None:
    """Seconds become milliseconds and microvolts millivolts."""
    assert cart_measurement("8634-8", 0.368, system="LN", unit="s").value == pytest.approx(368.0)
    assert cart_measurement("2:1282", 120.0, system="MDC", unit="uV").value == pytest.approx(0.12)


@pytest.mark.parametrize(("value", "unit"), [(29999.0, "ms"), (0.0, "ms"), (368.0, "mV"), (0.368, None)])
def test_a_number_that_cannot_be_meant_keeps_its_words(value: float, unit: str | None) -> None:
    """Sentinels, zero times and foreign units leave the measurement without a kind."""
    kept = cart_measurement("8634-8", value, system="LN", unit=unit)
    assert (kept.kind, kept.value, kept.unit) == (None, value, unit)


def test_a_qtc_without_a_formula_has_no_kind() -> None:
    """A formula is never guessed."""
    assert cart_measurement("8636-3", 405.0, system="LN", unit="ms").kind is None
