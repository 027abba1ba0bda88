"""The sink stores a report in a real archive, and tells a refusal from a hindrance."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt

from adapters.outbound import SINKS
from adapters.outbound.dicom_sr.document import COMPREHENSIVE_SR, document_of
from adapters.outbound.dicom_sr.send import Archive, archive_of
from gem_integration.domain.ecg import STANDARD_LEADS
from gem_integration.domain.identity import content_hash
from gem_integration.domain.study import DicomSource
from gem_integration.errors import RefusedBySink, Rejected, SinkUnavailable
from tests.services.command import answers, free_port
from tests.services.dcmtk import dcmtk

SOURCE = DicomSource(
    sop_class_uid="1.2.840.10008.5.1.4.1.1.9.1.1",
    sop_instance_uid="1.2.3.1",
    series_instance_uid="1.2.3.2",
    study_instance_uid="1.2.3.3",
    channels={lead: (1, place) for place, lead in enumerate(STANDARD_LEADS, start=1)},
)
SECONDS_MAX = 20.0
#: The double, pynetdicom's own server, leaves a connection open where its peer was first to close it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def delivery(make_delivery):
    """Return a delivery of a study that came as DICOM."""
    return make_delivery(dicom=SOURCE)


class ArchiveDouble:
    """An archive of pynetdicom that answers as it is told, and remembers what it was sent."""

    def __init__(self, *, status: int, sop_class: str, syntax: str, calling: tuple[str, ...]) -> None:
        self.kept: list[Dataset] = []
        self._status = status
        ae = AE(ae_title="ARCHIVE")
        ae.require_calling_aet = list(calling)
        ae.require_called_aet = True
        ae.add_supported_context(sop_class, syntax)
        self.server = ae.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)]
        )
        self.port = self.server.socket.getsockname()[1]

    def _store(self, event: evt.Event) -> int:
        kept = event.dataset
        kept.file_meta = event.file_meta
        self.kept.append(kept)
        return self._status


@pytest.fixture
def archive() -> Iterator[Callable[..., ArchiveDouble]]:
    """Return a function that starts an archive."""
    with contextlib.ExitStack() as stack:

        def start(**changes: object) -> ArchiveDouble:
            usual = {
                "status": 0x0000,
                "sop_class": COMPREHENSIVE_SR,
                "syntax": ExplicitVRLittleEndian,
                "calling": (),
            }
            started = ArchiveDouble(**{**usual, **changes})
            stack.callback(started.server.shutdown)
            return started

        yield start


def sink_to(port: int):
    """Return the sink for an archive on a loopback port."""
    return SINKS["dicom_sr"](f"dicom://ARCHIVE@127.0.0.1:{port}?calling=OURS")


def test_a_report_is_stored_and_the_receipt_says_where(archive, delivery):
    """What arrived is what was built, and the receipt bears its digest and no patient data."""
    running = archive()
    receipt = sink_to(running.port).deliver(delivery)
    (kept,) = running.kept
    assert kept == dcmread(BytesIO(document_of(delivery)))
    assert receipt.content_sha256 == content_hash(document_of(delivery))
    assert receipt.location.startswith("dicom://ARCHIVE@127.0.0.1")
    assert receipt.location.endswith(kept.SOPInstanceUID)
    assert delivery.study.ecg.patient.patient_id not in receipt.location + receipt.detail


def test_delivering_twice_sends_the_same_instance(archive, delivery):
    """An archive that has it overwrites it with itself."""
    running = archive()
    assert sink_to(running.port).deliver(delivery) == sink_to(running.port).deliver(delivery)
    first, second = running.kept
    assert first.SOPInstanceUID == second.SOPInstanceUID


def test_an_archive_of_the_other_syntax_is_served(archive, delivery):
    """Implicit VR is all that some archives take."""
    running = archive(syntax=ImplicitVRLittleEndian)
    sink_to(running.port).deliver(delivery)
    assert running.kept[0].VerificationFlag == "UNVERIFIED"


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        (0x0111, "was stored before"),
        (0xB000, "stored, elements coerced"),
        (0xA700, SinkUnavailable),
        (0x0110, SinkUnavailable),
        (0xA900, RefusedBySink),
        (0xC123, RefusedBySink),
        (0x0122, RefusedBySink),
        (0x0124, RefusedBySink),
        (0xFE12, SinkUnavailable),
    ],
)
def test_a_status_decides_whether_it_is_sent_again(archive, delivery, status, becomes):
    """Out of resources is tried again; what cannot be understood is not; a duplicate is success."""
    sink = sink_to(archive(status=status).port)
    if isinstance(becomes, str):
        assert sink.deliver(delivery).detail == becomes
    else:
        with pytest.raises(becomes):
            sink.deliver(delivery)


def test_an_archive_that_does_not_know_us_refuses_for_good(archive, delivery):
    """Trying again cannot help until somebody configures it."""
    running = archive(calling=("SOMEBODY",))
    with pytest.raises(RefusedBySink, match="AE titles"):
        sink_to(running.port).deliver(delivery)


def test_an_archive_without_structured_reports_refuses_for_good(archive, delivery):
    """It takes images alone."""
    running = archive(sop_class="1.2.840.10008.5.1.4.1.1.2")
    with pytest.raises(RefusedBySink, match="Comprehensive SR"):
        sink_to(running.port).deliver(delivery)


def test_nobody_at_the_address_is_a_hindrance(delivery):
    """The archive may be back in a minute."""
    with pytest.raises(SinkUnavailable):
        sink_to(free_port()).deliver(delivery)


def test_an_address_is_read_whole():
    """Titles, port, TLS and its files come from one line of settings."""
    found = archive_of("dicoms://PACS%201@pacs.example:2762?calling=GEM&ca=/c.pem&cert=/o.pem&key=/k.pem")
    assert (found.called_ae_title, found.calling_ae_title, found.port) == ("PACS 1", "GEM", 2762)
    assert (found.tls, str(found.ca), str(found.certificate), str(found.key)) == (
        True,
        "/c.pem",
        "/o.pem",
        "/k.pem",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "http://ARCHIVE@host:104",
        "dicom://host:104",
        "dicom://ARCHIVE@host:99999",
        "dicom://SEVENTEEN_LETTERS@host:104",
        "dicom://ARCHIVE@host:104?password=x",
    ],
)
def test_an_address_that_is_none_is_refused(wrong):
    """A wrong setting is found before the first report."""
    with pytest.raises(Rejected):
        archive_of(wrong)


def test_tls_files_that_cannot_be_read_are_refused(tmp_path):
    """The reason says what to give."""
    there = Archive(host="h", port=104, called_ae_title="A", tls=True, ca=tmp_path / "none.pem")
    with pytest.raises(Rejected, match="PEM"):
        there.tls_context()


@pytest.mark.service
def test_an_independent_archive_takes_the_report(delivery, tmp_path):
    """DCMTK's storescp stores it, and what it stored reads as what was sent."""
    port = free_port()
    with subprocess.Popen(
        [dcmtk("storescp"), "-aet", "ARCHIVE", "-od", tmp_path, str(port)], stdout=subprocess.DEVNULL
    ) as running:
        try:
            deadline = time.monotonic() + SECONDS_MAX
            while not answers(port) and time.monotonic() < deadline:
                time.sleep(0.05)
            sink_to(port).deliver(delivery)
        finally:
            running.terminate()
    (stored,) = tmp_path.iterdir()
    assert dcmread(stored).SOPInstanceUID == dcmread(BytesIO(document_of(delivery))).SOPInstanceUID
