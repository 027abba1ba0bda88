"""The sink that writes folders."""

import json

import pytest

from adapters.outbound.fhir import bundle_bytes, bundle_of
from adapters.outbound.files import FilesSink
from gem_integration.domain.identity import content_hash
from gem_integration.errors import SinkUnavailable


def names(folder):
    """Return every path under a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_report_becomes_a_folder_of_four_files(make_delivery, tmp_path):
    """Bundle, two sheets and the text, under the report's id."""
    delivery = make_delivery()
    receipt = FilesSink(tmp_path).deliver(delivery)
    folder = str(delivery.report.report_id)
    files = ["bundle.json", "report.txt", "sheet-12x1.svg", "sheet-3x4.svg"]
    assert names(tmp_path) == [folder, *(f"{folder}/{name}" for name in files)]
    assert receipt.location == str(tmp_path / folder)


def test_the_receipt_names_the_bytes_that_were_sent(make_delivery, tmp_path):
    """The digest is that of the bundle on disk."""
    delivery = make_delivery()
    receipt = FilesSink(tmp_path).deliver(delivery)
    written = (tmp_path / str(delivery.report.report_id) / "bundle.json").read_bytes()
    assert written == bundle_bytes(bundle_of(delivery))
    assert receipt.content_sha256 == content_hash(written)
    assert json.loads(written)["type"] == "transaction"


def test_no_name_of_a_file_holds_patient_data(make_delivery, tmp_path):
    """Folders can be listed without learning who was examined."""
    delivery = make_delivery(message_id="../../../etc/P-4711")
    FilesSink(tmp_path).deliver(delivery)
    patient = delivery.study.ecg.patient
    listing = "\n".join(names(tmp_path))
    for secret in (patient.patient_id, "Neil", "Zo", "1950", "ACC-1", "etc"):
        assert secret not in listing


def test_a_folder_that_cannot_be_written_is_unavailable(make_delivery, tmp_path):
    """The reason says what to look at and names no patient; nothing is left behind."""
    blocked = tmp_path / "taken"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(SinkUnavailable, match="cannot be written") as caught:
        FilesSink(blocked).deliver(make_delivery())
    assert "Neil" not in str(caught.value)
    assert names(tmp_path) == ["taken"]


def test_a_failed_write_leaves_the_old_file_whole(make_delivery, tmp_path, monkeypatch):
    """A file appears whole or not at all."""
    delivery = make_delivery()
    FilesSink(tmp_path).deliver(delivery)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("adapters.outbound.files.os.fsync", full)
    with pytest.raises(SinkUnavailable, match="No space left"):
        FilesSink(tmp_path).deliver(delivery)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before
