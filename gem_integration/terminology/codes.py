"""Readers of the code tables; each table is read once, when first asked for."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind

MDC_PARTITION_ECG = 2
MDC_PARTITION_SIZE = 65_536


def read_table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of ``name`` (a CSV beside this module) as dictionaries."""
    text = files("gem_integration.terminology").joinpath(name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementCode:
    """Unit (UCUM), JSON key and codes of a measurement kind.

    ``loinc`` names global values; ``mdc`` is the context-free IEEE 11073-10102 number
    (partition 2 x 65536 + code) as FHIR wants it.
    """

    kind: MeasurementKind
    unit: str
    json_key: str
    scope: str
    loinc: str | None
    mdc: int | None
    display: str


@cache
def measurement_codes() -> dict[MeasurementKind, MeasurementCode]:
    """Return the code of every measurement kind."""
    return {
        MeasurementKind(row["kind"]): MeasurementCode(
            kind=MeasurementKind(row["kind"]),
            unit=row["unit"],
            json_key=row["json_key"],
            scope=row["scope"],
            loinc=row["loinc"] or None,
            mdc=int(row["mdc"]) if row["mdc"] else None,
            display=row["display"],
        )
        for row in read_table("measurements.csv")
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadCode:
    """A lead's number, shared by MDC partition 2 (CID 3001) and SCP-ECG (EN 1064, 5.6.3-9), and its REFID."""

    lead: Lead
    number: int
    mdc_refid: str

    @property
    def mdc_dicom(self) -> str:
        """Return the code as DICOM writes it."""
        return f"{MDC_PARTITION_ECG}:{self.number}"

    @property
    def mdc_context_free(self) -> int:
        """Return the code as FHIR writes it."""
        return MDC_PARTITION_ECG * MDC_PARTITION_SIZE + self.number


@cache
def lead_codes() -> dict[Lead, LeadCode]:
    """Return the code of every lead."""
    return {
        Lead(row["lead"]): LeadCode(
            lead=Lead(row["lead"]), number=int(row["number"]), mdc_refid=row["mdc_refid"]
        )
        for row in read_table("leads.csv")
    }


@cache
def lead_by_number() -> dict[int, Lead]:
    """Return the lead of every MDC or SCP-ECG lead number."""
    return {code.number: lead for lead, code in lead_codes().items()}
