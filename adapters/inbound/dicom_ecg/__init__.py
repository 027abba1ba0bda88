"""DICOM waveform objects: 12-Lead, General and General 32-bit ECG, and 12 leads under Hemodynamic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydicom.dataset import Dataset

from adapters.inbound.dicom_ecg.annotations import annotations_of, cart_measurements, cart_statements
from adapters.inbound.dicom_ecg.fields import read_object, text, without_remarks
from adapters.inbound.dicom_ecg.times import DAYS_A_YEAR, Moment, age_years_of, date_of, moment_of
from adapters.inbound.dicom_ecg.waveform import Waveform, waveform_of
from adapters.inbound.limb_leads import contradictions
from gem_integration.domain.ecg import Acquisition, Recording
from gem_integration.domain.identity import Patient, Sex
from gem_integration.domain.study import DicomSource, InboundEcg, InboundOrder, ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording

#: PS3.4 annex B.5: the waveform storage classes that may hold a resting ECG.
READ: Mapping[str, str] = {
    "1.2.840.10008.5.1.4.1.1.9.1.1": "12-lead ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.2": "General ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.4": "General 32-bit ECG",
    "1.2.840.10008.5.1.4.1.1.9.2.1": "Hemodynamic",
}

#: Waveform classes that hold no resting surface ECG, and why they are refused.
REFUSED: Mapping[str, str] = {
    "1.2.840.10008.5.1.4.1.1.9.1.3": "an ambulatory ECG (monitoring leads and filters), not a resting one",
    "1.2.840.10008.5.1.4.1.1.9.3.1": "an intracardiac electrophysiology recording, not a resting ECG",
}

NO_PATIENT = "the object names no patient id, so it belongs to nobody yet"
SEXES: Mapping[str, Sex] = {"M": Sex.MALE, "F": Sex.FEMALE}


def parse(content: bytes, limits: ParseLimits) -> tuple[InboundEcg | InboundOrder, ...]:
    """Read one DICOM object as one ECG.

    ``UnreadableMessage`` for bytes that are no intact DICOM waveform, ``UnsupportedRecording`` for an
    intact object that is no resting ECG or does not say its leads, scale or times without doubt.
    """
    with without_remarks():
        return (_ecg(read_object(content, limits), limits),)


def _ecg(data_set: Dataset, limits: ParseLimits) -> InboundEcg:
    _check_class(data_set)
    waveform = waveform_of(data_set, limits)
    moment = moment_of(data_set, limits)
    recording = _recording(waveform, moment)
    annotations = annotations_of(data_set, limits)
    order = _order_of(data_set)
    measurements, left_out = cart_measurements(annotations, waveform.groups)
    patient = _patient(data_set)
    unnamed = () if patient else (NO_PATIENT,)
    return InboundEcg(
        message_id=_instance_uid(data_set),
        recording=recording,
        acquisition=_acquisition(data_set, waveform, moment),
        patient=patient,
        accession_number=order.accession_number,
        placer_number=order.placer_number,
        filler_number=order.filler_number,
        sop_instance_uid=_instance_uid(data_set),
        dicom=_source(data_set, waveform),
        indication=order.indication,
        stat=order.stat,
        age_years=_age_years(data_set, moment),
        sex=_sex(data_set),
        cart_statements=cart_statements(annotations),
        cart_measurements=measurements,
        warnings=waveform.warnings + unnamed + left_out + contradictions(recording),
    )


def _check_class(data_set: Dataset) -> None:
    uid = text(data_set, "SOPClassUID")
    if uid is None:
        raise UnreadableMessage("DICOM: no SOP class; the bytes are no DICOM object or are cut short")
    if uid in REFUSED:
        raise UnsupportedRecording(f"DICOM: {REFUSED[uid]}")
    if uid not in READ:
        raise UnsupportedRecording("DICOM: not an ECG waveform object; expected " + ", ".join(READ.values()))


def _instance_uid(data_set: Dataset) -> str:
    uid = text(data_set, "SOPInstanceUID")
    if uid is None:
        raise UnreadableMessage("DICOM: the object has no SOP instance UID")
    return uid


def _source(data_set: Dataset, waveform: Waveform) -> DicomSource | None:
    """Return what a report needs to refer to the object, if the object names all of it."""
    series, study = text(data_set, "SeriesInstanceUID"), text(data_set, "StudyInstanceUID")
    if series is None or study is None:
        return None
    return DicomSource(
        sop_class_uid=text(data_set, "SOPClassUID") or "",
        sop_instance_uid=_instance_uid(data_set),
        series_instance_uid=series,
        study_instance_uid=study,
        channels={
            channel.lead: place for channel, place in zip(waveform.channels, waveform.places, strict=True)
        },
    )


def _recording(waveform: Waveform, moment: Moment) -> Recording:
    offset = timedelta(milliseconds=waveform.offset_ms)
    try:
        return Recording.of(
            waveform.samples_mv,
            [channel.lead for channel in waveform.channels],
            waveform.sampling_rate_hz,
            started_at=moment.at + offset if moment.at else None,
        )
    except (ValueError, OverflowError) as error:
        raise UnsupportedRecording(f"DICOM: {error}") from error


def _acquisition(data_set: Dataset, waveform: Waveform, moment: Moment) -> Acquisition:
    device = " ".join(
        word for key in ("Manufacturer", "ManufacturerModelName") if (word := text(data_set, key))
    )
    filters = dict.fromkeys(words for channel in waveform.channels for words in channel.filters)
    return Acquisition(
        performed_at=moment.at,
        performed_at_text=moment.text,
        zone_assumed=moment.zone_assumed,
        device=device or None,
        device_serial=text(data_set, "DeviceSerialNumber"),
        filters=tuple(filters),
    )


def _patient(data_set: Dataset) -> Patient | None:
    """Return the patient; without an identifier nobody is named, whatever else is known."""
    patient_id = text(data_set, "PatientID")
    if patient_id is None:
        return None
    family, given = _name(text(data_set, "PatientName"))
    return Patient(
        patient_id=patient_id,
        assigner=text(data_set, "IssuerOfPatientID"),
        family_name=family,
        given_name=given,
        birth_date=date_of(text(data_set, "PatientBirthDate")),
        sex=_sex(data_set),
    )


def _sex(data_set: Dataset) -> Sex | None:
    return SEXES.get((text(data_set, "PatientSex") or "").upper())


def _age_years(data_set: Dataset, moment: Moment) -> float | None:
    """Return the age as sent, else the one the birth date gives where no patient can carry it."""
    sent = age_years_of(text(data_set, "PatientAge"))
    born = date_of(text(data_set, "PatientBirthDate"))
    if sent is not None or born is None or moment.at is None or moment.at.date() < born:
        return sent
    return (moment.at.date() - born).days / DAYS_A_YEAR


def _name(words: str | None) -> tuple[str | None, str | None]:
    """Split a PN value (PS3.5 6.2.1): the first group that holds anything, family and given name."""
    groups = (words or "").split("=")
    chosen = next((group for group in groups if group.strip("^ ")), "")
    family, given, *_ = [*(part.strip() or None for part in chosen.split("^")), None, None]
    return family, given


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    accession_number: str | None
    placer_number: str | None
    filler_number: str | None
    indication: str | None
    stat: bool


def _order_of(data_set: Dataset) -> _Order:
    return _Order(
        accession_number=text(data_set, "AccessionNumber"),
        placer_number=text(data_set, "PlacerOrderNumberImagingServiceRequest"),
        filler_number=text(data_set, "FillerOrderNumberImagingServiceRequest"),
        indication=text(data_set, "ReasonForTheRequestedProcedure") or text(data_set, "ReasonForStudy"),
        stat=(text(data_set, "RequestedProcedurePriority") or "").upper() == "STAT",
    )
