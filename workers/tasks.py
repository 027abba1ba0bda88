"""The doorbell's other end: lease due reads and read them, each to a report, a retry or a dead letter."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from gem_integration.domain.reading import LeasedJob
from gem_integration.errors import Fate
from gem_integration.observability import Event, log_event
from gem_integration.pipeline.failures import read_failed
from gem_integration.pipeline.read import read
from gem_integration.ports import Clock, EcgReader
from gem_integration.storage import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker's means: its store, its reader, and how long and how much it leases."""

    store: Store
    reader: EcgReader
    clock: Clock
    holder: str
    sinks: Sequence[str]
    lease_seconds: float
    batch_max: int


def read_due(worker: Worker) -> int:
    """Lease up to ``batch_max`` due jobs of this reader and read each; return how many were leased."""
    jobs = worker.store.lease_reads(
        worker.batch_max, worker.holder, worker.lease_seconds, reader_key=worker.reader.identity.key
    )
    for job in jobs:
        _read_one(job, worker)
    return len(jobs)


def _read_one(job: LeasedJob, worker: Worker) -> None:
    started_s = time.perf_counter()
    try:
        report = read(job, store=worker.store, reader=worker.reader, clock=worker.clock, sinks=worker.sinks)
    except Exception as error:
        decision = read_failed(job, error, store=worker.store)
        log_event(
            Event.READ_FAILED,
            level=logging.WARNING,
            job_id=str(job.job_id),
            code=decision.code,
            decision=decision.fate.value,
            attempts=job.attempts,
            error_type=type(error).__name__,
        )
        if decision.fate is Fate.STOP:
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
