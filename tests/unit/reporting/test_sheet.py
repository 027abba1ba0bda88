"""The ECG sheet is true to scale and to the recording."""

import re
from dataclasses import replace

import numpy as np
import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from gem_integration.domain.ecg import STANDARD_LEADS, Lead, Recording
from gem_integration.domain.evidence import Verdict
from gem_integration.domain.measurement import Beat, BeatClass, Fiducials
from gem_integration.reporting.sheet import Layout, SheetHeader, draw_sheet
from gem_integration.reporting.sheet.geometry import TRACE_LEFT_MM, panels_of, row_centre_mm
from gem_integration.reporting.sheet.header import header_of
from gem_integration.reporting.sheet.spans import Span, spans_of
from gem_integration.reporting.sheet.trace import POINTS_MAX

SVG = "{http://www.w3.org/2000/svg}"
HEADER = SheetHeader()
LAYOUTS = list(Layout)


def flat(rate_hz=500.0, seconds=10.0, leads=STANDARD_LEADS):
    """Return zero millivolts in every lead."""
    return np.zeros((len(leads), round(rate_hz * seconds)), dtype=np.float32)


def traces(svg):
    """Return, per lead and in drawing order, the absolute points of each unbroken line, in millimetres."""
    return [
        (path.get("data-lead"), [points(part) for part in re.findall("M[^M]+", path.get("d"))])
        for path in ElementTree.fromstring(svg).iter(f"{SVG}path")
        if path.get("class") == "trace"
    ]


def points(part):
    """Return the absolute points of one move and its relative lines, in millimetres."""
    if part.endswith("h1"):
        part = part[:-2]
    steps = np.array([int(word) for word in re.findall(r"-?\d+", part)]).reshape(-1, 2)
    return np.cumsum(steps, axis=0) / 100


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rate_hz", [250.0, 500.0, 1000.0])
def test_one_second_is_25_mm_and_one_millivolt_10_mm(layout, rate_hz):
    """A pulse lands where paper geometry puts it, in both layouts and at any rate."""
    samples = flat(rate_hz)
    samples[:, round(1.0 * rate_hz)] = 1.0
    drawn = traces(draw_sheet(Recording.of(samples, STANDARD_LEADS, rate_hz), layout=layout, header=HEADER))
    lead, (line,) = drawn[0]
    peak = line[line[:, 1].argmin()]
    assert lead == "I"
    assert peak == pytest.approx((TRACE_LEFT_MM + 25.0, row_centre_mm(layout, 0) - 10.0), abs=0.011)


def test_each_column_begins_where_the_one_before_ends():
    """In 3x4 the second column shows 2.5 s to 5 s."""
    samples = flat()
    samples[:, 1500] = 1.0
    drawn = traces(
        draw_sheet(Recording.of(samples, STANDARD_LEADS, 500.0), layout=Layout.THREE_BY_FOUR, header=HEADER)
    )
    raised = {lead for lead, lines in drawn if any(np.ptp(line[:, 1]) > 9 for line in lines)}
    assert raised == {"aVR", "aVL", "aVF", "II"}
    (line,) = next(lines for lead, lines in drawn if lead == "aVR")
    assert line[line[:, 1].argmin(), 0] == pytest.approx(TRACE_LEFT_MM + 75.0, abs=0.011)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_constant_offset_is_not_drawn(layout):
    """An amplifier's offset does not push a trace off its row."""
    recording = Recording.of(flat() + 3.0, STANDARD_LEADS, 500.0)
    for _, lines in traces(draw_sheet(recording, layout=layout, header=HEADER)):
        assert np.ptp(lines[0][:, 1]) == 0.0


def test_a_gap_stays_a_gap():
    """The line breaks where no samples were received, and nothing is drawn across."""
    samples = flat()
    samples[0, 1000:1500] = np.nan
    drawn = traces(
        draw_sheet(Recording.of(samples, STANDARD_LEADS, 500.0), layout=Layout.TWELVE_BY_ONE, header=HEADER)
    )
    first, second = drawn[0][1]
    assert first[-1, 0] == pytest.approx(TRACE_LEFT_MM + 999 / 500 * 25, abs=0.011)
    assert second[0, 0] == pytest.approx(TRACE_LEFT_MM + 1500 / 500 * 25, abs=0.011)


def test_a_lead_that_is_all_gap_draws_no_line():
    """Nothing received is nothing drawn, and no error."""
    samples = flat()
    samples[3] = np.nan
    svg = draw_sheet(Recording.of(samples, STANDARD_LEADS, 500.0), layout=Layout.TWELVE_BY_ONE, header=HEADER)
    assert "aVR" not in {lead for lead, _ in traces(svg)}


@settings(max_examples=25, deadline=None)
@given(at=st.integers(0, 9_999), height=st.floats(-3, 3).filter(lambda value: abs(value) > 0.2))
def test_thinning_keeps_every_peak(at, height):
    """A single-sample spike survives however many samples share a hair of paper."""
    samples = flat(1000.0)
    samples[:, at] = height
    svg = draw_sheet(
        Recording.of(samples, STANDARD_LEADS, 1000.0), layout=Layout.TWELVE_BY_ONE, header=HEADER
    )
    (line,) = traces(svg)[0][1]
    assert len(line) <= POINTS_MAX + 2
    assert np.ptp(line[:, 1]) == pytest.approx(abs(height) * 10, abs=0.011)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seconds", [1.0, 5.0, 10.0, 60.0])
def test_nothing_leaves_the_ten_seconds_of_paper(layout, seconds):
    """Short recordings fill less, long ones are cut and say so."""
    recording = Recording.of(flat(500.0, seconds), STANDARD_LEADS, 500.0)
    svg = draw_sheet(recording, layout=layout, header=HEADER)
    right = max(line[:, 0].max() for _, lines in traces(svg) for line in lines)
    assert right <= TRACE_LEFT_MM + 250.0 + 0.01
    assert ("first 10 s of 60.0 s" in svg) == (seconds > 10)


def test_a_missing_lead_is_said_to_be_missing():
    """No lead is invented, none passes in silence; without II the first lead makes the rhythm strip."""
    leads = (Lead.V1, Lead.V2)
    svg = draw_sheet(
        Recording.of(flat(leads=leads), leads, 500.0), layout=Layout.THREE_BY_FOUR, header=HEADER
    )
    assert "aVR not recorded" in svg
    assert [lead for lead, _ in traces(svg)] == ["V1", "V2", "V1"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_band_lies_over_its_samples(layout):
    """Evidence is marked exactly where it was taken."""
    span = Span(number=1, label="q wave", verdict=Verdict.SUPPORTED, lead=Lead.I, start=500, stop=600)
    svg = draw_sheet(Recording.of(flat(), STANDARD_LEADS, 500.0), layout=layout, header=HEADER, spans=[span])
    bands = [
        item for item in ElementTree.fromstring(svg).iter(f"{SVG}rect") if item.get("fill-opacity") == "0.13"
    ]
    marked = [item for item in bands if float(item.get("height")) > 5]
    assert [(float(item.get("x")), float(item.get("width"))) for item in marked] == [
        (TRACE_LEFT_MM + 25, 5.0)
    ]


def test_spans_show_contradicted_claims_first(make_delivery):
    """What the reader got wrong gets the first numbers."""
    spans = spans_of(make_delivery().report.observations)
    firsts = {span.number: span.verdict for span in spans}
    assert [firsts[number].value for number in sorted(firsts)][:3] == [
        "contradicted",
        "contradicted",
        "borderline",
    ]
    assert len(firsts) <= 8


@given(words=st.text(max_size=60))
def test_any_text_makes_a_well_formed_sheet(words):
    """Names and texts of messages cannot break the drawing."""
    header = SheetHeader(
        patient=(words,), statements=(words,), measurements=((words, words),), footer=(words,)
    )
    recording = Recording.of(flat(100.0, 1.0), STANDARD_LEADS, 100.0)
    ElementTree.fromstring(draw_sheet(recording, layout=Layout.THREE_BY_FOUR, header=header))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_sheet_is_small_and_always_the_same(layout, make_delivery):
    """The same report gives the same bytes, at most 300 KB."""
    delivery = make_delivery()
    arguments = {
        "layout": layout,
        "header": header_of(delivery.study, delivery.measurements, delivery.report),
    }
    svg = draw_sheet(delivery.study.ecg.recording, **arguments)
    assert svg == draw_sheet(delivery.study.ecg.recording, **arguments)
    assert len(svg.encode()) <= 300_000


def test_the_sheet_says_it_is_preliminary(make_delivery):
    """Every page carries its standing and its urgency."""
    delivery = make_delivery()
    svg = draw_sheet(
        delivery.study.ecg.recording,
        layout=Layout.THREE_BY_FOUR,
        header=header_of(delivery.study, delivery.measurements, delivery.report),
    )
    for words in (
        "PRELIMINARY",
        "URGENT",
        "not a medical device",
        "25 mm/s",
        "10 mm/mV",
        "160 ms",
        "O&#x27;Neil",
    ):
        assert words in svg


def test_beats_are_numbered_and_named_on_the_rhythm_strip():
    """A wide ectopic beat carries a V."""
    marks = Fiducials(p_on=400, qrs_on=480, qrs_off=530, t_off=700)
    beat = Beat(number=3, r_sample=500, beat_class=BeatClass.ECTOPIC_WIDE, marks=marks, leads={})
    beats = (beat, replace(beat, number=9, r_sample=90_000))
    recording = Recording.of(flat(), STANDARD_LEADS, 500.0)
    svg = draw_sheet(recording, layout=Layout.THREE_BY_FOUR, header=HEADER, beats=beats)
    assert ">3V<" in svg
    assert ">9V<" not in svg


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_standard_lead_has_one_window_and_the_rhythm_strip_is_ii(layout):
    """Both layouts show all twelve leads."""
    panels = panels_of(layout, 10.0)
    assert {panel.lead for panel in panels} == set(STANDARD_LEADS)
    assert [panel.lead for panel in panels if panel.rhythm] == [Lead.II]


def test_a_long_stretch_gets_a_bracket_and_no_shade():
    """A rhythm's evidence, one interval after the other, does not colour the whole strip."""
    spans = [
        Span(number=1, label="af", verdict=Verdict.SUPPORTED, lead=None, start=start, stop=start + 400)
        for start in range(0, 4000, 400)
    ]
    recording = Recording.of(flat(), STANDARD_LEADS, 500.0)
    svg = draw_sheet(recording, layout=Layout.THREE_BY_FOUR, header=HEADER, spans=spans)
    bands = [
        item for item in ElementTree.fromstring(svg).iter(f"{SVG}rect") if item.get("fill-opacity") == "0.13"
    ]
    assert all(float(item.get("height")) < 5 for item in bands)


def test_normal_claims_are_marked_only_where_nothing_else_is(make_delivery):
    """The mark that matters is not lost among those that say all is well."""
    observations = make_delivery().report.observations
    assert "Sinus rhythm" not in " ".join(span.label for span in spans_of(observations))
    assert "Sinus rhythm" in spans_of(observations[:2])[0].label
