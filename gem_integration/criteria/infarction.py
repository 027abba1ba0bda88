"""Infarction and ischaemia: Q waves and ST, ecg-criteria section 3.1, statements 37 to 44.

Levels in mV (0.1 mV is 1 mm at standard gain), durations in ms. UDMI4 is the fourth universal definition of
myocardial infarction (2018).
"""

from __future__ import annotations

from gem_integration.criteria.combine import (
    CONTIGUOUS_GROUPS,
    all_of,
    any_lead,
    any_of,
    contiguous,
    count_of,
    negated,
    only_possible,
)
from gem_integration.criteria.conduction import R_PRIME_MV, lbbb, rbbb
from gem_integration.criteria.parts import Case, Outcome, unknown
from gem_integration.criteria.ventricular import paced
from gem_integration.domain.ecg import PRECORDIAL_LEADS, STANDARD_LEADS, Lead
from gem_integration.domain.identity import Demographics, Sex
from gem_integration.domain.measurement import MeasurementKind as Kind

STE_MV = 0.1
STE_RIGHT_MV = 0.05
STE_V2_V3_MALE_YOUNG_MV = 0.25
STE_V2_V3_MALE_MV = 0.20
STE_V2_V3_FEMALE_MV = 0.15
STE_YOUNG_YEARS = 40.0
RECIPROCAL_MV = -0.05
ST_DEPRESSION_MV = -0.05
ST_FLAT_SLOPE_MV_PER_S = 0.5
"""Up to 0.04 mV of rise over 80 ms still counts as a horizontal segment."""
AVR_STE_MV = 0.1
DIFFUSE_STD_MV = -0.1
DIFFUSE_LEADS = 6
Q_WIDE_MS = 30.0
Q_WIDE_V2_V3_MS = 20.0
Q_DEEP_MV = -0.1
Q_WIDTH_ERROR_MS = 4.0
QS_R_MAX_MV = 0.03
R_BROAD_MS = 40.0
R_POSTERIOR_MS = 30.0
DEWINTER_J_MV = -0.1
DEWINTER_T_MV = 0.5
WELLENS_DEEP_MV = -0.2
WELLENS_TERMINAL_MV = -0.1
WELLENS_POSITIVE_MV = 0.1
WELLENS_ST_MV = 0.1
QRS_WIDE_MS = 120.0
AXIS_RIGHT_DEG = 90.0
SGARBOSSA_CONCORDANT_MV = 0.1
SMITH_RATIO = -0.25
CLEAR_AREA_MV_MS = 10.0
"""Net area over which the QRS has a direction to agree or disagree with."""

Q_GROUPS = (
    (Lead.I, Lead.AVL),
    (Lead.II, Lead.AVF),
    (Lead.III, Lead.AVF),
    (Lead.V1, Lead.V2),
    (Lead.V2, Lead.V3),
    (Lead.V3, Lead.V4),
    (Lead.V4, Lead.V5),
    (Lead.V5, Lead.V6),
)
"""Pairs for UDMI4 table 5; II, III and aVF count by pairs that hold aVF, so that III alone never does."""

TERRITORIES: tuple[tuple[str, frozenset[Lead]], ...] = (
    ("inferior", frozenset({Lead.II, Lead.III, Lead.AVF})),
    ("anterior", frozenset({Lead.V1, Lead.V2, Lead.V3, Lead.V4})),
    ("lateral", frozenset({Lead.I, Lead.AVL, Lead.V5, Lead.V6})),
)

RIGHT_SIDED = frozenset({Lead.V3R, Lead.V4R, Lead.V5R, Lead.V6R, Lead.V7, Lead.V8, Lead.V9})


def territory(leads: tuple[Lead, ...]) -> str:
    """Name the territories two or more of whose leads are among ``leads``."""
    return " and ".join(name for name, group in TERRITORIES if len(group & set(leads)) >= 2) or "regional"


def ste_limit_mv(lead: Lead, person: Demographics) -> float:
    """Return the J-point limit of UDMI4 for a lead; unknown age or sex take the stricter (higher) limit."""
    if lead in RIGHT_SIDED:
        return STE_RIGHT_MV
    if lead not in (Lead.V2, Lead.V3):
        return STE_MV
    if person.sex is Sex.FEMALE:
        return STE_V2_V3_FEMALE_MV
    if person.sex is Sex.MALE and person.age_years is not None and person.age_years >= STE_YOUNG_YEARS:
        return STE_V2_V3_MALE_MV
    return STE_V2_V3_MALE_YOUNG_MV


def branch_note(person: Demographics) -> str | None:
    """Say which branch was taken where age or sex is unknown."""
    unknown_parts = [
        name for name, value in (("age", person.age_years), ("sex", person.sex)) if value is None
    ]
    if not unknown_parts:
        return None
    return f"{' and '.join(unknown_parts)} unknown: the stricter limit was used"


def q_mi(case: Case) -> Outcome:
    """Test for pathological Q or QS waves in two contiguous leads, or a broad R with upright T in V1-V2."""
    waves = contiguous(lambda lead: _pathological_q(case, lead), Q_GROUPS)
    posterior = count_of(2, [_broad_r(case, lead) for lead in (Lead.V1, Lead.V2)])
    outcome = any_of(waves, posterior)
    return outcome.noted(f"{territory(outcome.leads)} leads" if outcome.likely and outcome.leads else None)


def _pathological_q(case: Case, lead: Lead) -> Outcome:
    """Judge one lead's Q by UDMI4; one that passes its width by less than its own error is only possible."""
    septal = lead in (Lead.V2, Lead.V3)
    width_ms, depth_mv = (Q_WIDE_V2_V3_MS, Q_DEEP_MV / 2) if septal else (Q_WIDE_MS, Q_DEEP_MV)
    wide = all_of(
        case.at_least(Kind.Q_DURATION, width_ms, lead=lead),
        case.at_most(Kind.Q_AMPLITUDE, depth_mv, lead=lead),
    )
    barely = (case.value(Kind.Q_DURATION, lead) or 0.0) < width_ms + Q_WIDTH_ERROR_MS
    return any_of(only_possible(wide, when=barely, note=None), _qs(case, lead))


def _qs(case: Case, lead: Lead) -> Outcome:
    r, q, s = (case.value(k, lead) for k in (Kind.R_AMPLITUDE, Kind.Q_AMPLITUDE, Kind.S_AMPLITUDE))
    if r is None or q is None or s is None:
        return unknown(Kind.Q_AMPLITUDE, "QS complex", "no QRS was measured", lead=lead)
    flat_r = case.at_most(Kind.R_AMPLITUDE, QS_R_MAX_MV, lead=lead)
    deep = Kind.Q_AMPLITUDE if q <= s else Kind.S_AMPLITUDE
    return all_of(flat_r, case.at_most(deep, 2 * Q_DEEP_MV, lead=lead))


def _broad_r(case: Case, lead: Lead) -> Outcome:
    return all_of(
        case.at_least(Kind.R_DURATION, R_BROAD_MS, lead=lead),
        case.at_least(Kind.QRS_AREA, 0.0, lead=lead),
        case.above(Kind.T_AMPLITUDE, 0.0, lead=lead),
        case.below(Kind.R_PRIME_AMPLITUDE, R_PRIME_MV, lead=lead),
        r_over_s(case, lead),
        negated(rbbb(case), "no right bundle branch block"),
        case.below(Kind.QRS_AXIS, AXIS_RIGHT_DEG),
    )


def r_over_s(case: Case, lead: Lead) -> Outcome:
    """Test whether R is at least as tall as S is deep."""
    r, s = (case.value(kind, lead) for kind in (Kind.R_AMPLITUDE, Kind.S_AMPLITUDE))
    criterion = f"R/S >= 1 in {lead}"
    if r is None or s is None:
        return unknown(Kind.R_AMPLITUDE, criterion, "no QRS was measured", lead=lead)
    return case.seen(Kind.R_AMPLITUDE, criterion, met=r >= -s and r > 0.0, lead=lead, method=f"S {s:.2f} mV")


def elevated(case: Case, lead: Lead) -> Outcome:
    """Test one lead for ST elevation at J beyond its limit that is still there 60 ms later."""
    limit = ste_limit_mv(lead, case.demographics)
    return all_of(
        case.at_least(Kind.ST_J, limit, lead=lead),
        case.at_least(Kind.ST_J60, limit / 2, lead=lead),
    )


def reciprocal(case: Case) -> Outcome:
    """Test for ST depression of 0.05 mV or more in any lead but aVR and V1."""
    leads = [lead for lead in STANDARD_LEADS if lead not in (Lead.AVR, Lead.V1)]
    return any_lead(lambda lead: case.at_most(Kind.ST_J60, RECIPROCAL_MV, lead=lead), leads)


def stemi(case: Case) -> Outcome:
    """Test for J-point elevation beyond the UDMI4 limits in two contiguous leads."""
    outcome = contiguous(lambda lead: elevated(case, lead))
    if not outcome.likely:
        return outcome.noted(branch_note(case.demographics))
    words = [f"{territory(outcome.leads)} leads"]
    if reciprocal(case).holds:
        words.append("with reciprocal ST depression")
    if branch := branch_note(case.demographics):
        words.append(branch)
    return outcome.noted("; ".join(words))


def depressed(case: Case, lead: Lead) -> Outcome:
    """Test one lead for horizontal or downsloping ST depression of 0.05 mV or more at J and J+60."""
    return all_of(
        case.at_most(Kind.ST_J, ST_DEPRESSION_MV, lead=lead),
        case.at_most(Kind.ST_J60, ST_DEPRESSION_MV, lead=lead),
        case.at_most(Kind.ST_SLOPE, ST_FLAT_SLOPE_MV_PER_S, lead=lead),
    )


def st_dep(case: Case) -> Outcome:
    """Test for ST depression in two contiguous leads; V1-V3 do not count beside right bundle branch block."""
    barred = {Lead.V1, Lead.V2, Lead.V3} if rbbb(case).likely else set()
    groups = [tuple(lead for lead in group if lead not in barred) for group in CONTIGUOUS_GROUPS]
    outcome = contiguous(lambda lead: depressed(case, lead), [group for group in groups if group])
    return outcome.noted(f"{territory(outcome.leads)} leads" if outcome.likely else None)


def posterior_mi(case: Case) -> Outcome:
    """Test for horizontal ST depression with upright T in V1-V3 and a dominant, broad R in V2."""
    mirror = count_of(
        2,
        [
            all_of(depressed(case, lead), case.above(Kind.T_AMPLITUDE, 0.0, lead=lead))
            for lead in (Lead.V1, Lead.V2, Lead.V3)
        ],
    )
    return all_of(
        mirror, r_over_s(case, Lead.V2), case.at_least(Kind.R_DURATION, R_POSTERIOR_MS, lead=Lead.V2)
    )


def avr_diffuse(case: Case) -> Outcome:
    """Test for ST elevation in aVR or V1 with depression of 0.1 mV or more in at least six leads."""
    up = any_lead(lambda lead: case.at_least(Kind.ST_J, AVR_STE_MV, lead=lead), (Lead.AVR, Lead.V1))
    down = count_of(
        DIFFUSE_LEADS, [case.at_most(Kind.ST_J60, DIFFUSE_STD_MV, lead=lead) for lead in STANDARD_LEADS]
    )
    return all_of(up, down)


def dewinter(case: Case) -> Outcome:
    """Test for upsloping J depression over 0.1 mV into tall T waves in two of V2-V5, with a narrow QRS."""
    upslope = count_of(
        2,
        [
            all_of(
                case.below(Kind.ST_J, DEWINTER_J_MV, lead=lead),
                case.above(Kind.ST_SLOPE, ST_FLAT_SLOPE_MV_PER_S, lead=lead),
                case.at_least(Kind.T_AMPLITUDE, DEWINTER_T_MV, lead=lead),
            )
            for lead in (Lead.V2, Lead.V3, Lead.V4, Lead.V5)
        ],
    )
    avr = case.above(Kind.ST_J, 0.0, lead=Lead.AVR)
    return all_of(case.below(Kind.QRS_DURATION, QRS_WIDE_MS), avr, upslope)


def wellens(case: Case) -> Outcome:
    """Test V2-V3 for biphasic (A) or deeply inverted (B) T waves with kept R, no Q and little ST."""
    leads = (Lead.V2, Lead.V3)
    outcome = count_of(2, [_wellens_lead(case, lead) for lead in leads])
    return outcome.noted("meaningful in a patient now free of pain" if outcome.likely else None)


def _wellens_lead(case: Case, lead: Lead) -> Outcome:
    biphasic = all_of(
        case.at_least(Kind.T_POSITIVE_AMPLITUDE, WELLENS_POSITIVE_MV, lead=lead),
        case.at_most(Kind.T_NEGATIVE_AMPLITUDE, WELLENS_TERMINAL_MV, lead=lead),
        case.below(Kind.T_NEGATIVE_FIRST, 1, lead=lead),
    )
    deep = case.at_most(Kind.T_AMPLITUDE, WELLENS_DEEP_MV, lead=lead)
    return all_of(
        deep if deep.likely else biphasic,
        case.below(Kind.ST_J, WELLENS_ST_MV, lead=lead),
        case.above(Kind.Q_AMPLITUDE, Q_DEEP_MV, lead=lead),
        case.above(Kind.R_AMPLITUDE, QS_R_MAX_MV, lead=lead),
    )


def sgarbossa(case: Case) -> Outcome:
    """Test, in left bundle branch block or ventricular pacing, for Smith's modified Sgarbossa criteria."""
    wide = any_of(lbbb(case), all_of(paced(case), case.at_least(Kind.QRS_DURATION, QRS_WIDE_MS)))
    concordant_up = any_lead(
        lambda lead: all_of(
            case.above(Kind.QRS_AREA, CLEAR_AREA_MV_MS, lead=lead),
            case.at_least(Kind.ST_J, SGARBOSSA_CONCORDANT_MV, lead=lead),
        )
    )
    concordant_down = any_lead(
        lambda lead: all_of(
            case.below(Kind.QRS_AREA, -CLEAR_AREA_MV_MS, lead=lead),
            case.at_most(Kind.ST_J, -SGARBOSSA_CONCORDANT_MV, lead=lead),
        ),
        PRECORDIAL_LEADS[:3],
    )
    excessive = any_lead(lambda lead: _excessive(case, lead))
    return all_of(wide, any_of(concordant_up, concordant_down, excessive))


def _excessive(case: Case, lead: Lead) -> Outcome:
    st, s, q = (case.value(kind, lead) for kind in (Kind.ST_J, Kind.S_AMPLITUDE, Kind.Q_AMPLITUDE))
    criterion = "discordant ST elevation of at least a quarter of S"
    if st is None or s is None or q is None:
        return unknown(Kind.ST_J, criterion, "no ST level or QRS was measured", lead=lead)
    depth = min(s, q)
    ratio = st / depth if depth < 0.0 else 0.0
    quarter = case.seen(Kind.ST_J, criterion, met=ratio <= SMITH_RATIO, lead=lead, method=f"ST/S {ratio:.2f}")
    return all_of(
        case.at_least(Kind.ST_J, STE_MV, lead=lead),
        quarter,
        case.below(Kind.QRS_AREA, -CLEAR_AREA_MV_MS, lead=lead),
    )
