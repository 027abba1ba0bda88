"""How the rules reader says things: numbers with units, lists of leads, and a phrase for each statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind, Measurements
from gem_integration.domain.statement import Statement, StatementState
from gem_integration.terminology.statements import statement_codes, variant_of

SAID_OTHERWISE: Mapping[str, str] = {
    "normal_ecg": "normal ECG",
    "pause": "sinus pause",
    "vt": "wide-complex tachycardia, ventricular tachycardia until disproved",
    "pac": "premature atrial complexes",
    "pvc": "premature ventricular complexes",
    "ventr_escape": "ventricular escape rhythm",
    "avb1": "first-degree AV block",
    "avb2_m1": "second-degree AV block, Mobitz type I",
    "avb2_m2": "second-degree AV block, Mobitz type II",
    "avb3": "complete AV block",
    "wpw": "ventricular pre-excitation",
    "ivcd": "nonspecific intraventricular conduction delay",
    "lvh": "left ventricular hypertrophy",
    "low_voltage": "low QRS voltage",
    "prwp": "poor R wave progression",
    "q_mi": "pathological Q waves",
    "stemi": "ST elevation meeting STEMI criteria",
    "posterior_mi": "posterior infarction",
    "st_dep": "ST depression",
    "avr_diffuse": "ST elevation in aVR with diffuse ST depression",
    "dewinter": "De Winter pattern",
    "wellens": "Wellens pattern",
    "sgarbossa": "positive Sgarbossa criteria",
    "t_abn": "T wave abnormality",
    "long_qt": "prolonged QT interval",
    "short_qt": "short QT interval",
    "early_repol": "early repolarisation",
    "brugada1": "coved ST elevation of Brugada type 1 morphology",
    "pericarditis": "pericarditis pattern",
    "hyperk": "T waves suggesting hyperkalaemia",
    "pe_strain": "right ventricular strain pattern",
    "lead_reversal": "limb lead reversal",
}
"""Phrases for statements whose table name does not read well inside a sentence."""

AF_NOTE = "ventricular response "
WITH_LEADS = frozenset({"q_mi", "stemi", "st_dep", "t_abn", "early_repol"})
NOT_IN_IMPRESSION = frozenset({"poor_quality", "normal_ecg"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The measurements and, by id, the statements the sentences draw on."""

    measurements: Measurements
    statements: Mapping[str, Statement]

    def number(self, kind: MeasurementKind, lead: Lead | None = None) -> float | None:
        """Return a measured number, if there is one."""
        return self.measurements.value(kind, lead)

    def met(self, statement_id: str) -> bool:
        """Say whether a statement is met."""
        return self.state(statement_id) is StatementState.MET

    def likely(self, statement_id: str) -> bool:
        """Say whether a statement is met or borderline."""
        return self.state(statement_id) in (StatementState.MET, StatementState.BORDERLINE)

    def state(self, statement_id: str) -> StatementState | None:
        """Return a statement's state, ``None`` where it was not evaluated."""
        found = self.statements.get(statement_id)
        return None if found is None else found.state


def ms(value: float) -> str:
    """Return a time in whole milliseconds."""
    return f"{value:.0f} ms"


def mv(value: float) -> str:
    """Return an unsigned amplitude in hundredths of a millivolt."""
    return f"{abs(value):.2f} mV"


def degrees(value: float) -> str:
    """Return an axis in whole degrees, without a negative zero."""
    return f"{round(value)} degrees"


def listed(words: Sequence[str]) -> str:
    """Return words as an English list."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def in_leads(leads: Iterable[Lead]) -> str:
    """Return "in lead V1" or "in leads II, III and aVF"."""
    names = [str(lead) for lead in leads]
    return f"in lead{'s' if len(names) > 1 else ''} {listed(names)}"


def phrase(statement: Statement) -> str:
    """Return a statement as the reader says it, with its leads where they matter, hedged when borderline."""
    variant = variant_of(statement)
    words = variant.name.lower() if variant else _plain(statement.statement_id)
    if statement.statement_id in WITH_LEADS and statement.leads:
        words = f"{words} {in_leads(statement.leads)}"
    if statement.statement_id == "af" and statement.note:
        words = f"{words} with {statement.note.removeprefix(AF_NOTE)} ventricular response"
    return words if statement.state is StatementState.MET else f"possible {words}"


def _plain(statement_id: str) -> str:
    if statement_id in SAID_OTHERWISE:
        return SAID_OTHERWISE[statement_id]
    name = statement_codes()[statement_id].name
    return name[0].lower() + name[1:]
