"""Programs the tests' services are made of: run one to its end, or keep one going and end it for sure."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RUN_SECONDS_MAX = 60
START_SECONDS_MAX = 300
STOP_SECONDS_MAX = 20
POLL_SECONDS = 0.05
LOG_LINES_SHOWN = 30
#: Linux takes outgoing ports from 32768 on (ip_local_port_range).
PORTS = range(10_000, 32_768)


class NotStartedError(RuntimeError):
    """A service ended, or did not answer, before it was ready; the end of its log says why."""


def run(command: Sequence[str | Path], *, seconds: float = RUN_SECONDS_MAX) -> None:
    """Run a program to its end.

    ``CalledProcessError`` where it fails, with the end of what it said as a note; ``TimeoutExpired``.
    """
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    # A file and not a pipe: a server that the program leaves behind would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(
                [str(part) for part in command],
                check=True,
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=seconds,
            )
        except subprocess.CalledProcessError as error:
            output.seek(0)
            error.add_note(_end_of(output.read()))
            raise


def free_port() -> int:
    """Return a loopback port nothing listens on, and that stays free while its service is down.

    It lies below the ports the system takes for outgoing connections.
    """
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def answers(port: int) -> bool:
    """Tell whether something accepts connections on a loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@dataclass(slots=True, kw_only=True)
class Daemon:
    """A program in the background: a process group of its own, which ends when the tests' process ends.

    ``as_user`` is a command that runs what follows it as another user.
    """

    name: str
    command: Sequence[str | Path]
    ready: Callable[[], bool]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    as_user: Sequence[str] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    _process: subprocess.Popen[bytes] | None = None

    def start(self, *, seconds: float = START_SECONDS_MAX) -> None:
        """Start it and wait until it is ready; ``NotStartedError`` where it ends before or takes too long."""
        self._process = process = self._spawn()
        deadline = time.monotonic() + seconds
        while not self.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise NotStartedError(
                    f"{self.name} did not start within {seconds:g} s:\n{_end_of(self.log.read_bytes())}"
                )
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to end; kill what is left after ``STOP_SECONDS_MAX``."""
        if self._process is not None:
            self._send(self.stop_signal)
            self.thaw()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS_MAX)
            self.kill()

    def kill(self) -> None:
        """End it and all it started at once, as a crash would."""
        if self._process is not None:
            self._send(signal.SIGKILL)
            self._process.wait(STOP_SECONDS_MAX)
            self._process = None

    def freeze(self) -> None:
        """Let it hang: connections stay open and nothing answers."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after ``freeze``."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _spawn(self) -> subprocess.Popen[bytes]:
        # Killed together with the thread that starts it: a fixture that never unwinds leaves nothing behind.
        # That bond ends where the user changes, so the user changes first.
        bound = [*self.as_user, "setpriv", "--pdeathsig", "KILL", "--", *map(str, self.command)]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                bound,
                env={**os.environ, **self.environment},
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _end_of(output: bytes) -> str:
    return "\n".join(output.decode(errors="replace").splitlines()[-LOG_LINES_SHOWN:])
