"""Claims and statements as Observations, each with the evidence it rests on.

A claim's Observation is about the claim, never the claim itself: its value is the verdict, so that a
system that shows only code and value cannot turn a contradicted claim into a finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from adapters.outbound.fhir.frame import NOT_REPORTED, Frame, key_of
from adapters.outbound.fhir.measurement import lead_component, lead_concept, sample_ranges
from adapters.outbound.fhir.parts import (
    HL7,
    LOINC,
    OWN_COMPONENT,
    OWN_CRITERION,
    OWN_MEASUREMENT,
    OWN_OBSERVATION,
    OWN_STATE,
    OWN_STATEMENT,
    OWN_SUBJECT,
    OWN_URGENCY,
    OWN_VERDICT,
    SNOMED,
    Part,
    absent,
    clean,
    coding,
    component,
    concept,
    quantity,
    range_of,
)
from gem_integration.domain.evidence import Claim, Comparator, Evidence, GroundedObservation, Verdict
from gem_integration.domain.statement import Statement, StatementState, Urgency
from gem_integration.terminology.statements import finding_of, name_of

LOINC_IMPRESSION = "8601-7"
QUANTITY_COMPARATORS = frozenset(
    {Comparator.LESS, Comparator.LESS_OR_EQUAL, Comparator.GREATER, Comparator.GREATER_OR_EQUAL}
)
#: Verdicts that leave the question open, with why (code system data-absent-reason).
ABSENT_REASONS: dict[Verdict, str] = {
    Verdict.NOT_MEASURABLE: "unknown",
    Verdict.NOT_GROUNDABLE: "not-applicable",
}
#: HL7 v3 ObservationInterpretation of a met statement.
INTERPRETATION_OF_URGENCY: dict[Urgency, str] = {
    Urgency.CRITICAL: "AA",
    Urgency.URGENT: "A",
    Urgency.ROUTINE: "A",
    Urgency.NORMAL: "N",
}


def claim_observations(frame: Frame) -> Iterator[Part]:
    """Yield one Observation per claim of the reader, none dropped."""
    seen: Counter[str] = Counter()
    for item in frame.delivery.report.observations:
        name = _claim_name(item.claim)
        seen[name] += 1
        yield _claim_observation(frame, item, frame.id_of("claim", name, str(seen[name])))


def _claim_name(claim: Claim) -> str:
    """Return what tells a claim from the others of its text; equal ones are told apart by their count."""
    parts = (claim.start, claim.end, claim.kind, claim.subject, ",".join(claim.leads), claim.polarity)
    return "|".join(str(part) for part in (*parts, claim.comparator, claim.value, claim.value_high))


def _claim_observation(frame: Frame, item: GroundedObservation, resource_id: str) -> Part:
    words = "Claim of the reader, checked against the waveform"
    return {
        **frame.observation(
            resource_id,
            category="procedure",
            code=concept([coding(OWN_OBSERVATION, "claim")], words),
            device=frame.reader_id,
        ),
        **_verdict_value(item.verdict),
        **frame.derived_from(item.evidence),
        "component": [*_claim_components(item), *evidence_components(item.evidence)],
    }


def _verdict_value(verdict: Verdict) -> Part:
    if reason := ABSENT_REASONS.get(verdict):
        return absent(reason)
    return {"valueCodeableConcept": _verdict_concept(verdict)}


def _verdict_concept(verdict: Verdict) -> Part:
    return concept([coding(OWN_VERDICT, verdict)], f"claim {verdict.replace('_', ' ')}")


def _claim_components(item: GroundedObservation) -> Iterator[Part]:
    claim = item.claim
    yield component("verdict", {"valueCodeableConcept": _verdict_concept(item.verdict)})
    yield component("reason", _string(item.reason))
    yield component("claim-text", _string(claim.text))
    yield component("claim-start", {"valueInteger": claim.start}, "first character in the interpretation")
    yield component("claim-end", {"valueInteger": claim.end}, "character after the last")
    yield component("claim-kind", _string(claim.kind))
    if claim.subject:
        yield component(
            "claim-subject", {"valueCodeableConcept": concept([coding(OWN_SUBJECT, claim.subject)])}
        )
    yield component("claim-polarity", _string(claim.polarity))
    yield component("claim-certainty", _string(claim.certainty))
    yield from (component("claim-lead", {"valueCodeableConcept": lead_concept(lead)}) for lead in claim.leads)
    yield from _claimed_number(claim)


def _claimed_number(claim: Claim) -> Iterator[Part]:
    """Yield the number the claim states; an equality carries no FHIR comparator."""
    if claim.value is None:
        return
    if claim.value_high is not None:
        bounds = range_of(claim.value, claim.value_high, claim.unit)
        yield component("claimed-value", {"valueRange": bounds}, "range stated by the reader")
        return
    sign = claim.comparator.value if claim.comparator in QUANTITY_COMPARATORS and claim.comparator else None
    number = quantity(claim.value, claim.unit, sign)
    yield component("claimed-value", {"valueQuantity": number}, "number stated by the reader")


def _string(text: str) -> Part:
    kept = clean(text)
    return {"valueString": kept} if kept else absent("unknown")


def evidence_components(evidence: tuple[Evidence, ...]) -> Iterator[Part]:
    """Yield each number beside its criterion, then where on the recording it was taken."""
    for number, part in enumerate(evidence, start=1):
        yield _evidence_component(part, number)
        yield from lead_component(part.lead)
        yield from sample_ranges(part.samples, of=f"evidence {number}")


def _evidence_component(part: Evidence, number: int) -> Part:
    key = key_of(part)
    kind = [coding(OWN_MEASUREMENT, key[0])] if key else []
    code = concept([coding(OWN_COMPONENT, "evidence"), *kind], f"evidence {number}: {part.criterion}")
    value = absent("unknown") if part.value is None else {"valueQuantity": quantity(part.value, part.unit)}
    return {"code": code, **value, **_criterion_met(part.met)}


def _criterion_met(met: bool | None) -> Part:  # noqa: FBT001 - the three states of a criterion
    if met is None:
        return {}
    return {"interpretation": [concept([coding(OWN_CRITERION, "met" if met else "not-met")])]}


def statement_observations(frame: Frame) -> Iterator[Part]:
    """Yield one Observation per statement that is met or borderline."""
    for statement in frame.delivery.report.statements:
        if statement.state not in NOT_REPORTED:
            yield _statement_observation(frame, statement)


def _statement_observation(frame: Frame, statement: Statement) -> Part:
    note: Part = {"note": [{"text": clean(statement.note)}]} if clean(statement.note) else {}
    return {
        **frame.observation(
            frame.id_of("statement", statement.statement_id, ",".join(statement.leads)),
            category="procedure",
            code=concept([coding(LOINC, LOINC_IMPRESSION)], "ECG statement by published criteria"),
            device=frame.verifier_id,
        ),
        "valueCodeableConcept": _statement_concept(statement),
        **_statement_interpretation(statement),
        **note,
        **frame.derived_from(statement.parts),
        "component": [*_statement_components(statement), *evidence_components(statement.parts)],
    }


def _statement_concept(statement: Statement) -> Part:
    """Return the finding; a borderline one carries no SNOMED CT code, which would assert it."""
    name, own = name_of(statement), coding(OWN_STATEMENT, statement.statement_id)
    if statement.state is not StatementState.MET:
        return concept([own], f"Borderline: {name}")
    return finding_concept(statement) or concept([own], name)


def finding_concept(statement: Statement) -> Part | None:
    """Return a statement as a SNOMED CT finding with our name; ``None`` when SNOMED CT has no code."""
    finding = finding_of(statement)
    own = coding(OWN_STATEMENT, statement.statement_id)
    return concept([coding(SNOMED, finding), own], name_of(statement)) if finding else None


def _statement_interpretation(statement: Statement) -> Part:
    met = statement.state is StatementState.MET
    flag = INTERPRETATION_OF_URGENCY[statement.urgency] if met else "IND"
    return {"interpretation": [concept([coding(f"{HL7}/v3-ObservationInterpretation", flag)])]}


def _statement_components(statement: Statement) -> Iterator[Part]:
    state = concept([coding(OWN_STATE, statement.state)])
    urgency = concept([coding(OWN_URGENCY, statement.urgency)])
    yield component("state", {"valueCodeableConcept": state})
    yield component("urgency", {"valueCodeableConcept": urgency})
    for lead in statement.leads:
        yield component("statement-lead", {"valueCodeableConcept": lead_concept(lead)})
