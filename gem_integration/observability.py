"""Structured logs: one JSON object a line, from a closed list of events, with no room for patient data.

An event carries only fields of ``FIELDS``: numbers, or strings that look like ids and codes. A record of
another library is reduced to where it came from, since its words may quote the input.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO, TypeAlias

FieldValue: TypeAlias = str | int | float | bool | None

LOGGER_NAME = "gem_integration"
SAFE_TEXT = re.compile(r"[A-Za-z0-9_.:+/|-]{1,120}")
WITHHELD = "withheld"


class Event(StrEnum):
    """Everything this project logs."""

    MESSAGE_RECEIVED = "message_received"
    MESSAGE_DUPLICATE = "message_duplicate"
    MESSAGE_REJECTED = "message_rejected"
    GATEWAY_STARTED = "gateway_started"
    GATEWAY_STOPPED = "gateway_stopped"
    CONNECTION_OPENED = "connection_opened"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_CLOSED = "connection_closed"
    FRAME_ANSWERED = "frame_answered"
    BYTES_QUARANTINED = "bytes_quarantined"
    BYTES_NOT_STORED = "bytes_not_stored"  #: counted here only: the database was away
    CONSUMER_STATE = "consumer_state"
    CONSUMER_WAITING = "consumer_waiting"  #: an attempt failed for a reason of the world
    CONSUMER_GAP = "consumer_gap"  #: offsets are missing: messages were deleted before they were read
    CONSUMER_NOT_COMMITTED = "consumer_not_committed"
    CONSUMER_BROKEN = "consumer_broken"  #: the membership ended with an error; another one follows
    READ_FINISHED = "read_finished"
    READ_FAILED = "read_failed"
    READ_HANDED_BACK = "read_handed_back"  #: leased but not begun: the worker is leaving, or was too slow
    READS_RUNG = "reads_rung"
    DISPATCH_WAITING = "dispatch_waiting"  #: the database or the broker is away
    WORKER_STARTED = "worker_started"
    WORKER_RUNG = "worker_rung"
    WORKER_WAITING = "worker_waiting"  #: the database is away
    WORKER_STOPPED = "worker_stopped"
    WORKER_OUT_OF_TIME = "worker_out_of_time"  #: it had to leave with a read unfinished
    DELIVERY_FINISHED = "delivery_finished"
    DELIVERY_FAILED = "delivery_failed"
    DATABASE_MIGRATED = "database_migrated"
    COMMAND_FINISHED = "command_finished"
    FOREIGN = "foreign"  #: a record of a library; only its place is kept


FIELDS = frozenset(
    {
        "attempts",
        "claims",
        "code",
        "command",
        "count",
        "dead_letter_id",
        "decision",
        "error_type",
        "job_id",
        "line",
        "location",
        "media_type",
        "message_row_id",
        "offset",
        "outcome",
        "partition",
        "peer",
        "port",
        "reader",
        "report_id",
        "revision",
        "seconds",
        "sha256",
        "sink",
        "size_bytes",
        "source",
        "stage",
        "study_id",
        "topic",
        "urgency",
    }
)


def log_event(event: Event, *, level: int = logging.INFO, **fields: FieldValue) -> None:
    """Log ``event`` with ``fields``; a field outside the closed list is a defect (``ValueError``)."""
    unknown = fields.keys() - FIELDS
    if unknown:
        raise ValueError(f"not a log field: {', '.join(sorted(unknown))}")
    safe = {name: _safe(value) for name, value in fields.items()}
    logging.getLogger(LOGGER_NAME).log(level, event.value, extra={"event": event.value, "fields": safe})


def _safe(value: FieldValue) -> FieldValue:
    if isinstance(value, str) and not SAFE_TEXT.fullmatch(value):
        return WITHHELD
    return value


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON line; only our own events keep their fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without arguments or text of foreign records."""
        line: dict[str, FieldValue] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        fields = getattr(record, "fields", None)
        if record.name == LOGGER_NAME and isinstance(fields, dict):
            line["event"] = str(getattr(record, "event", Event.FOREIGN.value))
            line.update(fields)
        else:
            line.update(event=Event.FOREIGN.value, source=record.name, line=record.lineno)
        if record.exc_info and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True, separators=(",", ":"))


def configure_logging(*, level: str, stream: TextIO | None = None) -> None:
    """Send every log record of this process, foreign ones too, through ``JsonFormatter``."""
    sink = logging.StreamHandler(stream if stream is not None else sys.stderr)
    sink.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [sink]
    root.setLevel(logging.WARNING)
    logging.getLogger(LOGGER_NAME).setLevel(level.upper())
    logging.captureWarnings(capture=True)
