"""Claims, verdicts and the evidence they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gem_integration.domain.ecg import Lead


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A number beside a criterion, and where on the recording it was taken.

    ``measurement`` is a ``MeasurementKind`` value; ``low`` and ``high`` bound the 95 % interval;
    ``samples`` are half-open ranges in samples of the recording as received; ``met`` is ``None``
    when the number could not be taken (``method`` then says why).
    """

    measurement: str
    lead: Lead | None = None
    value: float | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    beats: tuple[int, ...] = ()
    samples: tuple[tuple[int, int], ...] = ()
    method: str = ""
    criterion: str
    met: bool | None = None


class ClaimKind(StrEnum):
    """What sort of assertion a claim is."""

    MEASUREMENT = "measurement"
    MORPHOLOGY = "morphology"
    FINDING = "finding"
    OTHER = "other"


class Polarity(StrEnum):
    """Whether the text says a thing is there or is not."""

    PRESENT = "present"
    ABSENT = "absent"


class Certainty(StrEnum):
    """Whether the text states or only suggests."""

    STATED = "stated"
    POSSIBLE = "possible"


class Comparator(StrEnum):
    """How a claimed number is meant."""

    EQUAL = "="
    ABOUT = "~"
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    RANGE = "range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One checkable assertion inside an interpretation; ``interpretation[start:end] == text``.

    ``subject`` is an id of the vocabulary of its kind (``terminology/subjects.csv``), ``None`` for
    ``other``; ``leads`` are in canonical order, empty for the whole ECG; ``beats`` are 1-based.
    """

    text: str
    start: int
    end: int
    kind: ClaimKind
    subject: str | None = None
    leads: tuple[Lead, ...] = ()
    polarity: Polarity = Polarity.PRESENT
    certainty: Certainty = Certainty.STATED
    comparator: Comparator | None = None
    value: float | None = None
    value_high: float | None = None
    unit: str | None = None
    beats: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty span and a subject that does not fit the kind."""
        if self.end - self.start != len(self.text) or not self.text:
            raise ValueError("a claim's span must reproduce its words")
        if (self.kind is ClaimKind.OTHER) != (self.subject is None):
            raise ValueError("only 'other' claims have no subject")


class Verdict(StrEnum):
    """What the waveform says about a claim."""

    SUPPORTED = "supported"  #: satisfied outside the measurement's uncertainty
    CONTRADICTED = "contradicted"  #: violated outside the measurement's uncertainty
    BORDERLINE = "borderline"  #: within its own uncertainty of the limit, or leads are split
    NOT_MEASURABLE = "not_measurable"  #: quality, a missing lead or an absent wave prevents it
    NOT_GROUNDABLE = "not_groundable"  #: nothing a 12-lead ECG could show


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundedObservation:
    """A claim with its verdict; ``reason`` is one short phrase (``unit_slip`` is a fixed one)."""

    claim: Claim
    verdict: Verdict
    reason: str
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a verdict of support or contradiction that rests on nothing."""
        decided = self.verdict in (Verdict.SUPPORTED, Verdict.CONTRADICTED)
        if decided and not self.evidence:
            raise ValueError("a decided verdict rests on evidence")
