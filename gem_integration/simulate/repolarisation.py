"""ST-T forms: how the ventricles recover, from the J point (0) to the end of T (1)."""

from __future__ import annotations

from collections.abc import Mapping

from gem_integration.simulate.dipole import Component, Knots, Vector, peak, scaled, spread
from gem_integration.simulate.scenario import QrsForm, StTForm

T_KNOTS: Knots = peak(0.35, 0.71, 1.0)
# The level is already reached at J, so its rise lies inside the QRS complex.
ST_KNOTS: Knots = (-0.10, -0.01, 0.62, 1.0)
DOWNSLOPING_KNOTS: Knots = (-0.10, -0.01, 0.40, 0.80)
SECONDARY_ST_KNOTS: Knots = (-0.10, -0.01, 0.06, 0.90)
J_WAVE_KNOTS: Knots = peak(-0.13, -0.06, 0.0)
T_RISE_POWER = 1.2
T_FALL_POWER = 0.85  # a T wave ends more sharply than it begins


def _t(vector_mv: Vector = (0.0, 0.0, 0.0), residual_mv: tuple[float, ...] = spread()) -> Component:
    return Component(
        knots=T_KNOTS,
        vector_mv=vector_mv,
        residual_mv=residual_mv,
        rise_power=T_RISE_POWER,
        fall_power=T_FALL_POWER,
    )


def _st(
    vector_mv: Vector = (0.0, 0.0, 0.0),
    residual_mv: tuple[float, ...] = spread(),
    *,
    knots: Knots = ST_KNOTS,
) -> Component:
    return Component(knots=knots, vector_mv=vector_mv, residual_mv=residual_mv, fall_power=T_FALL_POWER)


def _dome(residual_mv: tuple[float, ...]) -> Component:
    """Return a T wave that already rises from the J point, as over injured muscle."""
    return Component(
        knots=peak(0.01, 0.58, 1.0), residual_mv=residual_mv, rise_power=0.9, fall_power=T_FALL_POWER
    )


_NORMAL_T = _t((0.34, 0.24, -0.13))
_UPRIGHT_T = _t((0.30, 0.20, -0.20))

RECOVERIES: Mapping[StTForm, tuple[Component, ...]] = {
    StTForm.NORMAL: (_NORMAL_T,),
    StTForm.INFERIOR_STEMI: (
        _NORMAL_T,
        _dome(spread(I=-0.06, II=0.16)),
        _st(residual_mv=spread(I=-0.10, II=0.18, V1=0.02, V2=-0.08, V3=-0.06)),
    ),
    StTForm.ANTERIOR_STEMI: (
        _NORMAL_T,
        _dome(spread(V1=0.05, V2=0.28, V3=0.36, V4=0.26)),
        _st(residual_mv=spread(I=0.04, II=-0.07, V1=0.14, V2=0.36, V3=0.42, V4=0.30, V5=0.12)),
    ),
    StTForm.LATERAL_STEMI: (
        _NORMAL_T,
        _dome(spread(I=0.08, V4=0.04, V5=0.14, V6=0.12)),
        _st(residual_mv=spread(I=0.18, II=0.02, V1=-0.07, V2=-0.04, V4=0.07, V5=0.20, V6=0.18)),
    ),
    StTForm.POSTERIOR_STEMI: (
        _UPRIGHT_T,
        _st(residual_mv=spread(V1=-0.11, V2=-0.20, V3=-0.17, V4=-0.06), knots=DOWNSLOPING_KNOTS),
    ),
    StTForm.ST_DEPRESSION: (
        scaled((_NORMAL_T,), 0.7)[0],
        _st(
            residual_mv=spread(I=-0.06, II=-0.12, V2=-0.03, V3=-0.09, V4=-0.16, V5=-0.18, V6=-0.14),
            knots=DOWNSLOPING_KNOTS,
        ),
    ),
    StTForm.T_INVERSION: (
        _t(residual_mv=spread(I=-0.14, II=-0.16, V1=-0.04, V2=-0.18, V3=-0.30, V4=-0.34, V5=-0.28, V6=-0.2)),
    ),
    StTForm.FLAT_T: scaled((_NORMAL_T,), 0.14),
    StTForm.HYPERKALAEMIA: (
        Component(knots=peak(0.48, 0.74, 1.0), vector_mv=(0.90, 0.58, -0.65), rise_power=0.8, fall_power=0.8),
    ),
    StTForm.EARLY_REPOLARISATION: (
        _NORMAL_T,
        _st(residual_mv=spread(I=0.02, II=0.08, V3=0.05, V4=0.08, V5=0.08, V6=0.06)),
        _st(residual_mv=spread(I=0.03, II=0.22, V4=0.22, V5=0.26, V6=0.22), knots=J_WAVE_KNOTS),
    ),
    StTForm.PERICARDITIS: (
        scaled((_NORMAL_T,), 0.8)[0],
        _st(residual_mv=spread(I=0.09, II=0.17, V1=-0.02, V2=0.08, V3=0.12, V4=0.14, V5=0.14, V6=0.13)),
    ),
    StTForm.BRUGADA: (
        _NORMAL_T,
        _st(
            residual_mv=spread(V1=0.32, V2=0.36, V3=0.06),
            knots=(-0.12, -0.03, 0.0, 0.62),
        ),
        _t(residual_mv=spread(V1=-0.22, V2=-0.45, V3=-0.10)),
    ),
    StTForm.DE_WINTER: (
        _st(
            residual_mv=spread(I=-0.03, II=-0.08, V2=-0.13, V3=-0.22, V4=-0.20, V5=-0.14, V6=-0.06),
            knots=(-0.10, -0.01, 0.02, 0.45),
        ),
        Component(
            knots=peak(0.18, 0.62, 1.0),
            vector_mv=(0.30, 0.22, -0.10),
            residual_mv=spread(V2=0.45, V3=0.60, V4=0.45, V5=0.2),
        ),
    ),
    StTForm.WELLENS: (_t((0.22, 0.20, -0.05), spread(V1=-0.05, V2=-0.42, V3=-0.62, V4=-0.50, V5=-0.20)),),
}

# The segment from P to QRS, as fractions of PR; it fades inside the QRS complex.
PR_SEGMENTS: Mapping[StTForm, Component] = {
    StTForm.PERICARDITIS: Component(
        knots=(0.45, 0.72, 0.98, 1.14),
        residual_mv=spread(I=-0.05, II=-0.10, V2=-0.04, V3=-0.06, V4=-0.08, V5=-0.09, V6=-0.09),
    ),
}

SECONDARY: Mapping[QrsForm, tuple[Component, ...]] = {
    QrsForm.LBBB: (_t((-0.34, -0.04, -0.38)), _st((-0.10, -0.01, -0.14), knots=SECONDARY_ST_KNOTS)),
    QrsForm.RBBB: (_t((0.30, 0.20, 0.26)),),
    QrsForm.LVH: (_t((-0.30, 0.02, -0.30)), _st((-0.09, -0.01, -0.10), knots=DOWNSLOPING_KNOTS)),
    QrsForm.RVH: (_t((0.25, 0.05, 0.28)), _st((0.02, -0.02, 0.05), knots=DOWNSLOPING_KNOTS)),
    QrsForm.WPW: (_t((-0.10, 0.06, -0.20)), _st((-0.05, -0.03, -0.02), knots=DOWNSLOPING_KNOTS)),
    QrsForm.OLD_ANTERIOR_MI: (_t((0.22, 0.24, 0.02), spread(V2=-0.05, V3=-0.15, V4=-0.10)),),
    QrsForm.POSTERIOR_MI: (_UPRIGHT_T,),
    QrsForm.LOW_VOLTAGE: scaled((_NORMAL_T,), 0.4),
    QrsForm.RIGHT_VENTRICULAR: (
        _t((-0.25, -0.45, -0.35)),
        _st((-0.06, -0.12, -0.10), knots=SECONDARY_ST_KNOTS),
    ),
    QrsForm.LEFT_VENTRICULAR: (_t((0.35, 0.45, 0.30)), _st((0.08, 0.10, 0.08), knots=SECONDARY_ST_KNOTS)),
    QrsForm.RV_PACED: (_t((-0.20, 0.45, -0.40)), _st((-0.05, 0.11, -0.11), knots=SECONDARY_ST_KNOTS)),
}


def recovery(st_t_form: StTForm, qrs_form: QrsForm) -> tuple[Component, ...]:
    """Return the ST-T components of a form, ``SECONDARY`` meaning those of the QRS form."""
    if st_t_form is StTForm.SECONDARY:
        return SECONDARY.get(qrs_form, RECOVERIES[StTForm.NORMAL])
    return RECOVERIES[st_t_form]
