"""The loop watches over its membership, and over what its partitions may commit."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from kafka.structs import MemberState, TopicPartition

from adapters.inbound.kafka.lanes import EndedAs, Ending, Lanes
from adapters.inbound.kafka.loop import Membership, NotJoinedError
from adapters.inbound.kafka.partitions import Partitions
from adapters.inbound.kafka.settings import KafkaSettings, PoisonPolicy
from adapters.kafka_connection import KafkaConnection
from gem_integration.domain.study import MediaType
from tests.unit.adapters.kafka_records_drawn import TOPIC, DrawnRecord

PARTITION = TopicPartition(TOPIC, 0)
SECONDS = 10


def settings(**changes):
    """Return settings of no real broker."""
    return KafkaSettings(
        connection=KafkaConnection(bootstrap_servers=("nowhere:9",)),
        topics={TOPIC: MediaType.HL7V2},
        dead_letter_topic="dead",
        **changes,
    )


def ended_as_told(task):
    """End a record as its value says."""
    as_ = EndedAs(task.record.value.decode())
    return Ending(as_=as_, code="bad", error=ZeroDivisionError() if as_ is EndedAs.DEFECT else None)


@pytest.fixture
def make_partitions():
    """Return a builder of partitions whose records end as told, by their value."""
    opened = []

    def build(**changes):
        lanes = Lanes(ended_as_told, 1)
        opened.append(lanes)
        partitions = Partitions(settings(**changes), lanes)
        partitions.own([PARTITION])
        return partitions

    yield build
    for lanes in opened:
        lanes.close()


def consumer_in(state, *, is_silent=False):
    """Return what a membership asks of a consumer."""
    metadata = SimpleNamespace(state=state)
    heartbeat = SimpleNamespace(session_timeout_expired=lambda: is_silent)
    return SimpleNamespace(group_metadata=lambda: metadata, _coordinator=SimpleNamespace(heartbeat=heartbeat))


def worked_through(partitions, lots):
    """Give the records of each lot, let all be worked on, and return the offset to commit after each."""
    committable, offset = [], 0
    for lot in lots:
        for ending in lot:
            partitions.begin(PARTITION, DrawnRecord(offset=offset, value=ending.value.encode()))
            offset += 1
        deadline = time.monotonic() + SECONDS
        while partitions.lanes.load[0] and time.monotonic() < deadline:
            time.sleep(0.005)
        partitions.settle()
        at = partitions.to_commit().get(PARTITION)
        committable.append(None if at is None else at.offset)
    return committable


def test_a_member_without_a_partition_is_content_and_one_that_never_joins_is_not():
    """Spare consumers are left alone; a forgotten join is begun again."""
    consumer = consumer_in(MemberState.STABLE)
    membership = Membership(consumer, partitions=None, settings=settings(watchdog_seconds=1e-9))
    membership.watch_over()
    consumer.group_metadata().state = MemberState.REBALANCING
    with pytest.raises(NotJoinedError):
        membership.watch_over()


def test_a_member_whose_brokers_are_away_is_none():
    """The library itself would call it stable for ever."""
    consumer = consumer_in(MemberState.STABLE, is_silent=True)
    assert not Membership(consumer, partitions=None, settings=settings()).is_joined


def test_a_dead_letter_lets_the_next_be_committed(make_partitions):
    """By default nothing waits for it."""
    lots = [[EndedAs.TAKEN_IN], [EndedAs.DEAD_LETTER, EndedAs.TAKEN_IN]]
    assert worked_through(make_partitions(), lots) == [1, 3]


def test_a_held_patient_keeps_its_partition_uncommitted_up_to_a_limit(make_partitions):
    """A restart begins from the message that failed; too long a wait is given up."""
    partitions = make_partitions(poison=PoisonPolicy.HOLD, held_span_max=2, queue_records_max=2, threads=1)
    lots = [[EndedAs.DEAD_LETTER], [EndedAs.HELD] * 3, [EndedAs.HELD]]
    assert worked_through(partitions, lots) == [None, None, 5]


def test_a_defect_is_never_passed(make_partitions):
    """Its record comes again after the restart, and so does all behind it."""
    partitions = make_partitions()
    assert worked_through(partitions, [[EndedAs.DEFECT], [EndedAs.TAKEN_IN]]) == [None, None]


def test_a_partition_given_up_commits_nothing_more(make_partitions):
    """Another consumer owns it; what still ends here is no news."""
    partitions = make_partitions()
    partitions.begin(PARTITION, DrawnRecord(value=EndedAs.TAKEN_IN.value.encode()))
    offsets = partitions.finish([PARTITION], SECONDS)
    partitions.give_up([PARTITION])
    assert offsets == {} or offsets[PARTITION].offset == 1
    partitions.settle()
    assert partitions.to_commit() == {}
    assert len(partitions) == 0
