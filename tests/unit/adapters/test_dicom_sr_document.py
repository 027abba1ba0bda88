"""A report becomes a DICOM structured report whose claims point at the samples they rest on."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inbound.dicom_ecg import parse
from adapters.outbound.dicom_sr.codes import SOURCE
from adapters.outbound.dicom_sr.document import document_of
from adapters.outbound.dicom_sr.items import (
    SAMPLE_POSITIONS_MAX,
    WaveformPlace,
    printable,
    samples,
)
from adapters.writers.dicom_ecg import write
from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.evidence import Verdict
from gem_integration.domain.identity import stable_id
from gem_integration.domain.report import ReportStatus
from gem_integration.domain.study import DicomSource, ParseLimits
from gem_integration.errors import RefusedBySink
from tests.services.dcmtk import dcmtk
from tests.unit.adapters.dicom_reports import (
    claims,
    content_faults,
    coordinates,
    name_of,
    named,
    read,
    validator_faults,
    walk,
)

SOURCE_OF_ALL = DicomSource(
    sop_class_uid="1.2.840.10008.5.1.4.1.1.9.1.1",
    sop_instance_uid="1.2.3.1",
    series_instance_uid="1.2.3.2",
    study_instance_uid="1.2.3.3",
    channels={lead: (1, place) for place, lead in enumerate(STANDARD_LEADS, start=1)},
)
PLACE = WaveformPlace(sop_class_uid="1.2", sop_instance_uid="1.3", channels=((1, 2),))


@pytest.fixture
def delivery(make_delivery):
    """Return a delivery of a study that came as DICOM."""
    return make_delivery(dicom=SOURCE_OF_ALL)


def test_every_decided_claim_points_at_the_waveform(delivery):
    """What is said to be supported or contradicted can be looked at, sample by sample."""
    report = read(delivery)
    assert content_faults(report) == []
    assert len(claims(report, Verdict.SUPPORTED)) == 3
    assert len(claims(report, Verdict.CONTRADICTED)) == 2


def test_a_decided_claim_without_ranges_points_at_the_whole_recording(delivery):
    """Evidence taken from the whole strip is the whole strip."""
    bare = tuple(
        replace(item, evidence=tuple(replace(part, samples=()) for part in item.evidence))
        for item in delivery.report.observations
    )
    report = read(replace(delivery, report=replace(delivery.report, observations=bare)))
    assert content_faults(report) == []
    (one,) = coordinates(claims(report, Verdict.SUPPORTED)[0])
    assert list(one.ReferencedSamplePositions) == [1, 5000]


def test_a_coordinate_names_channel_and_samples_as_received(delivery):
    """Half-open ranges from 0 are DICOM's closed ranges from 1, in the lead's own channel."""
    (claim,) = [
        item for item in claims(read(delivery), Verdict.SUPPORTED) if item.TextValue.startswith("rsR'")
    ]
    (one,) = coordinates(claim)
    assert list(one.ReferencedSamplePositions) == [156, 203, 573, 620]
    (reference,) = one.ContentSequence[0].ReferencedSOPSequence
    assert reference.ReferencedSOPInstanceUID == SOURCE_OF_ALL.sop_instance_uid
    assert list(reference.ReferencedWaveformChannels) == [1, 7]


def test_a_derived_lead_points_at_the_channels_it_was_derived_from(make_delivery):
    """Lead III that was not recorded is I and II; a value of the whole ECG is every channel."""
    channels = {lead: SOURCE_OF_ALL.channels[lead] for lead in STANDARD_LEADS if lead not in LIMBS_DERIVED}
    source = replace(SOURCE_OF_ALL, channels=channels)
    found = make_delivery(dicom=source)
    (claim, *_) = [item for item in found.report.observations if item.claim.subject == "rsr_pattern"]
    part = replace(claim.evidence[0], lead=Lead.III)
    moved = replace(found.report, observations=(replace(claim, evidence=(part,)),))
    (one,) = coordinates(claims(read(replace(found, report=moved)), Verdict.SUPPORTED)[0])
    assert list(one.ContentSequence[0].ReferencedSOPSequence[0].ReferencedWaveformChannels) == [1, 1, 1, 2]


LIMBS_DERIVED = (Lead.III, Lead.AVR, Lead.AVL, Lead.AVF)


def test_the_name_of_a_contradicted_claim_says_that_it_is(delivery):
    """A viewer that shows name and value cannot turn it into a finding."""
    report = read(delivery)
    (claim,) = [item for item in walk(report) if item.get("TextValue") == "right bundle branch block"]
    assert "CONTRADICTED" in name_of(claim)
    coded = [item for item in named(report, "ECG Finding") if item.ValueType == "CODE"]
    found = [item.ConceptCodeSequence[0].CodeMeaning for item in coded]
    assert found == ["Sinus rhythm", "ST depression"]


def test_a_borderline_statement_is_words_and_no_code(delivery):
    """No code asserts what is not met."""
    (borderline,) = [item for item in named(read(delivery), "ECG Finding") if item.ValueType == "TEXT"]
    assert borderline.TextValue.startswith("borderline: ")


def test_measurements_have_their_standard_codes_and_units(delivery):
    """PR is MDC's, in milliseconds; a QTc names its formula."""
    (container,) = named(read(delivery), "ECG Global Measurements")
    taken = {item.ConceptNameCodeSequence[0].CodeValue: item for item in container.ContentSequence}
    pr = taken["2:15872"].MeasuredValueSequence[0]
    assert (float(pr.NumericValue), pr.MeasurementUnitsCodeSequence[0].CodeValue) == (160.0, "ms")
    formulas = [item.ConceptCodeSequence[0].CodeMeaning for item in named(container, "Algorithm Name")]
    assert len(formulas) == 4


def test_the_report_is_preliminary_unverified_and_signed_by_the_reader(delivery):
    """Software wrote it; nobody verified it; which software is named."""
    report = read(delivery)
    assert (report.PreliminaryFlag, report.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    (observer,) = named(report, "Device Observer Name")
    assert observer.TextValue == "rules"
    assert named(report, "Observer Type")[0].ConceptCodeSequence[0].CodeMeaning == "Device"


def test_the_report_lies_in_the_study_and_cites_the_instance(delivery):
    """It stands beside the ECG it reads."""
    report = read(delivery)
    assert report.StudyInstanceUID == SOURCE_OF_ALL.study_instance_uid
    (cited,) = report.CurrentRequestedProcedureEvidenceSequence
    (series,) = cited.ReferencedSeriesSequence
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == SOURCE_OF_ALL.sop_instance_uid


def test_the_same_delivery_gives_the_same_bytes(delivery):
    """Sending again sends the same instance."""
    assert document_of(delivery) == document_of(delivery)


def test_a_later_version_is_another_instance_and_names_the_one_before(delivery):
    """An archive keeps both, and knows which replaces which."""
    before = read(delivery)
    amended = replace(
        delivery.report,
        report_id=stable_id("second"),
        version=2,
        status=ReportStatus.FINAL,
        supersedes=delivery.report.report_id,
    )
    after = read(replace(delivery, report=amended))
    assert after.SOPInstanceUID != before.SOPInstanceUID
    assert after.SeriesInstanceUID == before.SeriesInstanceUID
    (predecessor,) = after.PredecessorDocumentsSequence
    (series,) = predecessor.ReferencedSeriesSequence
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == before.SOPInstanceUID
    assert after.PreliminaryFlag == "FINAL"


def test_a_study_that_did_not_come_as_dicom_is_refused_with_the_reason(make_delivery):
    """Nothing could point at its waveform; another sink takes its report."""
    with pytest.raises(RefusedBySink, match="did not come as a DICOM object"):
        document_of(make_delivery())


def test_a_report_entered_in_error_is_refused(delivery):
    """DICOM storage takes nothing back."""
    wrong = replace(delivery.report, status=ReportStatus.ENTERED_IN_ERROR)
    with pytest.raises(RefusedBySink, match="taken back"):
        document_of(replace(delivery, report=wrong))


@pytest.mark.parametrize("patient", [True, False])
def test_validators_find_no_error(make_delivery, tmp_path, patient):
    """Dciodvfy reports no error; its warnings are our own code scheme and the TCOORD it does not know."""
    found = make_delivery(dicom=SOURCE_OF_ALL, **({} if patient else {"patient": None}))
    path = tmp_path / "report.dcm"
    path.write_bytes(document_of(found))
    assert validator_faults(path) == []


@pytest.mark.service
def test_an_independent_reader_shows_the_report(delivery, tmp_path):
    """DCMTK reads the tree without a complaint about it."""
    path = tmp_path / "report.dcm"
    path.write_bytes(document_of(delivery))
    shown = subprocess.run([dcmtk("dsrdump"), path], capture_output=True, text=True, check=True)
    assert "Claim CONTRADICTED by the waveform" in shown.stdout
    complaints = [line for line in shown.stderr.splitlines() if "Specific Character Set" not in line]
    assert complaints == []


def test_a_written_ecg_that_is_read_says_where_its_leads_are(make_delivery):
    """The way from an object to its report keeps group and channel."""
    ecg = make_delivery().study.ecg
    (parsed,) = parse(write(ecg, "ecg")["ecg.dcm"], ParseLimits())
    assert parsed.dicom.channels == dict(SOURCE_OF_ALL.channels)
    assert content_faults(read(make_delivery(dicom=parsed.dicom))) == []


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 1000)), min_size=1, max_size=50))
def test_ranges_become_closed_ranges_from_one(spans):
    """Each keeps its length: the last sample of a half-open range is the one before its stop."""
    ranges = [(start, start + length) for start, length in spans]
    positions = samples(SOURCE, ranges, PLACE).ReferencedSamplePositions
    found = [int(position) for position in ([positions] if isinstance(positions, int) else positions)]
    assert [(a - 1, b) for a, b in zip(found[::2], found[1::2], strict=True)] == ranges


def test_more_ranges_than_an_element_holds_become_the_one_that_spans_them():
    """Nothing is cut off in silence."""
    ranges = [(2 * place, 2 * place + 1) for place in range(SAMPLE_POSITIONS_MAX)]
    item = samples(SOURCE, ranges, PLACE)
    assert item.TemporalRangeType == "SEGMENT"
    assert list(item.ReferencedSamplePositions) == [1, ranges[-1][1]]


@given(st.text())
def test_no_text_carries_control_characters_into_the_report(words):
    """A reader may write anything; DICOM text may not hold all of it."""
    kept = printable(words)
    assert all(mark.isprintable() or mark in "\r\n" for mark in kept)
