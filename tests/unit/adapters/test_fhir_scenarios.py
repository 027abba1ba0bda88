"""Whatever the ECG shows, its bundle is valid FHIR R4."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from adapters.outbound.fhir import bundle_bytes, bundle_of, check_bundle
from gem_integration.domain.identity import Patient, stable_id
from gem_integration.domain.study import Study
from gem_integration.pipeline.read import read_study
from gem_integration.ports import Delivery
from gem_integration.simulate import SCENARIOS, as_inbound, simulate
from workers.readers import READERS

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PATIENT = Patient(patient_id="SIM-1")
SHOWN = ("normal_sinus", "af_rvr", "lbbb", "inferior_stemi", "pvc", "paced", "asystole")


@pytest.mark.parametrize("name", SHOWN)
def test_the_bundle_of_a_read_ecg_is_valid_r4(name):
    """A real read, from samples to bytes, passes both checks."""
    study = Study(
        study_id=stable_id("study", name),
        ecg=as_inbound(simulate(SCENARIOS[name]), patient=PATIENT, started_at=NOW, message_id=name),
        received_at=NOW,
    )
    reading = read_study(study, READERS["rules"](), version=1, issued_at=NOW)
    bundle = bundle_of(Delivery(study=study, measurements=reading.measurements, report=reading.report))
    check_bundle(bundle)
    schema = json.loads((Path(__file__).parents[2] / "data" / "fhir-r4-schema.json").read_text())
    assert jsonschema.Draft6Validator(schema).is_valid(json.loads(bundle_bytes(bundle)))
