"""Text for the terminal: aligned columns, no colour, fit for a log."""

from __future__ import annotations

from collections.abc import Sequence

from gem_integration.domain.measurement import MeasurementKind, Measurements
from gem_integration.domain.study import CartMeasurement
from gem_integration.terminology.codes import measurement_codes

GLOBAL_ROWS: tuple[MeasurementKind, ...] = (
    MeasurementKind.HEART_RATE,
    MeasurementKind.RR_INTERVAL,
    MeasurementKind.P_DURATION,
    MeasurementKind.PR_INTERVAL,
    MeasurementKind.QRS_DURATION,
    MeasurementKind.QT_INTERVAL,
    MeasurementKind.QTC_BAZETT,
    MeasurementKind.QTC_FRIDERICIA,
    MeasurementKind.P_AXIS,
    MeasurementKind.QRS_AXIS,
    MeasurementKind.T_AXIS,
)
DASH = "–"


def columns(rows: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Return ``rows`` as left-aligned columns two blanks apart."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(indent + line.rstrip() for line in lines)


def measurement_table(measurements: Measurements, cart: Sequence[CartMeasurement]) -> str:
    """Return our global measurements beside the cart's."""
    by_kind = {item.kind: item for item in cart if item.lead is None and item.kind is not None}
    head = ("measurement", "ours", "95 % interval", "cart", "unit")
    return columns([head, *(_row(measurements, kind, by_kind.get(kind.value)) for kind in GLOBAL_ROWS)])


def _row(
    measurements: Measurements, kind: MeasurementKind, cart: CartMeasurement | None
) -> tuple[str, str, str, str, str]:
    found = measurements.get(kind)
    code = measurement_codes()[kind]
    ours = f"{found.value:.0f}" if found else DASH
    interval = f"{found.low:.0f} to {found.high:.0f}" if found else measurements.why_not(kind)
    return (code.display, ours, interval, f"{cart.value:g}" if cart else DASH, code.unit)
