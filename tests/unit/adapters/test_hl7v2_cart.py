"""The odd shapes in which carts' numbers and words travel."""

from __future__ import annotations

import pytest

from adapters.inbound.hl7v2 import parse
from gem_integration.domain.study import InboundEcg, InboundOrder, ParseLimits
from gem_integration.errors import UnreadableMessage

LIMITS = ParseLimits()
HEADER = "MSH|^~\\&|CART|LAB|HUB|LAB|20240301090000||{}|C1|P|2.5.1||||||{}"
PID = "PID|1||7^^^HOSP^MR||Roe^Ann"


def read(observation: str) -> InboundEcg:
    segments = (
        HEADER.format("ORU^R01", "UNICODE UTF-8"),
        PID,
        "OBR|1|P9|F9|93000^ECG^L",
        "OBX|1|CD|93000&CHN|1|1&I^^1&uV^^500",
        "OBX|2|NA|93000&WAV|1|1^2^3",
        f"OBX|3|{observation}",
    )
    (ecg,) = parse("\r".join(segments).encode(), LIMITS)
    assert isinstance(ecg, InboundEcg)
    return ecg


@pytest.mark.parametrize(
    ("observation", "kind", "value"),
    [
        ("NM|8625-6||.150|s", "pr_interval", 150.0),
        ("ST|8633-0||83ms", "qrs_duration", 83.0),
        ("NM|X^QRSD interval^L||83", "qrs_duration", 83.0),
        ("NM|I^QRS duration^L||83|ms", "qrs_duration", 83.0),
        ("NM|X^T wave axis^L||-30", "t_axis", -30.0),
        ("NM|X^Atrial rate^L||150", "atrial_rate", 150.0),
        ("NM|X^QTcB^L||430|ms", "qtc_bazett", 430.0),
        ("NM|X^QTc (Fridericia)^L||430|ms", "qtc_fridericia", 430.0),
        ("NM|X^QTc^L||430|ms", None, 430.0),
        ("NM|8638-9||-40|dega", "t_axis", -40.0),
        ("NM|147842^^MDC||71|264864^MDC_DIM_BEAT_PER_MIN^MDC", "heart_rate", 71.0),
        ("NM|146944^^MDC||.15|264320^MDC_DIM_SEC^MDC", "pr_interval", 150.0),
        ("NM|8633-0||83.123456789|ms", "qrs_duration", 83.123456789),
    ],
)
def test_numbers_are_understood(observation: str, kind: str | None, value: float):
    """By code, by label, in any unit; a QTc whose formula is not named has no meaning of ours."""
    (item,) = read(observation).cart_measurements
    assert (item.kind, item.lead) == (kind, None)
    assert item.value == pytest.approx(value)


@pytest.mark.parametrize("text", ["1e3", "410/420", "83 84", "--83", "0x53", "8_3"])
def test_what_only_begins_like_a_number_is_none(text: str):
    """Half of an expression is never taken for its value."""
    assert read(f"NM|8634-8^QT^LN||{text}|ms").cart_measurements == ()


@pytest.mark.parametrize(
    "observation",
    [
        "TX|93000^ECG^L||Sinus rhythm",
        "FT|||Sinus rhythm",
        "ST|93000&IMP^ECG^L||Sinus rhythm",
        "ST|93000&GDT^ECG^L||Sinus rhythm",
        "CE|93000&IMP^ECG^L||SR^Sinus rhythm^L",
    ],
)
def test_text_of_the_report_is_kept_whatever_its_code(observation: str):
    """Reports often carry their words under the code of the request."""
    assert read(observation).cart_statements == ("Sinus rhythm",)


def test_a_short_string_under_a_code_we_do_not_know_is_no_statement():
    """The name of a device is no finding."""
    assert read("ST|DEV^Device model^L||CART 5").cart_statements == ()


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("8859/1", "utf-8"), ("WINDOWS-1252", "utf-8"), ("8859/1", "cp1252"), ("UNICODE UTF-8", "latin-1")],
)
def test_a_name_survives_a_wrong_character_set(declared: str, codec: str):
    """What the bytes are beats what MSH-18 says, with a warning."""
    segments = (
        HEADER.format("ORU^R01", declared),
        "PID|1||7||Müller^José" + ("’" if codec == "cp1252" else ""),
        "OBX|1|CD|93000&CHN|1|1&I^^1&uV^^500",
        "OBX|2|NA|93000&WAV|1|1^2^3",
    )
    (ecg,) = parse("\r".join(segments).encode(codec), LIMITS)
    assert isinstance(ecg, InboundEcg)
    assert ecg.patient is not None
    assert ecg.patient.family_name == "Müller"
    assert any("MSH-18" in warning for warning in ecg.warnings)


@pytest.mark.parametrize(
    ("declared", "codec", "read_as"),
    [("ISO_IR 100", "latin-1", "Müller"), ("KLINGON", "ascii", "Mller"), ("KLINGON", "latin-1", None)],
)
def test_a_character_set_of_another_name(declared: str, codec: str, read_as: str | None):
    """DICOM's names are known; an unknown one does no harm where every byte is ASCII."""
    segments = (
        HEADER.format("ORU^R01", declared),
        "PID|1||7||Müller^José",
        "OBX|1|CD|93000&CHN|1|1&I^^1&uV^^500",
        "OBX|2|NA|93000&WAV|1|1^2^3",
    )
    content = "\r".join(segments).encode(codec, errors="ignore")
    if read_as is None:
        with pytest.raises(UnreadableMessage, match="MSH-18"):
            parse(content, LIMITS)
    else:
        (ecg,) = parse(content, LIMITS)
        assert ecg.patient is not None
        assert ecg.patient.family_name == read_as


def test_a_withdrawn_attachment_does_not_take_the_waveform_with_it():
    """A PDF that could not be obtained stands beside a good ECG."""
    assert read("ED|93000^Report^L||^application^pdf^Base64^||||||X").recording.sample_count == 3


def test_every_request_of_an_order_is_an_order():
    """A second OBR under one ORC does not vanish."""
    segments = (HEADER.format("ORM^O01", ""), PID, "ORC|CA|P9", "OBR|1|P9", "OBR|2|P10")
    orders = parse("\r".join(segments).encode(), LIMITS)
    assert all(isinstance(order, InboundOrder) and order.control == "CA" for order in orders)
    assert [order.placer_number for order in orders] == ["P9", "P10"]


def test_a_request_without_any_control_code_is_refused():
    """An order message without ORC does not say what to do."""
    with pytest.raises(UnreadableMessage, match="ORC-1"):
        parse("\r".join((HEADER.format("ORM^O01", ""), PID, "OBR|1|P9")).encode(), LIMITS)
