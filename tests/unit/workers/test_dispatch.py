"""The dispatcher rings for what is due, once, and again when nobody came."""

from __future__ import annotations

import threading
import uuid

import pytest

from gem_integration.domain.reading import Priority
from gem_integration.errors import StorageUnavailable, Unavailable
from gem_integration.storage.due import DueRead
from workers.dispatch import Dispatcher, DispatchSettings

SETTINGS = DispatchSettings(interval_s=0.001, ring_again_s=30.0, due_max=3, retry_s_max=0.004)


def job(number: int, attempts: int = 0) -> DueRead:
    """Return a due job."""
    return DueRead(
        job_id=uuid.UUID(int=number), reader_key="rules|1", priority=Priority.ROUTINE, attempts=attempts
    )


class World:
    """A store that says what the test lets be due, a bell that can be away, and a clock."""

    def __init__(self) -> None:
        self.due: list[DueRead] = []
        self.rung: list[int] = []
        self.bell_away = self.store_away = False
        self.now = 0.0
        self.dispatcher = Dispatcher(self, self.ring, SETTINGS, seconds=lambda: self.now)

    def due_reads(self, limit: int) -> tuple[DueRead, ...]:
        """Return what is due."""
        if self.store_away:
            raise StorageUnavailable("away")
        return tuple(self.due[:limit])

    def ring(self, due: DueRead) -> None:
        """Keep whom the bell rang for."""
        if self.bell_away:
            raise Unavailable("away")
        self.rung.append(due.job_id.int)

    def run_until(self, done) -> None:
        """Run the dispatcher in a thread until ``done()``."""
        stop = threading.Event()
        thread = threading.Thread(target=self.dispatcher.run, args=(stop,))
        thread.start()
        for _ in range(2_000):
            if done():
                break
            stop.wait(0.005)
        stop.set()
        thread.join(5)
        assert not thread.is_alive()
        assert done()


@pytest.fixture
def world() -> World:
    """Return a world in which nothing is due."""
    return World()


def test_each_due_job_is_rung_for_once(world: World) -> None:
    """The next round is silent while the job waits for a worker."""
    world.due = [job(1), job(2)]
    assert [world.dispatcher.ring_due() for _ in range(3)] == [2, 0, 0]
    assert world.rung == [1, 2]


def test_a_job_that_stays_due_is_rung_for_again(world: World) -> None:
    """A bell that was lost costs the time to the next ring and nothing else."""
    world.due = [job(1)]
    for now in (0.0, 29.9, 30.0, 59.0, 60.0):
        world.now = now
        world.dispatcher.ring_due()
    assert world.rung == [1, 1, 1]


def test_a_job_that_was_leased_and_came_back_is_rung_for_at_once(world: World) -> None:
    """A worker that was killed leaves an expired lease: the job is another one to ring for."""
    world.due = [job(1, attempts=0)]
    world.dispatcher.ring_due()
    world.due = [job(1, attempts=1)]
    assert world.dispatcher.ring_due() == 1


def test_memory_holds_no_more_than_what_is_due(world: World) -> None:
    """Jobs that are leased or done are forgotten, and no more are rung for than the bound."""
    world.due = [job(number) for number in range(9)]
    assert world.dispatcher.ring_due() == SETTINGS.due_max
    for first in range(1, 9):
        world.due = [job(number) for number in range(first, 9)]
        world.dispatcher.ring_due()
        assert world.dispatcher.remembered <= SETTINGS.due_max
    world.due = []
    world.dispatcher.ring_due()
    assert world.dispatcher.remembered == 0


def test_while_the_bell_is_away_nothing_is_forgotten(world: World) -> None:
    """What was not rung for is rung for when the broker is back."""
    world.due, world.bell_away = [job(1), job(2)], True
    with pytest.raises(Unavailable):
        world.dispatcher.ring_due()
    world.bell_away = False
    assert world.dispatcher.ring_due() == 2


@pytest.mark.parametrize("away", ["bell_away", "store_away"])
def test_the_loop_outlives_what_is_away(world: World, away: str) -> None:
    """A database or broker that comes back finds the dispatcher still ringing, and a stop ends it."""
    world.due = [job(1)]
    setattr(world, away, True)
    threading.Timer(0.05, lambda: setattr(world, away, False)).start()
    world.run_until(lambda: world.rung == [1])


def test_a_defect_stops_the_loop(world: World) -> None:
    """An error that is not of the world is not waited for."""
    world.due = [job(1)]
    world.dispatcher = Dispatcher(world, lambda _: 1 / 0, SETTINGS)
    with pytest.raises(ZeroDivisionError):
        world.dispatcher.run(threading.Event())


def test_settings_that_cannot_work_are_refused() -> None:
    """A dispatcher that never waits would only ask."""
    with pytest.raises(ValueError, match="at least one job"):
        DispatchSettings(due_max=0)
