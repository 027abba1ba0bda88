"""The 12-lead ECG sheet as SVG: true paper geometry, with the evidence of the verdicts marked on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gem_integration.domain.ecg import STANDARD_LEADS, Recording
from gem_integration.domain.measurement import Beat, BeatClass, Fiducials
from gem_integration.reporting import svg
from gem_integration.reporting.sheet.geometry import (
    GRID_LEFT_MM,
    GRID_TOP_MM,
    GRID_WIDTH_MM,
    PAGE_WIDTH_MM,
    ROW_COUNT,
    ROW_HEIGHT_MM,
    STRIP_S,
    Layout,
    Panel,
    grid_bottom_mm,
    page_height_mm,
    panels_of,
    rhythm_lead_of,
    row_centre_mm,
)
from gem_integration.reporting.sheet.header import SheetHeader, draw_footer, draw_header
from gem_integration.reporting.sheet.spans import Span, draw_bands, draw_legend
from gem_integration.reporting.sheet.trace import UNITS_PER_MM, trace_path, window_of

__all__ = ["Layout", "SheetHeader", "Span", "draw_sheet"]

GRID_COLOURS = ("#f7d7d7", "#e9a9a9")  # 1 mm, 5 mm
TRACE_COLOUR = "#101018"
TRACE_WIDTH_MM = 0.28
BEAT_LETTER: dict[BeatClass, str] = {
    BeatClass.DOMINANT: "",
    BeatClass.ECTOPIC_NARROW: "S",
    BeatClass.ECTOPIC_WIDE: "V",
    BeatClass.PACED: "P",
    BeatClass.FUSION: "F",
}


def draw_sheet(
    recording: Recording,
    *,
    layout: Layout,
    header: SheetHeader,
    spans: Sequence[Span] = (),
    beats: Sequence[Beat] = (),
) -> str:
    """Return the sheet as SVG, one user unit a millimetre: 25 mm/s, 10 mm/mV, at most 10 s.

    ``recording`` should carry the twelve standard leads; one that is missing is said to be. The same
    input gives the same bytes.
    """
    panels = panels_of(layout, recording.duration_s, rhythm_lead_of(recording.leads))
    drawn = tuple(panel for panel in panels if panel.lead in recording.leads)
    absent = tuple(panel for panel in panels if panel.lead not in recording.leads)
    height = page_height_mm(layout)
    parts = [
        _opening(height),
        *draw_header(header),
        *_grid(layout),
        *draw_bands(spans, drawn, recording.sampling_rate_hz),
        *_beat_marks(beats, drawn, recording),
        *_traces(recording, layout, drawn),
        *(_lead_label(panel, layout) for panel in drawn),
        *(_absent_label(panel) for panel in absent),
        *draw_legend(spans, GRID_LEFT_MM, grid_bottom_mm(layout) + 4.6, GRID_WIDTH_MM),
        *draw_footer(header, _scale(recording), height),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _opening(height: float) -> str:
    size = f'width="{svg.number(PAGE_WIDTH_MM)}mm" height="{svg.number(height)}mm"'
    box = f'viewBox="0 0 {svg.number(PAGE_WIDTH_MM)} {svg.number(height)}"'
    paper = svg.rect(0, 0, PAGE_WIDTH_MM, height, extra='fill="#ffffff"')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} '
        f'font-family="{svg.FONT_FAMILY}" fill="#111111">\n'
        f"<title>12-lead ECG</title>\n{paper}"
    )


def _grid(layout: Layout) -> Iterator[str]:
    bottom = grid_bottom_mm(layout)
    right = GRID_LEFT_MM + GRID_WIDTH_MM
    for step_mm, colour, width_mm in ((1, GRID_COLOURS[0], 0.1), (5, GRID_COLOURS[1], 0.18)):
        columns = range(0, round(GRID_WIDTH_MM) + 1, step_mm)
        rows = range(0, round(bottom - GRID_TOP_MM) + 1, step_mm)
        upright = "".join(
            f"M{svg.number(GRID_LEFT_MM + x)} {svg.number(GRID_TOP_MM)}V{svg.number(bottom)}" for x in columns
        )
        level = "".join(
            f"M{svg.number(GRID_LEFT_MM)} {svg.number(GRID_TOP_MM + y)}H{svg.number(right)}" for y in rows
        )
        yield f'<path d="{upright}{level}" fill="none" stroke="{colour}" stroke-width="{width_mm}"/>'


def _traces(recording: Recording, layout: Layout, panels: Sequence[Panel]) -> Iterator[str]:
    """Yield the calibration pulse of each row and the traces, clipped half a row beyond their own."""
    for row in range(ROW_COUNT[layout]):
        yield from _clip(layout, row)
    ink = f'fill="none" stroke="{TRACE_COLOUR}" stroke-width="{round(TRACE_WIDTH_MM * UNITS_PER_MM)}"'
    yield f'<g transform="scale({1 / UNITS_PER_MM})" {ink} stroke-linejoin="round" stroke-linecap="round">'
    yield from (f'<path class="calibration" d="{_pulse(layout, row)}"/>' for row in range(ROW_COUNT[layout]))
    for panel in panels:
        path = trace_path(recording, panel)
        place = f'class="trace" data-lead="{panel.lead}" clip-path="url(#row{panel.row}-{layout})"'
        if path:
            yield f'<path {place} d="{path}"/>'
    yield from (f'<path class="switch" d="{_switch(panel)}"/>' for panel in panels if panel.start_s > 0)
    yield "</g>"


def _clip(layout: Layout, row: int) -> Iterator[str]:
    centre = row_centre_mm(layout, row)
    reach = ROW_HEIGHT_MM[layout]
    top, bottom = max(centre - reach, GRID_TOP_MM), min(centre + reach, grid_bottom_mm(layout))
    sides = (GRID_LEFT_MM, top, GRID_WIDTH_MM, bottom - top)
    box = svg.rect(*(side * UNITS_PER_MM for side in sides), extra="")
    yield f'<clipPath id="row{row}-{layout}">{box}</clipPath>'


def _pulse(layout: Layout, row: int) -> str:
    """Return the calibration pulse, 1 mV for 200 ms."""
    x, y = round((GRID_LEFT_MM) * UNITS_PER_MM), round(row_centre_mm(layout, row) * UNITS_PER_MM)
    return f"M{x} {y}h200v-1000h500v1000h300"


def _switch(panel: Panel) -> str:
    """Return the mark where one lead ends and the next begins."""
    x, y = round(panel.x_mm * UNITS_PER_MM), round(panel.baseline_mm * UNITS_PER_MM)
    return f"M{x} {y - 450}v200M{x} {y + 250}v200"


def _lead_label(panel: Panel, layout: Layout) -> str:
    """Return the lead's name: in the margin where the row is one lead's, else above the trace's beginning."""
    if _has_own_row(panel, layout):
        margin = 'font-weight="bold" text-anchor="end"'
        return svg.text(GRID_LEFT_MM - 1.5, panel.baseline_mm + 1.2, panel.lead, size_mm=3.4, extra=margin)
    halo = (
        'font-weight="bold" stroke="#ffffff" stroke-width="0.7" paint-order="stroke" stroke-linejoin="round"'
    )
    return svg.text(panel.x_mm + 1, _above_mm(panel), panel.lead, size_mm=3.4, extra=halo)


def _has_own_row(panel: Panel, layout: Layout) -> bool:
    return panel.rhythm or layout is Layout.TWELVE_BY_ONE


def _absent_label(panel: Panel) -> str:
    words = f"{panel.lead} not recorded"
    return svg.text(panel.x_mm + 1, _above_mm(panel), words, size_mm=3.0, extra='fill="#777777"')


def _above_mm(panel: Panel) -> float:
    return max(panel.top_mm + 4.5, panel.baseline_mm - 12.0)


def _beat_marks(beats: Sequence[Beat], panels: Sequence[Panel], recording: Recording) -> Iterator[str]:
    """Yield, on the rhythm strip, the number and class of each beat and ticks at its global marks."""
    for panel in (item for item in panels if item.rhythm):
        first, stop = window_of(recording, panel)
        for beat in beats:
            if not first <= beat.r_sample < stop:
                continue
            x_mm = panel.x_of(beat.r_sample, recording.sampling_rate_hz)
            words = f"{beat.number}{BEAT_LETTER[beat.beat_class]}"
            grey = 'fill="#555555" text-anchor="middle"'
            yield svg.text(x_mm, panel.top_mm + 2.4, words, size_mm=2.2, extra=grey)
            yield from _ticks(beat.marks, panel, recording.sampling_rate_hz)


def _ticks(marks: Fiducials, panel: Panel, sampling_rate_hz: float) -> Iterator[str]:
    for sample in (marks.p_on, marks.qrs_on, marks.qrs_off, marks.t_off):
        if sample is not None and panel.x_mm <= panel.x_of(sample, sampling_rate_hz) <= panel.right_mm:
            x_mm = panel.x_of(sample, sampling_rate_hz)
            ends = (x_mm, panel.top_mm + 3.2, x_mm, panel.top_mm + 4.8)
            yield svg.line(*ends, extra='stroke="#555555" stroke-width="0.2"')


def _scale(recording: Recording) -> str:
    shown = (
        "" if recording.duration_s <= STRIP_S else f" · first {STRIP_S:g} s of {recording.duration_s:.1f} s"
    )
    extra = [lead for lead in recording.leads if lead not in STANDARD_LEADS]
    also = f" · also recorded: {', '.join(extra)}" if extra else ""
    return f"25 mm/s · 10 mm/mV · {recording.sampling_rate_hz:g} Hz{shown}{also}"
