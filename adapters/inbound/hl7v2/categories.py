"""What each observation of a waveform report is: timing, channels, samples or annotation."""

from __future__ import annotations

import re

from adapters.inbound.hl7v2.split import Segment

SUFFIXES = frozenset({"TIM", "CHN", "WAV", "ANO"})
TIME_TYPES = frozenset({"TS", "DTM"})
CATEGORY_OF_TYPE = {"CD": "CHN", "NA": "WAV", "MA": "WAV"}

#: Beats averaged by the cart look like a recording and are none.
AVERAGED = re.compile(r"representative|median|average|template", re.IGNORECASE)


def category(observation: Segment) -> str | None:
    """Return TIM, CHN, WAV or ANO: by the suffix in OBX-3 (HL7 v2.5.1 section 7.14.1), else by value type."""
    return suffix(observation) or CATEGORY_OF_TYPE.get(observation.get(2).upper())


def suffix(observation: Segment) -> str | None:
    """Return the suffix that OBX-3 carries: a subcomponent, or a component of its own."""
    for component in observation.components(3)[:2]:
        for name in component.split(observation.delimiters.subcomponent):
            if name.strip().upper() in SUFFIXES:
                return name.strip().upper()
    return None


def subject(observation: Segment) -> str:
    """Return the code in OBX-3 without the suffix, upper case: what TIM, CHN and WAV have in common."""
    code = observation.get(3).upper()
    return "" if code in SUFFIXES else code


def is_waveform(observation: Segment) -> bool:
    """Say whether an OBX belongs to a waveform: its samples, channels, timing or annotation."""
    return category(observation) is not None
