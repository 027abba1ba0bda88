"""Every inbound format reads its sample and refuses what is none, in the same way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from adapters.inbound import FORMATS
from adapters.inbound.files import sniff
from adapters.inbound.wfdb_record import bundle_of
from adapters.writers import WRITERS
from gem_integration.domain.ecg import STANDARD_LEADS, Acquisition, Recording
from gem_integration.domain.identity import Patient, Sex
from gem_integration.domain.study import CartMeasurement, InboundEcg, MediaType, ParseLimits
from gem_integration.errors import Rejected, UnreadableMessage

LIMITS = ParseLimits()
STARTED_AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
MICROVOLT = 1e-3

AECG = """<?xml version="1.0" encoding="UTF-8"?>
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="1.2.3"/><effectiveTime><low value="20240506070809+0000"/></effectiveTime>
<component><series><code code="RHYTHM" codeSystem="2.16.840.1.113883.5.4"/>
<effectiveTime><low value="20240506070809+0000"/></effectiveTime>
<component><sequenceSet>
<component><sequence><code code="TIME_ABSOLUTE" codeSystem="2.16.840.1.113883.5.4"/>
<value xsi:type="GLIST_TS"><head value="20240506070809+0000"/><increment value="0.002" unit="s"/></value>
</sequence></component>{leads}
</sequenceSet></component></series></component></AnnotatedECG>"""
AECG_LEAD = """<component><sequence><code code="MDC_ECG_LEAD_{name}" codeSystem="2.16.840.1.113883.6.24"/>
<value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/><scale value="1" unit="uV"/><digits>{digits}</digits>
</value></sequence></component>"""


def sample_ecg() -> InboundEcg:
    """Return an ECG in whole microvolts, II = I + III."""
    time = np.arange(1000) / 500.0
    one, two = np.rint(400 * np.sin(7 * time)), np.rint(600 * np.cos(9 * time))
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    chest = [np.rint(300 * np.sin(5 * time + place)) for place in range(6)]
    return InboundEcg(
        message_id="M1",
        recording=Recording.of(
            np.rint(np.stack([*limb, *chest])) / 1e3, STANDARD_LEADS, 500.0, started_at=STARTED_AT
        ),
        acquisition=Acquisition(performed_at=STARTED_AT, device="Cart 1"),
        patient=Patient(patient_id="P1", family_name="Muster", given_name="Erika", sex=Sex.FEMALE),
        cart_statements=("Sinus rhythm", "Normal ECG"),
        cart_measurements=(
            CartMeasurement(kind="pr_interval", value=160.0, unit="ms", code="8625-6", code_system="LN"),
            CartMeasurement(kind="qrs_axis", value=-30.0, unit="deg", code="2:16132", code_system="MDC"),
        ),
    )


def aecg_of(ecg: InboundEcg) -> bytes:
    """Return the recording as an annotated ECG."""
    leads = ""
    for lead in ecg.recording.leads:
        digits = " ".join(str(round(float(value) * 1e3)) for value in ecg.recording.lead_mv(lead))
        leads += AECG_LEAD.format(name=lead.upper(), digits=digits)
    return AECG.format(leads=leads).encode()


NO_MESSAGES = [b"", b"\0", b"garbage", bytes(600), b"\xff" * 600, "é<>|&".encode() * 50]

#: A sample of every format; a format without one fails the first test below.
SAMPLES: dict[MediaType, Callable[[InboundEcg], bytes]] = {
    MediaType.DICOM: lambda ecg: WRITERS["dicom"](ecg, "x")["x.dcm"],
    MediaType.HL7V2: lambda ecg: next(iter(WRITERS["hl7"](ecg, "x").values())),
    MediaType.WFDB: lambda ecg: bundle_of(WRITERS["wfdb"](ecg, "x")),
    MediaType.AECG: aecg_of,
}


def sample(media_type: MediaType) -> bytes:
    """Return the sample of a format as bytes."""
    return SAMPLES[media_type](sample_ecg())


def test_every_format_has_a_parser_and_a_sample() -> None:
    """Adding a media type without both fails here."""
    assert set(FORMATS) == set(SAMPLES) == set(MediaType)


@pytest.mark.parametrize("media_type", list(FORMATS))
def test_the_sample_is_read_within_a_microvolt(media_type: MediaType) -> None:
    """Leads, rate, start and samples are those of the sample."""
    (ecg,) = FORMATS[media_type](sample(media_type), LIMITS)
    assert isinstance(ecg, InboundEcg)
    expected = sample_ecg().recording
    assert ecg.recording.leads == expected.leads
    assert ecg.recording.sampling_rate_hz == pytest.approx(expected.sampling_rate_hz)
    assert ecg.acquisition.performed_at == STARTED_AT
    assert np.abs(ecg.recording.samples_mv - expected.samples_mv).max() < MICROVOLT
    assert ecg.message_id
    assert ecg.warnings == ()


@pytest.mark.parametrize("media_type", list(FORMATS))
def test_the_sample_is_told_by_its_content(media_type: MediaType) -> None:
    """The format is found without a file name."""
    assert sniff(sample(media_type)) is media_type


@pytest.mark.parametrize("media_type", list(FORMATS))
def test_reading_twice_gives_the_same(media_type: MediaType) -> None:
    """A parser is a pure function of its bytes."""
    first, second = (FORMATS[media_type](sample(media_type), LIMITS)[0] for _ in range(2))
    assert isinstance(first, InboundEcg)
    assert isinstance(second, InboundEcg)
    assert first.message_id == second.message_id
    assert first.recording.digest_bytes() == second.recording.digest_bytes()


@pytest.mark.parametrize("media_type", list(FORMATS))
@pytest.mark.parametrize(
    "content", [b"", b"\0", b"garbage", bytes(600), b"\xff" * 600, "é<>|&".encode() * 50]
)
def test_what_is_no_message_is_unreadable(media_type: MediaType, content: bytes) -> None:
    """Nothing, zeros and nonsense are refused as unreadable."""
    with pytest.raises(UnreadableMessage):
        FORMATS[media_type](content, LIMITS)


@pytest.mark.parametrize("media_type", list(FORMATS))
def test_a_truncated_sample_never_gives_a_whole_recording(media_type: MediaType) -> None:
    """A cut message is refused, or gives no more than what is intact."""
    content = sample(media_type)
    last = len(content.rstrip(b"\0")) - 3  # the zeros that fill up a tar may be lost
    for cut in np.linspace(0, last, 23).astype(int):
        try:
            (ecg,) = FORMATS[media_type](content[:cut], LIMITS)
        except Rejected:
            continue
        assert isinstance(ecg, InboundEcg)
        assert media_type is MediaType.HL7V2, "only line-oriented messages stay legal when cut"


@pytest.mark.parametrize("media_type", list(FORMATS))
def test_a_message_beyond_the_limit_is_refused(media_type: MediaType) -> None:
    """Size is bounded before anything is understood."""
    with pytest.raises(Rejected):
        FORMATS[media_type](sample(media_type), replace(LIMITS, message_bytes_max=500))


@pytest.mark.parametrize("media_type", list(FORMATS))
def test_more_samples_than_the_limit_are_refused(media_type: MediaType) -> None:
    """The number of samples is bounded too."""
    with pytest.raises(Rejected):
        FORMATS[media_type](sample(media_type), replace(LIMITS, samples_max=1000))
