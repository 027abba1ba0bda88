"""Who, when and what the cart said: the words of a DICOM ECG object arrive as they were meant."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from pydicom.dataset import Dataset

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.identity import Sex
from gem_integration.errors import Rejected
from tests.unit.adapters.dicom_objects import (
    code_item,
    data_set_of,
    object_of,
    packed,
    ramp_group,
    read,
    sample_object,
)

EIGHT = (Lead.I, Lead.II, *STANDARD_LEADS[6:])


@pytest.fixture(scope="module")
def sample() -> bytes:
    """Return the ECG that pydicom ships."""
    return sample_object()


def test_the_sample_names_patient_and_cart(sample: bytes) -> None:
    """Patient, order, time and device come from their elements; an absent zone is said to be assumed."""
    ecg = read(sample)
    assert ecg.patient is not None
    assert (ecg.patient.birth_date, ecg.patient.sex) == (date(1971, 1, 23), Sex.FEMALE)
    assert ecg.acquisition.performed_at == datetime(2013, 1, 25, 10, 59, 19, tzinfo=UTC)
    assert ecg.acquisition.zone_assumed
    assert ecg.acquisition.device == "Mortara Instrument, Inc. el250"
    assert ecg.acquisition.filters == ("high-pass 0.05 Hz", "low-pass 300 Hz")


def test_the_sample_keeps_the_voice_of_its_cart(sample: bytes) -> None:
    """The cart's measurements carry our kinds, and its statements its own words."""
    ecg = read(sample)
    known = {one.kind: (one.value, one.unit) for one in ecg.cart_measurements if one.kind}
    assert known == {
        "rr_interval": (982.0, "ms"),
        "pr_interval": (161.0, "ms"),
        "qrs_duration": (75.0, "ms"),
        "qt_interval": (368.0, "ms"),
        "p_axis": (74.0, "deg"),
        "qrs_axis": (52.0, "deg"),
        "t_axis": (57.0, "deg"),
    }
    assert ecg.cart_statements == ("RITMO SINUSALE", "ECG NORMALE")


def test_every_element_that_tells_of_order_and_device_arrives() -> None:
    """Order numbers, reason, priority, issuer, serial number and dates are read."""
    ecg = read(
        object_of(
            ramp_group(EIGHT),
            AccessionNumber="A1",
            PlacerOrderNumberImagingServiceRequest="P1",
            FillerOrderNumberImagingServiceRequest="F1",
            ReasonForTheRequestedProcedure="chest pain",
            RequestedProcedurePriority="STAT",
            IssuerOfPatientID="HOSP",
            PatientBirthDate="19500203",
            DeviceSerialNumber="S1",
            Manufacturer="Maker",
            ManufacturerModelName="Model",
        )
    )
    assert (ecg.accession_number, ecg.placer_number, ecg.filler_number) == ("A1", "P1", "F1")
    assert (ecg.indication, ecg.stat) == ("chest pain", True)
    assert (ecg.acquisition.device, ecg.acquisition.device_serial) == ("Maker Model", "S1")
    assert ecg.patient is not None
    assert (ecg.patient.assigner, ecg.patient.birth_date) == ("HOSP", date(1950, 2, 3))


@pytest.mark.parametrize("day", ["Acquisition", "Content", "Study"])
def test_older_objects_tell_the_time_in_two_elements(day: str) -> None:
    """Date and time apart are joined."""
    elements = {"AcquisitionDateTime": None, f"{day}Date": "20240102", f"{day}Time": "030405"}
    performed_at = read(object_of(ramp_group(EIGHT), **elements)).acquisition.performed_at
    assert performed_at == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"AcquisitionDateTime": "20240102030405.25+0530"}, "2024-01-02T03:04:05.250000+05:30"),
        ({"TimezoneOffsetFromUTC": "-0800"}, "2024-01-02T03:04:05-08:00"),
        (
            {"AcquisitionDateTime": "20240102", "ContentDate": "20240102", "ContentTime": "0701"},
            "2024-01-02T07:01:00+00:00",
        ),
        ({"AcquisitionDateTime": "20240102"}, None),
        ({"AcquisitionDateTime": "19000101000000"}, None),
    ],
)
def test_the_time_is_as_fine_as_the_source_and_no_finer(
    elements: dict[str, object], expected: str | None
) -> None:
    """A zone is honoured, a bare or impossible date is no moment."""
    performed_at = read(object_of(ramp_group(EIGHT), **elements)).acquisition.performed_at
    assert (performed_at.isoformat() if performed_at else None) == expected


def test_an_impossible_date_is_no_moment_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A thirteenth month gives no time, and nothing quotes it."""
    content = object_of(ramp_group(EIGHT)).replace(b"20240102030405", b"20241302030405")
    ecg = read(content)
    assert ecg.acquisition.performed_at is None
    assert ecg.acquisition.performed_at_text == "20241302030405"
    assert not caplog.records


def test_the_recording_starts_with_its_group() -> None:
    """The group's offset is added to the moment of acquisition."""
    ecg = read(object_of(ramp_group(EIGHT, changes={"MultiplexGroupTimeOffset": "1500"})))
    assert ecg.acquisition.performed_at is not None
    assert ecg.recording.started_at == ecg.acquisition.performed_at + timedelta(seconds=1.5)


@pytest.mark.parametrize(
    ("charset", "name", "family", "given"),
    [
        ("ISO_IR 192", "Müller^Jörg", "Müller", "Jörg"),
        ("ISO_IR 100", "Müller^Jörg", "Müller", "Jörg"),
        ("GB18030", "Wang^XiaoDong=王^小东", "Wang", "XiaoDong"),
        ("GB18030", "=王^小东", "王", "小东"),
        (["", "ISO 2022 IR 87"], "=山田^太郎", "山田", "太郎"),
    ],
)
def test_names_are_read_in_their_character_set(
    charset: str | list[str], name: str, family: str, given: str
) -> None:
    """Specific Character Set is honoured, ISO 2022 and GB18030 included."""
    patient = read(object_of(ramp_group(EIGHT), SpecificCharacterSet=charset, PatientName=name)).patient
    assert patient is not None
    assert (patient.family_name, patient.given_name) == (family, given)


def test_escape_sequences_do_not_stay_in_names() -> None:
    """GB 2312 by code extension (PS3.5 annex K) is decoded, and its escapes are gone."""
    content = object_of(
        ramp_group(EIGHT), SpecificCharacterSet=["", "ISO 2022 IR 58"], PatientName="=AAAAAA^BBBBBBBB"
    )
    extended = b"=\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1\xb6\xab"
    patient = read(content.replace(b"=AAAAAA^BBBBBBBB", extended)).patient
    assert patient is not None
    assert (patient.family_name, patient.given_name) == ("王", "小东")


def test_chinese_statements_are_kept() -> None:
    """The cart's sentence arrives as it was written."""
    annotation = Dataset()
    annotation.ReferencedWaveformChannels = [1, 0]
    annotation.UnformattedTextValue = "窦性心律，正常心电图"
    content = object_of(
        ramp_group(EIGHT), SpecificCharacterSet="GB18030", WaveformAnnotationSequence=[annotation]
    )
    assert read(content).cart_statements == ("窦性心律，正常心电图",)


def test_a_measurement_of_one_channel_names_its_lead() -> None:
    """An annotation that points to one channel is that lead's; one of the group is global."""
    annotations = []
    for channels in ([1, 3], [1, 0]):
        annotation = Dataset()
        annotation.ConceptNameCodeSequence = [code_item("2:7936", "MDC", "QRS duration per lead")]
        annotation.MeasurementUnitsCodeSequence = [code_item("ms", "UCUM")]
        annotation.ReferencedWaveformChannels = channels
        annotation.NumericValue = "96"
        annotations.append(annotation)
    ecg = read(object_of(ramp_group(EIGHT), WaveformAnnotationSequence=annotations))
    assert [one.lead for one in ecg.cart_measurements] == ["V1", None]


def test_a_broken_annotation_does_not_cost_the_recording() -> None:
    """A number that is none is left out and told."""
    annotation = Dataset()
    annotation.ConceptNameCodeSequence = [code_item("2:16160", "MDC", "QT")]
    annotation.ReferencedWaveformChannels = [1, 0]
    annotation.NumericValue = "9999"
    content = object_of(ramp_group(EIGHT), WaveformAnnotationSequence=[annotation])
    ecg = read(content.replace(b"9999", b"----"))
    assert ecg.cart_measurements == ()
    assert ecg.warnings == ("annotation 1 cannot be read and was left out",)


def test_an_object_without_a_patient_id_names_nobody() -> None:
    """Sex and age are kept for the criteria; a name without an identifier makes no patient."""
    ecg = read(object_of(ramp_group(EIGHT), PatientID="", PatientSex="F", PatientAge="006M"))
    assert (ecg.patient, ecg.sex, ecg.age_years) == (None, Sex.FEMALE, 0.5)
    assert any("no patient id" in warning for warning in ecg.warnings)


def test_the_birth_date_gives_the_age_of_the_unnamed() -> None:
    """Without an age as sent, it is that at the time of acquisition."""
    ecg = read(object_of(ramp_group(EIGHT), PatientID="", PatientBirthDate="19940102"))
    assert ecg.age_years == pytest.approx(30.0, abs=0.01)


def test_no_refusal_tells_who_the_patient_is() -> None:
    """Messages of errors and warnings carry no value of the object."""
    data_set = data_set_of(ramp_group(EIGHT), PatientName="Geheim^Person", PatientID="4711-0815")
    content = packed(data_set)
    said = []
    for cut in range(200, len(content), 97):
        try:
            said += [*read(content[:cut]).warnings]
        except Rejected as error:
            said.append(str(error) + str(error.context))
    assert not re.search("Geheim|Person|4711|0815", " ".join(said))
