"""ECG files inside an HL7 v2 message: data type ED (HL7 v2.5.1 section 2.A.24).

The one place where a format file reaches other formats, because the message does.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from adapters.inbound import aecg, dicom_ecg
from adapters.inbound.hl7v2.split import Segment, unescape
from gem_integration.domain.study import InboundEcg, InboundOrder, ParseLimits
from gem_integration.errors import UnreadableMessage

Parse: TypeAlias = Callable[[bytes, ParseLimits], tuple[InboundEcg | InboundOrder, ...]]

#: What an embedded file is, by its content → its parser.
EMBEDDED: Mapping[str, Parse] = {"dicom": dicom_ecg.parse, "aecg": aecg.parse}

DICOM_MARK_AT = 128
XML_HEAD_BYTES = 4096
ENCODING, CONTENT = 3, 4  #: places of the components ED.4 and ED.5 in the split repetition
DECLARATION_MAX = 200  #: characters in which ED.1 to ED.3 say what the content is
_NO_ECG = re.compile(r"pdf|jpe?g|png|tiff|gif|bmp|rtf|html|postscript|basic\b|plain", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{64,}={0,2}\s*", re.ASCII)
_BLANK = re.compile(r"\s+|\\\.br\\|\\X0[AD](?:0[AD])?\\", re.IGNORECASE)


def embedded_ecgs(observation: Segment, limits: ParseLimits) -> list[InboundEcg]:
    """Return the ECGs in an ED observation; attachments that are no ECG (PDF, CDA) give none.

    Raises ``UnreadableMessage`` for content that does not decode or exceeds the limit, and whatever
    the embedded format's parser refuses.
    """
    found: list[InboundEcg] = []
    for repetition in observation.repetitions(5):
        if _NO_ECG.search(_declared(repetition, observation)):
            continue
        content = _content(repetition, observation, limits)
        kind = _kind(content, _declared(repetition, observation))
        if kind is not None:
            parsed = EMBEDDED[kind](content, limits)
            found += [item for item in parsed if isinstance(item, InboundEcg)]
    return found


def _declared(repetition: str, observation: Segment) -> str:
    """Return what ED.1 to ED.3 say about the content, lower case."""
    components = repetition.split(observation.delimiters.component, ENCODING)
    return " ".join(components[:ENCODING])[:DECLARATION_MAX].lower() if len(components) > ENCODING else ""


def _kind(content: bytes, declared: str) -> str | None:
    if content[DICOM_MARK_AT : DICOM_MARK_AT + 4] == b"DICM":
        return "dicom"
    head = content[:XML_HEAD_BYTES].replace(b"\x00", b"")
    if b"AnnotatedECG" in head:
        return "aecg"
    return "dicom" if "dicom" in declared and not head.lstrip().startswith(b"<") else None


def _content(repetition: str, observation: Segment, limits: ParseLimits) -> bytes:
    components = repetition.split(observation.delimiters.component)
    encoding = components[ENCODING].strip().lower() if len(components) > ENCODING else ""
    text = observation.delimiters.component.join(components[CONTENT:])
    if len(text) > limits.embedded_bytes_max * 2:
        raise UnreadableMessage("the embedded file is larger than the limit", segment=observation.number)
    try:
        content = _decoded(text, encoding, observation)
    except (binascii.Error, ValueError) as error:
        raise UnreadableMessage(
            "the embedded file (OBX-5) is not valid in the encoding it declares", segment=observation.number
        ) from error
    if len(content) > limits.embedded_bytes_max:
        raise UnreadableMessage("the embedded file is larger than the limit", segment=observation.number)
    return content


def _decoded(text: str, encoding: str, observation: Segment) -> bytes:
    """Decode by HL7 table 0299: Base64, Hex, or A (none); without a declaration, what looks like Base64."""
    if encoding == "base64" or (not encoding and _BASE64.fullmatch(text)):
        return base64.b64decode(_BLANK.sub("", text), validate=True)
    if encoding == "hex":
        return bytes.fromhex(_BLANK.sub("", text))
    return unescape(text, observation.delimiters).encode("utf-8")
