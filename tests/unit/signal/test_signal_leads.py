"""The standard leads follow from those recorded, and nothing is invented."""

import numpy as np
import pytest

from gem_integration.domain.ecg import STANDARD_LEADS, Lead, Recording
from gem_integration.signal.leads import with_standard_leads
from gem_integration.simulate import SCENARIOS, simulate

TWELVE = simulate(SCENARIOS["normal_sinus"]).recording
EIGHT = (Lead.I, Lead.II, *STANDARD_LEADS[6:])


def _only(leads: tuple[Lead, ...]) -> Recording:
    rows = [TWELVE.lead_mv(lead) for lead in leads]
    return Recording.of(np.stack(rows), leads, TWELVE.sampling_rate_hz)


@pytest.mark.parametrize("limb", [(Lead.I, Lead.II), (Lead.II, Lead.III), (Lead.AVR, Lead.AVL)])
def test_two_limb_leads_give_all_six(limb: tuple[Lead, Lead]) -> None:
    """Any two limb leads determine the other four to the microvolt."""
    derived = with_standard_leads(_only((*limb, *STANDARD_LEADS[6:])))
    assert derived.leads == STANDARD_LEADS
    assert np.abs(derived.samples_mv - TWELVE.samples_mv).max() < 0.002


def test_extra_leads_follow_the_standard_ones() -> None:
    """Leads beyond the twelve keep their order behind them."""
    rows = np.stack([TWELVE.lead_mv(lead) for lead in EIGHT])
    mixed = Recording.of(np.vstack([rows[:1], rows]), (Lead.V7, *EIGHT), 500.0)
    assert with_standard_leads(mixed).leads == (*STANDARD_LEADS, Lead.V7)


def test_one_limb_lead_gives_nothing() -> None:
    """What cannot be derived stays absent."""
    recording = _only((Lead.II, Lead.V1))
    assert with_standard_leads(recording).leads == (Lead.II, Lead.V1)


def test_a_gap_in_a_source_is_a_gap_in_what_is_derived() -> None:
    """No sample is derived from one that was not received."""
    samples = np.stack([TWELVE.lead_mv(lead) for lead in EIGHT]).astype(np.float64)
    samples[0, 100:200] = np.nan
    derived = with_standard_leads(Recording.of(samples, EIGHT, 500.0))
    assert derived.gap_mask is not None
    assert derived.gap_mask[STANDARD_LEADS.index(Lead.AVF), 100:200].all()
    assert not derived.gap_mask[STANDARD_LEADS.index(Lead.II)].any()
