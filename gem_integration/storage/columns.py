"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from gem_integration.storage.codec import Json

CHOICE_LENGTH = 32
IDENTIFIER_LENGTH = 36
KEY_LENGTH_MAX = 255

#: The JSON type of PostgreSQL keeps the text as written; JSONB would refuse U+0000 and lone surrogates,
#: which do arrive in hospital messages. What is searched for has columns of its own.
Document: TypeAlias = sa.JSON


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: zone-aware in Python, stored in UTC; a naive value is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Convert to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must be zone-aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give back UTC; SQLite forgets the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DashedUuid(TypeDecorator[uuid.UUID]):
    """A UUID as the dashed text that people copy from reports."""

    impl = sa.String(IDENTIFIER_LENGTH)
    cache_ok = True

    def process_bind_param(self, value: uuid.UUID | None, dialect: sa.Dialect) -> str | None:
        """Write the text."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> uuid.UUID | None:
        """Read the text."""
        return None if value is None else uuid.UUID(value)


def identifier() -> sa.Uuid[uuid.UUID]:
    """Return the column type of a UUID: native where the database has one, dashed text on SQLite."""
    return sa.Uuid().with_variant(DashedUuid(), "sqlite")


class Words(TypeDecorator[str]):
    """Text for people and searches.

    PostgreSQL stores neither U+0000 nor lone surrogates; each becomes U+FFFD here. Where the exact text
    matters, a document column keeps it.
    """

    impl = sa.Text()
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Replace what no database can hold."""
        return None if value is None else storable(value)


class Key(Words):
    """Text that is searched for by its beginning; short enough for an index of PostgreSQL."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Keep the beginning."""
        kept = super().process_bind_param(value, dialect)
        return None if kept is None else kept[:KEY_LENGTH_MAX]


def storable(text: str) -> str:
    """Return ``text`` with U+0000 and lone surrogates replaced by U+FFFD."""
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def choice(kind: type[StrEnum]) -> sa.Enum:
    """Return the column type of an enum: its values as text, checked in Python."""
    return sa.Enum(
        kind,
        native_enum=False,
        length=CHOICE_LENGTH,
        values_callable=lambda members: [member.value for member in members],
    )


__all__ = ["Document", "Json", "Key", "UtcDateTime", "Words", "choice", "identifier", "storable"]
