"""Times, people and identifiers of an HL7 v2 message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.inbound.hl7v2.split import Message, Segment, part
from gem_integration.domain.identity import Patient, Sex, content_hash
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage

#: HL7 table 0001; A, O, U, N and C are not a sex the criteria know.
SEXES = {"M": Sex.MALE, "F": Sex.FEMALE}
#: HL7 table 0203, in the order of preference for the identifier we keep.
IDENTIFIER_TYPES = ("MR", "PI", "PT", "")
#: HL7 tables 0027 and 0485 → the word we keep; other codes stay as received.
PRIORITIES = {"S": "STAT", "ST": "STAT", "A": "ASAP", "R": "ROUTINE"}

_DTM = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d{2})(?:(?P<day>\d{2})(?:(?P<hour>\d{2})(?:(?P<minute>\d{2})"
    r"(?:(?P<second>\d{2})(?:(?P<fraction>\.\d{1,6})\d{0,6})?)?)?)?)?)?(?P<zone>[+-]\d{4})?",
    re.ASCII,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point in time, zone-aware; ``zone_assumed`` when the message named no zone."""

    at: datetime
    zone_assumed: bool
    day_only: bool


def moment(text: str, message: Message, limits: ParseLimits) -> Moment | None:
    """Return an HL7 DTM of at least day precision, or ``None`` when it is not one.

    A missing zone is the one of MSH-7, which holds for the whole message (HL7 v2.5.1 section 2.15.9.7),
    else the site's.
    """
    match = _DTM.fullmatch(text.strip())
    if match is None or match["day"] is None:
        return None
    zone, assumed = _zone(match["zone"], message, limits)
    try:
        at = datetime(int(match["year"]), int(match["month"]), int(match["day"]), tzinfo=zone).replace(
            hour=int(match["hour"] or 0),
            minute=int(match["minute"] or 0),
            second=int(match["second"] or 0),
            microsecond=int((match["fraction"] or ".")[1:].ljust(6, "0")),
        )
    except ValueError:
        return None
    return Moment(at=at, zone_assumed=assumed, day_only=match["hour"] is None)


def _zone(offset: str | None, message: Message, limits: ParseLimits) -> tuple[tzinfo, bool]:
    if offset is None and (header := _DTM.fullmatch(message.header.get(7))):
        offset = header["zone"]
    if offset is not None and int(offset[1:3]) < 24 and int(offset[3:]) < 60:
        minutes = int(offset[1:3]) * 60 + int(offset[3:])
        return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)), False
    try:
        return ZoneInfo(limits.assumed_zone), True
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"assumed_zone {limits.assumed_zone!r} is not a time zone") from error


def clean(text: str) -> str:
    """Return ``text`` on one line, without control characters."""
    return _CONTROL.sub(" ", text).strip()


def message_id(message: Message) -> str:
    """Return MSH-10, or a name made from the message's content when the sender gave none."""
    return clean(message.header.get(10)) or f"sha256:{content_hash(message.text.encode())[:32]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a PID segment names: the patient, every identifier, and the birth year's middle if only that."""

    patient: Patient | None
    identifiers: frozenset[str] = frozenset()
    approximate_birth: date | None = None


def person(pid: Segment | None) -> Person:
    """Return who ``pid`` names; a person without any identifier is nobody."""
    if pid is None:
        return Person(patient=None)
    identifiers = _identifiers(pid)
    birth, approximate = birth_date(pid.get(7))
    if not identifiers:
        return Person(patient=None, approximate_birth=approximate or birth)
    chosen, assigner = _preferred(identifiers)
    patient = Patient(
        patient_id=chosen,
        assigner=assigner or None,
        family_name=clean(pid.get(5, 1)) or None,
        given_name=clean(pid.get(5, 2)) or None,
        birth_date=birth,
        sex=SEXES.get(pid.get(8).upper()),
    )
    return Person(
        patient=patient,
        identifiers=frozenset(found[0] for found in identifiers),
        approximate_birth=approximate,
    )


def _identifiers(pid: Segment) -> list[tuple[str, str, str]]:
    """Return (identifier, assigner, type) of PID-3, or of PID-2 and PID-4 where PID-3 is empty."""
    for field in (3, 2, 4):
        found = [
            (
                clean(part(raw, pid.delimiters)),
                clean(part(raw, pid.delimiters, 4) or part(raw, pid.delimiters, 4, 2)),
                part(raw, pid.delimiters, 5).upper(),
            )
            for raw in pid.repetitions(field)
        ]
        if named := [entry for entry in found if entry[0]]:
            return named
    return []


def _preferred(identifiers: list[tuple[str, str, str]]) -> tuple[str, str]:
    for wanted in IDENTIFIER_TYPES:
        for identifier, assigner, kind in identifiers:
            if kind == wanted:
                return identifier, assigner
    return identifiers[0][:2]


def birth_date(text: str) -> tuple[date | None, date | None]:
    """Return an exact birth date, or the middle of the year or month that is known instead."""
    match = _DTM.fullmatch(text.strip())
    if match is None:
        return None, None
    year, month = int(match["year"]), int(match["month"] or 0)
    try:
        if match["day"] and match["day"] != "00":
            return date(year, month, int(match["day"])), None
        return None, date(year, month, 15) if month else date(year, 7, 1)
    except ValueError:
        return None, None


def first(segments: tuple[Segment, ...], name: str) -> Segment | None:
    """Return the first segment called ``name``."""
    return next((segment for segment in segments if segment.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderGroup:
    """One order or report of a message: its patient's segments and its own, in order."""

    patient: tuple[Segment, ...]
    segments: tuple[Segment, ...]

    @property
    def patient_number(self) -> int:
        """Return the place of the patient's PID in the message, 0 without one."""
        pid = first(self.patient, "PID")
        return pid.number if pid else 0

    def get(self, name: str, field: int, component: int = 1) -> str:
        """Return a decoded component of the group's first segment called ``name``, on one line."""
        segment = first(self.segments, name)
        return clean(segment.get(field, component)) if segment else ""

    @property
    def observations(self) -> tuple[Segment, ...]:
        """Return the OBX segments."""
        return tuple(segment for segment in self.segments if segment.name == "OBX")

    @property
    def placer_number(self) -> str | None:
        """Return OBR-2, else ORC-2."""
        return self.get("OBR", 2) or self.get("ORC", 2) or None

    @property
    def filler_number(self) -> str | None:
        """Return OBR-3, else ORC-3."""
        return self.get("OBR", 3) or self.get("ORC", 3) or None

    @property
    def accession_number(self) -> str | None:
        """Return IPC-1 (IHE), else OBR-18, else the filler's number."""
        return self.get("IPC", 1) or self.get("OBR", 18) or self.filler_number

    @property
    def priority(self) -> str | None:
        """Return TQ1-9, OBR-27.6, ORC-7.6 or OBR-5, as a word where the tables have one."""
        code = self.get("TQ1", 9) or self.get("OBR", 27, 6) or self.get("ORC", 7, 6) or self.get("OBR", 5)
        return PRIORITIES.get(code.upper(), code) or None

    @property
    def indication(self) -> str | None:
        """Return the reason for study (OBR-31) and the relevant clinical facts (OBR-13)."""
        reason = self.get("OBR", 31, 2) or self.get("OBR", 31)
        told = (reason, self.get("OBR", 13, 2) or self.get("OBR", 13))
        return "; ".join(dict.fromkeys(text for text in told if text)) or None


def order_groups(message: Message) -> tuple[OrderGroup, ...]:
    """Cut a message into its orders; every segment after the header lands in exactly one place.

    A PID starts another patient, an ORC (or an OBR without one) another order.
    """
    groups: list[tuple[list[Segment], list[Segment]]] = []
    patient: list[Segment] = []
    current: list[Segment] | None = None
    for segment in message.segments[1:]:
        if segment.name == "PID":
            patient, current = [segment], None
        elif current is None and segment.name not in {"ORC", "OBR", "OBX"}:
            patient.append(segment)
        elif current is None or _opens(segment, current):
            current = [segment]
            groups.append((patient, current))
        else:
            current.append(segment)
    return tuple(OrderGroup(patient=tuple(who), segments=tuple(what)) for who, what in groups)


def _opens(segment: Segment, current: list[Segment]) -> bool:
    if segment.name == "ORC":
        return True
    return segment.name == "OBR" and (current[0].name != "ORC" or any(s.name == "OBR" for s in current))


def check_header(message: Message) -> None:
    """Refuse a message that names no type; everything else of MSH may be missing."""
    if not message.kind[0]:
        raise UnreadableMessage("MSH-9 does not name a message type")
