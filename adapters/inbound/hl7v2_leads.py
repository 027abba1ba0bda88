"""Lead names and voltage units as HL7 v2 messages write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from adapters.inbound.hl7v2_split import Segment, part
from gem_integration.domain.ecg import Lead
from gem_integration.terminology.codes import MDC_PARTITION_ECG, MDC_PARTITION_SIZE, lead_by_number

#: IEEE 11073-10102 numbers the potential of a lead 256 above the lead itself (MDC_ECG_ELEC_POTL_*).
POTENTIAL_OFFSET = 256
MDC_SYSTEMS = frozenset({"MDC", "IEEE", "2.16.840.1.113883.6.24"})

#: Voltage unit, lower case → millivolts. UCUM (µV, mV, nV, V), ISO+ (HL7 v2.5.1 table 0396) and MDC
#: dimensions (IEEE 11073-10101 section A.9: 266400 is volt, +18 milli, +19 micro, +20 nano).
VOLTAGES_MV: Mapping[str, float] = {
    **dict.fromkeys(("v", "volt", "volts", "mdc_dim_volt", "266400"), 1e3),
    **dict.fromkeys(("mv", "millivolt", "millivolts", "milliv", "mdc_dim_milli_volt", "266418"), 1.0),
    **dict.fromkeys(
        (
            *("uv", "µv", "μv", "mcv", "microv", "microvolt", "microvolts"),
            *("mdc_dim_micro_volt", "266419"),
        ),
        1e-3,
    ),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts", "nanov", "mdc_dim_nano_volt", "266420"), 1e-6),
}

#: Other names of the bipolar limb leads, in use in French, Spanish and Portuguese.
ALIASES: Mapping[str, Lead] = {
    **dict.fromkeys(("d1", "di"), Lead.I),
    **dict.fromkeys(("d2", "dii"), Lead.II),
    **dict.fromkeys(("d3", "diii"), Lead.III),
}

_DECORATION = re.compile(
    r"(?:mdc_)?(?:(?:ecg|ekg)[ _-]?)?(?:lead[ _:-]?|elec_potl_|ableitung )?"
    r"(?P<name>[a-z0-9]{1,4})(?:[ _](?:lead|waveform|wave))?",
    re.IGNORECASE,
)
_MDC_DICOM = re.compile(r"2:(\d{1,5})")
_SCP = re.compile(r"5\.6\.3-9-(\d{1,3})")
_CONTEXT_FREE = re.compile(r"13[1-9]\d{3}")
_SMALL = re.compile(r"\d{1,3}")


@cache
def _names() -> dict[str, Lead]:
    return {str(lead).lower(): lead for lead in Lead} | dict(ALIASES)


def lead_named(label: str, system: str = "", aliases: Mapping[str, str] | None = None) -> Lead | None:
    """Return the lead of a code or label, or ``None``; a site's own ``aliases`` come first.

    Understands IEEE 11073-10102 (REFID, ``2:n``, context-free number, and the potential of a lead),
    SCP-ECG ``5.6.3-9-n`` and labels such as ``Lead aVR``. A bare small number is a lead only when
    ``system`` says that it is an MDC code.
    """
    label = label.strip()
    if aliases and (chosen := aliases.get(label)):
        return _names().get(chosen.lower())
    if (number := _lead_number(label, system)) is not None:
        return lead_by_number().get(number)
    match = _DECORATION.fullmatch(label)
    return _names().get(match["name"].lower()) if match else None


def _lead_number(label: str, system: str) -> int | None:
    if match := _SCP.fullmatch(label):
        return int(match[1])
    if match := _MDC_DICOM.fullmatch(label):
        return _without_offset(int(match[1]))
    if _CONTEXT_FREE.fullmatch(label):
        return _without_offset(int(label) - MDC_PARTITION_ECG * MDC_PARTITION_SIZE)
    if system.upper() in MDC_SYSTEMS and _SMALL.fullmatch(label):
        return int(label)
    return None


def _without_offset(number: int) -> int:
    return number - POTENTIAL_OFFSET if number > POTENTIAL_OFFSET else number


def first_lead(named: Iterable[tuple[str, str]], aliases: Mapping[str, str]) -> Lead | None:
    """Return the first lead among (label, coding system) pairs."""
    for label, system in named:
        if label and (lead := lead_named(label, system, aliases)):
            return lead
    return None


def observed_lead(observation: Segment, aliases: Mapping[str, str]) -> Lead | None:
    """Return the lead that an OBX-3 names by code, text or alternate code."""
    code = [observation.get(3, component) for component in range(1, 7)]
    return first_lead(
        (
            (code[0], code[2]),
            (code[1], ""),
            (code[3], code[5]),
            (code[4], ""),
            (observation.get(3, 1, 2), ""),
        ),
        aliases,
    )


def voltage_mv(*spellings: str) -> float | None:
    """Return what one unit is in millivolts, by the first spelling we know, or ``None``."""
    for spelling in spellings:
        factor = VOLTAGES_MV.get(spelling.strip().strip("[]{}").lower())
        if factor is not None:
            return factor
    return None


def unit_names(observation: Segment) -> tuple[str, ...]:
    """Return the spellings of OBX-6: code, text, alternate code and text."""
    raw = observation.raw(6).split(observation.delimiters.repetition, 1)[0]
    return tuple(found for place in (1, 2, 4, 5) if (found := part(raw, observation.delimiters, place)))
