"""Workers as processes on a real RabbitMQ: killed, frozen, cut off, told to stop.

Whatever happens to them, each study ends with exactly one report.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gem_integration.clock import SystemClock
from gem_integration.domain.reading import JobStatus, Priority
from gem_integration.errors import Unavailable
from gem_integration.pipeline.receive import receive
from gem_integration.simulate import SCENARIOS, simulate
from gem_integration.storage import Store
from gem_integration.storage.due import DueRead
from tests.integration.working import DEFECT, SLOWNESS, identity
from tests.services.drawn_line import Line
from tests.services.rabbitmq import RabbitMq
from workers.app import EXIT_DEFECT, PRIORITIES, QUEUE_PREFIX, RING, Bell, make_app, make_ring, queue_of
from workers.desk import EXIT_UNFINISHED
from workers.dispatch import Dispatcher, DispatchSettings

pytestmark = [
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS_MAX = 60.0
#: A read this slow is still in progress whenever the test looks.
LONG_S = 60.0
RING_AGAIN_S = 2.0


@dataclass(kw_only=True)
class Ward:
    """One database, one broker, who rings and who reads."""

    store: Store
    address: str
    broker: RabbitMq
    folder: Path
    line: Line
    prefix: str = field(default_factory=lambda: f"{QUEUE_PREFIX}.{uuid.uuid4().hex[:8]}")
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    levels: dict[float, int] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    dispatcher: threading.Thread | None = None
    rung: int = 0
    refused: int = 0

    @property
    def log(self) -> Path:
        """Return where the workers' words go."""
        return self.folder / "workers.log"

    @property
    def bell(self) -> Bell:
        """Return the bell of this ward alone."""
        return Bell(broker_url=self.broker.url, bell_lives_s=RING_AGAIN_S, queue_prefix=self.prefix)

    def start(self, *, drain_seconds: float = WAIT_SECONDS_MAX) -> subprocess.Popen[bytes]:
        """Start a worker."""
        program = [sys.executable, "-m", "tests.integration.working"]
        arguments = [self.broker.url, self.address, self.prefix, str(self.folder), str(drain_seconds)]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*program, *arguments],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        self.processes.append(process)
        return process

    def dispatch(self) -> None:
        """Ring for what is due until the end of the test."""
        ring = make_ring(make_app(self.bell), self.bell)

        def noted(job: DueRead) -> None:
            try:
                ring(job)
            except Unavailable:
                self.refused += 1
                raise
            self.rung += 1

        rounds = DispatchSettings(interval_s=0.1, ring_again_s=RING_AGAIN_S, retry_s_max=1.0)
        run = Dispatcher(self.store, noted, rounds).run
        self.dispatcher = threading.Thread(target=run, args=(self.stop,))
        self.dispatcher.start()

    def end(self) -> None:
        """Stop ringing, and kill every process that is left."""
        self.stop.set()
        if self.dispatcher is not None:
            self.dispatcher.join(WAIT_SECONDS_MAX)
        for process in self.processes:
            process.kill()
            process.wait(10)

    def receive(self, number: int, *, stat: bool = False) -> None:
        """Receive a study whose signal tells its number."""
        recording = simulate(SCENARIOS["normal_sinus"]).recording
        recording = replace(recording, samples_mv=recording.samples_mv * (1.0 + number / 50))
        self.levels[round(float(abs(recording.samples_mv).max()), 4)] = number
        ecg = self.line.ecg(number, recording=recording, stat=stat)
        receive(
            self.line.message(f"MSH|{number}".encode()),
            ecg,
            store=self.store,
            reader_key=identity().key,
            clock=SystemClock(),
        )

    def slow_down(self, seconds: float) -> None:
        """Make every read that begins from now on take so long."""
        (self.folder / SLOWNESS).write_text(str(seconds))

    def reads(self) -> list[dict[str, float]]:
        """Return the reads that were begun, in order."""
        file = self.folder / "reads.jsonl"
        return [json.loads(row) for row in file.read_text().splitlines()] if file.exists() else []

    def numbers(self) -> list[int]:
        """Return the numbers of the studies whose reads were begun, in order."""
        return [self.levels[round(read["level"], 4)] for read in self.reads()]

    def jobs(self, status: JobStatus) -> int:
        """Return how many jobs are in a status."""
        return self.store.counts().get(f"jobs_{status}", 0)

    def logged(self, words: str) -> bool:
        """Tell whether a worker said ``words``."""
        return words in self.log.read_text()

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait until ``done()``, or fail with what the processes said."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not done():
            if time.monotonic() > deadline:
                pytest.fail(f"{self.store.counts()}\n{self.reads()}\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)

    def until_read(self, count: int) -> None:
        """Wait until so many jobs are read, and see that each has one report."""
        self.wait(lambda: self.jobs(JobStatus.READ) == count)
        assert self.store.counts()["reports"] == count


@pytest.fixture
def ward(rabbitmq: RabbitMq, database_url: str, line: Line, tmp_path: Path) -> Iterator[Ward]:
    """Return a ward with nothing to read, on the machine's own time."""
    store = Store.open(database_url, clock=SystemClock())
    made = Ward(store=store, address=database_url, broker=rabbitmq, folder=tmp_path, line=line)
    yield made
    made.end()
    store.close()


def test_a_worker_killed_in_a_read_is_replaced_by_another(ward: Ward) -> None:
    """After the lease is over the other one reads the study again; there is one report."""
    ward.slow_down(LONG_S)
    ward.receive(1)
    ward.dispatch()
    killed = ward.start()
    ward.wait(lambda: len(ward.reads()) == 1)
    ward.slow_down(0.0)
    ward.start()
    killed.kill()
    ward.until_read(1)
    assert [read["pid"] == killed.pid for read in ward.reads()] == [True, False]


def test_a_worker_frozen_past_its_lease_writes_nothing_when_it_wakes(ward: Ward) -> None:
    """Its job is another's by then: its report is refused, and it goes on with the next study."""
    ward.slow_down(1.0)
    ward.receive(1)
    ward.dispatch()
    frozen = ward.start()
    ward.wait(lambda: len(ward.reads()) == 1)
    frozen.send_signal(signal.SIGSTOP)
    ward.slow_down(0.0)
    other = ward.start()
    ward.until_read(1)
    frozen.send_signal(signal.SIGCONT)
    ward.wait(lambda: ward.logged('"code":"lease_lost","decision":"drop"'))
    assert ward.store.counts()["reports"] == 1
    other.terminate()
    assert other.wait(WAIT_SECONDS_MAX) == 0
    ward.receive(2)
    ward.until_read(2)
    assert ward.reads()[-1]["pid"] == frozen.pid


def test_a_broker_that_crashes_loses_no_read(ward: Ward) -> None:
    """Studies that arrive while it is away are rung for when it is back."""
    ward.dispatch()
    ward.start()
    ward.receive(1)
    ward.until_read(1)
    ward.broker.daemon.kill()
    ward.receive(2)
    ward.wait(lambda: ward.refused > 0)
    ward.broker.daemon.start()
    ward.until_read(2)
    assert len(ward.reads()) == 2


def test_a_bell_that_was_lost_is_rung_again(ward: Ward) -> None:
    """The broker forgets a bell that nobody heard; the study is still due."""
    ward.receive(1)
    ward.dispatch()
    ward.wait(lambda: ward.rung > 0)
    with make_app(ward.bell).connection_for_write() as connection:
        connection.default_channel.queue_purge(queue_of(identity().key, prefix=ward.prefix))
    ward.start()
    ward.until_read(1)


def test_stat_overtakes_a_backlog(ward: Ward) -> None:
    """An urgent study is read after the batch in hand, before everything that waited."""
    ward.slow_down(0.3)
    for number in range(1, 9):
        ward.receive(number)
    ward.dispatch()
    ward.start()
    ward.wait(lambda: len(ward.reads()) >= 1)
    ward.receive(99, stat=True)
    ward.until_read(9)
    assert ward.numbers().index(99) <= 4
    assert sorted(ward.numbers()) == [*range(1, 9), 99]


def test_a_worker_told_to_stop_ends_its_read_and_hands_the_rest_back(ward: Ward) -> None:
    """Nothing waits for a lease to end, and no attempt is lost."""
    ward.slow_down(1.0)
    ward.receive(1)
    ward.receive(2)
    ward.dispatch()
    worker = ward.start()
    ward.wait(lambda: len(ward.reads()) == 1)
    worker.terminate()
    assert worker.wait(WAIT_SECONDS_MAX) == 0
    assert (ward.jobs(JobStatus.READ), ward.jobs(JobStatus.QUEUED)) == (1, 1)
    assert [job.attempts for job in ward.store.due_reads(9)] == [0]


def test_a_worker_that_cannot_stop_in_time_hands_its_read_back(ward: Ward) -> None:
    """It leaves with a status of its own before the deadline, and the study is due at once."""
    ward.slow_down(LONG_S)
    ward.receive(1)
    ward.dispatch()
    worker = ward.start(drain_seconds=2.0)
    ward.wait(lambda: len(ward.reads()) == 1)
    worker.terminate()
    assert worker.wait(LONG_S / 2) == EXIT_UNFINISHED
    ward.slow_down(0.0)
    ward.start()
    ward.until_read(1)


def test_a_defect_stops_the_worker_process(ward: Ward) -> None:
    """Whoever runs the workers sees the status; the next process tries once more, then it is buried."""
    (ward.folder / DEFECT).touch()
    ward.receive(1)
    ward.dispatch()
    first = ward.start()
    assert first.wait(WAIT_SECONDS_MAX) == EXIT_DEFECT
    ward.start()
    ward.wait(lambda: ward.jobs(JobStatus.DEAD) == 1)
    assert [letter.code for letter in ward.store.dead_letters()] == ["defect"]


def test_a_bell_says_a_job_and_nothing_else(ward: Ward) -> None:
    """What the broker holds of a study is an id, a lane and the name of the task."""
    job = DueRead(job_id=uuid.uuid4(), reader_key=identity().key, priority=Priority.STAT, attempts=0)
    make_ring(make_app(ward.bell), ward.bell)(job)
    with make_app(ward.bell).connection_for_read() as connection:
        message = connection.default_channel.basic_get(queue_of(job.reader_key, prefix=ward.prefix))
    arguments, options, _embedded = json.loads(message.body)
    assert (arguments, options) == ([str(job.job_id)], {})
    assert message.headers["task"] == RING
    assert message.properties["priority"] == PRIORITIES[Priority.STAT]
    assert message.properties["expiration"] == "2000"
