"""LOINC codes of single-lead measurements."""

from __future__ import annotations

from functools import cache

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.terminology.codes import read_table


@cache
def loinc_per_lead() -> dict[tuple[MeasurementKind, Lead], str]:
    """Return the LOINC code of a kind in a lead, where one means exactly what we measure.

    LOINC's Q wave *depth*, J point *depression* and ST *displacement* leave the sign of a number open:
    ours are signed levels, so these families are left out.
    """
    return {
        (MeasurementKind(row["kind"]), lead): row[lead]
        for row in read_table("loinc_per_lead.csv")
        for lead in STANDARD_LEADS
    }
