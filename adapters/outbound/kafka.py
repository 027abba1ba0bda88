"""The sink that tells Kafka of each report version: a small JSON event, no report text and no patient."""

from __future__ import annotations

import re

import orjson

from adapters.kafka_connection import KafkaAppender, KafkaConnection
from gem_integration.domain.identity import content_hash
from gem_integration.domain.report import Receipt
from gem_integration.ports import Delivery

EVENT_TYPE = "report"
EVENT_BYTES_MAX = 64 * 1024
LOCATION = re.compile(r"(?:kafka://)?(?P<servers>[^/\s]+)/(?P<topic>[A-Za-z0-9._-]{1,249})")


def report_event(delivery: Delivery) -> dict[str, str | int | None]:
    """Return the event of a report version: the same for the same version, always."""
    report = delivery.report
    return {
        "type": EVENT_TYPE,
        "report_id": str(report.report_id),
        "study_id": str(report.study_id),
        "version": report.version,
        "supersedes": None if report.supersedes is None else str(report.supersedes),
        "status": report.status.value,
        "urgency": report.urgency.value,
        "issued_at": report.issued_at.isoformat(),
        "reader": report.reader.key,
    }


class KafkaSink:
    """Appends report events to a topic, under the id of their study, so that its versions stay in order.

    A delivery made again appends the same event again: receivers know it by ``report_id``.
    """

    def __init__(self, appender: KafkaAppender, topic: str) -> None:
        self._appender = appender
        self._topic = topic

    @classmethod
    def at(cls, location: str) -> KafkaSink:
        """Return the sink at ``kafka://host:port[,host:port…]/topic``; ``ValueError`` for anything else."""
        parts = LOCATION.fullmatch(location)
        if parts is None:
            raise ValueError("the kafka sink needs a location like kafka://host:9092/topic")
        connection = KafkaConnection(bootstrap_servers=tuple(parts["servers"].split(",")))
        return cls(KafkaAppender(connection, record_bytes_max=EVENT_BYTES_MAX), parts["topic"])

    @property
    def name(self) -> str:
        """Return ``kafka``."""
        return "kafka"

    def deliver(self, delivery: Delivery) -> Receipt:
        """Append the event; ``SinkUnavailable`` until every in-sync replica has it."""
        event = orjson.dumps(report_event(delivery), option=orjson.OPT_SORT_KEYS)
        at = self._appender.append(
            self._topic,
            event,
            key=str(delivery.report.study_id).encode(),
            headers={"content-type": "application/json", "event": EVENT_TYPE},
        )
        return Receipt(location=str(at), content_sha256=content_hash(event), detail=f"{len(event)} bytes")

    def close(self) -> None:
        """Close the connection."""
        self._appender.close()
