"""Findings: the statement of the same id, or a few statements together, decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Claim, Evidence, Verdict
from gem_integration.domain.statement import Statement, StatementState
from gem_integration.grounding.checks.outcome import Outcome, Waveform, is_absent

# Ids that no single statement decides: one of these met is enough (claims.md section 3).
ANY_OF: Mapping[str, tuple[str, ...]] = {
    "sinus_rhythm": ("sinus_rhythm", "sinus_brady", "sinus_tachy", "sinus_arrhythmia"),
    "ischaemia": ("st_dep", "t_abn", "stemi", "posterior_mi", "wellens", "dewinter", "avr_diffuse"),
    "infarct_old": ("q_mi",),
    "infarct_acute": ("stemi", "posterior_mi", "dewinter", "sgarbossa"),
    "hypertrophy_unspecified": ("lvh", "rvh"),
    "conduction_disorder": (
        "avb1",
        "avb2_m1",
        "avb2_m2",
        "avb3",
        "wpw",
        "lbbb",
        "rbbb",
        "irbbb",
        "ilbbb",
        "lafb",
        "lpfb",
        "ivcd",
    ),
    "fibrillatory_waves": ("af",),
    "flutter_waves": ("aflutter",),
    "poor_r_progression": ("prwp",),
}
# Ids that hold where another does not.
NOT_OF: Mapping[str, str] = {"abnormal_ecg": "normal_ecg", "normal_r_progression": "prwp"}

_STATES = (
    StatementState.MET,
    StatementState.BORDERLINE,
    StatementState.NOT_MEASURABLE,
    StatementState.NOT_MET,
)
_VERDICTS: Mapping[StatementState, Verdict] = {
    StatementState.MET: Verdict.SUPPORTED,
    StatementState.BORDERLINE: Verdict.BORDERLINE,
    StatementState.NOT_MET: Verdict.CONTRADICTED,
    StatementState.NOT_MEASURABLE: Verdict.NOT_MEASURABLE,
}
_OPPOSITE: Mapping[Verdict, Verdict] = {
    Verdict.SUPPORTED: Verdict.CONTRADICTED,
    Verdict.CONTRADICTED: Verdict.SUPPORTED,
}


def check_finding(name: str, claim: Claim, waveform: Waveform) -> Outcome:
    """Give the verdict of the statements that decide ``name``, turned round for a denial."""
    ids = (NOT_OF[name],) if name in NOT_OF else ANY_OF.get(name, (name,))
    found = [waveform.statements[item] for item in ids if item in waveform.statements]
    if not found:
        return Outcome(verdict=Verdict.NOT_MEASURABLE, reason=f"no criteria evaluated for {name}")
    deciding = _deciding(found)
    verdict = _VERDICTS[deciding.state]
    evidence = _evidence(deciding, found)
    elsewhere = _elsewhere(claim, deciding)
    if elsewhere and verdict is Verdict.SUPPORTED:
        verdict = Verdict.CONTRADICTED
    if is_absent(claim) != (name in NOT_OF):
        verdict = _OPPOSITE.get(verdict, verdict)
    return Outcome(verdict=verdict, reason=elsewhere or _reason(deciding), evidence=evidence)


def _deciding(found: Sequence[Statement]) -> Statement:
    return min(found, key=lambda statement: _STATES.index(statement.state))


def _elsewhere(claim: Claim, statement: Statement) -> str:
    """Say where a statement holds, if that is in none of the leads the claim names."""
    if not claim.leads or not statement.leads or set(claim.leads) & set(statement.leads):
        return ""
    return f"found in {_joined(statement.leads)}, not in {_joined(claim.leads)}"


def _joined(leads: Sequence[Lead]) -> str:
    return " ".join(lead.value for lead in leads)


def _evidence(deciding: Statement, found: Sequence[Statement]) -> tuple[Evidence, ...]:
    """Return the parts of what decided; a bare state is evidence too where a statement shows no parts."""
    shown = found if deciding.state is StatementState.NOT_MET and len(found) <= 3 else (deciding,)
    parts = tuple(part for statement in shown for part in statement.parts)
    return parts or tuple(_bare(statement) for statement in shown)


def _bare(statement: Statement) -> Evidence:
    met = {StatementState.MET: True, StatementState.NOT_MET: False}.get(statement.state)
    return Evidence(
        measurement=statement.statement_id,
        method="criteria of the statement",
        criterion=f"{statement.statement_id} is met",
        met=met,
    )


def _reason(statement: Statement) -> str:
    words = f"criteria of {statement.statement_id}: {statement.state.value.replace('_', ' ')}"
    return f"{words} ({statement.note})" if statement.note else words
