"""Which stretches of the recording the sheet marks, and what their marks mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import ClaimKind, GroundedObservation, Polarity, Verdict
from gem_integration.reporting import svg
from gem_integration.reporting.sheet.geometry import MM_PER_S, Panel
from gem_integration.reporting.wording import leads_text, subject_name

LEGEND_MAX = 8
UNREMARKABLE_MAX = 3  # supported claims of the normal are marked only where nothing else is
BAND_S_MAX = 1.0  # a longer stretch, as of a rhythm, gets its bracket and no shade
BRACKET_PITCH_MM = 1.7

#: Okabe and Ito's palette, told apart by people with any colour vision; the dash says it again.
VERDICT_STYLE: dict[Verdict, tuple[str, str]] = {
    Verdict.SUPPORTED: ("#0072b2", ""),
    Verdict.BORDERLINE: ("#b07d00", "2.2 0.8"),
    Verdict.CONTRADICTED: ("#d55e00", "0.8 0.8"),
}
_VERDICT_RANK = {Verdict.CONTRADICTED: 0, Verdict.BORDERLINE: 1, Verdict.SUPPORTED: 2}
_KIND_RANK = {ClaimKind.FINDING: 0, ClaimKind.MORPHOLOGY: 1, ClaimKind.MEASUREMENT: 2, ClaimKind.OTHER: 3}

#: Subjects that say all is well, beside those that end in ``_normal`` and those denied.
NORMAL_SUBJECTS = frozenset(
    {
        "normal_ecg",
        "sinus_rhythm",
        "p_wave",
        "p_before_qrs",
        "pr_constant",
        "rr_regular",
        "qrs_narrow",
        "normal_r_progression",
        "st_isoelectric",
        "t_upright",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of one lead (``None``: of the rhythm strip) that a claim's verdict rests on.

    ``start`` and ``stop`` are half-open, in samples of the recording as received; spans of one claim
    share ``number`` and ``label``.
    """

    number: int
    label: str
    verdict: Verdict
    lead: Lead | None
    start: int
    stop: int


def spans_of(observations: Iterable[GroundedObservation]) -> tuple[Span, ...]:
    """Return the spans of the claims most worth seeing: contradicted first, then findings, then shapes."""
    return tuple(
        Span(number=number, label=_label(item), verdict=item.verdict, lead=lead, start=start, stop=stop)
        for number, item in enumerate(_chosen(observations), start=1)
        for lead, start, stop in _places(item)
    )


def _chosen(observations: Iterable[GroundedObservation]) -> list[GroundedObservation]:
    drawable = [item for item in observations if item.verdict in VERDICT_STYLE and _places(item)]
    latest_first = sorted(drawable, key=_rank, reverse=True)
    distinct = {(item.claim.subject, item.claim.leads, item.verdict): item for item in latest_first}
    ranked = sorted(distinct.values(), key=_rank)
    notable = [item for item in ranked if not _is_unremarkable(item)][:LEGEND_MAX]
    return notable or ranked[:UNREMARKABLE_MAX]


def _is_unremarkable(item: GroundedObservation) -> bool:
    claim = item.claim
    subject = claim.subject or ""
    normal = subject in NORMAL_SUBJECTS or subject.endswith("_normal") or claim.polarity is Polarity.ABSENT
    return item.verdict is Verdict.SUPPORTED and (normal or claim.kind is ClaimKind.MEASUREMENT)


def _rank(item: GroundedObservation) -> tuple[int, int, bool, int]:
    without_lead = all(place[0] is None for place in _places(item))
    return (_VERDICT_RANK[item.verdict], _KIND_RANK[item.claim.kind], without_lead, item.claim.start)


def _places(item: GroundedObservation) -> tuple[tuple[Lead | None, int, int], ...]:
    places = ((part.lead, start, stop) for part in item.evidence for start, stop in part.samples)
    return tuple(dict.fromkeys(places))


def _label(item: GroundedObservation) -> str:
    leads = f" ({leads_text(item.claim.leads)})" if item.claim.leads else ""
    absent = "no " if item.claim.polarity is Polarity.ABSENT else ""
    return f"{absent}{subject_name(item.claim)}{leads}: {item.verdict.replace('_', ' ')}"


def draw_bands(spans: Sequence[Span], panels: Sequence[Panel], sampling_rate_hz: float) -> Iterator[str]:
    """Yield the bands and brackets of every span visible in a panel."""
    for panel in panels:
        here = [span for span in spans if _belongs(span, panel)]
        levels = {number: level for level, number in enumerate(sorted({span.number for span in here}))}
        for verdict in VERDICT_STYLE:
            extents = (_extent(span, panel, sampling_rate_hz) for span in here if span.verdict is verdict)
            narrow = (item for item in _merged(extents) if item[1] - item[0] <= BAND_S_MAX * MM_PER_S)
            yield from (_band(panel, extent, verdict) for extent in narrow)
        labelled: set[int] = set()
        for span in here:
            left, right = _extent(span, panel, sampling_rate_hz)
            if right <= left:
                continue
            yield from _bracket(span, panel, levels[span.number], (left, right))
            if span.number not in labelled:
                yield _tag(span, panel, levels[span.number], left)
            labelled.add(span.number)


def _belongs(span: Span, panel: Panel) -> bool:
    return panel.rhythm if span.lead is None else span.lead is panel.lead


def _extent(span: Span, panel: Panel, sampling_rate_hz: float) -> tuple[float, float]:
    left = max(panel.x_of(span.start, sampling_rate_hz), panel.x_mm)
    right = min(panel.x_of(span.stop, sampling_rate_hz), panel.right_mm)
    return left, right


def _merged(extents: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the union of extents, so that claims resting on one stretch do not darken it."""
    union: list[tuple[float, float]] = []
    for left, right in sorted(extent for extent in extents if extent[1] > extent[0]):
        if union and left <= union[-1][1]:
            union[-1] = (union[-1][0], max(right, union[-1][1]))
        else:
            union.append((left, right))
    return union


def _band(panel: Panel, extent: tuple[float, float], verdict: Verdict) -> str:
    colour = VERDICT_STYLE[verdict][0]
    left, right = extent
    paint = f'fill="{colour}" fill-opacity="0.13"'
    return svg.rect(left, panel.top_mm + 1, right - left, panel.height_mm - 2, extra=paint)


def _level_mm(panel: Panel, level: int) -> float:
    return panel.bottom_mm - 1.2 - level * BRACKET_PITCH_MM


def _bracket(span: Span, panel: Panel, level: int, extent: tuple[float, float]) -> Iterator[str]:
    colour, dashes = VERDICT_STYLE[span.verdict]
    y_mm = _level_mm(panel, level)
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    yield svg.line(extent[0], y_mm, extent[1], y_mm, extra=f'stroke="{colour}" stroke-width="0.5"{dash}')


def _tag(span: Span, panel: Panel, level: int, left_mm: float) -> str:
    colour = VERDICT_STYLE[span.verdict][0]
    paint = f'fill="{colour}" font-weight="bold" text-anchor="end"'
    return svg.text(left_mm - 0.3, _level_mm(panel, level) + 0.7, str(span.number), size_mm=2.0, extra=paint)


def draw_legend(spans: Sequence[Span], x_mm: float, y_mm: float, width_mm: float) -> Iterator[str]:
    """Yield what the numbers mean, in two columns of four lines."""
    entries = {span.number: span for span in spans}
    for index, (entry, span) in enumerate(sorted(entries.items())):
        left = x_mm + (index // 4) * width_mm / 2
        baseline = y_mm + (index % 4) * 3.9
        colour, dashes = VERDICT_STYLE[span.verdict]
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        yield svg.rect(left, baseline - 2.4, 7, 2.8, extra=f'fill="{colour}" fill-opacity="0.13"')
        yield svg.line(
            left,
            baseline + 0.4,
            left + 7,
            baseline + 0.4,
            extra=f'stroke="{colour}" stroke-width="0.5"{dash}',
        )
        words = svg.fitted(f"{entry}  {span.label}", width_mm / 2 - 12, 2.7)
        yield svg.text(left + 9, baseline, words, size_mm=2.7)
