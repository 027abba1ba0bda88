"""Kafka: what arrives there is taken in, and what a gateway hears is made durable there.

An offset is committed only when everything before it has been taken in or is a dead letter in SQL and on the
dead-letter topic. What is delivered twice has one effect.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from adapters.inbound.intake import Intake
from adapters.inbound.kafka.letters import DeadLetterTopic
from adapters.inbound.kafka.loop import ConsumerLoop, ConsumerState, ConsumerStatus
from adapters.inbound.kafka.records import headers_of, key_of
from adapters.inbound.kafka.settings import KafkaSettings, PoisonPolicy
from adapters.inbound.kafka.work import RecordWork
from adapters.kafka_connection import Appended, KafkaAppender, KafkaConnection
from gem_integration.domain.study import InboundMessage, MediaType
from gem_integration.errors import RefusedBySink, SinkUnavailable, StorageUnavailable, UnreadableMessage

__all__ = [
    "ConsumerState",
    "ConsumerStatus",
    "KafkaConnection",
    "KafkaPublisher",
    "KafkaSettings",
    "PoisonPolicy",
    "consume",
    "key_of",
]


def consume(
    settings: KafkaSettings,
    intake: Intake,
    *,
    stop: threading.Event,
    watch: Callable[[ConsumerStatus], None] | None = None,
) -> None:
    """Take in what the topics hold, in order for each key, until ``stop`` is set.

    Returns once what was worked on is done and committed, or its deadline has passed. While the database is
    away nothing is committed and nothing is lost. The first failure by a defect of this program is raised,
    for whoever starts it again; the second on the same message is a dead letter.
    """
    with KafkaAppender(settings.connection, record_bytes_max=settings.record_bytes_max) as appender:
        letters = DeadLetterTopic(appender, settings.dead_letter_topic)
        ConsumerLoop(settings, RecordWork(settings, intake, letters), stop=stop, watch=watch).run()


class KafkaPublisher:
    """Makes messages durable in Kafka for a gateway, in order for each patient; for any number of threads."""

    def __init__(self, appender: KafkaAppender, topics: Mapping[MediaType, str]) -> None:
        self._appender = appender
        self._topics = topics

    def publish(self, message: InboundMessage, key: bytes | None) -> Appended:
        """Append ``message`` under ``key`` (see ``key_of``); return when every in-sync replica has it.

        Without a key the messages of one source stay in order. ``StorageUnavailable`` when that is not
        confirmed: the gateway must not say that it has the message. ``UnreadableMessage`` when it is too
        large; ``KeyError`` for a format no topic is named for.
        """
        topic = self._topics[message.media_type]
        lane = key if key is not None else key_of(message.source, "source")
        try:
            return self._appender.append(topic, message.content, key=lane, headers=headers_of(message))
        except SinkUnavailable as error:
            raise StorageUnavailable(error.reason, topic=topic) from error
        except RefusedBySink as error:
            raise UnreadableMessage("the message is larger than the topic takes", topic=topic) from error
