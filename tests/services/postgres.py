"""A private PostgreSQL in a temporary folder on a free loopback port, for the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.command import Daemon, free_port, run
from tests.services.installing import install

ANSWER_SECONDS_MAX = 10
SUPERUSER = "ecg"
SYSTEM_USER = "postgres"
#: Tests crash processes, not machines: the operating system keeps what was written.
SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "max_connections=100",
    "shared_buffers=32MB",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running server, whose only user needs no password from this machine.

    ``daemon`` stops, kills, freezes and restarts it on its old data.
    """

    port: int
    programs: Path
    daemon: Daemon

    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create an empty database and return its address."""
        run([self.programs / "psql", self.url(), "-qc", f'CREATE DATABASE "{name}"'])
        return self.url(name)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server, installing it first where it is missing, and remove it at the end."""
    programs, port = _programs(), free_port()
    with tempfile.TemporaryDirectory(prefix="postgres-") as temporary:
        home = Path(temporary)
        if os.geteuid() == 0:  # initdb refuses root
            shutil.chown(home, SYSTEM_USER)
        cluster = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        run([*_as_system_user(), programs / "initdb", "-D", home / "cluster", *cluster])
        options = [part for setting in (f"port={port}", *SETTINGS) for part in ("-c", setting)]
        daemon = Daemon(
            name="PostgreSQL",
            command=[programs / "postgres", "-D", home / "cluster", *options],
            ready=lambda: _answers(programs, port),
            log=home / "server.log",
            as_user=_as_system_user(),
            stop_signal=signal.SIGINT,  # its "fast" shutdown; SIGTERM would wait for every client
        )
        try:
            daemon.start()
            yield Postgres(port=port, programs=programs, daemon=daemon)
        finally:
            daemon.kill()


def _answers(programs: Path, port: int) -> bool:
    asked: list[str | Path] = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(asked, check=False, timeout=ANSWER_SECONDS_MAX).returncode == 0


def _programs() -> Path:
    found = _installed_programs()
    if found is None:
        install("postgresql")
        found = _installed_programs()
    if found is None:
        raise FileNotFoundError("PostgreSQL is not installed and apt-get did not bring it")
    return found


def _installed_programs() -> Path | None:
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3])
    )
    return versions[-1].parent if versions else None


def _as_system_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    entry = pwd.getpwnam(SYSTEM_USER)
    return ["setpriv", "--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups", "--"]
