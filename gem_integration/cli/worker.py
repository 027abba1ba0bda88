"""``gem-integration worker`` and ``dispatch``: read what is due, and ring for it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from gem_integration.cli.building import worker_of
from gem_integration.cli.memory import database_option, open_store
from gem_integration.cli.read import reader_named
from gem_integration.observability import Event, log_event
from gem_integration.settings import Settings

if TYPE_CHECKING:
    from workers.tasks import Worker


@click.command("worker")
@click.option("--reader", "reader_name", help="a name of READERS; default GEM_READER")
@database_option
@click.pass_obj
def worker_command(settings: Settings, *, reader_name: str | None, database_url: str | None) -> None:
    """Read due studies until stopped; with a broker on its bell, without one by asking the database."""
    store = open_store(settings, database_url)
    worker = worker_of(settings, store, reader_named(reader_name or settings.reader))
    if settings.broker_url is None:
        _ask_the_database(worker, settings)
    else:
        sys.exit(_answer_the_bell(worker, settings, settings.broker_url))


@click.command("dispatch")
@database_option
@click.pass_obj
def dispatch_command(settings: Settings, *, database_url: str | None) -> None:
    """Ring for every due read until stopped; several may run."""
    if settings.broker_url is None:
        raise click.UsageError("there is no broker to ring with: set GEM_BROKER_URL, or run workers without")
    from workers.app import Bell, make_app, make_ring
    from workers.dispatch import Dispatcher, DispatchSettings

    bell = Bell(broker_url=settings.broker_url, bell_lives_s=settings.ring_again_seconds)
    rounds = DispatchSettings(interval_s=settings.dispatch_seconds, ring_again_s=settings.ring_again_seconds)
    stop = threading.Event()
    _on_signal(stop.set)
    dispatcher = Dispatcher(open_store(settings, database_url), make_ring(make_app(bell), bell), rounds)
    dispatcher.run(stop)


def _answer_the_bell(worker: Worker, settings: Settings, broker_url: str) -> int:
    from workers.app import Bell, answer, make_app

    bell = Bell(broker_url=broker_url, bell_lives_s=settings.ring_again_seconds)
    return answer(make_app(bell), bell, worker, drain_seconds=settings.drain_seconds)


def _ask_the_database(worker: Worker, settings: Settings) -> None:
    from workers.desk import leave_within
    from workers.tasks import read_for_ever

    stop, bell = threading.Event(), threading.Event()

    def leave() -> None:
        leave_within(settings.drain_seconds, worker.desk, worker.store)
        stop.set()
        bell.set()

    _on_signal(leave)
    log_event(Event.WORKER_STARTED, reader=worker.reader.identity.name)
    read_for_ever(worker, stop=stop, bell=bell, interval_s=settings.dispatch_seconds)
    log_event(Event.WORKER_STOPPED)


def _on_signal(act: Callable[[], object]) -> None:
    # In a thread of its own: the signal may come while this one holds the very lock that is to be set.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=act).start())
