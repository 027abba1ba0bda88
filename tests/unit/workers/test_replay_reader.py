"""Canned texts are given for the recording they belong to, under a name that says what they are."""

from __future__ import annotations

import numpy as np
import pytest

from gem_integration.domain.ecg import STANDARD_LEADS, Recording
from gem_integration.domain.reading import ReadRequest
from gem_integration.errors import ReaderUnavailable
from tests.unit.criteria.builder import MAN_OF_50, measured
from workers.readers.replay import ReplayReader, digest_of


def _request(level_mv: float) -> ReadRequest:
    return ReadRequest(
        recording=Recording.of(np.full((12, 500), level_mv), STANDARD_LEADS, 500.0),
        demographics=MAN_OF_50,
        indication=None,
        measurements=measured(),
        statements=(),
    )


def test_a_text_is_found_by_the_recording() -> None:
    """Two recordings get their own texts; a third gets the default."""
    first, second, third = (_request(level) for level in (0.1, 0.2, 0.3))
    reader = ReplayReader(
        {digest_of(first.recording): "one", digest_of(second.recording): "two"}, default="none"
    )
    assert [reader.read(item).text for item in (first, second, third)] == ["one", "two", "none"]


def test_without_a_text_nothing_is_invented() -> None:
    """A recording without a text cannot be read."""
    with pytest.raises(ReaderUnavailable, match="no canned text"):
        ReplayReader().read(_request(0.1))


def test_the_identity_says_that_no_ecg_was_read_and_tells_the_texts_apart() -> None:
    """Canned text never passes for a model's, and other texts are another reader."""
    one, two = ReplayReader(default="one").identity, ReplayReader(default="two").identity
    assert "no ECG was read" in one.name
    assert one.key != two.key
