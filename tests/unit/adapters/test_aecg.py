"""Annotated ECGs (HL7 v3): rhythm series become recordings, their annotations the cart's voice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.inbound.aecg import parse
from gem_integration.domain.ecg import Lead
from gem_integration.domain.identity import Sex
from gem_integration.domain.study import InboundEcg, ParseLimits
from gem_integration.errors import Rejected, UnreadableMessage, UnsupportedRecording

LIMITS = ParseLimits()
AXIS = (
    '<value xsi:type="GLIST_TS"><head value="20240301080000.5"/><increment value="0.002" unit="s"/></value>'
)
SUBJECT = """<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>
<id root="1.2" extension="S-7"/><subjectDemographicPerson><name>AR</name>
<administrativeGenderCode code="F"/><birthTime value="19600102"/></subjectDemographicPerson>
</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>"""


def sequence(code: str, value: str) -> str:
    return f'<component><sequence><code code="{code}"/>{value}</sequence></component>'


def lead(name: str, digits: str, *, scale: str = "5", unit: str = "uV", origin: str = "0") -> str:
    return sequence(
        f"MDC_ECG_LEAD_{name}",
        f'<value xsi:type="SLIST_PQ"><origin value="{origin}" unit="{unit}"/>'
        f'<scale value="{scale}" unit="{unit}"/><digits>{digits}</digits></value>',
    )


def series(*sequences: str, code: str = "RHYTHM", after: str = "", axis: str = AXIS) -> str:
    return (
        f'<component><series><code code="{code}"/><component><sequenceSet>'
        f"{sequence('TIME_ABSOLUTE', axis)}{''.join(sequences)}"
        f"</sequenceSet></component>{after}</series></component>"
    )


def document(*parts: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><AnnotatedECG xmlns="urn:hl7-org:v3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="9.8.7"/>'
        f'<effectiveTime><center value="20240301080000"/></effectiveTime>{"".join(parts)}</AnnotatedECG>'
    ).encode()


def read(*parts: str) -> list[InboundEcg]:
    return [ecg for ecg in parse(document(*parts), LIMITS) if isinstance(ecg, InboundEcg)]


def test_leads_scale_origin_and_time_are_read():
    """The value is digit x scale + origin, at the rate of the increment."""
    (ecg,) = read(
        SUBJECT, series(lead("I", "1 -2 3"), lead("AVR", "10 0 1e1", scale="0.1", unit="mV", origin="1"))
    )
    assert ecg.recording.leads == (Lead.I, Lead.AVR)
    assert ecg.recording.lead_mv(Lead.I).tolist() == pytest.approx([0.005, -0.01, 0.015])
    assert ecg.recording.lead_mv(Lead.AVR).tolist() == pytest.approx([2.0, 1.0, 2.0])
    assert ecg.recording.sampling_rate_hz == 500.0
    assert ecg.acquisition.performed_at is not None
    assert ecg.acquisition.performed_at.isoformat() == "2024-03-01T08:00:00.500000+00:00"
    assert ecg.message_id == "9.8.7"


def test_the_subject_is_the_patient():
    """Identifier, sex and birth date of the trial subject."""
    (ecg,) = read(SUBJECT, series(lead("I", "1")))
    assert ecg.patient is not None
    assert (ecg.patient.patient_id, ecg.patient.assigner) == ("S-7", "1.2")
    assert (ecg.patient.birth_date, ecg.patient.sex) == (date(1960, 1, 2), Sex.FEMALE)


def test_representative_beats_are_no_recordings():
    """A median beat, in its own series or derived, is not an ECG to measure."""
    derived = "<derivation><derivedSeries><code code='REPRESENTATIVE_BEAT'/></derivedSeries></derivation>"
    ecgs = read(series(lead("I", "1 2"), after=derived), series(lead("I", "1 2"), code="REPRESENTATIVE_BEAT"))
    assert len(ecgs) == 1
    assert len(read(series(lead("I", "1 2")), series(lead("I", "1 2"), code="MEDIAN_BEATS"))) == 1


def test_leads_are_known_by_every_spelling_of_their_code():
    """The case of the REFID, the number, and minus aVR, which is turned."""
    numbered = lead("I", "1 2").replace("MDC_ECG_LEAD_I", "2:61")
    (ecg,) = read(series(lead("aVL", "1 2"), numbered, lead("I", "4 -8").replace("MDC_ECG_LEAD_I", "131137")))
    assert ecg.recording.leads == (Lead.AVL, Lead.III, Lead.AVR)
    assert ecg.recording.lead_mv(Lead.AVR).tolist() == pytest.approx([-0.02, 0.04])


def test_sequence_sets_of_different_leads_over_one_axis_are_one_recording():
    """Some senders put each lead into a set of its own; another start is another recording."""
    first, second = series(lead("I", "1 2")), series(lead("II", "3 4"))
    inner = second[second.index("<component><sequenceSet>") : second.index("</series>")]
    together = first.replace("</series>", inner + "</series>")
    (ecg,) = read(together)
    assert ecg.recording.leads == (Lead.I, Lead.II)
    apart = first.replace("</series>", inner.replace("08000", "08001") + "</series>")
    assert [e.recording.leads for e in read(apart)] == [(Lead.I,), (Lead.II,)]


def test_annotations_are_the_carts_voice():
    """Numbers become measurements, text and coded rhythm statements."""
    annotations = (
        "<subjectOf><annotationSet>"
        '<component><annotation><code code="MDC_ECG_HEART_RATE"/><value xsi:type="PQ" value="72" unit="bpm"/>'
        "</annotation></component>"
        '<component><annotation><code code="MDC_ECG_RHY"/><value xsi:type="CE" code="MDC_ECG_RHY_SINUS_RHY" '
        'displayName="Sinus rhythm"/></annotation></component>'
        '<component><annotation><code code="MDC_ECG_INTERPRETATION"/><component><annotation>'
        '<code code="MDC_ECG_INTERPRETATION_STATEMENT"/><value xsi:type="ST">Normal ECG</value>'
        "</annotation></component></annotation></component></annotationSet></subjectOf>"
    )
    (ecg,) = read(series(lead("I", "1 2"), after=annotations))
    assert [(item.kind, item.value) for item in ecg.cart_measurements] == [("heart_rate", 72.0)]
    assert ecg.cart_statements == ("Sinus rhythm", "Normal ECG")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (series(lead("I", "1 2"), lead("II", "1 2 3")), "different numbers"),
        (series(lead("I", "1 2"), lead("I", "1 2")), "twice"),
        (series(lead("I", "")), "no samples"),
        (series(lead("I", "1", unit="mmHg")), "voltage unit"),
        (series(lead("I", "1", scale="0")), "zero"),
        (series(lead("I", "1"), axis="<value/>"), "increment"),
        (series(lead("I", "1"), axis=AXIS.replace('unit="s"', "")), "increment"),
        (series(lead("I", "999999999", unit="V")), "surface"),
        (series(sequence("MDC_PRESS_BLD", AXIS)), "no rhythm series"),
        (series(lead("I", "1").replace("SLIST_PQ", "SLIST_INT")), "SLIST_PQ"),
        ("", "no rhythm series"),
    ],
)
def test_what_is_not_certain_is_refused(part: str, words: str):
    """Unequal lengths, missing units and doubled leads make no recording."""
    with pytest.raises(UnsupportedRecording, match=words):
        read(part)


@pytest.mark.parametrize("digits", ["NaN", "inf", "1_0", "0x1", "１", "1,2", "1e999", "--1"])
def test_only_decimal_numbers_are_samples(digits: str):
    """What Python would read as a number but is none is refused."""
    with pytest.raises(UnreadableMessage, match="number"):
        read(series(lead("I", digits)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<AnnotatedECG>",
        b"<other/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><AnnotatedECG>&x;</AnnotatedECG>',
        b'<?xml version="1.0" encoding="klingon"?><AnnotatedECG/>',
    ],
)
def test_what_is_no_safe_document_is_refused(content: bytes):
    """Broken XML, another root, entities and unknown encodings."""
    with pytest.raises(UnreadableMessage):
        parse(content, LIMITS)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused(content: bytes):
    """Noise gives a refusal and nothing else."""
    with pytest.raises(Rejected):
        parse(content, LIMITS)


WHOLE = document(SUBJECT, series(lead("I", "1 2 3"), lead("II", "4 5 6")))


@settings(deadline=None)
@given(
    st.integers(0, len(WHOLE)),
    st.integers(0, 30),
    st.sampled_from([b"", b"<", b"9", b'"', b"MDC_ECG_LEAD_II"]),
)
def test_mutated_documents_are_understood_or_refused(start: int, length: int, piece: bytes):
    """A cut or overwritten document is no defect of ours."""
    content = WHOLE[:start] + piece + WHOLE[start + length :]
    try:
        assert parse(content, LIMITS)
    except Rejected:
        assert content != WHOLE


def test_the_published_example_is_read(shared_data: Path):
    """The standard's own example: twelve leads, 10 s at 500 Hz, its global measurements."""
    folder = shared_data / "formats" / "fda_aecg" / "otherfmt"
    (ecg,) = parse((folder / "Example aECG.xml").read_bytes(), LIMITS)
    assert isinstance(ecg, InboundEcg)
    assert (len(ecg.recording.leads), ecg.recording.sample_count) == (12, 5000)
    measured = {item.kind: item.value for item in ecg.cart_measurements}
    assert (measured["pr_interval"], measured["qrs_duration"], measured["qt_interval"]) == (
        148.0,
        120.0,
        420.0,
    )
    assert ecg.warnings == ()


def test_minimal_documents_are_read(shared_data: Path):
    """Documents with only one lead and every form of the effective time."""
    folder = shared_data / "formats" / "fda_aecg" / "otherfmt"
    for path in sorted(folder.glob("minimum*.xml")):
        (ecg,) = parse(path.read_bytes(), LIMITS)
        assert isinstance(ecg, InboundEcg)
        assert ecg.recording.sample_count == 13
