"""The transaction bundle: valid FHIR R4, the same bytes each time, nothing asserted that was refused."""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from adapters.outbound.fhir import bundle_bytes, bundle_of, check_bundle
from gem_integration.domain.ecg import Acquisition, Lead, Recording
from gem_integration.domain.evidence import Verdict
from gem_integration.domain.identity import Patient, Sex
from gem_integration.domain.report import ReportStatus
from gem_integration.domain.statement import StatementState

SCHEMA_PATH = Path(__file__).parents[2] / "data" / "fhir-r4-schema.json"
LOINC = "http://loinc.org"


@pytest.fixture(scope="module")
def r4():
    """Return the validator of the R4 JSON schema."""
    return jsonschema.Draft6Validator(json.loads(SCHEMA_PATH.read_text()))


def resources(bundle, kind):
    """Return the resources of a type."""
    found = [entry["resource"] for entry in bundle["entry"]]
    return [item for item in found if item["resourceType"] == kind]


def codes(concept, system):
    """Return a CodeableConcept's codes of one system."""
    return [item["code"] for item in concept["coding"] if item["system"] == system]


def parts(resource, code):
    """Return an Observation's components of one kind."""
    return [
        item for item in resource["component"] if code in codes(item["code"], "urn:gem-integration:component")
    ]


def claims(bundle):
    """Return the Observations about claims."""
    observations = resources(bundle, "Observation")
    return [
        item for item in observations if codes(item["code"], "urn:gem-integration:observation") == ["claim"]
    ]


def by_loinc(bundle, code):
    """Return the one Observation of a LOINC code."""
    (found,) = [item for item in resources(bundle, "Observation") if code in codes(item["code"], LOINC)]
    return found


def test_the_bundle_is_valid_r4(make_delivery, r4):
    """Both the R4B models and the R4 JSON schema accept it."""
    bundle = bundle_of(make_delivery())
    check_bundle(bundle)
    r4.validate(json.loads(bundle_bytes(bundle)))


def test_the_schema_would_notice(make_delivery, r4):
    """The check is alive: a wrong status, a null, a number as text are refused."""
    for path, value in (("status", "done"), ("issued", None), ("id", "a b")):
        bundle = json.loads(bundle_bytes(bundle_of(make_delivery())))
        bundle["entry"][4]["resource"][path] = value
        assert not r4.is_valid(bundle)


def test_the_same_delivery_gives_the_same_bytes(make_delivery):
    """Sending twice changes nothing."""
    assert bundle_bytes(bundle_of(make_delivery())) == bundle_bytes(bundle_of(make_delivery()))


def test_every_entry_is_a_put_to_its_own_name(make_delivery):
    """Ids are deterministic, short, not numeric and unique."""
    entries = bundle_of(make_delivery())["entry"]
    for entry in entries:
        resource = entry["resource"]
        assert entry["request"] == {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
        assert entry["fullUrl"] == f"urn:uuid:{resource['id']}"
        assert not resource["id"].isdigit()
        assert len(resource["id"]) <= 64
    assert len({entry["fullUrl"] for entry in entries}) == len(entries)


def test_the_order_of_measurements_changes_no_id(make_delivery):
    """A resource is named by what it measures, not by its place."""
    delivery = make_delivery()
    turned = replace(delivery.measurements, items=delivery.measurements.items[::-1])
    assert bundle_of(replace(delivery, measurements=turned)) == bundle_of(delivery)


def test_a_later_version_replaces_the_same_report(make_delivery):
    """A report and its over-read are one DiagnosticReport, with a Provenance each."""
    first = make_delivery()
    second = replace(first, report=replace(first.report, version=2, status=ReportStatus.FINAL))
    one, two = bundle_of(first), bundle_of(second)
    assert resources(one, "DiagnosticReport")[0]["id"] == resources(two, "DiagnosticReport")[0]["id"]
    assert resources(two, "DiagnosticReport")[0]["status"] == "final"
    assert resources(one, "Provenance")[0]["id"] != resources(two, "Provenance")[0]["id"]


def test_the_report_is_preliminary_and_asserted_by_software(make_delivery):
    """AIAST stands on it, and nobody is said to have interpreted it."""
    (report,) = resources(bundle_of(make_delivery()), "DiagnosticReport")
    assert report["status"] == "preliminary"
    assert report["meta"]["security"][0]["code"] == "AIAST"
    assert "resultsInterpreter" not in report
    assert codes(report["code"], LOINC) == ["11524-6", "34534-8"]
    assert report["basedOn"][0]["identifier"]["value"] == "ACC-1"


def test_only_met_statements_become_conclusion_codes(make_delivery):
    """A borderline statement and a contradicted claim are not coded as findings."""
    bundle = bundle_of(make_delivery())
    (report,) = resources(bundle, "DiagnosticReport")
    found = [codes(item, "http://snomed.info/sct")[0] for item in report["conclusionCode"]]
    assert sorted(found) == ["426783006", "429622005"]
    snomed = json.dumps(bundle).count("http://snomed.info/sct")
    assert snomed == 2 * len(found)


def test_a_claim_is_never_shown_as_a_finding(make_delivery):
    """The value of a claim's Observation is its verdict; what was not decided has no value."""
    delivery = make_delivery()
    for item, resource in zip(delivery.report.observations, claims(bundle_of(delivery)), strict=True):
        if item.verdict in (Verdict.NOT_MEASURABLE, Verdict.NOT_GROUNDABLE):
            assert "dataAbsentReason" in resource
            assert "valueCodeableConcept" not in resource
        else:
            assert codes(resource["valueCodeableConcept"], "urn:gem-integration:verdict") == [item.verdict]


def test_a_claim_carries_its_words_its_span_and_its_samples(make_delivery):
    """Evidence points at samples of the recording as received, and at the measurement."""
    delivery = make_delivery()
    bundle = bundle_of(delivery)
    claim = claims(bundle)[2]
    assert parts(claim, "claim-text")[0]["valueString"] == "The PR interval is 240 ms"
    start, end = parts(claim, "claim-start")[0]["valueInteger"], parts(claim, "claim-end")[0]["valueInteger"]
    assert delivery.report.narrative[start:end] == "The PR interval is 240 ms"
    assert parts(claim, "claimed-value")[0]["valueQuantity"]["value"] == 240.0
    assert [part["valueString"] for part in parts(claim, "sample-ranges")] == ["155-203, 572-620"]
    measured = f"urn:uuid:{by_loinc(bundle, '8625-6')['id']}"
    assert measured in [item["reference"] for item in claim["derivedFrom"]]


def test_claims_with_equal_words_keep_their_own_resources(make_delivery):
    """Two equal claims are two resources."""
    delivery = make_delivery()
    twice = delivery.report.observations[:1] * 2
    bundle = bundle_of(replace(delivery, report=replace(delivery.report, observations=twice)))
    check_bundle(bundle)
    assert len({item["id"] for item in claims(bundle)}) == 2


def test_heart_rate_follows_the_vital_signs_profile(make_delivery):
    """LOINC 8867-4 obliges to the category and to /min."""
    rate = by_loinc(bundle_of(make_delivery()), "8867-4")
    assert rate["category"][0]["coding"][0]["code"] == "vital-signs"
    assert rate["valueQuantity"] == {
        "value": 72.0,
        "unit": "/min",
        "system": "http://unitsofmeasure.org",
        "code": "/min",
    }
    assert codes(rate["code"], "urn:iso:std:iso:11073:10101") == ["147842"]


def test_each_qtc_names_its_formula(make_delivery):
    """LOINC has one QTc code; the method tells the four apart."""
    observations = resources(bundle_of(make_delivery()), "Observation")
    methods = [
        codes(item["method"], "http://dicom.nema.org/resources/ontology/DCM")
        for item in observations
        if "8636-3" in codes(item["code"], LOINC)
    ]
    assert sorted(methods) == [["122730"], ["122731"], ["122732"], ["122733"]]


def test_what_could_not_be_measured_says_so(make_delivery):
    """A missing T axis is an Observation without a value and with its reason."""
    axis = by_loinc(bundle_of(make_delivery()), "8638-9")
    assert axis["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert axis["note"][0]["text"] == "T too flat"


def test_a_cited_lead_value_has_the_loinc_of_its_lead(make_delivery):
    """R' in V1 is 10016-4; a signed Q level gets no LOINC 'depth' code."""
    bundle = bundle_of(make_delivery())
    r_prime = by_loinc(bundle, "10016-4")
    assert parts(r_prime, "lead")[0]["valueCodeableConcept"]["coding"][0]["code"] == "131075"
    assert "9930-9" not in json.dumps(bundle)


def test_adults_get_published_limits_and_children_none(make_delivery):
    """Interpretation and reference range need a known adult age."""
    assert by_loinc(bundle_of(make_delivery()), "8633-0")["interpretation"][0]["coding"][0]["code"] == "N"
    child = make_delivery(patient=Patient(patient_id="1"), age_years=4.0)
    assert "referenceRange" not in by_loinc(bundle_of(child), "8633-0")


def test_the_waveform_gives_back_every_sample(make_delivery):
    """One component per lead, a microvolt a count, E where nothing was received."""
    samples = [[0.0, 0.012, -1.234, float("nan")], [0.1, 0.2, 0.3, 0.4]]
    recording = Recording.of(samples, (Lead.I, Lead.V1), 250.0)
    bundle = bundle_of(make_delivery(recording=recording))
    check_bundle(bundle)
    waveform = next(
        item for item in resources(bundle, "Observation") if "waveform" in json.dumps(item["code"])
    )
    first, second = (part["valueSampledData"] for part in waveform["component"])
    assert first["data"] == "0 12 -1234 E"
    assert second["data"] == "100 200 300 400"
    assert (first["period"], first["factor"], first["dimensions"]) == (4.0, 0.001, 1)


def test_provenance_names_reader_verifier_and_the_source_by_its_hash(make_delivery):
    """An auditor can go from the report back to the bytes."""
    delivery = make_delivery()
    named = replace(delivery, study=replace(delivery.study, message_sha256="ab" * 32))
    bundle = bundle_of(named)
    (provenance,) = resources(bundle, "Provenance")
    values = {item["what"]["identifier"]["value"] for item in provenance["entity"]}
    assert {"MSG00001", "ab" * 32} <= values
    devices = {f"urn:uuid:{item['id']}" for item in resources(bundle, "Device")}
    assert {agent["who"]["reference"] for agent in provenance["agent"]} == devices
    versions = json.dumps(resources(bundle, "Device"))
    assert "ab" * 32 in versions


def test_a_dangling_reference_is_refused(make_delivery):
    """The check follows references within the bundle."""
    bundle = deepcopy(bundle_of(make_delivery()))
    del bundle["entry"][0]
    with pytest.raises(ValueError, match="not in the bundle"):
        check_bundle(bundle)


def test_a_refusal_names_elements_and_never_values(make_delivery):
    """The message of a failed check holds no patient data."""
    bundle = bundle_of(make_delivery())
    bundle["entry"][0]["resource"]["gender"] = ["secret name"]
    with pytest.raises(ValueError, match="gender") as caught:
        check_bundle(bundle)
    assert "secret name" not in str(caught.value)
    assert "Neil" not in str(caught.value)


def test_an_ecg_without_patient_time_or_order_is_valid(make_delivery, r4):
    """What the message did not say is said to be unknown."""
    bare = make_delivery(
        patient=None, acquisition=Acquisition(), accession_number=None, placer_number=None, cart_statements=()
    )
    bundle = bundle_of(bare)
    check_bundle(bundle)
    r4.validate(json.loads(bundle_bytes(bundle)))
    (report,) = resources(bundle, "DiagnosticReport")
    assert "basedOn" not in report
    assert "effectiveDateTime" not in report
    assert report["subject"] == {"display": "patient not identified in the message"}


@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(words=st.text(max_size=12))
@example(words="\u00a0no\u2028break\u0085")
@example(words="\x00\x1c\ufeff")
def test_any_words_of_a_message_make_a_valid_bundle(make_delivery, r4, words):
    """Foreign text is cleaned and never makes a resource invalid."""
    patient = Patient(
        patient_id=f"7{words}", assigner=words, family_name=words, given_name=words, sex=Sex.MALE
    )
    delivery = make_delivery(
        recording=Recording.of([[0.0, 0.1]], (Lead.I,), 500.0),
        patient=patient,
        accession_number=words,
        message_id=words,
        acquisition=Acquisition(device=words),
    )
    noted = tuple(replace(item, note=words) for item in delivery.report.statements)
    bundle = bundle_of(replace(delivery, report=replace(delivery.report, statements=noted)))
    check_bundle(bundle)
    assert r4.is_valid(json.loads(bundle_bytes(bundle)))


@pytest.mark.parametrize("state", list(StatementState))
def test_statements_that_are_not_met_are_not_sent(make_delivery, state):
    """A receiver gets what is met or borderline, and only that."""
    delivery = make_delivery()
    changed = tuple(replace(item, state=state) for item in delivery.report.statements if item.parts)
    bundle = bundle_of(replace(delivery, report=replace(delivery.report, statements=changed)))
    sent = [item for item in resources(bundle, "Observation") if "8601-7" in codes(item["code"], LOINC)]
    assert len(sent) == (len(changed) if state in (StatementState.MET, StatementState.BORDERLINE) else 0)


@pytest.mark.parametrize(
    ("assigner", "system"),
    [
        ("HOSPITAL&2.16.840.1.113883.19.5&ISO", "urn:oid:2.16.840.1.113883.19.5"),
        ("1.2.840.99", "urn:oid:1.2.840.99"),
        ("https://hospital.example/mrn", "https://hospital.example/mrn"),
        ("HOSPITAL", None),
        (None, None),
    ],
)
def test_an_assigner_becomes_a_system_only_when_it_is_one(make_delivery, assigner, system):
    """A bare name is kept as the assigner's display."""
    bundle = bundle_of(make_delivery(patient=Patient(patient_id="7", assigner=assigner)))
    (patient,) = resources(bundle, "Patient")
    assert patient["identifier"][0].get("system") == system
