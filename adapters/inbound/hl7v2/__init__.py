"""HL7 v2 messages, 2.1 to 2.8: waveform results (ORU^R01, ORU^W01, …) and orders (ORM, OMG, OMI).

A message is refused or understood as a whole, and so is a batch: its dead letter keeps every byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from adapters.inbound.hl7v2.cart import WITHDRAWN, CartVoice, cart_voice, joined
from adapters.inbound.hl7v2.categories import AVERAGED, is_waveform
from adapters.inbound.hl7v2.embedded import embedded_ecgs
from adapters.inbound.hl7v2.fields import (
    Moment,
    OrderGroup,
    Person,
    check_header,
    clean,
    first,
    message_id,
    moment,
    order_groups,
    person,
)
from adapters.inbound.hl7v2.identity import with_context
from adapters.inbound.hl7v2.orders import inbound_orders, is_order
from adapters.inbound.hl7v2.split import Message, Segment, split_messages
from adapters.inbound.hl7v2.streams import Trace
from adapters.inbound.hl7v2.text import decode
from adapters.inbound.hl7v2.typed import second_reading
from adapters.inbound.hl7v2.waveform import traces
from adapters.inbound.limb_leads import contradictions
from gem_integration.domain.ecg import Acquisition
from gem_integration.domain.study import InboundEcg, InboundOrder, ParseLimits
from gem_integration.errors import UnsupportedRecording

DAYS_PER_YEAR = 365.2425
NOBODY = ("the message names no patient identifier (PID-3)",)


def parse(content: bytes, limits: ParseLimits) -> tuple[InboundEcg | InboundOrder, ...]:
    """Read one message or a batch: every ECG and order in it, in order.

    A message without MSH-10 gets an id made from its content. Raises ``UnreadableMessage``,
    ``UnsupportedRecording`` (also for a message with neither an ECG nor an order) or
    ``IdentityConflict``.
    """
    decoded = decode(content, limits)
    return tuple(
        item
        for message in split_messages(decoded.text, limits)
        for item in _items(message, decoded.warnings, limits)
    )


def _items(
    message: Message, warnings: tuple[str, ...], limits: ParseLimits
) -> list[InboundEcg | InboundOrder]:
    check_header(message)
    groups = order_groups(message)
    found: list[InboundEcg | InboundOrder] = [*_ecgs(message, groups, limits)]
    if found:
        noticed = warnings + second_reading(message)
        found = [
            replace(ecg, warnings=noticed + ecg.warnings) for ecg in found if isinstance(ecg, InboundEcg)
        ]
    if is_order(message):
        found += inbound_orders(message, groups, limits)
    if not found:
        raise _nothing_for_us(message, groups, limits)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """One order group with what of it is an ECG."""

    group: OrderGroup
    traces: tuple[Trace, ...]
    embedded: tuple[InboundEcg, ...]
    voice: CartVoice

    @property
    def has_ecg(self) -> bool:
        return bool(self.traces or self.embedded)


def _ecgs(message: Message, groups: tuple[OrderGroup, ...], limits: ParseLimits) -> list[InboundEcg]:
    by_patient: dict[int, list[_Report]] = {}
    for group in groups:
        by_patient.setdefault(group.patient_number, []).append(_report(group, limits))
    return [
        ecg
        for reports in by_patient.values()
        for report, voice in _with_voices(reports)
        for ecg in _ecgs_of(message, report, voice, limits)
    ]


def _report(group: OrderGroup, limits: ParseLimits) -> _Report:
    observations = group.observations
    averaged = AVERAGED.search(f"{group.get('OBR', 4)} {group.get('OBR', 4, 2)}")
    found = () if averaged else traces(observations, limits)
    embedded = [ecg for o in observations if _is_file(o) for ecg in embedded_ecgs(o, limits)]
    if _is_withdrawn(o for o in observations if (found and is_waveform(o)) or (embedded and _is_file(o))):
        raise UnsupportedRecording("the sender withdrew the waveform (OBX-11 D, W or X)")
    return _Report(group=group, traces=found, embedded=tuple(embedded), voice=cart_voice(group, limits))


def _is_withdrawn(observations: Iterable[Segment]) -> bool:
    return any(o.get(11).upper() in WITHDRAWN for o in observations)


def _is_file(observation: Segment) -> bool:
    return observation.get(2).upper() == "ED"


def _with_voices(reports: list[_Report]) -> list[tuple[_Report, CartVoice]]:
    """Return a patient's ECG reports, the only one of them with the voice of the reports without an ECG.

    Carts often send measurements and waveform under two OBR of one order; a report that names another
    accession number is another ECG's.
    """
    found = [report for report in reports if report.has_ecg]
    if len(found) != 1:
        return [(report, report.voice) for report in found]
    others = [other.voice for other in reports if not other.has_ecg and _same_order(other, found[0])]
    return [(found[0], joined([found[0].voice, *others]))]


def _same_order(one: _Report, other: _Report) -> bool:
    numbers = (one.group.get("OBR", 18), other.group.get("OBR", 18))
    return not all(numbers) or numbers[0] == numbers[1]


def _ecgs_of(message: Message, report: _Report, voice: CartVoice, limits: ParseLimits) -> list[InboundEcg]:
    who = person(first(report.group.patient, "PID"))
    taken = [_from_trace(message, report, trace, limits) for trace in report.traces]
    taken += [with_context(ecg, who, _performed(message, report, "", limits)) for ecg in report.embedded]
    return [_completed(ecg, message, group=report.group, who=who, voice=voice) for ecg in taken]


def _performed(
    message: Message, report: _Report, text: str, limits: ParseLimits
) -> tuple[Moment | None, str]:
    """Return when the ECG was taken: the waveform's TIM, else OBX-14, OBR-7 or OBR-22, with its text."""
    observed = [o.get(14) for o in report.group.observations if is_waveform(o)]
    for candidate in (text, *observed[:1], report.group.get("OBR", 7), report.group.get("OBR", 22)):
        if found := moment(candidate, message, limits):
            return found, clean(candidate)
    return None, clean(text)


def _from_trace(message: Message, report: _Report, trace: Trace, limits: ParseLimits) -> InboundEcg:
    performed, text = _performed(message, report, trace.time_text or "", limits)
    device, serial = _device(report.group)
    recording = replace(
        trace.recording, started_at=performed.at if performed and not performed.day_only else None
    )
    return InboundEcg(
        message_id=message_id(message),
        recording=recording,
        acquisition=Acquisition(
            performed_at=performed.at if performed else None,
            performed_at_text=text or None,
            zone_assumed=bool(performed and performed.zone_assumed),
            device=device,
            device_serial=serial,
        ),
        warnings=trace.warnings + _doubts(performed, text) + contradictions(recording),
    )


def _doubts(performed: Moment | None, text: str) -> tuple[str, ...]:
    if performed is not None and performed.day_only:
        return ("the acquisition time is known to the day only",)
    if performed is None and text:
        return ("the acquisition time is no HL7 time of a known day; its text is kept",)
    return ()


def _device(group: OrderGroup) -> tuple[str | None, str | None]:
    """Return device and serial of the first equipment instance (OBX-18: serial ^ device)."""
    for observation in group.observations:
        if observation.raw(18):
            return clean(observation.get(18, 2)) or None, clean(observation.get(18, 1)) or None
    return None, None


def _completed(
    ecg: InboundEcg, message: Message, *, group: OrderGroup, who: Person, voice: CartVoice
) -> InboundEcg:
    """Return ``ecg`` with what the message says about patient, order and the cart's findings."""
    return replace(
        ecg,
        message_id=message_id(message),
        patient=who.patient or ecg.patient,
        accession_number=group.accession_number or ecg.accession_number,
        placer_number=group.placer_number or ecg.placer_number,
        filler_number=group.filler_number or ecg.filler_number,
        indication=group.indication or ecg.indication,
        result_status=group.get("OBR", 25) or _observed_status(group),
        stat=group.priority == "STAT" or ecg.stat,
        age_years=_age_years(who, voice, ecg),
        cart_statements=tuple(dict.fromkeys(ecg.cart_statements + voice.statements)),
        cart_measurements=ecg.cart_measurements
        + tuple(item for item in voice.measurements if item not in ecg.cart_measurements),
        warnings=ecg.warnings + voice.warnings + (() if who.patient else NOBODY),
    )


def _observed_status(group: OrderGroup) -> str | None:
    statuses = (o.get(11) for o in group.observations if is_waveform(o) or _is_file(o))
    return next((status for status in statuses if status), None)


def _age_years(who: Person, voice: CartVoice, ecg: InboundEcg) -> float | None:
    """Return the age sent where no exact birth date was: stated, or from a birth year or month."""
    if who.patient is not None and who.patient.birth_date is not None:
        return None
    if voice.age_years is not None:
        return voice.age_years
    performed = ecg.acquisition.performed_at
    if who.approximate_birth is None or performed is None:
        return ecg.age_years
    return _years_between(who.approximate_birth, performed.date())


def _years_between(born: date, on: date) -> float | None:
    return round((on - born).days / DAYS_PER_YEAR, 1) if on >= born else None


def _nothing_for_us(
    message: Message, groups: tuple[OrderGroup, ...], limits: ParseLimits
) -> UnsupportedRecording:
    observations = [o for group in groups for o in group.observations]
    measured = sum(
        item.kind is not None for group in groups for item in cart_voice(group, limits).measurements
    )
    said = "neither an ECG waveform nor an order"
    if any(is_waveform(o) for o in observations):
        said = "a waveform without any lead we know, or averaged beats only; name local leads in lead_aliases"
    elif measured and message.kind[0].startswith("OR"):
        said = f"{measured} cart measurements but no waveform to check them against"
    elif any(map(_is_file, observations)):
        said = "attached files (ED) of which none is an ECG we read (DICOM or annotated ECG)"
    elif any(o.get(2).upper() == "RP" for o in observations):
        said = "only a pointer (RP) to a file; send the ECG itself"
    kind = "^".join(part for part in message.kind if part.isalnum() and len(part) <= 4)
    return UnsupportedRecording(
        f"the message holds {said}; expected ORU^R01, ORU^W01 with NA, MA or ED, or ORM, OMG, OMI",
        message_type=kind,
    )
