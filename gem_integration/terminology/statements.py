"""Names and codes of the ECG statements, read once from their table.

The finding code is what an automatic read may assert; the disorder code (DICOM CID 3230 and kin) is the
clinician's and is sent only where a site asks for it. Codes follow PhysioNet/CinC 2021 and DICOM PS3.16
CID 3230; SCP codes follow EN 1064 as PTB-XL prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from gem_integration.domain.statement import Statement, Urgency
from gem_integration.terminology.codes import read_table

SNOMED_SYSTEM = "http://snomed.info/sct"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementCode:
    """One statement's name, SNOMED CT and SCP-ECG codes, default urgency and exclusion group.

    At most one statement of a ``group`` holds for one recording. ``scp`` may list alternatives with "/".
    """

    statement_id: str
    number: int
    name: str
    finding: str | None
    disorder: str | None
    scp: str | None
    urgency: Urgency
    group: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementVariant:
    """A narrower name and code, chosen by the value of the statement's first part in ``[low, high]``."""

    statement_id: str
    low: float
    high: float
    name: str
    finding: str


@cache
def statement_codes() -> dict[str, StatementCode]:
    """Return every statement by id, in table order."""
    return {
        row["id"]: StatementCode(
            statement_id=row["id"],
            number=int(row["number"]),
            name=row["name"],
            finding=row["finding"] or None,
            disorder=row["disorder"] or None,
            scp=row["scp"] or None,
            urgency=Urgency(row["urgency"]),
            group=row["group"] or None,
        )
        for row in read_table("statements.csv")
    }


@cache
def statement_variants() -> tuple[StatementVariant, ...]:
    """Return the variants of all statements, in table order."""
    return tuple(
        StatementVariant(
            statement_id=row["id"],
            low=float(row["low"]),
            high=float(row["high"]),
            name=row["name"],
            finding=row["finding"],
        )
        for row in read_table("statement_variants.csv")
    )


def variant_of(statement: Statement) -> StatementVariant | None:
    """Return the variant the statement's first part selects, if it has variants."""
    if not statement.parts or statement.parts[0].value is None:
        return None
    value = statement.parts[0].value
    for variant in statement_variants():
        if variant.statement_id == statement.statement_id and variant.low <= value <= variant.high:
            return variant
    return None


def name_of(statement: Statement) -> str:
    """Return the statement's name for people, the variant's where there is one."""
    variant = variant_of(statement)
    return variant.name if variant else statement_codes()[statement.statement_id].name


def finding_of(statement: Statement) -> str | None:
    """Return the SNOMED CT finding code of a statement or of its variant, if there is one."""
    variant = variant_of(statement)
    return variant.finding if variant else statement_codes()[statement.statement_id].finding
