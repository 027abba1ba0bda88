"""A consumer in a process of its own, for a test to kill; its arguments are those of ``main``."""

from __future__ import annotations

import signal
import sys
import threading

from adapters.inbound.intake import Intake
from adapters.inbound.kafka import ConsumerStatus, KafkaConnection, KafkaSettings, consume
from gem_integration.clock import SystemClock
from gem_integration.domain.study import MediaType, ParseLimits
from gem_integration.storage import Store


def main(address: str, database_url: str, group: str, topic: str) -> None:
    """Consume until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    clock = SystemClock()
    store = Store.open(database_url, clock=clock)
    settings = KafkaSettings(
        connection=KafkaConnection(bootstrap_servers=(address,)),
        topics={topic: MediaType.HL7V2},
        dead_letter_topic=f"{topic}.dead",
        group_id=group,
        session_seconds=3.0,
        handover_seconds=0.5,
    )
    intake = Intake(store=store, reader_key="rules|1|-|-|0", limits=ParseLimits(), clock=clock)
    consume(settings, intake, stop=stop, watch=tell)
    store.close()


def tell(status: ConsumerStatus) -> None:
    """Say how many partitions are ours."""
    sys.stdout.write(f"{status.partitions}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
