"""What silences what: the guard order of ecg-criteria section 3.0 as a table.

quality → reversal → pacing → pre-excitation → bundle branch block → hypertrophy → ST-T and infarction.
A silenced statement is never lost: it stays in the list with a note that names its guard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gem_integration.criteria.axis_voltage import strain
from gem_integration.criteria.parts import BORDERLINE, NOT_MEASURABLE, NOT_MET, Case, Outcome
from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.statement import StatementState

QRS_WIDE_MS = 120.0
QRS_VERY_WIDE_MS = 140.0

Outcomes = Mapping[str, Outcome]
Guard = Callable[[Case, Outcomes], bool]

P_WAVE = ("avb1", "avb2_m1", "avb2_m2", "pac", "lae", "rae", "sinus_arrhythmia", "wpw")
BLOCKS = ("lbbb", "rbbb", "irbbb", "ilbbb", "lafb", "lpfb", "ivcd")
STRUCTURE = ("lvh", "rvh", "prwp")
ISCHAEMIA = ("q_mi", "stemi", "posterior_mi", "st_dep", "avr_diffuse", "dewinter", "wellens")
REPOLARISATION = ("t_abn", "early_repol", "brugada1", "pericarditis", "hyperk", "pe_strain")
VECTOR = ("axis_dev", "lae", "rae", "low_voltage", "lafb", "lpfb", "atrial_rhythm", "sgarbossa")
QT = ("long_qt", "short_qt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One guard, the statements it silences, the state they take, and why."""

    guard: str
    statements: tuple[str, ...]
    state: StatementState
    why: str


SUPPRESSIONS: tuple[Suppression, ...] = (
    Suppression(
        guard="unusable",
        statements=(*P_WAVE, *BLOCKS, *STRUCTURE, *ISCHAEMIA, *REPOLARISATION, *VECTOR, *QT),
        state=NOT_MEASURABLE,
        why="the recording is technically limited: only rate and rhythm are given",
    ),
    Suppression(
        guard="reversal",
        statements=(*STRUCTURE, *ISCHAEMIA, *VECTOR, "pe_strain"),
        state=NOT_MEASURABLE,
        why="electrodes are exchanged",
    ),
    Suppression(
        guard="ventricular_pacing",
        statements=("wpw", "ventr_escape", *BLOCKS, *STRUCTURE, *ISCHAEMIA, *REPOLARISATION),
        state=NOT_MEASURABLE,
        why="the ventricles are paced",
    ),
    Suppression(
        guard="wide_tachycardia",
        statements=(*P_WAVE, *BLOCKS, *STRUCTURE, *ISCHAEMIA, *REPOLARISATION, *QT, "sgarbossa"),
        state=NOT_MEASURABLE,
        why="a wide-complex tachycardia hides it",
    ),
    Suppression(
        guard="preexcitation",
        statements=(*BLOCKS, *STRUCTURE, *ISCHAEMIA, *REPOLARISATION),
        state=NOT_MEASURABLE,
        why="pre-excitation changes QRS and repolarisation",
    ),
    Suppression(
        guard="no_organised_p",
        statements=P_WAVE,
        state=NOT_MET,
        why="the atria fibrillate or flutter: there is no P wave",
    ),
    Suppression(
        guard="flutter_waves",
        statements=("stemi", "posterior_mi", "st_dep", "avr_diffuse", "t_abn", "pericarditis", "early_repol"),
        state=BORDERLINE,
        why="flutter waves, or P waves of a fast rhythm, lie on the ST segment",
    ),
    Suppression(
        guard="left_block",
        statements=("lvh", "prwp", "lafb", "lpfb", *ISCHAEMIA, *REPOLARISATION),
        state=NOT_MEASURABLE,
        why="secondary to left bundle branch block or delay",
    ),
    Suppression(
        guard="right_block",
        statements=("irbbb", "ivcd", "rvh", "posterior_mi", "brugada1", "prwp", "wellens"),
        state=NOT_MEASURABLE,
        why="secondary to right bundle branch block",
    ),
    Suppression(
        guard="left_strain",
        statements=("stemi", "early_repol", "wellens"),
        state=NOT_MEASURABLE,
        why="the limits do not apply beside left ventricular hypertrophy with strain",
    ),
    Suppression(
        guard="benign_elevation",
        statements=("stemi",),
        state=NOT_MEASURABLE,
        why="the ST elevation has the form of early repolarisation, pericarditis or Brugada type 1",
    ),
)

GUARDS: Mapping[str, Guard] = {
    "unusable": lambda _, found: found["poor_quality"].holds,
    "reversal": lambda _, found: found["lead_reversal"].holds,
    "ventricular_pacing": lambda case, found: found["paced"].likely and _wide(case),
    "wide_tachycardia": lambda case, found: found["vt"].holds and _wide(case),
    "preexcitation": lambda _, found: found["wpw"].holds,
    "no_organised_p": lambda _, found: found["af"].holds or found["aflutter"].holds,
    "flutter_waves": lambda _, found: found["aflutter"].holds or found["svt"].likely,
    "left_block": lambda case, found: found["lbbb"].likely or _left_delay(case),
    "right_block": lambda _, found: found["rbbb"].holds,
    "left_strain": lambda case, found: found["lvh"].likely and strain(case).holds,
    "benign_elevation": lambda _, found: any(
        found[name].holds for name in ("early_repol", "pericarditis", "brugada1")
    ),
}


def _left_delay(case: Case) -> bool:
    """Say whether a very wide QRS turns left, so that its ST and T are secondary whatever its q waves."""
    qrs, v1, i = (
        case.value(Kind.QRS_DURATION),
        case.value(Kind.QRS_AREA, Lead.V1),
        case.value(Kind.QRS_AREA, Lead.I),
    )
    return (qrs or 0.0) >= QRS_VERY_WIDE_MS and (v1 or 0.0) < 0.0 < (i or 0.0)


def _wide(case: Case) -> bool:
    return (case.value(Kind.QRS_DURATION) or 0.0) >= QRS_WIDE_MS


def silence(case: Case, found: Outcomes) -> dict[str, Outcome]:
    """Apply the table in its order; the first guard that silences a statement keeps it."""
    outcomes = dict(found)
    for row in SUPPRESSIONS:
        if not GUARDS[row.guard](case, outcomes):
            continue
        for name in row.statements:
            outcomes[name] = _silenced(outcomes[name], row)
    return outcomes


def _silenced(outcome: Outcome, row: Suppression) -> Outcome:
    """Give an outcome the row's state; a doubt only touches what holds, a denial what is likely."""
    if row.state is BORDERLINE:
        return replace(outcome, state=BORDERLINE, note=f"doubtful: {row.why}") if outcome.holds else outcome
    already = outcome.state is NOT_MEASURABLE and outcome.note is not None
    if already or (row.state is NOT_MET and outcome.state is NOT_MET):
        return outcome
    return replace(outcome, state=row.state, leads=(), urgency=None, note=f"not judged: {row.why}")


BASIC_RHYTHMS = (
    "vf",
    "vt",
    "paced",
    "avb3",
    "aflutter",
    "af",
    "svt",
    "ventr_escape",
    "sinus_rhythm",
    "sinus_brady",
    "sinus_tachy",
    "atrial_rhythm",
    "junctional",
)
"""Basic rhythms, the one that governs the others first."""


def one_rhythm(found: Outcomes) -> dict[str, Outcome]:
    """Keep the governing basic rhythm; the others do not hold beside it."""
    outcomes = dict(found)
    met = [name for name in BASIC_RHYTHMS if outcomes[name].holds and not _partial(outcomes, name)]
    likely = [name for name in BASIC_RHYTHMS if outcomes[name].likely and not _partial(outcomes, name)]
    kept = next(iter(met or likely), None)
    for name in BASIC_RHYTHMS:
        if kept and name != kept and outcomes[name].likely and not _partial(outcomes, name):
            outcomes[name] = replace(
                outcomes[name], state=NOT_MET, urgency=None, note=f"the basic rhythm is {kept}"
            )
    return outcomes


def _partial(found: Outcomes, name: str) -> bool:
    """Say whether tachycardia is only a run, which stands beside the rhythm it interrupts."""
    return name == "vt" and any(part.measurement == Kind.WIDE_RUN_MAX for part in found["vt"].parts)
