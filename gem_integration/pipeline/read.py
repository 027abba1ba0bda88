"""A leased job becomes one preliminary report, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gem_integration.criteria import evaluate
from gem_integration.domain.ecg import Recording
from gem_integration.domain.evidence import ClaimKind, GroundedObservation
from gem_integration.domain.identity import Demographics, ReaderIdentity
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.reading import Interpretation, LeasedJob, ReadRequest, StopReason
from gem_integration.domain.report import Report
from gem_integration.domain.statement import Statement
from gem_integration.domain.study import Study
from gem_integration.errors import ReaderUnavailable, UnusableInterpretation
from gem_integration.grounding import coverage, ground
from gem_integration.ports import Clock, EcgReader
from gem_integration.reporting import compose
from gem_integration.signal.leads import with_standard_leads
from gem_integration.signal.measure import measure
from gem_integration.signal.quality import assess
from gem_integration.storage import Store
from gem_integration.storage.columns import storable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examined:
    """What our own code says about a study before any reader looks at it."""

    recording: Recording
    demographics: Demographics
    measurements: Measurements
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """What one read came to: our numbers, the reader's text, and the report on both."""

    measurements: Measurements
    interpretation: Interpretation
    report: Report


def read(
    job: LeasedJob, *, store: Store, reader: EcgReader, clock: Clock, sinks: Sequence[str] = ()
) -> Report:
    """Turn one leased job into one preliminary report, and queue its delivery to each sink.

    ``UnusableInterpretation`` when the reader's text cannot be grounded; ``ReaderUnavailable`` when it
    cannot work now or is not the job's reader; ``LeaseLost`` when another holder has the job by now.
    """
    if reader.identity.key != job.reader_key:
        reason = "this job is for another reader or version: run that one, or queue the study anew"
        raise ReaderUnavailable(reason, job=str(job.job_id))
    study = store.study(job.study_id)
    version = store.next_version(study.study_id)
    reading = read_study(_with_indication(study, store), reader, version=version, issued_at=clock.now())
    previous = store.latest_report(study.study_id) if version > 1 else None
    report = replace(reading.report, supersedes=previous.report_id if previous else None)
    store.finish(
        job,
        measurements=reading.measurements,
        interpretation=reading.interpretation,
        report=report,
        sinks=sinks,
    )
    return report


def read_study(study: Study, reader: EcgReader, *, version: int, issued_at: datetime) -> Reading:
    """Read one study from recording to report; touches no database.

    ``UnusableInterpretation`` when the reader's text cannot be grounded; ``ReaderUnavailable``.
    """
    examined = examine(study)
    interpretation = interpret(examined, reader, indication=study.ecg.indication)
    observations = ground_claims(interpretation, examined)
    report = compose(
        study=study,
        version=version,
        issued_at=issued_at,
        interpretation=interpretation,
        observations=observations,
        coverage=coverage(interpretation.text, observations),
        statements=examined.statements,
        quality=examined.measurements.quality,
    )
    return Reading(measurements=examined.measurements, interpretation=interpretation, report=report)


def examine(study: Study) -> Examined:
    """Measure a study's recording and evaluate every statement on it; the same study, the same numbers."""
    recording = with_standard_leads(study.ecg.recording)
    demographics = demographics_of(study)
    measurements = measure(recording, assess(recording))
    return Examined(
        recording=recording,
        demographics=demographics,
        measurements=measurements,
        statements=evaluate(measurements, demographics),
    )


def demographics_of(study: Study) -> Demographics:
    """Return age and sex at acquisition; the age a message states serves where no birth date came."""
    ecg = study.ecg
    taken_on = (ecg.acquisition.performed_at or study.received_at).date()
    known = Demographics.of(ecg.patient, taken_on)
    age_years = ecg.age_years if known.age_years is None else known.age_years
    return Demographics(age_years=age_years, sex=known.sex or ecg.sex)


def interpret(examined: Examined, reader: EcgReader, *, indication: str | None) -> Interpretation:
    """Return the reader's text, or the refusal of a recording that must not be interpreted.

    ``UnusableInterpretation`` for a text that is empty, truncated, or holds what cannot be stored as is.
    """
    if not examined.measurements.quality.usable:
        return _not_interpretable(examined, reader.identity)
    request = ReadRequest(
        recording=examined.recording,
        demographics=examined.demographics,
        indication=indication,
        measurements=examined.measurements,
        statements=examined.statements,
    )
    interpretation = reader.read(request)
    if interpretation.stop_reason is StopReason.LENGTH:
        raise UnusableInterpretation("the reader was cut off at its length limit: raise the limit")
    if not interpretation.text.strip():
        raise UnusableInterpretation("the reader wrote nothing")
    if storable(interpretation.text) != interpretation.text:
        raise UnusableInterpretation("the reader's text holds characters that are no text")
    return interpretation


def ground_claims(interpretation: Interpretation, examined: Examined) -> tuple[GroundedObservation, ...]:
    """Give every claim its verdict; ``UnusableInterpretation`` for a text without a checkable claim.

    The refusal of an unusable recording is ours, not the reader's, and claims nothing.
    """
    if not examined.measurements.quality.usable:
        return ()
    observations = ground(
        interpretation.text, examined.measurements, examined.statements, examined.demographics
    )
    if all(observation.claim.kind is ClaimKind.OTHER for observation in observations):
        raise UnusableInterpretation("the reader's text holds no claim that a waveform could show")
    return observations


def _not_interpretable(examined: Examined, identity: ReaderIdentity) -> Interpretation:
    reasons = "; ".join(examined.measurements.quality.reasons) or "its quality does not allow it"
    text = f"Not interpreted: {reasons}."
    return Interpretation(text=text, reader=identity, stop_reason=StopReason.END, seconds=0.0)


def _with_indication(study: Study, store: Store) -> Study:
    if study.ecg.indication is not None or study.order_id is None:
        return study
    ordered_for = store.order(study.order_id).inbound.indication
    return replace(study, ecg=replace(study.ecg, indication=ordered_for))
