"""What kafka-python gets wrong or does not tell, for the one version that was checked, and for no other.

In 3.0.12 a rejoin is forgotten when ``poll`` times out between the answers to JoinGroup and SyncGroup and
the leader has assigned meanwhile: ``need_rejoin`` is false again, nobody collects the finished join, and
the consumer polls for ever without partitions and without heartbeats. The protocol's reference client also
asks whether a join is under way; so does this.
"""

from __future__ import annotations

import threading

import kafka
from kafka import KafkaConsumer
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

VERSION_CORRECTED = "3.0.12"
_lock = threading.Lock()
_corrected = False


def correct_joins() -> None:
    """Correct kafka-python once in this process; ``RuntimeError`` for a version nobody has checked."""
    global _corrected  # noqa: PLW0603 - the library is corrected once a process, as it is loaded once
    if kafka.__version__ != VERSION_CORRECTED:
        reason = f"kafka-python is {kafka.__version__}: check whether it still forgets joins, see {__name__}"
        raise RuntimeError(reason)
    with _lock:
        if not _corrected:
            _correct()
            _corrected = True


def open_consumer(**options: object) -> KafkaConsumer:
    """Return a consumer connected to its brokers; ``KafkaTimeoutError`` if they are away.

    The library would then leave behind the client it had opened: a thread and four files each time.
    """
    opened: list[KafkaNetClient] = []

    def client(**configs: object) -> KafkaNetClient:
        opened.append(KafkaNetClient(**configs))
        return opened[-1]

    try:
        return KafkaConsumer(**options, kafka_client=client)
    except KafkaError:
        for each in opened:
            each.close()
        raise


def hears_coordinator(consumer: KafkaConsumer) -> bool:
    """Say whether the group's coordinator has answered a heartbeat within the session.

    While the brokers are away the library calls its membership stable for ever.
    """
    return not consumer._coordinator.heartbeat.session_timeout_expired()  # noqa: SLF001 - nothing public tells


def _correct() -> None:
    shipped = ConsumerCoordinator.need_rejoin

    def need_rejoin(self: ConsumerCoordinator) -> bool:
        is_under_way = self._join_task is not None and self._subscription.partitions_auto_assigned()
        return bool(shipped(self) or is_under_way)

    ConsumerCoordinator.need_rejoin = need_rejoin
