"""One process receives by MLLP and DICOM, reads and delivers, and ends when told to."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pynetdicom import AE

from adapters.writers import WRITERS
from gem_integration.clock import SystemClock
from gem_integration.domain.identity import Patient
from gem_integration.simulate import SCENARIOS, as_inbound, simulate
from gem_integration.storage import Store

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
SECONDS_MAX = 120.0


def message(form: str, scenario: str) -> bytes:
    """Return one simulated ECG as a message."""
    ecg = as_inbound(
        simulate(SCENARIOS[scenario]),
        patient=Patient(patient_id=f"SERVE-{scenario}"),
        started_at=AT,
        message_id=f"1.2.826.{len(scenario)}" if form == "dicom" else f"SERVE-{scenario}",
    )
    (content,) = WRITERS[form](ecg, "one").values()
    return content


class Serving:
    """A running ``gem-integration serve``."""

    def __init__(self, folder: Path) -> None:
        self.database_url = f"sqlite:///{folder / 'line.sqlite'}"
        self.reports = folder / "reports"
        environment = {
            **os.environ,
            "GEM_DATABASE_URL": self.database_url,
            "GEM_OUTPUT_DIR": str(self.reports),
            "GEM_MLLP_PORT": "0",
            "GEM_DIMSE_PORT": "0",
        }
        program = Path(sys.executable).parent / "gem-integration"
        self.process = subprocess.Popen(
            [program, "serve"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline() + self.process.stdout.readline()
        self.mllp_port = int(re.search(r"MLLP on 127\.0\.0\.1:(\d+)", said)[1])
        self.dicom_port = int(re.search(r"DICOM on 127\.0\.0\.1:(\d+)", said)[1])

    def send_hl7(self, content: bytes) -> bytes:
        """Send one message by MLLP and return the acknowledgement."""
        with socket.create_connection(("127.0.0.1", self.mllp_port), timeout=SECONDS_MAX) as peer:
            peer.sendall(b"\x0b" + content + b"\x1c\r")
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                answer += peer.recv(65536)
        return answer

    def send_dicom(self, content: bytes) -> int:
        """Store one object by C-STORE and return the status."""
        dataset = dcmread(DicomBytesIO(content))
        caller = AE(ae_title="CART")
        caller.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        association = caller.associate("127.0.0.1", self.dicom_port, ae_title="GEM_ECG")
        assert association.is_established
        status = association.send_c_store(dataset)
        association.release()
        return int(status.Status)

    def delivered(self, count: int) -> dict[str, int]:
        """Wait until ``count`` reports are delivered and return the store's counts."""
        store = Store.open(self.database_url, clock=SystemClock())
        deadline_s = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline_s and store.counts().get("outbox_delivered", 0) < count:
            time.sleep(0.2)
        counts = dict(store.counts())
        store.close()
        return counts


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """Start the process, and end it whatever the test did."""
    running = Serving(tmp_path)
    yield running
    running.process.kill()
    running.process.communicate()


@pytest.mark.slow
def test_hl7_and_dicom_become_delivered_reports_and_the_process_ends_when_told(serving: Serving) -> None:
    """AA and success come after the bytes are kept; both reports land in files; SIGTERM ends with 0."""
    assert b"MSA|AA|SERVE-lbbb" in serving.send_hl7(message("hl7", "lbbb"))
    assert serving.send_dicom(message("dicom", "avb1")) == 0x0000
    counts = serving.delivered(2)
    assert (counts["studies"], counts["reports"], counts["outbox_delivered"]) == (2, 2, 2)
    assert len(list(serving.reports.glob("*/bundle.json"))) == 2
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(timeout=SECONDS_MAX) == 0
