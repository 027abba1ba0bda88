"""Records as kafka-python gives them, for the tests of the consumer's parts."""

from __future__ import annotations

from dataclasses import dataclass, field

TOPIC = "hl7"


@dataclass(frozen=True)
class DrawnRecord:
    """One record of a topic."""

    offset: int = 0
    key: bytes | None = b"k"
    value: bytes | None = b""
    topic: str = TOPIC
    partition: int = 0
    timestamp: int = 1_772_357_400_000
    headers: tuple[tuple[str, bytes | None], ...] = field(default=())


def order(number: int, patient: str = "P1") -> bytes:
    """Return an order for an ECG (HL7 v2.5 ORM^O01), the ``number``-th of the tests."""
    segments = (
        f"MSH|^~\\&|RIS|H|GEM|H|20260301093000||ORM^O01|M{number:05d}|P|2.5",
        f"PID|1||{patient}^^^H||DOE^JANE",
        f"ORC|NW|PL{number}",
        f"OBR|1|PL{number}||93000^ECG",
    )
    return "".join(f"{segment}\r" for segment in segments).encode()
