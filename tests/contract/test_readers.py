"""What every registered reader promises."""

from __future__ import annotations

import numpy as np
import pytest

from gem_integration.criteria import evaluate
from gem_integration.domain.ecg import STANDARD_LEADS, Recording
from gem_integration.domain.identity import Demographics
from gem_integration.domain.reading import ReadRequest, StopReason
from gem_integration.errors import ReaderUnavailable
from gem_integration.ports import EcgReader
from tests.unit.criteria.builder import MAN_OF_50, measured
from workers.readers import READERS


def _request(person: Demographics = MAN_OF_50) -> ReadRequest:
    measurements = measured()
    return ReadRequest(
        recording=Recording.of(np.zeros((12, 5000)), STANDARD_LEADS, 500.0),
        demographics=person,
        indication=None,
        measurements=measurements,
        statements=evaluate(measurements, person),
    )


@pytest.fixture(params=sorted(READERS))
def reader(request: pytest.FixtureRequest) -> EcgReader:
    """Return each registered reader that can be built here."""
    try:
        return READERS[request.param]()
    except ReaderUnavailable as unavailable:
        pytest.skip(unavailable.reason)


def test_a_reader_says_who_it_is(reader: EcgReader) -> None:
    """An identity has a name, a version and the version of its code, and does not change."""
    assert reader.identity.name
    assert reader.identity.version
    assert reader.identity.code_version
    assert reader.identity == reader.identity


def test_a_reader_reads_completely_or_says_it_cannot(reader: EcgReader) -> None:
    """A text is never empty, ends by itself, and carries its reader's identity."""
    try:
        interpretation = reader.read(_request())
    except ReaderUnavailable:
        return
    assert interpretation.text.strip()
    assert interpretation.stop_reason is StopReason.END
    assert interpretation.reader == reader.identity
    assert interpretation.seconds >= 0.0


def test_a_reader_reads_the_same_twice(reader: EcgReader) -> None:
    """The same recording gives the same text."""
    try:
        texts = {reader.read(_request()).text for _ in range(2)}
    except ReaderUnavailable:
        return
    assert len(texts) == 1
