"""Small orders through the MLLP gateway into SQL at 10,000 a minute: time from frame to AA."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from adapters.inbound.intake import Intake
from adapters.inbound.mllp import serve_mllp
from adapters.inbound.mllp.settings import MllpSettings
from gem_integration.clock import SystemClock
from gem_integration.domain.study import ParseLimits
from gem_integration.storage import Store

MESSAGES_PER_MINUTE = 10_000
SECONDS = 20.0
WARM_UP_SECONDS = 2.0  #: in which the parsers start
CONNECTIONS = 8
AA_P95_MS_MAX = 20.0
#: Sends to a database of its own instead: ``postgresql://…``, emptied by nobody.
DATABASE_VARIABLE = "BENCH_DATABASE_URL"


def order(number: int) -> bytes:
    """Return a framed order of about 250 bytes."""
    header = f"MSH|^~\\&|BENCH|WARD|GEM|LAB|20260301093000+0000||ORM^O01|{time.time_ns()}|P|2.5.1"
    body = f"PID|1||P{number}^^^HOSP||Bench^Mark\rORC|NW|PLC{number}\rOBR|1|PLC{number}||ECG^ECG\r"
    return b"\x0b" + f"{header}\r{body}".encode() + b"\x1c\r"


async def one_sender(port: int, every_s: float, until_s: float) -> list[float]:
    """Send on a schedule that does not wait for slow answers; return the times to AA, in ms."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken_ms, due_s, number = [], time.perf_counter(), 0
    while due_s < until_s:
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        writer.write(order(number))
        reply = await reader.readuntil(b"\x1c\r")
        assert b"MSA|AA|" in reply
        # From when it was due: a sender held up by a slow answer counts its wait.
        taken_ms.append((time.perf_counter() - due_s) * 1e3)
        due_s, number = due_s + every_s, number + 1
    writer.close()
    return taken_ms


@contextmanager
def opened_store() -> Iterator[Store]:
    """Open an empty SQLite, or the database the environment names."""
    with tempfile.TemporaryDirectory() as folder:
        url = os.environ.get(DATABASE_VARIABLE, f"sqlite:///{Path(folder) / 'bench.db'}")
        store = Store.open(url, clock=SystemClock())
        store.migrate()
        yield store
        store.close()


async def all_senders(port: int) -> list[float]:
    """Run every sender at its share of the rate and return all times to AA, in ms."""
    every_s = 60.0 * CONNECTIONS / MESSAGES_PER_MINUTE
    await one_sender(port, every_s, time.perf_counter() + WARM_UP_SECONDS)
    until_s = time.perf_counter() + SECONDS
    parts = await asyncio.gather(*(one_sender(port, every_s, until_s) for _ in range(CONNECTIONS)))
    return [taken for part in parts for taken in part]


def send_all(port: int) -> list[float]:
    """Run the senders in a process of their own: the gateway's is not to be shared with them."""
    return asyncio.run(all_senders(port))


async def measure(store: Store) -> list[float]:
    """Run the gateway here, the senders beside it, and return all times to AA, in ms."""
    loop = asyncio.get_running_loop()
    stop, ready = asyncio.Event(), loop.create_future()
    intake = Intake(store=store, reader_key="bench", limits=ParseLimits(), clock=SystemClock())
    serving = asyncio.create_task(
        serve_mllp(MllpSettings(port=0), intake, stop=stop, on_ready=ready.set_result)
    )
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        taken_ms = await loop.run_in_executor(beside, send_all, await ready)
    stop.set()
    counts = await serving
    print(f"answered             {counts['accepted']:9d}")
    return taken_ms


def main() -> None:
    """Print the rate that was held and the times to AA against their bar."""
    with opened_store() as store:
        taken_ms = sorted(asyncio.run(measure(store)))
    p50, p95 = statistics.median(taken_ms), taken_ms[int(len(taken_ms) * 0.95)]
    print(f"mllp, {CONNECTIONS} senders     {len(taken_ms) / SECONDS * 60:9.0f} messages/min")
    print(f"frame to AA p50      {p50:9.1f} ms")
    print(f"frame to AA p95      {p95:9.1f} ms  (bar {AA_P95_MS_MAX:.0f} ms)")


if __name__ == "__main__":
    main()
