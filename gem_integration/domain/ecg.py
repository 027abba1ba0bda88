"""The sampled signal and how it was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
SampleArray: TypeAlias = npt.NDArray[np.float32]
MaskArray: TypeAlias = npt.NDArray[np.bool_]

SAMPLING_RATE_MIN_HZ = 50.0
SAMPLING_RATE_MAX_HZ = 32_000.0
SAMPLES_MAX = 32_000 * 60 * 10
AMPLITUDE_MAX_MV = 1_000.0


class Lead(StrEnum):
    """An ECG lead, by its canonical name; the first twelve are the standard leads in canonical order."""

    I = "I"  # noqa: E741 - the lead's name
    II = "II"
    III = "III"
    AVR = "aVR"
    AVL = "aVL"
    AVF = "aVF"
    V1 = "V1"
    V2 = "V2"
    V3 = "V3"
    V4 = "V4"
    V5 = "V5"
    V6 = "V6"
    V7 = "V7"
    V8 = "V8"
    V9 = "V9"
    V3R = "V3R"
    V4R = "V4R"
    V5R = "V5R"
    V6R = "V6R"
    X = "X"
    Y = "Y"
    Z = "Z"


STANDARD_LEADS: tuple[Lead, ...] = tuple(Lead)[:12]
LIMB_LEADS: tuple[Lead, ...] = STANDARD_LEADS[:6]
PRECORDIAL_LEADS: tuple[Lead, ...] = STANDARD_LEADS[6:]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """The sampled signal of one acquisition.

    ``samples_mv`` is (lead, sample) float32 in millivolts, read-only; ``gap_mask`` has the same shape
    and is true where no sample was received (the sample there is 0). Never padded in silence.
    """

    samples_mv: SampleArray
    leads: tuple[Lead, ...]
    sampling_rate_hz: float
    started_at: datetime | None = None
    gap_mask: MaskArray | None = None

    def __post_init__(self) -> None:
        """Check shape, names, rate, finiteness and range; make the arrays read-only."""
        _check_shape(self)
        _check_values(self)
        self.samples_mv.setflags(write=False)
        if self.gap_mask is not None:
            self.gap_mask.setflags(write=False)

    @classmethod
    def of(
        cls,
        samples_mv: npt.ArrayLike,
        leads: Sequence[Lead],
        sampling_rate_hz: float,
        *,
        started_at: datetime | None = None,
    ) -> Recording:
        """Build a recording from millivolts; a NaN sample is a gap (kept in ``gap_mask``)."""
        with np.errstate(over="ignore"):  # what overflows becomes infinite and is refused below
            samples = np.array(samples_mv, dtype=np.float32, order="C")
        missing = np.isnan(samples)
        samples[missing] = 0.0
        return cls(
            samples_mv=samples,
            leads=tuple(leads),
            sampling_rate_hz=float(sampling_rate_hz),
            started_at=started_at,
            gap_mask=missing if missing.any() else None,
        )

    @property
    def sample_count(self) -> int:
        """Return the number of samples in each lead."""
        return int(self.samples_mv.shape[1])

    @property
    def duration_s(self) -> float:
        """Return the duration in seconds."""
        return self.sample_count / self.sampling_rate_hz

    def lead_mv(self, lead: Lead) -> SampleArray:
        """Return one lead's samples in millivolts; ``KeyError`` if the lead was not recorded."""
        if lead not in self.leads:
            raise KeyError(lead)
        row: SampleArray = self.samples_mv[self.leads.index(lead)]
        return row

    def digest_bytes(self) -> bytes:
        """Return the bytes whose hash identifies this signal: rate, leads, and samples rounded to 0.1 µV.

        The rounding makes one ECG that came as two formats the same signal.
        """
        head = f"{self.sampling_rate_hz:.6g}|{','.join(self.leads)}|{self.sample_count}|".encode()
        tenths_uv = np.rint(self.samples_mv.astype(np.float64) * 1e4).astype("<i8")
        return head + tenths_uv.tobytes()


def _check_shape(recording: Recording) -> None:
    if recording.samples_mv.ndim != 2 or recording.samples_mv.dtype != np.float32:
        raise ValueError("samples_mv must be a (lead, sample) float32 array")
    if recording.samples_mv.shape[0] != len(recording.leads):
        raise ValueError("as many rows as leads are needed")
    if len(set(recording.leads)) != len(recording.leads) or not recording.leads:
        raise ValueError("leads must be distinct and at least one")
    if not SAMPLING_RATE_MIN_HZ <= recording.sampling_rate_hz <= SAMPLING_RATE_MAX_HZ:
        raise ValueError("sampling rate out of range")
    if not 0 < recording.sample_count <= SAMPLES_MAX:
        raise ValueError("sample count out of range")
    if recording.gap_mask is not None and recording.gap_mask.shape != recording.samples_mv.shape:
        raise ValueError("gap_mask must have the shape of samples_mv")


def _check_values(recording: Recording) -> None:
    if not np.isfinite(recording.samples_mv).all():
        raise ValueError("samples must be finite; use gap_mask for what was not received")
    if float(np.abs(recording.samples_mv).max()) > AMPLITUDE_MAX_MV:
        raise ValueError("a sample exceeds any possible surface potential: wrong unit or scale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """How and when a recording was taken; the time string of the source is kept as it came.

    ``performed_at`` is zone-aware. Where the source named no zone, the site's zone was assumed and
    ``zone_assumed`` says so.
    """

    performed_at: datetime | None = None
    performed_at_text: str | None = None
    zone_assumed: bool = False
    device: str | None = None
    device_serial: str | None = None
    filters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a time without a zone."""
        if self.performed_at is not None and self.performed_at.tzinfo is None:
            raise ValueError("performed_at must be zone-aware")
