"""The statuses of HL7 v2 results and their FHIR equals."""

from __future__ import annotations

import pytest

from gem_integration.terminology.result_statuses import (
    OBSERVATION_STATUSES,
    REPORT_STATUSES,
    fhir_status,
    result_statuses,
)

FHIR_STATUSES = {
    "registered",
    "partial",
    "preliminary",
    "final",
    "amended",
    "corrected",
    "cancelled",
    "entered-in-error",
}


@pytest.mark.parametrize(
    ("table", "code", "status"),
    [
        (REPORT_STATUSES, "F", "final"),
        (REPORT_STATUSES, "r", "partial"),
        (REPORT_STATUSES, "A", None),
        (OBSERVATION_STATUSES, "W", "entered-in-error"),
        (OBSERVATION_STATUSES, "R", None),
        (OBSERVATION_STATUSES, "?", None),
    ],
)
def test_a_status_has_its_fhir_equal_or_none(table: str, code: str, status: str | None):
    """The same letter means different things in the two tables."""
    assert fhir_status(table, code) == status


def test_every_code_of_both_tables_is_decided():
    """All fifteen observation and thirteen report statuses stand in the table, unmapped ones openly."""
    codes = {table: {code for t, code in result_statuses() if t == table} for table in ("0085", "0123")}
    assert codes["0085"] == set("PFCADWXBINORSUV")
    assert codes["0123"] == set("OISPRFCXAMNYZ")
    assert {status.fhir for status in result_statuses().values()} <= {*FHIR_STATUSES, None}
