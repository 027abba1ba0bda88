"""A DICOM ECG object gives the recording it means, or says clearly why it gives none."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest

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
    read,
    sample_object,
)

LIMITS = ParseLimits()
EIGHT = (Lead.I, Lead.II, *STANDARD_LEADS[6:])
MICROVOLT = 1e-3


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
    return sample_object()


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


def test_a_crowd_of_items_is_refused() -> None:
    """Items are counted before pydicom builds an object of each."""
    crowd = object_of(ramp_group(EIGHT)) + b"\xfe\xff\x00\xe0\0\0\0\0" * 60_000
    with pytest.raises(UnreadableMessage, match="items"):
        parse(crowd, LIMITS)


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
