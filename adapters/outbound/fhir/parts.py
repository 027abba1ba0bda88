"""FHIR R4 datatypes as plain structures, the code systems we use, and foreign text made fit for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None"
Part: TypeAlias = dict[str, JSON]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
MDC = "urn:iso:std:iso:11073:10101"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
HL7 = "http://terminology.hl7.org/CodeSystem"

#: Our own code systems and identifier systems; docs name what each holds.
OWN = "urn:gem-integration"
OWN_MEASUREMENT = f"{OWN}:measurement"  #: values of ``MeasurementKind``
OWN_STATEMENT = f"{OWN}:statement"  #: ids of ``terminology/statements.csv``
OWN_STATE = f"{OWN}:statement-state"
OWN_URGENCY = f"{OWN}:urgency"
OWN_SUBJECT = f"{OWN}:claim-subject"
OWN_VERDICT = f"{OWN}:verdict"
OWN_CRITERION = f"{OWN}:criterion"  #: met, not-met
OWN_COMPONENT = f"{OWN}:component"  #: what a component of our Observations holds
OWN_OBSERVATION = f"{OWN}:observation"  #: claim, waveform

UCUM_OF_UNIT: dict[str, str] = {"bpm": "/min"}
DECIMALS_OF_UNIT: dict[str, int] = {"ms": 1, "deg": 1, "/min": 1, "mm": 2}
DECIMALS_DEFAULT = 4

_OID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*)){2,}")
_URI = re.compile(r"(?:https?://|urn:)[!-~]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_OTHER_BLANK = re.compile(r"[^\S \t\r\n]|\ufeff")  # no-break space and kin, which FHIR strings do not allow


def clean(foreign: str | None) -> str | None:
    """Return text of a message without control characters and outer blanks; ``None`` when nothing is left.

    FHIR R4, datatypes: strings are not empty; of blanks and control characters they hold space, tab, CR, LF.
    """
    kept = _OTHER_BLANK.sub(" ", _CONTROL.sub("", foreign or "")).strip()
    return kept or None


def coding(system: str, code: str, display: str | None = None) -> Part:
    """Return a Coding."""
    return without_none({"system": system, "code": code, "display": display})


def concept(codings: Iterable[Part], text: str | None = None) -> Part:
    """Return a CodeableConcept; without codings it is its text."""
    found = list(codings)
    return without_none({"coding": found or None, "text": clean(text)})


def ucum_of(unit: str | None) -> str:
    """Return the UCUM code of one of our units; a number without a unit is ``1``."""
    return UCUM_OF_UNIT.get(unit or "1", unit or "1")


def rounded(value: float, unit: str | None) -> float:
    """Return a number at the precision its unit deserves; never a negative zero."""
    return round(value, DECIMALS_OF_UNIT.get(ucum_of(unit), DECIMALS_DEFAULT)) + 0.0


def quantity(value: float, unit: str | None, comparator: str | None = None) -> Part:
    """Return a Quantity in UCUM."""
    code = ucum_of(unit)
    number = rounded(value, unit)
    return without_none(
        {"value": number, "comparator": comparator, "unit": code, "system": UCUM, "code": code}
    )


def range_of(low: float | None, high: float | None, unit: str | None) -> Part:
    """Return a Range in UCUM; an open side is absent."""
    return without_none(
        {
            "low": None if low is None else quantity(low, unit),
            "high": None if high is None else quantity(high, unit),
        }
    )


def component(code: str, value: Part, text: str | None = None) -> Part:
    """Return a component of an Observation of ours; ``value`` is its ``value[x]`` or ``dataAbsentReason``."""
    return {"code": concept([coding(OWN_COMPONENT, code)], text), **value}


def absent(reason: str) -> Part:
    """Return a ``dataAbsentReason`` (code system data-absent-reason)."""
    return {"dataAbsentReason": concept([coding(f"{HL7}/data-absent-reason", reason)])}


def refer(resource_id: str) -> Part:
    """Return a Reference by fullUrl, as a transaction resolves it."""
    return {"reference": full_url(resource_id)}


def full_url(resource_id: str) -> str:
    """Return the fullUrl of an entry."""
    return f"urn:uuid:{resource_id}"


def naming_system(assigner: str | None) -> str | None:
    """Return the URI of an assigning authority: an OID or URI it carries, else nothing (HL7 v2 type HD)."""
    for part in re.split(r"[&^]", assigner or ""):
        if _URI.fullmatch(part):
            return part
        if _OID.fullmatch(part):
            return f"urn:oid:{part}"
    return None


def without_none(part: Mapping[str, JSON]) -> Part:
    """Return ``part`` without its absent elements: FHIR JSON has no nulls."""
    return {name: value for name, value in part.items() if value is not None}
