"""Which channel definition a waveform belongs to, in the many ways senders tie the two."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.inbound.hl7v2 import parse
from gem_integration.domain.ecg import STANDARD_LEADS, FloatArray, Lead
from gem_integration.domain.study import InboundEcg, ParseLimits
from gem_integration.errors import Rejected, UnreadableMessage, UnsupportedRecording

LIMITS = ParseLimits()
TIM = "TS|5&TIM|1|20240301081500"
SCALE = "2.5&uV^1&10^500"
TWO = f"CD|5&CHN|1|1&I^^{SCALE}~2&II"
RATE = "NM|X^Sampling rate^L||500|Hz"


def consistent() -> FloatArray:
    """Return steps of twelve leads whose limb leads fit each other."""
    steps = np.random.default_rng(7).integers(-200, 200, size=(12, 20)).astype(np.float64) * 4 + 10
    one, two = steps[0] - 10, steps[1] - 10
    limb = (one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2)
    steps[:6] = np.stack(limb) + 10
    return steps


STEPS = consistent()
TRUTH_MV = (STEPS - 10) * 2.5e-3


def row(values: FloatArray) -> str:
    return "^".join(f"{value:g}" for value in values)


def rows(values: FloatArray) -> str:
    return "~".join(row(channel) for channel in values)


ALL = f"CD|5&CHN|1|1&I^^{SCALE}~" + "~".join(
    f"{number}&{lead}" for number, lead in enumerate(STANDARD_LEADS[1:], start=2)
)


def read(*observations: str) -> list[InboundEcg]:
    lines = [
        "MSH|^~\\&|CART|LAB|HUB|LAB|20240301090000||ORU^W01|C1|P|2.5.1",
        "PID|1||7^^^HOSP^MR",
        "OBR|1|P9|F9|93000^ECG^L",
        *(f"OBX|{number}|{text}" for number, text in enumerate(observations, start=1)),
    ]
    return [ecg for ecg in parse("\r".join(lines).encode(), LIMITS) if isinstance(ecg, InboundEcg)]


def assert_truth(ecg: InboundEcg) -> None:
    assert set(ecg.recording.leads) == set(STANDARD_LEADS)
    for lead, truth_mv in zip(STANDARD_LEADS, TRUTH_MV, strict=True):
        assert np.abs(ecg.recording.lead_mv(lead) - truth_mv).max() < 1e-5


@pytest.mark.parametrize("sub_ids", ["numbered", "same", "none"])
def test_all_definitions_before_all_waveforms(sub_ids: str):
    """Twelve coded definitions, then twelve coded waveforms, in another order, whatever the sub-ids."""
    definitions, waveforms = [], []
    for number, lead in enumerate(STANDARD_LEADS, start=1):
        sub_id = {"numbered": str(number), "same": "1", "none": ""}[sub_ids]
        code = f"MDC_ECG_LEAD_{lead.upper()}"
        definitions.append(f"CD|{code}&CHN|{sub_id}|{number}&{lead}^^{SCALE}")
        waveforms.append(f"NA|{code}&WAV|{sub_id}|{row(STEPS[number - 1])}")
    (ecg,) = read(TIM, *definitions, *reversed(waveforms))
    assert_truth(ecg)


def test_one_definition_segment_for_each_channel():
    """Several CHN of one sub-id before the first waveform are its channels, in their order."""
    definitions = [f"CD|5&CHN|1|{n}&{lead}^^{SCALE}" for n, lead in enumerate(STANDARD_LEADS, start=1)]
    (ecg,) = read(TIM, *definitions, f"NA|5&WAV|1|{rows(STEPS)}")
    assert_truth(ecg)


def test_sub_ids_that_only_count_the_segments_do_not_part_what_has_one_code():
    """The only definition of a code is meant where no definition has the waveform's sub-id."""
    pieces = [f"NA|5&WAV|{k + 1}|{rows(STEPS[:, 5 * k : 5 * k + 5])}" for k in range(4)]
    (ecg,) = read(TIM, ALL, *pieces)
    assert_truth(ecg)


def test_sub_ids_that_count_every_segment_leave_the_definition_before():
    """TIM, CHN and WAV of each lead, all numbered through and of one code."""
    observations = []
    for place, lead in enumerate(STANDARD_LEADS):
        observations += [
            f"TS|5&TIM|{3 * place + 1}|20240301081500",
            f"CD|5&CHN|{3 * place + 2}|1&{lead}^^{SCALE}",
            f"NA|5&WAV|{3 * place + 3}|{row(STEPS[place])}",
        ]
    (ecg,) = read(*observations)
    assert_truth(ecg)


def test_a_waveform_that_fits_several_definitions_is_refused_not_left_out():
    """A recording without the leads that could not be told apart would look whole."""
    definitions = [f"CD|5&CHN|{n}|1&{lead}^^{SCALE}" for n, lead in enumerate(("I", "II"), start=1)]
    with pytest.raises(UnsupportedRecording, match="sub-id"):
        read(TIM, *definitions, "NA|5&WAV|1|1^2", "NA|5&WAV|7|1^2")


@pytest.mark.parametrize("sub_id", ["", "1"])
def test_one_waveform_for_each_channel_of_one_definition(sub_id: str):
    """Single rows in the order of the definition, which the limb leads confirm."""
    numbered = [f"NA|5&WAV|{n if sub_id else 1}|{row(STEPS[n - 1])}" for n in range(1, 13)]
    (ecg,) = read(TIM, ALL, *numbered)
    assert_truth(ecg)
    assert any("in the order" in warning for warning in ecg.warnings)


@pytest.mark.parametrize("order", [range(11, -1, -1), range(8), [1, 0, *range(2, 12)]])
def test_rows_in_another_order_or_number_than_the_definition_are_refused(order: range | list[int]):
    """Without names only the full number in the right order is certain."""
    with pytest.raises(UnsupportedRecording):
        read(TIM, ALL, *(f"NA|5&WAV|1|{row(STEPS[place])}" for place in order))


def test_numbered_rows_must_rise():
    """Sub-ids that number the channels out of order are no order."""
    order = [*range(1, 11), 12, 11]
    with pytest.raises(UnsupportedRecording, match="order"):
        read(TIM, ALL.replace("|1|", "||"), *(f"NA|5&WAV|{n}|{row(STEPS[n - 1])}" for n in order))


@pytest.mark.parametrize(
    ("scale", "refused"),
    [
        ("NM|X^Amplitude resolution^L||4.88|uV", True),
        ("ST|X^LSB^L||4.88 uV", True),
        ("NM|X^Sensitivity^L||10|mm/mV", False),
        ("NM|X^Amplitude resolution^L||1|uV", False),
    ],
)
def test_a_scale_beside_values_that_name_a_unit_is_not_passed_over(scale: str, refused: bool):
    """Are the values steps or microvolts? A gain on paper does not ask."""
    observations = ("NA|MDC_ECG_LEAD_I|1|1^2|uV", RATE, scale)
    if refused:
        with pytest.raises(UnsupportedRecording, match="scaled"):
            read(*observations)
    else:
        assert len(read(*observations)) == 1


def test_more_channels_than_any_device_has_are_refused():
    """The search for a definition stays short."""
    with pytest.raises(UnreadableMessage, match="limit"):
        read(*(f"CD|5&CHN|{n}|1&CH^^{SCALE}" for n in range(1100)))


def test_a_definition_that_changes_its_channels_within_a_waveform_is_refused():
    """Single rows cannot be counted off against two definitions."""
    three = f"CD|5&CHN|1|1&I^^{SCALE}~2&II~3&V1"
    with pytest.raises(UnsupportedRecording):
        read(TIM, three, "NA|5&WAV|1|1^2", "NA|5&WAV|1|1^2", TWO, "NA|5&WAV|1|1^2")


@pytest.mark.parametrize("unit", ["%", "", "uV"])
@pytest.mark.parametrize("sub_id", ["1", "2", ""])
def test_another_signal_never_borrows_the_ecgs_definition(unit: str, sub_id: str):
    """A pulse wave without a definition beside one ECG channel stays out of it."""
    (ecg,) = read(
        TIM,
        f"CD|5&CHN|1|1&I^^{SCALE}",
        f"NA|5&WAV|1|{row(STEPS[0])}",
        f"NA|150452^MDC_PULS_OXIM_PLETH^MDC|{sub_id}|1^2^3|{unit}",
    )
    assert ecg.recording.sample_count == 20


@pytest.mark.parametrize(
    "observations",
    [
        ("NA|MDC_ECG_LEAD_I&WAV|1|1^2|uV", "CD|MDC_ECG_LEAD_I&CHN|1|1&I^^2.5&uV^^500", RATE),
        ("CD|5&CHN|1|1&I^^2.5&uV^^500", "CD|5&CHN|2|1&I^^5&uV^^500", "NA|2:1&WAV|3|1^2|uV", RATE),
    ],
)
def test_a_defined_lead_is_never_read_without_its_scale(observations: tuple[str, ...]):
    """A definition that cannot be tied to the waveform is not replaced by OBX-6."""
    with pytest.raises(UnsupportedRecording, match="sub-id"):
        read(*observations)


@pytest.mark.parametrize(
    ("channel", "unit"),
    [
        ("1&I^^2.5^1&10^500", "uV"),
        ("1&I^^2.5&counts^1&10^500", "uV"),
        ("1&I^^1&counts^1&10^500", "uV"),
        ("1&I^^1&mV&microvolt^1&10^500", ""),
        ("1&I^II^1&uV^1&10^500", ""),
        ("1&CH1^LA&RA^1&uV^1&10^500", ""),
        ("1&CH1^V1&V2^1&uV^1&10^500", ""),
    ],
)
def test_a_channel_that_may_mean_two_things_is_refused(channel: str, unit: str):
    """A scale without its unit, two units, two leads or a pair of electrodes is never settled by us."""
    with pytest.raises(Rejected):
        read(f"CD|5&CHN|1|{channel}", f"NA|5&WAV|1|{row(STEPS[0])}|{unit}")


def test_a_unit_carries_over_whole():
    """A unit that follows another keeps nothing of its spelling."""
    with pytest.raises(UnsupportedRecording):
        read("CD|5&CHN|1|1&I^^1&mV&millivolt^^500~2&II^^1&counts", "NA|5&WAV|1|1^2~3^4")


@pytest.mark.parametrize(
    ("channel", "obx_6", "expected_mv"),
    [
        ("1&I^^2.5^1&10^500|uV", "", 0.225),
        ("1&I^^^1&10^500", "uV", 0.09),
        ("1&I^^^1.1&10^500", "uV", 0.099),
        ("1&I^RA&LA^1&uV^1&10^500", "", 0.09),
        ("1^V1&WCT^1&uV^1&10^500", "", 0.09),
        ("1&I^^1&&&&uV^1&10^500", "", 0.09),
        ("1&I^^0.001&mVolt^1&10^500", "", 0.09),
    ],
)
def test_units_and_names_stand_in_many_places(channel: str, obx_6: str, expected_mv: float):
    """OBX-6 beside the definition is its unit; beside bare values it is theirs."""
    (ecg,) = read(f"CD|5&CHN|1|{channel}", f"NA|5&WAV|1|100^100|{obx_6}")
    assert ecg.recording.samples_mv[0, 0] == pytest.approx(expected_mv)


@pytest.mark.parametrize("kind", ["NA~", "NA^", "MA~"])
def test_a_delimiter_at_the_end_of_every_block_is_no_sample(kind: str):
    """Senders that write a delimiter behind each value do not lengthen the trace."""
    blocks = [STEPS[:, 5 * k : 5 * k + 5] for k in range(4)]
    texts = {
        "NA~": [rows(block) + "~" for block in blocks],
        "NA^": [rows(block).replace("~", "^~") + "^" for block in blocks],
        "MA~": [rows(block.T) + "~" for block in blocks],
    }[kind]
    (ecg,) = read(TIM, ALL, *(f"{kind[:2]}|5&WAV|1|{text}" for text in texts))
    assert ecg.recording.sample_count == 20
    assert_truth(ecg)


def test_a_gap_at_the_end_of_one_block_stays_a_gap():
    """What is absent in some leads, or not at the end of every block, was not received."""
    (ecg,) = read(TIM, TWO, "NA|5&WAV|1|1^2^3~4^5", "NA|5&WAV|1|1^2~3^4")
    assert ecg.recording.gap_mask is not None
    assert ecg.recording.gap_mask.tolist() == [[False] * 5, [False, False, True, False, False]]


def test_the_digits_of_a_start_time_do_not_part_what_started_together():
    """081500 and 081500.000 are one moment."""
    (ecg,) = read(
        TIM,
        f"CD|5&CHN|1|1&I^^{SCALE}",
        f"NA|5&WAV|1|{row(STEPS[0])}",
        "TS|5&TIM|2|20240301081500.000",
        f"CD|5&CHN|2|1&II^^{SCALE}",
        f"NA|5&WAV|2|{row(STEPS[1])}",
    )
    assert ecg.recording.leads == (Lead.I, Lead.II)


def test_empty_start_times_do_not_part_neighbours():
    """A TIM without a time says nothing about when, and twelve leads are not twelve ECGs."""
    observations = []
    for sub_id, lead in enumerate(("I", "II"), start=1):
        observations += ["TS|5&TIM|1|", f"CD|5&CHN|1|1&{lead}^^{SCALE}", f"NA|5&WAV|1|{row(STEPS[sub_id])}"]
    (ecg,) = read(*observations)
    assert ecg.recording.leads == (Lead.I, Lead.II)


def test_without_start_times_only_neighbours_are_one_recording():
    """The chest leads of a second, untimed ECG do not complete the first."""
    observations = []
    for sub_id, lead in enumerate(("I", "II", "I", "II", "V1"), start=1):
        observations += [f"CD|5&CHN|{sub_id}|1&{lead}^^{SCALE}", f"NA|5&WAV|{sub_id}|{row(STEPS[sub_id])}"]
    first, second = read(*observations)
    assert first.recording.leads == (Lead.I, Lead.II)
    assert second.recording.leads == (Lead.I, Lead.II, Lead.V1)


@pytest.mark.parametrize("text", ["500 Hz", "500", "1000/500", "n/a", ""])
def test_a_rate_in_words_beside_a_definition_does_no_harm(text: str):
    """The channel definition says the rate; a note about it is read or passed over."""
    (ecg,) = read(TIM, TWO, "NA|5&WAV|1|1^2~3^4", f"ST|X^Sampling rate^L||{text}")
    assert ecg.recording.sampling_rate_hz == 500.0


def test_a_rate_typed_as_text_is_read():
    """The rate of plain waveforms may come as "500 Hz"."""
    (ecg,) = read("NA|MDC_ECG_LEAD_I|1|1^2|uV", "ST|X^Sampling rate^L||500 Hz")
    assert ecg.recording.sampling_rate_hz == 500.0


def test_the_last_of_several_definitions_is_not_the_nearest_one():
    """Three definitions and a waveform under a fourth sub-id: it could be any of them."""
    definitions = [f"CD|5&CHN|{n}|1&{lead}^^{SCALE}" for n, lead in enumerate(("I", "II", "III"), start=1)]
    with pytest.raises(UnsupportedRecording, match="sub-id"):
        read(TIM, *definitions, "NA|5&WAV|4|1^2")


def test_leads_that_are_defined_but_never_sent_are_said():
    """A recording that lacks what the report announced does not look whole."""
    (ecg,) = read(TIM, f"CD|5&CHN|1|1&I^^{SCALE}", f"CD|5&CHN|2|1&V1^^{SCALE}", "NA|5&WAV|1|1^2")
    assert "lead V1 is defined but has no samples" in ecg.warnings
