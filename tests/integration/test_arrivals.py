"""What a transport remembers, on each dialect: answers once, bad bytes counted, all in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gem_integration.domain.arrival import Acknowledgement, Quarantined, QuarantineReason
from gem_integration.domain.identity import content_hash
from gem_integration.errors import IdentityConflict
from gem_integration.pipeline.receive import receive
from tests.services.drawn_line import Line

CONTENT = b"MSH|1"


@pytest.fixture
def given(line: Line) -> Acknowledgement:
    """Return the answer to a message."""
    return Acknowledgement(
        source="cart-7",
        message_id="MSG1",
        message_sha256=content_hash(CONTENT),
        code="AA",
        content=b"\x0bMSA|AA\r\x1c\r",
        acknowledged_at=line.clock.now(),
    )


@pytest.fixture
def bad(line: Line) -> Quarantined:
    """Return bytes that are no message, the beginning of more."""
    now = line.clock.now()
    return Quarantined(
        source="mllp:x",
        reason=QuarantineReason.OVERSIZE,
        content=b"GET \x00\xff",
        size_bytes=100,
        first_seen_at=now,
        last_seen_at=now,
    )


def test_an_answer_is_kept_once_and_its_repeats_are_counted(line: Line, given: Acknowledgement):
    """A second answer under the same id changes nothing."""
    with line.store.transaction() as work:
        work.keep_bytes(line.message(CONTENT))
        assert work.acknowledgement("cart-7", "MSG1") is None
        assert work.keep_acknowledgement(given)
        assert not work.keep_acknowledgement(replace(given, content=b"other"))
        work.count_repeat(given)
    assert line.store.acknowledgement("cart-7", "MSG1") == replace(given, repeats=1)
    assert line.store.acknowledgement("cart-8", "MSG1") is None
    (row,) = line.store.view("v_acknowledgements")
    assert (row["code"], row["repeats"], row["message_size_bytes"]) == ("AA", 1, len(CONTENT))


def test_the_same_bad_bytes_are_counted_on_one_row(line: Line, bad: Quarantined):
    """Count, size and last time grow; another reason is another row."""
    later = bad.last_seen_at + timedelta(seconds=5)
    with line.store.transaction() as work:
        work.quarantine(bad)
        work.quarantine(replace(bad, last_seen_at=later, size_bytes=7))
        work.quarantine(replace(bad, reason=QuarantineReason.NO_END))
    counted = replace(bad, count=2, size_bytes=107, last_seen_at=later)
    found = line.store.quarantined()
    assert found[0] == counted
    assert {row.reason for row in found} == {QuarantineReason.OVERSIZE, QuarantineReason.NO_END}
    assert line.store.counts()["quarantined"] == 2
    assert line.store.view("v_quarantine")[0]["kept_bytes"] == len(bad.content)


def test_a_part_of_a_transaction_that_fails_undoes_itself_only(line: Line, bad: Quarantined):
    """Many arrivals share a commit, and one that is refused takes nothing with it."""
    with line.store.transaction() as work:
        work.quarantine(bad)
        line.receive(1)
        with pytest.raises(IdentityConflict):
            receive(
                line.message(b"other bytes"),
                line.ecg(1),
                store=line.store,
                reader_key="r",
                clock=line.clock,
            )
        line.receive(2)
    assert line.store.counts()["studies"] == 2
    assert len(line.store.quarantined()) == 1


def test_a_transaction_that_fails_undoes_its_parts(line: Line):
    """Nothing of what shared the commit remains."""

    def receive_and_fail() -> None:
        with line.store.transaction():
            line.receive(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        receive_and_fail()
    assert line.store.counts()["messages"] == 0
    assert line.receive(1).outcome == "new"
