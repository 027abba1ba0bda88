"""What an MLLP gateway is told: where it listens, who may speak, and what it refuses to exceed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.inbound.tls import TlsFiles

MIB = 1024 * 1024
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
VERSION = re.compile(r"2(\.\d){0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A system that may speak; what it sends is known by ``name``, from whichever of its addresses.

    An address must lie in ``networks`` (CIDR) and the client certificate bear one of
    ``certificate_names`` (subject CN or DNS name); none of either means any.
    """

    name: str
    networks: tuple[str, ...] = ()
    certificate_names: tuple[str, ...] = ()
    each_address: bool = False  #: many devices under one name, each with message ids of its own

    def __post_init__(self) -> None:
        """Refuse a name or network that is none (``ValueError``)."""
        if not NAME.fullmatch(self.name):
            raise ValueError("a peer's name has 1 to 64 letters, digits, dots, dashes or underscores")
        for network in self.networks:
            ipaddress.ip_network(network)

    def admits(self, address: str, certificate_names: frozenset[str]) -> bool:
        """Say whether a connection from ``address`` with these certificate names is this peer's."""
        ip = _ip(address)
        near = not self.networks or any(
            ip is not None and ip in ipaddress.ip_network(network) for network in self.networks
        )
        named = not self.certificate_names or bool(certificate_names & frozenset(self.certificate_names))
        return near and named

    def source_of(self, address: str) -> str:
        """Return the name under which what comes from ``address`` is known."""
        return f"{self.name}-{address}" if self.each_address else self.name


LOOPBACK = Peer(name="loopback", networks=("127.0.0.0/8", "::1/128"))


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptable:
    """What may be taken: message codes (MSH-9.1), processing ids (MSH-11.1) and versions 2 to 2.9."""

    message_codes: frozenset[str] = frozenset({"ORU", "ORM", "OMG", "OMI"})
    processing_ids: frozenset[str] = frozenset({"P"})

    def takes_version(self, version: str) -> bool:
        """Say whether MSH-12.1 names a version we read; none is taken as one."""
        return not version or VERSION.fullmatch(version) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpSettings:
    """One listener; times in seconds, sizes in bytes.

    Below ``free_bytes_min`` on the file system of any of ``watched_folders`` nothing is taken.
    """

    host: str = "127.0.0.1"
    port: int = 2575
    peers: tuple[Peer, ...] = (LOOPBACK,)
    tls: TlsFiles | None = None
    acceptable: Acceptable = field(default_factory=Acceptable)
    frame_bytes_max: int = 64 * MIB
    kept_bytes_max: int = MIB  #: of what is refused for its size
    held_bytes_max: int = 512 * MIB  #: in unfinished frames, all connections together
    connections_max: int = 256
    connections_per_peer_max: int = 32
    broken_pieces_max: int = 20  #: of one connection, then it is closed
    handshake_seconds_max: float = 10.0
    idle_seconds_max: float = 600.0
    frame_seconds_max: float = 60.0
    end_seconds_max: float = 0.5  #: for the CR after FS
    write_seconds_max: float = 10.0
    stop_seconds_max: float = 10.0
    free_bytes_min: int = 512 * MIB
    watched_folders: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Refuse limits that cannot hold (``ValueError``)."""
        if not 0 <= self.port <= 65_535:
            raise ValueError("a port is 0 to 65535")
        if not self.peers:
            raise ValueError("name at least one peer that may speak")
        needs_certificate = any(peer.certificate_names for peer in self.peers)
        if needs_certificate and (self.tls is None or self.tls.client_ca is None):
            raise ValueError("a peer known by its certificate needs TLS with a CA for clients")
        for name in LIMITS:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive")

    def peer_of(self, address: str, certificate_names: frozenset[str]) -> Peer | None:
        """Return the first peer that admits a connection, or ``None``."""
        return next((peer for peer in self.peers if peer.admits(address, certificate_names)), None)


LIMITS = (
    *("frame_bytes_max", "kept_bytes_max", "held_bytes_max", "connections_max", "connections_per_peer_max"),
    *("broken_pieces_max", "handshake_seconds_max", "idle_seconds_max", "frame_seconds_max"),
    *("end_seconds_max", "write_seconds_max", "stop_seconds_max"),
)


def certificate_names(certificate: Mapping[str, object] | None) -> frozenset[str]:
    """Return the CN and DNS names of a verified client certificate, as ``ssl`` gives it."""
    if not certificate:
        return frozenset()
    found: set[str] = set()
    subject, alternatives = certificate.get("subject", ()), certificate.get("subjectAltName", ())
    for pair in (*_pairs(subject), *_pairs((alternatives,))):
        if pair[0] in ("commonName", "DNS"):
            found.add(pair[1])
    return frozenset(found)


def _pairs(groups: object) -> list[tuple[str, str]]:
    if not isinstance(groups, tuple):
        return []
    return [(str(pair[0]), str(pair[1])) for group in groups for pair in group]
