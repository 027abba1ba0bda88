"""One report on the terminal: numbers, statements, the reader's text, every claim with its verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from gem_integration.cli.tables import columns, measurement_table
from gem_integration.domain.evidence import GroundedObservation
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.report import Report
from gem_integration.domain.statement import Statement, StatementState
from gem_integration.domain.study import Study
from gem_integration.reporting.wording import deciding_evidence, evidence_text
from gem_integration.terminology.statements import name_of

WIDTH = 110
CLAIM_WIDTH = 46


def report_lines(study: Study, measurements: Measurements, report: Report) -> str:
    """Return the whole report as indented text; it names no patient."""
    return "\n".join(_sections(study, measurements, report))


def _sections(study: Study, measurements: Measurements, report: Report) -> Iterator[str]:
    yield measurement_table(measurements, study.ecg.cart_measurements)
    if report.quality_reasons:
        yield _titled("Quality", "; ".join(report.quality_reasons))
    yield "  Statements by published criteria"
    yield _statements(report.statements)
    yield _titled(f"Interpretation by reader {report.reader.name} {report.reader.version}", report.narrative)
    if report.observations:
        yield "  Claims, each with its verdict and the number it rests on"
        yield columns([_claim(item) for item in report.observations], indent="    ")
    yield _titled(f"Conclusion ({report.status}, {report.urgency})", report.conclusion)
    if report.not_confirmed:
        yield _titled("Stated by the reader, not confirmed", "\n".join(report.not_confirmed))


def _titled(title: str, text: str) -> str:
    lines = (
        textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="    ")
        for line in text.splitlines()
        if line.strip()
    )
    return "\n".join([f"  {title}", *lines])


def _statements(statements: tuple[Statement, ...]) -> str:
    shown = [item for item in statements if item.state in (StatementState.MET, StatementState.BORDERLINE)]
    rows = [(item.state.value, name_of(item), item.urgency.value, " ".join(item.leads)) for item in shown]
    return columns(rows, indent="    ") if rows else "    none"


def _claim(item: GroundedObservation) -> tuple[str, str, str]:
    text = " ".join(item.claim.text.split())
    short = text if len(text) <= CLAIM_WIDTH else text[: CLAIM_WIDTH - 1] + "…"
    rests_on = evidence_text(deciding_evidence(item)) if item.evidence else item.reason
    return (item.verdict.value, f'"{short}"', rests_on)
