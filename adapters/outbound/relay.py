"""Due outbox rows go to their sinks, each to a receipt, a retry or a dead letter."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from gem_integration.domain.report import LeasedDelivery
from gem_integration.errors import Fate, Unavailable
from gem_integration.observability import Event, log_event
from gem_integration.pipeline.deliver import deliver
from gem_integration.pipeline.failures import delivery_failed
from gem_integration.ports import ReportSink
from gem_integration.storage import Store

WAIT_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """One relay's means: its store, its sinks, and how long and how much it leases."""

    store: Store
    sinks: Mapping[str, ReportSink]
    holder: str
    lease_seconds: float
    batch_max: int


def relay_due(relay: Relay) -> int:
    """Lease up to ``batch_max`` due deliveries and make each; return how many were leased."""
    due = relay.store.lease_deliveries(
        relay.batch_max, relay.holder, relay.lease_seconds, sinks=tuple(relay.sinks)
    )
    for delivery in due:
        _deliver_one(delivery, relay)
    return len(due)


def relay_for_ever(relay: Relay, *, stop: threading.Event, interval_s: float) -> None:
    """Deliver what is due until ``stop`` is set; while the database is away it is asked less often.

    A defect passes through.
    """
    waits_s = interval_s
    while not stop.is_set():
        try:
            while not stop.is_set() and relay_due(relay):
                continue
            waits_s = interval_s
        except Unavailable as error:
            log_event(Event.DELIVERY_FAILED, level=logging.WARNING, code=error.code)
            waits_s = min(waits_s * 2, WAIT_SECONDS_MAX)
        stop.wait(waits_s)


def _deliver_one(delivery: LeasedDelivery, relay: Relay) -> None:
    try:
        receipt = deliver(delivery, store=relay.store, sinks=relay.sinks)
    except Exception as error:
        decision = delivery_failed(delivery, error, store=relay.store)
        log_event(
            Event.DELIVERY_FAILED,
            level=logging.WARNING,
            report_id=str(delivery.report_id),
            sink=delivery.sink,
            code=decision.code,
            decision=decision.fate.value,
            attempts=delivery.attempts,
            error_type=type(error).__name__,
        )
        if decision.fate is Fate.STOP:
            raise
        return
    log_event(
        Event.DELIVERY_FINISHED,
        report_id=str(delivery.report_id),
        sink=delivery.sink,
        sha256=receipt.content_sha256,
    )
