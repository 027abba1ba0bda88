"""The report as plain text: three voices, one under the other, nothing left out."""

from __future__ import annotations

import textwrap
from collections import Counter

from gem_integration.domain.evidence import Verdict
from gem_integration.domain.report import Report, ReportStatus
from gem_integration.reporting.wording import deciding_evidence, evidence_text

TEXT_WIDTH = 100
PRELIMINARY_NOTICE = (
    "PRELIMINARY: written by software and confirmed by no person. Research use, not a medical device."
)
OVERREAD_NOTICE = "Over-read by a person. Research use, not a medical device."


def notice_of(report: Report) -> str:
    """Return the sentence every output of ``report`` must carry."""
    return PRELIMINARY_NOTICE if report.status is ReportStatus.PRELIMINARY else OVERREAD_NOTICE


def report_text(report: Report) -> str:
    """Return the report as text in UTF-8 friendly lines of at most ``TEXT_WIDTH`` characters.

    It names no patient: the resource or folder that holds it does.
    """
    sections = (
        ("12-lead ECG report", [notice_of(report), f"Urgency: {report.urgency}."]),
        ("Conclusion", report.conclusion.splitlines()),
        ("Stated by the reader, not confirmed by the waveform", list(report.not_confirmed)),
        ("Interpretation of the reader, verbatim", report.narrative.splitlines()),
        (
            "Every claim of the reader",
            [_claim_line(report, index) for index in range(len(report.observations))],
        ),
        ("Statements of the cart", list(report.cart_statements)),
        ("Read by", _reader_lines(report)),
    )
    return "\n\n".join(_section(title, lines) for title, lines in sections if lines) + "\n"


def _section(title: str, lines: list[str]) -> str:
    wrapped = [textwrap.fill(line, TEXT_WIDTH, subsequent_indent="  ") for line in lines]
    return "\n".join([title, "-" * len(title), *wrapped])


def _claim_line(report: Report, index: int) -> str:
    item = report.observations[index]
    verdict = item.verdict.replace("_", " ")
    rests_on = f" [{evidence_text(deciding_evidence(item))}]" if item.evidence else ""
    return f'{verdict}: "{item.claim.text}": {item.reason}{rests_on}'


def _reader_lines(report: Report) -> list[str]:
    reader = report.reader
    counts = Counter(item.verdict for item in report.observations)
    verdicts = ", ".join(
        f"{counts[verdict]} {verdict.replace('_', ' ')}" for verdict in Verdict if counts[verdict]
    )
    return [
        f"Reader {reader.name} {reader.version}, code {reader.code_version}.",
        f"Weights {reader.weights_digest or 'none'}, prompt {reader.prompt_digest or 'none'}.",
        f"Report {report.report_id} version {report.version}, issued {report.issued_at.isoformat()}.",
        f"Claims: {verdicts or 'none'}; ECG words inside claims {report.coverage.words_covered:.0%}.",
    ]
