"""The table of morphology: each feature as limits on measurements, with their source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gem_integration.domain.ecg import LIMB_LEADS, STANDARD_LEADS, Lead
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.grounding.checks.outcome import Limit

WAVE_MIN_MV = 0.03  # IEC 60601-2-25 annex GG.5

T_LEADS = (Lead.I, Lead.II, Lead.V3, Lead.V4, Lead.V5, Lead.V6)

PART_IV_T_LEADS = (Lead.I, Lead.II, Lead.AVL, Lead.V2, Lead.V3, Lead.V4, Lead.V5, Lead.V6)

P_LEADS = (Lead.I, Lead.II, Lead.AVF)

NO_AVR = tuple(lead for lead in STANDARD_LEADS if lead is not Lead.AVR)

CONTIGUOUS = 2  # a shift or Q wave counts in two contiguous leads (UDMI 2018)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature as limits: ``need`` all, and one of ``choice`` where there is a choice.

    For a claim that names no lead it is looked for in ``leads``: in ``some`` of them (as many as given), or,
    where ``some`` is 0, in every one. No ``leads`` means a number of the whole ECG.
    """

    need: tuple[Limit, ...] = ()
    choice: tuple[Limit, ...] = ()
    leads: tuple[Lead, ...] = ()
    some: int = 0


def one_limit(
    kind: Kind, source: str, *, low: float | None = None, high: float | None = None, band: float = 0.0
) -> Feature:
    """Return a feature that is one number of the whole ECG between two limits."""
    return Feature(need=(Limit(kind=kind, low=low, high=high, source=source, band=band),))


def limit(kind: Kind, source: str, *, low: float | None = None, high: float | None = None) -> Limit:
    """Return a limit on one lead's number."""
    return Limit(kind=kind, low=low, high=high, source=source, absent_with=_BESIDE.get(kind))


# A part that a measured wave does not have is a zero.
_BESIDE: Mapping[Kind, Kind] = {
    Kind.T_POSITIVE_AMPLITUDE: Kind.T_AMPLITUDE,
    Kind.T_NEGATIVE_AMPLITUDE: Kind.T_AMPLITUDE,
}

_ST_UP = (
    limit(Kind.ST_J, "UDMI 2018", low=0.1),
    limit(Kind.ST_J60, "UDMI 2018", low=0.1),
)

_ST_DOWN = (
    limit(Kind.ST_J, "UDMI 2018", high=-0.05),
    limit(Kind.ST_J60, "UDMI 2018", high=-0.05),
)

_T_DOWN = (
    limit(Kind.T_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", high=-0.05),
    limit(Kind.T_NEGATIVE_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", high=-0.075),
)

_R_PRESENT = limit(Kind.R_AMPLITUDE, "IEC 60601-2-25 GG.5", low=WAVE_MIN_MV)

_R_NONE = limit(Kind.R_AMPLITUDE, "IEC 60601-2-25 GG.5", high=WAVE_MIN_MV)

_S_PRESENT = limit(Kind.S_AMPLITUDE, "IEC 60601-2-25 GG.5", high=-WAVE_MIN_MV)

_Q_PRESENT = limit(Kind.Q_AMPLITUDE, "IEC 60601-2-25 GG.5", high=-WAVE_MIN_MV)

_Q_NONE = limit(Kind.Q_AMPLITUDE, "IEC 60601-2-25 GG.5", low=-WAVE_MIN_MV)

FEATURES: Mapping[str, Feature] = {
    "p_wave": one_limit(Kind.P_PRESENT_FRACTION, "ecg-criteria 3.1, 2 and 7", low=0.55, band=0.25),
    "p_before_qrs": one_limit(Kind.P_PRESENT_FRACTION, "ecg-criteria 3.1, 2", low=0.75, band=0.05),
    "p_inverted": Feature(
        need=(limit(Kind.P_AMPLITUDE, "AHA/ACCF/HRS 2009 part III", high=0.0),), leads=P_LEADS, some=1
    ),
    "p_notched": Feature(
        need=(
            Limit(
                kind=Kind.P_NOTCH_GAP,
                low=40.0,
                source="AHA/ACCF/HRS 2009 part V",
                absent_with=Kind.P_AMPLITUDE,
            ),
        ),
        leads=(Lead.II,),
        some=1,
    ),
    "p_peaked": Feature(
        need=(limit(Kind.P_AMPLITUDE, "AHA/ACCF/HRS 2009 part V", low=0.25),),
        leads=(Lead.II, Lead.III, Lead.AVF),
        some=1,
    ),
    "rr_regular": one_limit(Kind.RR_NRMSSD, "ecg-criteria 3.1, 7", high=0.075, band=0.025),
    "rr_irregular": one_limit(Kind.RR_NRMSSD, "ecg-criteria 3.1, 7", low=0.075, band=0.025),
    "rate_normal": one_limit(Kind.HEART_RATE, "60 to 100/min", low=60.0, high=100.0),
    "rate_slow": one_limit(Kind.HEART_RATE, "below 60/min", high=60.0),
    "rate_fast": one_limit(Kind.HEART_RATE, "above 100/min", low=100.0),
    "pr_normal": one_limit(Kind.PR_INTERVAL, "120 to 200 ms", low=120.0, high=200.0),
    "pr_prolonged": one_limit(Kind.PR_INTERVAL, "above 200 ms", low=200.0),
    "pr_short": one_limit(Kind.PR_INTERVAL, "below 120 ms", high=120.0),
    "pr_constant": one_limit(Kind.PR_SD, "ecg-criteria 3.1, 2", high=20.0),
    "qrs_normal": one_limit(Kind.QRS_DURATION, "AHA/ACCF/HRS 2009 part III", high=120.0),
    "qrs_narrow": one_limit(Kind.QRS_DURATION, "AHA/ACCF/HRS 2009 part III", high=120.0),
    "qrs_wide": one_limit(Kind.QRS_DURATION, "AHA/ACCF/HRS 2009 part III", low=120.0),
    "qrs_notched": Feature(
        need=(
            Limit(
                kind=Kind.QRS_NOTCH_COUNT,
                low=0.5,
                source="AHA/ACCF/HRS 2009 part III",
                absent_with=Kind.QRS_AMPLITUDE,
            ),
        ),
        leads=STANDARD_LEADS,
        some=1,
    ),
    "rsr_pattern": Feature(
        need=(
            Limit(
                kind=Kind.R_PRIME_AMPLITUDE,
                low=WAVE_MIN_MV,
                source="AHA/ACCF/HRS 2009 part III",
                absent_with=Kind.R_AMPLITUDE,
            ),
        ),
        leads=(Lead.V1, Lead.V2),
        some=1,
    ),
    "rs_pattern": Feature(need=(_Q_NONE, _R_PRESENT, _S_PRESENT), leads=STANDARD_LEADS, some=1),
    "qr_pattern": Feature(need=(_Q_PRESENT, _R_PRESENT), leads=STANDARD_LEADS, some=1),
    "q_wave": Feature(need=(_Q_PRESENT,), leads=NO_AVR, some=CONTIGUOUS),
    "qs_complex": Feature(need=(_Q_PRESENT, _R_NONE), leads=NO_AVR, some=1),
    "broad_r": Feature(
        choice=(
            limit(Kind.R_DURATION, "AHA/ACCF/HRS 2009 part III", low=60.0),
            limit(Kind.R_PEAK_TIME, "AHA/ACCF/HRS 2009 part III", low=60.0),
        ),
        leads=(Lead.I, Lead.AVL, Lead.V5, Lead.V6),
        some=1,
    ),
    "delta_wave": Feature(
        need=(
            limit(Kind.INITIAL_SLOPE_RATIO, "ecg-criteria 3.1, 21", high=0.5),
            Limit(kind=Kind.PR_INTERVAL, high=120.0, source="ecg-criteria 3.1, 21", whole_ecg=True),
        ),
        leads=STANDARD_LEADS,
        some=CONTIGUOUS,
    ),
    "st_elevation": Feature(choice=_ST_UP, leads=STANDARD_LEADS, some=CONTIGUOUS),
    "st_depression": Feature(choice=_ST_DOWN, leads=NO_AVR, some=CONTIGUOUS),
    "st_downsloping": Feature(
        need=(limit(Kind.ST_SLOPE, "slope from J to J+80", high=0.0),), leads=STANDARD_LEADS, some=1
    ),
    "st_upsloping": Feature(
        need=(limit(Kind.ST_SLOPE, "slope from J to J+80", low=0.0),), leads=STANDARD_LEADS, some=1
    ),
    "st_t_abnormal": Feature(choice=(*_ST_UP, *_ST_DOWN, *_T_DOWN), leads=PART_IV_T_LEADS, some=CONTIGUOUS),
    "t_upright": Feature(
        need=(limit(Kind.T_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=0.025),), leads=T_LEADS
    ),
    "t_normal": Feature(
        need=(
            limit(Kind.T_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=0.05),
            limit(Kind.T_NEGATIVE_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=-0.1),
        ),
        leads=T_LEADS,
    ),
    "t_inverted": Feature(choice=_T_DOWN, leads=PART_IV_T_LEADS, some=CONTIGUOUS),
    "t_flat": Feature(
        need=(limit(Kind.T_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=-0.1, high=0.1),),
        leads=PART_IV_T_LEADS,
        some=1,
    ),
    "t_biphasic": Feature(
        need=(
            limit(Kind.T_POSITIVE_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", low=0.05),
            limit(Kind.T_NEGATIVE_AMPLITUDE, "AHA/ACCF/HRS 2009 part IV", high=-0.05),
        ),
        leads=PART_IV_T_LEADS,
        some=1,
    ),
    "u_wave": Feature(
        need=(
            Limit(
                kind=Kind.U_AMPLITUDE,
                low=0.05,
                source="AHA/ACCF/HRS 2009 part IV",
                absent_with=Kind.T_AMPLITUDE,
            ),
        ),
        leads=(Lead.V2, Lead.V3, Lead.V4),
        some=1,
    ),
    "axis_normal": one_limit(Kind.QRS_AXIS, "AHA/ACCF/HRS 2009 part III", low=-30.0, high=90.0),
    "axis_left": one_limit(Kind.QRS_AXIS, "AHA/ACCF/HRS 2009 part III", low=-110.0, high=-30.0),
    "axis_right": one_limit(Kind.QRS_AXIS, "AHA/ACCF/HRS 2009 part III", low=90.0, high=190.0),
}

# Heights and depths that differ by lead, in mV.
BY_LEAD: Mapping[str, tuple[Kind, str, Mapping[Lead, float]]] = {
    "tall_r": (
        Kind.R_AMPLITUDE,
        "ecg-criteria 3.1, 31 and 32",
        {Lead.AVL: 1.1, Lead.I: 1.3, Lead.V1: 0.6, Lead.V2: 1.0, Lead.V3: 2.0, Lead.AVR: 0.4},
    ),
    "deep_s": (
        Kind.S_AMPLITUDE,
        "ecg-criteria 3.1, 23, 31 and 32",
        {Lead.I: -0.15, Lead.V5: -0.5, Lead.V6: -0.3, Lead.AVL: -0.3, Lead.V4: -1.0},
    ),
    "t_peaked": (
        Kind.T_AMPLITUDE,
        "ecg-criteria 3.1, 51",
        dict.fromkeys(LIMB_LEADS, 0.5),
    ),
}

ELSEWHERE = {"tall_r": 2.0, "deep_s": -1.5, "t_peaked": 1.0}

Q_PATHOLOGICAL = Feature(
    need=(
        limit(Kind.Q_AMPLITUDE, "UDMI 2018", high=-0.1),
        limit(Kind.Q_DURATION, "UDMI 2018", low=30.0),
    ),
    leads=NO_AVR,
    some=CONTIGUOUS,
)
