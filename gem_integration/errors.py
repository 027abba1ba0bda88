"""The error tree: what went wrong, by type, so that the type alone decides the fate of the work.

::

    GemIntegrationError            code: stable slug, context: ids and numbers, never patient data
    ├── Rejected                   the input is wrong; trying again cannot help
    │   ├── UnreadableMessage      bytes that are not what they say they are
    │   ├── UnsupportedRecording   a recording we must not measure or read
    │   ├── IdentityConflict       two different things under one name
    │   ├── UnusableInterpretation a reader's text that cannot be grounded
    │   ├── HeldBack               waits behind an earlier failure of the same patient
    │   ├── LeaseLost              another holder owns the work now; this result is dropped
    │   └── RefusedBySink          the receiver said no, for good
    └── Unavailable                the world is wrong; later may help
        ├── StorageUnavailable
        ├── ReaderUnavailable
        └── SinkUnavailable        time-out, 5xx, 429 with its Retry-After
    anything else                  a defect: our bug, never caught to continue
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, TypeAlias

ContextValue: TypeAlias = str | int | float | bool | None

ATTEMPTS_MAX = 8
DEFECT_ATTEMPTS_MAX = 2
RETRY_DELAY_FIRST_S = 2.0
RETRY_DELAY_MAX_S = 900.0


class GemIntegrationError(Exception):
    """Base of every error this project raises on purpose."""

    code: ClassVar[str] = "error"

    def __init__(self, reason: str, **context: ContextValue) -> None:
        super().__init__(reason)
        self.reason = reason
        self.context: dict[str, ContextValue] = context

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickle with reason and context, across process borders."""
        return (_rebuild, (type(self), self.reason, self.context))

    def __str__(self) -> str:
        """Return the reason followed by the ids it concerns."""
        ids = " ".join(f"{key}={value}" for key, value in self.context.items())
        return f"{self.reason} [{ids}]" if ids else self.reason

    def to_json(self) -> dict[str, ContextValue | dict[str, ContextValue]]:
        """Return the error as plain JSON values."""
        return {"code": self.code, "reason": self.reason, "context": dict(self.context)}


def _rebuild(
    kind: type[GemIntegrationError], reason: str, context: Mapping[str, ContextValue]
) -> GemIntegrationError:
    return kind(reason, **context)


class Rejected(GemIntegrationError):
    """The input is wrong; trying again cannot help."""

    code = "rejected"


class UnreadableMessage(Rejected):
    """The bytes are not what they claim to be."""

    code = "unreadable_message"


class UnsupportedRecording(Rejected):
    """The recording is intact but must not be measured or read."""

    code = "unsupported_recording"


class IdentityConflict(Rejected):
    """One identifier names two different things."""

    code = "identity_conflict"


class UnusableInterpretation(Rejected):
    """The reader's text cannot be grounded: empty, truncated or without a claim."""

    code = "unusable_interpretation"


class HeldBack(Rejected):
    """A message kept unread, because an earlier one of the same patient is a dead letter."""

    code = "held_back"


class LeaseLost(Rejected):
    """The lease expired and another holder owns the work; this outcome is dropped."""

    code = "lease_lost"


class RefusedBySink(Rejected):
    """The receiver refused the report for good."""

    code = "refused_by_sink"


class Unavailable(GemIntegrationError):
    """The world is wrong; the same input may succeed later."""

    code = "unavailable"

    def __init__(self, reason: str, *, retry_after_s: float | None = None, **context: ContextValue) -> None:
        super().__init__(reason, **context)
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickle with the receiver's Retry-After."""
        return (_rebuild_unavailable, (type(self), self.reason, self.retry_after_s, self.context))


def _rebuild_unavailable(
    kind: type[Unavailable], reason: str, retry_after_s: float | None, context: Mapping[str, ContextValue]
) -> Unavailable:
    error = kind(reason, retry_after_s=retry_after_s)
    error.context.update(context)
    return error


class StorageUnavailable(Unavailable):
    """The database or the blob store cannot be reached."""

    code = "storage_unavailable"


class ReaderUnavailable(Unavailable):
    """The reader's model, weights or device cannot be used now."""

    code = "reader_unavailable"


class SinkUnavailable(Unavailable):
    """The receiver did not answer, or asked for patience."""

    code = "sink_unavailable"


class Fate(StrEnum):
    """What becomes of a piece of work after an error."""

    RETRY = "retry"  #: due again after a delay
    DEAD_LETTER = "dead_letter"  #: kept with its reason, never tried again by itself
    DROP = "drop"  #: another holder owns it; nothing to record
    STOP = "stop"  #: a defect: the process stops so that a person looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The fate of a piece of work, with the delay in seconds before a retry."""

    fate: Fate
    code: str
    delay_s: float = 0.0


def fate_of(error: BaseException, attempts: int) -> Decision:
    """Decide what becomes of work whose ``attempts``-th attempt (1-based) raised ``error``."""
    match error:
        case LeaseLost():
            return Decision(fate=Fate.DROP, code=error.code)
        case Rejected():
            return Decision(fate=Fate.DEAD_LETTER, code=error.code)
        case Unavailable() if attempts < ATTEMPTS_MAX:
            return Decision(fate=Fate.RETRY, code=error.code, delay_s=_delay_s(error, attempts))
        case Unavailable():
            return Decision(fate=Fate.DEAD_LETTER, code=error.code)
        case _ if attempts < DEFECT_ATTEMPTS_MAX:
            return Decision(fate=Fate.STOP, code="defect")
        case _:
            return Decision(fate=Fate.DEAD_LETTER, code="defect")


def _delay_s(error: Unavailable, attempts: int) -> float:
    backoff_s = min(RETRY_DELAY_FIRST_S * 2.0 ** (attempts - 1), RETRY_DELAY_MAX_S)
    return max(backoff_s, error.retry_after_s or 0.0)
