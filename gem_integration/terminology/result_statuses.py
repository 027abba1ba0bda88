"""Result statuses of HL7 v2 (OBX-11: table 0085, OBR-25: table 0123) and what they are in FHIR."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from gem_integration.terminology.codes import read_table

OBSERVATION_STATUSES = "0085"
REPORT_STATUSES = "0123"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultStatus:
    """One status; ``fhir`` is ``None`` where HL7's own map (v2-to-FHIR 1.0.0) has no equal."""

    table: str
    code: str
    meaning: str
    fhir: str | None


@cache
def result_statuses() -> dict[tuple[str, str], ResultStatus]:
    """Return every status by table and code."""
    return {
        (row["table"], row["code"]): ResultStatus(
            table=row["table"], code=row["code"], meaning=row["meaning"], fhir=row["fhir"] or None
        )
        for row in read_table("result_statuses.csv")
    }


def fhir_status(table: str, code: str) -> str | None:
    """Return the FHIR status of an HL7 v2 code, ``None`` for one that is unknown or has no equal."""
    known = result_statuses().get((table, code.strip().upper()))
    return known.fhir if known else None
