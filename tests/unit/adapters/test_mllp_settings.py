"""Who may speak, and settings that cannot hold are refused at once."""

from __future__ import annotations

import pytest

from adapters.inbound.mllp.settings import MllpSettings, Peer, certificate_names
from adapters.inbound.tls import TlsFiles
from gem_integration.errors import Rejected

CARTS = Peer(name="carts", networks=("10.1.0.0/16", "2001:db8::/32"))
ENGINE = Peer(name="engine", certificate_names=("engine.example",))
NOBODY: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("address", "is_admitted"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("2001:db8::7", True), ("10.2.0.1", False), ("x", False)],
)
def test_a_peer_is_known_by_its_network(address, is_admitted):
    """An IPv4 address is the same when it comes as IPv6."""
    assert CARTS.admits(address, NOBODY) is is_admitted


def test_a_peer_is_known_by_its_certificate():
    """CN or DNS name, as the verified certificate says."""
    certificate = {
        "subject": ((("commonName", "engine.example"),), (("organizationName", "x"),)),
        "subjectAltName": (("DNS", "other.example"), ("IP Address", "10.0.0.1")),
    }
    names = certificate_names(certificate)
    assert names == {"engine.example", "other.example"}
    assert ENGINE.admits("192.0.2.1", names)
    assert not ENGINE.admits("192.0.2.1", certificate_names(None))


def test_by_default_only_this_machine_is_heard():
    """Nothing is open that nobody opened."""
    assert MllpSettings().peer_of("127.0.0.1", NOBODY) is not None
    assert MllpSettings().peer_of("192.0.2.1", NOBODY) is None


def test_devices_under_one_name_have_ids_of_their_own():
    """Two carts that both count from 1 are not one sender."""
    carts = Peer(name="carts", networks=("10.1.0.0/16",), each_address=True)
    assert (carts.source_of("10.1.0.2"), CARTS.source_of("10.1.0.2")) == ("carts-10.1.0.2", "carts")


@pytest.mark.parametrize(
    "changes",
    [
        {"port": -1},
        {"peers": ()},
        {"frame_bytes_max": 0},
        {"idle_seconds_max": -1.0},
        {"peers": (ENGINE,)},
    ],
)
def test_settings_that_cannot_hold_are_refused(changes):
    """Also a peer known by a certificate where none is asked for."""
    with pytest.raises(ValueError, match=r"."):
        MllpSettings(**changes)


def test_unreadable_tls_files_are_refused(tmp_path):
    """Before anything listens, and without a traceback of the library's."""
    with pytest.raises(Rejected, match="PEM"):
        TlsFiles(certificate=tmp_path / "no.pem", key=tmp_path / "no.key").context()
