"""Every statement on one recording, in table order, in one of four states."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gem_integration.criteria import (
    axis_voltage,
    conduction,
    infarction,
    qt,
    repolarisation,
    rhythm,
    technical,
    ventricular,
)
from gem_integration.criteria.combine import all_of
from gem_integration.criteria.guards import Outcomes, one_rhythm, silence
from gem_integration.criteria.parts import BORDERLINE, MET, NOT_MEASURABLE, NOT_MET, Case, Outcome, observed
from gem_integration.domain.identity import Demographics, Sex
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.measurement import Measurements
from gem_integration.domain.statement import Statement, StatementState, Urgency
from gem_integration.terminology.statements import statement_codes

Rule = Callable[[Case], Outcome]

NORMAL_RATE = (50.0, 100.0)
NORMAL_PR_MS = (120.0, 200.0)
NORMAL_QRS_MAX_MS = 110.0
NORMAL_AXIS_DEG = (-30.0, 90.0)
NORMAL_QTC_MS = {Sex.MALE: (360.0, 450.0), Sex.FEMALE: (360.0, 460.0), None: (360.0, 460.0)}
"""The lower limit is where a short QT begins to ask for a work-up; 360 to 390 ms is common in health."""

NORMAL_BESIDE = frozenset(
    {"normal_ecg", "sinus_rhythm", "sinus_brady", "sinus_arrhythmia", "early_repol", "poor_quality"}
)
"""Statements a normal ECG may carry; the rate limit still bounds bradycardia."""

STATEMENTS: Mapping[str, Rule] = {
    "sinus_rhythm": rhythm.sinus_rhythm,
    "sinus_brady": rhythm.sinus_brady,
    "sinus_tachy": rhythm.sinus_tachy,
    "sinus_arrhythmia": rhythm.sinus_arrhythmia,
    "pause": ventricular.pause,
    "af": rhythm.af,
    "aflutter": rhythm.aflutter,
    "svt": rhythm.svt,
    "atrial_rhythm": rhythm.atrial_rhythm,
    "junctional": rhythm.junctional,
    "pac": rhythm.pac,
    "pvc": ventricular.pvc,
    "vt": ventricular.vt,
    "vf": ventricular.vf,
    "ventr_escape": ventricular.ventr_escape,
    "avb1": conduction.avb1,
    "avb2_m1": conduction.avb2_m1,
    "avb2_m2": conduction.avb2_m2,
    "avb3": conduction.avb3,
    "wpw": conduction.wpw,
    "lbbb": conduction.lbbb,
    "rbbb": conduction.rbbb,
    "irbbb": conduction.irbbb,
    "ilbbb": conduction.ilbbb,
    "lafb": conduction.lafb,
    "lpfb": conduction.lpfb,
    "ivcd": conduction.ivcd,
    "paced": ventricular.paced,
    "axis_dev": axis_voltage.axis_dev,
    "lvh": axis_voltage.lvh,
    "rvh": axis_voltage.rvh,
    "lae": axis_voltage.lae,
    "rae": axis_voltage.rae,
    "low_voltage": axis_voltage.low_voltage,
    "prwp": axis_voltage.prwp,
    "q_mi": infarction.q_mi,
    "stemi": infarction.stemi,
    "posterior_mi": infarction.posterior_mi,
    "st_dep": infarction.st_dep,
    "avr_diffuse": infarction.avr_diffuse,
    "dewinter": infarction.dewinter,
    "wellens": infarction.wellens,
    "sgarbossa": infarction.sgarbossa,
    "t_abn": repolarisation.t_abn,
    "long_qt": qt.long_qt,
    "short_qt": qt.short_qt,
    "early_repol": repolarisation.early_repol,
    "brugada1": repolarisation.brugada1,
    "pericarditis": repolarisation.pericarditis,
    "hyperk": repolarisation.hyperk,
    "pe_strain": repolarisation.pe_strain,
    "lead_reversal": technical.lead_reversal,
    "poor_quality": technical.poor_quality,
}
"""The rule of every statement but ``normal_ecg``, which is drawn from all the others."""


def evaluate(measurements: Measurements, demographics: Demographics) -> tuple[Statement, ...]:
    """Return every statement of the table, in its order, each in one of the four states."""
    case = Case(measurements=measurements, demographics=demographics)
    raw = {name: rule(case) for name, rule in STATEMENTS.items()}
    outcomes = silence(case, one_rhythm(raw))
    outcomes["normal_ecg"] = normal_ecg(case, outcomes)
    return tuple(_statement(name, outcomes[name]) for name in statement_codes())


def normal_ecg(case: Case, found: Outcomes) -> Outcome:
    """Test for intervals and axis within limits and no other statement; 50 to 59 per minute is a variant."""
    qtc_limits = NORMAL_QTC_MS[case.demographics.sex]
    limits = all_of(
        case.within(Kind.HEART_RATE, *NORMAL_RATE),
        case.within(Kind.PR_INTERVAL, *NORMAL_PR_MS),
        case.within(Kind.QRS_DURATION, 0.0, NORMAL_QRS_MAX_MS),
        case.within(Kind.QTC_FRIDERICIA, *qtc_limits),
        case.within(Kind.QRS_AXIS, *NORMAL_AXIS_DEG),
        observed("quality", "the recording is technically sound", met=case.measurements.quality.usable),
    )
    met, doubtful = (
        [name for name in found if name not in NORMAL_BESIDE and found[name].state is state]
        for state in (MET, BORDERLINE)
    )
    alone = observed(
        "statements", "no abnormal statement", met=not met, method=", ".join(met) or "none is met"
    )
    outcome = all_of(limits, alone)
    if outcome.holds and doubtful:
        return Outcome(state=BORDERLINE, parts=outcome.parts, note=f"borderline: {', '.join(doubtful)}")
    return outcome


def _statement(name: str, outcome: Outcome) -> Statement:
    return Statement(
        statement_id=name,
        state=outcome.state,
        urgency=_urgency(name, outcome),
        parts=outcome.parts,
        leads=outcome.leads if outcome.likely else (),
        note=outcome.note,
    )


def _urgency(name: str, outcome: Outcome) -> Urgency:
    """Ask nothing where a statement does not hold; at most urgent where it is borderline."""
    if outcome.state in (NOT_MET, NOT_MEASURABLE):
        return Urgency.NORMAL
    urgency = outcome.urgency or statement_codes()[name].urgency
    if outcome.state is StatementState.BORDERLINE and urgency is Urgency.CRITICAL:
        return Urgency.URGENT
    return urgency
