"""Records of one patient go one after the other, those of others beside them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

import pytest

from adapters.inbound.kafka.lanes import EndedAs, Ending, Lanes, Task
from adapters.inbound.kafka.progress import Progress
from tests.unit.adapters.kafka_records_drawn import DrawnRecord

DONE = Ending(as_=EndedAs.TAKEN_IN)
SECONDS = 10


def task(offset, key=b"k", progress=None):
    """Return a task of one record."""
    return Task(record=DrawnRecord(offset=offset, key=key), progress=progress or Progress())


@pytest.fixture
def lanes_of():
    """Return a builder of lanes that are closed at the end."""
    opened = []

    def build(work, threads=4):
        opened.append(Lanes(work, threads))
        return opened[-1]

    yield build
    for lanes in opened:
        lanes.close()


def drained(lanes, count):
    """Return the first ``count`` endings."""
    endings = []
    deadline = time.monotonic() + SECONDS
    while len(endings) < count and time.monotonic() < deadline:
        endings.extend(lanes.ended())
        time.sleep(0.002)
    assert len(endings) == count
    return endings


def test_a_lane_keeps_its_order_whatever_the_threads_do(lanes_of):
    """Never two of one patient at once, never one before an earlier one."""
    seen, busy = defaultdict(list), set()

    def work(task):
        assert task.record.key not in busy
        busy.add(task.record.key)
        time.sleep(task.record.offset % 5 / 2000)
        seen[task.record.key].append(task.record.offset)
        busy.discard(task.record.key)
        return DONE

    lanes = lanes_of(work)
    for offset in range(200):
        lanes.put(task(offset, key=b"p%d" % (offset % 7)))
    drained(lanes, 200)
    assert lanes.load == (0, 0)
    assert all(offsets == sorted(offsets) for offsets in seen.values())


def test_one_lane_that_is_stuck_holds_up_no_other(lanes_of):
    """A slow patient is slow alone."""
    release = threading.Event()
    lanes = lanes_of(lambda task: (task.record.key == b"slow" and release.wait(SECONDS), DONE)[1], threads=2)
    lanes.put(task(0, key=b"slow"))
    for offset in range(1, 20):
        lanes.put(task(offset, key=b"%d" % offset))
    assert b"slow" not in {ended.record.key for ended, _ in drained(lanes, 19)}
    release.set()
    drained(lanes, 1)


def test_what_failed_for_the_world_is_tried_again_first_and_all_rest_meanwhile(lanes_of):
    """Order holds through an outage, and the outage is not hammered."""
    tried = []

    def work(task):
        tried.append((task.record.offset, time.monotonic()))
        return Ending(as_=EndedAs.LATER, delay_s=0.2) if len(tried) == 1 else DONE

    lanes = lanes_of(work, threads=1)
    for offset in range(3):
        lanes.put(task(offset))
    drained(lanes, 1)
    assert lanes.is_resting
    drained(lanes, 3)
    assert [offset for offset, _ in tried] == [0, 0, 1, 2]
    assert tried[1][1] - tried[0][1] >= 0.2


def test_what_waits_for_a_lost_partition_is_dropped_and_what_runs_is_awaited(lanes_of):
    """Its new owner begins with a clear table."""
    started, release = threading.Event(), threading.Event()

    def work(_task):
        started.set()
        release.wait(SECONDS)
        return DONE

    lanes, lost, kept = lanes_of(work, threads=1), Progress(), Progress()
    for offset, progress in enumerate((lost, lost, kept)):
        lanes.put(task(offset, progress=progress))
    started.wait(SECONDS)
    lanes.drop(lambda task: task.progress is lost)
    assert not lanes.wait(lambda task: task.progress is lost, 0.01)
    release.set()
    assert lanes.wait(lambda task: task.progress is lost, SECONDS)
    assert [ended.record.offset for ended, _ in drained(lanes, 2)] == [0, 2]


def test_a_lost_partition_is_not_tried_again(lanes_of):
    """Another consumer has it now."""
    progress = Progress()
    progress.is_over = True
    lanes = lanes_of(lambda _: Ending(as_=EndedAs.LATER))
    lanes.put(task(0, progress=progress))
    drained(lanes, 1)
    assert lanes.load == (0, 0)
