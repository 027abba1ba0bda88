"""A worker leases due reads and ends each as a report, a retry or a dead letter; what is left goes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from celery.worker import state

from gem_integration.domain.reading import Interpretation, Priority, ReadRequest, StopReason
from gem_integration.errors import LeaseLost, ReaderUnavailable, StorageUnavailable
from gem_integration.pipeline.receive import receive
from gem_integration.ports import Delivery
from gem_integration.simulate import SCENARIOS, simulate
from gem_integration.storage import Store
from tests.services.drawn_line import Line
from tests.services.stores import SetClock
from workers.app import EXIT_DEFECT, RING, Bell, add_task, make_app, queue_of
from workers.desk import EXIT_UNFINISHED, leave_within
from workers.readers.rules import RulesReader
from workers.tasks import Worker, read_due, read_for_ever, read_while_due

TEXT = "Sinus rhythm. The PR interval is 160 ms."
BATCH = 4


class ScriptedReader:
    """A reader that does what the test tells it before it writes."""

    def __init__(self) -> None:
        self.identity = replace(RulesReader().identity, name="scripted")
        self.before: Callable[[int], object] = lambda _: None
        self.reads = 0

    def read(self, request: ReadRequest) -> Interpretation:
        """Write the same text each time."""
        self.reads += 1
        self.before(self.reads)
        return Interpretation(text=TEXT, reader=self.identity, stop_reason=StopReason.END, seconds=0.0)


class Ward:
    """A worker with its store and reader, and studies to read."""

    def __init__(self, store: Store, clock: SetClock, make_delivery: Callable[..., Delivery]) -> None:
        self.store, self.clock, self.reader = store, clock, ScriptedReader()
        self.line = Line(store, clock, make_delivery)
        self.worker = Worker(
            store=store,
            reader=self.reader,
            clock=clock,
            holder="w1",
            sinks=("files",),
            lease_seconds=60.0,
            batch_max=BATCH,
        )

    def receive(self, *numbers: int, stat: bool = False) -> None:
        """Receive studies."""
        recording = simulate(SCENARIOS["normal_sinus"]).recording
        for number in numbers:
            samples = recording.samples_mv * (1.0 + number / 100)
            ecg = self.line.ecg(number, recording=replace(recording, samples_mv=samples), stat=stat)
            receive(
                self.line.message(f"MSH|{number}".encode()),
                ecg,
                store=self.store,
                reader_key=self.reader.identity.key,
                clock=self.clock,
            )

    def jobs(self) -> dict[str, int]:
        """Return how many jobs there are by status."""
        counts = self.store.counts()
        return {
            name.removeprefix("jobs_"): number for name, number in counts.items() if name.startswith("jobs_")
        }


@pytest.fixture
def ward(sqlite_store: Store, clock: SetClock, make_delivery: Callable[..., Delivery]) -> Ward:
    """Return a ward with nothing to read."""
    return Ward(sqlite_store, clock, make_delivery)


def test_a_batch_is_read_and_an_empty_queue_is_no_work(ward: Ward) -> None:
    """Every leased job becomes a report."""
    ward.receive(1, 2)
    assert read_due(ward.worker) == 2
    assert read_due(ward.worker) == 0
    assert ward.jobs() == {"read": 2}
    assert ward.store.counts()["reports"] == 2


def test_one_ring_reads_all_that_is_due(ward: Ward) -> None:
    """More than a batch is read batch after batch."""
    ward.receive(*range(1, BATCH + 2))
    read_while_due(ward.worker)
    assert ward.jobs() == {"read": BATCH + 1}


def test_a_ring_ends_when_its_time_is_over(ward: Ward) -> None:
    """The bell is acknowledged in time; the next one goes on."""
    ward.receive(*range(1, BATCH + 2))
    read_while_due(ward.worker, seconds_max=0.0)
    assert ward.jobs() == {"read": BATCH, "queued": 1}


def test_a_worker_told_to_leave_ends_its_read_and_hands_the_rest_back(ward: Ward) -> None:
    """The jobs it did not begin are due at once, their attempt uncounted."""
    ward.receive(1, 2, 3)
    ward.reader.before = lambda _: ward.worker.desk.close()
    read_while_due(ward.worker)
    assert ward.jobs() == {"read": 1, "queued": 2}
    assert {job.attempts for job in ward.store.due_reads(9)} == {0}


def test_a_job_whose_lease_ends_before_its_turn_is_handed_back(ward: Ward) -> None:
    """A slow batch begins nothing that may be another's by now."""
    ward.receive(1, 2, 3)
    ward.reader.before = lambda _: ward.clock.advance(31)
    read_due(ward.worker)
    assert ward.reader.reads == 2
    assert ward.jobs() == {"read": 2, "queued": 1}


def test_a_defect_stops_the_batch_and_hands_the_rest_back(ward: Ward) -> None:
    """The job of the defect is due for one more attempt; the others are as before."""
    ward.receive(1, 2, 3)
    ward.reader.before = lambda _: 1 / 0
    with pytest.raises(ZeroDivisionError):
        read_due(ward.worker)
    assert ward.jobs() == {"queued": 3}
    assert sorted(job.attempts for job in ward.store.due_reads(9)) == [0, 0, 1]


def test_a_reader_that_cannot_work_leaves_the_job_due_later(ward: Ward) -> None:
    """The next job of the batch is still read."""

    def once(number: int) -> None:
        if number == 1:
            raise ReaderUnavailable("the device is busy")

    ward.receive(1, 2)
    ward.reader.before = once
    assert read_due(ward.worker) == 2
    assert ward.jobs() == {"read": 1, "queued": 1}
    assert ward.store.due_reads(9) == ()


@pytest.mark.parametrize("fails", [False, True])
def test_a_read_that_outlives_its_lease_writes_nothing(ward: Ward, fails: bool) -> None:
    """Another holder took the job meanwhile: neither this report nor this failure is kept."""
    ward.receive(1)

    def taken_over(_: int) -> None:
        ward.clock.advance(61)
        (job,) = ward.store.lease_reads(1, "w2", 60)
        assert job.attempts == 2
        if fails:
            raise ReaderUnavailable("the device is gone")

    ward.reader.before = taken_over
    read_due(ward.worker)
    assert ward.jobs() == {"leased": 1}
    assert ward.store.counts()["reports"] == 0


def test_stat_is_read_before_what_came_earlier(ward: Ward) -> None:
    """A backlog does not hold up an urgent study."""
    ward.receive(1, 2)
    ward.receive(3, stat=True)
    (job,) = ward.store.lease_reads(1, "w1", 60)
    assert job.priority is Priority.STAT


def test_a_worker_out_of_time_gives_its_read_up(ward: Ward) -> None:
    """Near the deadline the job in progress is handed back, and the process leaves."""
    ward.receive(1)
    left = threading.Event()
    statuses: list[int] = []

    def leave(status: int) -> None:
        statuses.append(status)
        left.set()

    def told_to_leave(_: int) -> None:
        leave_within(0.1, ward.worker.desk, ward.store, leave=leave)
        assert left.wait(10)

    ward.reader.before = told_to_leave
    read_due(ward.worker)
    assert statuses == [EXIT_UNFINISHED]
    assert ward.jobs() == {"queued": 1}
    assert ward.store.counts()["reports"] == 0


def test_handing_back_asks_an_absent_database_once(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """The leases end by themselves: a worker that leaves does not wait for each in turn."""
    asked: list[object] = []

    def away(job: object) -> None:
        asked.append(job)
        raise StorageUnavailable("away")

    ward.receive(1, 2, 3)
    ward.worker.desk.take(ward.store.lease_reads(3, "w1", 60))
    monkeypatch.setattr(Store, "hand_back", lambda _, job: away(job))
    assert ward.worker.desk.give_back(ward.store) == 0
    assert len(asked) == 1


def test_what_another_holds_is_theirs(ward: Ward) -> None:
    """Handing back after the lease is over changes nothing."""
    ward.receive(1)
    ward.worker.desk.take(ward.store.lease_reads(1, "w1", 1))
    ward.clock.advance(1)
    (theirs,) = ward.store.lease_reads(1, "w2", 60)
    assert ward.worker.desk.give_back(ward.store) == 0
    ward.store.hand_back(theirs)
    with pytest.raises(LeaseLost):
        ward.store.hand_back(theirs)


def test_a_worker_without_a_broker_reads_when_its_bell_rings(ward: Ward) -> None:
    """It sleeps in between, outlives an absent database, and stops when told."""
    stop, bell = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=read_for_ever, args=(ward.worker,), kwargs={"stop": stop, "bell": bell, "interval_s": 60.0}
    )
    ward.receive(1)
    thread.start()
    for _ in range(200):
        bell.set()
        if ward.jobs() == {"read": 1}:
            break
        stop.wait(0.02)
    stop.set()
    bell.set()
    thread.join(10)
    assert not thread.is_alive()
    assert ward.jobs() == {"read": 1}


@pytest.fixture
def celery_task(ward: Ward):
    """Return the task of a Celery application that is connected to nothing."""
    app = make_app(Bell(broker_url="amqp://nobody@127.0.0.1:1//"))
    add_task(app, ward.worker)
    yield app.tasks[RING]
    state.should_stop = None


def test_the_task_reads_whatever_is_due(ward: Ward, celery_task) -> None:
    """The id on the bell is only a hint."""
    ward.receive(1, 2)
    assert celery_task.apply(args=("no such job",)).successful()
    assert ward.jobs() == {"read": 2}
    assert state.should_stop is None


def test_an_absent_database_does_not_stop_the_worker(celery_task, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows stay due, and the bell is rung again."""

    def away(*_: object, **__: object) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(Store, "lease_reads", away)
    assert celery_task.apply(args=("x",)).successful()
    assert state.should_stop is None


def test_a_defect_stops_the_worker_with_a_status(ward: Ward, celery_task) -> None:
    """Whoever runs the process sees that a person must look."""
    ward.receive(1)
    ward.reader.before = lambda _: 1 / 0
    assert celery_task.apply(args=("x",)).failed()
    assert state.should_stop == EXIT_DEFECT


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("rules|1|-|-|0.1", "gem-integration.reads.rules"),
        ("rules|2|-|-|0.2", "gem-integration.reads.rules"),
        ("replay (canned text)|1|-|-|0", "gem-integration.reads.replay-canned-text-"),
    ],
)
def test_the_versions_of_a_reader_share_a_queue(key: str, name: str) -> None:
    """A bell is heard by whoever runs the reader now."""
    assert queue_of(key) == name
    assert len(queue_of("x" * 999)) < 255
