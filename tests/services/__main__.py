"""``python -m tests.services up|down``: the services the tests use, for a person at a terminal.

``up`` leaves a keeper in the background. It holds the services as the fixtures hold them and lets go of
them when ``down`` asks it to end.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.services.fhir.server import running_fhir
from tests.services.installing import CACHE
from tests.services.kafka.broker import running_kafka
from tests.services.postgres import running_postgres
from tests.services.rabbitmq import running_rabbitmq

STATE = CACHE / "services.json"
LOG = CACHE / "services.log"
UP_SECONDS_MAX = 1800
DOWN_SECONDS_MAX = 120
DATABASE = "gem"


def up() -> None:
    """Start all services, unless they run, and print the settings to use them."""
    if _keeper() is None:
        _start_keeper()
    _say(_settings_text())


def down() -> None:
    """Stop all services and remove what they stored."""
    keeper = _keeper()
    if keeper is None:
        _say("no services are running")
        return
    os.kill(keeper, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS_MAX
    while STATE.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    _say("the services still run, see .cache/services.log" if STATE.exists() else "the services are stopped")


def keep() -> None:
    """Hold all services until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with ExitStack() as running:
        settings = _start_all(running)
        running.callback(STATE.unlink)
        _write({"keeper": os.getpid(), "settings": settings})
        while True:
            signal.pause()


def _start_all(running: ExitStack) -> dict[str, str]:
    postgres = running.enter_context(running_postgres())
    kafka = running.enter_context(running_kafka())
    rabbitmq = running.enter_context(running_rabbitmq())
    fhir = running.enter_context(running_fhir())
    return {
        "GEM_DATABASE_URL": postgres.create_database(DATABASE),
        "GEM_KAFKA_SERVERS": json.dumps([kafka.address]),
        "GEM_BROKER_URL": rabbitmq.url,
        "GEM_FHIR_URL": fhir.url,
    }


def _start_keeper() -> None:
    CACHE.mkdir(exist_ok=True)
    with LOG.open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.services", "keep"],
            cwd=CACHE.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + UP_SECONDS_MAX
    while _keeper() is None:
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.terminate()
            sys.exit(f"the services did not start:\n{LOG.read_text(errors='replace')}")
        time.sleep(0.1)


def _keeper() -> int | None:
    """Return the process that keeps the services, where it still lives."""
    if not STATE.exists():
        return None
    keeper = int(json.loads(STATE.read_text())["keeper"])
    command = Path(f"/proc/{keeper}/cmdline")
    return keeper if command.exists() and b"tests.services" in command.read_bytes() else None


def _write(state: dict[str, object]) -> None:
    written = STATE.with_suffix(".part")
    written.write_text(json.dumps(state, indent=2) + "\n")
    written.rename(STATE)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _settings_text() -> str:
    settings: dict[str, str] = json.loads(STATE.read_text())["settings"]
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items())


COMMANDS = {"up": up, "down": down, "keep": keep}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        sys.exit("usage: python -m tests.services up|down")
    COMMANDS[sys.argv[1]]()
