"""What stands above and below the traces of a sheet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gem_integration.domain.identity import Demographics, Patient
from gem_integration.domain.measurement import MeasurementKind, Measurements
from gem_integration.domain.report import Report, ReportStatus
from gem_integration.domain.statement import StatementState, Urgency
from gem_integration.domain.study import Study
from gem_integration.reporting import svg
from gem_integration.reporting.compose import by_urgency, statement_text
from gem_integration.reporting.sheet.geometry import GRID_LEFT_MM, GRID_WIDTH_MM
from gem_integration.reporting.wording import number_text

TITLE_MM = 9.0
LINES_TOP_MM = 16.0
LINE_PITCH_MM = 4.4
LINES_MAX = 6
PATIENT_WIDTH_MM = 78.0
MEASUREMENT_LEFT_MM = GRID_LEFT_MM + 82.0
MEASUREMENT_WIDTH_MM = 66.0
STATEMENT_LEFT_MM = GRID_LEFT_MM + 152.0
STATEMENT_WIDTH_MM = GRID_WIDTH_MM - 152.0
TEXT_SIZE_MM = 3.0

URGENCY_COLOUR: dict[Urgency, str] = {
    Urgency.CRITICAL: "#b00020",
    Urgency.URGENT: "#b45a00",
    Urgency.ROUTINE: "#444444",
    Urgency.NORMAL: "#444444",
}
_SHOWN: tuple[tuple[str, tuple[MeasurementKind, ...]], ...] = (
    ("Rate", (MeasurementKind.HEART_RATE,)),
    ("PR", (MeasurementKind.PR_INTERVAL,)),
    ("QRS", (MeasurementKind.QRS_DURATION,)),
    ("QT / QTc F", (MeasurementKind.QT_INTERVAL, MeasurementKind.QTC_FRIDERICIA)),
    ("QTc Bazett", (MeasurementKind.QTC_BAZETT,)),
    ("Axes P / QRS / T", (MeasurementKind.P_AXIS, MeasurementKind.QRS_AXIS, MeasurementKind.T_AXIS)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetHeader:
    """The words of a sheet: who and when, our numbers (name, value), the statements, and the footer.

    The standing of the reading (``standing``) is drawn large, ``notice`` beneath the traces.
    """

    patient: tuple[str, ...] = ()
    measurements: tuple[tuple[str, str], ...] = ()
    statements: tuple[str, ...] = ()
    urgency: Urgency = Urgency.NORMAL
    standing: str = "PRELIMINARY · AI reading, unconfirmed"
    notice: str = "AI reading, preliminary. Research use, not a medical device."
    footer: tuple[str, ...] = ()


def header_of(study: Study, measurements: Measurements, report: Report) -> SheetHeader:
    """Return the header of a report's sheet. It names the patient: a sheet is for the bedside."""
    overread = report.status is not ReportStatus.PRELIMINARY
    standing = {"standing": "Over-read by a person", "notice": "Research use, not a medical device."}
    return SheetHeader(
        patient=_patient_lines(study),
        measurements=tuple((name, _numbers(measurements, kinds)) for name, kinds in _SHOWN),
        statements=_statement_lines(report),
        urgency=report.urgency,
        footer=_footer(study, report),
        **(standing if overread else {}),
    )


def _patient_lines(study: Study) -> tuple[str, ...]:
    ecg = study.ecg
    taken = ecg.acquisition.performed_at or ecg.recording.started_at
    lines = (
        *_identity_lines(ecg.patient),
        _demographics_line(study),
        f"Recorded {taken:%Y-%m-%d %H:%M:%S %z}" if taken else "Recorded at an unknown time",
        f"Accession {ecg.accession_number}" if ecg.accession_number else "",
        f"Indication: {ecg.indication}" if ecg.indication else "",
    )
    return tuple(line for line in lines if line)


def _identity_lines(patient: Patient | None) -> tuple[str, ...]:
    if patient is None:
        return ("Patient not identified in the message",)
    name = ", ".join(part for part in (patient.family_name, patient.given_name) if part)
    return (name or "Name not sent", f"ID {patient.patient_id}")


def _demographics_line(study: Study) -> str:
    patient = study.ecg.patient
    taken = study.ecg.acquisition.performed_at or study.ecg.recording.started_at
    known = Demographics.of(patient, taken.date() if taken else None)
    age = known.age_years if known.age_years is not None else study.ecg.age_years
    born = f"born {patient.birth_date.isoformat()}" if patient and patient.birth_date else ""
    parts = (born, f"{int(age)} y" if age is not None else "", known.sex or "")
    return " · ".join(part for part in parts if part)


def _numbers(measurements: Measurements, kinds: tuple[MeasurementKind, ...]) -> str:
    """Return one line of numbers, the unit written once."""
    found = [measurements.get(kind) for kind in kinds]
    words = [number_text(item.value, item.unit) if item else "–" for item in found]
    bare = [word.removesuffix(" ms") for word in words[:-1]]
    return " / ".join([*bare, words[-1]])


def _statement_lines(report: Report) -> tuple[str, ...]:
    met = [statement_text(item) for item in by_urgency(report.statements, StatementState.MET)]
    close = [
        f"Borderline: {statement_text(item)}"
        for item in by_urgency(report.statements, StatementState.BORDERLINE)
    ]
    refused = len(report.not_confirmed)
    not_confirmed = [f"{refused} claim(s) of the reader not confirmed by the waveform"] if refused else []
    quality = [f"Quality: {reason}" for reason in report.quality_reasons]
    return (*not_confirmed, *met, *close, *quality)


def _footer(study: Study, report: Report) -> tuple[str, ...]:
    acquisition, reader = study.ecg.acquisition, report.reader
    filters = (
        f"filters of the cart: {', '.join(acquisition.filters)}"
        if acquisition.filters
        else "filters not sent"
    )
    device = f"device {acquisition.device}" if acquisition.device else "device not sent"
    return (f"{filters}, none added here", device, f"reader {reader.name} {reader.version}")


def draw_header(header: SheetHeader) -> Iterator[str]:
    """Yield everything above the grid."""
    bold = 'font-weight="bold"'
    yield svg.text(GRID_LEFT_MM, TITLE_MM, "12-lead ECG", size_mm=4.6, extra=bold)
    yield svg.text(
        MEASUREMENT_LEFT_MM, TITLE_MM, "Measured", size_mm=TEXT_SIZE_MM, extra=f'{bold} fill="#555555"'
    )
    yield from _draw_standing(header)
    for index, words in enumerate(header.patient[:LINES_MAX]):
        yield _line_at(
            GRID_LEFT_MM, index, svg.fitted(words, PATIENT_WIDTH_MM, TEXT_SIZE_MM), bold * (index == 0)
        )
    for index, (name, value) in enumerate(header.measurements[:LINES_MAX]):
        yield _line_at(MEASUREMENT_LEFT_MM, index, name, 'fill="#555555"')
        yield _line_at(
            MEASUREMENT_LEFT_MM + 30, index, svg.fitted(value, MEASUREMENT_WIDTH_MM - 30, TEXT_SIZE_MM), bold
        )
    for index, words in enumerate(_statement_rows(header.statements)):
        yield _line_at(STATEMENT_LEFT_MM, index, words, "")


def _draw_standing(header: SheetHeader) -> Iterator[str]:
    left, width = STATEMENT_LEFT_MM, STATEMENT_WIDTH_MM
    colour = URGENCY_COLOUR[header.urgency]
    urgent = header.urgency in (Urgency.CRITICAL, Urgency.URGENT)
    words = f"{header.urgency.upper()} · {header.standing}" if urgent else header.standing
    yield svg.rect(
        left, TITLE_MM - 4.4, width, 6.0, extra=f'fill="none" stroke="{colour}" stroke-width="0.4" rx="1"'
    )
    style = f'font-weight="bold" fill="{colour}"'
    yield svg.text(left + 2, TITLE_MM - 0.3, svg.fitted(words, width - 4, 3.0), size_mm=3.0, extra=style)


def _line_at(left_mm: float, index: int, words: str, extra: str) -> str:
    return svg.text(left_mm, LINES_TOP_MM + index * LINE_PITCH_MM, words, size_mm=TEXT_SIZE_MM, extra=extra)


def _statement_rows(statements: tuple[str, ...]) -> list[str]:
    """Return the statements in at most ``LINES_MAX`` lines, saying how many did not fit."""
    rows = [svg.fitted(words, STATEMENT_WIDTH_MM, TEXT_SIZE_MM) for words in statements]
    if len(rows) <= LINES_MAX:
        return rows
    return [*rows[: LINES_MAX - 1], f"… and {len(rows) - LINES_MAX + 1} more, see the report"]


def draw_footer(header: SheetHeader, scale: str, bottom_mm: float) -> Iterator[str]:
    """Yield the scale, the recording's particulars and the standing, beneath everything."""
    words = " · ".join([scale, *header.footer])
    grey = 'fill="#444444"'
    yield svg.text(
        GRID_LEFT_MM, bottom_mm - 6.6, svg.fitted(words, GRID_WIDTH_MM, 2.6), size_mm=2.6, extra=grey
    )
    notice = svg.fitted(header.notice, GRID_WIDTH_MM, 2.6)
    yield svg.text(GRID_LEFT_MM, bottom_mm - 3.0, notice, size_mm=2.6, extra='font-weight="bold"')
