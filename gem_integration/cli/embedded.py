"""The whole line in one process and one thread, step by step: for the demo and for tests."""

from __future__ import annotations

from collections.abc import Callable

from adapters.inbound.intake import TakenIn, take_in
from adapters.outbound.relay import relay_due
from gem_integration.cli.building import intake_of, relay_of, worker_of
from gem_integration.domain.study import InboundMessage
from gem_integration.ports import EcgReader
from gem_integration.settings import Settings
from gem_integration.storage import Store
from workers.tasks import read_due

ROUNDS_MAX = 10_000


class EmbeddedLine:
    """Receives, reads and delivers in this process, through the functions the separate processes use."""

    def __init__(self, settings: Settings, store: Store, reader: EcgReader) -> None:
        self.store = store
        self._intake = intake_of(settings, store, reader)
        self._worker = worker_of(settings, store, reader)
        self._relay = relay_of(settings, store)

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
