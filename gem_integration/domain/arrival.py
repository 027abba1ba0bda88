"""What a transport remembers of what arrived: answers given, and bytes that were no message."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gem_integration.domain.identity import content_hash, stable_id


class QuarantineReason(StrEnum):
    """Why bytes that arrived did not become a message."""

    OUTSIDE_FRAME = "outside_frame"  #: before the start of a frame
    NO_END = "no_end"  #: a new frame began before the end of this one
    HALF_FRAME = "half_frame"  #: the sender fell silent or left in the middle
    OVERSIZE = "oversize"  #: larger than the limit; the beginning is kept
    OVERSIZE_REST = "oversize_rest"  #: what followed that beginning, counted and not kept
    NO_ROOM = "no_room"  #: too many large frames at once; the beginning is kept
    NO_HEADER = "no_header"  #: a frame without a header that can be read
    UNACCEPTABLE = "unacceptable"  #: a message type, version or processing id we do not take
    CONFLICT = "conflict"  #: other bytes under the id of a message that was answered
    DEFECT = "defect"  #: our program failed on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """Bytes that did not become a message; the same from the same source are counted on one row.

    ``content`` may be the beginning only; ``size_bytes`` is how many arrived.
    """

    source: str
    reason: QuarantineReason
    content: bytes = field(repr=False)
    size_bytes: int
    first_seen_at: datetime
    last_seen_at: datetime
    count: int = 1

    @property
    def quarantine_id(self) -> uuid.UUID:
        """Return the name that the same bytes, for the same reason, always have."""
        return stable_id("quarantine", self.source, self.reason, content_hash(self.content))


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """The answer a message was given, byte for byte; a repeat of the message is given it again."""

    source: str
    message_id: str
    message_sha256: str
    code: str  #: of the (first) acknowledgement (HL7 table 0008); empty when none was asked for
    content: bytes = field(repr=False)
    acknowledged_at: datetime
    repeats: int = 0

    @property
    def acknowledgement_id(self) -> uuid.UUID:
        """Return the name of the answer to this message id of this source."""
        return stable_id("acknowledgement", self.source, self.message_id)
