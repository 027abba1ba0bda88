"""Gathers measurements of one recording with their places, units and reasons for absence."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from gem_integration.domain.ecg import FloatArray, Lead
from gem_integration.domain.measurement import Measurement, MeasurementKind
from gem_integration.terminology.codes import measurement_codes

SampleRanges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a measurement was taken: lead (``None``: global), 1-based beats, half-open sample ranges."""

    lead: Lead | None = None
    beats: tuple[int, ...] = ()
    samples: SampleRanges = ()


@dataclass(frozen=True, slots=True)
class Collector:
    """Measurements so far, and why the others could not be taken."""

    rate_hz: float
    sample_count: int
    items: list[Measurement] = field(default_factory=list)
    unmeasured: dict[tuple[MeasurementKind, Lead | None], str] = field(default_factory=dict)

    def add(
        self, kind: MeasurementKind, value: float, *, place: Place, uncertainty: float, method: str
    ) -> None:
        """Keep one measurement; a number that is not finite becomes a reason instead."""
        if not (isfinite(value) and isfinite(uncertainty)):
            self.miss(place.lead, "the waves it needs were not found", [kind])
            return
        self.items.append(
            Measurement(
                kind=kind,
                value=float(value),
                unit=measurement_codes()[kind].unit,
                lead=place.lead,
                beats=place.beats,
                samples=place.samples,
                method=method,
                uncertainty=float(uncertainty),
            )
        )

    def miss(self, lead: Lead | None, reason: str, kinds: Iterable[MeasurementKind]) -> None:
        """Say why measurements of ``kinds`` in ``lead`` could not be taken."""
        for kind in kinds:
            self.unmeasured.setdefault((kind, lead), reason)

    def withdraw(self, kinds: AbstractSet[MeasurementKind], reason: str) -> None:
        """Take back every measurement of one of ``kinds``, and say why."""
        for item in self.items:
            if item.kind in kinds:
                self.unmeasured[item.kind, item.lead] = reason
        self.items[:] = [item for item in self.items if item.kind not in kinds]

    def value(self, kind: MeasurementKind, lead: Lead | None = None) -> float | None:
        """Return a number gathered so far."""
        return next((item.value for item in self.items if item.kind is kind and item.lead is lead), None)

    def place(self, kind: MeasurementKind, lead: Lead | None = None) -> Place:
        """Return where a number gathered so far was taken."""
        found = next((item for item in self.items if item.kind is kind and item.lead is lead), None)
        return Place() if found is None else Place(beats=found.beats, samples=found.samples)

    def ranges_between(self, start_ms: FloatArray, stop_ms: FloatArray) -> SampleRanges:
        """Return the spans as ranges of samples as received, cut to the recording, unknown ones left out."""
        return self.ranges_by_lead(start_ms[:, None], stop_ms[:, None])[0]

    def ranges_by_lead(self, start_ms: FloatArray, stop_ms: FloatArray) -> list[SampleRanges]:
        """Return each column's spans; ``start_ms`` and ``stop_ms`` are (beat, lead)."""
        per_ms = self.rate_hz / 1000.0
        start = np.maximum(np.rint(start_ms * per_ms), 0.0)
        stop = np.minimum(np.rint(stop_ms * per_ms) + 1.0, self.sample_count)
        known = stop > start  # never where either is NaN
        columns = zip(start.T, stop.T, known.T, strict=True)
        return [
            tuple(zip(first[seen].astype(int).tolist(), end[seen].astype(int).tolist(), strict=True))
            for first, end, seen in columns
        ]

    def range_between(self, start_ms: float, stop_ms: float) -> SampleRanges:
        """Return one span as a range of samples as received."""
        return self.ranges_between(np.array([start_ms]), np.array([stop_ms]))

    def sample(self, place_ms: float) -> int:
        """Return the nearest sample as received."""
        return round(place_ms * self.rate_hz / 1000.0)
