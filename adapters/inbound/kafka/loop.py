"""The loop of the Kafka consumer: it polls, hands out, commits and never works itself."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kafka import KafkaConsumer
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, RebalanceInProgressError
from kafka.structs import MemberState, OffsetAndMetadata, TopicPartition

from adapters.inbound.kafka.fix import correct_joins, hears_coordinator, open_consumer
from adapters.inbound.kafka.lanes import Lanes
from adapters.inbound.kafka.partitions import Handover, Partitions
from adapters.inbound.kafka.settings import KafkaSettings
from adapters.inbound.kafka.work import RecordWork
from gem_integration.observability import Event, log_event

COMMIT_SECONDS_MAX = 10.0
CLOSE_SECONDS_MAX = 3.0
RECREATE_SECONDS_FIRST = 0.5
RECREATE_SECONDS_MAX = 15.0
#: Failures in a row that are no error of Kafka, before the consumer gives up: a defect, theirs or ours.
STRANGE_FAILURES_MAX = 5
#: A membership that lasted longer was a good one: failures are counted anew.
LASTING_SECONDS = 60.0
#: How often a full queue is looked at.
FULL_QUEUE_SECONDS = 0.05

# The listener is one by its methods: the library ships no types to inherit from.
AsyncConsumerRebalanceListener.register(Handover)


class ConsumerState(StrEnum):
    """What the consumer is doing."""

    JOINING = "joining"  #: not (or no longer) a member of the group, or the brokers are away
    CONSUMING = "consuming"
    WAITING = "waiting"  #: the database or the dead-letter topic is away; nothing is committed
    FUSE_BLOWN = "fuse_blown"  #: too many dead letters in a row; it stays so until it is started again
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerStatus:
    """What the consumer shows of itself; ``code`` says why it waits or why its fuse has blown."""

    state: ConsumerState
    code: str = ""
    partitions: int = 0
    in_flight: int = 0
    dead_letters_in_a_row: int = 0
    patients_held: int = 0


class NotJoinedError(Exception):
    """The watchdog's: no membership for too long."""


class ConsumerLoop:
    """Consumes until ``stop`` is set, through as many memberships in the group as that takes.

    ``watch`` is told of each change of the status, on the thread of the loop.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        work: RecordWork,
        *,
        stop: threading.Event,
        watch: Callable[[ConsumerStatus], None] | None = None,
    ) -> None:
        self._settings = settings
        self._work = work
        self._stop = stop
        self._watch = watch
        self._fuse = work.fuse
        self._lanes = Lanes(work, settings.threads)
        self._status = ConsumerStatus(state=ConsumerState.STOPPED)
        self._partitions = Partitions(settings, self._lanes)

    def run(self) -> None:
        """Consume; a defect in a message is raised once what was done is committed."""
        correct_joins()
        try:
            self._be_a_member_again_and_again()
        finally:
            self._lanes.close()
            self._show(ConsumerState.STOPPED)
        if self._partitions.defect is not None:
            raise self._partitions.defect

    def _be_a_member_again_and_again(self) -> None:
        failures = strange = 0
        while not self._is_over():
            began = time.monotonic()
            try:
                self._be_a_member()
            except Exception as error:
                if time.monotonic() - began > LASTING_SECONDS:
                    failures = strange = 0
                failures += 1
                strange += not isinstance(error, KafkaError | NotJoinedError)
                kind = type(error).__name__
                log_event(Event.CONSUMER_BROKEN, level=logging.ERROR, error_type=kind, attempts=failures)
                if strange >= STRANGE_FAILURES_MAX:
                    raise
                self._show(ConsumerState.JOINING, kind)
                self._stop.wait(min(RECREATE_SECONDS_FIRST * 2.0 ** (failures - 1), RECREATE_SECONDS_MAX))

    def _is_over(self) -> bool:
        return self._stop.is_set() or self._partitions.defect is not None

    def _be_a_member(self) -> None:
        if self._status.state is ConsumerState.STOPPED:
            self._show(ConsumerState.JOINING)
        consumer = open_consumer(
            **self._settings.consumer_options(), partition_assignment_strategy=[CooperativeStickyAssignor]
        )
        left = False
        try:
            handover = Handover(consumer, self._partitions, self._settings.handover_seconds)
            consumer.subscribe(sorted(self._settings.topics), listener=handover)
            membership = Membership(consumer, self._partitions, self._settings)
            while not self._is_over():
                self._step(membership)
            left = True
            membership.leave(self._settings.stop_seconds)
        finally:
            self._partitions.give_up_all()
            if not left:
                with contextlib.suppress(KafkaError):
                    consumer.close(autocommit=False, timeout_ms=int(CLOSE_SECONDS_MAX * 1000))

    def _step(self, membership: Membership) -> None:
        self._partitions.settle()
        membership.commit_now_and_then()
        room = self._room()
        is_full = room <= 0 and not self._lanes.is_resting and self._fuse.blown_by is None
        membership.poll(room, FULL_QUEUE_SECONDS if is_full else self._settings.poll_seconds)
        membership.watch_over()
        self._show(*self._state(membership))

    def _room(self) -> int:
        if self._fuse.blown_by is not None:
            self._lanes.drop(lambda _: True)
            return 0
        records, size_bytes = self._lanes.load
        if self._lanes.is_resting or size_bytes >= self._settings.queue_bytes_max:
            return 0
        return self._settings.queue_records_max - records

    def _state(self, membership: Membership) -> tuple[ConsumerState, str]:
        if self._fuse.blown_by is not None:
            return ConsumerState.FUSE_BLOWN, self._fuse.blown_by
        if self._lanes.is_resting:
            return ConsumerState.WAITING, self._work.waits_for
        return (ConsumerState.CONSUMING if membership.is_joined else ConsumerState.JOINING), ""

    def _show(self, state: ConsumerState, code: str = "") -> None:
        status = ConsumerStatus(
            state=state,
            code=code,
            partitions=len(self._partitions),
            in_flight=self._lanes.load[0],
            dead_letters_in_a_row=self._fuse.in_a_row,
            patients_held=self._work.held,
        )
        if (status.state, status.code) != (self._status.state, self._status.code):
            level = logging.ERROR if state is ConsumerState.FUSE_BLOWN else logging.INFO
            log_event(
                Event.CONSUMER_STATE,
                level=level,
                outcome=state.value,
                code=code or None,
                count=status.dead_letters_in_a_row,
            )
        if status != self._status and self._watch is not None:
            self._watch(status)
        self._status = status


class Membership:
    """One consumer in the group, from its joining to its leaving."""

    def __init__(self, consumer: KafkaConsumer, partitions: Partitions, settings: KafkaSettings) -> None:
        self._consumer = consumer
        self._partitions = partitions
        self._settings = settings
        self._joined_at = time.monotonic()
        self._commit_at = 0.0
        self._paused = False

    @property
    def is_joined(self) -> bool:
        """Say whether the group counts on us, be it without a partition."""
        is_stable = self._consumer.group_metadata().state == MemberState.STABLE
        return is_stable and hears_coordinator(self._consumer)

    def poll(self, room: int, seconds: float) -> None:
        """Take up at most ``room`` records; without room the partitions pause and the membership goes on."""
        assigned = self._consumer.assignment()
        if room <= 0:
            self._consumer.pause(*assigned)
        elif self._paused:
            self._consumer.resume(*assigned)
        self._paused = room <= 0
        batches = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=max(room, 1))
        for partition, records in batches.items():
            if self._partitions.progress(partition).is_new:
                self._partitions.progress(partition).expect(self._committed(partition))
            for record in records:
                self._partitions.begin(partition, record)

    def commit_now_and_then(self) -> None:
        """Commit what is done, without waiting for the answer."""
        now = time.monotonic()
        offsets = self._partitions.to_commit()
        if offsets and now >= self._commit_at:
            self._commit_at = now + COMMIT_SECONDS_MAX
            self._consumer.commit_async(dict(offsets), callback=self._answered)

    def watch_over(self) -> None:
        """Raise ``NotJoinedError`` when we have not been a member for too long."""
        now = time.monotonic()
        if self.is_joined:
            self._joined_at = now
        elif now - self._joined_at > self._settings.watchdog_seconds:
            raise NotJoinedError

    def leave(self, seconds: float) -> None:
        """Finish what is worked on, commit what is done, and tell the group."""
        offsets = self._partitions.finish(self._partitions.all(), seconds)
        milliseconds = int(CLOSE_SECONDS_MAX * 1000)
        try:
            if offsets:
                self._consumer.commit(dict(offsets), timeout_ms=milliseconds)
        except KafkaError as error:
            _log_not_committed(offsets, error)
        finally:
            self._partitions.give_up_all()
            self._consumer.close(autocommit=False, timeout_ms=milliseconds)

    def _committed(self, partition: TopicPartition) -> int | None:
        try:
            offset: int | None = self._consumer.committed(
                partition, timeout_ms=int(COMMIT_SECONDS_MAX * 1000)
            )
        except KafkaError:
            return None  # without it only a gap right here goes unseen
        return offset

    def _answered(self, offsets: Mapping[TopicPartition, OffsetAndMetadata], answer: object) -> None:
        self._commit_at = time.monotonic() + self._settings.commit_seconds
        if not isinstance(answer, Exception):
            self._partitions.committed(offsets)
        elif not isinstance(answer, RebalanceInProgressError):  # then what we keep is committed after it
            _log_not_committed(offsets, answer)


def _log_not_committed(offsets: Mapping[TopicPartition, OffsetAndMetadata], error: Exception) -> None:
    log_event(
        Event.CONSUMER_NOT_COMMITTED,
        level=logging.WARNING,
        count=len(offsets),
        error_type=type(error).__name__,
    )
