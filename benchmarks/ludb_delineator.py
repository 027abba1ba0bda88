"""Our delineation in the shape that the LUDB scorer asks for.

    python eval_delineation.py --records LUDB --delineator benchmarks.ludb_delineator:delineate

Every P, QRS and T of every lead goes in, lone P waves too; the global numbers are those that the
product reports.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gem_integration.domain.ecg import FloatArray, Lead, Recording
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.signal.analysis import Analysis, analyse
from gem_integration.signal.leads import with_standard_leads
from gem_integration.signal.measure import measure
from gem_integration.signal.quality import assess

GLOBAL_KINDS = {
    "p_duration_ms": Kind.P_DURATION,
    "pr_ms": Kind.PR_INTERVAL,
    "qrs_ms": Kind.QRS_DURATION,
    "qt_ms": Kind.QT_INTERVAL,
    "heart_rate_bpm": Kind.HEART_RATE,
    "axis_deg": Kind.QRS_AXIS,
}


def delineate(samples_mv: npt.NDArray[np.float64], fs: float, leads: Sequence[str]) -> dict[str, object]:
    """Return marks by lead, beats and global numbers, as the scorer's docstring says."""
    recording = with_standard_leads(Recording.of(samples_mv, [Lead(lead) for lead in leads], fs))
    quality = assess(recording)
    measurements = measure(recording, quality)
    usable = tuple(lead for lead in recording.leads if quality.lead_usable(lead))
    analysis = analyse(recording, usable)
    if analysis is None:
        return {"leads": {}, "rpeaks": []}
    return {
        "leads": {lead: _marks(analysis, row, fs / 1000.0) for row, lead in enumerate(analysis.found.leads)},
        "rpeaks": analysis.found.r_ms * fs / 1000.0,
        "global": {name: measurements.value(kind) for name, kind in GLOBAL_KINDS.items()},
    }


def _marks(analysis: Analysis, row: int, per_ms: float) -> dict[str, FloatArray]:
    found = analysis.found
    out: dict[str, FloatArray] = {}
    for name, waves in (("P", (found.p, found.lone_p)), ("QRS", (found.qrs,)), ("T", (found.t,))):
        for mark in ("on", "peak", "off"):
            parts = [getattr(wave, f"{mark}_ms")[:, row] for wave in waves]
            out[f"{name}_{mark}"] = np.concatenate(parts) * per_ms
    return out
