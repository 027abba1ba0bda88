"""``serve`` and its parts one by one: ``consume``, ``gateway-mllp``, ``gateway-dimse``, ``deliver``."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable

import click

from gem_integration.cli.building import (
    dimse_of,
    intake_of,
    kafka_of,
    mllp_of,
    relay_of,
    worker_of,
)
from gem_integration.cli.memory import database_option, open_store
from gem_integration.cli.read import reader_named
from gem_integration.settings import Settings
from gem_integration.storage import Store


@click.command("serve")
@database_option
@click.option("--dicom/--no-dicom", default=True, show_default=True, help="open the DICOM port too")
@click.pass_obj
def serve_command(settings: Settings, *, database_url: str | None, dicom: bool) -> None:
    """Receive by MLLP and DICOM, read and deliver, all in this process, until stopped."""
    settings = with_database(settings, database_url)
    store = open_store(settings, None)
    store.migrate()
    line = Line()
    line.start("mllp", lambda: _mllp(settings, store, line))
    if dicom:
        line.start("dimse", lambda: _dimse(settings, store, line))
    line.start("read", lambda: _read(settings, store, line))
    line.start("deliver", lambda: _deliver(settings, store, line))
    line.wait()


@click.command("gateway-mllp")
@database_option
@click.pass_obj
def gateway_mllp_command(settings: Settings, *, database_url: str | None) -> None:
    """Receive HL7 v2 by MLLP until stopped."""
    settings = with_database(settings, database_url)
    _run_alone(lambda line: _mllp(settings, open_store(settings, None), line))


@click.command("gateway-dimse")
@database_option
@click.pass_obj
def gateway_dimse_command(settings: Settings, *, database_url: str | None) -> None:
    """Receive DICOM ECGs by C-STORE until stopped."""
    settings = with_database(settings, database_url)
    _run_alone(lambda line: _dimse(settings, open_store(settings, None), line))


@click.command("consume")
@database_option
@click.pass_obj
def consume_command(settings: Settings, *, database_url: str | None) -> None:
    """Take in what the Kafka topics hold until stopped."""
    if not settings.kafka_servers:
        raise click.UsageError("there is no Kafka to consume: set GEM_KAFKA_SERVERS")
    from adapters.inbound.kafka import consume

    intake = intake_of(settings, open_store(settings, database_url), reader_named(settings.reader))
    _run_alone(lambda line: consume(kafka_of(settings), intake, stop=line.stop))


@click.command("deliver")
@database_option
@click.pass_obj
def deliver_command(settings: Settings, *, database_url: str | None) -> None:
    """Deliver due reports to their sinks until stopped."""
    settings = with_database(settings, database_url)
    _run_alone(lambda line: _deliver(settings, open_store(settings, None), line))


def with_database(settings: Settings, database_url: str | None) -> Settings:
    """Return the settings with the database the command names, if it names one."""
    return settings.model_copy(update={"database_url": database_url}) if database_url else settings


class Line:
    """The parts of one process: each in a thread, all stopped by a signal or by the first that ends."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.stop_actions: list[Callable[[], object]] = []
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        threading.excepthook = self._keep_error
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=self.end).start())

    def start(self, name: str, part: Callable[[], object]) -> None:
        """Run ``part`` until it ends; its end ends the others."""

        def run() -> None:
            try:
                part()
            finally:
                self.end()

        self._threads.append(threading.Thread(target=run, name=name))
        self._threads[-1].start()

    def end(self) -> None:
        """Tell every part to finish what it holds and end."""
        self.stop.set()
        for act in self.stop_actions:
            act()

    def wait(self) -> None:
        """Return when every part has ended; raise the first error that ended one."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(0.5)
        if self._errors:
            raise self._errors[0]

    def _keep_error(self, hooked: threading.ExceptHookArgs) -> None:
        if hooked.exc_value is not None:
            self._errors.append(hooked.exc_value)


def _run_alone(part: Callable[[Line], object]) -> None:
    line = Line()
    line.start("only", lambda: part(line))
    line.wait()


def _mllp(settings: Settings, store: Store, line: Line) -> None:
    from adapters.inbound.mllp import serve_mllp

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        line.stop_actions.append(lambda: loop.is_closed() or loop.call_soon_threadsafe(stop.set))
        if line.stop.is_set():
            return
        await serve_mllp(
            mllp_of(settings),
            intake_of(settings, store, reader_named(settings.reader)),
            stop=stop,
            on_ready=lambda port: click.echo(f"MLLP on {settings.listen_host}:{port}"),
        )

    asyncio.run(serve())


def _dimse(settings: Settings, store: Store, line: Line) -> None:
    from adapters.inbound.dimse import landing_in, serve_dimse

    serve_dimse(
        dimse_of(settings),
        landing_in(intake_of(settings, store, reader_named(settings.reader))),
        stop=line.stop,
        started=lambda port: click.echo(f"DICOM on {settings.listen_host}:{port}"),
    )


def _read(settings: Settings, store: Store, line: Line) -> None:
    from workers.tasks import read_for_ever

    worker, bell = worker_of(settings, store, reader_named(settings.reader)), threading.Event()
    line.stop_actions += [worker.desk.close, bell.set]
    read_for_ever(worker, stop=line.stop, bell=bell, interval_s=settings.dispatch_seconds)


def _deliver(settings: Settings, store: Store, line: Line) -> None:
    from adapters.outbound.relay import relay_for_ever

    relay_for_ever(relay_of(settings, store), stop=line.stop, interval_s=settings.deliver_seconds)
