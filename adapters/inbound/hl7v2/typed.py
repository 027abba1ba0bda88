"""A second reading of a message by hl7apy, without its observations.

Our own split stays the source of truth. The library's typed model reads who and what the message is
about once more: where the two readings differ, or segments vanish, the ECG carries a warning.
"""

from __future__ import annotations

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message as TypedMessage
from hl7apy.core import Segment as TypedSegment
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

from adapters.inbound.hl7v2.split import Message, Segment

SEGMENTS_MAX = 200  #: the library's time grows with the square of their number
CHARACTERS_MAX = 64 * 1024

#: What both readings must agree on: the first component of these fields.
COMPARED = (("MSH", 10), ("PID", 3), ("PID", 8), ("OBR", 2), ("OBR", 3))


def stripped(message: Message) -> tuple[Segment, ...]:
    """Return the segments the library reads: all but the observations, whose values it reads too slowly."""
    return tuple(segment for segment in message.segments if segment.name != "OBX")


def second_reading(message: Message) -> tuple[str, ...]:
    """Return a warning for each way in which hl7apy reads the message differently than we do."""
    given = stripped(message)
    text = "\r".join(segment.text for segment in given)
    if len(given) > SEGMENTS_MAX or len(text) > CHARACTERS_MAX:
        return ("the message is too long for the second reading by hl7apy; our own reading stands",)
    try:
        typed = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
        return _differences(message, typed)
    except (HL7apyException, AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        return (f"hl7apy could not read the message ({type(error).__name__}); our own reading stands",)


def _differences(message: Message, typed: TypedMessage) -> tuple[str, ...]:
    warnings = []
    given = len(stripped(message))
    if len(typed.children) != given:
        warnings.append(f"hl7apy reads {len(typed.children)} of {given} segments; our own reading stands")
    for name, field in COMPARED:
        ours = [found.components(field)[0] for found in message.segments if found.name == name]
        theirs = [_first_component(child, field, message) for child in typed.children if child.name == name]
        if ours != theirs:
            warnings.append(f"hl7apy reads {name}-{field} differently; our own reading stands")
    return tuple(warnings)


def _first_component(segment: TypedSegment, field: int, message: Message) -> str:
    found = getattr(segment, f"{segment.name.lower()}_{field}")
    value = found[0].value if len(found) else ""
    return str(value or "").split(message.delimiters.component)[0]
