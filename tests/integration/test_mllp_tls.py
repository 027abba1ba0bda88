"""MLLP over TLS: encrypted, and with certificates of clients that the site's authority signed."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adapters.inbound.mllp.settings import LOOPBACK, MllpSettings, Peer
from adapters.inbound.tls import TlsFiles
from gem_integration.storage import Store
from tests.services.mllp import QUICK, SECONDS_MAX, Sender, code, order, running
from tests.services.stores import SetClock

SUBJECT = "subjectAltName=DNS:localhost,IP:127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority of one test session, in a folder."""

    folder: Path

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return certificate and key of ``name``, signed by this authority."""
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self._openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"),
            *("-addext", SUBJECT, "-keyout", key, "-out", certificate),
            *(() if name == "ca" else ("-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca.key")),
            *(() if name == "ca" else ("-addext", "basicConstraints=critical,CA:FALSE")),
        )
        return certificate, key

    def _openssl(self, *arguments: str | Path) -> None:
        subprocess.run(
            ["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=SECONDS_MAX
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority with its own certificate made."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificates, is not installed")
    made = Authority(folder=tmp_path_factory.mktemp("authority"))
    made.issue("ca")
    return made


class TlsSender(Sender):
    """A scripted peer that speaks TLS."""

    def __init__(self, port: int, authority: Authority, client: str | None = None) -> None:
        super().__init__(port)
        context = ssl.create_default_context(cafile=authority.folder / "ca.pem")
        if client:
            context.load_cert_chain(*authority.issue(client))
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


@pytest.fixture
def start(sqlite_store: Store, clock: SetClock, authority: Authority):
    """Return a starter of TLS gateways for one peer."""
    certificate, key = authority.issue("gateway")

    def run(peer: Peer = LOOPBACK, **changes: object):
        settings: MllpSettings = replace(
            QUICK, peers=(peer,), tls=TlsFiles(certificate=certificate, key=key, **changes)
        )
        return running(sqlite_store, clock, settings, None)

    return run


@pytest.fixture
def senders() -> Iterator[list[TlsSender]]:
    """Close at the end whatever a test adds."""
    opened: list[TlsSender] = []
    yield opened
    for sender in opened:
        sender.socket.close()


def test_an_order_comes_over_tls(start, authority, senders):
    """The gateway shows its certificate and answers as ever."""
    with start() as gateway:
        senders.append(TlsSender(gateway.port, authority))
        assert code(senders[0].ask(order())) == ("AA", "M1")


def test_one_who_speaks_no_tls_is_not_heard(start):
    """Nothing is ever taken in the clear where TLS is asked for."""
    with start() as gateway:
        plain = gateway.sender()
        plain.send(order())
        assert plain.is_closed()
    assert gateway.store.counts()["orders"] == 0


def test_only_a_signed_client_is_heard(start, authority, senders):
    """Without a certificate of the site's authority there is no connection."""
    with start(client_ca=authority.folder / "ca.pem") as gateway:
        senders.append(TlsSender(gateway.port, authority, client="cart"))
        assert code(senders[0].ask(order())) == ("AA", "M1")
        senders.append(TlsSender(gateway.port, authority))
        with pytest.raises((OSError, EOFError)):  # TLS 1.3 tells at the first read
            senders[1].ask(order(2))
    assert gateway.store.counts()["orders"] == 1


def test_a_peer_is_who_its_certificate_says(start, authority, senders):
    """A signed certificate of another name is not this peer's."""
    peer = Peer(name="engine", certificate_names=("engine.example",))
    with start(peer, client_ca=authority.folder / "ca.pem") as gateway:
        senders.append(TlsSender(gateway.port, authority, client="engine.example"))
        assert code(senders[0].ask(order())) == ("AA", "M1")
        senders.append(TlsSender(gateway.port, authority, client="cart"))
        assert senders[1].is_closed()
    assert gateway.counts["connections_not_admitted"] == 1
    assert gateway.store.acknowledgement("mllp:engine/HIS/WARD", "M1") is not None
