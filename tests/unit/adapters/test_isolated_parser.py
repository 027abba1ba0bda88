"""A parser in a child process: what it cannot do costs one message, never the gateway."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from adapters.inbound.isolated import IsolatedParser
from adapters.writers import WRITERS
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage
from tests.services.mllp import order
from tests.services.parsers import parse

LIMITS = ParseLimits()


@pytest.fixture(scope="module")
def parser() -> Iterator[IsolatedParser]:
    """Start one child, with little patience once it runs."""
    with IsolatedParser(parse, seconds_max=1.0, children=1) as isolated:
        isolated.parse(order(), LIMITS)
        yield isolated


def test_it_parses_as_the_format_does(parser: IsolatedParser, make_delivery):
    """An ECG comes back whole, its samples as closed as before."""
    (content,) = WRITERS["hl7"](make_delivery().study.ecg, "x").values()
    (here,), (there,) = parse(content, LIMITS), parser.parse(content, LIMITS)
    assert np.array_equal(here.recording.samples_mv, there.recording.samples_mv)
    assert not there.recording.samples_mv.flags.writeable
    assert (here.patient, here.acquisition) == (there.patient, there.acquisition)


def test_an_error_of_the_format_is_raised_here(parser: IsolatedParser):
    """Reason and kind survive the border."""
    with pytest.raises(UnreadableMessage, match="does not start with MSH"):
        parser.parse(b"no HL7", LIMITS)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"regex", "longer to parse"), (b"memory", "more memory"), (b"die", "died")]
)
def test_a_poisonous_message_is_refused_within_the_limit(parser: IsolatedParser, content, reason):
    """A regular expression that never ends, memory without end, a crash: the next message is parsed."""
    started_s = time.monotonic()
    with pytest.raises(UnreadableMessage, match=reason):
        parser.parse(content, LIMITS)
    assert time.monotonic() - started_s < 10
    assert len(parser.parse(order(), LIMITS)) == 1


def test_a_defect_is_named_by_its_type_only(parser: IsolatedParser):
    """What an exception says may quote the message."""
    with pytest.raises(RuntimeError, match=r"^a defect in the parser: ZeroDivisionError$"):
        parser.parse(b"defect", LIMITS)


def test_many_threads_take_turns(parser: IsolatedParser):
    """More callers than children wait, and each gets its own answer."""
    found = {}

    def ask(number: int) -> None:
        (item,) = parser.parse(order(number), LIMITS)
        found[number] = item.message_id

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {number: f"M{number}" for number in range(20)}
