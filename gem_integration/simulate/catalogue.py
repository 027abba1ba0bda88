"""Scenarios by name: one for each condition the project must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gem_integration.domain.ecg import Lead
from gem_integration.simulate.scenario import (
    Electrode,
    Fault,
    FaultKind,
    Noise,
    QrsForm,
    Rhythm,
    Scenario,
    StTForm,
)

RESTING_NOISE = Noise(baseline_wander_mv=0.04, muscle_mv=0.010, mains_mv=0.003)

_SWAP = FaultKind.ELECTRODES_SWAPPED
_OFF = FaultKind.ELECTRODE_OFF

_CONDITIONS: Mapping[str, Scenario] = {
    "normal_sinus": Scenario(),
    "sinus_brady": Scenario(heart_rate_bpm=46.0),
    "sinus_tachy": Scenario(heart_rate_bpm=112.0),
    "sinus_arrhythmia": Scenario(rhythm=Rhythm.SINUS_ARRHYTHMIA, heart_rate_bpm=66.0),
    "sinus_pause": Scenario(rhythm=Rhythm.SINUS_PAUSE, heart_rate_bpm=62.0),
    "af": Scenario(rhythm=Rhythm.AF, heart_rate_bpm=82.0),
    "af_rvr": Scenario(rhythm=Rhythm.AF, heart_rate_bpm=138.0),
    "flutter_2to1": Scenario(rhythm=Rhythm.FLUTTER, heart_rate_bpm=148.0, conduction=2),
    "flutter_3to1": Scenario(rhythm=Rhythm.FLUTTER, heart_rate_bpm=96.0, conduction=3),
    "flutter_4to1": Scenario(rhythm=Rhythm.FLUTTER, heart_rate_bpm=74.0, conduction=4),
    "flutter_variable": Scenario(rhythm=Rhythm.FLUTTER, heart_rate_bpm=98.0),
    "svt": Scenario(rhythm=Rhythm.SVT, heart_rate_bpm=182.0),
    "atrial": Scenario(rhythm=Rhythm.ATRIAL, heart_rate_bpm=78.0, pr_ms=150.0),
    "junctional": Scenario(rhythm=Rhythm.JUNCTIONAL, heart_rate_bpm=50.0),
    "pac": Scenario(rhythm=Rhythm.PAC),
    "pac_blocked": Scenario(rhythm=Rhythm.PAC_BLOCKED, heart_rate_bpm=66.0),
    "pvc": Scenario(rhythm=Rhythm.PVC),
    "pvc_bigeminy": Scenario(rhythm=Rhythm.PVC_BIGEMINY),
    "pvc_couplet": Scenario(rhythm=Rhythm.PVC_COUPLET),
    "pvc_multiform": Scenario(rhythm=Rhythm.PVC_MULTIFORM),
    "nsvt": Scenario(rhythm=Rhythm.NSVT),
    "vt": Scenario(rhythm=Rhythm.VT, heart_rate_bpm=172.0),
    "vf": Scenario(rhythm=Rhythm.VF),
    "asystole": Scenario(rhythm=Rhythm.ASYSTOLE),
    "idioventricular": Scenario(rhythm=Rhythm.IDIOVENTRICULAR, heart_rate_bpm=36.0),
    "avb1": Scenario(pr_ms=248.0, heart_rate_bpm=64.0),
    "mobitz1": Scenario(rhythm=Rhythm.MOBITZ1, heart_rate_bpm=60.0, pr_ms=176.0),
    "mobitz2": Scenario(rhythm=Rhythm.MOBITZ2, heart_rate_bpm=60.0, pr_ms=172.0),
    "avb2_2to1": Scenario(rhythm=Rhythm.AVB2_2TO1, heart_rate_bpm=44.0, pr_ms=172.0),
    "avb3": Scenario(rhythm=Rhythm.AVB3, heart_rate_bpm=42.0),
    "avb3_wide": Scenario(rhythm=Rhythm.AVB3, heart_rate_bpm=34.0, qrs_form=QrsForm.LBBB),
    "paced": Scenario(rhythm=Rhythm.PACED_VENTRICULAR),
    "paced_atrial": Scenario(rhythm=Rhythm.PACED_ATRIAL, pr_ms=184.0),
    "paced_dual": Scenario(rhythm=Rhythm.PACED_DUAL, pr_ms=176.0),
    "lbbb": Scenario(qrs_form=QrsForm.LBBB),
    "rbbb": Scenario(qrs_form=QrsForm.RBBB),
    "irbbb": Scenario(qrs_form=QrsForm.IRBBB),
    "lafb": Scenario(qrs_form=QrsForm.LAFB),
    "lpfb": Scenario(qrs_form=QrsForm.LPFB),
    "ivcd": Scenario(qrs_form=QrsForm.IVCD),
    "lvh": Scenario(qrs_form=QrsForm.LVH),
    "rvh": Scenario(qrs_form=QrsForm.RVH),
    "wpw": Scenario(qrs_form=QrsForm.WPW),
    "old_inferior_mi": Scenario(qrs_form=QrsForm.OLD_INFERIOR_MI),
    "old_anterior_mi": Scenario(qrs_form=QrsForm.OLD_ANTERIOR_MI),
    "low_voltage": Scenario(qrs_form=QrsForm.LOW_VOLTAGE, p_scale=0.6),
    "poor_r_progression": Scenario(qrs_form=QrsForm.POOR_R_PROGRESSION),
    "left_axis": Scenario(axis_deg=-50.0),
    "right_axis": Scenario(qrs_form=QrsForm.LPFB, qrs_ms=86.0, axis_deg=98.0),
    "inferior_stemi": Scenario(st_t_form=StTForm.INFERIOR_STEMI, heart_rate_bpm=84.0),
    "anterior_stemi": Scenario(st_t_form=StTForm.ANTERIOR_STEMI, heart_rate_bpm=92.0),
    "lateral_stemi": Scenario(st_t_form=StTForm.LATERAL_STEMI, heart_rate_bpm=80.0),
    "posterior_stemi": Scenario(
        qrs_form=QrsForm.POSTERIOR_MI, st_t_form=StTForm.POSTERIOR_STEMI, heart_rate_bpm=86.0
    ),
    "st_depression": Scenario(st_t_form=StTForm.ST_DEPRESSION, heart_rate_bpm=88.0),
    "t_inversion": Scenario(st_t_form=StTForm.T_INVERSION),
    "flat_t": Scenario(st_t_form=StTForm.FLAT_T),
    "long_qt": Scenario(qt_ms=520.0, heart_rate_bpm=66.0),
    "short_qt": Scenario(qt_ms=312.0),
    "hyperkalaemia": Scenario(
        qrs_form=QrsForm.IVCD, st_t_form=StTForm.HYPERKALAEMIA, pr_ms=216.0, p_scale=0.35
    ),
    "early_repolarisation": Scenario(st_t_form=StTForm.EARLY_REPOLARISATION, heart_rate_bpm=58.0),
    "pericarditis": Scenario(st_t_form=StTForm.PERICARDITIS, heart_rate_bpm=96.0),
    "brugada": Scenario(st_t_form=StTForm.BRUGADA),
    "de_winter": Scenario(st_t_form=StTForm.DE_WINTER),
    "wellens": Scenario(st_t_form=StTForm.WELLENS),
    "arm_reversal": Scenario(fault=Fault(kind=_SWAP, electrodes=(Electrode.RA, Electrode.LA))),
    "ra_rl_reversal": Scenario(fault=Fault(kind=_SWAP, electrodes=(Electrode.RA, Electrode.RL))),
    "la_ll_reversal": Scenario(fault=Fault(kind=_SWAP, electrodes=(Electrode.LA, Electrode.LL))),
    "precordial_swap": Scenario(fault=Fault(kind=_SWAP, electrodes=(Electrode.V2, Electrode.V5))),
    "lead_off_ra": Scenario(fault=Fault(kind=_OFF, electrodes=(Electrode.RA,))),
    "lead_off_la": Scenario(fault=Fault(kind=_OFF, electrodes=(Electrode.LA,))),
    "lead_off_ll": Scenario(fault=Fault(kind=_OFF, electrodes=(Electrode.LL,))),
    "lead_off_v3": Scenario(fault=Fault(kind=_OFF, electrodes=(Electrode.V3,))),
    "flat_lead": Scenario(fault=Fault(kind=FaultKind.FLAT_LEAD, lead=Lead.V4)),
    "saturated": Scenario(fault=Fault(kind=FaultKind.SATURATED_LEAD, lead=Lead.V2)),
    "gap": Scenario(fault=Fault(kind=FaultKind.GAP)),
    "calibration_pulse": Scenario(fault=Fault(kind=FaultKind.CALIBRATION_PULSE)),
    "dextrocardia": Scenario(fault=Fault(kind=FaultKind.DEXTROCARDIA)),
}

_NOISY: Mapping[str, Noise] = {
    "baseline_wander": Noise(baseline_wander_mv=0.8, muscle_mv=0.004),
    "mains_50hz": Noise(mains_mv=0.12, mains_hz=50.0),
    "mains_60hz": Noise(mains_mv=0.12, mains_hz=60.0),
    "muscle_noise": Noise(muscle_mv=0.06, baseline_wander_mv=0.05),
    "motion_step": Noise(motion_step_mv=1.5, muscle_mv=0.006),
}

SCENARIOS: Mapping[str, Scenario] = {
    **{name: replace(scenario, noise=RESTING_NOISE) for name, scenario in _CONDITIONS.items()},
    **{name: Scenario(noise=noise) for name, noise in _NOISY.items()},
}
