"""Dead letters of Kafka records go to a topic too: the bytes as they came, and in the headers why."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from adapters.inbound.kafka.records import Record, headers_of, message_of
from adapters.kafka_connection import KafkaAppender
from gem_integration.domain.report import DeadLetter
from gem_integration.domain.study import MediaType
from gem_integration.errors import RefusedBySink


class DeadLetterTopic:
    """Where dead letters are appended, under the key of the record that died.

    No header holds patient data; the value is the message itself, so the topic deserves the protection of
    the topics read.
    """

    def __init__(self, appender: KafkaAppender, topic: str) -> None:
        self._appender = appender
        self._topic = topic

    def append(self, letter: DeadLetter, record: Record, default: MediaType) -> None:
        """Append ``letter`` with the bytes of ``record``; ``SinkUnavailable`` until Kafka confirms it.

        A message too large for the topic is left out: its bytes are in our memory under ``sha256``.
        """
        headers = {**headers_of(message_of(record, default)), **_headers(letter, record)}
        with contextlib.suppress(RefusedBySink):
            self._appender.append(self._topic, record.value or b"", key=record.key, headers=headers)
            return
        self._appender.append(self._topic, b"", key=record.key, headers={**headers, "content": "omitted"})


def _headers(letter: DeadLetter, record: Record) -> Mapping[str, str]:
    return {
        "code": letter.code,
        "reason": letter.reason,
        "stage": letter.stage.value,
        "dead-letter-id": str(letter.dead_letter_id),
        "sha256": letter.blob_sha256 or "",
        "count": str(letter.count),
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
    }
