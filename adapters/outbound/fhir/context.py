"""Who and what stands behind a report: patient, devices, provenance."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.outbound.fhir.frame import Frame
from adapters.outbound.fhir.parts import (
    HL7,
    JSON,
    OWN,
    Part,
    clean,
    coding,
    concept,
    naming_system,
    refer,
    without_none,
)
from gem_integration.domain.identity import Patient, content_hash

PROVENANCE_ROLE = f"{HL7}/provenance-participant-type"


def patient_resources(frame: Frame) -> Iterator[Part]:
    """Yield the Patient, when the message named one."""
    patient = frame.delivery.study.ecg.patient
    if patient is not None and frame.patient_id is not None:
        yield _patient(patient, frame.patient_id)


def _patient(patient: Patient, resource_id: str) -> Part:
    namespace = clean((patient.assigner or "").split("&")[0].split("^")[0])
    identifier = {
        "type": concept([coding(f"{HL7}/v2-0203", "MR")]),
        "system": naming_system(patient.assigner),
        "value": clean(patient.patient_id) or "-",
        "assigner": {"display": namespace} if namespace else None,
    }
    return without_none(
        {
            "resourceType": "Patient",
            "id": resource_id,
            "identifier": [without_none(identifier)],
            "name": _names(patient),
            "gender": patient.sex.value if patient.sex else None,
            "birthDate": patient.birth_date.isoformat() if patient.birth_date else None,
        }
    )


def _names(patient: Patient) -> JSON:
    given = clean(patient.given_name)
    name = without_none({"family": clean(patient.family_name), "given": [given] if given else None})
    return [name] if name else None


def device_resources(frame: Frame) -> Iterator[Part]:
    """Yield the reader, and the software that measures and gives the verdicts."""
    reader = frame.delivery.report.reader
    yield _device(
        frame.reader_id,
        f"gem-integration reader {reader.name}",
        {
            "reader": reader.version,
            "weights": reader.weights_digest,
            "prompt": reader.prompt_digest,
            "code": reader.code_version,
        },
    )
    yield _device(frame.verifier_id, "gem-integration verifier", {"code": reader.code_version})


def _device(resource_id: str, name: str, versions: dict[str, str | None]) -> Part:
    return {
        "resourceType": "Device",
        "id": resource_id,
        "status": "active",
        "deviceName": [{"name": name, "type": "model-name"}],
        "type": concept([], "software"),
        "version": [{"type": concept([], kind), "value": value} for kind, value in versions.items() if value],
    }


def provenance(frame: Frame) -> Part:
    """Return where one version of the report comes from: the reader, the verifier, the source by its hash."""
    report = frame.delivery.report
    return {
        "resourceType": "Provenance",
        "id": frame.id_of("Provenance", str(report.version)),
        "target": [refer(frame.report_id)],
        "recorded": frame.issued,
        "agent": [
            {"type": concept([coding(PROVENANCE_ROLE, "author")]), "who": refer(frame.reader_id)},
            {"type": concept([coding(PROVENANCE_ROLE, "assembler")]), "who": refer(frame.verifier_id)},
        ],
        "entity": [
            {"role": "source", "what": {"identifier": {"system": system, "value": value}, "display": words}}
            for system, value, words in _sources(frame)
        ],
    }


def _sources(frame: Frame) -> Iterator[tuple[str, str, str]]:
    study = frame.delivery.study
    if message_id := clean(study.ecg.message_id):
        yield f"{OWN}:message-id", message_id, "source message"
    if study.message_sha256:
        yield f"{OWN}:message-sha256", study.message_sha256, "bytes of the source message"
    yield f"{OWN}:recording-sha256", content_hash(study.ecg.recording.digest_bytes()), "recording as received"
    if uid := clean(study.ecg.sop_instance_uid):
        yield "urn:dicom:uid", f"urn:oid:{uid}", "DICOM instance"
