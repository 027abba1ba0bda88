"""What stands beside the waveform: who, when, which order, and what the cart measured and said."""

from __future__ import annotations

import base64
from datetime import date
from pathlib import Path

import pytest

from adapters.inbound.hl7v2 import parse
from gem_integration.domain.identity import Sex
from gem_integration.domain.study import InboundEcg, InboundOrder, ParseLimits
from gem_integration.errors import IdentityConflict, Rejected, UnreadableMessage, UnsupportedRecording

LIMITS = ParseLimits()
PID = "PID|1||7^^^HOSP^MR||Roe^Ann||19600102|F"
OBR = "OBR|1|P9^EHR|F9^CART|93000^ECG^L|||20240301081000||||||chest pain|||||A77|||||||F||||||^Palpitations"
WAVEFORM = ("OBX|1|CD|93000&CHN|1|1&I^^1&uV^^500", "OBX|2|NA|93000&WAV|1|1^2^3||||||F")

#: An ECG report as an HP-criteria cart's numbers travel through an EHR: invented person, real shape.
CART = (
    "OBX|3|ST|:8601-7^ECG IMPRESSION|2|Normal sinus rhythm, rate  77||||||F",
    "OBX|4|ST|:8601-7^ECG IMPRESSION|3|Normal P axis, PR, rate & rhythm||||||F",
    "OBX|5|ST|:8625-6^PR INTERVAL|3|141||||||F",
    "OBX|6|ST|:8633-0^QRS DURATION|4|83||||||F",
    "OBX|7|ST|:8634-8^QT INTERVAL|5|358||||||F",
    "OBX|8|ST|:8636-3^QTC INTERVAL|6|405||||||F",
    "OBX|9|ST|:8626-4^FRONTAL AXIS P|7|-1||||||F",
    "OBX|10|ST|:99003^FRONTAL AXIS INITIAL 40 MS|8|41||||||F",
    "OBX|11|ST|:8632-2^FRONTAL AXIS MEAN QRS|9|66||||||F",
    "OBX|12|ST|:8638-9^FRONTAL AXIS T|10|40||||||F",
    "OBX|13|ST|:99006^ECG SEVERITY T|11|- NORMAL ECG -||||||F",
    "NTE|1||Criteria: C-HP708",
)


def message(
    *segments: str, kind: str = "ORU^R01", control: str = "C1", sent: str = "20240301090000"
) -> bytes:
    header = f"MSH|^~\\&|CART|LAB|HUB|LAB|{sent}||{kind}|{control}|P|2.5.1||||||UNICODE UTF-8"
    return "\r".join((header, *segments)).encode()


def read(*segments: str, limits: ParseLimits = LIMITS, **header: str) -> InboundEcg:
    (ecg,) = parse(message(*segments, **header), limits)
    assert isinstance(ecg, InboundEcg)
    return ecg


def test_a_report_without_units_types_or_coding_system_is_understood():
    """Colon before the code, numbers typed as text, the rate only in words, local codes kept."""
    ecg = read(PID, OBR, *WAVEFORM, *CART)
    measured = {item.kind: item.value for item in ecg.cart_measurements if item.kind}
    assert measured == {
        "heart_rate": 77.0,
        "pr_interval": 141.0,
        "qrs_duration": 83.0,
        "qt_interval": 358.0,
        "p_axis": -1.0,
        "qrs_axis": 66.0,
        "t_axis": 40.0,
    }
    assert {item.code: item.value for item in ecg.cart_measurements if item.kind is None} == {
        ":8636-3": 405.0,
        ":99003": 41.0,
    }
    assert ecg.cart_statements == (
        "Normal sinus rhythm, rate  77",
        "Normal P axis, PR, rate & rhythm",
        "- NORMAL ECG -",
        "Criteria: C-HP708",
    )


def test_a_criterion_in_a_statement_is_no_measured_rate():
    """A printed "rate> 99" is a limit."""
    ecg = read(PID, OBR, *WAVEFORM, "OBX|3|TX|8601-7^^LN||Sinus tachycardia, rate> 99")
    assert ecg.cart_measurements == ()


@pytest.mark.parametrize(
    ("observation", "kind", "value", "lead"),
    [
        ("NM|8867-4^^LN||71|/min^^UCUM", "heart_rate", 71.0, None),
        ("NM|VR^Ventricular Rate^L||71|BPM", "heart_rate", 71.0, None),
        ("NM|X1^QRS Duration^L||0.09|s", "qrs_duration", 90.0, None),
        ("ST|X1^PR Interval^L||150 ms", "pr_interval", 150.0, None),
        ("SN|8634-8^^LN||^401|ms", "qt_interval", 401.0, None),
        ("NM|147232^MDC_ECG_TIME_PD_QT_GL^MDC||401|ms", "qt_interval", 401.0, None),
        ("NM|X9^local^L^8633-0^QRS^LN||99|ms", "qrs_duration", 99.0, None),
        ("NM|2:2048^^MDC^MDC_ECG_LEAD_V5^^MDC||1.2|mV", "r_amplitude", 1.2, "V5"),
        ("NM|X1^QRS Duration^L||90|mmHg", None, 90.0, None),
        ("NM|8302-2^Height^LN||172|cm", None, 172.0, None),
    ],
)
def test_measurements_map_by_code_alternate_code_or_label(
    observation: str, kind: str | None, value: float, lead: str | None
):
    """A code we do not know, or a unit of another kind, keeps the number without a meaning."""
    ecg = read(PID, OBR, *WAVEFORM, f"OBX|3|{observation}")
    (item,) = ecg.cart_measurements
    assert (item.kind, item.value, item.lead) == (kind, value, lead)


@pytest.mark.parametrize("text", ["<60", ">300", "1,5", "12-14", "١٢", ""])
def test_what_is_no_plain_number_is_no_measurement(text: str):
    """Ranges, comparisons and foreign digits are not measured values."""
    assert read(PID, OBR, *WAVEFORM, f"OBX|3|ST|8625-6^^LN||{text}").cart_measurements == ()


def test_withdrawn_values_are_left_out():
    """OBX-11 D, W and X are no findings of this patient."""
    ecg = read(PID, OBR, *WAVEFORM, "OBX|3|NM|8633-0^^LN||99|ms|||||W")
    assert ecg.cart_measurements == ()
    assert any("withdrawn" in warning for warning in ecg.warnings)


def test_patient_and_order_are_read():
    """PID and OBR, with times in the sender's zone."""
    ecg = read(PID, OBR, *WAVEFORM, "TQ1|1||||||||S", sent="20240301090000+0200")
    assert ecg.patient is not None
    assert (ecg.patient.patient_id, ecg.patient.assigner) == ("7", "HOSP")
    assert (ecg.patient.family_name, ecg.patient.given_name) == ("Roe", "Ann")
    assert (ecg.patient.birth_date, ecg.patient.sex) == (date(1960, 1, 2), Sex.FEMALE)
    assert (ecg.placer_number, ecg.filler_number, ecg.accession_number) == ("P9", "F9", "A77")
    assert ecg.indication == "Palpitations; chest pain"
    assert (ecg.result_status, ecg.stat) == ("F", True)
    assert ecg.acquisition.performed_at is not None
    assert ecg.acquisition.performed_at.isoformat() == "2024-03-01T08:10:00+02:00"
    assert not ecg.acquisition.zone_assumed


def test_without_any_zone_the_sites_is_assumed_and_said():
    """A time without a zone is the site's, and marked so."""
    ecg = read(PID, OBR, *WAVEFORM, limits=ParseLimits(assumed_zone="Europe/Rome"))
    assert ecg.acquisition.zone_assumed
    assert ecg.acquisition.performed_at is not None
    assert ecg.acquisition.performed_at.isoformat() == "2024-03-01T08:10:00+01:00"


@pytest.mark.parametrize(
    ("text", "performed"),
    [
        ("20240301081500.123456789", "2024-03-01T08:15:00.123456+00:00"),
        ("202403010815", "2024-03-01T08:15:00+00:00"),
        ("2024-03-01T08:15:00", None),
        ("20241301081500", None),
        ("202403", None),
    ],
)
def test_a_start_time_is_read_or_said_to_be_none(text: str, performed: str | None):
    """Any precision from the day on; what is no time stays as text, with a warning."""
    ecg = read(PID, "OBR|1", f"OBX|1|TS|93000&TIM|1|{text}", *WAVEFORM)
    found = ecg.acquisition.performed_at
    assert (found.isoformat() if found else None) == performed
    assert ecg.acquisition.performed_at_text == text
    assert bool(ecg.warnings) == (performed is None)


@pytest.mark.parametrize(
    ("field", "patient_id", "assigner"),
    [
        ("1^^^A^SS~2^^^B^PI~3^^^C^MR", "3", "C"),
        ("1^^^A^SS~2^^^B^PI", "2", "B"),
        ("1^^^A&1.2.3&ISO^SS", "1", "A"),
        ("1^^^&1.2.3&ISO^MR", "1", "1.2.3"),
        ("^^^A^MR~5", "5", None),
    ],
)
def test_the_medical_record_number_is_preferred(field: str, patient_id: str, assigner: str | None):
    """Of several identifiers, MR, then PI, then the first."""
    patient = read(PID.replace("7^^^HOSP^MR", field), OBR, *WAVEFORM).patient
    assert patient is not None
    assert (patient.patient_id, patient.assigner) == (patient_id, assigner)


def test_a_birth_year_gives_an_age_but_no_birth_date():
    """No day is invented."""
    ecg = read(PID.replace("19600102", "1960"), OBR, *WAVEFORM)
    assert ecg.patient is not None
    assert ecg.patient.birth_date is None
    assert ecg.age_years == pytest.approx(63.7, abs=0.1)


def test_a_stated_age_is_used_without_a_birth_date():
    """LOINC 30525-0 is the age, not a measurement."""
    ecg = read(PID.replace("19600102", ""), OBR, *WAVEFORM, "OBX|3|NM|30525-0^AGE^LN||52|a")
    assert (ecg.age_years, ecg.cart_measurements) == (52.0, ())


@pytest.mark.parametrize("sex", ["U", "A", "O", "X", "male", ""])
def test_other_codes_are_no_sex(sex: str):
    """Only M and F mean something to the criteria."""
    patient = read(PID.replace("|F", f"|{sex}"), OBR, *WAVEFORM).patient
    assert patient is not None
    assert patient.sex is None


def test_a_message_without_an_id_is_named_by_its_content():
    """MSH-10 is empty in real messages; the same content gets the same name."""
    first, again = (read(PID, OBR, *WAVEFORM, control="").message_id for _ in range(2))
    other = read(PID, OBR.replace("A77", "A78"), *WAVEFORM, control="").message_id
    assert first == again != other
    assert first.startswith("sha256:")


def test_measurements_under_another_order_request_join_the_only_ecg():
    """Waveform and numbers often come as two OBR of one report."""
    second = OBR.replace("OBR|1", "OBR|2")
    ecg = read(PID, OBR, *WAVEFORM, second, "OBX|1|NM|8633-0^^LN||99|ms")
    assert [item.kind for item in ecg.cart_measurements] == ["qrs_duration"]
    other = second.replace("A77", "A78")
    assert read(PID, OBR, *WAVEFORM, other, "OBX|1|NM|8633-0^^LN||99|ms").cart_measurements == ()


def test_two_patients_in_one_message_keep_apart():
    """Each PID starts another patient's reports."""
    ecgs = parse(message(PID, OBR, *WAVEFORM, PID.replace("||7^", "||8^"), OBR, *WAVEFORM), LIMITS)
    assert [ecg.patient.patient_id for ecg in ecgs if ecg.patient] == ["7", "8"]


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ((PID, OBR, *CART), "cart measurements but no waveform"),
        ((PID, OBR, "OBX|1|NM|2345-7^Glucose^LN||99|mg/dL"), "neither an ECG"),
        ((PID, "PV1|1|I"), "neither an ECG"),
        ((PID, OBR, "OBX|1|RP|X^ECG||file.dcm"), "pointer"),
    ],
)
def test_a_message_without_an_ecg_says_what_it_holds(segments: tuple[str, ...], words: str):
    """The refusal names what came and what was expected, and no patient."""
    with pytest.raises(UnsupportedRecording, match=words) as refused:
        parse(message(*segments), LIMITS)
    assert "Roe" not in str(refused.value)


@pytest.mark.parametrize("kind", ["ORM^O01", "OMG^O19", "OMI^O23"])
def test_orders_are_read(kind: str):
    """Control, status, numbers, priority and reason of each order."""
    segments = ("ORC|NW|P9|F9||SC||^^^^^S||20240301070000", OBR, "ORC|CA|P8|||CA", "OBR|2|P8")
    first, second = parse(message(PID, *segments, kind=kind), LIMITS)
    assert isinstance(first, InboundOrder)
    assert isinstance(second, InboundOrder)
    assert (first.control, first.status, first.priority) == ("NW", "SC", "STAT")
    assert (first.accession_number, first.placer_number, first.filler_number) == ("A77", "P9", "F9")
    assert first.patient is not None
    assert first.requested_at is not None
    assert (second.control, second.status, second.placer_number) == ("CA", "CA", "P8")


def test_an_imaging_order_names_its_accession_number_in_ipc():
    """IHE puts the accession number into IPC-1."""
    (order,) = parse(message(PID, "ORC|NW|P9|F9", "OBR|1", "IPC|ACC5|REQ5", kind="OMI^O23"), LIMITS)
    assert order.accession_number == "ACC5"


def test_an_order_without_a_control_code_is_refused():
    """An order that does not say whether it is new or cancelled is not guessed."""
    with pytest.raises(UnreadableMessage, match="ORC-1"):
        parse(message(PID, "ORC||P9", OBR, kind="ORM^O01"), LIMITS)


AECG = """<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<componentOf><timepointEvent><componentOf><subjectAssignment><subject>
<trialSubject><id root="1.2" extension="{}"/></trialSubject>
</subject></subjectAssignment></componentOf></timepointEvent></componentOf>
<component><series><code code="RHYTHM"/><component><sequenceSet>
<component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS"><head value="20240301080000"/>
<increment value="2" unit="ms"/></value></sequence></component>
<component><sequence><code code="MDC_ECG_LEAD_II"/><value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/>
<scale value="5" unit="uV"/><digits>1 2 -3</digits></value></sequence></component>
</sequenceSet></component></series></component></AnnotatedECG>"""


def embedded(content: bytes, encoding: str = "Base64") -> str:
    if encoding == "Base64":
        text = base64.encodebytes(content).decode().replace("\n", "\\.br\\")
    elif encoding == "Hex":
        text = content.hex()
    else:
        text = content.decode().replace("\\", "\\E\\").replace("&", "\\T\\").replace("\n", "\\.br\\")
    return f"OBX|1|ED|93000^ECG^L||CART^TEXT^XML^{encoding}^{text}||||||F"


@pytest.mark.parametrize("encoding", ["Base64", "Hex", "A", ""])
def test_an_embedded_annotated_ecg_is_read(encoding: str):
    """The file gives the recording, the message gives patient and order."""
    ecg = read(PID, OBR, embedded(AECG.format("7").encode(), encoding), CART[3])
    assert ecg.recording.sample_count == 3
    assert ecg.patient is not None
    assert ecg.patient.family_name == "Roe"
    assert (ecg.message_id, ecg.accession_number) == ("C1", "A77")
    assert [item.kind for item in ecg.cart_measurements] == ["qrs_duration"]


def test_an_embedded_dicom_object_is_read():
    """DICOM under ED, with the cart's numbers kept and the message's patient on top."""
    pydicom_data = pytest.importorskip("pydicom.data")
    content = Path(pydicom_data.get_testdata_file("waveform_ecg.dcm")).read_bytes()
    pid = "PID|1||642341^^^HOSP^MR||Roe^Ann||19710123|F"
    ecg = read(pid, OBR, embedded(content).replace("TEXT^XML", "application^dicom"))
    assert len(ecg.recording.leads) == 12
    assert ecg.sop_instance_uid is not None
    assert ecg.cart_measurements
    assert ecg.patient is not None
    assert ecg.patient.family_name == "Roe"
    with pytest.raises(IdentityConflict, match="birth"):
        read(pid.replace("19710123", "19720123"), OBR, embedded(content))


def test_an_embedded_ecg_of_another_patient_is_stopped():
    """Neither of the two patients gets an ECG that may be the other's."""
    with pytest.raises(IdentityConflict, match="different patients") as refused:
        read(PID, OBR, embedded(AECG.format("8").encode()))
    assert "8" not in str(refused.value)


def test_any_identifier_of_the_message_may_be_the_embedded_one():
    """The cart may know the patient by another of the message's identifiers."""
    pid = PID.replace("7^^^HOSP^MR", "7^^^HOSP^MR~8^^^CLINIC^PI")
    assert read(pid, OBR, embedded(AECG.format("8").encode())).patient is not None


def test_attachments_that_are_no_ecg_are_passed_over():
    """A broken PDF beside a good waveform does not stop it."""
    assert read(PID, OBR, *WAVEFORM, "OBX|3|ED|X||A^AP^PDF^Base64^!!!").recording.sample_count == 3


@pytest.mark.parametrize(
    "value", ["^AP^DICOM^Base64^!!!", "^AP^XML^Hex^0x", "^AP^XML^Base64^QUJD=QUJD", "^AP^dicom^Base64^QUJD"]
)
def test_a_broken_embedded_file_is_refused(value: str):
    """Content that does not decode is no ECG."""
    with pytest.raises(Rejected):
        read(PID, OBR, f"OBX|1|ED|X||{value}")


def test_the_embedded_limit_holds():
    """An embedded file larger than the limit is refused before it is decoded."""
    with pytest.raises(UnreadableMessage, match="larger"):
        read(PID, OBR, embedded(AECG.encode()), limits=ParseLimits(embedded_bytes_max=100))
