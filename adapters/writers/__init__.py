"""How recordings go out as files: one file a format, each with ``write``; one line a format here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from adapters.writers import dicom_ecg, hl7v2, npz, wfdb_record
from gem_integration.domain.study import InboundEcg

Write: TypeAlias = Callable[[InboundEcg, str], Mapping[str, bytes]]

WRITERS: Mapping[str, Write] = {
    "npz": npz.write,
    "wfdb": wfdb_record.write,
    "dicom": dicom_ecg.write,
    "hl7": hl7v2.write,
}
