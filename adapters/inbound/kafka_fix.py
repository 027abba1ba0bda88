"""A correction of kafka-python, for the one version that needs it, and for no other.

In 3.0.12 a rejoin is forgotten when ``poll`` times out between the answers to JoinGroup and SyncGroup and
the leader has assigned meanwhile: ``need_rejoin`` is false again, nobody collects the finished join, and
the consumer polls for ever without partitions and without heartbeats. The protocol's reference client also
asks whether a join is under way; so does this.
"""

from __future__ import annotations

import threading

import kafka
from kafka.coordinator.consumer import ConsumerCoordinator

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


def _correct() -> None:
    shipped = ConsumerCoordinator.need_rejoin

    def need_rejoin(self: ConsumerCoordinator) -> bool:
        is_under_way = self._join_task is not None and self._subscription.partitions_auto_assigned()
        return bool(shipped(self) or is_under_way)

    ConsumerCoordinator.need_rejoin = need_rejoin
