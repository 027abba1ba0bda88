"""A private PostgreSQL in a temporary folder on a free loopback port, for the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.command import free_port, run
from tests.services.installing import install

START_SECONDS_MAX = 60
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
    """A running server; its only user needs no password from this machine."""

    port: int
    programs: Path
    folder: Path

    def url(self, database: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create an empty database and return its address."""
        run([self.programs / "psql", self.url(), "-qc", f'CREATE DATABASE "{name}"'])
        return self.url(name)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; ``immediate`` is a crash."""
        run([*_as_system_user(), self.programs / "pg_ctl", "-D", self.folder, "-s", "-m", mode, "stop"])

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = " ".join(f"-c {setting}" for setting in (f"port={self.port}", *SETTINGS))
        waiting = ["-s", "-w", "-t", str(START_SECONDS_MAX), "-l", self.folder / "server.log", "-o", options]
        run([*_as_system_user(), self.programs / "pg_ctl", "-D", self.folder, *waiting, "start"])


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server, installing it first where it is missing, and remove it at the end."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="postgres-") as temporary:
        home = Path(temporary)
        if os.geteuid() == 0:  # initdb refuses root
            shutil.chown(home, SYSTEM_USER)
        folder = home / "cluster"
        cluster = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        run([*_as_system_user(), programs / "initdb", "-D", folder, *cluster])
        server = Postgres(port=free_port(), programs=programs, folder=folder)
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # a test may have stopped it
                server.stop("immediate")


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
