"""From settings to live parts: every process is built here, once, and passed in."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gem_integration.clock import SystemClock
from gem_integration.ports import EcgReader, ReportSink
from gem_integration.settings import Settings
from gem_integration.storage import Store

if TYPE_CHECKING:
    from adapters.inbound.dimse.settings import DimseSettings
    from adapters.inbound.intake import Intake
    from adapters.inbound.kafka.settings import KafkaSettings
    from adapters.inbound.mllp.settings import MllpSettings
    from adapters.inbound.tls import TlsFiles
    from adapters.outbound.relay import Relay
    from workers.tasks import Worker


SQLITE_PREFIX = "sqlite:///"


def holder_name() -> str:
    """Return the name under which this process holds leases."""
    return f"{socket.gethostname()}-{os.getpid()}"


def intake_of(settings: Settings, store: Store, reader: EcgReader) -> Intake:
    """Return the means to take messages in."""
    from adapters.inbound.intake import Intake

    limits = settings.parse_limits()
    return Intake(store=store, reader_key=reader.identity.key, limits=limits, clock=SystemClock())


def worker_of(settings: Settings, store: Store, reader: EcgReader) -> Worker:
    """Return the means to read."""
    from workers.tasks import Worker

    return Worker(
        store=store,
        reader=reader,
        clock=SystemClock(),
        holder=holder_name(),
        sinks=settings.sinks,
        lease_seconds=settings.lease_seconds,
        batch_max=settings.lease_batch_max,
    )


def relay_of(settings: Settings, store: Store) -> Relay:
    """Return the means to deliver."""
    from adapters.outbound.relay import Relay

    return Relay(
        store=store,
        sinks=sinks_of(settings, settings.sinks),
        holder=holder_name(),
        lease_seconds=settings.lease_seconds,
        batch_max=settings.lease_batch_max,
    )


def sinks_of(settings: Settings, names: Sequence[str]) -> dict[str, ReportSink]:
    """Return the sinks by name."""
    from adapters.outbound import SINKS

    return {name: SINKS[name](settings.sink_location(name)) for name in names}


def mllp_of(settings: Settings) -> MllpSettings:
    """Return the MLLP listener's settings."""
    from adapters.inbound.mllp.settings import MllpSettings, Peer

    return MllpSettings(
        host=settings.listen_host,
        port=settings.mllp_port,
        peers=tuple(Peer(name=name, networks=nets) for name, nets in settings.mllp_peers.items()),
        tls=_tls_of(settings),
        frame_bytes_max=settings.message_bytes_max,
        watched_folders=_watched_folders(settings),
    )


def dimse_of(settings: Settings) -> DimseSettings:
    """Return the DICOM listener's settings."""
    from adapters.inbound.dimse.settings import DimseSettings

    return DimseSettings(
        host=settings.listen_host,
        port=settings.dimse_port,
        ae_title=settings.dimse_ae_title,
        calling_ae_titles=settings.dimse_peers,
        tls=_tls_of(settings),
        object_bytes_max=settings.message_bytes_max,
        watched_folders=_watched_folders(settings),
    )


def kafka_of(settings: Settings) -> KafkaSettings:
    """Return the consumer's settings."""
    from adapters.inbound.kafka.settings import KafkaSettings
    from adapters.kafka_connection import KafkaConnection

    return KafkaSettings(
        connection=KafkaConnection(bootstrap_servers=settings.kafka_servers),
        topics=settings.kafka_topics,
        dead_letter_topic=settings.kafka_dead_letter_topic,
    )


def _watched_folders(settings: Settings) -> tuple[Path, ...]:
    # The disk of a database elsewhere is watched where it is.
    file = settings.database_url.removeprefix(SQLITE_PREFIX)
    return () if file == settings.database_url else (Path(file).resolve().parent,)


def _tls_of(settings: Settings) -> TlsFiles | None:
    from adapters.inbound.tls import TlsFiles

    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return TlsFiles(
        certificate=settings.tls_certificate, key=settings.tls_key, client_ca=settings.tls_client_ca
    )
