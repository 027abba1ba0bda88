"""QRS forms: how each way of activating the ventricles moves the heart vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gem_integration.simulate.dipole import Component, peak, scaled, spread
from gem_integration.simulate.scenario import QrsForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A QRS form and the duration it has unless a scenario asks for another."""

    components: tuple[Component, ...]
    duration_ms: float


_SEPTAL = Component(knots=peak(0.0, 0.22, 0.45), vector_mv=(-0.11, -0.02, -0.24))
_APICAL = Component(knots=peak(0.12, 0.42, 0.75), vector_mv=(1.02, 0.64, -0.25))
_POSTERIOR = Component(knots=peak(0.30, 0.62, 0.95), vector_mv=(0.40, 0.15, 0.85))
_BASAL = Component(knots=peak(0.58, 0.79, 1.0), vector_mv=(-0.22, -0.16, 0.22))

_NORMAL = (_SEPTAL, _APICAL, _POSTERIOR, _BASAL)

_LBBB = (
    Component(knots=peak(0.0, 0.14, 0.32), vector_mv=(0.24, 0.08, 0.04)),
    Component(knots=peak(0.06, 0.34, 0.60), vector_mv=(0.95, 0.42, 0.42), fall_power=0.9),
    Component(knots=peak(0.40, 0.68, 1.0), vector_mv=(1.00, 0.12, 0.95), rise_power=0.9),
)

_RBBB = (
    Component(knots=peak(0.0, 0.14, 0.32), vector_mv=(-0.12, 0.0, -0.28)),
    Component(knots=peak(0.08, 0.28, 0.52), vector_mv=(1.00, 0.66, -0.10)),
    Component(knots=peak(0.18, 0.38, 0.58), vector_mv=(0.40, 0.15, 0.80)),
    Component(knots=peak(0.40, 0.68, 1.0), vector_mv=(-0.55, -0.05, -0.60)),
)

_IRBBB = (
    Component(knots=peak(0.0, 0.17, 0.40), vector_mv=(-0.12, 0.0, -0.26)),
    Component(knots=peak(0.10, 0.35, 0.62), vector_mv=(1.00, 0.66, -0.20)),
    Component(knots=peak(0.24, 0.48, 0.72), vector_mv=(0.40, 0.15, 0.85)),
    Component(knots=peak(0.58, 0.79, 1.0), vector_mv=(-0.34, -0.05, -0.40)),
)

_LAFB = (
    Component(knots=peak(0.0, 0.16, 0.36), vector_mv=(-0.11, 0.16, -0.18)),
    Component(knots=peak(0.14, 0.54, 0.86), vector_mv=(0.80, -0.58, 0.0)),
    Component(knots=peak(0.36, 0.68, 1.0), vector_mv=(0.12, -0.36, 0.60)),
)

_LATERAL_MV = spread(V4=0.7, V5=1.0, V6=0.9)

_LPFB = (
    Component(knots=peak(0.0, 0.18, 0.42), vector_mv=(0.14, -0.20, -0.16)),
    Component(
        knots=peak(0.14, 0.50, 0.84),
        vector_mv=(-0.25, 1.20, 0.20),
        residual_mv=_LATERAL_MV,
    ),
    Component(knots=peak(0.34, 0.66, 1.0), vector_mv=(-0.10, 0.30, 0.70)),
)

_WPW = (
    Component(knots=peak(0.0, 0.42, 0.80), vector_mv=(0.34, 0.24, -0.16), rise_power=0.9),
    Component(knots=peak(0.34, 0.56, 0.82), vector_mv=(0.90, 0.75, -0.25)),
    Component(knots=peak(0.44, 0.70, 0.97), vector_mv=(0.40, 0.15, 0.75)),
    Component(knots=peak(0.72, 0.86, 1.0), vector_mv=(-0.18, -0.12, 0.20)),
)

_OLD_INFERIOR = (
    Component(knots=peak(0.0, 0.10, 0.24), vector_mv=(-0.11, 0.0, -0.02)),
    Component(knots=peak(0.0, 0.27, 0.60), vector_mv=(0.06, -0.52, -0.20)),
    Component(knots=peak(0.30, 0.50, 0.78), vector_mv=(0.95, 0.46, -0.25)),
    Component(knots=peak(0.36, 0.64, 0.95), vector_mv=(0.40, 0.05, 0.85)),
    _BASAL,
)

_OLD_ANTERIOR = (
    Component(knots=peak(0.0, 0.10, 0.24), vector_mv=(-0.20, 0.0, 0.05)),
    Component(knots=peak(0.0, 0.26, 0.60), vector_mv=(-0.08, 0.05, 0.45)),
    Component(knots=peak(0.14, 0.45, 0.78), vector_mv=(0.65, 0.62, 0.60)),
    Component(knots=peak(0.34, 0.64, 0.95), vector_mv=(0.40, 0.15, 0.75)),
    _BASAL,
)

_POSTERIOR_MI = (
    Component(knots=peak(0.0, 0.26, 0.60), vector_mv=(-0.10, 0.05, -0.42)),
    Component(knots=peak(0.12, 0.46, 0.80), vector_mv=(0.90, 0.75, -0.45)),
    Component(knots=peak(0.36, 0.66, 0.95), vector_mv=(0.30, 0.10, 0.42)),
    _BASAL,
)

_LVH = (
    Component(knots=peak(0.0, 0.18, 0.42), vector_mv=(-0.12, 0.0, -0.24)),
    Component(knots=peak(0.12, 0.46, 0.80), vector_mv=(1.80, 0.55, 0.35)),
    Component(knots=peak(0.30, 0.62, 0.95), vector_mv=(0.80, 0.05, 2.20)),
    _BASAL,
)

_RVH = (
    Component(knots=peak(0.0, 0.20, 0.44), vector_mv=(0.22, -0.02, -0.26)),
    Component(knots=peak(0.12, 0.44, 0.80), vector_mv=(-0.45, 0.85, -0.85)),
    Component(knots=peak(0.34, 0.66, 1.0), vector_mv=(-0.75, 0.20, 0.25)),
)

_POOR_R = (
    Component(knots=peak(0.0, 0.20, 0.48), vector_mv=(-0.12, 0.0, -0.16)),
    Component(knots=peak(0.12, 0.42, 0.75), vector_mv=(0.72, 0.64, 0.52)),
    _POSTERIOR,
    _BASAL,
)

_RIGHT_VENTRICULAR = (
    Component(knots=peak(0.0, 0.32, 0.72), vector_mv=(0.30, 0.95, 0.25), rise_power=0.9),
    Component(knots=peak(0.26, 0.58, 1.0), vector_mv=(0.60, 0.85, 1.00), rise_power=1.0),
)

_LEFT_VENTRICULAR = (
    Component(knots=peak(0.0, 0.32, 0.72), vector_mv=(-0.30, -0.60, -0.75), rise_power=0.9),
    Component(knots=peak(0.26, 0.58, 1.0), vector_mv=(-0.75, -0.95, -0.35), rise_power=1.0),
)

_RV_PACED = (
    Component(knots=peak(0.0, 0.32, 0.70), vector_mv=(0.30, -0.55, 0.40), rise_power=0.9),
    Component(knots=peak(0.28, 0.58, 1.0), vector_mv=(0.40, -0.95, 1.00), rise_power=1.0),
)

ACTIVATIONS: Mapping[QrsForm, Activation] = {
    QrsForm.NORMAL: Activation(components=_NORMAL, duration_ms=82.0),
    QrsForm.LBBB: Activation(components=_LBBB, duration_ms=152.0),
    QrsForm.RBBB: Activation(components=_RBBB, duration_ms=144.0),
    QrsForm.IRBBB: Activation(components=_IRBBB, duration_ms=114.0),
    QrsForm.LAFB: Activation(components=_LAFB, duration_ms=96.0),
    QrsForm.LPFB: Activation(components=_LPFB, duration_ms=94.0),
    QrsForm.IVCD: Activation(components=_NORMAL, duration_ms=126.0),
    QrsForm.LVH: Activation(components=_LVH, duration_ms=104.0),
    QrsForm.RVH: Activation(components=_RVH, duration_ms=98.0),
    QrsForm.WPW: Activation(components=_WPW, duration_ms=132.0),
    QrsForm.OLD_INFERIOR_MI: Activation(components=_OLD_INFERIOR, duration_ms=98.0),
    QrsForm.OLD_ANTERIOR_MI: Activation(components=_OLD_ANTERIOR, duration_ms=92.0),
    QrsForm.POSTERIOR_MI: Activation(components=_POSTERIOR_MI, duration_ms=96.0),
    QrsForm.LOW_VOLTAGE: Activation(components=scaled(_NORMAL, 0.3), duration_ms=82.0),
    QrsForm.POOR_R_PROGRESSION: Activation(components=_POOR_R, duration_ms=88.0),
    QrsForm.RIGHT_VENTRICULAR: Activation(components=_RIGHT_VENTRICULAR, duration_ms=156.0),
    QrsForm.LEFT_VENTRICULAR: Activation(components=_LEFT_VENTRICULAR, duration_ms=160.0),
    QrsForm.RV_PACED: Activation(components=_RV_PACED, duration_ms=164.0),
}

# A pacing spike as the leads see it: a unipolar stimulus near the right ventricular apex.
SPIKE_MV = spread(I=0.5, II=-1.2, V1=-0.6, V2=-0.8, V3=-0.9, V4=-0.9, V5=-0.7, V6=-0.5)
