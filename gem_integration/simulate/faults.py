"""Faults of the bedside: at the electrodes, in one channel, or in the whole recording."""

from __future__ import annotations

import numpy as np

from gem_integration.domain.ecg import STANDARD_LEADS, FloatArray, MaskArray
from gem_integration.simulate.scenario import Electrode, Fault, FaultKind

RIGHT_LEG_SHARE = 0.94
RAIL_MV = 3.2
RAIL_DRIFT_MV = 5.0
FLOATING_MAINS_MV = 0.35
FLOATING_DRIFT_MV = 1.2
FLOATING_MAINS_HZ = 50.0
GAP_SHARE = (0.42, 0.52)
CALIBRATION_MV = 1.0
CALIBRATION_S = (0.15, 0.35)
CALIBRATION_END_S = 0.5

_ELECTRODES = tuple(Electrode)


def at_electrodes(
    fault: Fault, eight: FloatArray, times_s: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return the independent leads as seen with electrodes swapped or loose; others pass unchanged."""
    if fault.kind not in (FaultKind.ELECTRODES_SWAPPED, FaultKind.ELECTRODE_OFF):
        return eight
    potentials = _potentials(eight)
    rows = [_ELECTRODES.index(electrode) for electrode in fault.electrodes]
    if fault.kind is FaultKind.ELECTRODES_SWAPPED:
        potentials[rows] = potentials[rows[::-1]]
    else:
        potentials[rows[0]] = _floating(times_s, rng)
    return _independent(potentials)


def _potentials(eight: FloatArray) -> FloatArray:
    """Return the electrodes against the central terminal; both legs are nearly at one potential."""
    right_arm = -(eight[0] + eight[1]) / 3
    left_leg = right_arm + eight[1]
    right_leg = RIGHT_LEG_SHARE * left_leg
    return np.stack([right_arm, right_arm + eight[0], left_leg, right_leg, *eight[2:]])


def _independent(potentials: FloatArray) -> FloatArray:
    right_arm, left_arm, left_leg, _, *chest = potentials
    terminal = (right_arm + left_arm + left_leg) / 3
    return np.stack([left_arm - right_arm, left_leg - right_arm, *(v - terminal for v in chest)])


def _floating(times_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return what an input without contact picks up: mains and slow drift, no heart."""
    phases = rng.uniform(0.0, 2 * np.pi, 3)
    mains = FLOATING_MAINS_MV * np.sin(2 * np.pi * FLOATING_MAINS_HZ * times_s + phases[0])
    drift = np.sin(2 * np.pi * 0.11 * times_s + phases[1]) + 0.4 * np.sin(
        2 * np.pi * 0.37 * times_s + phases[2]
    )
    course: FloatArray = mains + FLOATING_DRIFT_MV * drift
    return course


def in_channel(fault: Fault, twelve: FloatArray, times_s: FloatArray) -> FloatArray:
    """Return the twelve leads with a flat or saturated lead, a gap (NaN) or a calibration pulse."""
    touched = twelve.copy()
    match fault.kind:
        case FaultKind.FLAT_LEAD if fault.lead is not None:
            touched[STANDARD_LEADS.index(fault.lead)] = 0.0
        case FaultKind.SATURATED_LEAD if fault.lead is not None:
            drift = RAIL_DRIFT_MV * np.sin(2 * np.pi * 0.15 * times_s)
            row = STANDARD_LEADS.index(fault.lead)
            touched[row] = np.clip(touched[row] + drift, -RAIL_MV, RAIL_MV)
        case FaultKind.GAP:
            touched[:, _between(times_s, GAP_SHARE[0] * times_s[-1], GAP_SHARE[1] * times_s[-1])] = np.nan
        case FaultKind.CALIBRATION_PULSE:
            touched[:, times_s < CALIBRATION_END_S] = 0.0
            touched[:, _between(times_s, *CALIBRATION_S)] = CALIBRATION_MV
        case _:
            pass
    return touched


def _between(times_s: FloatArray, start_s: float, end_s: float) -> MaskArray:
    inside: MaskArray = (times_s >= start_s) & (times_s < end_s)
    return inside


def hidden_s(fault: Fault | None, duration_s: float) -> tuple[float, float]:
    """Return the stretch of time in which a fault hides the heart in every lead (empty: 0, 0)."""
    if fault is not None and fault.kind is FaultKind.GAP:
        return GAP_SHARE[0] * duration_s, GAP_SHARE[1] * duration_s
    if fault is not None and fault.kind is FaultKind.CALIBRATION_PULSE:
        return 0.0, CALIBRATION_END_S
    return 0.0, 0.0
