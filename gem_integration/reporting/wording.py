"""The words of a report: numbers with units, names of measurements, a claim beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable

from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Claim, Comparator, Evidence, GroundedObservation, Verdict
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.terminology.codes import measurement_codes
from gem_integration.terminology.statements import statement_codes

#: UCUM or claim unit → how a person reads it, and the decimals worth printing.
UNIT_WORDS: dict[str, tuple[str, int]] = {
    "ms": (" ms", 0),
    "mV": (" mV", 2),
    "mm": (" mm", 1),
    "deg": ("°", 0),
    "/min": (" /min", 0),
    "bpm": (" bpm", 0),
    "mV/s": (" mV/s", 1),
    "mV.ms": (" mV·ms", 1),
    "1": ("", 2),
}

#: Global measurements a reader of the report looks for first, with their short names.
KEY_MEASUREMENTS: tuple[tuple[MeasurementKind, str], ...] = (
    (MeasurementKind.HEART_RATE, "rate"),
    (MeasurementKind.PR_INTERVAL, "PR"),
    (MeasurementKind.QRS_DURATION, "QRS"),
    (MeasurementKind.QT_INTERVAL, "QT"),
    (MeasurementKind.QTC_FRIDERICIA, "QTc (Fridericia)"),
    (MeasurementKind.QRS_AXIS, "QRS axis"),
)

#: Measurements that are whole numbers of something, without an interval.
COUNTS: frozenset[str] = frozenset(
    {
        MeasurementKind.BEAT_COUNT,
        MeasurementKind.DROPPED_BEAT_COUNT,
        MeasurementKind.ECTOPIC_NARROW_COUNT,
        MeasurementKind.ECTOPIC_WIDE_COUNT,
        MeasurementKind.QRS_NOTCH_COUNT,
        MeasurementKind.WIDE_RUN_MAX,
    }
)

_WAVES = frozenset({"p", "pr", "q", "qr", "qrs", "qs", "qt", "qtc", "r", "rr", "rs", "st", "t", "u"})

_COMPARATOR_WORDS: dict[Comparator, str] = {
    Comparator.EQUAL: "",
    Comparator.ABOUT: "about ",
    Comparator.LESS: "under ",
    Comparator.LESS_OR_EQUAL: "at most ",
    Comparator.GREATER: "over ",
    Comparator.GREATER_OR_EQUAL: "at least ",
    Comparator.RANGE: "",
}


def number_text(value: float, unit: str | None) -> str:
    """Return a number as a person reads it, rounded to what its unit deserves."""
    suffix, decimals = UNIT_WORDS.get(unit or "1", (f" {unit}", 2))
    rounded = round(value, decimals) + 0.0
    return f"{rounded:.{decimals}f}".rstrip(".") + suffix


def measurement_name(kind: str) -> str:
    """Return the display name of a measurement kind; a kind of another vocabulary is spelled out."""
    try:
        return measurement_codes()[MeasurementKind(kind)].display
    except (ValueError, KeyError):
        return kind.replace("_", " ")


def subject_name(claim: Claim) -> str:
    """Return what a claim is about: a statement's name, a measurement's, or the subject spelled out."""
    subject = claim.subject or claim.text
    statement = statement_codes().get(subject)
    if statement is not None:
        return statement.name
    name = measurement_name(subject)
    head, _, rest = name.partition(" ")
    return f"{head.upper()} {rest}" if head in _WAVES and rest else name


def leads_text(leads: Iterable[Lead]) -> str:
    """Return leads as they are listed in prose."""
    return ", ".join(leads)


def claimed_text(claim: Claim) -> str | None:
    """Return the number a claim asserts, with how it is meant, or ``None`` when it asserts none."""
    if claim.value is None:
        return None
    number = number_text(claim.value, claim.unit)
    if claim.value_high is not None:
        number = f"{number} to {number_text(claim.value_high, claim.unit)}"
    return _COMPARATOR_WORDS.get(claim.comparator or Comparator.EQUAL, "") + number


def evidence_text(evidence: Evidence) -> str:
    """Return one piece of evidence in words: what, where, how much, how sure."""
    where = f" in {evidence.lead}" if evidence.lead else ""
    name = measurement_name(evidence.measurement) + where
    if evidence.value is None:
        return f"{name} not measurable" + (f" ({evidence.method})" if evidence.method else "")
    if evidence.measurement in COUNTS:
        return f"{name}: {evidence.value:.0f}"
    return f"{name} {number_text(evidence.value, evidence.unit)}{_interval_text(evidence)}"


def _interval_text(evidence: Evidence) -> str:
    if evidence.low is None or evidence.high is None:
        return ""
    low, high = number_text(evidence.low, evidence.unit), number_text(evidence.high, evidence.unit)
    return f" (95 % interval {low} to {high})"


def not_confirmed_text(observation: GroundedObservation) -> str:
    """Return a contradicted claim beside the number that contradicts it."""
    claim = observation.claim
    claimed = claimed_text(claim)
    saying = f'"{claim.text}": stated by the reader, not confirmed by the waveform; '
    measured = f"measured {evidence_text(deciding_evidence(observation))}"
    stated = f"stated {claimed}, " if claimed else ""
    slip = (
        "; the numbers look like samples printed as milliseconds" if observation.reason == "unit_slip" else ""
    )
    return saying + stated + measured + slip


#: Verdict → the outcome of the criterion that decided it.
_DECIDING: dict[Verdict, bool | None] = {
    Verdict.SUPPORTED: True,
    Verdict.CONTRADICTED: False,
    Verdict.BORDERLINE: None,
}


def deciding_evidence(observation: GroundedObservation) -> Evidence:
    """Return the evidence that speaks loudest: a number whose criterion came out as the verdict did."""
    decided = _DECIDING.get(observation.verdict)
    return min(observation.evidence, key=lambda item: (item.value is None, item.met is not decided))
