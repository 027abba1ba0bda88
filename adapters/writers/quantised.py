"""A lead as whole numbers: the finest step that fits, so that what is written reads back the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gem_integration.domain.ecg import FloatArray, Recording

#: Steps in microvolts, finest first; a tenth is the step at which two recordings count as the same.
STEPS_UV = (0.1, 0.2, 0.5, 1.0)
BITS_SHORT = 16
BITS_LONG = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantisedLead:
    """µV = ``stored`` x ``step_uv`` + ``offset_steps`` x ``step_uv``; ``missing`` marks gaps."""

    stored: npt.NDArray[np.int64]
    missing: npt.NDArray[np.bool_]
    step_uv: float
    offset_steps: int


def millivolts_with_gaps(recording: Recording) -> FloatArray:
    """Return the samples as float64 (lead, sample) in millivolts, NaN in gaps."""
    samples = recording.samples_mv.astype(np.float64)
    if recording.gap_mask is not None:
        samples[recording.gap_mask] = np.nan
    return samples


def bits_needed(recording: Recording) -> int:
    """Return 16 where every lead fits at 1 µV or finer, else 32."""
    spans_uv = [_span_uv(lead) for lead in millivolts_with_gaps(recording)]
    return BITS_SHORT if max(spans_uv) / 2 <= _highest(BITS_SHORT) * STEPS_UV[-1] else BITS_LONG


def quantise(lead_mv: FloatArray, bits: int) -> QuantisedLead:
    """Return a lead in whole steps of at most 1 µV, centred; the most negative number is left for gaps."""
    missing = np.isnan(lead_mv)
    samples_uv = np.where(missing, 0.0, lead_mv * 1e3)
    fitting = [step for step in STEPS_UV if _span_uv(lead_mv) / 2 <= _highest(bits) * step]
    step_uv = fitting[0] if fitting else STEPS_UV[-1]
    whole = np.rint(samples_uv / step_uv).astype(np.int64)
    present = whole[~missing]
    offset = 0
    if present.size and int(np.abs(present).max()) > _highest(bits):
        offset = (int(present.max()) + int(present.min())) // 2
    return QuantisedLead(stored=whole - offset, missing=missing, step_uv=step_uv, offset_steps=offset)


def _highest(bits: int) -> int:
    """Return the highest number a centred lead may reach, one step kept free for rounding."""
    return int(2 ** (bits - 1)) - 2


def _span_uv(lead_mv: FloatArray) -> float:
    present = lead_mv[~np.isnan(lead_mv)]
    return float(present.max() - present.min()) * 1e3 if present.size else 0.0
