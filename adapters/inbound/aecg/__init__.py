"""HL7 v3 annotated ECG (AnnotatedECG, R-PORT aECG, HL7 implementation guide of 2005)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from adapters.inbound.aecg.annotations import cart_measurements, cart_statements
from adapters.inbound.aecg.series import Series, rhythm_series
from adapters.inbound.aecg.xml import attribute, descend, moment, text_of
from adapters.inbound.limb_leads import contradictions
from gem_integration.domain.ecg import Acquisition
from gem_integration.domain.identity import Patient, Sex, content_hash
from gem_integration.domain.study import InboundEcg, InboundOrder, ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording

SEXES: Mapping[str, Sex] = {"M": Sex.MALE, "F": Sex.FEMALE}
SUBJECT = ("componentOf", "timepointEvent", "componentOf", "subjectAssignment", "subject", "trialSubject")
DEVICE = ("author", "seriesAuthor", "manufacturedSeriesDevice")
_BLANKS = re.compile(r"\s+")


def parse(content: bytes, limits: ParseLimits) -> tuple[InboundEcg | InboundOrder, ...]:
    """Read one aECG: each rhythm series is an ECG; derived and representative beats are left out.

    ``UnreadableMessage`` for bytes that are no aECG (a DTD or entity is refused), ``UnsupportedRecording``
    for an intact one without a waveform whose leads, scale, rate and lengths are certain.
    """
    root = _root(content, limits)
    found = [ecg for series in rhythm_series(root, limits) for ecg in [_ecg(root, series, content, limits)]]
    if not found:
        raise UnsupportedRecording("aECG: the document holds no rhythm series with ECG leads")
    return tuple(found)


def _root(content: bytes, limits: ParseLimits) -> Element:
    if len(content) > limits.message_bytes_max:
        raise UnreadableMessage("aECG: the document is larger than the limit", bytes=len(content))
    try:
        root: Element = fromstring(content.lstrip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnreadableMessage(
            f"aECG: not a safe, well-formed XML document ({type(error).__name__})"
        ) from error
    if root.tag.rpartition("}")[2] != "AnnotatedECG":
        raise UnreadableMessage("aECG: the root element is not AnnotatedECG")
    return root


def _ecg(root: Element, series: Series, content: bytes, limits: ParseLimits) -> InboundEcg:
    started = series.started or moment(_effective_time(root), limits)
    return InboundEcg(
        message_id=_document_id(root, content),
        recording=series.recording,
        acquisition=Acquisition(
            performed_at=started.at if started else None,
            performed_at_text=started.text if started else None,
            zone_assumed=bool(started and started.zone_assumed),
            device=_device(series.element),
            device_serial=attribute(descend(series.element, *DEVICE, "id"), "extension"),
            filters=series.filters,
        ),
        patient=_patient(root),
        cart_statements=cart_statements(root, series.element),
        cart_measurements=cart_measurements(series.element),
        warnings=series.warnings + contradictions(series.recording),
    )


def _document_id(root: Element, content: bytes) -> str:
    element = descend(root, "id")
    named = ".".join(part for key in ("root", "extension") if (part := attribute(element, key)) is not None)
    return named or f"sha256:{content_hash(content)[:32]}"


def _effective_time(root: Element) -> str | None:
    """Return the document's time: an instant, or the start, middle or end of an interval."""
    element = descend(root, "effectiveTime")
    for place in ("low", "center", "high"):
        if (value := attribute(descend(element, place), "value")) is not None:
            return value
    return attribute(element, "value")


def _device(series: Element) -> str | None:
    names = (
        text_of(descend(series, "author", "seriesAuthor", "manufacturerOrganization", "name")),
        text_of(descend(series, *DEVICE, "manufacturerModelName")),
        text_of(descend(series, *DEVICE, "softwareName")),
    )
    return " ".join(name for name in names if name) or None


def _patient(root: Element) -> Patient | None:
    subject = descend(root, *SUBJECT)
    identifier = descend(subject, "id")
    patient_id = attribute(identifier, "extension") or attribute(identifier, "root")
    if patient_id is None:
        return None
    person = descend(subject, "subjectDemographicPerson")
    family, given = _name(descend(person, "name"))
    birth = moment(attribute(descend(person, "birthTime"), "value"), None)
    return Patient(
        patient_id=patient_id,
        assigner=attribute(identifier, "root") if attribute(identifier, "extension") else None,
        family_name=family,
        given_name=given,
        birth_date=birth.at.date() if birth else None,
        sex=SEXES.get(attribute(descend(person, "administrativeGenderCode"), "code") or ""),
    )


def _name(element: Element | None) -> tuple[str | None, str | None]:
    """Return family and given name; a name without parts counts as the family name."""
    if element is None:
        return None, None
    family, given = text_of(descend(element, "family")), text_of(descend(element, "given"))
    whole = _BLANKS.sub(" ", element.text or "").strip() or None
    return family or (whole if given is None else None), given
