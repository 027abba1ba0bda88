"""Coded ECG statements, reached by published criteria on our own measurements."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Evidence


class StatementState(StrEnum):
    """How far a statement's criteria are satisfied."""

    MET = "met"
    BORDERLINE = "borderline"
    NOT_MET = "not_met"
    NOT_MEASURABLE = "not_measurable"


class Urgency(StrEnum):
    """How soon a person must look; minutes, hours, or in turn."""

    CRITICAL = "critical"
    URGENT = "urgent"
    ROUTINE = "routine"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One ECG statement with the parts its decision rests on.

    ``statement_id`` is an id of ``terminology/statements.csv``; ``leads`` are those in which it was
    found; ``note`` says what a reader of the report must know (criterion named, branch taken).
    """

    statement_id: str
    state: StatementState
    urgency: Urgency
    parts: tuple[Evidence, ...]
    leads: tuple[Lead, ...] = ()
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse a decided statement that rests on nothing."""
        if self.state in (StatementState.MET, StatementState.BORDERLINE) and not self.parts:
            raise ValueError("a statement rests on parts")
