"""What the rims lend the core."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gem_integration.domain.identity import ReaderIdentity
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.reading import Interpretation, ReadRequest
from gem_integration.domain.report import Receipt, Report
from gem_integration.domain.study import Study


class Clock(Protocol):
    """Tells the time; injected so that tests decide it."""

    def now(self) -> datetime:
        """Return the current time, zone-aware, in UTC."""
        ...


class EcgReader(Protocol):
    """Produces an interpretation of a recording."""

    @property
    def identity(self) -> ReaderIdentity:
        """Return exactly which reader this is."""
        ...

    def read(self, request: ReadRequest) -> Interpretation:
        """Read one recording; ``ReaderUnavailable`` when the model cannot work now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """All a sink needs to put one report version where it belongs."""

    study: Study
    measurements: Measurements
    report: Report


class ReportSink(Protocol):
    """Puts a report into a system of the hospital."""

    @property
    def name(self) -> str:
        """Return the sink's name in settings and on outbox rows."""
        ...

    def deliver(self, delivery: Delivery) -> Receipt:
        """Deliver, idempotently; ``RefusedBySink`` or ``SinkUnavailable`` when it cannot."""
        ...
