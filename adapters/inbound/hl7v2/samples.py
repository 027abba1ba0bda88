"""Sample values of NA and MA fields (HL7 v2.5.1 sections 2.A.43 and 2.A.36) → numpy arrays."""

from __future__ import annotations

from contextlib import suppress
from itertools import zip_longest

import numpy as np

from adapters.inbound.hl7v2.channels import NULL
from adapters.inbound.hl7v2.split import Segment
from gem_integration.domain.ecg import FloatArray
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage

_ALLOWED = b"0123456789+-.eE "


def sample_rows(observation: Segment, limits: ParseLimits) -> FloatArray:
    """Return the values as (channel, sample), NaN where absent; rows that end early end in absence.

    NA holds one channel per repetition, MA one time sample per repetition. Raises
    ``UnreadableMessage`` for anything but decimal numbers and on the sample limit.
    """
    delimiters = observation.delimiters
    raw = observation.raw(5).replace(NULL, "")
    count = raw.count(delimiters.component) + raw.count(delimiters.repetition) + 1
    if count > limits.samples_max:
        raise UnreadableMessage("the waveform has more samples than the limit", limit=limits.samples_max)
    _check_characters(raw, observation)
    rows = [
        _numbers(row.split(delimiters.component), observation) for row in raw.split(delimiters.repetition)
    ]
    width = max(len(row) for row in rows)
    if width * len(rows) > limits.samples_max:
        raise UnreadableMessage("the waveform's rows differ too much in length")
    if observation.get(2).upper() == "MA":
        table = np.array(list(zip_longest(*rows, fillvalue=np.nan)), dtype=np.float64)
    else:
        table = np.array([row + [np.nan] * (width - len(row)) for row in rows], dtype=np.float64)
    if np.isinf(table).any():
        raise _not_a_number(observation)
    return table


def _check_characters(raw: str, observation: Segment) -> None:
    """Refuse what ``float`` would read but no number is: NaN, infinities, underscores, foreign digits."""
    marks = observation.delimiters.component + observation.delimiters.repetition
    rest = raw.encode("utf-8").translate(None, _ALLOWED + b"\n" + marks.encode("utf-8"))
    if rest or not marks.isascii():
        raise _not_a_number(observation)


def _numbers(texts: list[str], observation: Segment) -> list[float]:
    with suppress(ValueError):
        return list(map(float, texts))  # three times faster where no value is absent
    try:
        return [float(text) if text.strip() else np.nan for text in texts]
    except ValueError as error:
        raise _not_a_number(observation) from error


def _not_a_number(observation: Segment) -> UnreadableMessage:
    return UnreadableMessage(
        "a waveform (OBX-5) holds something that is not a number", segment=observation.number
    )
