"""What a DICOM gateway is told: where it listens, who may send, and what it refuses to exceed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from adapters.inbound.intake import Intake, take_in
from adapters.inbound.tls import TlsFiles
from gem_integration.domain.arrival import Quarantined
from gem_integration.domain.report import DeadLetter
from gem_integration.domain.study import InboundMessage
from gem_integration.ports import Clock

MIB = 1024 * 1024
#: Value representation AE (PS3.5 6.2): 16 printable characters, no backslash, not spaces alone.
AE_TITLE = re.compile(r"(?! +$)[\x20-\x5b\x5d-\x7e]{1,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DimseSettings:
    """One listener; times in seconds, sizes in bytes.

    ``calling_ae_titles`` names who may send, empty for anyone; the called AE title must be ours. Below
    ``free_bytes_min`` on the file system of any of ``watched_folders`` nothing is taken.
    """

    host: str = "127.0.0.1"
    port: int = 11_112
    ae_title: str = "GEM_ECG"
    calling_ae_titles: tuple[str, ...] = ()
    tls: TlsFiles | None = None
    associations_max: int = 32
    associations_per_peer_max: int = 8
    pdu_bytes_max: int = 64 * 1024
    object_bytes_max: int = 64 * MIB
    held_bytes_max: int = 512 * MIB  #: in unfinished objects, all associations together
    kept_bytes_max: int = MIB  #: of an object that did not arrive whole
    handshake_seconds_max: float = 10.0
    association_seconds_max: float = 10.0  #: from the connection to its request for an association
    idle_seconds_max: float = 60.0
    pdu_seconds_max: float = 30.0
    object_seconds_max: float = 300.0
    stop_seconds_max: float = 20.0
    free_bytes_min: int = 512 * MIB
    watched_folders: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Refuse titles that are none and limits that cannot hold (``ValueError``)."""
        if not 0 <= self.port <= 65_535:
            raise ValueError("a port is 0 to 65535")
        if not all(AE_TITLE.fullmatch(title) for title in (self.ae_title, *self.calling_ae_titles)):
            raise ValueError("an AE title has 1 to 16 printable characters and no backslash")
        for name in LIMITS:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive")


LIMITS = (
    *("associations_max", "associations_per_peer_max", "pdu_bytes_max", "object_bytes_max"),
    *("held_bytes_max", "kept_bytes_max", "handshake_seconds_max", "association_seconds_max"),
    *("idle_seconds_max", "pdu_seconds_max", "object_seconds_max", "stop_seconds_max"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Where what arrives becomes durable; both raise ``Unavailable`` where it does not.

    ``take`` returns once the message's bytes are durable, with the dead letter where they were kept
    but not understood; ``quarantine`` keeps bytes that became no message.
    """

    take: Callable[[InboundMessage], DeadLetter | None]
    quarantine: Callable[[Quarantined], None]
    clock: Clock


def landing_in(intake: Intake) -> Landing:
    """Return the landing that parses and receives at once, in SQL."""

    def quarantine(bad: Quarantined) -> None:
        with intake.store.transaction() as work:
            work.quarantine(bad)

    return Landing(
        take=lambda message: take_in(message, intake).dead_letter, quarantine=quarantine, clock=intake.clock
    )
