"""A simulated ECG as it would arrive: with a patient, a time and what its cart measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gem_integration.domain.ecg import Acquisition
from gem_integration.domain.identity import Patient
from gem_integration.domain.study import CartMeasurement, InboundEcg
from gem_integration.simulate.generate import SimulatedEcg
from gem_integration.terminology.codes import measurement_codes

DEVICE = "gem-integration simulator"
_LOINC, _MDC = "LN", "MDC"


def as_inbound(
    simulated: SimulatedEcg, *, patient: Patient, started_at: datetime, message_id: str
) -> InboundEcg:
    """Return the ECG as a message would bring it; ``started_at`` is zone-aware, the cart tells the truth."""
    return InboundEcg(
        message_id=message_id,
        recording=replace(simulated.recording, started_at=started_at),
        acquisition=Acquisition(performed_at=started_at, device=DEVICE),
        patient=patient,
        cart_measurements=_cart_measurements(simulated),
    )


def _cart_measurements(simulated: SimulatedEcg) -> tuple[CartMeasurement, ...]:
    codes = measurement_codes()
    return tuple(
        CartMeasurement(
            kind=kind.value,
            value=float(round(value)),
            unit=codes[kind].unit,
            code=codes[kind].loinc or str(codes[kind].mdc),
            code_system=_LOINC if codes[kind].loinc else _MDC,
            label=codes[kind].display,
        )
        for kind, value in simulated.truth.items()
    )
