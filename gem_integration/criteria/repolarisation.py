"""Repolarisation: T waves and ST-T patterns, ecg-criteria section 3.1, statements 45 and 48 to 52.

Levels in mV, times in ms; AHA/ACCF/HRS 2009 part IV unless another source is named.
"""

from __future__ import annotations

from dataclasses import replace

from gem_integration.criteria.combine import (
    CONTIGUOUS_GROUPS,
    all_of,
    any_lead,
    any_of,
    contiguous,
    count_of,
    negated,
)
from gem_integration.criteria.conduction import rbbb
from gem_integration.criteria.infarction import reciprocal
from gem_integration.criteria.parts import BORDERLINE, Case, Outcome, unknown
from gem_integration.domain.ecg import Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.statement import Urgency

T_INVERTED_MV = -0.1
T_DEEP_MV = -0.5
T_GIANT_MV = -1.0
T_FLAT_MV = 0.1
T_LOW_SHARE_OF_R = 0.1
R_DOMINANT_MV = 0.3
QRS_WIDE_MS = 120.0
JP_MV = 0.1
JP_LOW_MV = 0.05
COVED_J_MV = 0.2
SADDLE_MV = 0.1
PERICARDITIS_STE_MV = 0.05
PERICARDITIS_LEADS = 5
PR_DEPRESSED_MV = -0.05
ST_T_RATIO = 0.25
HYPERK_T_CHEST_MV = 1.0
HYPERK_T_LIMB_MV = 0.5
T_SYMMETRIC = (0.8, 1.25)
T_NARROW_SHARE_OF_QT = 0.25
PR_LONG_MS = 200.0
RATE_SLOW = 50.0
P_PRESENT_FEW = 0.3
S1_MV = -0.15
Q3_MV = -0.15
Q3_MAX_MS = 40.0
RATE_TACHY = 100.0
AXIS_RIGHT_DEG = 90.0

T_LEADS = frozenset({Lead.I, Lead.II, Lead.V3, Lead.V4, Lead.V5, Lead.V6, Lead.AVL, Lead.AVF})
"""T is upright here in adults; V1-V2 (juvenile or female variant), III and aVR are not judged."""
T_FLAT_LEADS = frozenset({Lead.I, Lead.II, Lead.V3, Lead.V4, Lead.V5, Lead.V6})
EARLY_LEADS = (
    (Lead.II, Lead.III, Lead.AVF),
    (Lead.I, Lead.AVL, Lead.V5, Lead.V6),
    (Lead.V4, Lead.V5),
)


def t_abn(case: Case) -> Outcome:
    """Test for inverted, or flat and low, T waves in two contiguous leads where T is upright in adults."""
    barred = {Lead.V1, Lead.V2, Lead.V3} if rbbb(case).likely else set()
    inverted = contiguous(lambda lead: _inverted(case, lead), _judged(T_LEADS - barred))
    flat = contiguous(lambda lead: _flat(case, lead), _judged(T_FLAT_LEADS - barred))
    outcome = any_of(inverted, flat)
    if not outcome.likely:
        return outcome
    if outcome.state is not inverted.state:
        return outcome.noted("nonspecific: flat or low T waves")
    deepest = min(case.value(Kind.T_AMPLITUDE, lead) or 0.0 for lead in inverted.leads)
    return outcome.noted(*_depth(deepest))


def _judged(leads: frozenset[Lead]) -> list[tuple[Lead, ...]]:
    groups = (tuple(lead for lead in group if lead in leads) for group in CONTIGUOUS_GROUPS)
    return [group for group in groups if group]


def _depth(deepest_mv: float) -> tuple[str, Urgency]:
    if deepest_mv < T_GIANT_MV:
        return "giant T wave inversion", Urgency.URGENT
    if deepest_mv <= T_DEEP_MV:
        return "deep T wave inversion", Urgency.URGENT
    return "T wave inversion", Urgency.ROUTINE


def _inverted(case: Case, lead: Lead) -> Outcome:
    t = case.at_most(Kind.T_AMPLITUDE, T_INVERTED_MV, lead=lead)
    if lead in (Lead.AVL, Lead.AVF):
        return all_of(t, case.at_least(Kind.R_AMPLITUDE, R_DOMINANT_MV, lead=lead))
    return t


def _flat(case: Case, lead: Lead) -> Outcome:
    t, r = case.value(Kind.T_AMPLITUDE, lead), case.value(Kind.R_AMPLITUDE, lead)
    criterion = "T within 0.1 mV of zero and under 10 % of R"
    if t is None or r is None:
        return unknown(
            Kind.T_AMPLITUDE, criterion, case.measurements.why_not(Kind.T_AMPLITUDE, lead), lead=lead
        )
    met = abs(t) < T_FLAT_MV and t < T_LOW_SHARE_OF_R * r and r >= R_DOMINANT_MV
    return case.seen(Kind.T_AMPLITUDE, criterion, met=met, lead=lead, method=f"R {r:.2f} mV")


def early_repol(case: Case) -> Outcome:
    """Test for end-QRS notching or slurring with J at 0.1 mV or more, outside V1-V3 (Macfarlane 2015)."""
    around = (
        case.below(Kind.QRS_DURATION, QRS_WIDE_MS),
        negated(reciprocal(case), "no reciprocal depression"),
    )
    outcome = all_of(*around, contiguous(lambda lead: _j_wave(case, lead, JP_MV), EARLY_LEADS))
    if outcome.likely:
        return outcome.noted("the notch is judged on the whole QRS")
    low = all_of(*around, contiguous(lambda lead: _j_wave(case, lead, JP_LOW_MV), EARLY_LEADS))
    if not low.holds:
        return outcome
    return replace(low, state=BORDERLINE, note="the J point is low, the peak of the notch is not measured")


def _j_wave(case: Case, lead: Lead, limit_mv: float) -> Outcome:
    return all_of(
        case.at_least(Kind.ST_J, limit_mv, lead=lead),
        case.at_least(Kind.QRS_NOTCH_COUNT, 1, lead=lead),
        case.above(Kind.T_AMPLITUDE, 0.0, lead=lead),
    )


def brugada1(case: Case) -> Outcome:
    """Test for coved ST elevation of 0.2 mV into a negative T in V1 or V2; a saddle is only possible."""
    coved = any_lead(lambda lead: _coved(case, lead), (Lead.V1, Lead.V2))
    if coved.likely:
        return coved.noted("coved ST elevation in V1-V2, Brugada type 1 morphology")
    saddle = any_lead(lambda lead: _saddle(case, lead), (Lead.V1, Lead.V2))
    if saddle.holds:
        doubtful = Outcome(state=BORDERLINE, parts=saddle.parts, leads=saddle.leads)
        return doubtful.noted("saddle-back ST elevation", Urgency.ROUTINE)
    return coved


def _coved(case: Case, lead: Lead) -> Outcome:
    levels = [case.value(kind, lead) for kind in (Kind.ST_J, Kind.ST_J40, Kind.ST_J80)]
    criterion = "ST falls steadily from J into the T wave"
    if any(level is None for level in levels):
        return unknown(Kind.ST_J, criterion, case.measurements.why_not(Kind.ST_J, lead), lead=lead)
    j, j40, j80 = (level or 0.0 for level in levels)
    falls = case.seen(Kind.ST_J40, criterion, met=j >= j40 > j80, lead=lead, method=f"J+80 {j80:.2f} mV")
    return all_of(
        case.at_least(Kind.ST_J, COVED_J_MV, lead=lead), falls, case.below(Kind.T_AMPLITUDE, -0.05, lead=lead)
    )


def _saddle(case: Case, lead: Lead) -> Outcome:
    return all_of(
        case.at_least(Kind.ST_J, COVED_J_MV, lead=lead),
        case.at_least(Kind.ST_J80, SADDLE_MV, lead=lead),
        case.at_least(Kind.R_PRIME_AMPLITUDE, SADDLE_MV, lead=lead),
    )


def pericarditis(case: Case) -> Outcome:
    """Test for ST elevation in five leads of two territories with PR depression and high ST/T in V6."""
    leads = (Lead.I, Lead.II, Lead.AVF, Lead.V2, Lead.V3, Lead.V4, Lead.V5, Lead.V6)
    wide = count_of(
        PERICARDITIS_LEADS, [case.at_least(Kind.ST_J60, PERICARDITIS_STE_MV, lead=lead) for lead in leads]
    )
    pr = any_of(*(case.at_most(Kind.PR_LEVEL, PR_DEPRESSED_MV, lead=lead) for lead in (Lead.II, Lead.V6)))
    return all_of(wide, pr, _st_over_t(case), negated(reciprocal(case), "no reciprocal depression"))


def _st_over_t(case: Case) -> Outcome:
    st, t = case.value(Kind.ST_J, Lead.V6), case.value(Kind.T_AMPLITUDE, Lead.V6)
    criterion = "ST/T >= 0.25 in V6"
    if st is None or t is None or t <= 0.0:
        return unknown(Kind.ST_J, criterion, "no upright T wave in V6", lead=Lead.V6)
    return case.seen(Kind.ST_J, criterion, met=st / t >= ST_T_RATIO, lead=Lead.V6, method=f"T {t:.2f} mV")


def hyperk(case: Case) -> Outcome:
    """Test for tall, symmetric, narrow T waves together with a wide QRS, absent P, long PR or slow rate."""
    chest = count_of(2, [_peaked(case, lead, HYPERK_T_CHEST_MV) for lead in (Lead.V2, Lead.V3, Lead.V4)])
    limb = count_of(
        2, [_peaked(case, lead, HYPERK_T_LIMB_MV) for lead in (Lead.I, Lead.II, Lead.AVF, Lead.III)]
    )
    company = any_of(
        case.above(Kind.QRS_DURATION, QRS_WIDE_MS),
        case.below(Kind.P_PRESENT_FRACTION, P_PRESENT_FEW),
        case.above(Kind.PR_INTERVAL, PR_LONG_MS),
        case.below(Kind.HEART_RATE, RATE_SLOW),
    )
    return all_of(any_of(chest, limb), company)


def _peaked(case: Case, lead: Lead, limit_mv: float) -> Outcome:
    t, area, qt = (
        case.value(Kind.T_AMPLITUDE, lead),
        case.value(Kind.T_AREA, lead),
        case.value(Kind.QT_INTERVAL),
    )
    tall = case.at_least(Kind.T_AMPLITUDE, limit_mv, lead=lead)
    criterion = "T narrow: area / height <= 0.25 of QT"
    if not t or area is None or not qt:
        return all_of(tall, unknown(Kind.T_AREA, criterion, "T area or QT is missing", lead=lead))
    width_ms = area / t
    narrow = case.seen(
        Kind.T_AREA,
        criterion,
        met=width_ms <= T_NARROW_SHARE_OF_QT * qt,
        lead=lead,
        method=f"width {width_ms:.0f} ms",
    )
    even = all_of(
        case.at_least(Kind.T_SYMMETRY, T_SYMMETRIC[0], lead=lead),
        case.at_most(Kind.T_SYMMETRY, T_SYMMETRIC[1], lead=lead),
    )
    return all_of(tall, narrow, even)


def pe_strain(case: Case) -> Outcome:
    """Test for S1Q3T3 or T inversion V1-V4, with each other or with tachycardia, RBBB or right axis."""
    s1q3t3 = all_of(
        case.at_most(Kind.S_AMPLITUDE, S1_MV, lead=Lead.I),
        case.at_most(Kind.Q_AMPLITUDE, Q3_MV, lead=Lead.III),
        case.below(Kind.Q_DURATION, Q3_MAX_MS, lead=Lead.III),
        case.below(Kind.T_AMPLITUDE, 0.0, lead=Lead.III),
    )
    right_block = rbbb(case)
    t_right = count_of(
        3, [case.at_most(Kind.T_AMPLITUDE, T_INVERTED_MV, lead=lead) for lead in Lead if lead in _V1_V4]
    )
    t_right = all_of(t_right, negated(right_block, "T inversion is not secondary"))
    right = [s1q3t3, t_right]
    company = [
        case.above(Kind.HEART_RATE, RATE_TACHY),
        right_block,
        case.above(Kind.QRS_AXIS, AXIS_RIGHT_DEG),
    ]
    return all_of(any_of(*right), count_of(2, [*right, *company]))


_V1_V4 = frozenset({Lead.V1, Lead.V2, Lead.V3, Lead.V4})
