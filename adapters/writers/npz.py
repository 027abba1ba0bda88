"""A recording as a NumPy archive: plain arrays and JSON texts, nothing pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO

import numpy as np

from adapters.writers.quantised import millivolts_with_gaps
from gem_integration.domain.study import InboundEcg


def write(ecg: InboundEcg, stem: str) -> Mapping[str, bytes]:
    """Return ``stem.npz`` with the recording as it was understood.

    ``samples_mv`` is float64 (lead, sample) in mV at the received rate, NaN in gaps; ``started_at`` is
    ISO 8601 or empty; ``cart_measurements`` and ``cart_statements`` are JSON.
    """
    recording = ecg.recording
    started_at = recording.started_at or ecg.acquisition.performed_at
    packed = BytesIO()
    np.savez_compressed(
        packed,
        samples_mv=millivolts_with_gaps(recording),
        leads=np.array([str(lead) for lead in recording.leads]),
        sampling_rate_hz=np.float64(recording.sampling_rate_hz),
        started_at=np.array(started_at.isoformat() if started_at else ""),
        patient_id=np.array(ecg.patient.patient_id if ecg.patient else ""),
        message_id=np.array(ecg.message_id),
        cart_measurements=np.array(json.dumps([asdict(one) for one in ecg.cart_measurements])),
        cart_statements=np.array(json.dumps(list(ecg.cart_statements))),
    )
    return {f"{stem}.npz": packed.getvalue()}
