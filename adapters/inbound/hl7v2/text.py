"""Bytes of an HL7 v2 message → text with CR line ends, honouring MSH-18 (HL7 table 0211)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gem_integration.domain.study import ParseLimits
from gem_integration.errors import UnreadableMessage

MSH_18 = 17  #: index of the character set when the header is split at its field separator
FIELD_SEPARATOR_AT = 3
HEADER_BYTES_MAX = 4096

#: ISO registration number of the right half of 8859 → its part (DICOM PS3.3 section C.12.1.1.2).
ISO_IR_PARTS = {100: 1, 101: 2, 109: 3, 110: 4, 144: 5, 127: 6, 126: 7, 138: 8, 148: 9, 203: 15}

#: HL7 table 0211, normalised spelling → codec. Empty means the default, ASCII.
CHARSETS: Mapping[str, str] = {
    "": "ascii",
    "ASCII": "ascii",
    "USASCII": "ascii",
    "ISOIR6": "ascii",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    "ISOIR14": "iso2022_jp_2",
    "ISOIR87": "iso2022_jp_2",
    "ISOIR159": "iso2022_jp_2",
    "JAS2020": "iso2022_jp_2",
    "GB18030-2000": "gb18030",
    "KSX1001": "cp949",
    "BIG-5": "big5hkscs",
    "BIG5": "big5hkscs",
    "UNICODE": "utf-8",
    "UNICODEUTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    # Wide characters show in the bytes and never come here; a header we can read is not made of them.
    "UNICODEUTF-16": "utf-8",
    "UNICODEUTF-32": "utf-8",
    # Not in the table, but sent: DICOM's names, code pages and their kin.
    **{f"ISOIR{name}": f"iso8859-{part}" for name, part in ISO_IR_PARTS.items()},
    "ISOIR192": "utf-8",
    **{f"{prefix}{page}": f"cp{page}" for prefix in ("WINDOWS-", "CP") for page in range(1250, 1259)},
    **dict.fromkeys(("GBK", "GB2312", "GB18030"), "gb18030"),
    **dict.fromkeys(("SHIFTJIS", "SHIFT-JIS", "SJIS", "WINDOWS-31J"), "cp932"),
    **dict.fromkeys(("EUC-KR", "EUCKR"), "cp949"),
}

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ESCAPE = b"\x1b"  #: begins a switch of the character set (ISO 2022)
_FRAME = b"\x0b\x1c\r\n\t "
_WESTERN = frozenset({"iso8859-1", "iso8859-15", "cp1252"})
_SEVEN_BIT = frozenset({"ascii", "iso2022_jp_2"})
_WIDTH_BYTES = {"utf-16": 2, "utf-32": 4}
_FRAME_CHARACTERS = str.maketrans({"\x0b": "\r", "\x1c": "\r", "\ufeff": None})
_C1_CONTROL = re.compile("[\x80-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """The text of a message with CR line ends, and what had to be assumed to read it."""

    text: str
    warnings: tuple[str, ...] = ()


def decode(content: bytes, limits: ParseLimits) -> Decoded:
    """Return ``content`` as text: MLLP frame and byte order mark removed, every line end a CR.

    A message whose bytes do not fit the character set it declares is read in the likeliest one and
    carries a warning. Raises ``UnreadableMessage`` on size, emptiness or an unknown character set.
    """
    if len(content) > limits.message_bytes_max:
        raise UnreadableMessage(
            "the message is larger than the limit", bytes=len(content), limit=limits.message_bytes_max
        )
    text, warnings = _text_of(content.strip(_FRAME))
    text = text.translate(_FRAME_CHARACTERS).replace("\r\n", "\r").replace("\n", "\r")
    if "\x00" in text:
        raise UnreadableMessage("the message holds NUL characters: a wrong character set or binary content")
    return Decoded(text=text.strip("\r\t "), warnings=warnings)


def _text_of(content: bytes) -> tuple[str, tuple[str, ...]]:
    if not content:
        raise UnreadableMessage("the message is empty")
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return _strictly(content[len(mark) :], codec), ()
    if content[1:2] == b"\x00" or content[:1] == b"\x00":
        return _strictly(content, _wide_codec(content)), ()
    return _as_declared(content, _declared_codec(content))


def _wide_codec(content: bytes) -> str:
    if content[:3] == b"\x00\x00\x00":
        return "utf-32-be"
    if content[1:4] == b"\x00\x00\x00":
        return "utf-32-le"
    return "utf-16-be" if content[:1] == b"\x00" else "utf-16-le"


def _strictly(content: bytes, codec: str) -> str:
    # A line end or frame byte taken off the end may have been half of a wide character.
    cut = len(content) % _WIDTH_BYTES.get(codec[:6], 1)
    if cut and not content[-cut:].strip(b"\x00\r\n\x1c"):
        content = content[:-cut]
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        raise UnreadableMessage(
            f"the bytes are not valid {codec}; send the character set that MSH-18 names", at_byte=error.start
        ) from error


def _declared_codec(content: bytes) -> str | None:
    start = content.find(b"MSH")
    if start < 0:
        return "utf-8"
    line = re.split(rb"[\r\n]", content[start : start + HEADER_BYTES_MAX], maxsplit=1)[0].decode("latin-1")
    fields = line.split(line[FIELD_SEPARATOR_AT : FIELD_SEPARATOR_AT + 1] or "|")
    declared = fields[MSH_18].split("~") if len(fields) > MSH_18 else [""]
    return _codec_of([_spelling(name) for name in declared])


def _spelling(name: str) -> str:
    cleaned = re.sub(r"[\s_\"']|[\\^].*", "", name).upper()
    return re.sub(r"^ISO-?8859[-/]", "8859/", cleaned)


def _codec_of(declared: list[str]) -> str | None:
    """Return the codec of a repeated MSH-18: the first, or the one whose escapes announce the others.

    ``None`` for a name we do not know.
    """
    codecs_named = [CHARSETS.get(name) for name in declared if name or len(declared) == 1]
    if "iso2022_jp_2" in codecs_named:
        return "iso2022_jp_2"
    return codecs_named[0] if codecs_named else "ascii"


def _as_declared(content: bytes, codec: str | None) -> tuple[str, tuple[str, ...]]:
    if codec is None:
        unknown = "MSH-18 names a character set that is not in HL7 table 0211 or not supported"
        if not content.isascii() or _ESCAPE in content:
            raise UnreadableMessage(unknown)
        return content.decode("ascii"), (f"{unknown}; the message is plain ASCII",)
    if codec in _SEVEN_BIT and any(byte > 0x7F for byte in set(content)):
        return _guessed(content, "MSH-18 declares a 7-bit character set but the message has other bytes")
    try:
        text = content.decode(codec)
    except UnicodeDecodeError:
        return _guessed(content, "the bytes do not fit the character set of MSH-18")
    if codec == "iso8859-1" and _C1_CONTROL.search(text):
        return _guessed(content, "MSH-18 declares 8859/1 but the bytes are not")
    if codec in _WESTERN and not content.isascii() and _is_utf8(content):
        return _guessed(content, "MSH-18 declares a western 8-bit character set but the bytes are UTF-8")
    return text, ()


def _is_utf8(content: bytes) -> bool:
    """Say whether bytes are valid UTF-8: by chance, accented western text hardly ever is."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _guessed(content: bytes, why: str) -> tuple[str, tuple[str, ...]]:
    for codec in ("utf-8", "cp1252", "latin-1"):
        try:
            return content.decode(codec), (f"{why}; read as {codec}",)
        except UnicodeDecodeError:
            continue
    raise UnreadableMessage(why)
