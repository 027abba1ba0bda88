"""A 12-lead ECG generator with known fiducials, for demos, tests and load."""

from gem_integration.simulate.catalogue import RESTING_NOISE, SCENARIOS
from gem_integration.simulate.generate import SimulatedEcg, simulate
from gem_integration.simulate.inbound import as_inbound
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

__all__ = [
    "RESTING_NOISE",
    "SCENARIOS",
    "Electrode",
    "Fault",
    "FaultKind",
    "Noise",
    "QrsForm",
    "Rhythm",
    "Scenario",
    "SimulatedEcg",
    "StTForm",
    "as_inbound",
    "simulate",
]
