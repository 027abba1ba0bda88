"""How we speak to Kafka: the address, the credentials, and the append that is durable when it returns."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeAlias

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from gem_integration.errors import RefusedBySink, SinkUnavailable

RECONNECT_MS_MAX = 1_000
#: Room for the headers and the frame around a record's value, in bytes.
ENVELOPE_BYTES = 64 * 1024
UNCONFIRMED = "Kafka did not confirm the record in time: it may or may not be there, append it again"
TOO_LARGE = "the record is larger than the topic takes: raise max.message.bytes or refuse it earlier"

SecurityProtocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnection:
    """Where the brokers are and how they are convinced of who we are."""

    bootstrap_servers: tuple[str, ...]
    client_id: str = "gem-integration"
    security_protocol: SecurityProtocol = "PLAINTEXT"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse a connection to nowhere (``ValueError``)."""
        if not self.bootstrap_servers or not all(self.bootstrap_servers):
            raise ValueError("Kafka needs at least one bootstrap server, as host:port")

    def options(self) -> dict[str, object]:
        """Return the options every client of kafka-python takes."""
        files = {
            "ssl_cafile": self.ca_file,
            "ssl_certfile": self.certificate_file,
            "ssl_keyfile": self.key_file,
        }
        return {
            "bootstrap_servers": list(self.bootstrap_servers),
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
            # The default of 30 s makes every recovery slow.
            "reconnect_backoff_max_ms": RECONNECT_MS_MAX,
            "allow_auto_create_topics": False,
            **{option: str(path) for option, path in files.items() if path is not None},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """Where a confirmed record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """Return ``topic/partition@offset``."""
        return f"{self.topic}/{self.partition}@{self.offset}"


class KafkaAppender:
    """Appends records, each durable (``acks=all``, idempotent) before ``append`` returns.

    Safe to share between threads; beyond ``in_flight_max`` appends at once, callers wait for their turn.
    Nothing is connected until first used.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        record_bytes_max: int,
        seconds_max: float = 10.0,
        in_flight_max: int = 16,
    ) -> None:
        self._connection = connection
        self._record_bytes_max = record_bytes_max
        self._seconds_max = seconds_max
        # kafka-python has no bound on what it buffers: the turns are the bound.
        self._turns = threading.BoundedSemaphore(in_flight_max)
        self._lock = threading.Lock()
        self._producer: KafkaProducer | None = None

    def __enter__(self) -> Self:
        """Return itself; nothing is connected yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def append(self, topic: str, value: bytes, *, key: bytes | None, headers: Mapping[str, str]) -> Appended:
        """Append one record and return where it lies, once every in-sync replica has it.

        ``SinkUnavailable`` when that was not confirmed in time (the record may be there all the same);
        ``RefusedBySink`` when it is too large.
        """
        if not self._turns.acquire(timeout=self._seconds_max):
            raise SinkUnavailable("too many records wait for Kafka to confirm them", topic=topic)
        try:
            return self._append(topic, value, key, [(name, text.encode()) for name, text in headers.items()])
        finally:
            self._turns.release()

    def close(self) -> None:
        """Close the connection; what was not confirmed has already been reported so."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            _close(producer, self._seconds_max)

    def _append(
        self, topic: str, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]
    ) -> Appended:
        producer: KafkaProducer | None = None
        try:
            producer = self._opened()
            sent = producer.send(topic, value=value, key=key, headers=headers)
            at = sent.get(timeout=self._seconds_max + 1.0)
        except MessageSizeTooLargeError as error:
            raise RefusedBySink(TOO_LARGE, topic=topic, size_bytes=len(value)) from error
        except KafkaError as error:
            if producer is not None:
                self._give_up(producer)
            raise SinkUnavailable(UNCONFIRMED, topic=topic, kind=type(error).__name__) from error
        return Appended(topic=at.topic, partition=at.partition, offset=at.offset)

    def _opened(self) -> KafkaProducer:
        with self._lock:
            if self._producer is None:
                self._producer = KafkaProducer(**self._connection.options(), **self._limits())
            return self._producer

    def _limits(self) -> dict[str, object]:
        milliseconds = int(self._seconds_max * 1000)
        return {
            "acks": "all",
            # Left to its default, a conflicting option would only warn.
            "enable_idempotence": True,
            "max_request_size": self._record_bytes_max + ENVELOPE_BYTES,
            "max_block_ms": milliseconds,
            "delivery_timeout_ms": milliseconds,
            "request_timeout_ms": milliseconds // 2,
            "bootstrap_timeout_ms": milliseconds,
            "metrics_enabled": False,
        }

    def _give_up(self, producer: KafkaProducer) -> None:
        """Leave a producer that failed: an idempotent one may never recover.

        What other threads have sent by it still gets its answer.
        """
        with self._lock:
            if producer is not self._producer:
                return
            self._producer = None
        closing = threading.Thread(target=_close, args=(producer, 2.0 * self._seconds_max), daemon=True)
        closing.start()


def _close(producer: KafkaProducer, seconds: float) -> None:
    with contextlib.suppress(KafkaError):
        producer.close(timeout=seconds)
