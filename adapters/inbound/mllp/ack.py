"""What came of a frame → its acknowledgements (HL7 v2.5.1 section 2.9, tables 0008, 0155 and 0357)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from adapters.inbound.hl7v2.split import DEFAULT_ENCODING_CHARACTERS, Segment
from adapters.inbound.mllp.frames import FRAME_END, START
from adapters.inbound.mllp.header import AS_BYTES, Headers
from gem_integration.domain.identity import stable_id

CONTROL_ID_LENGTH = 20  #: MSH-10 is ST of 20 (HL7 v2.5.1 section 2.15.9.10)
VERSION = "2.5.1"
TEXT_LENGTH_MAX = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Outcome(StrEnum):
    """What came of a frame."""

    ACCEPTED = "accepted"
    UNREADABLE = "unreadable"
    UNSUPPORTED = "unsupported"
    NO_HEADER = "no_header"
    NO_TYPE = "no_type"
    OVERSIZE = "oversize"
    CONFLICT = "conflict"
    DEFECT = "defect"
    TYPE_UNACCEPTABLE = "type_unacceptable"
    VERSION_UNACCEPTABLE = "version_unacceptable"
    PROCESSING_UNACCEPTABLE = "processing_unacceptable"
    UNAVAILABLE = "unavailable"
    ACKNOWLEDGEMENT = "acknowledgement"  #: itself an answer, and never answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """How one outcome is said.

    ``original`` is MSA-1 of the original mode and of the enhanced mode's application level, ``commit``
    that of its accept level. ``committed`` says that the bytes are safe although the content is wrong:
    where an application acknowledgement tells the latter, the accept level tells the former.
    """

    original: str
    commit: str
    condition: str
    location: str = ""
    committed: bool = False


#: MSA-1: HL7 table 0008, with AE for a fault of this message, AR for one that is not, CR for a type,
#: version or processing id we do not take (section 2.9.3.2). ERR-3: table 0357. ERR-2: the field.
CODES: Mapping[Outcome, Codes] = {
    Outcome.ACCEPTED: Codes(original="AA", commit="CA", condition="0", committed=True),
    Outcome.UNREADABLE: Codes(original="AE", commit="CE", condition="100", committed=True),
    Outcome.UNSUPPORTED: Codes(original="AE", commit="CE", condition="207", committed=True),
    Outcome.NO_HEADER: Codes(original="AE", commit="CE", condition="100", location="MSH^1"),
    Outcome.NO_TYPE: Codes(original="AE", commit="CE", condition="101", location="MSH^1^9"),
    Outcome.OVERSIZE: Codes(original="AE", commit="CE", condition="207"),
    Outcome.CONFLICT: Codes(original="AE", commit="CE", condition="205"),
    Outcome.DEFECT: Codes(original="AE", commit="CE", condition="207", committed=True),
    Outcome.TYPE_UNACCEPTABLE: Codes(original="AR", commit="CR", condition="200", location="MSH^1^9"),
    Outcome.VERSION_UNACCEPTABLE: Codes(original="AR", commit="CR", condition="203", location="MSH^1^12"),
    Outcome.PROCESSING_UNACCEPTABLE: Codes(original="AR", commit="CR", condition="202", location="MSH^1^11"),
    Outcome.UNAVAILABLE: Codes(original="AR", commit="CE", condition="207"),
}

#: HL7 table 0357, message error condition codes.
CONDITIONS: Mapping[str, str] = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "200": "Unsupported message type",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "205": "Duplicate key identifier",
    "207": "Application internal error",
}

#: HL7 table 0155: whether a success, and whether a failure, is acknowledged. A value we do not know
#: counts as AL: an answer too many does less harm than silence.
CONDITIONS_OF_ACKNOWLEDGEMENT: Mapping[str, tuple[bool, bool]] = {
    "AL": (True, True),
    "NE": (False, False),
    "ER": (False, True),
    "SU": (True, False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The bytes that answer a frame, as they go on the wire; empty where the sender wants none."""

    content: bytes = field(repr=False)
    outcome: str
    closes: bool = False  #: the stream cannot be followed any further


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a frame, in words without patient data, and when that was said."""

    outcome: Outcome
    reason: str
    at: datetime


def acknowledge(headers: Headers | None, answer: Answer) -> bytes:
    """Return the framed acknowledgements as they go on the wire; empty where the sender wants none.

    A batch is answered by a batch of acknowledgements in one frame (section 2.10.3), each message of a
    frame without a batch header in a frame of its own.
    """
    if headers is None:
        code = CODES[answer.outcome].original
        return _framed("\r".join((*_reply_header(None, code, answer), *_said(None, code, answer))), AS_BYTES)
    acknowledgements = [text for header in headers.messages for text in _of_message(header, answer)]
    if headers.batch is None or not acknowledgements:
        return b"".join(_framed(text, headers.codec) for text in acknowledgements)
    batch = (
        _batch_header(headers.batch, answer),
        *acknowledgements,
        _batch_end(headers.batch, acknowledgements),
    )
    return _framed("\r".join(batch), headers.codec)


def codes_for(header: Segment, outcome: Outcome) -> tuple[str, ...]:
    """Return MSA-1 of each acknowledgement that the header asks for, in order (section 2.9)."""
    codes, accepted = CODES[outcome], outcome is Outcome.ACCEPTED
    accept, application = header.get(15).upper(), header.get(16).upper()
    if not accept and not application:
        return (codes.original,)
    is_told = _wants(application, accepted)
    is_committed = accepted or (codes.committed and is_told)
    at_commit = _wants(accept, is_committed)
    found = [("CA" if is_committed else codes.commit)] if at_commit else []
    if is_told and (is_committed or not at_commit):
        found.append(codes.original)
    return tuple(found)


def _wants(condition: str, accepted: bool) -> bool:  # noqa: FBT001 - success or failure, as the table has it
    if not condition:
        return False
    on_success, on_failure = CONDITIONS_OF_ACKNOWLEDGEMENT.get(condition, (True, True))
    return on_success if accepted else on_failure


def _of_message(header: Segment, answer: Answer) -> Iterator[str]:
    for code in codes_for(header, answer.outcome):
        yield "\r".join((*_reply_header(header, code, answer), *_said(header, code, answer)))


def _reply_header(header: Segment | None, code: str, answer: Answer) -> tuple[str]:
    """Return MSH of a reply: the sender's delimiters, ids, version and character set, as they came."""
    raw = header.raw if header else lambda _: ""
    delimiters = header.delimiters if header else None
    component = delimiters.component if delimiters else "^"
    event = header.get(9, 2).upper() if header else ""
    kind = component.join(("ACK", event, "ACK")) if re.fullmatch(r"[A-Z0-9]{1,3}", event) else "ACK"
    is_enhanced = bool(raw(15) or raw(16))
    own_id = stable_id("reply", raw(3), raw(10), code, answer.at.isoformat()).hex[:CONTROL_ID_LENGTH]
    never = "NE" if is_enhanced else ""
    fields = (
        *(raw(2) or DEFAULT_ENCODING_CHARACTERS, raw(5), raw(6), raw(3), raw(4), _time(answer.at), ""),
        *(kind, own_id, raw(11) or "P", raw(12) or VERSION, "", "", never, never, "", raw(18)),
    )
    return (_joined("MSH", fields, delimiters.field if delimiters else "|"),)


def _said(header: Segment | None, code: str, answer: Answer) -> Iterator[str]:
    """Give MSA and, unless all is well, ERR in the form of the sender's version."""
    separator = header.delimiters.field if header else "|"
    accepted = code in ("AA", "CA")
    text = "" if accepted else _text(answer.reason, header)
    yield _joined("MSA", (code, header.raw(10) if header else "", text), separator)
    if accepted:
        return
    codes = CODES[answer.outcome]
    component = header.delimiters.component if header else "^"
    subcomponent = header.delimiters.subcomponent if header else "&"
    condition = (codes.condition, CONDITIONS[codes.condition], "HL70357")
    location = codes.location.replace("^", component)
    if header is not None and _is_before_2_5(header.get(12)):
        place = [*codes.location.split("^"), "", ""][:3]
        yield _joined("ERR", (component.join((*place, subcomponent.join(condition))),), separator)
    else:
        yield _joined("ERR", ("", location, component.join(condition), "E", "", "", "", text), separator)


def _batch_header(batch: Segment, answer: Answer) -> str:
    own_id = stable_id("batch reply", batch.raw(11), answer.at.isoformat()).hex[:CONTROL_ID_LENGTH]
    fields = (
        *(
            batch.raw(2) or DEFAULT_ENCODING_CHARACTERS,
            batch.raw(5),
            batch.raw(6),
            batch.raw(3),
            batch.raw(4),
        ),
        *(_time(answer.at), "", "", "", own_id, batch.raw(11)),
    )
    return _joined("BHS", fields, batch.delimiters.field)


def _batch_end(batch: Segment, acknowledgements: list[str]) -> str:
    return _joined("BTS", (str(len(acknowledgements)),), batch.delimiters.field)


def _is_before_2_5(version: str) -> bool:
    return re.match(r"2\.[0-4](?:\D|$)", version) is not None


def _time(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S%z")


def _text(reason: str, header: Segment | None) -> str:
    """Return words of ours in ASCII, which every character set of table 0211 contains, escaped."""
    plain = _CONTROL.sub(" ", reason)[:TEXT_LENGTH_MAX].encode("ascii", "replace").decode()
    if header is None:
        return re.sub(r"[|^~\\&]", " ", plain)
    marks = header.delimiters
    names = {
        marks.field: "F",
        marks.component: "S",
        marks.subcomponent: "T",
        marks.repetition: "R",
        marks.escape: "E",
    }
    return "".join(
        f"{marks.escape}{names[letter]}{marks.escape}" if letter in names else letter for letter in plain
    )


def _joined(name: str, fields: tuple[str, ...], separator: str) -> str:
    return separator.join((name, *fields)).rstrip(separator)


def _framed(text: str, codec: str) -> bytes:
    return START + (text + "\r").encode(codec, "replace") + FRAME_END
