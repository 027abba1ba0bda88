"""How ECGs and orders come in: one file a format, each with ``parse``; one line a format here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from adapters.inbound import aecg, dicom_ecg, hl7v2, wfdb_record
from gem_integration.domain.study import InboundEcg, InboundOrder, MediaType, ParseLimits

Parse: TypeAlias = Callable[[bytes, ParseLimits], tuple[InboundEcg | InboundOrder, ...]]

FORMATS: Mapping[MediaType, Parse] = {
    MediaType.HL7V2: hl7v2.parse,
    MediaType.DICOM: dicom_ecg.parse,
    MediaType.WFDB: wfdb_record.parse,
    MediaType.AECG: aecg.parse,
}
