"""What a thread of the consumer does with one record, and what becomes of the record when that fails."""

from __future__ import annotations

import logging
import math
import threading

from adapters.inbound.intake import Intake, take_in
from adapters.inbound.kafka.fuse import Fuse
from adapters.inbound.kafka.lanes import EndedAs, Ending, Task
from adapters.inbound.kafka.letters import DeadLetterTopic
from adapters.inbound.kafka.progress import Progress
from adapters.inbound.kafka.records import Record, message_of, names_unknown_media_type
from adapters.inbound.kafka.settings import KafkaSettings, PoisonPolicy
from gem_integration.domain.report import DeadLetter
from gem_integration.domain.study import InboundMessage
from gem_integration.errors import (
    ATTEMPTS_MAX,
    Fate,
    HeldBack,
    Unavailable,
    UnreadableMessage,
    fate_of,
)
from gem_integration.observability import Event, log_event
from gem_integration.pipeline.failures import DEFECT
from gem_integration.pipeline.receive import reject


class RecordWork:
    """Takes records in. Safe to share between threads, as long as one lane is worked on by one at a time.

    ``DEFECT`` is returned for the first failure of a record that is our bug; when it fails again, after a
    restart, it is a dead letter. The count is that of its dead letter, so it outlives the process.
    """

    def __init__(self, settings: KafkaSettings, intake: Intake, letters: DeadLetterTopic) -> None:
        self._settings = settings
        self._intake = intake
        self._letters = letters
        self.fuse = Fuse(settings.fuse_limits)
        self._lock = threading.Lock()
        self._taken_in = 0
        self._failures_in_a_row = 0
        self._held: dict[bytes, Progress] = {}
        self.waits_for = ""  #: the code of what the last failed attempt waits for

    @property
    def held(self) -> int:
        """Return how many patients are held."""
        return sum(not progress.is_over for progress in tuple(self._held.values()))

    def __call__(self, task: Task) -> Ending:
        """Take a record in, or say what came of it instead; no error passes."""
        try:
            ending = self._ending_of(task)
        except Unavailable as error:
            return self._later(task, error)
        except Exception as error:
            return Ending(as_=EndedAs.DEFECT, code=DEFECT, error=error)
        with self._lock:
            self._failures_in_a_row = 0
            self._taken_in += ending.as_ is EndedAs.TAKEN_IN
        if ending.as_ is EndedAs.TAKEN_IN:
            self.fuse.taken_in()
        return ending

    def _ending_of(self, task: Task) -> Ending:
        record = task.record
        message = message_of(record, self._settings.topics[record.topic])
        if self._is_held(record.key):
            self._reject(message, HeldBack("kept unread behind a dead letter of the same patient"))
            return Ending(as_=EndedAs.HELD, code=HeldBack.code)
        letter = self._taken_in_or_letter(message, task)
        if isinstance(letter, Ending):
            return letter
        if letter is None:
            return Ending(as_=EndedAs.TAKEN_IN)
        self._letters.append(letter, record, self._settings.topics[record.topic])
        if self._settings.poison is PoisonPolicy.HOLD and record.key is not None:
            self._held[record.key] = task.progress
        self.fuse.dead_letter(letter.code)
        return Ending(
            as_=EndedAs.DEAD_LETTER, code=letter.code, delay_s=math.inf if self.fuse.blown_by else 0.0
        )

    def _is_held(self, key: bytes | None) -> bool:
        # When its partition goes to another consumer, the dead letter comes again there, and holds there.
        first = self._held.get(key) if key is not None else None
        return first is not None and not first.is_over

    def _taken_in_or_letter(self, message: InboundMessage, task: Task) -> DeadLetter | Ending | None:
        try:
            if names_unknown_media_type(task.record):
                return self._reject(message, UnreadableMessage("its media-type header names no known format"))
            return take_in(message, self._intake).dead_letter
        except Unavailable as error:
            if not self._is_to_blame(task):
                raise
            return self._reject(message, error)
        except Exception as error:
            letter = self._reject(message, error)
            if fate_of(error, letter.count).fate is Fate.STOP:
                return Ending(as_=EndedAs.DEFECT, code=letter.code, error=error)
            return letter

    def _reject(self, message: InboundMessage, error: BaseException) -> DeadLetter:
        letter = reject(message, error, store=self._intake.store, clock=self._intake.clock)
        log_event(
            Event.MESSAGE_REJECTED,
            level=logging.WARNING,
            code=letter.code,
            source=message.source,
            sha256=letter.blob_sha256,
            dead_letter_id=str(letter.dead_letter_id),
            error_type=type(error).__name__,
        )
        return letter

    def _is_to_blame(self, task: Task) -> bool:
        """Count a failed attempt against the record only if others were taken in meanwhile.

        While the database is away for all, no record loses its tries.
        """
        with self._lock:
            if task.attempts == 0 or self._taken_in > task.taken_in_before:
                task.attempts += 1
            task.taken_in_before = self._taken_in
        return task.attempts >= ATTEMPTS_MAX

    def _later(self, task: Task, error: Unavailable) -> Ending:
        with self._lock:
            self._failures_in_a_row += 1
            attempts = min(self._failures_in_a_row, ATTEMPTS_MAX - 1)
        decision = fate_of(error, attempts)
        self.waits_for = decision.code
        delay_s = min(decision.delay_s, self._settings.retry_seconds_max)
        log_event(
            Event.CONSUMER_WAITING,
            level=logging.WARNING,
            code=decision.code,
            attempts=task.attempts,
            seconds=delay_s,
            **_place(task.record),
        )
        return Ending(as_=EndedAs.LATER, code=decision.code, delay_s=delay_s)


def _place(record: Record) -> dict[str, str | int]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
