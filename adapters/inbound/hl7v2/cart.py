"""The cart's own measurements and statements among the observations of an HL7 v2 report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from adapters.inbound.hl7v2.attributes import is_rate
from adapters.inbound.hl7v2.categories import is_waveform
from adapters.inbound.hl7v2.channels import NULL
from adapters.inbound.hl7v2.fields import OrderGroup, clean
from adapters.inbound.hl7v2.leads import first_lead, unit_names
from adapters.inbound.hl7v2.split import Segment, part, unescape
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.domain.study import CartMeasurement, ParseLimits
from gem_integration.terminology.cart import UNITS, cart_measurement

NUMBER_TYPES = frozenset({"NM", "ST", "SN", "TX", "FT", ""})
CODED_TYPES = frozenset({"CE", "CWE", "CF", "CNE"})
TEXT_TYPES = frozenset({"TX", "FT", "ST", "IS", ""}) | CODED_TYPES

#: LOINC codes of statements in words: impression, its narrative, rhythm, study report, conclusions.
STATEMENT_CODES = frozenset({"8601-7", "18844-1", "8884-9", "11524-6", "29549-3", "18843-3", "59776-5"})
STATEMENT_NAME = re.compile(
    r"impression|interpretation|statement|diagnos|conclusion|finding|severity|rhythm|narrative|MDC_ECG_RHY",
    re.IGNORECASE,
)
#: Narrative types, and the HL7 suffixes of observations in words (v2.5.1 section 7.2.4): impression,
#: general, addendum and procedure text.
NARRATIVE_TYPES = frozenset({"TX", "FT"})
NARRATIVE_SUFFIXES = frozenset({"IMP", "GDT", "ADT", "TCM"})
#: LOINC codes of the patient's age, and the UCUM units of years.
AGE_CODES = frozenset({"30525-0", "29553-5", "21612-7"})
YEARS = frozenset({"", "a", "yr", "y", "year", "years", "{years}"})

#: HL7 table 0085: deleted, posted to the wrong patient, could not be obtained.
WITHDRAWN = frozenset({"D", "W", "X"})

#: Labels of local codes → coding system and code whose meaning and unit they have.
LABELS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), system, code)
    for pattern, system, code in (
        (r"(?:vent(?:ricular|\.)?|heart|hr)(?: rate)?(?: \(?bpm\)?)?", "LN", "8867-4"),
        (r"atrial rate(?: \(?bpm\)?)?", "MDC", "2:16020"),
        (r"p-?[rq] (?:interval|int\.?)|p-?r", "LN", "8625-6"),
        (r"qrs[ -]?(?:duration|interval|dur\.?|width)|qrsd(?: interval)?", "LN", "8633-0"),
        (r"q-?t (?:interval|int\.?)|q-?t", "LN", "8634-8"),
        (r"qtc ?\(?b(?:azett)?\)?(?: interval)?", "MDC", "2:15880"),
        (r"qtc ?\(?f(?:ridericia)?\)?(?: interval)?", "MDC", "2:15892"),
        (r"p(?:[ -]wave)? duration", "LN", "8627-2"),
        (r"r-?r (?:interval|int\.?)|r-?r", "LN", "8637-1"),
        (r"(?:frontal )?p[ -](?:wave )?axis|p frontal axis|frontal axis p", "LN", "8626-4"),
        (
            r"(?:frontal )?(?:qrs|r)[ -]axis|(?:qrs|r) frontal axis|frontal axis (?:mean )?qrs",
            "LN",
            "8632-2",
        ),
        (r"(?:frontal )?t[ -](?:wave )?axis|t frontal axis|frontal axis t", "LN", "8638-9"),
    )
)

#: A number, and the unit behind it if one is; "1e3", "12-14" and "410/420" are neither.
_NUMBER = re.compile(
    r"([+-]?(?:\d{1,7}(?:\.\d{0,9})?|\.\d{1,9}))"
    r"\s*((?![eE][+-]?\d)(?:[A-Za-zµμ°{]|/[A-Za-z{])[A-Za-z/{}]{0,11})?",
    re.ASCII,
)
#: "rate  77", as carts print it; not "rate> 99", which is a criterion, and not the atrial rate.
_RATE_IN_TEXT = re.compile(
    r"(?<!atrial )(?<!p )\brate[ \t]{0,8}[:=]?[ \t]{0,8}(\d{2,3})(?![\d.>-])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CartVoice:
    """What the cart said about the ECG."""

    measurements: tuple[CartMeasurement, ...] = ()
    statements: tuple[str, ...] = ()
    age_years: float | None = None
    warnings: tuple[str, ...] = ()


def cart_voice(group: OrderGroup, limits: ParseLimits) -> CartVoice:
    """Return the measurements and statements of one report, in its order; withdrawn values are left out."""
    measurements: list[CartMeasurement] = []
    statements: list[str] = []
    spoken: list[Segment] = []
    age_years: float | None = None
    for segment in group.segments:
        if segment.name == "NTE":
            statements += _lines(segment, 3)
        elif segment.name == "OBX" and _stands(segment):
            number = _number(segment)
            if is_statement(segment) or (number is None and is_narrative(segment)):
                statements += _lines(segment, 5)
                spoken.append(segment)
            elif number is not None and _name(segment) in AGE_CODES:
                age_years = number[0] if (number[1] or "") in YEARS else age_years
            elif number is not None:
                measurements.append(_measurement(segment, number, limits))
    measurements += _rate_in(spoken, measurements)
    return CartVoice(
        measurements=tuple(measurements),
        statements=tuple(dict.fromkeys(statements)),
        age_years=age_years,
        warnings=_withdrawn(group.observations),
    )


def joined(voices: Iterable[CartVoice]) -> CartVoice:
    """Return several reports' voices as one."""
    spoken = list(voices)
    ages = [voice.age_years for voice in spoken if voice.age_years is not None]
    return CartVoice(
        measurements=tuple(item for voice in spoken for item in voice.measurements),
        statements=tuple(dict.fromkeys(text for voice in spoken for text in voice.statements)),
        age_years=ages[0] if ages else None,
        warnings=tuple(dict.fromkeys(text for voice in spoken for text in voice.warnings)),
    )


def is_statement(observation: Segment) -> bool:
    """Say whether an OBX is one of the cart's statements in words."""
    if observation.get(2).upper() not in TEXT_TYPES:
        return False
    names = (observation.get(3, 1), observation.get(3, 2), observation.get(3, 4), observation.get(3, 5))
    return _name(observation) in STATEMENT_CODES or any(STATEMENT_NAME.search(name) for name in names)


def is_narrative(observation: Segment) -> bool:
    """Say whether an OBX is text of the report whatever its code: by its type or its suffix."""
    kind = observation.get(2).upper()
    suffixed = kind in TEXT_TYPES and observation.get(3, 1, 2).upper() in NARRATIVE_SUFFIXES
    return kind in NARRATIVE_TYPES or suffixed


def _name(observation: Segment) -> str:
    """Return OBX-3.1 without the colon some senders put before it."""
    return observation.get(3).lstrip(":").strip()


def _stands(observation: Segment) -> bool:
    skipped = is_waveform(observation) or is_rate(observation)
    return not skipped and observation.get(11).upper() not in WITHDRAWN


def _withdrawn(observations: tuple[Segment, ...]) -> tuple[str, ...]:
    count = sum(segment.get(11).upper() in WITHDRAWN for segment in observations)
    return (f"{count} withdrawn observations (OBX-11 D, W or X) were left out",) if count else ()


def _lines(segment: Segment, field: int) -> list[str]:
    """Return the lines of a text field; of a coded repetition its text, else its alternate text or code.

    Plain text is taken whole: senders leave ^ and & in it unescaped.
    """
    coded = segment.name == "OBX" and segment.get(2).upper() in CODED_TYPES
    found = []
    for repetition in segment.repetitions(field):
        text = _words(repetition, segment) if coded else unescape(repetition, segment.delimiters)
        found += [clean(line) for line in text.splitlines()]
    return [line for line in found if line not in {"", NULL}]


def _words(repetition: str, segment: Segment) -> str:
    words = (part(repetition, segment.delimiters, place) for place in (2, 5, 1))
    return next((found for found in words if found), "")


def _number(observation: Segment) -> tuple[float, str | None] | None:
    """Return the number of an OBX with its unit: typed or as text, alone or with the unit behind it."""
    kind = observation.get(2).upper()
    if kind not in NUMBER_TYPES or len(observation.repetitions(5)) != 1:
        return None
    structured = kind == "SN" and observation.get(5) in {"", "="}
    match = _NUMBER.fullmatch(observation.get(5, 2 if structured else 1))
    if match is None or (kind == "SN" and not structured):
        return None
    units = unit_names(observation)
    known = (unit for unit in units if unit.lower() in UNITS)
    return float(match[1]), next(known, units[0]) if units else match[2]


def _measurement(
    observation: Segment, number: tuple[float, str | None], limits: ParseLimits
) -> CartMeasurement:
    value, unit = number
    label = clean(observation.get(3, 2)) or None
    lead = _stated_lead(observation, limits)
    for code, system in (
        (_name(observation), observation.get(3, 3)),
        (observation.get(3, 4), observation.get(3, 6)),
    ):
        found = cart_measurement(code, value, system=system or None, unit=unit, label=label, lead=lead)
        if found.kind is not None:
            return _as_received(found, observation)
    return _as_received(_by_label(found, label, (value, unit)), observation)


def _as_received(measurement: CartMeasurement, observation: Segment) -> CartMeasurement:
    return replace(
        measurement,
        code=clean(observation.get(3)) or "unnamed",
        code_system=clean(observation.get(3, 3)) or None,
    )


def _stated_lead(observation: Segment, limits: ParseLimits) -> str | None:
    """Return the lead of a per-lead value: an alternate code in OBX-3, or the observation site (OBX-20).

    The first code of OBX-3 says what was measured: a local code such as X or I there is no lead.
    """
    places = ((3, 4, 6), (3, 5, 6), (20, 2, 3), (20, 1, 3))
    labels = (
        (observation.get(field, place), observation.get(field, system)) for field, place, system in places
    )
    lead = first_lead(labels, limits.lead_aliases)
    return str(lead.lead) if lead else None


def _by_label(
    measurement: CartMeasurement, label: str | None, number: tuple[float, str | None]
) -> CartMeasurement:
    """Give a local code the meaning of its label where the label is one we know."""
    if label is None or measurement.lead is not None:
        return measurement
    value, unit = number
    for pattern, system, code in LABELS:
        if pattern.fullmatch(label.strip()):
            return cart_measurement(code, value, system=system, unit=unit, label=label)
    return measurement


def _rate_in(spoken: list[Segment], measured: list[CartMeasurement]) -> list[CartMeasurement]:
    """Return the heart rate that stands only in the words of a statement, as HP-criteria carts print it."""
    if any(item.kind == MeasurementKind.HEART_RATE for item in measured):
        return []
    for segment in spoken:
        for line in _lines(segment, 5):
            if match := _RATE_IN_TEXT.search(line):
                return [
                    CartMeasurement(
                        kind=str(MeasurementKind.HEART_RATE),
                        value=float(match[1]),
                        unit="/min",
                        code=segment.get(3),
                        code_system=segment.get(3, 3) or None,
                        label="rate in the statement's text",
                    )
                ]
    return []
