"""A DICOM ECG object gives the recording it means, or says clearly why it gives none."""

import re
import struct
import zlib
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from adapters.inbound.dicom_ecg import parse
from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.identity import Sex
from gem_integration.domain.study import InboundEcg, ParseLimits
from gem_integration.errors import Rejected, UnreadableMessage, UnsupportedRecording
from tests.unit.adapters.dicom_objects import (
    Channels,
    Group,
    code_item,
    data_set_of,
    object_of,
    packed,
    ramp_group,
)

LIMITS = ParseLimits()
EIGHT = (Lead.I, Lead.II, *STANDARD_LEADS[6:])
MICROVOLT = 1e-3


def read(content: bytes) -> InboundEcg:
    """Return the only ECG of an object."""
    (ecg,) = parse(content, LIMITS)
    assert isinstance(ecg, InboundEcg)
    return ecg


def meant(ecg: InboundEcg, group: Group) -> bool:
    """Return whether the recording is what the group means, within 1 µV."""
    samples = ecg.recording.samples_mv.astype(float)
    if ecg.recording.gap_mask is not None:
        samples[ecg.recording.gap_mask] = np.nan
    return ecg.recording.leads == tuple(group.leads) and np.allclose(
        samples, group.millivolts, rtol=0, atol=MICROVOLT, equal_nan=True
    )


@pytest.fixture(scope="module")
def sample() -> bytes:
    """Return the ECG that pydicom ships."""
    path = get_testdata_file("waveform_ecg.dcm", download=False)
    assert isinstance(path, str)
    return Path(path).read_bytes()


def test_the_sample_of_pydicom_is_read_whole(sample: bytes) -> None:
    """Twelve leads, ten seconds at 1000 Hz of the rhythm group, not the median beat."""
    ecg = read(sample)
    assert ecg.recording.leads == STANDARD_LEADS
    assert ecg.recording.samples_mv.shape == (12, 10_000)
    assert ecg.recording.sampling_rate_hz == 1000.0
    assert ecg.warnings == ()


def test_the_samples_are_those_of_pydicom(sample: bytes) -> None:
    """An independent decoder gives the same millivolts."""
    expected_uv = pydicom.dcmread(BytesIO(sample)).waveform_array(0).T
    assert np.abs(read(sample).recording.samples_mv - expected_uv / 1e3).max() < MICROVOLT


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


def test_a_correction_factor_scales_the_samples(shared_data: Path) -> None:
    """Sensitivity 1 and correction 4.88 make 4.88 µV a step."""
    ecg = read((shared_data / "dicom/ecg2dcm/dicom/synthetic_muse.dcm").read_bytes())
    steps = ecg.recording.samples_mv.astype(float) / 4.88e-3
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    assert ecg.patient is not None
    assert (ecg.age_years, ecg.patient.sex) == (45.0, Sex.MALE)


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big"])
@pytest.mark.parametrize("preamble", [True, False])
def test_every_plain_transfer_syntax_is_read(syntax: str, *, preamble: bool) -> None:
    """Implicit, explicit and big-endian objects give the same millivolts, with and without preamble."""
    group = ramp_group(EIGHT)
    data_set = data_set_of(group, big_endian=syntax == "big")
    assert meant(read(packed(data_set, syntax, preamble=preamble)), group)


def test_sequences_of_undefined_length_are_read() -> None:
    """Delimited sequences (PS3.5 section 7.5) give the same as counted ones."""
    group = ramp_group(EIGHT)
    data_set = data_set_of(group)
    data_set["WaveformSequence"].is_undefined_length = True
    data_set.WaveformSequence[0]["ChannelDefinitionSequence"].is_undefined_length = True
    data_set.WaveformSequence[0].is_undefined_length_sequence_item = True
    assert meant(read(packed(data_set)), group)


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


def deflated(content: bytes) -> bytes:
    """Return an explicit little-endian object in the deflated syntax."""
    deflated_uid, explicit_uid = b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.1\0"
    (length,) = struct.unpack_from("<I", content, 140)
    meta, plain = content[132 : 144 + length], content[144 + length :]
    meta = meta.replace(b"UI" + struct.pack("<H", 20) + explicit_uid, b"UI\x16\0" + deflated_uid)
    meta = meta.replace(struct.pack("<I", length), struct.pack("<I", length + 2), 1)
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    return content[:132] + meta + squeezed.compress(plain) + squeezed.flush()


def test_a_deflated_object_is_read() -> None:
    """The deflated syntax is inflated and read."""
    group = ramp_group(EIGHT)
    assert meant(read(deflated(object_of(group))), group)


def test_a_deflated_object_may_not_explode() -> None:
    """An object that inflates more than a hundredfold is refused before it fills the memory."""
    flat = np.zeros((1_000_000, len(EIGHT)), dtype=np.int64)
    bomb = deflated(object_of(ramp_group(EIGHT, stored=flat)))
    with pytest.raises(UnreadableMessage, match="limit"):
        parse(bomb, LIMITS)


@pytest.mark.parametrize(
    ("unit", "sensitivity"), [("uV", 2.5), ("mV", 0.0025), ("nV", 2500.0), ("V", 2.5e-6)]
)
def test_units_are_honoured(unit: str, sensitivity: float) -> None:
    """The same trace in any unit of potential gives the same millivolts."""
    group = ramp_group(EIGHT, channels=Channels(unit=unit, sensitivity=sensitivity))
    assert meant(read(object_of(group)), group)


def test_the_baseline_is_in_units_not_in_steps() -> None:
    """In DICOM, mV = stored x sensitivity x correction + baseline (unlike HL7)."""
    group = ramp_group(EIGHT, channels=Channels(sensitivity=2.0, correction=1.5, baseline=-120.0))
    ecg = read(object_of(group))
    assert meant(ecg, group)
    assert ecg.recording.samples_mv[0, 0] == pytest.approx(-0.12)


@pytest.mark.parametrize(("coding", "bits"), [("SS", 12), ("US", 12), ("SL", 24), ("UL", 20), ("SS", 13)])
def test_bits_above_those_stored_carry_nothing(coding: str, bits: int) -> None:
    """Garbage in the high bits is masked, and the sign comes from the highest stored bit."""
    group = ramp_group(EIGHT, channels=Channels(coding=coding, bits_stored=bits, garbage_above=True))
    if coding.startswith("U"):
        group = ramp_group(EIGHT, stored=np.abs(group.stored), channels=group.channels)
    assert meant(read(object_of(group)), group)


def test_unexplained_high_bits_are_told() -> None:
    """Sign and zeros above the stored bits are expected; anything else is masked with a warning."""
    plain = ramp_group(EIGHT, channels=Channels(bits_stored=12))
    odd = ramp_group(EIGHT, channels=Channels(bits_stored=12, garbage_above=True))
    assert read(object_of(plain)).warnings == ()
    assert "masked" in read(object_of(odd)).warnings[0]


def test_the_padding_value_is_a_gap() -> None:
    """Where no sample was received there is a gap, not a plunge of the trace."""
    group = ramp_group(EIGHT, padding=-32_768)
    group.stored[100:200, 2] = -32_768
    ecg = read(object_of(group))
    assert meant(ecg, group)
    assert ecg.recording.gap_mask is not None
    assert int(ecg.recording.gap_mask.sum()) == 100


@pytest.mark.parametrize("system", ["MDC", "SCPECG", "99SITE"])
def test_leads_are_known_by_code_or_by_meaning(system: str) -> None:
    """MDC and SCP-ECG codes are read; a site's own code falls back to its meaning."""
    group = ramp_group(STANDARD_LEADS, channels=Channels(lead_system=system))
    assert meant(read(object_of(group)), group)


def test_minus_avr_is_turned_over() -> None:
    """The code 2:65 carries aVR upside down, though lists print it as aVR."""
    group = ramp_group((Lead.I, Lead.II, Lead.AVR))
    group.stored[:, 2] *= -1
    data_set = data_set_of(group)
    definition = data_set.WaveformSequence[0].ChannelDefinitionSequence[2]
    definition.ChannelSourceSequence = [code_item("2:65", "MDC", "aVR")]
    ecg = read(packed(data_set))
    assert ecg.recording.leads == tuple(group.leads)
    assert np.allclose(ecg.recording.samples_mv[2], -group.millivolts[2], atol=MICROVOLT)
    assert ecg.warnings == ()


def test_limb_leads_that_contradict_each_other_are_told() -> None:
    """A lead with a wrong gain or sign does not pass in silence."""
    group = ramp_group((Lead.I, Lead.II, Lead.III))
    group.stored[:, 2] *= -1
    assert any("contradicts" in warning for warning in read(object_of(group)).warnings)


@pytest.mark.parametrize(
    "median",
    [{"originality": "DERIVED", "label": "MEDIAN BEAT"}, {"label": "Median"}, {"originality": "DERIVED"}],
)
@pytest.mark.parametrize("median_first", [True, False])
def test_the_rhythm_is_read_not_the_averaged_beat(median: dict[str, str], *, median_first: bool) -> None:
    """Whatever marks the averaged beat, and wherever it stands, the rhythm is the recording."""
    rhythm = ramp_group(EIGHT, 2000)
    beat = ramp_group(STANDARD_LEADS, 600, **median)
    groups = (beat, rhythm) if median_first else (rhythm, beat)
    assert meant(read(object_of(*groups)), rhythm)


def test_averaged_beats_alone_are_no_recording() -> None:
    """An object with nothing but a median beat is refused."""
    with pytest.raises(UnsupportedRecording, match="averaged"):
        parse(object_of(ramp_group(EIGHT, 600, originality="DERIVED", label="MEDIAN BEAT")), LIMITS)


def test_leads_recorded_one_after_the_other_are_not_joined() -> None:
    """Four times three leads are no simultaneous twelve-lead ECG."""
    groups = [ramp_group(STANDARD_LEADS[start : start + 3], 1250) for start in range(0, 12, 3)]
    with pytest.raises(UnsupportedRecording, match="several multiplex groups"):
        parse(object_of(*groups), LIMITS)


def test_simultaneous_groups_are_one_recording() -> None:
    """Limb and chest leads in two groups with one rate, length and offset belong together."""
    at_zero = {"MultiplexGroupTimeOffset": "0"}
    limb = ramp_group(STANDARD_LEADS[:6], 2000, changes=at_zero)
    chest = ramp_group(STANDARD_LEADS[6:], 2000, changes=at_zero)
    ecg = read(object_of(limb, chest))
    assert ecg.recording.leads == STANDARD_LEADS
    expected = np.concatenate([limb.millivolts, chest.millivolts])
    assert np.allclose(ecg.recording.samples_mv, expected, atol=MICROVOLT)
    assert ecg.warnings == ()


def test_an_unmarked_short_group_of_more_leads_is_not_the_rhythm() -> None:
    """A median beat of twelve leads that no label marks does not replace eight leads of rhythm."""
    rhythm = ramp_group(EIGHT, 5000)
    beat = ramp_group(STANDARD_LEADS, 600, label="")
    assert meant(read(object_of(beat, rhythm)), rhythm)


def test_a_second_recording_is_told() -> None:
    """A shorter group of the same leads is left out, and said to be."""
    long, short = ramp_group(EIGHT, 2000), ramp_group(EIGHT, 1000)
    ecg = read(object_of(short, long))
    assert meant(ecg, long)
    assert ecg.warnings == ("multiplex group 1 was not read",)


def test_pressure_channels_are_left_out_of_a_hemodynamic_object() -> None:
    """Twelve leads under Hemodynamic are read; a pressure beside them is named and left out."""
    group = ramp_group((*STANDARD_LEADS, Lead.X))
    data_set = data_set_of(group, SOPClassUID="1.2.840.10008.5.1.4.1.1.9.2.1")
    pressure = data_set.WaveformSequence[0].ChannelDefinitionSequence[12]
    pressure.ChannelSourceSequence = [code_item("109016", "DCM", "Arterial pressure")]
    pressure.ChannelSensitivityUnitsSequence = [code_item("mm[Hg]", "UCUM")]
    ecg = read(packed(data_set))
    assert ecg.recording.leads == STANDARD_LEADS
    assert ecg.warnings == ("channel 13 is no known ECG lead and was left out",)


@pytest.mark.parametrize(
    ("uid", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.9.1.3", "ambulatory"),
        ("1.2.840.10008.5.1.4.1.1.9.3.1", "intracardiac"),
        ("1.2.840.10008.5.1.4.1.1.2", "not an ECG"),
        ("1.2.840.10008.5.1.4.1.1.9.4.1", "not an ECG"),
    ],
)
def test_other_objects_are_refused_by_name(uid: str, words: str) -> None:
    """Ambulatory, intracardiac and foreign objects say what they are not."""
    with pytest.raises(UnsupportedRecording, match=words):
        parse(object_of(ramp_group(EIGHT), SOPClassUID=uid), LIMITS)


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        (Channels(sensitivity=None), "no sensitivity"),
        (Channels(unit=None), "no sensitivity"),
        (
            Channels(changes={"ChannelSensitivityUnitsSequence": [code_item("mm[Hg]", "UCUM")]}),
            "no sensitivity",
        ),
        (Channels(sensitivity=0.0), "zero"),
        (Channels(bits_stored=17), "bits stored"),
        (Channels(changes={"ChannelTimeSkew": "0.02"}), "same time"),
        (Channels(changes={"ChannelSampleSkew": "3"}), "same time"),
        (Channels(changes={"ChannelLabel": "V3"}), "different leads"),
        (
            Channels(changes={"ChannelSourceSequence": [code_item("2:31", "MDC", "Derived Lead I")]}),
            "no channel",
        ),
        (Channels(changes={"ChannelStatus": "TEST DATA"}), "no channel"),
    ],
)
def test_a_channel_that_leaves_doubt_is_refused(channels: Channels, words: str) -> None:
    """Without scale, time or name beyond doubt there is no recording."""
    with pytest.raises(Rejected, match=words):
        parse(object_of(ramp_group((Lead.I,), channels=channels)), LIMITS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"WaveformData": b"\0\0" * 100}, "as long as its header"),
        ({"NumberOfWaveformSamples": 499}, "as long as its header"),
        ({"NumberOfWaveformSamples": 501}, "as long as its header"),
        ({"NumberOfWaveformSamples": 2**31}, "more samples"),
        ({"NumberOfWaveformChannels": 7}, "definitions differ"),
        ({"SamplingFrequency": "0"}, "sampling frequency"),
        ({"SamplingFrequency": None}, "sampling frequency"),
        ({"SamplingFrequency": "10"}, "out of range"),
        ({"WaveformBitsAllocated": 8}, "disagree"),
        ({"WaveformSampleInterpretation": "MB"}, "not linear"),
        ({"WaveformSampleInterpretation": "AB"}, "not linear"),
    ],
)
def test_a_group_at_odds_with_itself_is_refused(changes: dict[str, object], words: str) -> None:
    """Header and data must agree; nothing is cut or filled to make them."""
    with pytest.raises(Rejected, match=words):
        parse(object_of(ramp_group(EIGHT, changes=changes)), LIMITS)


def test_one_lead_twice_is_refused() -> None:
    """Two channels under one lead's name are ambiguous."""
    group = ramp_group((Lead.V1, Lead.V2))
    with pytest.raises(UnsupportedRecording, match="twice"):
        parse(object_of(ramp_group((Lead.V1, Lead.V1), stored=group.stored)), LIMITS)


def test_a_disconnected_lead_is_left_out_and_told() -> None:
    """The lead that was off is absent, the others stay."""
    data_set = data_set_of(ramp_group(EIGHT))
    data_set.WaveformSequence[0].ChannelDefinitionSequence[2].ChannelStatus = "DISCONNECTED"
    ecg = read(packed(data_set))
    assert Lead.V1 not in ecg.recording.leads
    assert ecg.warnings == ("lead V1 was left out: the device marks it disconnected",)


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


def test_a_crowd_of_items_is_refused() -> None:
    """Items are counted before pydicom builds an object of each."""
    crowd = object_of(ramp_group(EIGHT)) + b"\xfe\xff\x00\xe0\0\0\0\0" * 60_000
    with pytest.raises(UnreadableMessage, match="items"):
        parse(crowd, LIMITS)


def test_an_object_without_a_patient_id_is_named_by_its_own_uid() -> None:
    """Sex and age are kept; the identifier cannot be taken for a hospital's."""
    ecg = read(object_of(ramp_group(EIGHT), PatientID="", PatientSex="F", PatientAge="006M"))
    assert ecg.patient is not None
    assert (ecg.patient.patient_id, ecg.patient.assigner) == ("2.25.1", "SOPInstanceUID")
    assert (ecg.patient.sex, ecg.age_years) == (Sex.FEMALE, 0.5)
    assert any("no patient id" in warning for warning in ecg.warnings)


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


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 1000, b"DICM", b"MSH|^~\\&|", b"\0" * 128 + b"DICM", b"\x08\0\x05\0"]
)
def test_bytes_that_are_no_dicom_are_unreadable(content: bytes) -> None:
    """Nothing and nonsense are refused as what they are."""
    with pytest.raises(UnreadableMessage):
        parse(content, LIMITS)


def test_an_object_beyond_the_limit_is_refused(sample: bytes) -> None:
    """Size is checked before anything is read."""
    with pytest.raises(UnreadableMessage, match="larger"):
        parse(sample, ParseLimits(message_bytes_max=1000))
