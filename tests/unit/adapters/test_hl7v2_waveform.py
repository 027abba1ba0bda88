"""Waveforms in HL7 v2: good values to the microvolt, or a clear refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.inbound.hl7v2 import parse
from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.study import InboundEcg, ParseLimits
from gem_integration.errors import Rejected, UnreadableMessage, UnsupportedRecording

LIMITS = ParseLimits()
TIM = "TS|93000&TIM^^L|1|20240301081500.25+0100"
CHN = "CD|93000&CHN^^L|1|{}"
TWO_CHANNELS = CHN.format("1&I^^2.5&uV^1&0^500~2&II")


def message(*observations: str, kind: str = "ORU^R01") -> bytes:
    lines = [
        f"MSH|^~\\&|CART|LAB|HUB|LAB|20240301090000||{kind}|C1|P|2.5.1",
        "PID|1||7^^^HOSP^MR||Roe^Ann||19600102|F",
        "OBR|1|P9|F9|93000^ECG^L|||20240301081000",
        *(f"OBX|{number}|{text}" for number, text in enumerate(observations, start=1)),
    ]
    return "\r".join(lines).encode()


def read(*observations: str, kind: str = "ORU^R01", limits: ParseLimits = LIMITS) -> list[InboundEcg]:
    return [ecg for ecg in parse(message(*observations, kind=kind), limits) if isinstance(ecg, InboundEcg)]


def millivolts(ecg: InboundEcg, lead: Lead) -> list[float]:
    return [round(float(value), 6) for value in ecg.recording.lead_mv(lead)]


@pytest.mark.parametrize("kind", ["ORU^R01", "ORU^W01", "ORU^R01^ORU_R01", "ORF^R04"])
def test_channel_blocks_are_read(kind: str):
    """TIM, CHN and an NA with one repetition for each channel make one recording."""
    (ecg,) = read(TIM, TWO_CHANNELS, "NA|93000&WAV|1|100^-200^3~4^5^6", kind=kind)
    assert ecg.recording.leads == (Lead.I, Lead.II)
    assert millivolts(ecg, Lead.I) == [0.25, -0.5, 0.0075]
    assert ecg.recording.sampling_rate_hz == 500.0
    assert ecg.recording.started_at is not None
    assert ecg.recording.started_at.isoformat() == "2024-03-01T08:15:00.250000+01:00"


def test_multiplexed_values_are_read():
    """MA repeats a time sample, one value for each channel."""
    (ecg,) = read(TWO_CHANNELS, "MA|93000&WAV|1|100^4~-200^5~3^6")
    assert millivolts(ecg, Lead.I) == [0.25, -0.5, 0.0075]
    assert millivolts(ecg, Lead.II) == [0.01, 0.0125, 0.015]


def test_an_absent_channel_item_repeats_the_last_one_present():
    """Item by item: scale from the first, rate from the second, baseline from the third repetition."""
    definition = "1&I^^2&uV^1&10^500~2&II^^4~3&V1^^^2&0~4&V2^^&mV^&5"
    (ecg,) = read(CHN.format(definition), "NA|93000&WAV|1|11~11~11~11")
    values = [millivolts(ecg, lead)[0] for lead in ecg.recording.leads]
    assert values == [0.002, 0.004, 0.088, 48.0]


def test_a_baseline_is_a_data_value_in_hl7():
    """The value is (sample - baseline) x sensitivity x correction, unlike DICOM."""
    (ecg,) = read(CHN.format("1&I^^5&uV^1.1&2048^250"), "NA|93000&WAV|1|2048^2148")
    assert millivolts(ecg, Lead.I) == [0.0, 0.55]


def test_one_group_for_each_lead_makes_one_recording():
    """Twelve groups with their own sub-ids and one start belong together, whatever stands between."""
    observations = []
    for number, lead in enumerate(STANDARD_LEADS, start=1):
        observations += [
            f"CD|6&CHN^^99L|{number}|{number}^{lead}^1&uv^^500^-2048&2047",
            f"DTM|6&TIM^^99L|{number}|20240301081500",
            f"ST|{number}^note^L||between",
            f"NA|6&WAV^^99L|{number}|{number}^2^3^",
        ]
    (ecg,) = read(*observations)
    assert ecg.recording.leads == STANDARD_LEADS
    assert ecg.recording.sample_count == 3
    assert millivolts(ecg, Lead.V6)[0] == 0.012


def test_plain_lead_codes_with_a_unit_and_a_rate_are_read():
    """Many senders give no channel definition: the lead stands in OBX-3, the unit in OBX-6."""
    (ecg,) = read(
        "NA|MDC_ECG_LEAD_I^^MDC|1|0.1^0.2|mV^^UCUM",
        "NA|131330^MDC_ECG_ELEC_POTL_II^MDC|2|300^-400|266419^MDC_DIM_MICRO_VOLT^MDC",
        "NA|5.6.3-9-3^^SCPECG|3|1^2|uV",
        "NA|X17^Lead aVR^L|4|1^2|microV",
        "NM|0^MDC_ATTR_SAMP_RATE^MDC|1.1|500|264608^MDC_DIM_PER_SEC^MDC",
    )
    assert ecg.recording.leads == (Lead.I, Lead.II, Lead.V1, Lead.AVR)
    assert millivolts(ecg, Lead.II) == [0.3, -0.4]


def test_successive_waveforms_of_a_group_continue_each_other():
    """A long waveform may come in pieces."""
    (ecg,) = read(TIM, TWO_CHANNELS, "NA|93000&WAV|1|1^2~3^4", "NA|93000&WAV|1|5~6")
    assert millivolts(ecg, Lead.I) == [0.0025, 0.005, 0.0125]


def test_a_new_start_time_is_never_joined_across():
    """A second TIM marks a gap: two recordings, not one."""
    later = TIM.replace("081500", "081530")
    first, second = read(TIM, TWO_CHANNELS, "NA|93000&WAV|1|1^2~3^4", later, "NA|93000&WAV|1|5^6^7~6^7^8")
    assert (first.recording.sample_count, second.recording.sample_count) == (2, 3)
    assert first.recording.started_at != second.recording.started_at


def test_representative_beats_are_left_out():
    """The cart's averaged beat beside the rhythm is no recording of its own."""
    (ecg,) = read(
        "NA|MDC_ECG_LEAD_I|1|1^2^3|uV",
        "NA|MDC_ECG_LEAD_I^Representative beat|2|1^2|uV",
        "NM|X^Sampling rate^L||500|Hz",
    )
    assert ecg.recording.sample_count == 3
    assert any("representative beat" in warning for warning in ecg.warnings)


def test_absent_values_are_gaps():
    """Empty components, HL7's null and omitted trailing values are gaps, not zeros."""
    (ecg,) = read(TWO_CHANNELS, 'NA|93000&WAV|1|1^^3^""^5~6^7')
    assert ecg.recording.gap_mask is not None
    assert ecg.recording.gap_mask.tolist() == [
        [False, True, False, True, False],
        [False, False, True, True, True],
    ]


def test_values_outside_the_declared_range_are_gaps():
    """Minimum and maximum data values tell an invalid sample from a signal."""
    values = "^".join(["7"] * 40 + ["-32768"])
    (ecg,) = read(CHN.format("1&I^^1&uV^^500^-2048&2047"), f"NA|93000&WAV|1|{values}^1")
    assert ecg.recording.gap_mask is not None
    assert ecg.recording.gap_mask.sum() == 1
    assert any("outside the declared range" in warning for warning in ecg.warnings)


def test_channels_that_are_no_lead_are_left_out_and_said():
    """A pulse wave beside the ECG does not stop it."""
    (ecg,) = read(CHN.format("1&I^^1&uV^^500~2&PLETH^^1&%"), "NA|93000&WAV|1|1^2~3^4")
    assert ecg.recording.leads == (Lead.I,)
    assert any("left out" in warning for warning in ecg.warnings)


@pytest.mark.parametrize("name", ["-aVR", "131137", "2:65"])
def test_a_lead_sent_upside_down_is_turned(name: str):
    """Minus aVR is aVR with the other sign, however lists print its code."""
    (ecg,) = read(CHN.format(f"1&{name}^^1&uV^^500"), "NA|93000&WAV|1|1000^-2000")
    assert millivolts(ecg, Lead.AVR) == [-1.0, 2.0]


def test_local_lead_names_come_from_the_site():
    """A peer's own names are a setting, not code."""
    limits = ParseLimits(lead_aliases={"KANAL-A": "V4R"})
    (ecg,) = read(CHN.format("1&KANAL-A^^1&uV^^500"), "NA|93000&WAV|1|1^2", limits=limits)
    assert ecg.recording.leads == (Lead.V4R,)


@pytest.mark.parametrize(
    ("definition", "values", "words"),
    [
        ("1&I^^1^^500", "1^2", "unit"),
        ("1&I^^1&mmHg^^500", "1^2", "unit"),
        ("1&I^^&uV^^500", "1^2", "sensitivity"),
        ("1&I^^0&uV^^500", "1^2", "sensitivity"),
        ("1&I^^1&uV", "1^2", "sampling frequency"),
        ("1&I^^1&uV^^0", "1^2", "sampling rate"),
        ("1&I^^1&V^^500", "9999^2", "surface"),
        ("1&I^^1&uV^^500~2&I", "1^2~3^4", "twice"),
        ("1&I^^1&uV^1&0&0^500~2&II^^^1&0&0.01", "1^2~3^4", "skewed"),
        ("1&I^^1&uV^^500~2&II^^^^250", "1^2~3^4", "different sampling"),
        ("1&I^^1&uV^^500^-5&5", "100^200", "contradict"),
        ("1&I^^1&uV^^500", "", "no sample"),
        ("1&MLII^^1&uV^^500", "1^2", "without any lead"),
        ("1&MDC_ECG_LEAD_dI^^1&uV^^500", "1^2", "without any lead"),
        ("3^^1&uV^^500", "1^2", "without any lead"),
    ],
)
def test_what_is_not_certain_is_refused(definition: str, values: str, words: str):
    """A missing unit, scale, rate or name, or a contradiction, is never filled in."""
    with pytest.raises(UnsupportedRecording, match=words):
        read(CHN.format(definition), f"NA|93000&WAV|1|{values}")


@pytest.mark.parametrize(
    "values",
    ["NaN", "inf", "1_000", "1^２", "0x10", "1e999", "1,5", "abc", "1^--2", "1 2", "\\X31\\", "1^1.2.3"],
)
def test_only_decimal_numbers_are_samples(values: str):
    """What Python would read as a number but HL7 does not call one is refused."""
    with pytest.raises(UnreadableMessage, match="number"):
        read(CHN.format("1&I^^1&uV^^500"), f"NA|93000&WAV|1|{values}")


def test_exponents_and_signs_are_numbers():
    """NM may carry a sign; some senders write exponents."""
    (ecg,) = read(CHN.format("1&I^^1&mV^^500"), "NA|93000&WAV|1|+1^-2.5e-1^.5^3.")
    assert millivolts(ecg, Lead.I) == [1.0, -0.25, 0.5, 3.0]


@pytest.mark.parametrize(
    ("observations", "words"),
    [
        ((TWO_CHANNELS, "NA|93000&WAV|1|1^2~3^4~5^6"), "number of channels"),
        (
            (
                CHN.format("1&I^^1&uV^^500"),
                "NA|93000&WAV|1|1^2",
                "CD|93000&CHN|2|2&II^^1&uV^^500",
                "NA|93000&WAV|2|1^2^3",
            ),
            "numbers of samples",
        ),
        (("NA|MDC_ECG_LEAD_I|1|1^2|uV",), "sampling frequency"),
        (("NA|MDC_ECG_LEAD_I|1|1^2|", "NM|X^Sampling rate^L||500|Hz"), "unit"),
        (
            ("NA|MDC_ECG_LEAD_I|1|1^2|262656^MDC_DIM_DIMLESS^MDC", "NM|X^Sampling rate^L||500|Hz"),
            "unit",
        ),
        (("NA|MDC_ECG_LEAD_I|1|1|uV", "NM|0^MDC_ATTR_NU_MSMT_RES|1.1|0.5"), "scaled"),
        (("CD|MDC_ECG_LEAD_II&CHN|1|1&I^^1&uV^^500", "NA|MDC_ECG_LEAD_II&WAV|1|1"), "named"),
        ((CHN.format("1&I^^1&uV^^500"), "NA|93000&WAV|1|1^2|mV"), "different units"),
        ((CHN.format("1&I^^1&uV^^500"), "NA|93000&WAV|1|1^2|uV|||||W"), "withdrew"),
    ],
)
def test_contradictions_are_refused(observations: tuple[str, ...], words: str):
    """Parts that do not fit together make no recording."""
    with pytest.raises(Rejected, match=words):
        read(*observations)


def test_a_waveform_is_never_given_another_leads_definition():
    """A WAV that names lead III does not borrow the only definition, which is lead II's."""
    with pytest.raises(Rejected):
        read("CD|MDC_ECG_LEAD_II&CHN||1&II^^1&uV^^500", "NA|MDC_ECG_LEAD_III&WAV||1^2")


def test_the_sample_limit_holds():
    """A waveform larger than the limit is refused before it is built."""
    with pytest.raises(UnreadableMessage, match="limit"):
        read(TWO_CHANNELS, "NA|93000&WAV|1|" + "1^" * 50, limits=ParseLimits(samples_max=20))


@settings(deadline=None)
@given(
    samples=st.lists(st.integers(-30_000, 30_000), min_size=1, max_size=40),
    sensitivity=st.sampled_from(["1", "2.44", "4.88", "-5", "0.305"]),
    baseline=st.integers(-2048, 2048),
    rate=st.sampled_from([100, 240.5, 500, 1000]),
)
def test_values_come_out_to_a_hundredth_of_a_microvolt(
    samples: list[int], sensitivity: str, baseline: int, rate: float
):
    """Whatever the scale, the recording holds what the definition says."""
    definition = f"1&V3^^{sensitivity}&uV^1&{baseline}^{rate}"
    (ecg,) = read(CHN.format(definition), "NA|93000&WAV|1|" + "^".join(map(str, samples)))
    expected = (np.array(samples) - baseline) * float(sensitivity) / 1e3
    assert np.abs(ecg.recording.lead_mv(Lead.V3) - expected).max() < 1e-5
    assert ecg.recording.sampling_rate_hz == rate
