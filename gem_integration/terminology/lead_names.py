"""What a lead's code or label means; a name we do not know is never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gem_integration.domain.ecg import Lead
from gem_integration.terminology.codes import (
    MDC_PARTITION_ECG,
    MDC_PARTITION_SIZE,
    lead_by_number,
    lead_codes,
)

NUMBER_OF_MINUS_AVR = 65  #: CID 3001 2:65 is -aVR, although printed lists lose the sign

_MDC_DICOM = re.compile(r"2:(\d{1,5})")
_MDC_CONTEXT_FREE = re.compile(r"\d{6}")
_SCP = re.compile(r"5\.6\.3-9-(\d{1,3})")
_REFID = re.compile(r"(?:MDC_)?ECG_LEAD_(\w+)", re.IGNORECASE)
_SPOKEN_NUMBER = re.compile(r"lead([123])")
_NOISE = re.compile(r"[\s_.]+")
_EXPLANATION = re.compile(r"[,(].*$", re.DOTALL)

_ROMAN = {"1": Lead.I, "2": Lead.II, "3": Lead.III}
_MODIFIED = {"mli": Lead.I, "mlii": Lead.II, "mliii": Lead.III}
_FRANK = {"vx": Lead.X, "vy": Lead.Y, "vz": Lead.Z}
_REVERSED = frozenset({"-avr", "−avr", "avr-", "minusavr", "invertedavr", "avrminus", "avrneg"})


@dataclass(frozen=True, slots=True)
class NamedLead:
    """A lead as a source names it.

    ``sign`` is -1 where the source carries the lead upside down (-aVR); ``modified`` is true for torso
    electrode positions (MLII), whose amplitudes and axes are not those of the standard lead.
    """

    lead: Lead
    sign: int = 1
    modified: bool = False


def lead_of_code(code: str) -> NamedLead | None:
    """Return the lead of an MDC (``2:1``, ``131073``, REFID) or SCP-ECG (``5.6.3-9-1``) code."""
    text = code.strip()
    if match := _REFID.fullmatch(text):
        return _of_refid(match[1])
    number = _number_of(text)
    if number == NUMBER_OF_MINUS_AVR:
        return NamedLead(Lead.AVR, sign=-1)
    lead = lead_by_number().get(number) if number is not None else None
    return NamedLead(lead) if lead else None


def is_lead_code(code: str) -> bool:
    """Return whether ``code`` names some lead of a standard, be it one we know or not."""
    text = code.strip()
    return _REFID.fullmatch(text) is not None or bool(_number_of(text))


def lead_of_label(label: str, aliases: Mapping[str, str] | None = None) -> NamedLead | None:
    """Return the lead a label names ("Lead I", "avr", "V1", "vx", "MLII"), or ``None``.

    ``aliases`` are the site's own labels, tried first and without regard to case.
    """
    own = {name.strip().casefold(): lead for name, lead in (aliases or {}).items()}
    word = own.get(label.strip().casefold(), label)
    short = _NOISE.sub("", _EXPLANATION.sub("", word)).casefold()
    if match := _SPOKEN_NUMBER.fullmatch(short):
        return NamedLead(_ROMAN[match[1]])
    short = short.removeprefix("ecg").removeprefix("lead").removeprefix("ecg")
    if short in _REVERSED:
        return NamedLead(Lead.AVR, sign=-1)
    if short in _MODIFIED:
        return NamedLead(_MODIFIED[short], modified=True)
    lead = _by_folded_name().get(short) or _FRANK.get(short)
    return NamedLead(lead) if lead else None


def _number_of(code: str) -> int | None:
    if match := _MDC_DICOM.fullmatch(code) or _SCP.fullmatch(code):
        return int(match[1])
    if not _MDC_CONTEXT_FREE.fullmatch(code):
        return None
    partition, number = divmod(int(code), MDC_PARTITION_SIZE)
    return number if partition == MDC_PARTITION_ECG else None


def _of_refid(suffix: str) -> NamedLead | None:
    if suffix.casefold() in {"avr_minus", "minus_avr", "_avr"}:
        return NamedLead(Lead.AVR, sign=-1)
    if suffix[:1] == "d" and suffix[1:2].isupper():
        return None  # MDC_ECG_LEAD_dI and its like are computed from other leads, not recorded
    wanted = f"MDC_ECG_LEAD_{suffix.upper()}"
    return next((NamedLead(c.lead) for c in lead_codes().values() if c.mdc_refid == wanted), None)


def _by_folded_name() -> dict[str, Lead]:
    return {lead.casefold(): lead for lead in Lead}
