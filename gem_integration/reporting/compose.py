"""Grounded observations → one preliminary report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gem_integration.domain.evidence import (
    Certainty,
    Claim,
    ClaimKind,
    GroundedObservation,
    Polarity,
    Verdict,
)
from gem_integration.domain.identity import stable_id
from gem_integration.domain.quality import Quality, QualityFlag
from gem_integration.domain.reading import Interpretation
from gem_integration.domain.report import Coverage, Report, ReportStatus
from gem_integration.domain.statement import Statement, StatementState, Urgency
from gem_integration.domain.study import Study
from gem_integration.reporting.wording import (
    KEY_MEASUREMENTS,
    leads_text,
    not_confirmed_text,
    number_text,
)
from gem_integration.terminology.statements import name_of

URGENCY_ORDER: tuple[Urgency, ...] = tuple(Urgency)


def compose(  # noqa: PLR0913 - a report is exactly these eight things, all named by the caller
    *,
    study: Study,
    version: int,
    issued_at: datetime,
    interpretation: Interpretation,
    observations: Iterable[GroundedObservation],
    coverage: Coverage,
    statements: Iterable[Statement],
    quality: Quality,
) -> Report:
    """Return the report on one read: always preliminary, signed by its reader, three voices apart.

    A contradicted claim never enters ``conclusion``; ``not_confirmed`` lists it beside what was measured.
    """
    observations, statements = tuple(observations), tuple(statements)
    return Report(
        report_id=stable_id("report", str(study.study_id), interpretation.reader.key, str(version)),
        study_id=study.study_id,
        version=version,
        status=ReportStatus.PRELIMINARY,
        issued_at=issued_at,
        reader=interpretation.reader,
        narrative=interpretation.text,
        conclusion=_conclusion(interpretation, observations, statements, quality),
        not_confirmed=tuple(not_confirmed_text(item) for item in _contradicted(observations)),
        observations=observations,
        coverage=coverage,
        statements=statements,
        cart_statements=study.ecg.cart_statements,
        urgency=_urgency(statements, quality),
        quality_reasons=quality.reasons,
    )


def by_urgency(statements: Iterable[Statement], state: StatementState) -> tuple[Statement, ...]:
    """Return the statements in ``state``, the most urgent first, otherwise in their order."""
    chosen = (item for item in statements if item.state is state)
    return tuple(sorted(chosen, key=lambda item: URGENCY_ORDER.index(item.urgency)))


def _urgency(statements: tuple[Statement, ...], quality: Quality) -> Urgency:
    """Return the highest urgency of the met statements, never less than the recording itself asks for.

    What is only borderline counts too where waiting for certainty could harm.
    """
    found = [item.urgency for item in statements if item.state is StatementState.MET or _presses(item)]
    return min([_urgency_of_quality(quality), *found], key=URGENCY_ORDER.index)


def _presses(statement: Statement) -> bool:
    borderline = statement.state is StatementState.BORDERLINE
    return borderline and statement.urgency in (Urgency.CRITICAL, Urgency.URGENT)


def _urgency_of_quality(quality: Quality) -> Urgency:
    """Return how soon a person must look at an unreadable ECG: asystole and VF have no QRS either."""
    if quality.usable:
        return Urgency.NORMAL
    return Urgency.URGENT if QualityFlag.NO_BEATS in quality.flags else Urgency.ROUTINE


def _contradicted(observations: tuple[GroundedObservation, ...]) -> tuple[GroundedObservation, ...]:
    return tuple(item for item in observations if item.verdict is Verdict.CONTRADICTED)


def _conclusion(
    interpretation: Interpretation,
    observations: tuple[GroundedObservation, ...],
    statements: tuple[Statement, ...],
    quality: Quality,
) -> str:
    lines = [
        _quality_line(quality),
        _statements_line("Met", statements, StatementState.MET),
        _statements_line("Borderline", statements, StatementState.BORDERLINE),
        _key_line(statements),
        _reader_line(interpretation, observations) if quality.usable else "",
    ]
    return "\n".join(line for line in lines if line)


def _quality_line(quality: Quality) -> str:
    reasons = "; ".join(quality.reasons)
    if not quality.usable:
        return f"Not interpretable: {reasons or 'the recording is not fit to be read'}."
    return f"Recording limited: {reasons}." if reasons else ""


def _statements_line(title: str, statements: tuple[Statement, ...], state: StatementState) -> str:
    names = [statement_text(item) for item in by_urgency(statements, state)]
    if not names and state is StatementState.MET:
        return "No statement's criteria are met."
    return f"{title}: {'; '.join(names)}." if names else ""


def statement_text(statement: Statement) -> str:
    """Return a statement's name with its leads."""
    name = name_of(statement)
    return f"{name} ({leads_text(statement.leads)})" if statement.leads else name


def _key_line(statements: tuple[Statement, ...]) -> str:
    """Return the key numbers, taken from the evidence the statements rest on."""
    found = {
        part.measurement: number_text(part.value, part.unit)
        for statement in statements
        for part in statement.parts
        if part.lead is None and part.value is not None
    }
    known = [f"{name} {found[kind]}" for kind, name in KEY_MEASUREMENTS if kind in found]
    return f"Measured: {', '.join(known)}." if known else ""


def _reader_line(interpretation: Interpretation, observations: tuple[GroundedObservation, ...]) -> str:
    findings = _supported_findings(observations)
    reader = interpretation.reader
    return f"Reader {reader.name} {reader.version}, supported: {'; '.join(findings)}." if findings else ""


def _supported_findings(observations: tuple[GroundedObservation, ...]) -> tuple[str, ...]:
    """Return the reader's supported findings in its own words, none that touches a contradicted claim."""
    refused = _contradicted(observations)
    words = (_finding_words(item) for item in observations if _is_supported_finding(item, refused))
    return tuple(dict.fromkeys(words))


def _finding_words(observation: GroundedObservation) -> str:
    claim = observation.claim
    return f'"{claim.text}"' + (" (possible)" if claim.certainty is Certainty.POSSIBLE else "")


def _is_supported_finding(item: GroundedObservation, refused: tuple[GroundedObservation, ...]) -> bool:
    claim = item.claim
    stated = claim.kind is ClaimKind.FINDING and claim.polarity is Polarity.PRESENT
    return (
        stated
        and item.verdict is Verdict.SUPPORTED
        and not any(_touches(claim, other.claim) for other in refused)
    )


def _touches(claim: Claim, other: Claim) -> bool:
    overlapping = claim.start < other.end and other.start < claim.end
    return overlapping or other.text.casefold() in claim.text.casefold()
