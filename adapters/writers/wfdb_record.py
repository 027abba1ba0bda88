"""A recording as a WFDB record, by the wfdb package (WFDB Applications Guide, header(5), signal(5))."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from adapters.writers.quantised import bits_needed, millivolts_with_gaps, quantise
from gem_integration.domain.identity import Demographics
from gem_integration.domain.study import InboundEcg

STATEMENT = "Cart statement:"
MISSING = {16: -(2**15), 32: -(2**31)}  #: signal(5): the number that says "no sample"
_NOT_IN_NAMES = re.compile(r"[^-\w]", re.ASCII)


def write(ecg: InboundEcg, stem: str) -> Mapping[str, bytes]:
    """Return ``stem.hea`` and ``stem.dat``, 16 bits at 1 µV or finer (32 where the range needs it).

    Characters that WFDB does not allow in record names become underscores. Age, sex, the zone of the
    time and the cart's statements are comments; WFDB has no place for the cart's measurements.
    """
    import wfdb  # noqa: PLC0415 - it brings pandas, which no other format needs

    name = _NOT_IN_NAMES.sub("_", stem) or "record"
    bits = bits_needed(ecg.recording)
    leads = [quantise(lead_mv, bits) for lead_mv in millivolts_with_gaps(ecg.recording)]
    started_at = ecg.recording.started_at or ecg.acquisition.performed_at
    with TemporaryDirectory(prefix="wfdb-") as folder:
        wfdb.wrsamp(
            name,
            fs=ecg.recording.sampling_rate_hz,
            units=["mV"] * len(leads),
            sig_name=[lead.value for lead in ecg.recording.leads],
            d_signal=np.stack([np.where(one.missing, MISSING[bits], one.stored) for one in leads], axis=1),
            fmt=[str(bits)] * len(leads),
            adc_gain=[1e3 / one.step_uv for one in leads],
            baseline=[-one.offset_steps for one in leads],
            comments=_comments(ecg),
            base_time=started_at.time() if started_at else None,
            base_date=started_at.date() if started_at else None,
            write_dir=folder,
        )
        return {file.name: file.read_bytes() for file in sorted(Path(folder).iterdir(), reverse=True)}


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
