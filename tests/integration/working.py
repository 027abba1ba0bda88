"""A worker in a process of its own, for a test to kill; its arguments are those of ``main``."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from gem_integration.clock import SystemClock
from gem_integration.domain.identity import ReaderIdentity
from gem_integration.domain.reading import Interpretation, ReadRequest, StopReason
from gem_integration.observability import configure_logging
from gem_integration.storage import Store
from workers.app import Bell, answer, make_app
from workers.readers.rules import RulesReader
from workers.tasks import Worker

TEXT = "Sinus rhythm. The PR interval is 160 ms."
LEASE_SECONDS = 3.0
#: A file of this name in a worker's folder makes its reads take as many seconds as it says.
SLOWNESS = "slowness"
#: A file of this name makes a read a defect.
DEFECT = "defect"


def identity() -> ReaderIdentity:
    """Return the reader the jobs of these tests are for."""
    return replace(RulesReader().identity, name="slow")


class SlowReader:
    """A reader as slow as its folder says, which notes each read it begins."""

    def __init__(self, folder: Path) -> None:
        self.identity = identity()
        self._folder = folder

    def read(self, request: ReadRequest) -> Interpretation:
        """Write the same text each time."""
        noted = json.dumps({"pid": os.getpid(), "level": float(abs(request.recording.samples_mv).max())})
        with (self._folder / "reads.jsonl").open("a") as reads:
            reads.write(f"{noted}\n")
        if (self._folder / DEFECT).exists():
            raise ZeroDivisionError
        if (self._folder / SLOWNESS).exists():
            time.sleep(float((self._folder / SLOWNESS).read_text()))
        return Interpretation(text=TEXT, reader=self.identity, stop_reason=StopReason.END, seconds=0.0)


def work(bell: Bell, store: Store, folder: Path, drain_seconds: float) -> int:
    """Answer the bell."""
    worker = Worker(
        store=store,
        reader=SlowReader(folder),
        clock=SystemClock(),
        holder=f"w{os.getpid()}",
        sinks=("files",),
        lease_seconds=LEASE_SECONDS,
        batch_max=2,
    )
    return answer(make_app(bell), bell, worker, drain_seconds=drain_seconds)


def main(*arguments: str) -> int:
    """Be a worker until stopped: on a broker and a database, with a queue prefix, a folder, time to drain."""
    broker_url, database_url, prefix, folder, drain_seconds = arguments
    configure_logging(level="debug")
    bell = Bell(broker_url=broker_url, queue_prefix=prefix)
    store = Store.open(database_url, clock=SystemClock())
    return work(bell, store, Path(folder), float(drain_seconds))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
