"""Axis, chamber enlargement and voltage: ecg-criteria section 3.1, statements 30 to 36.

Amplitudes in mV (10 mm), times in ms. Voltage sums: Sokolow and Lyon 1949, Casale 1985 (Cornell), Gubner
1943, Peguero 2017; AHA/ACCF/HRS 2009 part V.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gem_integration.criteria.combine import all_of, any_of, best, count_of
from gem_integration.criteria.conduction import lafb
from gem_integration.criteria.parts import (
    BORDERLINE,
    NOT_MET,
    Case,
    Outcome,
    combined,
    judged,
    observed,
    renamed,
    unknown,
)
from gem_integration.domain.ecg import LIMB_LEADS, PRECORDIAL_LEADS, Lead
from gem_integration.domain.identity import Sex
from gem_integration.domain.measurement import Measurement
from gem_integration.domain.measurement import MeasurementKind as Kind

AXIS_LEFT = (-90.0, -30.0)
AXIS_RIGHT = (90.0, 180.0)
AXIS_NORTHWEST = (-180.0, -90.0)
AXIS_MARKED_LEFT = -45.0
AXIS_MARKED_RIGHT = 120.0
LVH_AGE_MIN_YEARS = 35.0
STRAIN_ST_MV = -0.05
STRAIN_T_MV = -0.1
CORNELL_PRODUCT_MV_MS = 244.0
CORNELL_FEMALE_MV = 0.8
P_LONG_MS = 120.0
P_NOTCH_MS = 40.0
P_TERMINAL_MV = -0.1
P_TERMINAL_MS = 40.0
P_TALL_MV = 0.25
P_TALL_V1_MV = 0.15
LOW_LIMB_MV = 0.5
LOW_CHEST_MV = 1.0
R_V3_POOR_MV = 0.3
RVH_TALL_R_V1_MV = 0.6
RVH_DEEP_S_V5_MV = -1.0
RVH_DEEP_S_V6_MV = -0.3
RVH_TALL_R_AVR_MV = 0.4
RVH_SUM_MV = 1.05
RVH_R_PEAK_MS = 35.0

Terms = tuple[tuple[Kind, Lead, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoltageSum:
    """A voltage criterion: weighted amplitudes against a limit in mV for men and women."""

    name: str
    terms: Terms
    male_mv: float
    female_mv: float


VOLTAGE_SUMS: tuple[VoltageSum, ...] = (
    VoltageSum(
        name="Sokolow-Lyon SV1 + RV5",
        terms=((Kind.S_AMPLITUDE, Lead.V1, -1.0), (Kind.R_AMPLITUDE, Lead.V5, 1.0)),
        male_mv=3.5,
        female_mv=3.5,
    ),
    VoltageSum(
        name="Sokolow-Lyon SV1 + RV6",
        terms=((Kind.S_AMPLITUDE, Lead.V1, -1.0), (Kind.R_AMPLITUDE, Lead.V6, 1.0)),
        male_mv=3.5,
        female_mv=3.5,
    ),
    VoltageSum(name="RaVL", terms=((Kind.R_AMPLITUDE, Lead.AVL, 1.0),), male_mv=1.1, female_mv=1.1),
    VoltageSum(
        name="Cornell RaVL + SV3",
        terms=((Kind.R_AMPLITUDE, Lead.AVL, 1.0), (Kind.S_AMPLITUDE, Lead.V3, -1.0)),
        male_mv=2.8,
        female_mv=2.0,
    ),
    VoltageSum(
        name="RI + SIII",
        terms=((Kind.R_AMPLITUDE, Lead.I, 1.0), (Kind.S_AMPLITUDE, Lead.III, -1.0)),
        male_mv=2.5,
        female_mv=2.5,
    ),
)
PEGUERO_MV = {Sex.MALE: 2.8, Sex.FEMALE: 2.3, None: 2.8}


def axis_dev(case: Case) -> Outcome:
    """Test for a QRS axis left of -30, right of +90 degrees, or northwest."""
    outcome = best(
        [case.within(Kind.QRS_AXIS, *sector) for sector in (AXIS_LEFT, AXIS_RIGHT, AXIS_NORTHWEST)]
    )
    return outcome.noted(_side(case.value(Kind.QRS_AXIS)) if outcome.likely else None)


def _side(axis_deg: float | None) -> str | None:
    if axis_deg is None:
        return None
    if axis_deg < AXIS_LEFT[0]:
        return "northwest axis"
    if axis_deg < 0:
        return "marked left axis deviation" if axis_deg < AXIS_MARKED_LEFT else "moderate left axis deviation"
    return "marked right axis deviation" if axis_deg > AXIS_MARKED_RIGHT else "moderate right axis deviation"


def lvh(case: Case) -> Outcome:
    """Test for left ventricular voltage: two sums, or one with lateral strain or left atrial abnormality.

    One voltage sum alone is borderline. Adults over 35; an unknown age counts as older.
    """
    age = case.demographics.age_years
    if age is not None and age <= LVH_AGE_MIN_YEARS:
        return observed("age", "age > 35 years", met=False, value=age, method="voltage limits are for adults")
    sums = [_unless_lafb(case, row) for row in voltage_sums(case)]
    voltage, support = count_of(1, sums), lvh_support(case)
    outcome = any_of(all_of(voltage, support), count_of(2, sums))
    if outcome.holds:
        return outcome.noted(_lvh_note(outcome, strained=strain(case).holds))
    if not voltage.likely:
        return voltage
    alone = Outcome(state=BORDERLINE, parts=voltage.parts)
    return alone.noted("voltage criteria alone")


def _unless_lafb(case: Case, outcome: Outcome) -> Outcome:
    """Set aside sums that use aVL or III where a left anterior fascicular block makes them tall."""
    by_axis = any(name in part.criterion for part in outcome.parts for name in ("aVL", "III", "SD"))
    return replace(outcome, state=NOT_MET) if by_axis and lafb(case).likely else outcome


def _lvh_note(outcome: Outcome, *, strained: bool) -> str:
    names = [part.method.removeprefix("sum: ") for part in outcome.parts if part.method.startswith("sum: ")]
    tail = "; with repolarisation abnormality" if strained else ""
    return f"criteria: {', '.join(names)}{tail}"


def voltage_sums(case: Case) -> list[Outcome]:
    """Return the outcome of every voltage criterion for the left ventricle, one of Sokolow's two leads."""
    female = case.demographics.sex is Sex.FEMALE
    found = [
        combined(
            case,
            row.terms[0][0],
            row.terms,
            name=row.name,
            limit=row.female_mv if female else row.male_mv,
        )
        for row in VOLTAGE_SUMS
    ]
    sokolow = best(found[:2])
    return [sokolow, *found[2:], _cornell_product(case, female=female), _peguero(case)]


def _cornell_product(case: Case, *, female: bool) -> Outcome:
    criterion = "Cornell product >= 244 mV.ms"
    r_avl = case.value(Kind.R_AMPLITUDE, Lead.AVL)
    s_v3, qrs = case.measurements.get(Kind.S_AMPLITUDE, Lead.V3), case.value(Kind.QRS_DURATION)
    if r_avl is None or s_v3 is None or qrs is None:
        return unknown(Kind.S_AMPLITUDE, criterion, "RaVL, SV3 or QRS duration is missing", lead=Lead.V3)
    product = (r_avl - s_v3.value + (CORNELL_FEMALE_MV if female else 0.0)) * qrs
    found = Measurement(
        kind=Kind.S_AMPLITUDE,
        value=product,
        unit="mV.ms",
        beats=s_v3.beats,
        samples=s_v3.samples,
        method="sum: Cornell product",
        uncertainty=abs(s_v3.uncertainty * qrs),
    )
    return renamed(judged(found, ">=", CORNELL_PRODUCT_MV_MS, criterion=criterion), "voltage_product")


def _peguero(case: Case) -> Outcome:
    depths = [
        (case.value(Kind.S_AMPLITUDE, lead), lead)
        for lead in Lead
        if lead in (*LIMB_LEADS, *PRECORDIAL_LEADS)
    ]
    known = [(value, lead) for value, lead in depths if value is not None]
    if not known:
        return unknown(Kind.S_AMPLITUDE, "Peguero SD + SV4", "no S wave was measured")
    deepest = min(known)[1]
    return combined(
        case,
        Kind.S_AMPLITUDE,
        ((Kind.S_AMPLITUDE, deepest, -1.0), (Kind.S_AMPLITUDE, Lead.V4, -1.0)),
        name="Peguero SD + SV4",
        limit=PEGUERO_MV[case.demographics.sex],
    )


def lvh_support(case: Case) -> Outcome:
    """Test for what turns voltage into hypertrophy: lateral strain or left atrial abnormality."""
    return any_of(strain(case), lae(case))


def strain(case: Case) -> Outcome:
    """Test for lateral ST depression with T inversion in at least one of I, aVL, V5, V6."""
    return count_of(
        1,
        [
            all_of(
                case.at_most(Kind.ST_J60, STRAIN_ST_MV, lead=lead),
                case.at_most(Kind.T_AMPLITUDE, STRAIN_T_MV, lead=lead),
            )
            for lead in (Lead.I, Lead.AVL, Lead.V5, Lead.V6)
        ],
    )


def rvh(case: Case) -> Outcome:
    """Test for right axis deviation with at least one right ventricular voltage or strain sign."""
    signs = any_of(
        case.above(Kind.R_AMPLITUDE, RVH_TALL_R_V1_MV, lead=Lead.V1),
        _r_over_s_v1(case),
        case.below(Kind.S_AMPLITUDE, RVH_DEEP_S_V5_MV, lead=Lead.V5),
        case.below(Kind.S_AMPLITUDE, RVH_DEEP_S_V6_MV, lead=Lead.V6),
        case.above(Kind.R_AMPLITUDE, RVH_TALL_R_AVR_MV, lead=Lead.AVR),
        _right_sum(case),
        case.above(Kind.R_PEAK_TIME, RVH_R_PEAK_MS, lead=Lead.V1),
    )
    return all_of(case.at_least(Kind.QRS_AXIS, AXIS_RIGHT[0]), signs)


def _right_sum(case: Case) -> Outcome:
    terms = ((Kind.R_AMPLITUDE, Lead.V1, 1.0), (Kind.S_AMPLITUDE, Lead.V5, -1.0))
    return combined(case, Kind.R_AMPLITUDE, terms, name="RV1 + SV5", limit=RVH_SUM_MV)


def _r_over_s_v1(case: Case) -> Outcome:
    r, s = (case.value(kind, Lead.V1) for kind in (Kind.R_AMPLITUDE, Kind.S_AMPLITUDE))
    if r is None or s is None:
        return unknown(Kind.R_AMPLITUDE, "R/S > 1 in V1", "no QRS was measured in V1", lead=Lead.V1)
    met = r > -s and r > STRAIN_T_MV * -2
    return case.seen(Kind.R_AMPLITUDE, "R/S > 1 in V1", met=met, lead=Lead.V1, method=f"S {s:.2f} mV")


def lae(case: Case) -> Outcome:
    """Test for a long notched P in II, or a deep and long negative end of P in V1."""
    notched = all_of(
        case.at_least(Kind.P_DURATION, P_LONG_MS), case.at_least(Kind.P_NOTCH_GAP, P_NOTCH_MS, lead=Lead.II)
    )
    terminal = all_of(
        case.at_most(Kind.P_NEGATIVE_AMPLITUDE, P_TERMINAL_MV, lead=Lead.V1),
        case.at_least(Kind.P_TERMINAL_DURATION, P_TERMINAL_MS, lead=Lead.V1),
    )
    return any_of(notched, terminal)


def rae(case: Case) -> Outcome:
    """Test for a P of at least 0.25 mV in an inferior lead, or an initial 0.15 mV in V1."""
    inferior = [
        case.at_least(Kind.P_AMPLITUDE, P_TALL_MV, lead=lead) for lead in (Lead.II, Lead.III, Lead.AVF)
    ]
    return any_of(*inferior, case.at_least(Kind.P_AMPLITUDE, P_TALL_V1_MV, lead=Lead.V1))


def low_voltage(case: Case) -> Outcome:
    """Test for peak-to-peak QRS under 0.5 mV in all limb leads, or under 1.0 mV in all chest leads."""
    limb = all_of(*(case.below(Kind.QRS_AMPLITUDE, LOW_LIMB_MV, lead=lead) for lead in LIMB_LEADS))
    chest = all_of(*(case.below(Kind.QRS_AMPLITUDE, LOW_CHEST_MV, lead=lead) for lead in PRECORDIAL_LEADS))
    where = [name for name, outcome in (("limb leads", limb), ("chest leads", chest)) if outcome.likely]
    return any_of(limb, chest).noted(" and ".join(where) or None)


def prwp(case: Case) -> Outcome:
    """Test for R in V3 of at most 0.3 mV without growth from V2, or for a reversed R progression."""
    r = {lead: case.value(Kind.R_AMPLITUDE, lead) for lead in PRECORDIAL_LEADS[:4]}
    v1, v2, v3, v4 = r.values()
    small = case.at_most(Kind.R_AMPLITUDE, R_V3_POOR_MV, lead=Lead.V3)
    if v1 is None or v2 is None or v3 is None or v4 is None:
        return unknown(Kind.R_AMPLITUDE, "R in V1 to V4 measured", "a chest lead is missing")
    text = ", ".join(f"{value:.2f}" for value in (v1, v2, v3, v4))
    stalled = case.seen(
        Kind.R_AMPLITUDE, "R in V3 <= R in V2", met=v3 <= v2, lead=Lead.V3, method=f"R V1-V4 {text} mV"
    )
    return all_of(small, stalled)
