"""Work in threads: one lane a patient, whose records go one after the other; lanes go side by side."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from adapters.inbound.kafka.progress import Progress
from adapters.inbound.kafka.records import Record, lane_of

#: How long a thread sleeps without looking; the operating system has a limit.
REST_SECONDS_MAX = 3600.0


class EndedAs(StrEnum):
    """What came of one attempt at a record."""

    TAKEN_IN = "taken_in"
    DEAD_LETTER = "dead_letter"
    HELD = "held"  #: kept, unread, behind a dead letter of the same patient
    LATER = "later"  #: the world is wrong; tried again after a delay
    DEFECT = "defect"  #: our bug; the consumer stops


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one attempt ended, with the code of its error and how long all rest after it, in seconds."""

    as_: EndedAs
    code: str = ""
    delay_s: float = 0.0
    error: Exception | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """One record to work on, for one ownership of its partition; ``attempts`` counts those that failed."""

    record: Record
    progress: Progress
    attempts: int = 0
    taken_in_before: int = 0  #: how many records had been taken in by us at the last attempt

    @property
    def size_bytes(self) -> int:
        """Return the size of the record's value."""
        return len(self.record.value or b"")


class Lanes:
    """A bounded number of threads working through keyed records; ``put`` never waits.

    An attempt that ends ``LATER`` stays at the head of its lane. All threads rest for the delay of an ending.
    """

    def __init__(self, work: Callable[[Task], Ending], threads: int) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._lanes: dict[bytes, deque[Task]] = {}
        self._ready: deque[bytes] = deque()
        self._running: set[Task] = set()
        self._rest_until = 0.0
        self._closed = False
        self._ended: queue.SimpleQueue[tuple[Task, Ending]] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._live, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, task: Task) -> None:
        """Queue a record behind the others of its lane."""
        with self._changed:
            lane = lane_of(task.record)
            waiting = self._lanes.setdefault(lane, deque())
            waiting.append(task)
            if len(waiting) == 1:
                self._ready.append(lane)
                self._changed.notify()

    def ended(self) -> Iterator[tuple[Task, Ending]]:
        """Yield what has ended since the last call."""
        while True:
            try:
                yield self._ended.get_nowait()
            except queue.Empty:
                return

    def drop(self, which: Callable[[Task], bool]) -> None:
        """Forget the waiting records that ``which`` names; those worked on now go on."""
        with self._changed:
            for lane, waiting in list(self._lanes.items()):
                kept = deque(task for task in waiting if task in self._running or not which(task))
                self._lanes[lane] = kept
                if not kept:
                    del self._lanes[lane]
            self._ready = deque(lane for lane in self._ready if lane in self._lanes)

    def wait(self, which: Callable[[Task], bool], seconds: float) -> bool:
        """Wait until none of the records that ``which`` names is worked on; ``False`` if time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: not any(map(which, self._running)), seconds)

    def close(self) -> None:
        """Let every thread end after the record it works on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def load(self) -> tuple[int, int]:
        """Return how many records wait or are worked on, and their bytes."""
        with self._changed:
            sizes = [task.size_bytes for waiting in self._lanes.values() for task in waiting]
        return len(sizes), sum(sizes)

    @property
    def is_resting(self) -> bool:
        """Say whether all threads wait for the world to mend."""
        with self._changed:
            return time.monotonic() < self._rest_until

    def _live(self) -> None:
        while (task := self._next()) is not None:
            self._finish(task, self._work(task))

    def _next(self) -> Task | None:
        with self._changed:
            while not self._closed:
                rest = self._rest_until - time.monotonic()
                if self._ready and rest <= 0:
                    task = self._lanes[self._ready.popleft()][0]
                    self._running.add(task)
                    return task
                self._changed.wait(min(rest, REST_SECONDS_MAX) if rest > 0 else None)
            return None

    def _finish(self, task: Task, ending: Ending) -> None:
        lane = lane_of(task.record)
        with self._changed:
            self._running.discard(task)
            waiting = self._lanes[lane]
            self._rest_until = max(self._rest_until, time.monotonic() + ending.delay_s)
            if ending.as_ is not EndedAs.LATER or task.progress.is_over:
                waiting.popleft()
            if waiting:
                self._ready.append(lane)
            else:
                del self._lanes[lane]
            self._ended.put((task, ending))
            self._changed.notify_all()
