"""One pure function per claim subject: ``CHECKS``, keyed by "kind/subject"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.evidence import Claim, Evidence, Verdict
from gem_integration.domain.measurement import MeasurementKind
from gem_integration.domain.quality import LeadQuality, QualityFlag
from gem_integration.domain.statement import StatementState
from gem_integration.grounding.checks.beats import (
    check_beat_p,
    check_beat_shape,
    check_compensatory_pause,
    check_premature_beat,
)
from gem_integration.grounding.checks.findings import check_finding
from gem_integration.grounding.checks.morphology import MORPHOLOGY_BY_LIMITS
from gem_integration.grounding.checks.numbers import MEANT, check_number
from gem_integration.grounding.checks.outcome import (
    Check,
    Held,
    Outcome,
    Tested,
    Waveform,
    evidence_of,
    in_every_lead,
    in_some_leads,
    is_absent,
    missing,
    over_named_leads,
)
from gem_integration.grounding.vocabulary import FINDINGS

_NOISE = (
    QualityFlag.NOISY,
    QualityFlag.MAINS,
    QualityFlag.BASELINE_WANDER,
    QualityFlag.SATURATED,
    QualityFlag.GAP,
    QualityFlag.FLAT,
    QualityFlag.LEAD_OFF,
)
SPIKES_MIN = 0.5  # share of beats with a spike


def check_poor_signal(claim: Claim, waveform: Waveform) -> Outcome:
    """Check noise, wander, mains and gaps against the quality of the leads."""
    known = waveform.measurements.quality.leads
    leads = claim.leads or tuple(lead for lead in STANDARD_LEADS if lead in known)
    tested = [_noise(lead, known.get(lead)) for lead in leads]
    if not tested:
        return Outcome(verdict=Verdict.NOT_MEASURABLE, reason="no lead was assessed")
    if is_absent(claim):
        tested = [part.flipped() for part in tested]
    if claim.leads:
        return over_named_leads(tested)
    return in_every_lead(tested, 1) if is_absent(claim) else in_some_leads(tested, 1)


def _noise(lead: Lead, quality: LeadQuality | None) -> Tested:
    criterion = "noise, wander, mains, saturation or gaps above the limit"
    if quality is None:
        reason = f"lead {lead} was not recorded"
        shown = missing("noise_rms", lead, criterion, reason)
        return Tested(held=Held.UNMEASURED, lead=lead, reason=reason, evidence=(shown,))
    flags = [flag.value for flag in quality.flags if flag in _NOISE]
    shown = Evidence(
        measurement="noise_rms",
        lead=lead,
        value=quality.noise_rms_uv,
        unit="uV",
        method=f"quality flags: {', '.join(flags) or 'none'}",
        criterion=criterion,
        met=bool(flags),
    )
    return Tested(held=Held.MET if flags else Held.VIOLATED, lead=lead, evidence=(shown,))


def check_pacing_spike(claim: Claim, waveform: Waveform) -> Outcome:
    """Check for spikes; at usual sampling rates their absence proves nothing (ecg-criteria 6)."""
    measured = waveform.measurements.get(MeasurementKind.SPIKE_FRACTION)
    criterion = f"spike_fraction >= {SPIKES_MIN:g}"
    if measured is None:
        reason = waveform.why_not(MeasurementKind.SPIKE_FRACTION, None)
        return Outcome(verdict=Verdict.NOT_MEASURABLE, reason=reason)
    seen = measured.value >= SPIKES_MIN
    shown = evidence_of(measured, criterion, met=seen)
    if not seen:
        return _without_spikes(claim, waveform, shown)
    verdict = Verdict.CONTRADICTED if is_absent(claim) else Verdict.SUPPORTED
    return Outcome(verdict=verdict, reason="spikes found", evidence=(shown,))


def _without_spikes(claim: Claim, waveform: Waveform, shown: Evidence) -> Outcome:
    """Decide from missing spikes only together with a rhythm that is not paced."""
    paced = waveform.statements.get("paced")
    if paced is None or paced.state is not StatementState.NOT_MET:
        reason = "no spikes seen, which filtering or the sampling rate may hide"
        return Outcome(verdict=Verdict.BORDERLINE, reason=reason, evidence=(replace(shown, met=None),))
    verdict = Verdict.SUPPORTED if is_absent(claim) else Verdict.CONTRADICTED
    reason = "no spikes seen, and the rhythm is not paced"
    return Outcome(verdict=verdict, reason=reason, evidence=(shown, *paced.parts))


def _with_beats(plain: Check, of_beats: Check) -> Check:
    """Use the beats a claim names where it names any."""

    def check(claim: Claim, waveform: Waveform) -> Outcome:
        return of_beats(claim, waveform) if claim.beats else plain(claim, waveform)

    return check


_MORPHOLOGY: Mapping[str, Check] = {
    **MORPHOLOGY_BY_LIMITS,
    "p_before_qrs": _with_beats(MORPHOLOGY_BY_LIMITS["p_before_qrs"], check_beat_p),
    "qrs_wide": _with_beats(MORPHOLOGY_BY_LIMITS["qrs_wide"], check_beat_shape),
    "premature_beat": check_premature_beat,
    "compensatory_pause": check_compensatory_pause,
    "pacing_spike": check_pacing_spike,
    "poor_signal": check_poor_signal,
    **{
        name: partial(check_finding, name)
        for name in ("fibrillatory_waves", "flutter_waves", "poor_r_progression", "normal_r_progression")
    },
}

CHECKS: Mapping[str, Check] = {
    **{f"measurement/{subject}": partial(check_number, subject) for subject in MEANT},
    **{f"morphology/{subject}": check for subject, check in _MORPHOLOGY.items()},
    **{f"finding/{subject}": partial(check_finding, subject) for subject in FINDINGS},
}
