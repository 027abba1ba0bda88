"""The whole line in one process: the embedded default, built once and passed in."""

from __future__ import annotations

from collections.abc import Callable

from adapters.inbound.intake import Intake, TakenIn, take_in
from adapters.outbound import SINKS
from adapters.outbound.relay import Relay, relay_due
from gem_integration.clock import SystemClock
from gem_integration.domain.study import InboundMessage
from gem_integration.ports import EcgReader
from gem_integration.settings import Settings
from gem_integration.storage import Store
from workers.tasks import Worker, read_due

HOLDER = "embedded"
ROUNDS_MAX = 10_000


class EmbeddedLine:
    """Receives, reads and delivers in this process, through the functions the separate processes use."""

    def __init__(self, settings: Settings, store: Store, reader: EcgReader) -> None:
        clock = SystemClock()
        self.store = store
        self._intake = Intake(
            store=store, reader_key=reader.identity.key, limits=settings.parse_limits(), clock=clock
        )
        self._worker = Worker(
            store=store,
            reader=reader,
            clock=clock,
            holder=HOLDER,
            sinks=settings.sinks,
            lease_seconds=settings.lease_seconds,
            batch_max=settings.lease_batch_max,
        )
        self._relay = Relay(
            store=store,
            sinks={name: SINKS[name](str(settings.output_dir)) for name in settings.sinks},
            holder=HOLDER,
            lease_seconds=settings.lease_seconds,
            batch_max=settings.lease_batch_max,
        )

    def take_in(self, message: InboundMessage) -> TakenIn:
        """Receive one message, or bury it."""
        return take_in(message, self._intake)

    def read_all_due(self) -> None:
        """Read until nothing is due."""
        _until_idle(lambda: read_due(self._worker))

    def deliver_all_due(self) -> None:
        """Deliver until nothing is due."""
        _until_idle(lambda: relay_due(self._relay))


def _until_idle(step: Callable[[], int]) -> None:
    for _ in range(ROUNDS_MAX):
        if step() == 0:
            return
