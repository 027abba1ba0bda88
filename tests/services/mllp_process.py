"""An MLLP gateway as a process of its own: ``python -m tests.services.mllp_process DATABASE_URL``."""

from __future__ import annotations

import asyncio
import sys

from adapters.inbound.intake import Intake
from adapters.inbound.mllp import serve_mllp, stop_on_signals
from adapters.inbound.mllp.settings import MllpSettings
from gem_integration.clock import SystemClock
from gem_integration.domain.study import ParseLimits
from gem_integration.observability import configure_logging
from gem_integration.storage import Store


async def serve(database_url: str) -> None:
    """Serve until a signal; print the port when ready."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    store = Store.open(database_url, clock=SystemClock())
    intake = Intake(store=store, reader_key="rules", limits=ParseLimits(), clock=SystemClock())
    settings = MllpSettings(port=0, stop_seconds_max=2.0)
    await serve_mllp(settings, intake, stop=stop, on_ready=lambda port: print(port, flush=True))  # noqa: T201
    store.close()


if __name__ == "__main__":
    configure_logging(level="info")
    asyncio.run(serve(sys.argv[1]))
