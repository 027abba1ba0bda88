"""Whatever bytes come in, a value or a clear refusal comes out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.inbound.hl7v2 import parse
from adapters.inbound.hl7v2.split import split_messages
from adapters.inbound.hl7v2.text import decode
from adapters.inbound.hl7v2.typed import second_reading
from gem_integration.domain.study import InboundEcg, InboundOrder, ParseLimits
from gem_integration.errors import Rejected

LIMITS = ParseLimits(samples_max=10_000)
VALID = "\r".join(
    (
        "MSH|^~\\&|CART|LAB|HUB|LAB|20240301090000||ORU^R01^ORU_R01|C1|P|2.5.1||||||UNICODE UTF-8",
        "PID|1||7^^^HOSP^MR~8^^^X^PI||Roe^Ann||19600102|F",
        "ORC|RE|P9|F9",
        "OBR|1|P9|F9|93000^ECG^L|||20240301081000||||||||||A77|||||||F",
        "OBX|1|TS|93000&TIM|1|20240301081500.25+0100",
        "OBX|2|CD|93000&CHN|1|1&I^^2.5&uV^1&0&0^500^-2048&2047~2&II",
        'OBX|3|NA|93000&WAV|1|100^-200^3^""~4^5^6||||||F',
        "OBX|4|NM|8633-0^QRS^LN||99|ms",
        "OBX|5|TX|8601-7^Impression^LN||Sinus rhythm, rate  77",
        "ZEC|x",
    )
)
PIECES = st.sampled_from(
    [
        "|",
        "^",
        "~",
        "\\",
        "&",
        "\r",
        "\n",
        "1e9",
        "-",
        '""',
        "NaN",
        "\x00",
        "é",
        "OBX|9|MA|x||1~2^3",
        "PID|2||9",
    ]
)


def is_understood_or_refused(content: bytes) -> bool:
    try:
        items = parse(content, LIMITS)
    except Rejected:
        return True
    return bool(items) and all(isinstance(item, InboundEcg | InboundOrder) for item in items)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(content: bytes):
    """Noise is refused."""
    assert is_understood_or_refused(content)


@settings(deadline=None)
@given(st.binary(max_size=120))
def test_noise_behind_a_header(content: bytes):
    """A header does not make noise a message."""
    assert is_understood_or_refused(b"MSH|^~\\&|||||||ORU^R01|1|P|2.5\r" + content)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), PIECES), min_size=1, max_size=4),
    st.sampled_from(["utf-8", "utf-16", "latin-1"]),
)
def test_mutated_messages(edits: list[tuple[int, int, str]], codec: str):
    """Cut, overwritten and spliced messages give values or refusals, nothing else."""
    text = VALID
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    assert is_understood_or_refused(text.encode(codec))


@pytest.mark.parametrize("cut", range(0, len(VALID), 7))
def test_a_message_cut_anywhere(cut: int):
    """A truncated message is no defect of ours."""
    assert is_understood_or_refused(VALID[:cut].encode())


def test_the_second_reading_agrees_on_a_clean_message():
    """No warning where hl7apy and our split see the same."""
    (message,) = split_messages(decode(VALID.replace("\rZEC|x", "").encode(), LIMITS).text, LIMITS)
    assert second_reading(message) == ()


def test_a_version_hl7apy_does_not_know_is_a_warning_only():
    """Our own reading stands when the library gives up."""
    (ecg,) = parse(VALID.replace("2.5.1", "2.9").encode(), LIMITS)
    assert isinstance(ecg, InboundEcg)
    assert any("hl7apy" in warning for warning in ecg.warnings)


@pytest.mark.parametrize(
    "many",
    [
        "\rOBX|1|NM|8633-0||1|ms",
        "\rORC|RE\rOBR|1\rOBX|1|CD|x&CHN|1|1&I^^1&uV^^500\rOBX|2|NA|x&WAV|1|1",
        "\rOBX|1|CD|x&CHN|1|1&I^^1&uV^^500",
        "\rOBX|1|NA|MDC_ECG_LEAD_I||1|uV",
        "\rPID|1||7\rOBR|1",
        "\rcontinued",
    ],
)
def test_the_time_is_linear_in_the_number_of_segments(many: str):
    """Twelve thousand segments are read or refused within seconds."""
    started = time.process_time()
    is_understood_or_refused(VALID.encode() + (many * (12_000 // many.count("\r"))).encode())
    assert time.process_time() - started < 30.0


def test_real_messages_are_understood_or_refused(shared_data: Path):
    """Every real message of the collection, BOM, LF and odd headers included."""
    files = [
        path for path in (shared_data / "hl7").rglob("*") if path.parent.name == "hl7" and path.is_file()
    ]
    assert len(files) > 100
    assert all(is_understood_or_refused(path.read_bytes()) for path in files)
