"""The DiagnosticReport that holds everything together."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from adapters.outbound.fhir.claim import finding_concept
from adapters.outbound.fhir.frame import AI_ASSERTED, Frame, order_of
from adapters.outbound.fhir.parts import (
    HL7,
    JSON,
    LOINC,
    OWN,
    Part,
    clean,
    coding,
    concept,
    refer,
    without_none,
)
from gem_integration.domain.statement import StatementState
from gem_integration.reporting import report_text

LOINC_STUDY_REPORT = "11524-6"
LOINC_12_LEAD_PANEL = "34534-8"


def diagnostic_report(frame: Frame, observation_ids: Sequence[str]) -> Part:
    """Return the report: preliminary and AI-asserted until a person has over-read it.

    ``resultsInterpreter`` is absent: it names who signs, and software does not sign.
    """
    report = frame.delivery.report
    codes = [coding(LOINC, LOINC_STUDY_REPORT), coding(LOINC, LOINC_12_LEAD_PANEL)]
    return without_none(
        {
            "resourceType": "DiagnosticReport",
            "id": frame.report_id,
            "meta": {"security": [AI_ASSERTED]},
            "identifier": [{"system": f"{OWN}:report", "value": str(report.report_id)}],
            **order_of(frame),
            "status": report.status.value,
            "category": [concept([coding(f"{HL7}/v2-0074", "EC")])],
            "code": concept(codes, "12-lead ECG"),
            **frame.subject,
            **frame.effective,
            "issued": frame.issued,
            "result": [refer(resource_id) for resource_id in observation_ids],
            "conclusion": clean(report.conclusion),
            "conclusionCode": _conclusion_codes(frame),
            "presentedForm": [_presented(frame)],
        }
    )


def _conclusion_codes(frame: Frame) -> JSON:
    met = (item for item in frame.delivery.report.statements if item.state is StatementState.MET)
    found = [code for item in met if (code := finding_concept(item))]
    return found or None


def _presented(frame: Frame) -> Part:
    text = report_text(frame.delivery.report).encode()
    return {
        "contentType": "text/plain; charset=utf-8",
        "data": base64.b64encode(text).decode("ascii"),
        "title": "12-lead ECG report",
    }
