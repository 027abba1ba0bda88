"""What stands on a Kafka record, and the message it carries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from gem_integration.domain.identity import stable_id
from gem_integration.domain.study import InboundMessage, MediaType

MEDIA_TYPE = "media-type"
SOURCE = "source"
RECEIVED_AT = "received-at"
SOURCE_NAME = re.compile(r"[A-Za-z0-9_.:/|-]{1,120}")


class Record(Protocol):
    """A record as kafka-python gives it; ``timestamp`` in ms since 1970, negative where there is none."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102


def key_of(patient_id: str, assigner: str | None = None) -> bytes:
    """Return the key of a patient's records: the same for one patient everywhere, and no identifier."""
    return str(stable_id("kafka key", assigner or "", patient_id)).encode()


def lane_of(record: Record) -> bytes:
    """Return what records must share to be worked on in order: the key, or the partition without one."""
    return record.key if record.key is not None else f"{record.topic}/{record.partition}".encode()


def headers_of(message: InboundMessage) -> Mapping[str, str]:
    """Return what a record says about the message it carries."""
    return {
        MEDIA_TYPE: message.media_type.value,
        SOURCE: message.source,
        RECEIVED_AT: message.received_at.isoformat(),
    }


def message_of(record: Record, default: MediaType) -> InboundMessage:
    """Return the message a record carries; ``default`` is the format of records that name none.

    A header that says nothing sensible is as good as none.
    """
    headers = {name: (value or b"").decode("ascii", "replace") for name, value in record.headers}
    source = headers.get(SOURCE, "")
    return InboundMessage(
        source=source if SOURCE_NAME.fullmatch(source) else f"kafka:{record.topic}",
        media_type=named_media_type(record) or default,
        content=record.value or b"",
        received_at=_received_at(headers.get(RECEIVED_AT, ""), record),
    )


def named_media_type(record: Record) -> MediaType | None:
    """Return the format the record names, if it names one that we know."""
    named = _named(record)
    return next((known for known in MediaType if named is not None and known.value == named), None)


def names_unknown_media_type(record: Record) -> bool:
    """Say whether the record names a format that we do not know."""
    return _named(record) is not None and named_media_type(record) is None


def _named(record: Record) -> str | None:
    for name, value in record.headers:
        if name == MEDIA_TYPE and value:
            return value.decode("ascii", "replace").partition(";")[0].strip().lower()
    return None


def _received_at(header: str, record: Record) -> datetime:
    try:
        told = datetime.fromisoformat(header)
    except ValueError:
        told = datetime.fromtimestamp(max(record.timestamp, 0) / 1000, tz=UTC)
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
