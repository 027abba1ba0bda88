"""A connection is followed byte by byte, and stopped where it passes a limit."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inbound.dimse.settings import DimseSettings
from adapters.inbound.dimse.stream import UNANSWERED_MAX, OverLimitError, StreamLimits, StreamWatch
from gem_integration.domain.arrival import QuarantineReason

LIMITS = StreamLimits(pdu_bytes_max=1000, object_bytes_max=2500, pdu_seconds_max=5, object_seconds_max=20)


def pdu(kind=4, length=1000, body=None):
    """Return one PDU; ``body`` may be shorter than the header says."""
    return struct.pack(">BxL", kind, length) + (bytes(length) if body is None else body)


def watch(**changes):
    """Return a watch over a connection of nobody in particular."""
    return StreamWatch(**{"peer": "10.0.0.1", "limits": LIMITS, **changes})


def test_a_length_beyond_the_limit_is_refused_before_its_body_is_read():
    """Four gigabytes announced are never waited for."""
    one = watch()
    with pytest.raises(OverLimitError):
        one.feed(pdu(length=0xFFFFFFFF, body=b""), 0.0)
    assert one.fault is QuarantineReason.OVERSIZE


def test_an_object_is_refused_at_the_pdu_that_would_make_it_too_large():
    """Small PDUs without end are an object without end."""
    one = watch()
    one.feed(pdu() + pdu(), 0.0)
    with pytest.raises(OverLimitError):
        one.feed(pdu()[:6], 0.0)
    assert (one.fault, one.object_bytes) == (QuarantineReason.OVERSIZE, 3000)


def test_each_object_is_counted_for_itself():
    """A long association with many objects passes no limit."""
    one = watch()
    for _ in range(50):
        one.feed(pdu() + pdu(), 0.0)
        one.object_ended()
        one.answered(0.0)
    assert one.object_bytes == 0


def test_requests_are_not_taken_without_end_before_their_answers():
    """A peer that only asks and never waits would fill the memory."""
    one = watch()
    for _ in range(UNANSWERED_MAX + 1):
        one.feed(pdu(length=10), 0.0)
        one.object_ended()
    with pytest.raises(OverLimitError):
        one.feed(pdu(length=10), 0.0)
    assert one.fault is QuarantineReason.NO_ROOM


def test_all_connections_together_have_a_limit():
    """What one may, all at once may not."""
    one = watch(has_room=lambda: False)
    with pytest.raises(OverLimitError):
        one.feed(pdu(), 0.0)
    assert one.fault is QuarantineReason.NO_ROOM


def test_a_pdu_that_drips_ends_in_time():
    """A byte a second keeps nobody waiting longer than the PDU's limit."""
    one = watch()
    one.feed(pdu()[:7], 100.0)
    one.feed(b"\0", 103.0)
    assert one.seconds_left(103.0) == pytest.approx(2.0)
    with pytest.raises(TimeoutError):
        one.seconds_left(105.0)


def test_an_object_of_quick_small_pdus_ends_in_time_too():
    """Each PDU is whole at once, and the object still never ends."""
    one = watch()
    for second in range(20):
        one.feed(pdu(length=1), float(second))
    with pytest.raises(TimeoutError):
        one.seconds_left(20.0)


def test_a_quiet_connection_is_one_with_nothing_begun_or_unanswered():
    """Only such a connection may be ended when the gateway stops."""
    one = watch()
    assert one.is_quiet(10.0, 0.2)
    one.feed(pdu()[:500], 10.0)
    assert not one.is_quiet(20.0, 0.2)
    one.feed(pdu()[500:], 20.0)
    one.object_ended()
    assert not one.is_quiet(30.0, 0.2)
    one.answered(30.0)
    assert not one.is_quiet(30.1, 0.2)
    assert one.is_quiet(30.3, 0.2)


@given(st.lists(st.integers(0, 60), max_size=30), st.data())
def test_how_the_bytes_are_cut_changes_nothing(lengths, data):
    """The network cuts where it likes."""
    limits = StreamLimits(pdu_bytes_max=60, object_bytes_max=2000, pdu_seconds_max=5, object_seconds_max=20)
    stream = b"".join(pdu(length=length) for length in lengths)
    whole, cut = watch(limits=limits), watch(limits=limits)
    whole.feed(stream, 0.0)
    left = stream
    while left:
        size = data.draw(st.integers(1, len(left)))
        cut.feed(left[:size], 0.0)
        left = left[size:]
    assert cut.object_bytes == whole.object_bytes == sum(lengths)
    assert cut.is_quiet(1.0, 0.2) == whole.is_quiet(1.0, 0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 70_000},
        {"ae_title": ""},
        {"ae_title": "SEVENTEEN_LETTERS"},
        {"calling_ae_titles": ("BACK\\SLASH",)},
        {"object_bytes_max": 0},
    ],
)
def test_settings_that_cannot_hold_are_refused(wrong):
    """A gateway is refused before it listens, not after."""
    with pytest.raises(ValueError, match=r"."):
        DimseSettings(**wrong)
