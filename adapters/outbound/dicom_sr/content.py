"""A report as the content tree of a DICOM ECG Report (PS3.16 TID 3700): measurements, findings, claims.

Everything that was taken from the waveform points at it: TCOORD, the samples, SELECTED FROM the channels
of the instance that was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from pydicom.dataset import Dataset

from adapters.outbound.dicom_sr import codes
from adapters.outbound.dicom_sr.items import (
    WaveformPlace,
    code,
    container,
    moment,
    number,
    own,
    samples,
    text,
    uid_reference,
    waveform,
)
from gem_integration.domain.ecg import LIMB_LEADS, Lead
from gem_integration.domain.evidence import Claim, Evidence, GroundedObservation, Verdict
from gem_integration.domain.identity import stable_id
from gem_integration.domain.measurement import Measurement, MeasurementKind
from gem_integration.domain.statement import Statement, StatementState
from gem_integration.domain.study import DicomSource
from gem_integration.ports import Delivery
from gem_integration.terminology.codes import measurement_codes

LEADS = tuple(Lead)
KINDS = tuple(MeasurementKind)
#: Text of an observer's name and model (LO in TID 1004).
OBSERVER_CHARACTERS_MAX = 64
DECIDED = (Verdict.SUPPORTED, Verdict.CONTRADICTED)


def uid(*parts: str) -> str:
    """Return a UID made of a UUID (PS3.5 annex B.2), the same for the same parts."""
    return f"2.25.{stable_id('dicom sr', *parts).int}"


def taken_at(delivery: Delivery) -> datetime | None:
    """Return when the ECG was taken, in the zone the report's times are in, or ``None`` if unknown."""
    ecg = delivery.study.ecg
    taken = ecg.acquisition.performed_at or ecg.recording.started_at
    if taken is None or taken.tzinfo is None:
        return None
    return taken.astimezone(delivery.report.issued_at.tzinfo)


@dataclass(frozen=True, kw_only=True)
class Content:
    """One delivery, seen as a content tree over the instance it was read from."""

    delivery: Delivery
    source: DicomSource

    def root(self) -> Dataset:
        """Return the root container; its content is the whole report."""
        parts = [
            code(codes.LANGUAGE, codes.ENGLISH, as_="HAS CONCEPT MOD"),
            *self._observer(),
            container(codes.PROCEDURE, self._procedure(), template="3708"),
            container(codes.QUANTITATIVE, self._quantitative()),
            container(codes.QUALITATIVE, self._qualitative(), template="3717"),
            container(codes.CLAIMS, self._claims()),
            container(codes.SUMMARY, self._summary(), template="3719"),
        ]
        return container(codes.ECG_REPORT, parts, template="3700")

    def _observer(self) -> Iterator[Dataset]:
        """Yield the reader as the observing device (TID 1002, 1004)."""
        reader = self.delivery.report.reader
        words = (
            (codes.OBSERVER_NAME, reader.name),
            (codes.OBSERVER_MODEL, f"{reader.name} {reader.version}"),
            (codes.OBSERVER_SERIAL, reader.weights_digest or reader.prompt_digest or reader.code_version),
            (codes.CODE_VERSION, reader.code_version),
        )
        yield code(codes.OBSERVER_TYPE, codes.DEVICE, as_="HAS OBS CONTEXT")
        yield uid_reference(codes.OBSERVER_UID, uid("reader", reader.key), as_="HAS OBS CONTEXT")
        for name, value in words:
            yield text(name, value[:OBSERVER_CHARACTERS_MAX], as_="HAS OBS CONTEXT")

    def _procedure(self) -> Iterator[Dataset]:
        report = self.delivery.report
        if taken := taken_at(self.delivery):
            yield moment(codes.STARTED, taken)
        yield waveform(codes.SOURCE, self._place(self._all_channels), as_="CONTAINS")
        yield from (text(codes.QUALITY, reason) for reason in report.quality_reasons)
        yield from (text(codes.CART_STATEMENT, words) for words in report.cart_statements)

    def _quantitative(self) -> Iterator[Dataset]:
        measurements = self.delivery.measurements
        coded = [kind for kind, names in measurement_codes().items() if names.mdc or names.loinc]
        taken = [item for kind in coded if (item := measurements.get(kind)) is not None]
        cited = sorted(self._cited, key=lambda key: (LEADS.index(key[0]), KINDS.index(key[1])))
        yield container(codes.GLOBAL, map(self._measurement, taken), template="3713")
        for lead in dict.fromkeys(lead for lead, _ in cited):
            found = (measurements.get(kind, at) for at, kind in cited if at is lead)
            items = [self._measurement(item) for item in found if item is not None]
            named = code(codes.LEAD_ID, codes.lead_code(lead), as_="HAS CONCEPT MOD")
            yield container(codes.IN_LEAD, [named, *items], template="3714")

    @cached_property
    def _cited(self) -> frozenset[tuple[Lead, MeasurementKind]]:
        """Return the measurements in single leads that claims and reported statements rest on."""
        report = self.delivery.report
        parts = [part for item in report.observations for part in item.evidence]
        parts += [part for item in report.statements if _is_reported(item) for part in item.parts]
        pairs = ((part.lead, part.measurement) for part in parts if part.lead)
        known = {(lead, MeasurementKind(name)) for lead, name in pairs if lead and name in set(KINDS)}
        return frozenset(pair for pair in known if self.delivery.measurements.get(pair[1], pair[0]))

    def _measurement(self, item: Measurement) -> Dataset:
        children = []
        if len(item.beats) == 1:
            children.append(text(codes.BEAT_NUMBER, str(item.beats[0]), as_="HAS PROPERTIES"))
        if algorithm := codes.QTC_ALGORITHMS.get(item.kind):
            children.append(code(codes.ALGORITHM_NAME, algorithm, as_="HAS PROPERTIES"))
        if item.samples:
            children.append(self._samples(item.samples, item.lead))
        return number(
            codes.measurement_code(item.kind, item.lead), item.value, codes.unit(item.unit), children
        )

    def _qualitative(self) -> Iterator[Dataset]:
        reported = [item for item in self.delivery.report.statements if _is_reported(item)]
        if not reported:
            yield text(codes.ECG_FINDING, "none of the coded statements is met")
        yield from map(self._statement, reported)

    def _statement(self, statement: Statement) -> Dataset:
        """Return a met statement as a coded finding, a borderline one as words, which no code asserts."""
        children = [node for part in statement.parts for node in self._evidence(part)]
        found = codes.statement_code(statement)
        if statement.state is StatementState.MET:
            return code(codes.ECG_FINDING, found, children)
        state = code(codes.STATE, own(statement.state, "borderline"), as_="HAS PROPERTIES")
        return text(codes.ECG_FINDING, f"borderline: {found.meaning}", [state, *children])

    def _claims(self) -> Iterator[Dataset]:
        yield text(codes.READER_TEXT, self.delivery.report.narrative)
        yield from map(self._claim, self.delivery.report.observations)

    def _claim(self, item: GroundedObservation) -> Dataset:
        verdict = own(item.verdict, item.verdict.replace("_", " "))
        evidence = [node for part in item.evidence for node in self._evidence(part)]
        if item.verdict in DECIDED and not any(part.samples for part in item.evidence):
            evidence.append(self._samples(self._whole, None))
        children = [
            code(codes.VERDICT, verdict, as_="HAS PROPERTIES"),
            text(codes.REASON, item.reason, as_="HAS PROPERTIES"),
            *_subject(item.claim),
            *evidence,
        ]
        return text(codes.CLAIM[item.verdict], item.claim.text, children)

    def _evidence(self, part: Evidence) -> Iterator[Dataset]:
        """Yield the number with its criterion and samples; the samples alone where there is no number."""
        source = [self._samples(part.samples, part.lead)] if part.samples else []
        if part.value is None:
            yield from source
            return
        criterion = text(codes.CRITERION, part.criterion, as_="HAS PROPERTIES")
        name = codes.evidence_code(part.measurement, part.lead)
        children = [criterion, *source]
        yield number(name, part.value, codes.unit(part.unit), children, as_="INFERRED FROM")

    def _summary(self) -> Iterator[Dataset]:
        report = self.delivery.report
        yield text(codes.CONCLUSION, report.conclusion)
        yield from (text(codes.NOT_CONFIRMED, words) for words in report.not_confirmed)

    @property
    def _whole(self) -> tuple[tuple[int, int], ...]:
        return ((0, self.delivery.study.ecg.recording.sample_count),)

    def _samples(self, ranges: tuple[tuple[int, int], ...], lead: Lead | None) -> Dataset:
        return samples(codes.SOURCE, ranges, self._place(self._channels_of(lead)))

    def _place(self, channels: tuple[tuple[int, int], ...]) -> WaveformPlace:
        return WaveformPlace(
            sop_class_uid=self.source.sop_class_uid,
            sop_instance_uid=self.source.sop_instance_uid,
            channels=channels,
        )

    @cached_property
    def _all_channels(self) -> tuple[tuple[int, int], ...]:
        groups = dict.fromkeys(group for group, _ in self.source.channels.values())
        return tuple((group, 0) for group in groups)

    def _channels_of(self, lead: Lead | None) -> tuple[tuple[int, int], ...]:
        """Return a lead's channel; a derived lead's are those of the limb leads that were recorded."""
        recorded = self.source.channels
        if lead is not None and lead in recorded:
            return (recorded[lead],)
        limbs = tuple(recorded[one] for one in LIMB_LEADS if one in recorded)
        return limbs if lead in LIMB_LEADS and limbs else self._all_channels


def _is_reported(statement: Statement) -> bool:
    return statement.state in (StatementState.MET, StatementState.BORDERLINE)


def _subject(claim: Claim) -> Iterator[Dataset]:
    if claim.subject:
        words = own(claim.subject, claim.subject.replace("_", " "))
        yield code(codes.SUBJECT, words, as_="HAS PROPERTIES")
    for lead in claim.leads:
        yield code(codes.LEAD_ID, codes.lead_code(lead), as_="HAS PROPERTIES")
