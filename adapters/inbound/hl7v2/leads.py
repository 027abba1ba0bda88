"""Lead names and voltage units as HL7 v2 messages write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from adapters.inbound.hl7v2.split import Segment, part
from gem_integration.domain.ecg import Lead
from gem_integration.terminology.codes import MDC_PARTITION_ECG, MDC_PARTITION_SIZE
from gem_integration.terminology.lead_names import NamedLead, is_lead_code, lead_of_code, lead_of_label

#: IEEE 11073-10102 numbers the potential of a lead 256 above the lead itself (MDC_ECG_ELEC_POTL_*).
POTENTIAL_OFFSET = 256
MDC_SYSTEMS = frozenset({"MDC", "IEEE", "2.16.840.1.113883.6.24"})

#: Voltage unit, lower case → millivolts. UCUM (µV, mV, nV, V), ISO+ (HL7 v2.5.1 table 0396) and MDC
#: dimensions (IEEE 11073-10101 section A.9: 266400 is volt, +18 milli, +19 micro, +20 nano).
VOLTAGES_MV: Mapping[str, float] = {
    **dict.fromkeys(("v", "volt", "volts", "mdc_dim_volt", "266400"), 1e3),
    **dict.fromkeys(
        ("mv", "mvolt", "millivolt", "millivolts", "milliv", "mdc_dim_milli_volt", "266418"), 1.0
    ),
    **dict.fromkeys(
        (
            *("uv", "µv", "μv", "mcv", "uvolt", "microv", "microvolt", "microvolts"),
            *("mdc_dim_micro_volt", "266419"),
        ),
        1e-3,
    ),
    **dict.fromkeys(("nv", "nvolt", "nanovolt", "nanovolts", "nanov", "mdc_dim_nano_volt", "266420"), 1e-6),
}

#: Other names of the bipolar limb leads, in use in French, Spanish and Portuguese.
OTHER_NAMES: Mapping[str, Lead] = {
    **dict.fromkeys(("d1", "di"), Lead.I),
    **dict.fromkeys(("d2", "dii"), Lead.II),
    **dict.fromkeys(("d3", "diii"), Lead.III),
}

_NUMBER = re.compile(r"2:(\d{1,5})|(13[1-9]\d{3})", re.ASCII)
_SMALL = re.compile(r"\d{1,3}", re.ASCII)


def lead_named(label: str, system: str = "", aliases: Mapping[str, str] | None = None) -> NamedLead | None:
    """Return the lead of a code or label, or ``None``; a site's own ``aliases`` come first.

    Understands IEEE 11073-10102 (REFID, ``2:n``, context-free number, and the potential of a lead),
    SCP-ECG ``5.6.3-9-n`` and labels such as ``Lead aVR``. A bare small number is a lead only when
    ``system`` says that it is an MDC code. Modified limb leads (MLII) are no standard leads.
    """
    label = label.strip()
    if aliases and label in aliases:
        return lead_of_label(label, aliases)
    code = _lead_code(label, system)
    if is_lead_code(code):
        return lead_of_code(code)
    if other := OTHER_NAMES.get(label.lower()):
        return NamedLead(other)
    named = lead_of_label(label, aliases)
    return None if named is None or named.modified else named


def _lead_code(label: str, system: str) -> str:
    """Return the code of the lead itself for the code of its potential, and MDC numbers as ``2:n``."""
    if match := _NUMBER.fullmatch(label):
        number = int(match[1] or int(match[2]) - MDC_PARTITION_ECG * MDC_PARTITION_SIZE)
        return f"{MDC_PARTITION_ECG}:{number - POTENTIAL_OFFSET if number > POTENTIAL_OFFSET else number}"
    if system.upper() in MDC_SYSTEMS and _SMALL.fullmatch(label):
        return f"{MDC_PARTITION_ECG}:{label}"
    return label.replace("MDC_ECG_ELEC_POTL_", "MDC_ECG_LEAD_")


def first_lead(named: Iterable[tuple[str, str]], aliases: Mapping[str, str]) -> NamedLead | None:
    """Return the first lead among (label, coding system) pairs."""
    for label, system in named:
        if label and (lead := lead_named(label, system, aliases)):
            return lead
    return None


def observed_lead(observation: Segment, aliases: Mapping[str, str]) -> NamedLead | None:
    """Return the lead that an OBX-3 names by code, text or alternate code."""
    code = [observation.get(3, component) for component in range(1, 7)]
    suffix = observation.get(3, 1, 2)
    pairs = ((code[0], code[2]), (code[1], ""), (code[3], code[5]), (code[4], ""), (suffix, ""))
    return first_lead(pairs, aliases)


def voltage_mv(*spellings: str) -> float | None:
    """Return what one unit is in millivolts; ``None`` where no spelling is known or two contradict."""
    factors = {
        factor
        for spelling in spellings
        if (factor := VOLTAGES_MV.get(spelling.strip().strip("[]{}").lower())) is not None
    }
    return factors.pop() if len(factors) == 1 else None


def unit_names(observation: Segment) -> tuple[str, ...]:
    """Return the spellings of OBX-6: code, text, alternate code and text."""
    raw = observation.raw(6).split(observation.delimiters.repetition, 1)[0]
    return tuple(found for place in (1, 2, 4, 5) if (found := part(raw, observation.delimiters, place)))
