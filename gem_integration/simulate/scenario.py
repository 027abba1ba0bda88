"""What to simulate: the words of a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gem_integration.domain.ecg import Lead

HEART_RATE_RANGE_BPM = (20.0, 300.0)
SAMPLING_RATE_RANGE_HZ = (100.0, 32_000.0)
DURATION_RANGE_S = (1.0, 600.0)
PR_RANGE_MS = (60.0, 500.0)
QRS_RANGE_MS = (50.0, 240.0)
QT_RANGE_MS = (200.0, 750.0)
AMPLITUDE_SCALE_RANGE = (0.05, 5.0)


class Rhythm(StrEnum):
    """Where the beats come from, and when."""

    SINUS = "sinus"
    SINUS_ARRHYTHMIA = "sinus_arrhythmia"
    SINUS_PAUSE = "sinus_pause"
    AF = "af"
    FLUTTER = "flutter"
    PAC = "pac"
    PAC_BLOCKED = "pac_blocked"
    PVC = "pvc"
    PVC_BIGEMINY = "pvc_bigeminy"
    PVC_COUPLET = "pvc_couplet"
    PVC_MULTIFORM = "pvc_multiform"
    NSVT = "nsvt"
    MOBITZ1 = "mobitz1"
    MOBITZ2 = "mobitz2"
    AVB2_2TO1 = "avb2_2to1"
    AVB3 = "avb3"
    PACED_ATRIAL = "paced_atrial"
    PACED_VENTRICULAR = "paced_ventricular"
    PACED_DUAL = "paced_dual"
    VT = "vt"
    JUNCTIONAL = "junctional"
    SVT = "svt"
    ATRIAL = "atrial"
    IDIOVENTRICULAR = "idioventricular"
    VF = "vf"
    ASYSTOLE = "asystole"


class QrsForm(StrEnum):
    """How the ventricles are activated."""

    NORMAL = "normal"
    LBBB = "lbbb"
    RBBB = "rbbb"
    IRBBB = "irbbb"
    LAFB = "lafb"
    LPFB = "lpfb"
    IVCD = "ivcd"
    LVH = "lvh"
    RVH = "rvh"
    WPW = "wpw"
    OLD_INFERIOR_MI = "old_inferior_mi"
    OLD_ANTERIOR_MI = "old_anterior_mi"
    POSTERIOR_MI = "posterior_mi"
    LOW_VOLTAGE = "low_voltage"
    POOR_R_PROGRESSION = "poor_r_progression"
    RIGHT_VENTRICULAR = "right_ventricular"  #: ectopic beat of the right outflow tract
    LEFT_VENTRICULAR = "left_ventricular"  #: ectopic beat of the left ventricle
    RV_PACED = "rv_paced"  #: paced at the right ventricular apex


class StTForm(StrEnum):
    """How the ventricles recover; ``SECONDARY`` is what belongs to the QRS form."""

    SECONDARY = "secondary"
    NORMAL = "normal"
    INFERIOR_STEMI = "inferior_stemi"
    ANTERIOR_STEMI = "anterior_stemi"
    LATERAL_STEMI = "lateral_stemi"
    POSTERIOR_STEMI = "posterior_stemi"
    ST_DEPRESSION = "st_depression"
    T_INVERSION = "t_inversion"
    FLAT_T = "flat_t"
    HYPERKALAEMIA = "hyperkalaemia"
    EARLY_REPOLARISATION = "early_repolarisation"
    PERICARDITIS = "pericarditis"
    BRUGADA = "brugada"
    DE_WINTER = "de_winter"
    WELLENS = "wellens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Noise added to every independent lead: wander, mains and step as peak mV, muscle as RMS mV."""

    baseline_wander_mv: float = 0.0
    mains_mv: float = 0.0
    mains_hz: float = 50.0
    muscle_mv: float = 0.0
    motion_step_mv: float = 0.0


class Electrode(StrEnum):
    """An electrode of the 12-lead ECG."""

    RA = "RA"
    LA = "LA"
    LL = "LL"
    RL = "RL"
    V1 = "V1"
    V2 = "V2"
    V3 = "V3"
    V4 = "V4"
    V5 = "V5"
    V6 = "V6"


class FaultKind(StrEnum):
    """What went wrong at the bedside."""

    ELECTRODES_SWAPPED = "electrodes_swapped"
    ELECTRODE_OFF = "electrode_off"
    FLAT_LEAD = "flat_lead"
    SATURATED_LEAD = "saturated_lead"
    GAP = "gap"
    CALIBRATION_PULSE = "calibration_pulse"
    DEXTROCARDIA = "dextrocardia"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault; electrodes for swaps and loose contacts, a lead for what one channel shows."""

    kind: FaultKind
    electrodes: tuple[Electrode, ...] = ()
    lead: Lead | None = None

    def __post_init__(self) -> None:
        """Refuse a fault that does not say where it is."""
        needed = {FaultKind.ELECTRODES_SWAPPED: 2, FaultKind.ELECTRODE_OFF: 1}.get(self.kind, 0)
        if len(self.electrodes) != needed:
            raise ValueError(f"{self.kind} needs {needed} electrodes")
        if (self.kind in (FaultKind.FLAT_LEAD, FaultKind.SATURATED_LEAD)) != (self.lead is not None):
            raise ValueError(f"{self.kind}: a lead is named for a flat or saturated lead only")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that decides a simulated ECG; the same scenario always gives the same samples.

    ``heart_rate_bpm`` is the mean ventricular rate; ``pr_ms``, ``qrs_ms`` and ``qt_ms`` default to what
    the rhythm, the QRS form and the rate ask for; ``axis_deg`` turns the QRS vector in the frontal plane;
    ``conduction`` is the flutter waves per beat, ``None`` for a changing ratio.
    """

    rhythm: Rhythm = Rhythm.SINUS
    qrs_form: QrsForm = QrsForm.NORMAL
    st_t_form: StTForm = StTForm.SECONDARY
    heart_rate_bpm: float = 70.0
    pr_ms: float | None = None
    qrs_ms: float | None = None
    qt_ms: float | None = None
    axis_deg: float | None = None
    conduction: int | None = None
    duration_s: float = 10.0
    sampling_rate_hz: float = 500.0
    amplitude_scale: float = 1.0
    p_scale: float = 1.0
    noise: Noise = field(default_factory=Noise)
    fault: Fault | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers no heart or cart could have."""
        for name, value, (low, high) in (
            ("heart_rate_bpm", self.heart_rate_bpm, HEART_RATE_RANGE_BPM),
            ("sampling_rate_hz", self.sampling_rate_hz, SAMPLING_RATE_RANGE_HZ),
            ("duration_s", self.duration_s, DURATION_RANGE_S),
            ("pr_ms", self.pr_ms, PR_RANGE_MS),
            ("qrs_ms", self.qrs_ms, QRS_RANGE_MS),
            ("qt_ms", self.qt_ms, QT_RANGE_MS),
            ("amplitude_scale", self.amplitude_scale, AMPLITUDE_SCALE_RANGE),
        ):
            if value is not None and not low <= value <= high:
                raise ValueError(f"{name} must be between {low:g} and {high:g}")
