"""A parser in child processes: no message, however it is made, holds the gateway up or brings it down."""

from __future__ import annotations

import multiprocessing
import queue
import resource
import signal
from dataclasses import replace
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self, TypeAlias

from adapters.inbound import Parse
from gem_integration.domain.study import InboundEcg, InboundOrder, ParseLimits
from gem_integration.errors import GemIntegrationError, Unavailable, UnreadableMessage

Parsed: TypeAlias = tuple[InboundEcg | InboundOrder, ...]

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 2.0
READY = "ready"
TOO_SLOW = "the message takes longer to parse than the limit: it is kept for a person to look at"
TOO_LARGE = "the message needs more memory to parse than the limit: it is kept for a person to look at"
DIED = "the parser died on the message: it is kept for a person to look at"


class IsolatedParser:
    """Runs ``parse`` in ``children`` processes, each message bounded in time and memory.

    ``parse`` is a function of a module, so that a child can find it (one of ``FORMATS``).
    ``parse`` may be called from many threads; beyond the number of children they wait for their turn.
    """

    def __init__(
        self,
        parse: Parse,
        *,
        seconds_max: float = 10.0,
        memory_bytes_max: int = 4 * 1024**3,
        children: int = 2,
    ) -> None:
        self._seconds_max = seconds_max
        self._children = [_Child(parse, memory_bytes_max) for _ in range(children)]
        self._free: queue.SimpleQueue[_Child] = queue.SimpleQueue()
        for child in self._children:
            self._free.put(child)

    def __enter__(self) -> Self:
        """Start the children."""
        for child in self._children:
            child.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the children."""
        for child in self._children:
            child.stop()

    def parse(self, content: bytes, limits: ParseLimits) -> Parsed:
        """Parse as the format does; ``UnreadableMessage`` also where time or memory ran out.

        ``Unavailable`` when no child can be started.
        ``RuntimeError`` is a defect of the format's parser, named by its type only.
        """
        child = self._free.get()
        try:
            return child.parse(content, limits, self._seconds_max)
        finally:
            self._free.put(child)


class _Child:
    def __init__(self, parse: Parse, memory_bytes_max: int) -> None:
        self._parse, self._memory_bytes_max = parse, memory_bytes_max
        self._ours: Connection | None = None

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        arguments = (theirs, self._parse, self._memory_bytes_max)
        self._child = context.Process(target=_answer_all, args=arguments, daemon=True)
        self._child.start()
        self._is_ready = False
        theirs.close()

    def stop(self) -> None:
        if self._ours is None:
            return
        self._ours.close()
        self._ours = None
        self._child.join(STOP_SECONDS_MAX)
        if self._child.is_alive():
            self._child.kill()
            self._child.join()
        self._child.close()

    def parse(self, content: bytes, limits: ParseLimits, seconds_max: float) -> Parsed:
        try:
            return self._asked(content, limits, seconds_max)
        except TimeoutError as error:
            self._kill()
            raise UnreadableMessage(TOO_SLOW, seconds=seconds_max) from error
        except (EOFError, OSError) as error:
            self._kill()
            raise UnreadableMessage(DIED) from error

    def _asked(self, content: bytes, limits: ParseLimits, seconds_max: float) -> Parsed:
        ours = self._ready()
        ours.send((content, limits))
        answer = _received(ours, seconds_max)
        if isinstance(answer, GemIntegrationError):
            raise answer
        if isinstance(answer, tuple):
            return tuple(_frozen(item) for item in answer if isinstance(item, InboundEcg | InboundOrder))
        raise RuntimeError(f"a defect in the parser: {answer}")

    def _ready(self) -> Connection:
        if self._ours is None:
            self.start()
        assert self._ours is not None  # noqa: S101 - start opens it
        if not self._is_ready:
            self._await_start(self._ours)
        return self._ours

    def _await_start(self, ours: Connection) -> None:
        try:
            _received(ours, START_SECONDS_MAX)
        except (EOFError, OSError) as error:  # of which TimeoutError is one
            self._kill()
            raise Unavailable("the parser's process cannot be started now") from error
        self._is_ready = True

    def _kill(self) -> None:
        self._child.kill()
        self.stop()


def _received(ours: Connection, seconds_max: float) -> object:
    if not ours.poll(seconds_max):
        raise TimeoutError
    received: object = ours.recv()
    return received


def _frozen(item: InboundEcg | InboundOrder) -> InboundEcg | InboundOrder:
    # Arrays come out of a pickle writable; building the recording again closes them.
    return replace(item, recording=replace(item.recording)) if isinstance(item, InboundEcg) else item


def _answer_all(theirs: Connection, parse: Parse, memory_bytes_max: int) -> None:
    """Live in the child: answer every message until the parent closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes_max, memory_bytes_max))
    theirs.send(READY)
    while True:
        try:
            content, limits = theirs.recv()
        except EOFError:
            return
        theirs.send(_answered(parse, content, limits))


def _answered(parse: Parse, content: bytes, limits: ParseLimits) -> object:
    try:
        return parse(content, limits)
    except GemIntegrationError as error:
        return error
    except MemoryError:
        return UnreadableMessage(TOO_LARGE)
    except Exception as error:  # noqa: BLE001 - the parent decides its fate; its words may hold anything
        return type(error).__name__
