"""The type of an error decides the fate of the work, and every error survives the journey."""

import json
import pickle
from collections.abc import Iterator

import pytest

from gem_integration import errors
from gem_integration.errors import (
    ATTEMPTS_MAX,
    DEFECT_ATTEMPTS_MAX,
    RETRY_DELAY_MAX_S,
    Fate,
    GemIntegrationError,
    LeaseLost,
    Rejected,
    SinkUnavailable,
    Unavailable,
    UnreadableMessage,
    fate_of,
)


def every_error_type() -> Iterator[type[GemIntegrationError]]:
    """Yield every class of the tree."""
    pending = [GemIntegrationError]
    while pending:
        kind = pending.pop()
        yield kind
        pending += kind.__subclasses__()


@pytest.mark.parametrize("kind", list(every_error_type()), ids=lambda kind: kind.__name__)
def test_an_error_crosses_a_process_border_whole(kind: type[GemIntegrationError]) -> None:
    """Type, reason and context come back from pickle, and the JSON form names them all."""
    error = kind("segment 3 has no name", segment=3, sha256="ab12")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), copy.reason, copy.context) == (kind, error.reason, error.context)
    assert json.loads(json.dumps(error.to_json())) == {
        "code": kind.code,
        "reason": "segment 3 has no name",
        "context": {"segment": 3, "sha256": "ab12"},
    }


def test_every_error_type_has_a_code_of_its_own_and_stands_in_the_drawing() -> None:
    """A dead letter's code leads to one class, and the module's drawing shows that class."""
    kinds = list(every_error_type())
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)


def test_retry_after_survives_pickle() -> None:
    """The receiver's wish for patience is kept across processes."""
    error = pickle.loads(pickle.dumps(SinkUnavailable("busy", retry_after_s=30.0)))  # noqa: S301
    assert error.retry_after_s == 30.0


def test_bad_input_is_a_dead_letter_at_once() -> None:
    """Trying bad input again cannot help."""
    assert fate_of(UnreadableMessage("x"), attempts=1).fate is Fate.DEAD_LETTER


def test_a_lost_lease_is_dropped() -> None:
    """The outcome of a zombie is nobody's business."""
    assert fate_of(LeaseLost("x"), attempts=1).fate is Fate.DROP


def test_an_absent_world_is_retried_with_growing_delay_and_then_buried() -> None:
    """Delays never shrink, are bounded, and the last attempt ends as a dead letter."""
    decisions = [fate_of(Unavailable("x"), attempts=n) for n in range(1, ATTEMPTS_MAX)]
    delays = [decision.delay_s for decision in decisions]
    assert all(decision.fate is Fate.RETRY for decision in decisions)
    assert delays == sorted(delays)
    assert delays[-1] <= RETRY_DELAY_MAX_S
    assert fate_of(Unavailable("x"), attempts=ATTEMPTS_MAX).fate is Fate.DEAD_LETTER


def test_the_receivers_patience_is_obeyed() -> None:
    """A longer Retry-After wins over our own delay."""
    assert fate_of(SinkUnavailable("busy", retry_after_s=500.0), attempts=1).delay_s == 500.0


def test_a_defect_stops_the_process_and_at_last_becomes_a_dead_letter() -> None:
    """Our own bug is never caught to continue, and one message cannot stop us for ever."""
    assert fate_of(KeyError("x"), attempts=1).fate is Fate.STOP
    assert fate_of(KeyError("x"), attempts=DEFECT_ATTEMPTS_MAX).fate is Fate.DEAD_LETTER


def test_rejected_and_unavailable_share_no_class() -> None:
    """No error can be both the input's fault and the world's."""
    assert not any(
        issubclass(kind, Rejected) and issubclass(kind, Unavailable) for kind in every_error_type()
    )
