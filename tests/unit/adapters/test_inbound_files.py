"""Files are found and told apart by what they hold."""

from pathlib import Path

import pytest

from adapters.inbound.files import discover, load, sniff
from gem_integration.domain.study import MediaType
from gem_integration.errors import UnreadableMessage
from tests.unit.adapters.dicom_objects import data_set_of, object_of, packed, ramp_group

HEADER = b"r 1 500 4\nr.dat 16 1000/mV 16 0 0 0 0 I\n"
HL7 = b"MSH|^~\\&|CART|||||ORU^R01|1|P|2.5\r"


def dicom() -> bytes:
    """Return a small DICOM ECG."""
    return object_of(ramp_group(("I",), 10))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (HL7, MediaType.HL7V2),
        (b"\xef\xbb\xbf" + HL7, MediaType.HL7V2),
        (b"\x0b" + HL7 + b"\x1c\r", MediaType.HL7V2),
        (b"\r\n  " + HL7, MediaType.HL7V2),
        (HL7.decode().encode("utf-16"), MediaType.HL7V2),
        (b"FHS|^~\\&|\rBHS|^~\\&|\r" + HL7, MediaType.HL7V2),
        (b'<?xml version="1.0"?>\n<AnnotatedECG xmlns="urn:hl7-org:v3"/>', MediaType.AECG),
        (HEADER, MediaType.WFDB),
        (b"#wfdb 10.6\n" + HEADER, MediaType.WFDB),
        (HEADER.replace(b"\n", b"\r\n"), MediaType.WFDB),
        (b"", None),
        (b"hello world 12\nplain text\n", None),
        (b'<?xml version="1.0"?><RestingECG/>', None),
        (b"%PDF-1.7\n", None),
        (b"\x7fELF" + bytes(200), None),
    ],
)
def test_a_format_is_told_by_its_first_bytes(content: bytes, media_type: MediaType | None) -> None:
    """Marks, framing and blanks before the message do not hide it; foreign content has no format."""
    assert sniff(content) is media_type


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big"])
@pytest.mark.parametrize("preamble", [True, False])
def test_dicom_is_known_with_and_without_preamble(syntax: str, *, preamble: bool) -> None:
    """Objects that start at their first element are found too."""
    data_set = data_set_of(ramp_group(("I",), 10), big_endian=syntax == "big")
    assert sniff(packed(data_set, syntax, preamble=preamble)) is MediaType.DICOM


def test_a_folder_yields_its_records_in_order(tmp_path: Path) -> None:
    """Records by suffix or by content; hidden files, signal files and documents are passed over."""
    (tmp_path / "sub").mkdir()
    for name, content in {
        "b.hea": HEADER,
        "r.dat": bytes(8),
        "a.dcm": b"broken",
        "README.txt": b"about",
        "message.txt": HL7,
        ".hidden.dcm": dicom(),
        "sub/1.2.840.1": dicom(),
        "sub/b.avr": b"\x01\x02",
    }.items():
        (tmp_path / name).write_bytes(content)
    found = [str(path.relative_to(tmp_path)) for path in discover([tmp_path])]
    assert found == ["a.dcm", "b.hea", "message.txt", "sub/1.2.840.1"]


def test_a_file_named_by_the_caller_is_always_yielded(tmp_path: Path) -> None:
    """So that its refusal is seen."""
    assert list(discover([tmp_path / "r.dat"])) == [tmp_path / "r.dat"]


def test_a_header_brings_its_signal_files(tmp_path: Path) -> None:
    """The message of a WFDB record is the whole record."""
    (tmp_path / "r.hea").write_bytes(HEADER)
    (tmp_path / "r.dat").write_bytes(b"\x01\x02\x03\x04\x05\x06\x07\x08")
    message = load(tmp_path / "r.hea")
    assert message.media_type is MediaType.WFDB
    assert b"\x01\x02\x03\x04\x05\x06\x07\x08" in message.content


def test_a_message_is_the_files_bytes(tmp_path: Path) -> None:
    """Nothing is changed on the way in."""
    (tmp_path / "x").write_bytes(dicom())
    message = load(tmp_path / "x")
    assert (message.media_type, message.content) == (MediaType.DICOM, dicom())


@pytest.mark.parametrize("content", [b"", b"plain text"])
def test_an_unknown_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file of no known format says which ones are."""
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UnreadableMessage, match="no ECG format"):
        load(tmp_path / "x")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A path that leads nowhere is an error of the input, not of the program."""
    with pytest.raises(UnreadableMessage, match="cannot be opened"):
        load(tmp_path / "absent.dcm")
