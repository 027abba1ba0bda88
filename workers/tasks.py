"""The doorbell's other end: lease due reads and read them, each to a report, a retry or a dead letter."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from gem_integration.domain.reading import LeasedJob
from gem_integration.errors import Decision, Fate, LeaseLost, Unavailable
from gem_integration.observability import Event, log_event
from gem_integration.pipeline.failures import read_failed
from gem_integration.pipeline.read import read
from gem_integration.ports import Clock, EcgReader
from gem_integration.storage import Store
from workers.desk import Desk

#: How long one ring of the bell may keep a worker reading, in seconds; RabbitMQ takes a message that is
#: not acknowledged within 30 minutes for lost.
ROUND_SECONDS_MAX = 300.0
RETRY_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker's means: its store, its reader, how long and how much it leases, what it holds now."""

    store: Store
    reader: EcgReader
    clock: Clock
    holder: str
    sinks: Sequence[str]
    lease_seconds: float
    batch_max: int
    desk: Desk = field(default_factory=Desk)


def read_due(worker: Worker) -> int:
    """Lease up to ``batch_max`` due jobs of this reader and read each; return how many were leased.

    What is not begun when the desk closes, or when its lease is over before its turn, is handed back.
    ``StorageUnavailable`` while the database is away; whatever is a defect of ours passes through.
    """
    jobs = worker.store.lease_reads(
        worker.batch_max, worker.holder, worker.lease_seconds, reader_key=worker.reader.identity.key
    )
    worker.desk.take(jobs)
    try:
        for job in jobs:
            if not worker.desk.closed and worker.clock.now() < job.lease_expires_at:
                _read_one(job, worker)
                worker.desk.done(job)
    finally:
        worker.desk.give_back(worker.store)
    return len(jobs)


def read_while_due(worker: Worker, *, seconds_max: float = ROUND_SECONDS_MAX) -> None:
    """Read batch after batch until nothing is due, the desk is closed, or ``seconds_max`` are over.

    Raises what ``read_due`` raises.
    """
    ends_at = time.monotonic() + seconds_max
    while not worker.desk.closed and read_due(worker) and time.monotonic() < ends_at:
        pass


def read_for_ever(worker: Worker, *, stop: threading.Event, bell: threading.Event, interval_s: float) -> None:
    """Read what is due whenever ``bell`` rings, and at least every ``interval_s``, until ``stop`` is set.

    For a process without a broker; whoever sets ``stop`` sets ``bell`` too. While the database is away it
    is asked less and less often. A defect passes through.
    """
    waits_s = interval_s
    while not stop.is_set():
        bell.clear()
        try:
            read_while_due(worker)
            waits_s = interval_s
        except Unavailable as error:
            log_waiting(error)
            waits_s = min(waits_s * 2, RETRY_SECONDS_MAX)
        if not stop.is_set():
            bell.wait(waits_s)


def log_waiting(error: Unavailable) -> None:
    """Log that the worker must wait for the world."""
    log_event(Event.WORKER_WAITING, level=logging.WARNING, code=error.code)


def _read_one(job: LeasedJob, worker: Worker) -> None:
    started_s = time.perf_counter()
    try:
        report = read(job, store=worker.store, reader=worker.reader, clock=worker.clock, sinks=worker.sinks)
    except Exception as error:
        if _record(job, error, worker).fate is Fate.STOP:
            raise
        return
    log_event(
        Event.READ_FINISHED,
        job_id=str(job.job_id),
        report_id=str(report.report_id),
        reader=report.reader.name,
        urgency=report.urgency.value,
        claims=len(report.observations),
        seconds=round(time.perf_counter() - started_s, 4),
    )


def _record(job: LeasedJob, error: Exception, worker: Worker) -> Decision:
    try:
        decision = read_failed(job, error, store=worker.store)
    except LeaseLost as lost:
        decision = Decision(fate=Fate.DROP, code=lost.code)
    log_event(
        Event.READ_FAILED,
        level=logging.WARNING,
        job_id=str(job.job_id),
        code=decision.code,
        decision=decision.fate.value,
        attempts=job.attempts,
        error_type=type(error).__name__,
    )
    return decision
