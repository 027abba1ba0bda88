"""The tables of what a transport remembers: answers given, and bytes that were no message."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gem_integration.domain.arrival import QuarantineReason
from gem_integration.storage.columns import Key, choice
from gem_integration.storage.tables import Base


class AcknowledgementRow(Base):
    """The answer to one message, as sent; ``repeats`` counts how often it was sent again."""

    __tablename__ = "acknowledgements"

    acknowledgement_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Key())
    message_id: Mapped[str] = mapped_column(Key())
    message_sha256: Mapped[str] = mapped_column(sa.ForeignKey("blobs.sha256"))
    code: Mapped[str]
    content: Mapped[bytes]
    acknowledged_at: Mapped[datetime] = mapped_column(index=True)
    repeats: Mapped[int]


class QuarantineRow(Base):
    """Bytes that did not become a message; seen again, they are counted, not repeated."""

    __tablename__ = "quarantine"

    quarantine_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Key())
    reason: Mapped[QuarantineReason] = mapped_column(choice(QuarantineReason))
    blob_sha256: Mapped[str] = mapped_column(sa.ForeignKey("blobs.sha256"))
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]
