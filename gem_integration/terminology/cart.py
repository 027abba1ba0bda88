"""Codes of measurements that carts send, and what each is in our vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.domain.study import CartMeasurement
from gem_integration.terminology.codes import (
    MDC_PARTITION_ECG,
    MDC_PARTITION_SIZE,
    lead_by_number,
    read_table,
)

LEAD_MASK = 0xFF
PER_LEAD_GLOBAL_BASE = 0x3E00  #: MDC partition 2: the block of global time periods and angles starts here
SECONDS_WITHOUT_UNIT_MAX = 5.0  #: a time below this, sent without a unit, is not in milliseconds

#: Names of the coding systems as HL7 v2 table 0396, DICOM PS3.16 section 8 and OIDs write them.
SYSTEMS: Mapping[str, str] = {
    "LN": "LOINC",
    "LOINC": "LOINC",
    "2.16.840.1.113883.6.1": "LOINC",
    "MDC": "MDC",
    "IEEE": "MDC",
    "2.16.840.1.113883.6.24": "MDC",
    "SCPECG": "SCPECG",
}

#: What EN 1064 (sections 5.10 and 5.13) and carts write for "not measured".
NOT_MEASURED = frozenset({29999.0, 29998.0, 29997.0, 19999.0, -29999.0, 32767.0, -32768.0})
NOT_MEASURED_AXIS = frozenset({999.0, -999.0})

#: Spelling of a unit -> (our unit, factor to it).
UNITS: Mapping[str, tuple[str, float]] = {
    "ms": ("ms", 1.0),
    "msec": ("ms", 1.0),
    "millisecond": ("ms", 1.0),
    "milliseconds": ("ms", 1.0),
    "s": ("ms", 1000.0),
    "sec": ("ms", 1000.0),
    "us": ("ms", 1e-3),
    "mv": ("mV", 1.0),
    "uv": ("mV", 1e-3),
    "µv": ("mV", 1e-3),
    "nv": ("mV", 1e-6),
    "v": ("mV", 1000.0),
    "deg": ("deg", 1.0),
    "degree": ("deg", 1.0),
    "degrees": ("deg", 1.0),
    "°": ("deg", 1.0),
    "/min": ("/min", 1.0),
    "1/min": ("/min", 1.0),
    "{h.b.}/min": ("/min", 1.0),
    "{beats}/min": ("/min", 1.0),
    "{beat}/min": ("/min", 1.0),
    "beats/min": ("/min", 1.0),
    "bpm": ("/min", 1.0),
    "beats per minute": ("/min", 1.0),
    # ISO+ (HL7 v2 table 0396) and IEEE 11073-10101 dimensions, by name and by number
    "dega": ("deg", 1.0),
    **dict.fromkeys(("mdc_dim_milli_sec", "264338"), ("ms", 1.0)),
    **dict.fromkeys(("mdc_dim_sec", "264320"), ("ms", 1000.0)),
    **dict.fromkeys(("mdc_dim_beat_per_min", "264864"), ("/min", 1.0)),
    **dict.fromkeys(("mdc_dim_ang_deg", "262880"), ("deg", 1.0)),
    **dict.fromkeys(("mdc_dim_milli_volt", "266418"), ("mV", 1.0)),
    **dict.fromkeys(("mdc_dim_micro_volt", "266419"), ("mV", 1e-3)),
}

_LOINC = re.compile(r"\d{1,7}-\d")
_MDC_DICOM = re.compile(r"2:(\d{1,5})")
_NUMBER = re.compile(r"\d{1,7}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CartCode:
    """A code with its meaning: our kind (``None``: known, but not one of ours), unit and lead."""

    system: str
    code: str
    kind: MeasurementKind | None
    unit: str
    lead: Lead | None
    label: str


@cache
def cart_codes() -> dict[tuple[str, str], CartCode]:
    """Return every row of ``cart_codes.csv`` under (system, code) and, for MDC, (system, REFID)."""
    found: dict[tuple[str, str], CartCode] = {}
    for row in read_table("cart_codes.csv"):
        entry = CartCode(
            system=row["system"],
            code=row["code"],
            kind=MeasurementKind(row["kind"]) if row["kind"] else None,
            unit=row["unit"],
            lead=Lead(row["lead"]) if row["lead"] else None,
            label=row["label"],
        )
        found[entry.system, entry.code] = entry
        if row["refid"]:
            found[entry.system, row["refid"]] = entry
    return found


def cart_code(code: str, system: str | None = None) -> CartCode | None:
    """Return the meaning of ``code``, or ``None``; without a system the code's own form names it.

    MDC codes may be ``2:15872``, the context-free ``146944`` or a REFID; in the per-lead codes
    (IEEE 11073-10102) the low eight bits number the lead.
    """
    name = _system_of(code, system)
    if name is None:
        return None
    if name == "MDC":
        return _mdc_code(code)
    return cart_codes().get((name, code))


def _system_of(code: str, system: str | None) -> str | None:
    if system:
        return SYSTEMS.get(system.strip().upper())
    if _LOINC.fullmatch(code):
        return "LOINC"
    if _MDC_DICOM.fullmatch(code) or code.startswith("MDC_"):
        return "MDC"
    return "SCPECG" if code.startswith("5.1") else None


def _mdc_code(code: str) -> CartCode | None:
    if known := cart_codes().get(("MDC", code)):
        return known
    number = _mdc_number(code)
    if number is None:
        return None
    if known := cart_codes().get(("MDC", f"{MDC_PARTITION_ECG}:{number}")):
        return known
    return _mdc_per_lead(number)


def _mdc_number(code: str) -> int | None:
    if match := _MDC_DICOM.fullmatch(code):
        return int(match[1])
    if not _NUMBER.fullmatch(code):
        return None
    partition, number = divmod(int(code), MDC_PARTITION_SIZE)
    return number if partition == MDC_PARTITION_ECG else None


def _mdc_per_lead(number: int) -> CartCode | None:
    base = number & ~LEAD_MASK
    lead = lead_by_number().get(number & LEAD_MASK)
    general = cart_codes().get(("MDC", f"{MDC_PARTITION_ECG}:{base}"))
    if general is None or lead is None or base >> 8 == PER_LEAD_GLOBAL_BASE >> 8:
        return None
    return CartCode(
        system="MDC",
        code=f"{MDC_PARTITION_ECG}:{number}",
        kind=general.kind,
        unit=general.unit,
        lead=lead,
        label=general.label,
    )


def cart_measurement(
    code: str,
    value: float,
    *,
    system: str | None = None,
    unit: str | None = None,
    label: str | None = None,
    lead: str | None = None,
) -> CartMeasurement:
    """Return the measurement a cart sent; in our kind and unit where code, unit and value allow it.

    ``code``, ``system`` and ``label`` stay as received. A unit of another dimension, the cart's
    "not measured" numbers and times of zero leave ``kind`` empty and the number as received. An
    absent unit is the unit of the table.
    """
    known = cart_code(code, system)
    ours = None if known is None else _in_unit(value, unit, known.unit)
    understood = known is not None and ours is not None and _is_measured(value, known)
    named = lead or (known.lead if known else None)
    return CartMeasurement(
        kind=str(known.kind) if known and known.kind and understood else None,
        value=ours if understood and ours is not None else value,
        unit=known.unit if known and understood else unit,
        code=code,
        code_system=system,
        label=label or (known.label if known else None),
        lead=str(named) if named else None,
    )


def _in_unit(value: float, unit: str | None, wanted: str) -> float | None:
    if not unit:
        unlikely = wanted == "ms" and 0.0 < abs(value) < SECONDS_WITHOUT_UNIT_MAX
        return None if unlikely else value
    known, factor = UNITS.get(unit.strip().lower(), ("", 0.0))
    return value * factor if known == wanted else None


def _is_measured(value: float, known: CartCode) -> bool:
    if value in NOT_MEASURED or (known.unit == "deg" and value in NOT_MEASURED_AXIS):
        return False
    return value > 0.0 or known.unit in {"deg", "mV"}
