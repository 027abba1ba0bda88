"""What every resource of one bundle shares: names, subject, time, status, standing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from adapters.outbound.fhir.parts import HL7, JSON, Part, clean, coding, concept, refer, without_none
from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Evidence
from gem_integration.domain.identity import stable_id
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.domain.statement import StatementState
from gem_integration.ports import Delivery

AI_ASSERTED = coding(f"{HL7}/v3-ObservationValue", "AIAST", "Artificial Intelligence asserted")
DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
NOT_REPORTED = (StatementState.NOT_MET, StatementState.NOT_MEASURABLE)

MeasurementKey = tuple[MeasurementKind, Lead | None]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One delivery, seen as a bundle.

    Ids derive from the study and the reader, not from the report's version: a later version of the
    same read replaces its resources instead of standing beside them.
    """

    delivery: Delivery

    def id_of(self, kind: str, *parts: str) -> str:
        """Return the id of a resource of this read; a UUID, so never purely numeric."""
        report = self.delivery.report
        return str(stable_id("fhir", kind, str(report.study_id), report.reader.key, *parts))

    @cached_property
    def report_id(self) -> str:
        """Return the id of the DiagnosticReport."""
        return self.id_of("DiagnosticReport")

    @cached_property
    def waveform_id(self) -> str:
        """Return the id of the waveform Observation, the same for every reader."""
        return str(stable_id("fhir", "waveform", str(self.delivery.report.study_id)))

    @cached_property
    def reader_id(self) -> str:
        """Return the id of the reader's Device."""
        return str(stable_id("fhir", "reader", self.delivery.report.reader.key))

    @cached_property
    def verifier_id(self) -> str:
        """Return the id of the Device that measures and gives the verdicts."""
        return str(stable_id("fhir", "verifier", self.delivery.report.reader.code_version))

    @cached_property
    def patient_id(self) -> str | None:
        """Return the id of the Patient, the same in every bundle that concerns the person."""
        patient = self.delivery.study.ecg.patient
        return (
            None
            if patient is None
            else str(stable_id("fhir", "Patient", patient.assigner or "", patient.patient_id))
        )

    def measurement_id(self, key: MeasurementKey) -> str:
        """Return the id of a measurement's Observation."""
        return self.id_of("measurement", key[0], key[1] or "")

    @cached_property
    def subject(self) -> Part:
        """Return the subject; where the message named nobody it says so."""
        if self.patient_id is None:
            return {"subject": {"display": "patient not identified in the message"}}
        return {"subject": refer(self.patient_id)}

    @cached_property
    def effective(self) -> Part:
        """Return when the ECG was taken, or that it is unknown."""
        ecg = self.delivery.study.ecg
        taken = ecg.acquisition.performed_at or ecg.recording.started_at
        if taken is None or taken.tzinfo is None:
            unknown: Part = {"url": DATA_ABSENT_REASON, "valueCode": "unknown"}
            return {"_effectiveDateTime": {"extension": [unknown]}}
        return {"effectiveDateTime": taken.isoformat()}

    @cached_property
    def issued(self) -> str:
        """Return when the report was made, as an instant."""
        return self.delivery.report.issued_at.isoformat()

    def observation(self, resource_id: str, *, category: str, code: Part, device: str | None) -> Part:
        """Return the beginning of an Observation of ours, marked as asserted by software."""
        return without_none(
            {
                "resourceType": "Observation",
                "id": resource_id,
                "meta": {"security": [AI_ASSERTED]},
                "status": self.delivery.report.status.value,
                "category": [concept([coding(f"{HL7}/observation-category", category)])],
                "code": code,
                **self.subject,
                **self.effective,
                "issued": self.issued,
                "device": None if device is None else refer(device),
            }
        )

    @cached_property
    def cited(self) -> frozenset[MeasurementKey]:
        """Return the measurements that claims and reported statements rest on, where they were taken."""
        report = self.delivery.report
        claims = (part for item in report.observations for part in item.evidence)
        statements = (
            part for item in report.statements if item.state not in NOT_REPORTED for part in item.parts
        )
        keys = (key_of(part) for part in (*claims, *statements))
        return frozenset(key for key in keys if key and self.delivery.measurements.get(*key))

    def derived_from(self, evidence: tuple[Evidence, ...]) -> Part:
        """Return the measurements some evidence rests on, and the waveform."""
        keys = dict.fromkeys(key_of(part) for part in evidence)
        sources: list[JSON] = [refer(self.measurement_id(key)) for key in keys if key and key in self.cited]
        return {"derivedFrom": [*sources, refer(self.waveform_id)]}


def key_of(evidence: Evidence) -> MeasurementKey | None:
    """Return which measurement a piece of evidence is; ``None`` for one we have no kind for."""
    try:
        return MeasurementKind(evidence.measurement), evidence.lead
    except ValueError:
        return None


def order_of(frame: Frame) -> Part:
    """Return the order the study answers, by its identifiers: the order itself belongs to the hospital."""
    ecg = frame.delivery.study.ecg
    kinds = (("ACSN", ecg.accession_number), ("PLAC", ecg.placer_number), ("FILL", ecg.filler_number))
    identifiers: list[Part] = [
        {"type": concept([coding(f"{HL7}/v2-0203", kind)]), "value": value}
        for kind, number in kinds
        if (value := clean(number))
    ]
    if not identifiers:
        return {}
    return {"basedOn": [{"type": "ServiceRequest", "identifier": identifiers[0]}]}
