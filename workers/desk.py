"""What a worker holds at this moment, and how it gives it back when it must leave."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterable

from gem_integration.domain.reading import LeasedJob
from gem_integration.errors import LeaseLost, StorageUnavailable
from gem_integration.observability import Event, log_event
from gem_integration.storage import Store

#: Exit status of a process that left with a read unfinished (``EX_TEMPFAIL`` of sysexits.h).
EXIT_UNFINISHED = 75
#: How much of the time a worker is given goes to giving back, in seconds.
GIVING_BACK_S = 2.0


class Desk:
    """The jobs one worker holds; once closed, it takes no more. Any thread may look and close."""

    def __init__(self) -> None:
        self._held: dict[uuid.UUID, LeasedJob] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Return whether the worker is leaving."""
        return self._closed

    def close(self) -> None:
        """Begin nothing new; safe in a signal's context."""
        self._closed = True

    def take(self, jobs: Iterable[LeasedJob]) -> None:
        """Put leased jobs on the desk."""
        self._held.update((job.job_id, job) for job in jobs)

    def done(self, job: LeasedJob) -> None:
        """Take a job off the desk, whatever became of it."""
        self._held.pop(job.job_id, None)

    def give_back(self, store: Store) -> int:
        """Hand every job on the desk back, to be leased by anyone at once; return how many.

        A job whose lease another holder took meanwhile is theirs. While the database is away nothing can
        be handed back: the leases end by themselves.
        """
        given = 0
        for job in tuple(self._held.values()):
            try:
                store.hand_back(job)
            except LeaseLost:
                continue
            except StorageUnavailable:
                break
            finally:
                self.done(job)
            given += 1
            log_event(Event.READ_HANDED_BACK, job_id=str(job.job_id))
        return given


def leave_within(
    seconds: float, desk: Desk, store: Store, *, leave: Callable[[int], object] = os._exit
) -> threading.Timer:
    """Close the desk; when the process is still there near the end of ``seconds``, give back and exit.

    The read in progress may end in that time. Returns the timer that is running: cancel it when the
    process need not end.
    """

    def out_of_time() -> None:
        desk.give_back(store)
        log_event(Event.WORKER_OUT_OF_TIME, level=logging.ERROR)
        leave(EXIT_UNFINISHED)

    desk.close()
    timer = threading.Timer(max(seconds - GIVING_BACK_S, seconds / 2), out_of_time)
    timer.daemon = True
    timer.start()
    return timer
