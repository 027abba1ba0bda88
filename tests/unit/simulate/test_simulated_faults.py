"""Each fault changes the leads as electrodes and amplifiers would."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from gem_integration.domain.ecg import PRECORDIAL_LEADS, STANDARD_LEADS, Lead
from gem_integration.domain.identity import Patient
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.simulate import (
    SCENARIOS,
    Electrode,
    Fault,
    FaultKind,
    Noise,
    Scenario,
    SimulatedEcg,
    as_inbound,
    simulate,
)

SILENT = Scenario()


def with_fault(kind: FaultKind, *electrodes: Electrode, lead: Lead | None = None) -> SimulatedEcg:
    """Return the silent normal ECG with one fault."""
    return simulate(replace(SILENT, fault=Fault(kind=kind, electrodes=electrodes, lead=lead)))


def leads_of(simulated: SimulatedEcg) -> dict[Lead, np.ndarray]:
    """Return each lead in millivolts as float64."""
    return {lead: simulated.recording.lead_mv(lead).astype(float) for lead in STANDARD_LEADS}


def near(one: np.ndarray, other: np.ndarray) -> bool:
    """Say whether two leads agree to the storage step."""
    return bool(np.abs(one - other).max() <= 0.0041)


def test_arm_reversal_inverts_one_and_exchanges_the_rest() -> None:
    """I is inverted, II and III change places, aVR and aVL too, the chest leads stay."""
    right = leads_of(simulate(SILENT))
    wrong = leads_of(with_fault(FaultKind.ELECTRODES_SWAPPED, Electrode.RA, Electrode.LA))
    assert near(wrong[Lead.I], -right[Lead.I])
    assert near(wrong[Lead.II], right[Lead.III])
    assert near(wrong[Lead.AVR], right[Lead.AVL])
    assert all(near(wrong[lead], right[lead]) for lead in PRECORDIAL_LEADS)
    assert np.corrcoef(wrong[Lead.I], wrong[Lead.V6])[0, 1] < 0


def test_arm_leg_reversal_flattens_lead_two() -> None:
    """With the right arm on the right leg, II sees two legs and is nearly flat."""
    wrong = leads_of(with_fault(FaultKind.ELECTRODES_SWAPPED, Electrode.RA, Electrode.RL))
    assert np.ptp(wrong[Lead.II]) < 0.1
    assert np.ptp(wrong[Lead.I]) > 0.3


def test_left_arm_left_leg_reversal_exchanges_one_and_two() -> None:
    """I and II change places and III is inverted."""
    right = leads_of(simulate(SILENT))
    wrong = leads_of(with_fault(FaultKind.ELECTRODES_SWAPPED, Electrode.LA, Electrode.LL))
    assert near(wrong[Lead.I], right[Lead.II])
    assert near(wrong[Lead.III], -right[Lead.III])


def test_chest_electrodes_swapped_exchange_their_leads() -> None:
    """V2 shows V5 and the other way round."""
    right = leads_of(simulate(SILENT))
    wrong = leads_of(with_fault(FaultKind.ELECTRODES_SWAPPED, Electrode.V2, Electrode.V5))
    assert near(wrong[Lead.V2], right[Lead.V5])
    assert near(wrong[Lead.V5], right[Lead.V2])


@pytest.mark.parametrize(
    ("electrode", "kept"),
    [(Electrode.RA, Lead.III), (Electrode.LA, Lead.II), (Electrode.LL, Lead.I), (Electrode.V3, Lead.II)],
)
def test_a_loose_electrode_spoils_every_lead_but_those_without_it(electrode: Electrode, kept: Lead) -> None:
    """The leads that do not use the electrode are unchanged; the others carry what it picks up."""
    right = leads_of(simulate(SILENT))
    wrong = leads_of(with_fault(FaultKind.ELECTRODE_OFF, electrode))
    assert near(wrong[kept], right[kept])
    spoiled = Lead(electrode.value) if electrode is Electrode.V3 else Lead.AVR
    assert np.ptp(wrong[spoiled] - right[spoiled]) > 0.5


def test_flat_and_saturated_leads_touch_one_lead() -> None:
    """A flat lead is constant, a saturated one rests at its rail, the others are as they were."""
    right = leads_of(simulate(SILENT))
    flat = leads_of(with_fault(FaultKind.FLAT_LEAD, lead=Lead.V4))
    railed = leads_of(with_fault(FaultKind.SATURATED_LEAD, lead=Lead.V2))
    assert not flat[Lead.V4].any()
    assert near(flat[Lead.V5], right[Lead.V5])
    assert np.mean(np.abs(railed[Lead.V2]) == np.abs(railed[Lead.V2]).max()) > 0.2
    assert near(railed[Lead.V3], right[Lead.V3])


def test_a_gap_is_said_and_holds_no_beats() -> None:
    """Samples that were not received are masked, and the truth has no beat there."""
    gap = with_fault(FaultKind.GAP)
    mask = gap.recording.gap_mask
    assert mask is not None
    assert 0.05 < mask.mean() < 0.2
    hidden = np.flatnonzero(mask[0])
    for beat in gap.beats:
        assert not hidden[0] <= (beat.marks.qrs_on or 0) <= hidden[-1]


def test_a_calibration_pulse_is_one_millivolt_in_every_lead() -> None:
    """200 ms of 1 mV at the start, before any beat of the truth."""
    pulse = with_fault(FaultKind.CALIBRATION_PULSE)
    for lead in STANDARD_LEADS:
        assert np.sum(pulse.recording.lead_mv(lead)[:250] == np.float32(1.0)) == 100
    assert all((beat.marks.qrs_on or 0) >= 250 for beat in pulse.beats)


def test_dextrocardia_mirrors_the_heart() -> None:
    """P and QRS are negative in I, and R does not grow towards V6."""
    mirrored = with_fault(FaultKind.DEXTROCARDIA)
    leads = leads_of(mirrored)
    beat = mirrored.beats[2].marks
    assert leads[Lead.I][beat.qrs_on : beat.qrs_off].sum() < 0
    assert leads[Lead.I][beat.p_on : beat.p_off].sum() < 0
    assert leads[Lead.V6].max() < leads[Lead.V1].max()


@pytest.mark.parametrize(
    ("noise", "low", "high"),
    [
        (Noise(baseline_wander_mv=0.5), 0.2, 1.1),
        (Noise(mains_mv=0.1), 0.1, 0.21),
        (Noise(muscle_mv=0.05), 0.2, 0.7),
        (Noise(motion_step_mv=1.0), 0.3, 1.1),
    ],
)
def test_noise_has_the_size_asked_for(noise: Noise, low: float, high: float) -> None:
    """The peak-to-peak of what was added lies where its parameter says."""
    clean, noisy = leads_of(simulate(SILENT)), leads_of(simulate(replace(SILENT, noise=noise)))
    added = np.ptp(noisy[Lead.V3] - clean[Lead.V3])
    assert low <= added <= high


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": FaultKind.ELECTRODES_SWAPPED},
        {"kind": FaultKind.ELECTRODE_OFF, "electrodes": (Electrode.RA, Electrode.LA)},
        {"kind": FaultKind.FLAT_LEAD},
        {"kind": FaultKind.GAP, "lead": Lead.V1},
    ],
)
def test_a_fault_must_say_where_it_is(wrong: dict[str, object]) -> None:
    """A fault without its place, or with one it cannot have, is refused."""
    with pytest.raises(ValueError, match=r"electrodes|lead"):
        Fault(**wrong)  # type: ignore[arg-type]


def test_the_cart_of_a_simulated_ecg_tells_the_truth() -> None:
    """The inbound ECG carries patient, time and the intervals the samples were drawn from."""
    simulated = simulate(SCENARIOS["avb1"])
    started_at = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    ecg = as_inbound(simulated, patient=Patient(patient_id="P1"), started_at=started_at, message_id="M1")
    sent = {item.kind: item.value for item in ecg.cart_measurements}
    assert ecg.recording.started_at == ecg.acquisition.performed_at == started_at
    assert sent[MeasurementKind.PR_INTERVAL.value] == 248
    assert sent[MeasurementKind.QRS_DURATION.value] == 82
    assert all(item.code for item in ecg.cart_measurements)
