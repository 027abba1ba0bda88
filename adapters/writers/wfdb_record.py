"""A recording as a WFDB record: header and signal file (WFDB Applications Guide, header(5), signal(5))."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from adapters.writers.quantised import QuantisedLead, bits_needed, millivolts_with_gaps, quantise
from gem_integration.domain.identity import Demographics
from gem_integration.domain.study import InboundEcg

STATEMENT = "Cart statement:"
CHECKSUM_MODULUS = 65_536
MISSING = {16: -(2**15), 32: -(2**31)}  #: signal(5): the number that says "no sample"
_NOT_IN_NAMES = re.compile(r"[^-\w]", re.ASCII)


def write(ecg: InboundEcg, stem: str) -> Mapping[str, bytes]:
    """Return ``stem.hea`` and ``stem.dat``, 16 bits at 1 µV or finer (32 where the range needs it).

    Characters that WFDB does not allow in record names become underscores. Age, sex, the zone of the
    time and the cart's statements are comments; WFDB has no place for the cart's measurements.
    """
    name = _NOT_IN_NAMES.sub("_", stem) or "record"
    bits = bits_needed(ecg.recording)
    leads = [quantise(lead_mv, bits) for lead_mv in millivolts_with_gaps(ecg.recording)]
    stored = np.stack([np.where(one.missing, MISSING[bits], one.stored) for one in leads], axis=1)
    lines = [_record_line(ecg, name)]
    for place, one in enumerate(leads):
        lines.append(_signal_line(name, bits, one, stored[:, place]) + f" {ecg.recording.leads[place]}")
    lines += [f"#{comment}" for comment in _comments(ecg)]
    header = "\n".join(lines) + "\n"
    return {f"{name}.hea": header.encode(), f"{name}.dat": stored.astype(f"<i{bits // 8}").tobytes()}


def _record_line(ecg: InboundEcg, name: str) -> str:
    recording = ecg.recording
    line = f"{name} {len(recording.leads)} {recording.sampling_rate_hz:.12g} {recording.sample_count}"
    started_at = recording.started_at or ecg.acquisition.performed_at
    if started_at is None:
        return line
    fraction = f".{started_at.microsecond:06d}" if started_at.microsecond else ""
    return f"{line} {started_at:%H:%M:%S}{fraction} {started_at:%d/%m/%Y}"


def _signal_line(name: str, bits: int, lead: QuantisedLead, stored: np.typing.NDArray[np.int64]) -> str:
    checksum = int(stored.sum()) % CHECKSUM_MODULUS
    signed = checksum - CHECKSUM_MODULUS if checksum >= CHECKSUM_MODULUS // 2 else checksum
    gain = 1e3 / lead.step_uv
    return f"{name}.dat {bits} {gain:.12g}({-lead.offset_steps})/mV {bits} 0 {stored[0]} {signed} 0"


def _comments(ecg: InboundEcg) -> list[str]:
    performed_at = ecg.acquisition.performed_at
    person = Demographics.of(ecg.patient, performed_at.date() if performed_at else None)
    age_years = person.age_years if person.age_years is not None else ecg.age_years
    said = [] if age_years is None else [f"Age: {age_years:.4g}"]
    sex = person.sex or ecg.sex
    said += [f"Sex: {sex.title()}"] if sex else []
    started_at = ecg.recording.started_at or performed_at
    said += [f"Time zone: {started_at:%z}"] if started_at and not ecg.acquisition.zone_assumed else []
    return said + [f"{STATEMENT} {' '.join(one.split())}" for one in ecg.cart_statements]
