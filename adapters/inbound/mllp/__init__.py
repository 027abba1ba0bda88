"""The MLLP gateway: bytes from many peers → frames → durable → acknowledgement."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from adapters.inbound import FORMATS
from adapters.inbound.intake import Intake
from adapters.inbound.isolated import IsolatedParser
from adapters.inbound.mllp.answer import Answering
from adapters.inbound.mllp.connection import Connection, Room
from adapters.inbound.mllp.register import Register
from adapters.inbound.mllp.settings import MllpSettings, certificate_names
from adapters.inbound.mllp.take import Prepare, receiving
from gem_integration.domain.study import MediaType
from gem_integration.errors import Unavailable
from gem_integration.observability import Event, log_event

PARSERS = 2
#: What may still be under way when frames no longer are: a parse at its limit, a commit that waits.
LAST_ANSWERS_SECONDS_MAX = 10.0
BACKLOG = 1024


async def serve_mllp(
    settings: MllpSettings,
    intake: Intake,
    *,
    stop: asyncio.Event,
    prepare: Prepare | None = None,
    on_ready: Callable[[int], None] | None = None,
) -> Mapping[str, int]:
    """Answer frames until ``stop`` is set, then finish what is under way; return what was counted.

    Messages are received here, or handed on by ``prepare``; answers are remembered in the intake's
    store either way. ``on_ready`` is told the port. ``Unavailable`` if the port cannot be opened.
    """
    with ExitStack() as stack:
        register = Register(intake.store)
        stack.callback(register.close)
        if prepare is None:
            parser = stack.enter_context(IsolatedParser(FORMATS[MediaType.HL7V2], children=PARSERS))
            threads = stack.enter_context(ThreadPoolExecutor(PARSERS, thread_name_prefix="mllp-parse"))
            prepare = receiving(intake, parser.parse, threads)
        answering = Answering(settings, register, prepare=prepare, clock=intake.clock)
        await _Gateway(settings, answering).serve(stop, on_ready)
        return dict(answering.counts)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` at SIGTERM or SIGINT; to be called inside the running loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


class _Gateway:
    def __init__(self, settings: MllpSettings, answering: Answering) -> None:
        self._settings = settings
        self._answering = answering
        self._room = Room(settings.held_bytes_max)
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._by_address: Counter[str] = Counter()

    async def serve(self, stop: asyncio.Event, on_ready: Callable[[int], None] | None) -> None:
        server = await self._listen()
        port = int(server.sockets[0].getsockname()[1])
        log_event(Event.GATEWAY_STARTED, port=port)
        if on_ready is not None:
            on_ready(port)
        try:
            await stop.wait()
        finally:
            server.close()
            await self._finish()
            await server.wait_closed()
            log_event(Event.GATEWAY_STOPPED, port=port)

    async def _listen(self) -> asyncio.Server:
        settings = self._settings
        context = settings.tls.context() if settings.tls else None
        try:
            return await asyncio.start_server(
                self._accept,
                settings.host,
                settings.port,
                ssl=context,
                ssl_handshake_timeout=settings.handshake_seconds_max if context else None,
                backlog=BACKLOG,
            )
        except OSError as error:
            reason = "the MLLP port cannot be opened: is the address ours, and the port free?"
            raise Unavailable(reason, port=settings.port) from error

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("local",))[0])
        names = certificate_names(writer.get_extra_info("peercert"))
        peer = self._settings.peer_of(address, names)
        refusal = "not_admitted" if peer is None else self._too_many(address)
        if peer is None or refusal is not None:
            self._answering.counts[f"connections_{refusal}"] += 1
            log_event(Event.CONNECTION_REFUSED, peer=address, code=refusal)
            writer.transport.abort()
            return
        connection = Connection(self._settings, self._answering, self._room, peer=peer.source_of(address))
        await self._follow(connection, address, reader, writer)

    async def _follow(
        self,
        connection: Connection,
        address: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs every connection as a task
        self._connections[task] = connection
        self._by_address[address] += 1
        try:
            await connection.follow(reader, writer)
        except asyncio.CancelledError:
            pass  # cut at the end of stopping; asyncio would report the end of this task as an error
        finally:
            del self._connections[task]
            self._by_address[address] -= 1

    def _too_many(self, address: str) -> str | None:
        if len(self._connections) >= self._settings.connections_max:
            return "too_many"
        if self._by_address[address] >= self._settings.connections_per_peer_max:
            return "too_many_of_peer"
        return None

    async def _finish(self) -> None:
        """Let frames end within the time for it, answers a little longer; then cut what is left."""
        for connection in self._connections.values():
            connection.stop()
        if tasks := set(self._connections):
            seconds_max = self._settings.stop_seconds_max + LAST_ANSWERS_SECONDS_MAX
            _, left = await asyncio.wait(tasks, timeout=seconds_max)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)  # what was cut is closed in the loop's next round
