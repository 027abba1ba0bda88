"""Where everything of an ECG sheet lies, in millimetres of paper: 25 mm/s, 10 mm/mV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gem_integration.domain.ecg import STANDARD_LEADS, Lead

MM_PER_S = 25.0
MM_PER_MV = 10.0
PAGE_WIDTH_MM = 297.0
STRIP_S = 10.0
COLUMN_S_MAX = 2.5
GRID_LEFT_MM = 18.5
GRID_TOP_MM = 44.0
GRID_WIDTH_MM = 260.0
CALIBRATION_WIDTH_MM = 10.0  # lead-in 2 mm, pulse 5 mm (200 ms), 3 mm until the trace begins
TRACE_LEFT_MM = GRID_LEFT_MM + CALIBRATION_WIDTH_MM
FOOTER_HEIGHT_MM = 28.0

RHYTHM_LEAD = Lead.II
ROWS_3X4: tuple[tuple[Lead, ...], ...] = (
    (Lead.I, Lead.AVR, Lead.V1, Lead.V4),
    (Lead.II, Lead.AVL, Lead.V2, Lead.V5),
    (Lead.III, Lead.AVF, Lead.V3, Lead.V6),
)


class Layout(StrEnum):
    """How the twelve leads share the sheet."""

    THREE_BY_FOUR = "3x4"  #: three rows of four leads, one after the other in time, and a rhythm strip
    TWELVE_BY_ONE = "12x1"  #: twelve rows, all at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One lead's window: the time it shows, and where time zero of the window and 0 mV lie."""

    lead: Lead
    start_s: float
    stop_s: float
    x_mm: float
    baseline_mm: float
    height_mm: float
    row: int
    rhythm: bool

    def x_of(self, sample: float, sampling_rate_hz: float) -> float:
        """Return the abscissa of a sample of the recording, in millimetres."""
        return self.x_mm + (sample / sampling_rate_hz - self.start_s) * MM_PER_S

    def y_of(self, level_mv: float) -> float:
        """Return the ordinate of a level, in millimetres (downwards)."""
        return self.baseline_mm - level_mv * MM_PER_MV

    @property
    def right_mm(self) -> float:
        """Return where the window ends."""
        return self.x_mm + (self.stop_s - self.start_s) * MM_PER_S

    @property
    def top_mm(self) -> float:
        """Return the upper edge of the row."""
        return self.baseline_mm - self.height_mm / 2

    @property
    def bottom_mm(self) -> float:
        """Return the lower edge of the row."""
        return self.baseline_mm + self.height_mm / 2


ROW_HEIGHT_MM: dict[Layout, float] = {Layout.THREE_BY_FOUR: 35.0, Layout.TWELVE_BY_ONE: 20.0}
ROW_COUNT: dict[Layout, int] = {Layout.THREE_BY_FOUR: 4, Layout.TWELVE_BY_ONE: 12}


def grid_bottom_mm(layout: Layout) -> float:
    """Return the lower edge of the paper grid."""
    return GRID_TOP_MM + ROW_COUNT[layout] * ROW_HEIGHT_MM[layout]


def page_height_mm(layout: Layout) -> float:
    """Return the height of the sheet."""
    return grid_bottom_mm(layout) + FOOTER_HEIGHT_MM


def row_centre_mm(layout: Layout, row: int) -> float:
    """Return the middle of a row, on a line of the 1 mm grid."""
    return GRID_TOP_MM + math.floor((row + 0.5) * ROW_HEIGHT_MM[layout])


def rhythm_lead_of(leads: Sequence[Lead]) -> Lead:
    """Return the lead of the rhythm strip: II, or the first one recorded."""
    return RHYTHM_LEAD if RHYTHM_LEAD in leads else leads[0]


def panels_of(layout: Layout, duration_s: float, rhythm_lead: Lead = RHYTHM_LEAD) -> tuple[Panel, ...]:
    """Return the windows of a sheet; a recording shorter than ten seconds gets shorter columns."""
    if layout is Layout.TWELVE_BY_ONE:
        return tuple(
            _panel(layout, row, lead, (0.0, min(STRIP_S, duration_s)), rhythm=lead is rhythm_lead)
            for row, lead in enumerate(STANDARD_LEADS)
        )
    column_s = min(COLUMN_S_MAX, duration_s / 4)
    columns = tuple(
        _panel(layout, row, lead, (column * column_s, (column + 1) * column_s), rhythm=False)
        for row, leads in enumerate(ROWS_3X4)
        for column, lead in enumerate(leads)
    )
    strip = _panel(layout, 3, rhythm_lead, (0.0, min(STRIP_S, duration_s)), rhythm=True)
    return (*columns, strip)


def _panel(layout: Layout, row: int, lead: Lead, window_s: tuple[float, float], *, rhythm: bool) -> Panel:
    return Panel(
        lead=lead,
        start_s=window_s[0],
        stop_s=window_s[1],
        x_mm=TRACE_LEFT_MM + window_s[0] * MM_PER_S,
        baseline_mm=row_centre_mm(layout, row),
        height_mm=ROW_HEIGHT_MM[layout],
        row=row,
        rhythm=rhythm,
    )
