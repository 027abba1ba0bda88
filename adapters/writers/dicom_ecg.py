"""A recording as a DICOM ECG object: 12-Lead, General or General 32-bit (PS3.3 A.34.3, A.34.4)."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from adapters.writers.dicom_items import annotation_items, fitting_text, waveform_item
from adapters.writers.quantised import BITS_LONG, BITS_SHORT, bits_needed
from gem_integration.domain.ecg import STANDARD_LEADS, Recording
from gem_integration.domain.identity import Patient, Sex, content_hash, stable_id
from gem_integration.domain.study import InboundEcg

TWELVE_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"
GENERAL = "1.2.840.10008.5.1.4.1.1.9.1.2"
GENERAL_32_BIT = "1.2.840.10008.5.1.4.1.1.9.1.4"

RATE_MIN_HZ, RATE_MAX_HZ = 200.0, 1000.0  #: A.34.3.4.5, A.34.4.4.4
TWELVE_LEAD_SAMPLES_MAX = 16_384  #: A.34.3.4.4

#: Type 1 elements need a moment; a day no digital ECG was taken on says that none is known.
NO_DATE, NO_TIME = "19000101", "000000"
SEXES: Mapping[Sex | None, str] = {Sex.MALE: "M", Sex.FEMALE: "F", None: ""}


def write(ecg: InboundEcg, stem: str) -> Mapping[str, bytes]:
    """Return ``stem.dcm``, a new instance whose UIDs depend on the content alone.

    Samples are kept to 0.5 µV or better; gaps are the padding value; the cart's measurements and
    statements are annotations. Identifiers too long for DICOM are left out rather than cut.
    """
    data_set = Dataset()
    _identify(data_set, ecg)
    _describe_patient(data_set, ecg)
    _describe_acquisition(data_set, ecg)
    data_set.AcquisitionContextSequence = []
    annotations = annotation_items(ecg)
    if annotations:
        data_set.WaveformAnnotationSequence = annotations
    bits = BITS_LONG if data_set.SOPClassUID == GENERAL_32_BIT else BITS_SHORT
    data_set.WaveformSequence = [waveform_item(ecg, bits)]
    return {f"{stem}.dcm": _packed(data_set)}


def _class_for(recording: Recording) -> str:
    if bits_needed(recording) > BITS_SHORT or not RATE_MIN_HZ <= recording.sampling_rate_hz <= RATE_MAX_HZ:
        return GENERAL_32_BIT
    standard = all(lead in STANDARD_LEADS for lead in recording.leads)
    fits = standard and recording.sample_count <= TWELVE_LEAD_SAMPLES_MAX
    return TWELVE_LEAD if fits else GENERAL


def _uid(*parts: str) -> str:
    """Return a UID made of a UUID (PS3.5 annex B.2)."""
    return f"2.25.{stable_id(*parts).int}"


def _identify(data_set: Dataset, ecg: InboundEcg) -> None:
    content = content_hash(ecg.recording.digest_bytes())
    patient = ecg.patient.patient_id if ecg.patient else ""
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.SOPClassUID = _class_for(ecg.recording)
    data_set.SOPInstanceUID = _uid("dicom instance", ecg.message_id, patient, content)
    data_set.StudyInstanceUID = _uid("dicom study", ecg.message_id, patient, content)
    data_set.SeriesInstanceUID = _uid("dicom series", ecg.message_id, patient, content)
    data_set.Modality = "ECG"
    data_set.StudyID = ""
    data_set.SeriesNumber = 1
    data_set.InstanceNumber = 1
    data_set.AccessionNumber = _identifier(ecg.accession_number, 16)
    data_set.ReferringPhysicianName = ""
    if placer := _identifier(ecg.placer_number, 64):
        data_set.PlacerOrderNumberImagingServiceRequest = placer
    if filler := _identifier(ecg.filler_number, 64):
        data_set.FillerOrderNumberImagingServiceRequest = filler


def _identifier(words: str | None, longest: int) -> str:
    words = words or ""
    return words if len(words) <= longest and words == fitting_text(words, longest) else ""


def _describe_patient(data_set: Dataset, ecg: InboundEcg) -> None:
    patient = ecg.patient
    data_set.PatientID = _identifier(patient.patient_id, 64) if patient else ""
    if patient and data_set.PatientID and (assigner := _identifier(patient.assigner, 64)):
        data_set.IssuerOfPatientID = assigner
    data_set.PatientName = _person_name(patient)
    born = patient.birth_date if patient else None
    data_set.PatientBirthDate = f"{born:%Y%m%d}" if born else ""
    data_set.PatientSex = SEXES[(patient.sex if patient else None) or ecg.sex]
    if ecg.age_years is not None and 0.0 <= ecg.age_years < 1000.0:
        data_set.PatientAge = _age(ecg.age_years)
    if ecg.indication:
        data_set.ReasonForTheRequestedProcedure = fitting_text(ecg.indication, 64)


def _person_name(patient: Patient | None) -> str:
    if patient is None:
        return ""
    parts = [
        fitting_text(part or "", 31).translate({ord("^"): " ", ord("="): " "})
        for part in (patient.family_name, patient.given_name)
    ]
    return "^".join(parts) if any(parts) else ""


def _age(years: float) -> str:
    return f"{int(years):03d}Y" if years >= 2.0 else f"{int(years * 12):03d}M"


def _describe_acquisition(data_set: Dataset, ecg: InboundEcg) -> None:
    acquisition = ecg.acquisition
    at = ecg.recording.started_at or acquisition.performed_at
    day, time = (f"{at:%Y%m%d}", f"{at:%H%M%S.%f}") if at else (NO_DATE, NO_TIME)
    data_set.StudyDate, data_set.StudyTime = (day, time) if at else ("", "")
    data_set.ContentDate, data_set.ContentTime = day, time
    data_set.AcquisitionDateTime = day + time if at else NO_DATE
    if at and not acquisition.zone_assumed:
        data_set.TimezoneOffsetFromUTC = f"{at:%z}"[:5]
    data_set.Manufacturer = fitting_text(acquisition.device or "", 64)
    if acquisition.device_serial:
        data_set.DeviceSerialNumber = fitting_text(acquisition.device_serial, 64)


def _packed(data_set: Dataset) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_uid("implementation class"))
    data_set.file_meta = meta
    packed = BytesIO()
    dcmwrite(packed, data_set, enforce_file_format=True)
    return packed.getvalue()
