"""What a record's headers say is used where it makes sense, and nothing in them can hurt."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from adapters.inbound.kafka.records import (
    SOURCE_NAME,
    headers_of,
    key_of,
    lane_of,
    message_of,
    named_media_type,
    names_unknown_media_type,
)
from gem_integration.domain.study import InboundMessage, MediaType
from tests.unit.adapters.kafka_records_drawn import DrawnRecord

NAMES = st.sampled_from(["media-type", "source", "received-at", "other"])


def test_a_message_comes_back_as_it_was_published():
    """Source, format and time of arrival travel beside the bytes."""
    message = InboundMessage(
        source="mllp:ward-7",
        media_type=MediaType.DICOM,
        content=b"DICM",
        received_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    )
    headers = tuple((name, value.encode()) for name, value in headers_of(message).items())
    assert message_of(DrawnRecord(value=b"DICM", headers=headers), MediaType.HL7V2) == message


def test_a_record_without_headers_is_of_its_topic():
    """A plain feed needs no headers: format, source and time have a default."""
    message = message_of(DrawnRecord(value=None), MediaType.AECG)
    assert (message.source, message.media_type, message.content) == ("kafka:hl7", MediaType.AECG, b"")
    assert message.received_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def test_a_format_we_do_not_know_is_told_from_none():
    """The first is a mistake, the second a default."""
    unknown = DrawnRecord(headers=(("media-type", b"image/png"),))
    assert names_unknown_media_type(unknown)
    assert not names_unknown_media_type(DrawnRecord())
    assert (
        named_media_type(DrawnRecord(headers=(("media-type", b"Application/HL7-v2; charset=utf-8"),)))
        is MediaType.HL7V2
    )


@given(st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=200)), max_size=6), st.integers(-1, 2**41))
def test_no_header_makes_a_record_unreadable(headers, timestamp):
    """Whatever they hold, there is a message, with a source that is safe to log and to store."""
    message = message_of(DrawnRecord(headers=tuple(headers), timestamp=timestamp), MediaType.HL7V2)
    assert SOURCE_NAME.fullmatch(message.source)
    assert message.received_at.tzinfo is not None


def test_the_key_of_a_patient_is_stable_and_names_nobody():
    """Keys show in tools and logs of the broker."""
    assert key_of("12345678", "H") == key_of("12345678", "H") != key_of("12345678", "K")
    assert b"12345678" not in key_of("12345678", "H")


def test_records_without_a_key_keep_the_order_of_their_partition():
    """Nothing says whose they are, so they are taken as one patient's."""
    first, second = DrawnRecord(key=None), DrawnRecord(key=None, offset=1)
    assert lane_of(first) == lane_of(second) != lane_of(DrawnRecord(key=None, partition=1))
