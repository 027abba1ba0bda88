"""Annotations of an aECG series → the cart's measurements and statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from adapters.inbound.aecg.xml import attribute, children, descend, local_type, text_of
from gem_integration.domain.study import CartMeasurement
from gem_integration.terminology.cart import cart_measurement

BEAT = "MDC_ECG_BEAT"
DEPTH_MAX = 16  #: annotations nested inside annotations
TEXT_TYPES = frozenset({"ST", "ED"})
CODED_TYPES = frozenset({"CE", "CD", "CV"})
STATEMENT_CODES = ("MDC_ECG_RHY", "MDC_ECG_INTERPRETATION")
_NUMBER = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def cart_measurements(series: Element) -> tuple[CartMeasurement, ...]:
    """Return the numeric annotations: those of the whole ECG or its representative beat, else of each beat.

    Values of single beats are kept only where no global value of the same code exists; their label says
    which beat.
    """
    whole = list(_numbers(_annotations(series)))
    for derivation in children(series, "derivation"):
        for derived in children(derivation, "derivedSeries"):
            whole += _numbers(_annotations(derived), inside_beats=True)
    known = {item.code for item in whole}
    beats = [
        item
        for number, beat in enumerate(_beats(series), start=1)
        for item in _numbers(_nested(beat), inside_beats=True, label=f"beat {number}")
        if item.code not in known
    ]
    return tuple(whole + beats)


def cart_statements(root: Element, series: Element) -> tuple[str, ...]:
    """Return the interpretation's words: text annotations, coded rhythms and the comments on the finding."""
    found = [words for annotation in _below(_annotations(series)) if (words := _words(annotation))]
    for comment in children(root, "pertainsTo"):
        words = text_of(descend(comment, "subjectFindingComment", "text"))
        found += [words] if words else []
    return tuple(dict.fromkeys(found))


def _annotations(series: Element) -> Iterator[Element]:
    for subject in children(series, "subjectOf"):
        for annotation_set in children(subject, "annotationSet"):
            yield from _nested(annotation_set)


def _nested(element: Element) -> Iterator[Element]:
    for component in children(element, "component"):
        yield from children(component, "annotation")


def _below(annotations: Iterator[Element], depth: int = 0) -> Iterator[Element]:
    """Walk annotations and those inside them, but not inside beats."""
    for annotation in annotations:
        yield annotation
        if depth < DEPTH_MAX and _code(annotation) != BEAT:
            yield from _below(_nested(annotation), depth + 1)


def _code(annotation: Element) -> str:
    return attribute(descend(annotation, "code"), "code") or ""


def _beats(series: Element) -> Iterator[Element]:
    for annotation in _annotations(series):
        if _code(annotation) == BEAT:
            yield annotation


def _numbers(
    annotations: Iterator[Element], *, inside_beats: bool = False, label: str | None = None, depth: int = 0
) -> Iterator[CartMeasurement]:
    for annotation in annotations:
        if found := _measurement(annotation, label):
            yield found
        if depth < DEPTH_MAX and (inside_beats or _code(annotation) != BEAT):
            nested = _nested(annotation)
            yield from _numbers(nested, inside_beats=inside_beats, label=label, depth=depth + 1)


def _measurement(annotation: Element, label: str | None) -> CartMeasurement | None:
    value = descend(annotation, "value")
    text = attribute(value, "value")
    code = _code(annotation)
    if local_type(value) not in {"PQ", "INT", "REAL"} or not code or not text or not _NUMBER.fullmatch(text):
        return None
    return cart_measurement(
        code,
        float(text),
        system=attribute(descend(annotation, "code"), "codeSystem"),
        unit=attribute(value, "unit"),
        label=label or attribute(descend(annotation, "code"), "displayName"),
        lead=_lead(annotation),
    )


def _lead(annotation: Element) -> str | None:
    """Return the lead of an annotation whose region of interest names exactly one."""
    region = descend(annotation, "support", "supportingROI")
    names = [
        name.removeprefix("MDC_ECG_LEAD_")
        for part in children(region, "component")
        if (name := attribute(descend(part, "boundary", "code"), "code") or "").startswith("MDC_ECG_LEAD_")
    ]
    return names[0].replace("AV", "aV", 1) if len(names) == 1 else None


def _words(annotation: Element) -> str | None:
    value = descend(annotation, "value")
    if local_type(value) in TEXT_TYPES:
        return text_of(value)
    if local_type(value) in CODED_TYPES and _code(annotation).startswith(STATEMENT_CODES):
        return attribute(value, "displayName") or text_of(value) or attribute(value, "code")
    return None
