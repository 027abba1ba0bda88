"""The limb leads of a recording fit each other or are said not to."""

from __future__ import annotations

import numpy as np

from adapters.inbound.limb_leads import contradictions
from gem_integration.domain.ecg import FloatArray, Lead, Recording

LEADS = (Lead.I, Lead.II, Lead.III)


def limb_leads() -> FloatArray:
    one, two = np.random.default_rng(3).normal(0.0, 0.5, size=(2, 40))
    return np.stack([one, two, two - one])


def test_leads_that_add_up_are_left_alone_whatever_their_offsets():
    """III is II minus I; each lead may lie on a level of its own."""
    samples_mv = limb_leads() + np.array([[0.3], [-0.2], [1.0]])
    assert contradictions(Recording.of(samples_mv, LEADS, 500.0)) == ()


def test_a_gap_is_no_contradiction():
    """Samples that some lead lacks say nothing."""
    samples_mv = limb_leads()
    samples_mv[0, 10:] = np.nan
    assert contradictions(Recording.of(samples_mv, LEADS, 500.0)) == ()
    samples_mv[0] = np.nan
    assert contradictions(Recording.of(samples_mv, LEADS, 500.0)) == ()


def test_a_turned_lead_contradicts():
    """The wrong sign of one lead is seen in the sum."""
    (said,) = contradictions(Recording.of(limb_leads() * [[-1.0], [1.0], [1.0]], LEADS, 500.0))
    assert "lead III" in said
