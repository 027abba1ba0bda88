"""A private FHIR R4 server (HAPI, JPA on H2) in a temporary folder on a free loopback port."""

from __future__ import annotations

import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.command import Daemon, free_port
from tests.services.installing import java_class_path

PROJECT = Path(__file__).parent
ANSWER_SECONDS_MAX = 30
JVM = ("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirServer:
    """A running server; ``daemon`` stops, kills, freezes and restarts it on its old data."""

    port: int
    daemon: Daemon

    @property
    def url(self) -> str:
        """Return its base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}/fhir"


@contextmanager
def running_fhir(*, strict: bool = False) -> Iterator[FhirServer]:
    """Start a server, fetching it first where it is missing, and remove it at the end.

    A strict server validates what it is sent against R4 and refuses what is wrong (422).
    """
    class_path = java_class_path(PROJECT, "fhir-server")
    with tempfile.TemporaryDirectory(prefix="fhir-") as temporary:
        folder, port = Path(temporary), free_port()
        settings = [f"-Dport={port}", f"-Dfolder={folder}", f"-Dstrict={str(strict).lower()}"]
        daemon = Daemon(
            name="the FHIR server",
            command=["java", *JVM, *settings, "-cp", class_path, "FhirServer"],
            ready=lambda: _answers(port),
            log=folder / "fhir-server.log",
        )
        try:
            daemon.start()
            yield FhirServer(port=port, daemon=daemon)
        finally:
            daemon.kill()


def _answers(port: int) -> bool:
    """Tell whether it says, as it should, that nobody asked it to keep this patient."""
    try:
        url = f"http://127.0.0.1:{port}/fhir/Patient/nobody"
        urllib.request.urlopen(url, timeout=ANSWER_SECONDS_MAX).close()
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 404
    except OSError:
        return False
    return True
