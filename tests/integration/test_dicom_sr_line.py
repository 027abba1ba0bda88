"""An ECG comes by C-STORE and its report goes back as a structured report, through every real part."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from io import BytesIO

import pytest
from pydicom import dcmread
from pynetdicom import AE

from adapters.inbound.dicom_ecg import parse
from adapters.inbound.dimse import DimseSettings, landing_in, serve_dimse
from adapters.inbound.intake import Intake
from adapters.outbound.dicom_sr.document import document_of
from adapters.writers.dicom_ecg import write
from gem_integration.domain.evidence import Verdict
from gem_integration.domain.identity import Patient, ReaderIdentity, stable_id
from gem_integration.domain.reading import Interpretation, StopReason
from gem_integration.domain.study import ParseLimits, Study
from gem_integration.pipeline.read import read, read_study
from gem_integration.ports import Delivery
from gem_integration.simulate import SCENARIOS, as_inbound, simulate
from tests.unit.adapters.dicom_reports import claims, content_faults, validator_faults
from tests.unit.adapters.dicom_reports import read as read_back
from workers.readers.rules import RulesReader

TAKEN_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
FIRST = next(iter(SCENARIOS))
WRONG_TEXT = (
    "Atrial fibrillation at 180 bpm. The PR interval is 320 ms. There is left bundle branch block with a "
    "QRS of 170 ms and ST elevation in V2 and V3. The patient has a pacemaker and should see a doctor."
)


class WrongReader:
    """A reader that says what no normal ECG shows."""

    identity = ReaderIdentity(
        name="wrong", version="1", weights_digest=None, prompt_digest=None, code_version="0"
    )

    def read(self, request: object) -> Interpretation:
        """Return the same text for every ECG."""
        return Interpretation(text=WRONG_TEXT, reader=self.identity, stop_reason=StopReason.END, seconds=0.0)


def ecg_file(scenario: str) -> bytes:
    """Return a simulated ECG as a DICOM file."""
    ecg = as_inbound(
        simulate(SCENARIOS[scenario]),
        patient=Patient(patient_id="P-7"),
        started_at=TAKEN_AT,
        message_id=f"ECG-{scenario}",
    )
    return write(ecg, "ecg")["ecg.dcm"]


def delivery_of(scenario: str, reader: object) -> Delivery:
    """Return what a reader's report on a simulated ECG would be delivered with."""
    (ecg,) = parse(ecg_file(scenario), ParseLimits())
    study = Study(study_id=stable_id(scenario), ecg=ecg, received_at=TAKEN_AT)
    reading = read_study(study, reader, version=1, issued_at=TAKEN_AT)
    return Delivery(study=study, measurements=reading.measurements, report=reading.report)


def test_what_came_by_dicom_goes_back_by_dicom(sqlite_store, clock):
    """The reference to the instance survives the store, so that the report can point into it."""
    reader = RulesReader()
    intake = Intake(store=sqlite_store, reader_key=reader.identity.key, limits=ParseLimits(), clock=clock)
    sent = dcmread(BytesIO(ecg_file(FIRST)))
    _send_to_gateway(sent, intake)
    (job,) = sqlite_store.lease_reads(1, "test", 60.0, reader_key=reader.identity.key)
    report = read(job, store=sqlite_store, reader=reader, clock=clock)
    delivery = Delivery(
        study=sqlite_store.study(job.study_id),
        measurements=sqlite_store.measurements_under(report.report_id),
        report=report,
    )
    document = read_back(delivery)
    assert content_faults(document) == []
    assert document.StudyInstanceUID == sent.StudyInstanceUID
    assert document.PatientID == sent.PatientID


def _send_to_gateway(data_set: object, intake: Intake) -> None:
    stop, started, ports = threading.Event(), threading.Event(), []

    def note(port: int) -> None:
        ports.append(port)
        started.set()

    serving = threading.Thread(
        target=serve_dimse,
        args=(DimseSettings(port=0, ae_title="ECGSCP"), landing_in(intake)),
        kwargs={"stop": stop, "started": note},
    )
    serving.start()
    try:
        assert started.wait(20)
        cart = AE(ae_title="CART")
        cart.add_requested_context(data_set.SOPClassUID, data_set.file_meta.TransferSyntaxUID)
        association = cart.associate("127.0.0.1", ports[0], ae_title="ECGSCP")
        assert association.send_c_store(data_set).Status == 0x0000
        association.release()
    finally:
        stop.set()
        serving.join()


@pytest.mark.parametrize("scenario", list(SCENARIOS)[::20])
def test_the_report_on_any_rhythm_is_a_valid_document(scenario, tmp_path):
    """Whatever the measurements, statements and claims are, the tree is whole and its validator content."""
    delivery = delivery_of(scenario, RulesReader())
    assert content_faults(read_back(delivery)) == []
    path = tmp_path / "report.dcm"
    path.write_bytes(document_of(delivery))
    assert validator_faults(path) == []


def test_a_wrong_text_is_contradicted_sample_by_sample():
    """Each claim the waveform contradicts points at what contradicts it."""
    document = read_back(delivery_of(FIRST, WrongReader()))
    assert len(claims(document, Verdict.CONTRADICTED)) >= 3
    assert content_faults(document) == []
    assert "bundle branch" not in " ".join(
        item.TextValue for item in document.ContentSequence[-1].ContentSequence[:1]
    )
