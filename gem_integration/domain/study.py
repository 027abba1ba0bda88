"""What arrives: messages, orders, ECGs, and the study they form."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gem_integration.domain.ecg import Acquisition, Lead, Recording
from gem_integration.domain.identity import Patient, Sex


class MediaType(StrEnum):
    """The formats a message may come in."""

    HL7V2 = "application/hl7-v2"
    DICOM = "application/dicom"
    WFDB = "application/x-wfdb"  #: a zip-free bundle: header and signal files, see adapters
    AECG = "application/vnd.hl7.aecg+xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """The bytes of one message as they came, before anything is understood."""

    source: str
    media_type: MediaType
    content: bytes = field(repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CartMeasurement:
    """A measurement the cart sent, in our measurement vocabulary where it maps.

    ``kind`` is a ``MeasurementKind`` value or ``None`` for a code we keep but do not understand;
    ``code`` and ``code_system`` are as received.
    """

    kind: str | None
    value: float
    unit: str | None
    code: str
    code_system: str | None = None
    label: str | None = None
    lead: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundOrder:
    """An order for an ECG (HL7 v2 ORM^O01, OMG^O19, OMI^O23)."""

    message_id: str
    control: str
    patient: Patient | None
    accession_number: str | None = None
    placer_number: str | None = None
    filler_number: str | None = None
    priority: str | None = None
    indication: str | None = None
    requested_at: datetime | None = None
    status: str | None = None  #: the order's status as received (HL7 v2 ORC-5, table 0038)


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomSource:
    """The DICOM instance a recording was read from, and where in it each lead is.

    ``channels`` gives a lead's multiplex group and channel in that group, both 1-based (PS3.3 C.18.5.1.1).
    """

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    channels: Mapping[Lead, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InboundEcg:
    """One ECG as a format file understood it; the cart's voice is kept apart from ours."""

    message_id: str
    recording: Recording
    acquisition: Acquisition
    patient: Patient | None = None
    accession_number: str | None = None
    placer_number: str | None = None
    filler_number: str | None = None
    sop_instance_uid: str | None = None
    dicom: DicomSource | None = None  #: where a recording that came as DICOM can be referred to
    indication: str | None = None
    result_status: str | None = None
    stat: bool = False
    age_years: float | None = None  #: as sent, when no birth date was
    sex: Sex | None = None  #: as sent, when no patient was
    cart_statements: tuple[str, ...] = ()
    cart_measurements: tuple[CartMeasurement, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as stored."""

    order_id: uuid.UUID
    inbound: InboundOrder


class OrderMatch(StrEnum):
    """What came of looking for a study's order."""

    MATCHED = "matched"  #: exactly one order, of the same patient
    UNNUMBERED = "unnumbered"  #: the ECG names no order
    WAITING = "waiting"  #: the named order has not arrived
    AMBIGUOUS = "ambiguous"  #: several orders fit; a person must choose
    OTHER_PATIENT = "other_patient"  #: the order is for another patient, or a patient is not named
    CANCELLED = "cancelled"  #: the order was cancelled or discontinued


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """One acquisition event: one recording under at most one order.

    ``message_sha256`` is the content hash of the message as it came, where it is known.
    """

    study_id: uuid.UUID
    ecg: InboundEcg
    received_at: datetime
    order_id: uuid.UUID | None = None
    message_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """What a parser refuses to exceed; defaults fit any resting ECG."""

    message_bytes_max: int = 64 * 1024 * 1024
    segments_max: int = 50_000
    samples_max: int = 8_000_000
    embedded_bytes_max: int = 32 * 1024 * 1024
    assumed_zone: str = "UTC"
    lead_aliases: Mapping[str, str] = field(default_factory=dict)
