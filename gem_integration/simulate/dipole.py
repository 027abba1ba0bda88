"""A moving dipole: smooth pulses of a heart vector, seen by the leads through a fixed matrix."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gem_integration.domain.ecg import PRECORDIAL_LEADS, STANDARD_LEADS, FloatArray, Lead

Knots = tuple[float, float, float, float]
Vector = tuple[float, float, float]

INDEPENDENT_LEADS: tuple[Lead, ...] = (Lead.I, Lead.II, *PRECORDIAL_LEADS)

# Dower's transfer of the Frank vector (x left, y down, z back) to the eight independent leads
# (Dower, Machado, Osborne: On deriving the electrocardiogram from vectorcardiographic leads, 1980).
LEAD_MATRIX: FloatArray = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)

VISIBLE_MV = 0.015
PEAK_GRID_S = 0.0005
AXIS_STEPS = 30


def spread(**mv: float) -> tuple[float, ...]:
    """Return millivolts at the eight independent leads, zero where not named."""
    return tuple(mv.get(lead.value, 0.0) for lead in INDEPENDENT_LEADS)


def peak(start: float, top: float, end: float) -> Knots:
    """Return the knots of a pulse that only touches its height."""
    return (start, top, top, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One smooth pulse of the heart vector: it rises, may stay, and falls to exactly zero.

    ``knots`` are start, begin of the top, end of the top and end as fractions of the wave;
    ``vector_mv`` is the dipole (x left, y down, z back) and ``residual_mv`` what the eight independent
    leads see beyond it. A power below 1 makes an edge depart sharply from zero, above 1 gently.
    """

    knots: Knots
    vector_mv: Vector = (0.0, 0.0, 0.0)
    residual_mv: tuple[float, ...] = spread()
    rise_power: float = 1.8
    fall_power: float = 1.3


def scaled(components: Iterable[Component], factor: float) -> tuple[Component, ...]:
    """Return the components with their height multiplied."""
    return tuple(
        replace(
            item,
            vector_mv=(
                item.vector_mv[0] * factor,
                item.vector_mv[1] * factor,
                item.vector_mv[2] * factor,
            ),
            residual_mv=tuple(value * factor for value in item.residual_mv),
        )
        for item in components
    )


def to_twelve(eight: FloatArray) -> FloatArray:
    """Return the twelve standard leads of the eight independent ones; II = I + III holds exactly."""
    one, two = eight[0], eight[1]
    limb = (one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2)
    return np.stack([*limb, *eight[2:]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wave:
    """Components placed in time: ``knots_s`` is (component, 4), ``heights_mv`` (component, 8)."""

    knots_s: FloatArray
    powers: FloatArray
    heights_mv: FloatArray

    def sample(self, times_s: FloatArray) -> FloatArray:
        """Return the eight independent leads in mV at ``times_s``, counted from the wave's onset."""
        eight: FloatArray = self.heights_mv.T @ _pulses(self, times_s)
        return eight

    @property
    def span_s(self) -> tuple[float, float]:
        """Return when the wave leaves zero and when it is back."""
        return float(self.knots_s[:, 0].min()), float(self.knots_s[:, 3].max())


def wave_of(
    components: tuple[Component, ...], duration_s: float, *, turn_deg: float = 0.0, mirrored: bool = False
) -> Wave:
    """Place components in a wave of ``duration_s``.

    ``turn_deg`` turns the vector in the frontal plane as the limb leads see it, the chest leads keep
    their form; ``mirrored`` exchanges left and right for all.
    """
    vectors = np.array([item.vector_mv for item in components]) * (-1.0 if mirrored else 1.0, 1.0, 1.0)
    turned = vectors @ _frontal_turn(math.radians(turn_deg)).T
    residuals = np.array([item.residual_mv for item in components])
    limb, chest = turned @ LEAD_MATRIX[:2].T, vectors @ LEAD_MATRIX[2:].T
    return Wave(
        knots_s=np.array([item.knots for item in components]) * duration_s,
        powers=np.array([(item.rise_power, item.fall_power) for item in components]),
        heights_mv=np.hstack([limb, chest]) + residuals,
    )


def _frontal_turn(angle_rad: float) -> FloatArray:
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _pulses(wave: Wave, times_s: FloatArray) -> FloatArray:
    start, top, top_end, end = (wave.knots_s[:, index, None] for index in range(4))
    rise = np.clip((times_s - start) / (top - start), 0.0, 1.0)
    fall = np.clip((end - times_s) / (end - top_end), 0.0, 1.0)
    edges = (_edge(rise, wave.powers[:, :1]), _edge(fall, wave.powers[:, 1:]))
    return edges[0] * edges[1]


def _edge(progress: FloatArray, power: FloatArray) -> FloatArray:
    raised: FloatArray = np.power(0.5 - 0.5 * np.cos(np.pi * progress), power)
    return raised


def frontal_axis_deg(eight: FloatArray) -> float:
    """Return the axis in degrees of (8, sample) leads, from the net areas in I and aVF.

    AHA/ACCF/HRS recommendations, part III (2009): the axis by area, with I at 0 and aVF at 90 degrees.
    """
    one, two = float(eight[0].sum()), float(eight[1].sum())
    return math.degrees(math.atan2(2.0 / math.sqrt(3.0) * (two - one / 2), one))


def whole(wave: Wave) -> FloatArray:
    """Return the wave alone from its start to its end on a fine grid, (8, sample) in mV."""
    start, end = wave.span_s
    return wave.sample(np.arange(start, end, PEAK_GRID_S))


def turn_for_axis(components: tuple[Component, ...], axis_deg: float) -> float:
    """Return the turn in degrees that gives a wave of ``components`` the frontal axis ``axis_deg``."""
    turn = 0.0
    for _ in range(AXIS_STEPS):
        missing = axis_deg - frontal_axis_deg(whole(wave_of(components, 0.1, turn_deg=turn)))
        turn += (missing + 180.0) % 360.0 - 180.0
    return turn


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveMarks:
    """Onset, peak and offset in seconds from the wave's onset."""

    on_s: float
    peak_s: float
    off_s: float


def marks_of(wave: Wave) -> tuple[WaveMarks, dict[Lead, WaveMarks]]:
    """Return the global marks, and those of each lead in which a component of the wave is visible."""
    start, end = wave.span_s
    times = np.arange(start, end, PEAK_GRID_S)
    twelve = np.abs(to_twelve(wave.sample(times)))
    visible = np.abs(to_twelve(wave.heights_mv.T)) >= VISIBLE_MV
    everywhere = WaveMarks(on_s=start, peak_s=_at_largest(twelve.sum(axis=0), times), off_s=end)
    leads = {
        lead: WaveMarks(
            on_s=float(wave.knots_s[seen, 0].min()),
            peak_s=_at_largest(course, times),
            off_s=float(wave.knots_s[seen, 3].max()),
        )
        for lead, course, seen in zip(STANDARD_LEADS, twelve, visible, strict=True)
        if seen.any() and float(course.max()) >= VISIBLE_MV
    }
    return everywhere, leads


def _at_largest(course: FloatArray, times_s: FloatArray) -> float:
    return float(times_s[int(np.argmax(course))])
