"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from gem_integration.domain.ecg import STANDARD_LEADS, Acquisition, Lead, Recording
from gem_integration.domain.evidence import (
    Certainty,
    Claim,
    ClaimKind,
    Comparator,
    Evidence,
    GroundedObservation,
    Polarity,
    Verdict,
)
from gem_integration.domain.identity import Patient, ReaderIdentity, Sex, stable_id
from gem_integration.domain.measurement import Measurement, MeasurementKind, Measurements
from gem_integration.domain.quality import LeadQuality, Quality
from gem_integration.domain.reading import Interpretation, StopReason
from gem_integration.domain.report import Coverage
from gem_integration.domain.statement import Statement, StatementState, Urgency
from gem_integration.domain.study import InboundEcg, Study
from gem_integration.ports import Delivery
from gem_integration.reporting import compose
from gem_integration.terminology.codes import measurement_codes
from tests.services.fixtures import fhir_server, kafka_broker, rabbitmq  # noqa: F401 - fixtures
from tests.services.stores import (  # noqa: F401 - fixtures
    clock,
    database_url,
    migrated_sqlite,
    postgres,
    sqlite_store,
    store,
)

# How long an example takes says something of the machine, not of the code; a run that decides whether a
# change may land draws the same examples every time.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

READING_TEXT = (
    "Sinus rhythm at 72 bpm. The PR interval is 240 ms. There is an rsR' pattern in V1, "
    "suggesting right bundle branch block. The QTc is normal. The T wave in V9 is flat. Advise follow-up."
)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of reference recordings beside the checkout, or skip."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the reference recordings are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def make_delivery() -> Callable[..., Delivery]:
    """Return a builder of deliveries: an ECG of drawn waves with a claim of every verdict.

    Keyword arguments replace fields of the ``InboundEcg``.
    """
    return _delivery


def _delivery(**changes: object) -> Delivery:
    study = Study(
        study_id=stable_id("test study"),
        ecg=replace(_inbound(), **changes),
        received_at=datetime(2026, 3, 1, 9, 31, tzinfo=UTC),
    )
    measurements = _measurements()
    report = compose(
        study=study,
        version=1,
        issued_at=datetime(2026, 3, 1, 9, 31, 4, 250_000, tzinfo=UTC),
        interpretation=Interpretation(
            text=READING_TEXT, reader=READER, stop_reason=StopReason.END, seconds=0.01
        ),
        observations=_observations(),
        coverage=Coverage(by_kind={"finding": 2}, by_verdict={"supported": 2}, words_covered=0.9),
        statements=_statements(),
        quality=measurements.quality,
    )
    return Delivery(study=study, measurements=measurements, report=report)


READER = ReaderIdentity(
    name="rules", version="1", weights_digest=None, prompt_digest="ab" * 32, code_version="0.1.0"
)


def _inbound() -> InboundEcg:
    return InboundEcg(
        message_id="MSG00001",
        recording=_drawn_recording(),
        acquisition=Acquisition(
            performed_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC), device="Cart <7>", filters=("0.05-150 Hz",)
        ),
        patient=Patient(
            patient_id="P-4711",
            assigner="HOSPITAL&2.16.840.1.113883.19.5&ISO",
            family_name="O'Neil & <Sons>",
            given_name="Zoë",
            birth_date=date(1950, 5, 17),
            sex=Sex.FEMALE,
        ),
        accession_number="ACC-1",
        placer_number="PLC-1",
        cart_statements=("Normal ECG",),
    )


def _drawn_recording(rate_hz: float = 500.0, seconds: float = 10.0) -> Recording:
    times = np.arange(round(rate_hz * seconds)) / rate_hz
    phase = (times + 0.4) % (60 / 72)
    waves = (
        (0.20, 0.025, 0.12),
        (0.36, 0.008, -0.1),
        (0.38, 0.011, 1.1),
        (0.40, 0.009, -0.25),
        (0.64, 0.05, 0.3),
    )
    beat = sum(height * np.exp(-0.5 * ((phase - at) / width) ** 2) for at, width, height in waves)
    scale = np.linspace(-0.6, 2.4, len(STANDARD_LEADS))[:, None]
    return Recording.of(scale * beat, STANDARD_LEADS, rate_hz)


GLOBAL_VALUES: dict[MeasurementKind, float] = {
    MeasurementKind.HEART_RATE: 72.0,
    MeasurementKind.RR_INTERVAL: 833.0,
    MeasurementKind.P_DURATION: 104.0,
    MeasurementKind.PR_INTERVAL: 160.0,
    MeasurementKind.QRS_DURATION: 96.0,
    MeasurementKind.QT_INTERVAL: 402.0,
    MeasurementKind.QTC_BAZETT: 440.0,
    MeasurementKind.QTC_FRIDERICIA: 427.0,
    MeasurementKind.QTC_FRAMINGHAM: 428.0,
    MeasurementKind.QTC_HODGES: 423.0,
    MeasurementKind.P_AXIS: 48.0,
    MeasurementKind.QRS_AXIS: 57.0,
    MeasurementKind.RR_NRMSSD: 0.021,
}


def _measured(kind: MeasurementKind, value: float, lead: Lead | None = None) -> Measurement:
    return Measurement(
        kind=kind,
        value=value,
        unit=measurement_codes()[kind].unit,
        lead=lead,
        beats=(1, 2),
        samples=((155, 203), (572, 620)),
        method="drawn",
        uncertainty=abs(value) * 0.05,
    )


def _measurements() -> Measurements:
    recording = _drawn_recording()
    quality = Quality(
        usable=True,
        flags=(),
        reasons=(),
        leads={lead: LeadQuality(usable=True) for lead in STANDARD_LEADS},
    )
    in_leads = (
        _measured(MeasurementKind.R_PRIME_AMPLITUDE, 0.42, Lead.V1),
        _measured(MeasurementKind.Q_AMPLITUDE, -0.11, Lead.III),
    )
    return Measurements(
        sampling_rate_hz=recording.sampling_rate_hz,
        sample_count=recording.sample_count,
        quality=quality,
        beats=(),
        items=(*(_measured(kind, value) for kind, value in GLOBAL_VALUES.items()), *in_leads),
        unmeasured={(MeasurementKind.T_AXIS, None): "T too flat"},
    )


def _evidence(kind: MeasurementKind, criterion: str, met: bool | None, lead: Lead | None = None) -> Evidence:
    item = _measurements().get(kind, lead)
    if item is None:
        return Evidence(
            measurement=kind, lead=lead, method="lead not recorded", criterion=criterion, met=None
        )
    return Evidence(
        measurement=kind,
        lead=lead,
        value=item.value,
        unit=item.unit,
        low=item.low,
        high=item.high,
        beats=item.beats,
        samples=item.samples,
        method=item.method,
        criterion=criterion,
        met=met,
    )


def _statements() -> tuple[Statement, ...]:
    rate = _evidence(MeasurementKind.HEART_RATE, "heart_rate 60 to 100", met=True)
    pr = _evidence(MeasurementKind.PR_INTERVAL, "pr_interval > 200 ms", met=False)
    r_prime = _evidence(MeasurementKind.R_PRIME_AMPLITUDE, "r_prime_amplitude > 0", met=True, lead=Lead.V1)
    qrs = _evidence(MeasurementKind.QRS_DURATION, "qrs_duration >= 110 ms", met=None)
    return (
        _statement("sinus_rhythm", StatementState.MET, Urgency.NORMAL, rate),
        _statement("avb1", StatementState.NOT_MET, Urgency.ROUTINE, pr),
        _statement("irbbb", StatementState.BORDERLINE, Urgency.ROUTINE, qrs, r_prime),
        _statement("st_dep", StatementState.MET, Urgency.URGENT, r_prime),
        _statement("vf", StatementState.NOT_MEASURABLE, Urgency.CRITICAL),
    )


def _statement(name: str, state: StatementState, urgency: Urgency, *parts: Evidence) -> Statement:
    leads = tuple(part.lead for part in parts if part.lead)
    return Statement(statement_id=name, state=state, urgency=urgency, parts=parts, leads=leads)


def _observations() -> tuple[GroundedObservation, ...]:
    finding, morphology = ClaimKind.FINDING, ClaimKind.MORPHOLOGY
    rate = _evidence(MeasurementKind.HEART_RATE, "|measured - claimed| <= 4 /min", met=True)
    pr = _evidence(MeasurementKind.PR_INTERVAL, "|measured - claimed| <= 10 ms", met=False)
    r_prime = _evidence(MeasurementKind.R_PRIME_AMPLITUDE, "r_prime_amplitude > 0", met=True, lead=Lead.V1)
    qrs = _evidence(MeasurementKind.QRS_DURATION, "qrs_duration >= 120 ms", met=False)
    qt = _evidence(MeasurementKind.QTC_FRIDERICIA, "qtc_fridericia <= 460 ms", met=None)
    flat = _evidence(MeasurementKind.T_AMPLITUDE, "|t_amplitude| <= 0.1 mV", met=None, lead=Lead.V9)
    bpm = {"comparator": Comparator.EQUAL, "value": 72.0, "unit": "bpm"}
    ms = {"comparator": Comparator.EQUAL, "value": 240.0, "unit": "ms"}
    in_v1, in_v9 = {"leads": (Lead.V1,)}, {"leads": (Lead.V9,)}
    possible = {"certainty": Certainty.POSSIBLE, "polarity": Polarity.PRESENT}
    return (
        _grounded("Sinus rhythm", finding, "sinus_rhythm", Verdict.SUPPORTED, rate),
        _grounded("at 72 bpm", ClaimKind.MEASUREMENT, "heart_rate", Verdict.SUPPORTED, rate, **bpm),
        _grounded(
            "The PR interval is 240 ms", ClaimKind.MEASUREMENT, "pr_interval", Verdict.CONTRADICTED, pr, **ms
        ),
        _grounded("rsR' pattern in V1", morphology, "rsr_pattern", Verdict.SUPPORTED, r_prime, **in_v1),
        _grounded(
            "right bundle branch block", finding, "rbbb", Verdict.CONTRADICTED, qrs, r_prime, **possible
        ),
        _grounded("The QTc is normal", morphology, "qt_normal", Verdict.BORDERLINE, qt),
        _grounded("The T wave in V9 is flat", morphology, "t_flat", Verdict.NOT_MEASURABLE, flat, **in_v9),
        _grounded("Advise follow-up", ClaimKind.OTHER, None, Verdict.NOT_GROUNDABLE),
    )


def _grounded(
    words: str, kind: ClaimKind, subject: str | None, verdict: Verdict, *evidence: Evidence, **more: object
) -> GroundedObservation:
    start = READING_TEXT.index(words)
    claim = Claim(text=words, start=start, end=start + len(words), kind=kind, subject=subject, **more)
    return GroundedObservation(
        claim=claim, verdict=verdict, reason=f"test reason {verdict}", evidence=evidence
    )
