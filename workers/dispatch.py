"""Queued and expired rows to the doorbell: SQL is asked what is due, and each job is rung for.

A bell may be lost, late or doubled without harm: the row stays due until somebody leases it, and then one
holder has it. So nothing is remembered here but when each due job was last rung for.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gem_integration.errors import Unavailable
from gem_integration.observability import Event, log_event
from gem_integration.storage import Store
from gem_integration.storage.due import DueRead

Ring: TypeAlias = Callable[[DueRead], None]
"""Rings for one job; raises ``Unavailable`` when the bell cannot be reached."""

#: A job is another one to ring for once it was leased and came back.
Rung: TypeAlias = tuple[uuid.UUID, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchSettings:
    """How often SQL is asked, when a job that is still due is rung for again, and for how many at once.

    Times are in seconds. ``due_max`` bounds the bells and the memory spent on one reader.
    """

    interval_s: float = 0.25
    ring_again_s: float = 30.0
    due_max: int = 1_000
    retry_s_max: float = 15.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot work (``ValueError``)."""
        if not 0.0 < self.interval_s <= self.retry_s_max or self.due_max < 1:
            raise ValueError("asking takes some time between rounds and at least one job a round")


class Dispatcher:
    """Rings for due jobs, each at most once per ``ring_again_s`` unless it was leased in between."""

    def __init__(
        self,
        store: Store,
        ring: Ring,
        settings: DispatchSettings,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._ring, self._settings, self._seconds = store, ring, settings, seconds
        self._rung_at: dict[Rung, float] = {}

    @property
    def remembered(self) -> int:
        """Return how many jobs are remembered as rung for; never more than are due."""
        return len(self._rung_at)

    def ring_due(self) -> int:
        """Ring for what is due and was not just rung for; return for how many jobs.

        ``Unavailable`` while the database or the bell is away; the jobs rung for until then are remembered.
        """
        due = {(job.job_id, job.attempts): job for job in self._store.due_reads(self._settings.due_max)}
        self._rung_at = {key: at for key, at in self._rung_at.items() if key in due}
        rung = 0
        for key, job in due.items():
            if self._seconds() - self._rung_at.get(key, float("-inf")) >= self._settings.ring_again_s:
                self._ring(job)
                self._rung_at[key] = self._seconds()
                rung += 1
        return rung

    def run(self, stop: threading.Event) -> None:
        """Ring every ``interval_s`` until ``stop`` is set; ask less often while something is away."""
        waits_s = self._settings.interval_s
        while not stop.is_set():
            try:
                rung = self.ring_due()
                waits_s = self._settings.interval_s
                if rung:
                    log_event(Event.READS_RUNG, count=rung)
            except Unavailable as error:
                log_event(Event.DISPATCH_WAITING, level=logging.WARNING, code=error.code)
                waits_s = min(waits_s * 2, self._settings.retry_s_max)
            stop.wait(waits_s)
