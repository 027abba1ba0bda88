"""One record is taken in, or becomes a dead letter, or waits: nothing else."""

from __future__ import annotations

import pytest

from adapters.inbound import FORMATS
from adapters.inbound.intake import Intake
from adapters.inbound.kafka.lanes import EndedAs, Task
from adapters.inbound.kafka.letters import DeadLetterTopic
from adapters.inbound.kafka.progress import Progress
from adapters.inbound.kafka.settings import KafkaSettings, PoisonPolicy
from adapters.inbound.kafka.work import RecordWork
from adapters.kafka_connection import Appended, KafkaConnection
from gem_integration.domain.study import MediaType, ParseLimits
from gem_integration.errors import ATTEMPTS_MAX, RefusedBySink, SinkUnavailable, StorageUnavailable
from tests.unit.adapters.kafka_records_drawn import TOPIC, DrawnRecord, order

RUBBISH = b"DOE^JANE 12345678"


class ListedAppender:
    """Stands for Kafka's side of the dead-letter topic: lists what was appended."""

    def __init__(self, *failures):
        self.failures, self.appended = list(failures), []

    def append(self, topic, value, *, key, headers):
        """Append, or fail as planned."""
        if self.failures:
            raise self.failures.pop(0)
        self.appended.append((value, key, dict(headers)))
        return Appended(topic=topic, partition=0, offset=len(self.appended))


@pytest.fixture
def make_work(sqlite_store, clock):
    """Return a builder of work on a real store."""

    def build(appender=None, parse=None, poison=PoisonPolicy.SKIP):
        settings = KafkaSettings(
            connection=KafkaConnection(bootstrap_servers=("nowhere:9",)),
            topics={TOPIC: MediaType.HL7V2},
            dead_letter_topic="dead",
            poison=poison,
        )
        formats = FORMATS if parse is None else {**FORMATS, MediaType.HL7V2: parse}
        intake = Intake(
            store=sqlite_store, reader_key="rules|1|-|-|0", limits=ParseLimits(), clock=clock, formats=formats
        )
        return RecordWork(settings, intake, DeadLetterTopic(appender or ListedAppender(), "dead"))

    return build


def task(value, *, progress=None, **of_record):
    """Return a task of one record."""
    record = DrawnRecord(value=value, **of_record)
    return Task(record=record, progress=progress or Progress())


def failing(error):
    """Return a parser that fails."""

    def parse(_content, _limits):
        raise error

    return parse


def test_a_message_is_taken_in_once_however_often_it_comes(make_work, sqlite_store):
    """A duplicate is no failure."""
    work = make_work()
    assert [work(task(order(1))).as_ for _ in range(2)] == [EndedAs.TAKEN_IN] * 2
    assert sqlite_store.counts()["orders"] == 1


def test_a_dead_letter_lies_in_sql_and_on_the_topic_with_its_reason(make_work, sqlite_store):
    """Both say why and where from; the headers name no patient."""
    appender = ListedAppender()
    ending = make_work(appender)(task(RUBBISH, offset=7))
    (letter,) = sqlite_store.dead_letters()
    ((value, key, headers),) = appender.appended
    assert (ending.as_, ending.code, letter.code) == (EndedAs.DEAD_LETTER, *["unreadable_message"] * 2)
    assert sqlite_store.blob(letter.blob_sha256) == value == RUBBISH
    assert (key, headers["topic"], headers["partition"], headers["offset"]) == (b"k", TOPIC, "0", "7")
    assert (headers["code"], headers["reason"]) == (letter.code, letter.reason)
    assert not any(word in str(headers) for word in ("DOE", "JANE", "12345678"))


def test_a_record_of_an_unknown_format_is_a_dead_letter(make_work):
    """It is not tried as something else."""
    ending = make_work()(task(order(1), headers=(("media-type", b"image/png"),)))
    assert (ending.as_, ending.code) == (EndedAs.DEAD_LETTER, "unreadable_message")


def test_a_dead_letter_too_large_for_the_topic_leaves_its_bytes_in_sql(make_work):
    """What matters is that it is seen."""
    appender = ListedAppender(RefusedBySink("too large"))
    assert make_work(appender)(task(RUBBISH)).as_ is EndedAs.DEAD_LETTER
    ((value, _, headers),) = appender.appended
    assert (value, headers["content"]) == (b"", "omitted")


def test_a_dead_letter_the_topic_does_not_confirm_is_not_done(make_work):
    """The offset stays until both places have it."""
    ending = make_work(ListedAppender(SinkUnavailable("away")))(task(RUBBISH))
    assert (ending.as_, ending.code) == (EndedAs.LATER, "sink_unavailable")


def test_a_defect_stops_once_and_is_a_dead_letter_the_second_time(make_work, sqlite_store):
    """The count outlives the process: it is in the database."""
    error = ZeroDivisionError("DOE^JANE")
    first = make_work(parse=failing(error))(task(order(1)))
    second = make_work(parse=failing(error))(task(order(1)))
    assert (first.as_, first.error, second.as_) == (EndedAs.DEFECT, error, EndedAs.DEAD_LETTER)
    (letter,) = sqlite_store.dead_letters()
    assert (letter.code, letter.count) == ("defect", 2)
    assert "DOE" not in letter.reason


def test_an_outage_costs_no_message_its_tries(make_work):
    """While the database is away for all, waiting has no end, and delays grow to a limit."""
    work, waiting = make_work(parse=failing(StorageUnavailable("away"))), task(order(1))
    endings = [work(waiting) for _ in range(3 * ATTEMPTS_MAX)]
    assert {ending.as_ for ending in endings} == {EndedAs.LATER}
    assert endings[0].delay_s < endings[1].delay_s < endings[-1].delay_s == 30.0
    assert waiting.attempts == 1


def test_a_message_that_alone_meets_an_outage_is_a_dead_letter_in_the_end(make_work):
    """If others are taken in between its tries, it is the message."""

    def parse(content, limits):
        if b"M00001" in content:
            raise StorageUnavailable("away")
        return FORMATS[MediaType.HL7V2](content, limits)

    work, poison = make_work(parse=parse), task(order(1))
    for number in range(ATTEMPTS_MAX - 1):
        assert work(poison).as_ is EndedAs.LATER
        assert work(task(order(100 + number), key=b"other")).as_ is EndedAs.TAKEN_IN
    assert work(poison).as_ is EndedAs.DEAD_LETTER


def test_hold_keeps_the_later_messages_of_that_patient_unread(make_work, sqlite_store):
    """They lie in SQL as held back; other patients go on."""
    work, progress = make_work(poison=PoisonPolicy.HOLD), Progress()
    ended = [
        work(task(value, offset=offset, key=key, progress=progress)).as_
        for offset, (key, value) in enumerate(
            [(b"a", RUBBISH), (b"a", order(1)), (b"b", order(2)), (None, b"?"), (None, order(3))]
        )
    ]
    assert ended == [
        EndedAs.DEAD_LETTER,
        EndedAs.HELD,
        EndedAs.TAKEN_IN,
        EndedAs.DEAD_LETTER,
        EndedAs.TAKEN_IN,
    ]
    assert sorted(letter.code for letter in sqlite_store.dead_letters()) == [
        "held_back",
        "unreadable_message",
        "unreadable_message",
    ]
    assert work.held == 1


def test_a_held_patient_is_free_when_the_partition_is_given_up(make_work):
    """Its messages come again from the first, to whoever owns the partition then."""
    work, progress = make_work(poison=PoisonPolicy.HOLD), Progress()
    work(task(RUBBISH, progress=progress))
    progress.is_over = True
    assert work(task(order(1))).as_ is EndedAs.TAKEN_IN
    assert work.held == 0


def test_a_text_that_is_no_setting_is_refused():
    """Settings are checked as a whole before anything starts."""
    connection = KafkaConnection(bootstrap_servers=("k:9",))
    good = {"connection": connection, "topics": {"a": MediaType.HL7V2}, "dead_letter_topic": "d"}
    KafkaSettings(**good)
    for wrong in (
        {"topics": {}},
        {"dead_letter_topic": "a"},
        {"threads": 0},
        {"handover_seconds": 20.0},
        {"poll_seconds": 0.0},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            KafkaSettings(**{**good, **wrong})
    with pytest.raises(ValueError, match="bootstrap"):
        KafkaConnection(bootstrap_servers=())
