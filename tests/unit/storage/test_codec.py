"""Every domain value survives its JSON form, and nothing else passes."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gem_integration.domain import (
    ecg,
    evidence,
    identity,
    measurement,
    quality,
    reading,
    report,
    statement,
    study,
)
from gem_integration.domain.ecg import Acquisition, Lead, Recording
from gem_integration.domain.evidence import Claim, ClaimKind, Evidence, GroundedObservation
from gem_integration.domain.identity import Patient
from gem_integration.domain.measurement import Measurement, MeasurementKind, Measurements
from gem_integration.domain.quality import Quality
from gem_integration.domain.statement import Statement
from gem_integration.domain.study import InboundEcg
from gem_integration.storage.codec import decode, dumps, encode, encode_fields

MODULES = (ecg, evidence, identity, measurement, quality, reading, report, statement, study)
#: These hold samples or bytes, which are blobs; the tests of blobs and of the store cover them.
WITH_BYTES = {"InboundEcg", "InboundMessage", "ReadRequest", "Recording", "Study"}
TYPES = sorted(
    {
        value
        for module in MODULES
        for value in vars(module).values()
        if dataclasses.is_dataclass(value) and value.__name__ not in WITH_BYTES
    },
    key=lambda kind: kind.__name__,
)

zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-3))])
words = st.text(min_size=1, max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
spans = st.tuples(st.integers(0, 9_000), st.integers(1, 500)).map(lambda pair: (pair[0], sum(pair)))
instants = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=zones)  # noqa: DTZ001
proofs = st.lists(st.builds(Evidence), min_size=1, max_size=2).map(tuple)
checkable = st.sampled_from([ClaimKind.MEASUREMENT, ClaimKind.MORPHOLOGY, ClaimKind.FINDING])
claims = words.flatmap(
    lambda text: st.builds(
        Claim, text=st.just(text), start=st.just(7), end=st.just(7 + len(text)), kind=checkable, subject=words
    )
)

st.register_type_strategy(float, numbers)
st.register_type_strategy(datetime, instants)
st.register_type_strategy(Patient, st.builds(Patient, patient_id=words.map(lambda text: f"P{text}")))
st.register_type_strategy(Claim, claims)
st.register_type_strategy(GroundedObservation, st.builds(GroundedObservation, claim=claims, evidence=proofs))
st.register_type_strategy(Statement, st.builds(Statement, parts=proofs))
st.register_type_strategy(
    Measurement,
    st.builds(Measurement, uncertainty=st.floats(0, 1e6), samples=st.lists(spans, max_size=3).map(tuple)),
)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_domain_value_survives_its_json_text(kind):
    """Whatever a domain value holds, its JSON text gives it back, equal."""

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.from_type(kind))
    def survives(value):
        assert decode(kind, json.loads(dumps(encode(value)))) == value

    survives()


def test_numbers_of_numpy_become_plain_numbers():
    """Signal code counts with numpy; documents hold plain numbers."""
    item = Measurement(
        kind=MeasurementKind.QT_INTERVAL,
        value=np.float64(402.5),
        unit="ms",
        beats=(np.int64(1),),
        samples=((np.int32(10), np.int64(20)),),
        method="x",
        uncertainty=np.float32(4.0),
    )
    document = encode(item)
    assert json.loads(dumps(document)) == document
    assert decode(Measurement, document) == item


def test_a_mapping_with_two_part_keys_is_a_list_of_pairs():
    """What could not be measured is named by kind and lead, and comes back so."""
    unmeasured = {(MeasurementKind.T_AXIS, None): "flat", (MeasurementKind.ST_J, Lead.V1): "noise"}
    whole = Measurements(
        sampling_rate_hz=500.0,
        sample_count=5000,
        quality=Quality(usable=True, flags=(), reasons=(), leads={}),
        beats=(),
        items=(),
        unmeasured=unmeasured,
    )
    assert decode(Measurements, encode(whole)).unmeasured == unmeasured


def test_an_ecg_without_its_samples_takes_them_from_the_caller():
    """The recording is kept elsewhere and given back when the document is read."""
    recording = Recording.of(np.zeros((1, 100)), [Lead.II], 500)
    whole = InboundEcg(message_id="1", recording=recording, acquisition=Acquisition())
    document = encode_fields(whole, without=("recording",))
    assert "recording" not in document
    assert decode(InboundEcg, document, recording=recording).recording is recording


def test_fields_missing_from_an_older_document_take_their_defaults():
    """A field added later does not make older rows unreadable."""
    assert decode(Patient, {"patient_id": "P1"}) == Patient(patient_id="P1")


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Patient, {"patient_id": "P1", "shoe_size": 44}),
        (Patient, {"patient_id": 7}),
        (Patient, ["P1"]),
        (Patient, {"patient_id": "P1", "sex": "other"}),
        (Evidence, {"measurement": "x", "criterion": "y", "met": "yes"}),
        (Evidence, {"measurement": "x", "criterion": "y", "beats": [True]}),
        (Evidence, {"measurement": "x", "criterion": "y", "samples": [[1, 2, 3]]}),
    ],
)
def test_a_document_of_another_shape_is_refused(kind, document):
    """An unknown field or a value of another type is never read past."""
    with pytest.raises(ValueError, match=r"."):
        decode(kind, document)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(number):
    """JSON has no NaN, and neither has a measurement."""
    with pytest.raises(ValueError, match="finite"):
        encode(number)


def test_what_has_no_json_form_is_refused():
    """A type nobody described is a defect, not text."""
    with pytest.raises(TypeError, match="no JSON form"):
        encode({1, 2})
