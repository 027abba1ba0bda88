"""A report as a DICOM file: Comprehensive SR (PS3.3 A.35.3).

Of the general SR classes Comprehensive is the plainest whose content may hold TCOORD items selected from
WAVEFORM items along with nested measurements; its 3D sibling adds only spatial coordinates, and many
archives do not take it. Every UID follows from the study, the reader and the report: sending a report
again sends the same instance, and a later version names the one it replaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from adapters.outbound.dicom_sr.content import Content, taken_at, uid
from adapters.outbound.dicom_sr.items import OWN_SCHEME, printable
from gem_integration.domain.identity import Patient, Sex, stable_id
from gem_integration.domain.report import Report, ReportStatus
from gem_integration.domain.study import DicomSource
from gem_integration.errors import RefusedBySink
from gem_integration.ports import Delivery

COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
IMPLEMENTATION_UID = UID(f"2.25.{stable_id('implementation class').int}")
PRODUCT = "gem-integration"
SEXES: Mapping[Sex | None, str] = {Sex.MALE: "M", Sex.FEMALE: "F", None: ""}
#: PS3.3 C.17.2: a preliminary document awaits a person's; a final one was approved by one.
PRELIMINARY_FLAGS: Mapping[ReportStatus, str] = {
    ReportStatus.PRELIMINARY: "PRELIMINARY",
    ReportStatus.FINAL: "FINAL",
    ReportStatus.AMENDED: "FINAL",
}


def document_of(delivery: Delivery) -> bytes:
    """Return the report as a DICOM file; the same delivery gives the same bytes.

    ``RefusedBySink`` where the study did not come as DICOM, since nothing could point at its waveform,
    and where the report was entered in error, which DICOM storage cannot take back.
    """
    report = delivery.report
    source = delivery.study.ecg.dicom
    if source is None:
        raise RefusedBySink(
            "the ECG did not come as a DICOM object, so a DICOM report could not point at its waveform: "
            "send its report by another sink",
            report_id=str(report.report_id),
        )
    if report.status not in PRELIMINARY_FLAGS:
        raise RefusedBySink(
            "a report entered in error cannot be taken back by DICOM storage: remove it in the archive",
            report_id=str(report.report_id),
        )
    data_set = Content(delivery=delivery, source=source).root()
    del data_set.RelationshipType  # the root stands in no relationship
    _describe_patient(data_set, delivery.study.ecg.patient)
    _describe_series(data_set, delivery, source)
    _describe_document(data_set, report, source)
    return _packed(data_set)


def instance_uid(report: Report) -> str:
    """Return the SOP Instance UID of a report version."""
    return uid("report", str(report.report_id))


def _describe_patient(data_set: Dataset, patient: Patient | None) -> None:
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.PatientID = _fitting(patient.patient_id, 64) if patient else ""
    if patient and patient.assigner and (assigner := _fitting(patient.assigner, 64)):
        data_set.IssuerOfPatientID = assigner
    names = (patient.family_name, patient.given_name) if patient else ()
    parts = [_fitting(name, 31).translate({ord("^"): " ", ord("="): " "}) for name in names]
    data_set.PatientName = "^".join(parts) if any(parts) else ""
    born = patient.birth_date if patient else None
    data_set.PatientBirthDate = f"{born:%Y%m%d}" if born else ""
    data_set.PatientSex = SEXES[patient.sex if patient else None]


def _describe_series(data_set: Dataset, delivery: Delivery, source: DicomSource) -> None:
    report, ecg = delivery.report, delivery.study.ecg
    taken = taken_at(delivery)
    data_set.StudyInstanceUID = source.study_instance_uid
    data_set.StudyDate, data_set.StudyTime = (f"{taken:%Y%m%d}", f"{taken:%H%M%S.%f}") if taken else ("", "")
    data_set.StudyID = ""
    accession = ecg.accession_number or ""
    data_set.AccessionNumber = accession if accession == _fitting(accession, 16) else ""
    data_set.ReferringPhysicianName = ""
    data_set.Modality = "SR"
    data_set.SeriesInstanceUID = uid("series", str(report.study_id), report.reader.key)
    data_set.SeriesNumber = 1
    data_set.ReferencedPerformedProcedureStepSequence = []
    data_set.Manufacturer = PRODUCT
    data_set.ManufacturerModelName = PRODUCT
    data_set.SoftwareVersions = _fitting(report.reader.code_version, 64)


def _describe_document(data_set: Dataset, report: Report, source: DicomSource) -> None:
    data_set.CodingSchemeIdentificationSequence = [_own_scheme()]
    data_set.SOPClassUID = COMPREHENSIVE_SR
    data_set.SOPInstanceUID = instance_uid(report)
    data_set.InstanceNumber = report.version
    data_set.ContentDate = f"{report.issued_at:%Y%m%d}"
    data_set.ContentTime = f"{report.issued_at:%H%M%S.%f}"
    data_set.TimezoneOffsetFromUTC = f"{report.issued_at:%z}"[:5]
    data_set.CompletionFlag = "COMPLETE"
    # Verified would need the person's name and code, which a report does not carry.
    data_set.VerificationFlag = "UNVERIFIED"
    data_set.PreliminaryFlag = PRELIMINARY_FLAGS[report.status]
    data_set.PerformedProcedureCodeSequence = []
    read = (source.sop_class_uid, source.sop_instance_uid)
    data_set.CurrentRequestedProcedureEvidenceSequence = [
        _reference(source.study_instance_uid, source.series_instance_uid, read)
    ]
    if report.supersedes is not None:
        before = (COMPREHENSIVE_SR, uid("report", str(report.supersedes)))
        data_set.PredecessorDocumentsSequence = [
            _reference(source.study_instance_uid, data_set.SeriesInstanceUID, before)
        ]


def _own_scheme() -> Dataset:
    item = Dataset()
    item.CodingSchemeDesignator = OWN_SCHEME
    item.CodingSchemeName = f"{PRODUCT} statements, claims and measurements"
    item.CodingSchemeResponsibleOrganization = PRODUCT
    return item


def _reference(study_uid: str, series_uid: str, instance: tuple[str, str]) -> Dataset:
    """Return a hierarchical reference to one instance (PS3.3 table 10-3b)."""
    one, series, study = Dataset(), Dataset(), Dataset()
    one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = instance
    series.SeriesInstanceUID = series_uid
    series.ReferencedSOPSequence = [one]
    study.StudyInstanceUID = study_uid
    study.ReferencedSeriesSequence = [series]
    return study


def _fitting(words: str | None, longest: int) -> str:
    return printable(words or "").replace("\\", " ").replace("\r\n", " ")[:longest].strip()


def _packed(data_set: Dataset) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    data_set.file_meta = meta
    packed = BytesIO()
    dcmwrite(packed, data_set, enforce_file_format=True)
    return packed.getvalue()
