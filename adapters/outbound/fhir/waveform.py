"""The recording as an Observation: one component per lead, as received."""

from __future__ import annotations

import numpy as np

from adapters.outbound.fhir.frame import Frame
from adapters.outbound.fhir.measurement import lead_concept
from adapters.outbound.fhir.parts import HL7, MDC, OWN_OBSERVATION, Part, clean, coding, concept, quantity
from gem_integration.domain.ecg import Lead, Recording

MDC_ECG_ELEC_POTL = "131328"
MV_PER_COUNT = 0.001
GAP = "E"  # FHIR R4, SampledData.data: the value could not be obtained


def waveform_observation(frame: Frame) -> Part:
    """Return the recording in microvolts; a sample that was not received is ``E``."""
    study = frame.delivery.study
    recording = study.ecg.recording
    device = clean(study.ecg.acquisition.device)
    begun: Part = {
        "resourceType": "Observation",
        "id": frame.waveform_id,
        "status": "final",
        "category": [concept([coding(f"{HL7}/observation-category", "procedure")])],
        "code": concept(
            [coding(MDC, MDC_ECG_ELEC_POTL, "MDC_ECG_ELEC_POTL"), coding(OWN_OBSERVATION, "waveform")],
            "ECG waveform",
        ),
        **frame.subject,
        **frame.effective,
    }
    by: Part = {"device": {"display": device}} if device else {}
    return {
        **begun,
        **by,
        **_zone_note(frame),
        "component": [_lead(recording, lead) for lead in recording.leads],
    }


def _zone_note(frame: Frame) -> Part:
    if not frame.delivery.study.ecg.acquisition.zone_assumed:
        return {}
    return {"note": [{"text": "The source named no time zone; the site's zone was assumed."}]}


def _lead(recording: Recording, lead: Lead) -> Part:
    return {
        "code": lead_concept(lead),
        "valueSampledData": {
            "origin": quantity(0.0, "mV"),
            "period": 1000.0 / recording.sampling_rate_hz,
            "factor": MV_PER_COUNT,
            "dimensions": 1,
            "data": _data(recording, recording.leads.index(lead)),
        },
    }


def _data(recording: Recording, row: int) -> str:
    counts = np.rint(recording.samples_mv[row].astype(np.float64) / MV_PER_COUNT).astype(np.int64)
    words = [str(count) for count in counts.tolist()]
    if recording.gap_mask is not None:
        words = [
            GAP if gap else word for word, gap in zip(words, recording.gap_mask[row].tolist(), strict=True)
        ]
    return " ".join(words)
