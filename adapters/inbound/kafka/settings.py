"""What a Kafka consumer is told: which topics, how much at once, and how patient it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from adapters.inbound.kafka.fuse import FUSE_LIMITS
from adapters.kafka_connection import KafkaConnection
from gem_integration.domain.study import MediaType

MIB = 1024 * 1024
HEARTBEATS_PER_SESSION = 3


class PoisonPolicy(StrEnum):
    """What becomes of a patient's later messages after one that became a dead letter."""

    SKIP = "skip"  #: they are taken in as they come
    HOLD = "hold"  #: they are kept, unread, until the consumer starts again with the first one mended


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """The settings of one consumer. ``topics`` maps each topic to the format of records that name none.

    Times are in seconds. ``queue_records_max`` and ``queue_bytes_max`` bound what waits in memory;
    ``held_span_max`` is how many records of a partition may lie behind a held patient's first one before
    the consumer moves on (their bytes are dead letters by then).
    """

    connection: KafkaConnection
    topics: Mapping[str, MediaType]
    dead_letter_topic: str
    group_id: str = "gem-integration"
    threads: int = 2
    queue_records_max: int = 64
    queue_bytes_max: int = 128 * MIB
    record_bytes_max: int = 8 * MIB
    poll_seconds: float = 0.2
    commit_seconds: float = 0.5
    session_seconds: float = 30.0
    handover_seconds: float = 2.0
    stop_seconds: float = 20.0
    retry_seconds_max: float = 30.0
    watchdog_seconds: float = 90.0
    poison: PoisonPolicy = PoisonPolicy.SKIP
    held_span_max: int = 10_000
    fuse_limits: Mapping[str, int] = field(default_factory=lambda: FUSE_LIMITS)

    def __post_init__(self) -> None:
        """Refuse settings that cannot work (``ValueError``)."""
        if not self.topics:
            raise ValueError("a consumer needs at least one topic")
        if self.dead_letter_topic in self.topics:
            raise ValueError("the dead-letter topic cannot be one of the topics read")
        if self.threads < 1 or self.queue_records_max < self.threads:
            raise ValueError("a consumer needs a thread, and a queue that holds a record for each thread")
        if not 0.0 < self.handover_seconds < self.session_seconds / HEARTBEATS_PER_SESSION:
            raise ValueError("handing over holds up heartbeats: keep it under a third of the session")
        if min(self.poll_seconds, self.commit_seconds, self.stop_seconds, self.watchdog_seconds) <= 0:
            raise ValueError("times are longer than 0 s")

    def consumer_options(self) -> dict[str, object]:
        """Return the options of the consumer, connection included."""
        session_ms = int(self.session_seconds * 1000)
        return {
            **self.connection.options(),
            "group_id": self.group_id,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "session_timeout_ms": session_ms,
            "heartbeat_interval_ms": session_ms // HEARTBEATS_PER_SESSION // 2,
            "max_poll_records": self.queue_records_max,
            "max_partition_fetch_bytes": self.record_bytes_max,
            "fetch_max_wait_ms": int(self.poll_seconds * 1000),
            "bootstrap_timeout_ms": 5_000,
            "metrics_enabled": False,
        }
