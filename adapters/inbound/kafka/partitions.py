"""The partitions a consumer owns: what was begun, what has ended, what may be committed."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from adapters.inbound.kafka.lanes import EndedAs, Ending, Lanes, Task
from adapters.inbound.kafka.progress import Progress
from adapters.inbound.kafka.records import Record
from adapters.inbound.kafka.settings import KafkaSettings, PoisonPolicy
from gem_integration.observability import Event, log_event


class Partitions:
    """The partitions of one membership in the group.

    Used by the loop, and by the rebalance listener while the loop waits in ``poll`` or ``close``: never by
    two at once.
    """

    def __init__(self, settings: KafkaSettings, lanes: Lanes) -> None:
        self._settings = settings
        self.lanes = lanes
        self._owned: dict[TopicPartition, Progress] = {}
        self.defect: Exception | None = None

    def __len__(self) -> int:
        """Return how many partitions are owned."""
        return len(self._owned)

    def own(self, partitions: Iterable[TopicPartition]) -> None:
        """Begin anew with partitions that were assigned."""
        for partition in partitions:
            self._owned.setdefault(partition, Progress())

    def progress(self, partition: TopicPartition) -> Progress:
        """Return how far a partition has come."""
        return self._owned.setdefault(partition, Progress())

    def begin(self, partition: TopicPartition, record: Record) -> None:
        """Queue a record; a gap in the offsets is lost messages, and is logged."""
        progress = self.progress(partition)
        missing = progress.begin(record.offset)
        if missing:
            log_event(
                Event.CONSUMER_GAP,
                level=logging.ERROR,
                count=missing,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
        self.lanes.put(Task(record=record, progress=progress))

    def settle(self) -> None:
        """Note what has ended since the last call."""
        for task, ending in self.lanes.ended():
            self.defect = self.defect or ending.error
            if self._lets_go(task, ending) and not task.progress.is_over:
                task.progress.end(task.record.offset)
        for progress in self._owned.values():
            while self._holds_too_many(progress):
                progress.end_first()

    def to_commit(
        self, only: Collection[TopicPartition] | None = None
    ) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """Return the offsets that are news, of ``only`` these partitions or of all."""
        news = {
            partition: progress.to_commit
            for partition, progress in self._owned.items()
            if only is None or partition in only
        }
        return {
            partition: OffsetAndMetadata(offset, "", -1)
            for partition, offset in news.items()
            if offset is not None
        }

    def committed(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Record what the coordinator confirmed."""
        for partition, at in offsets.items():
            if partition in self._owned:
                self._owned[partition].committed(at.offset)

    def finish(
        self, partitions: Collection[TopicPartition], seconds: float
    ) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """Drop what waits, let end what is worked on, and return what to commit before these are given up."""
        leaving = [self._owned[partition] for partition in partitions if partition in self._owned]
        self.lanes.drop(lambda task: task.progress in leaving)
        self.lanes.wait(lambda task: task.progress in leaving, seconds)
        self.settle()
        return self.to_commit(only=partitions)

    def give_up(self, partitions: Iterable[TopicPartition]) -> None:
        """Have no more to do with partitions that are, or will be, another consumer's."""
        for partition in partitions:
            progress = self._owned.pop(partition, None)
            if progress is not None:
                progress.is_over = True
        self.lanes.drop(lambda task: task.progress.is_over)

    def give_up_all(self) -> None:
        """Have no more to do with any partition."""
        self.give_up(tuple(self._owned))

    def all(self) -> tuple[TopicPartition, ...]:
        """Return the partitions owned."""
        return tuple(self._owned)

    def _lets_go(self, task: Task, ending: Ending) -> bool:
        if ending.as_ is EndedAs.DEAD_LETTER and task.record.key is not None:
            # What holds a patient stays uncommitted: after a restart all come again, from it on, in order.
            return self._settings.poison is PoisonPolicy.SKIP
        return ending.as_ in (EndedAs.TAKEN_IN, EndedAs.DEAD_LETTER, EndedAs.HELD)

    def _holds_too_many(self, progress: Progress) -> bool:
        return (
            self._settings.poison is PoisonPolicy.HOLD
            and progress.span > self._settings.held_span_max + self._settings.queue_records_max
        )


class Handover:
    """Hears of rebalances, on the thread that also sends heartbeats: it must not take long."""

    def __init__(self, consumer: KafkaConsumer, partitions: Partitions, seconds: float) -> None:
        self._consumer = consumer
        self._partitions = partitions
        self._seconds = seconds

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin with new partitions."""
        self._partitions.own(assigned)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Commit what is done before another consumer begins there."""
        offsets = self._partitions.finish(revoked, self._seconds)
        self._partitions.give_up(revoked)
        if not offsets:
            return
        try:
            await self._consumer.commit_async(dict(offsets))
        except KafkaError as error:
            log_event(
                Event.CONSUMER_NOT_COMMITTED,
                level=logging.WARNING,
                count=len(offsets),
                error_type=type(error).__name__,
            )

    async def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        """Leave partitions that are another consumer's already: nothing can be committed."""
        self._partitions.give_up(lost)
