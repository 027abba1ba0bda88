"""Bytes to text to segments: nothing vanishes and nothing is guessed in silence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.inbound.hl7v2.fields import order_groups
from adapters.inbound.hl7v2.split import Delimiters, split_messages, unescape
from adapters.inbound.hl7v2.text import decode
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage

LIMITS = ParseLimits()


def header(charset: str = "", *, control: str = "C1") -> str:
    return f"MSH|^~\\&|CART|LAB|HUB|LAB|20240301080000||ORU^R01|{control}|P|2.5.1||||||{charset}"


def test_a_message_joined_again_equals_its_normalised_text():
    """Splitting and joining gives the text back, with Z segments where they stood."""
    text = "\r".join((header(), "PID|1||7^^^A^MR", "ZAB|x^y", "OBR|1", "ZZZ", "ZCD|1|2", "OBX|1|NM|a||1"))
    (message,) = split_messages(text, LIMITS)
    assert message.text == text.replace("\rZZZ", "\nZZZ")
    assert [segment.name for segment in message.segments] == ["MSH", "PID", "ZAB", "OBR", "ZCD", "OBX"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_is_understood(end: str):
    """CR, LF and CRLF give the same segments."""
    text = end.join((header(), "PID|1||7", "OBR|1")) + end
    (message,) = split_messages(decode(text.encode(), LIMITS).text, LIMITS)
    assert [segment.name for segment in message.segments] == ["MSH", "PID", "OBR"]


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le"])
@pytest.mark.parametrize("end", ["", "\r", "\r\n"])
def test_wide_characters_may_end_in_a_line_end(codec: str, end: str):
    """A CR of two or four bytes is taken off whole, with a byte order mark or without."""
    for mark in ("", "\ufeff"):
        content = f"{mark}{header()}\rPID|1||7||Müller{end}".encode(codec)
        assert decode(content, LIMITS).text.endswith("Müller")


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("8859/1", "iso8859-1"),
        ("8859/15", "iso8859-15"),
        ("8859/2", "iso8859-2"),
        ("8859/1~UNICODE UTF-8", "iso8859-1"),
        ("UNICODE UTF-8", "utf-8-sig"),
        ("", "utf-16"),
        ("UNICODE", "utf-8"),
    ],
)
def test_the_declared_character_set_is_honoured(charset: str, codec: str):
    """Names come out as they were written, with no warning."""
    content = f"{header(charset)}\rPID|1||7||Müller^Zoé".encode(codec)
    decoded = decode(content, LIMITS)
    assert decoded.text.endswith("Müller^Zoé")
    assert decoded.warnings == ()


@pytest.mark.parametrize(
    ("charset", "codec", "name"),
    [
        ("GB 18030-2000", "gb18030", "王小明"),
        ("BIG-5", "big5hkscs", "許功蓋"),
        ("KS X 1001", "cp949", "김철수"),
        ("~ISO IR87", "iso2022_jp_2", "山田"),
        ("JAS2020", "iso2022_jp_2", "山田"),
    ],
)
def test_multibyte_characters_hold_no_delimiters(charset: str, codec: str, name: str):
    """Asian character sets are decoded before anything is split: their second bytes look like delimiters."""
    content = f"{header(charset)}\rPID|1||7||{name}^X".encode(codec)
    (message,) = split_messages(decode(content, LIMITS).text, LIMITS)
    assert message.segments[1].get(5) == name


def test_a_lie_about_the_character_set_is_flagged():
    """windows-1252 bytes under 8859/1 are read as such, with a warning."""
    decoded = decode(f"{header('8859/1')}\rPID|1||7||O’Neil".encode("cp1252"), LIMITS)
    assert decoded.text.endswith("O’Neil")
    assert decoded.warnings == ("MSH-18 declares 8859/1 but the bytes are not; read as cp1252",)


def test_ascii_with_other_bytes_is_read_as_utf8_with_a_warning():
    """No MSH-18 means ASCII; other bytes are tried as UTF-8 first."""
    decoded = decode(f"{header()}\rPID|1||7||Müller".encode(), LIMITS)
    assert decoded.text.endswith("Müller")
    assert len(decoded.warnings) == 1


@pytest.mark.parametrize("charset", ["CNS 11643-1992", "KLINGON"])
def test_an_unknown_character_set_is_refused(charset: str):
    """A set we cannot decode is never guessed where it matters."""
    with pytest.raises(UnreadableMessage, match="MSH-18"):
        decode(f"{header(charset)}\rPID|1||7||陳".encode(), LIMITS)


def test_the_mllp_frame_is_taken_off():
    """VT before, FS CR after."""
    assert decode(b"\x0b" + header().encode() + b"\x1c\x0d", LIMITS).text == header()


def test_odd_delimiters_are_followed():
    """MSH-1 and MSH-2 decide, whatever they are."""
    (message,) = split_messages("MSH#*+%@#A##B####ORU*R01#9\rPID#1##7***X*MR+8", LIMITS)
    assert message.kind == ("ORU", "R01")
    assert message.segments[1].get(3, 5) == "MR"
    assert len(message.segments[1].repetitions(3)) == 2


@pytest.mark.parametrize("head", ["MSH|^^\\&|", "MSHabcde", "MSH|a~\\&|", "PID|1", "", "MSH"])
def test_a_header_without_delimiters_is_refused(head: str):
    """No header, equal delimiters and letters as delimiters are no HL7."""
    with pytest.raises(UnreadableMessage):
        split_messages(head + "x|y", LIMITS)


def test_a_line_that_starts_no_segment_continues_the_one_before():
    """Text broken over lines stays in its field."""
    (message,) = split_messages(f"{header()}\rOBX|1|TX|t||first line\rsecond, line\rECG-like third", LIMITS)
    assert message.segments[1].get(5) == "first line\nsecond, line\nECG-like third"


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
        (r"one\.br\two", "one\ntwo"),
        (r"\X48C3A9\!", "Hé!"),
        (r"\H\bold\N\ text", "bold text"),
        (r"C:\new\Zx\ \lone", r"C:\new\Zx\ \lone"),
        (r"open \F", r"open \F"),
        (r"\XZZ\ \X4\ ", r"\XZZ\ \X4\ "),
        (r"\.in+4\x", " x"),
    ],
)
def test_escapes_are_decoded_and_bad_ones_kept(escaped: str, plain: str):
    """HL7 v2.5.1 section 2.7; what is no escape sequence stays."""
    assert unescape(escaped, Delimiters()) == plain


@settings(deadline=None)
@given(st.text())
def test_unescaping_never_fails(text: str):
    """Any text has a decoded form."""
    assert isinstance(unescape(text, Delimiters()), str)


def test_a_batch_gives_all_its_messages():
    """FHS and BHS around, each MSH a message."""
    batch = "\r".join(
        ("FHS|^~\\&", "BHS|^~\\&", header(), "PID|1||1", header(control="C2"), "PID|1||2", "BTS|2", "FTS|1")
    )
    messages = split_messages(batch, LIMITS)
    assert [message.header.get(10) for message in messages] == ["C1", "C2"]


@pytest.mark.parametrize("trailers", [("BTS|3", "FTS|1"), ("BTS|two",), ("BTS|2", "FTS|2")])
def test_a_batch_with_a_wrong_count_is_refused(trailers: tuple[str, ...]):
    """A message lost from a batch is noticed."""
    lines = ("FHS|^~\\&", "BHS|^~\\&", header(), header(control="C2"), *trailers)
    with pytest.raises(UnreadableMessage):
        split_messages("\r".join(lines), LIMITS)


def test_the_limits_hold():
    """Bytes and segments are bounded before anything is built."""
    with pytest.raises(UnreadableMessage, match="larger"):
        decode(b"MSH|" + b"x" * 100, ParseLimits(message_bytes_max=50))
    with pytest.raises(UnreadableMessage, match="segments"):
        split_messages(header() + "\rNTE|1" * 10, ParseLimits(segments_max=10))


def test_every_segment_lands_in_exactly_one_group():
    """Grouping is a partition: what goes in comes out, Z segments too."""
    names = "PID NTE ZPA PV1 ORC ZOR OBR NTE OBX ZOB OBX OBR OBX ORC OBR PID OBR OBX ZZ1"
    text = "\r".join((header(), *(f"{name}|1" for name in names.split())))
    (message,) = split_messages(text, LIMITS)
    groups = order_groups(message)
    patients = {id(group.patient): group.patient for group in groups}.values()
    grouped = [s.number for part in (*patients, *(group.segments for group in groups)) for s in part]
    assert len(groups) == 4
    assert sorted(set(grouped)) == list(range(2, len(message.segments) + 1))
