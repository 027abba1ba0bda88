"""Attributes of a waveform that senders put into observations of their own (IHE PCD Waveform Content)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from adapters.inbound.hl7v2.leads import unit_names
from adapters.inbound.hl7v2.split import Segment

#: Spellings of hertz in OBX-6 beside a sampling rate, lower case (MDC 264608 and 264640: per second, hertz).
HERTZ = frozenset(
    {
        *("", "hz", "hertz", "/s", "1/s", "s-1", "sps", "{samples}/s", "{sample}/s"),
        *("mdc_dim_per_sec", "264608", "mdc_dim_hz", "264640"),
    }
)
_RATE_NAME = re.compile(r"samp[a-z]{0,5}[ _-]{0,2}(?:rate|freq)", re.IGNORECASE)
_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)\s{0,3}(?:hz|hertz|sps)?", re.ASCII | re.IGNORECASE)
_SCALE_NAME = re.compile(
    r"MDC_ATTR_(?:SCALE|NU_MSMT_RES)|resolution|sensitivity|\bLSB\b|per bit|scale factor", re.IGNORECASE
)
_PAPER = "mm"  #: the unit of a gain on paper (10 mm/mV), which scales no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """Sampling rates in hertz by the sub-id they are stated for, and whether values are scaled."""

    rates_hz: Mapping[str, float] = field(default_factory=dict)
    scaled: bool = False

    def rate_hz(self, sub_id: str) -> float | None:
        """Return the rate stated for ``sub_id`` or one of its parts, else the only rate stated at all."""
        if (rate_hz := self.rates_hz.get(sub_id)) is not None:
            return rate_hz
        distinct = set(self.rates_hz.values())
        return distinct.pop() if len(distinct) == 1 else None


def is_rate(observation: Segment) -> bool:
    """Say whether an OBX states a sampling rate."""
    return _RATE_NAME.search(observation.raw(3)) is not None


def waveform_attributes(observations: Iterable[Segment]) -> Attributes:
    """Return what ``observations`` say about the sampling of the waveforms beside them.

    A rate that is no number of hertz states nothing.
    """
    rates_hz: dict[str, float] = {}
    scaled = False
    for observation in observations:
        scaled = scaled or _scales(observation)
        if is_rate(observation):
            rates_hz |= _stated(observation)
    return Attributes(rates_hz=rates_hz, scaled=scaled)


def _scales(observation: Segment) -> bool:
    """Say whether an OBX is a scale other than 1 of values that do not say so themselves."""
    on_paper = any(unit.lower().startswith(_PAPER) for unit in unit_names(observation))
    named = _SCALE_NAME.search(observation.raw(3)) is not None
    return named and not on_paper and observation.get(5) not in {"1", "1.0"}


def _stated(observation: Segment) -> dict[str, float]:
    match = _RATE.fullmatch(observation.get(5))
    units = unit_names(observation) or ("",)
    if match is None or not any(unit.lower() in HERTZ for unit in units):
        return {}
    sub_id, rate_hz = observation.get(4), float(match[1])
    whole = sub_id.rpartition(".")[0]
    return {sub_id: rate_hz, whole: rate_hz} if whole else {sub_id: rate_hz}
