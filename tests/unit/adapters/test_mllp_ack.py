"""Acknowledgements say what the standard's tables say, in the form the sender can read."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inbound.mllp.ack import CODES, CONDITIONS, Answer, Outcome, acknowledge, codes_for
from adapters.inbound.mllp.header import read_headers
from tests.services.mllp import order, segments

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ANSWERED = [outcome for outcome in Outcome if outcome is not Outcome.ACKNOWLEDGEMENT]


def said(outcome: Outcome, reason: str = "why", **options: object) -> dict[str, list[str]]:
    """Return the acknowledgement of an order as segments."""
    raw = acknowledge(read_headers(order(**options)), Answer(outcome=outcome, reason=reason, at=AT))
    assert (raw[:1], raw[-2:]) == (b"\x0b", b"\x1c\r")
    return segments(raw[1:-2])


def header(accept: str, application: str):
    """Return a header that asks for these acknowledgements."""
    return read_headers(order(msh={15: accept, 16: application})).messages[0]


@pytest.mark.parametrize("outcome", ANSWERED)
def test_every_outcome_has_its_codes(outcome):
    """Original and application level speak A., the accept level C., and the condition is in table 0357."""
    codes = CODES[outcome]
    assert codes.original in {"AA", "AE", "AR"}
    assert codes.commit in {"CA", "CE", "CR"}
    assert codes.condition in CONDITIONS
    assert codes_for(header("", ""), outcome) == (codes.original,)


@pytest.mark.parametrize("outcome", ANSWERED)
@pytest.mark.parametrize(
    ("accept", "application"), list(itertools.product(("AL", "NE", "ER", "SU"), repeat=2))
)
def test_the_enhanced_mode_keeps_its_promises(outcome, accept, application):
    """Nobody hears what he did not ask for, nor a CA alone for what is not used unless he asked for it."""
    codes = codes_for(header(accept, application), outcome)
    is_good = outcome is Outcome.ACCEPTED
    assert len(codes) <= (accept != "NE") + (application != "NE")
    assert [code[0] for code in codes] == sorted((code[0] for code in codes), reverse=True)
    if accept == "SU":
        assert not {"CE", "CR"} & set(codes)
    if accept == "ER":
        assert "CA" not in codes
    if application == "SU":
        assert not {"AE", "AR"} & set(codes)
    if application == "ER":
        assert "AA" not in codes
    if not is_good and "CA" in codes:
        assert codes[-1] in {"AE", "AR"}
    if not is_good and "AL" in (accept, application):
        assert codes
        assert codes != ("CA",)


def test_an_unknown_condition_counts_as_always():
    """An answer too many does less harm than silence."""
    assert codes_for(header("XX", "XX"), Outcome.ACCEPTED) == ("CA", "AA")


def test_an_error_has_its_place_condition_severity_and_words():
    """From version 2.5 on, ERR-2, ERR-3, ERR-4 and ERR-8."""
    reply = said(Outcome.PROCESSING_UNACCEPTABLE, "no & yes")
    assert reply["ERR"][1:5] == ["", "MSH^1^11", "202^Unsupported processing id^HL70357", "E"]
    assert reply["ERR"][8] == "no \\T\\ yes"
    assert reply["MSA"][3] == "no \\T\\ yes"


@pytest.mark.parametrize("version", ["2.1", "2.2", "2.3", "2.3.1", "2.4"])
def test_older_versions_have_the_older_segment(version):
    """Before version 2.5 all of it stands in ERR-1."""
    reply = said(Outcome.TYPE_UNACCEPTABLE, msh={12: version})
    assert reply["ERR"][1:] == ["MSH^1^9^200&Unsupported message type&HL70357"]
    assert reply["MSH"][12] == version


def test_a_reply_never_asks_for_an_acknowledgement():
    """In the enhanced mode it says so."""
    assert said(Outcome.ACCEPTED, msh={15: "AL", 16: "NE"})["MSH"][15:17] == ["NE", "NE"]


def test_the_same_frame_is_answered_by_the_same_bytes():
    """What an answer holds follows from frame, outcome and time."""
    assert said(Outcome.ACCEPTED) == said(Outcome.ACCEPTED)
    assert said(Outcome.ACCEPTED)["MSH"][10] != said(Outcome.CONFLICT)["MSH"][10]


def test_words_of_ours_fit_every_character_set():
    """Control characters and letters beyond ASCII never leave in a reply."""
    assert said(Outcome.DEFECT, "a\rPID|1\x0b µV")["MSA"][3] == "a PID\\F\\1  ?V"


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_whatever_the_header_holds_the_reply_is_one_frame(before, after):
    """No header, however odd, breaks the frame of its answer or makes us fail."""
    content = b"MSH|^~\\&|" + before + b"|W|" + after + b"\rPID|1\r"
    headers = read_headers(content)
    raw = acknowledge(headers, Answer(outcome=Outcome.UNSUPPORTED, reason="why", at=AT))
    assert raw.count(b"\x1c\r") >= 1
    assert raw.endswith(b"\x1c\r")
