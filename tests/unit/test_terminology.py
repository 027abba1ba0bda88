"""The code tables are complete and consistent."""

from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.terminology.codes import lead_by_number, lead_codes, measurement_codes


def test_every_measurement_kind_has_a_unit_and_a_json_key_of_its_own() -> None:
    """Every kind is in the table once, and no two share a JSON key."""
    codes = measurement_codes()
    assert set(codes) == set(MeasurementKind)
    assert len({code.json_key for code in codes.values()}) == len(codes)


def test_every_lead_has_a_number_of_its_own() -> None:
    """Every lead is in the table, and the inverse table is its inverse."""
    assert set(lead_codes()) == set(Lead)
    assert {number: lead for lead, number in ((c.lead, c.number) for c in lead_codes().values())} == (
        lead_by_number()
    )
