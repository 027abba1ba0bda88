"""ECG files on disk as inbound messages: which files are records, and which format each holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from adapters.inbound.wfdb_record import bundle
from gem_integration.domain.study import InboundMessage, MediaType, ParseLimits
from gem_integration.errors import UnreadableMessage

SOURCE = "file"
HEAD_BYTES = 64 * 1024
BYTES_MAX = ParseLimits().message_bytes_max

#: Files that are meant as records: yielded even if their content is not, so that the refusal is seen.
RECORDS = frozenset({".dcm", ".dicom", ".hea", ".hl7", ".scp", ".xml"})

#: Signal files of WFDB records: raw numbers that may look like anything.
SIGNALS = frozenset({".dat", ".mat", ".xyz"})

_HL7 = re.compile(rb"(?:MSH|FHS|BHS)[^A-Za-z0-9\s]")
_BLANK = b" \t\r\n\x0b\x0c\x1c\0"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_WFDB = re.compile(rb"(?:\s*#[^\n]*\n)*\s*[^\s/#]+(?:/\d+)?[ \t]+\d+(?:[ \t]+[\d.]+[^\n]*)?\r?\n")
_WFDB_SIGNAL = re.compile(rb"^\S+[ \t]+\d+(?:x\d+)?(?::\d+)?(?:\+\d+)?(?:[ \t]|\r?$)", re.MULTILINE)
_BARE_DICOM = re.compile(rb"(?:[\x02\x08]\0[\x00-\x18]\0|\0[\x02\x08]\0[\x00-\x18])")
_TAR_MAGIC = slice(257, 262)


def discover(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files to read: each file named, and under each folder, sorted, every record.

    In a folder, hidden files and the signal files of WFDB records are passed over, and a file without
    a record's suffix must look like one of our formats. A file named by the caller is always yielded.
    """
    for path in paths:
        if path.is_dir():
            yield from (found for found in sorted(path.rglob("*")) if _is_record(found, path))
        else:
            yield path


def _is_record(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    suffix = path.suffix.lower()
    if hidden or suffix in SIGNALS or not path.is_file():
        return False
    return suffix in RECORDS or sniff(_head(path)) is not None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(HEAD_BYTES)
    except OSError:
        return b""


def load(path: Path) -> InboundMessage:
    """Return the file as a message, its format told by its content; ``UnreadableMessage`` if none is known.

    A WFDB header brings its signal files along.
    """
    content = _content(path)
    media_type = sniff(content)
    if media_type is None:
        raise UnreadableMessage(
            "the file is no ECG format we read (DICOM, HL7 v2, aECG, WFDB header)", bytes=len(content)
        )
    if media_type is MediaType.WFDB and not _is_tar(content):
        content = bundle(path)
    return InboundMessage(
        source=SOURCE, media_type=media_type, content=content, received_at=datetime.now(tz=UTC)
    )


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > BYTES_MAX:
            raise UnreadableMessage("the file is larger than the limit", limit=BYTES_MAX)
        return path.read_bytes()
    except OSError as error:
        raise UnreadableMessage("the file cannot be opened; check that it exists and may be read") from error


def sniff(content: bytes) -> MediaType | None:
    """Return the format of ``content`` by its first bytes, ``None`` if it is none of ours."""
    return next((media_type for media_type, looks in LOOKS.items() if looks(content)), None)


def _is_dicom(content: bytes) -> bool:
    return content[128:132] == b"DICM" or _BARE_DICOM.match(content) is not None


def _is_hl7(content: bytes) -> bool:
    return _HL7.match(_plain_head(content)) is not None


def _is_aecg(content: bytes) -> bool:
    head = _plain_head(content)
    return head.startswith(b"<") and b"AnnotatedECG" in head


def _is_wfdb(content: bytes) -> bool:
    if _is_tar(content):
        return True
    record = _WFDB.match(content[:HEAD_BYTES])
    return record is not None and _WFDB_SIGNAL.search(content[:HEAD_BYTES], record.end()) is not None


def _is_tar(content: bytes) -> bool:
    return content[_TAR_MAGIC] == b"ustar"


def _plain_head(content: bytes) -> bytes:
    """Return the beginning as 8-bit text: without byte order mark, UTF-16 zeros, framing and blanks."""
    head = content[:HEAD_BYTES].lstrip(_BLANK)
    for mark in _BOMS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").lstrip(_BLANK)


#: What each format looks like; tried in this order.
LOOKS: Mapping[MediaType, Callable[[bytes], bool]] = {
    MediaType.DICOM: _is_dicom,
    MediaType.HL7V2: _is_hl7,
    MediaType.AECG: _is_aecg,
    MediaType.WFDB: _is_wfdb,
}
