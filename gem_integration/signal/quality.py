"""May a recording be read, and what is wrong with it: refuse or flag, never repair in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gem_integration.domain.ecg import STANDARD_LEADS, FloatArray, Lead, Recording
from gem_integration.domain.quality import LeadQuality, Quality, QualityFlag
from gem_integration.signal.analysis import Analysis, analyse
from gem_integration.signal.blanks import bridged, hidden_samples
from gem_integration.signal.electrodes import loose_electrodes, reversal, swapped_chest_pair
from gem_integration.signal.lead_faults import Traces, lead_qualities
from gem_integration.signal.leads import LIMB_COEFFICIENTS, gaps_of

LEADS_MIN = 8  #: usable standard leads without which twelve leads must not be read (ecg-criteria 6)
BEATS_MIN = 3
SHORT_S = 5.0
CONSISTENT_RMS_MV = 0.01
CONSISTENT_SHARE = 0.03  #: of the leads' own size: gains of two carts' filters may differ that much
REVERSALS = {
    QualityFlag.RA_LA_REVERSAL: "arm electrodes exchanged: check RA and LA",
    QualityFlag.RA_RL_REVERSAL: "an arm electrode and the right leg electrode exchanged: check RA, LA and RL",
    QualityFlag.DEXTROCARDIA: "limb leads mirrored, R shrinking from V1 to V6: dextrocardia suspected",
}
LEAD_WORDS = {
    QualityFlag.FLAT: "is flat",
    QualityFlag.LEAD_OFF: "has no contact",
    QualityFlag.SATURATED: "is saturated",
    QualityFlag.NOISY: "is noisy",
    QualityFlag.MAINS: "carries mains interference",
    QualityFlag.BASELINE_WANDER: "wanders",
    QualityFlag.GAP: "has gaps",
}


def assess(recording: Recording) -> Quality:
    """Judge a recording that has its standard leads (``leads.with_standard_leads``), after ecg-criteria 6."""
    samples, hidden = hidden_samples(recording, recording.leads)
    traces = Traces(
        samples_mv=bridged(samples, hidden),
        hidden=hidden,
        gaps=np.stack([gaps_of(recording, lead) for lead in recording.leads]),
        rate_hz=recording.sampling_rate_hz,
    )
    leads = dict(zip(recording.leads, lead_qualities(traces), strict=True))
    leads = _with_electrodes(leads)
    usable = tuple(lead for lead in recording.leads if leads[lead].usable)
    analysis = analyse(recording, usable)
    found = [
        *_missing(recording),
        *_lead_reasons(leads),
        *_inconsistent(recording.leads, leads, traces),
        *_pulse(traces),
        *_beats(recording, analysis),
        *_exchanged(analysis),
    ]
    refusals = _refusals(recording, usable, analysis)
    flags = dict.fromkeys(flag for flag, _ in found)
    reasons = dict.fromkeys([*refusals, *(reason for _, reason in found)])
    return Quality(usable=not refusals, flags=tuple(flags), reasons=tuple(reasons), leads=leads)


def _with_electrodes(leads: Mapping[Lead, LeadQuality]) -> dict[Lead, LeadQuality]:
    out = {lead: replace(state, electrode=None) for lead, state in leads.items()}
    for electrode, spoilt in loose_electrodes(leads).items():
        for lead in spoilt:
            flags = dict.fromkeys([*out[lead].flags, QualityFlag.LEAD_OFF])
            out[lead] = replace(out[lead], usable=False, flags=tuple(flags), electrode=electrode)
    return out


def _missing(recording: Recording) -> list[tuple[QualityFlag, str]]:
    missing = [lead for lead in STANDARD_LEADS if lead not in recording.leads]
    if not missing:
        return []
    return [(QualityFlag.MISSING, f"not recorded and not derivable: {', '.join(missing)}")]


def _lead_reasons(leads: Mapping[Lead, LeadQuality]) -> list[tuple[QualityFlag, str]]:
    """Return one reason per fault, naming its leads and the electrode it points at."""
    out: list[tuple[QualityFlag, str]] = []
    for flag, words in LEAD_WORDS.items():
        spoilt = [lead for lead, state in leads.items() if flag in state.flags]
        if not spoilt:
            continue
        electrodes = dict.fromkeys(leads[lead].electrode or "" for lead in spoilt)
        named = [name for name in electrodes if name]
        advice = f": check electrode {', '.join(named)}" if named else ""
        noun = "lead" if len(spoilt) == 1 else "leads"
        out.append((flag, f"{noun} {', '.join(spoilt)} {_plural(words, len(spoilt))}{advice}"))
    return out


def _plural(words: str, count: int) -> str:
    if count == 1:
        return words
    first, _, rest = words.partition(" ")
    verb = {"is": "are", "has": "have"}.get(first, first.removesuffix("s"))
    return f"{verb} {rest}".strip()


def _inconsistent(
    order: tuple[Lead, ...], leads: Mapping[Lead, LeadQuality], traces: Traces
) -> list[tuple[QualityFlag, str]]:
    """Check Einthoven's and Goldberger's laws among the usable limb leads."""
    seen = ~traces.hidden.any(axis=0)
    rows: dict[Lead, FloatArray] = {
        lead: traces.samples_mv[order.index(lead), seen]
        for lead in LIMB_COEFFICIENTS
        if lead in leads and leads[lead].usable and seen.any()
    }
    if Lead.I not in rows or Lead.II not in rows:
        return []
    wrong = []
    for lead, (of_one, of_two) in LIMB_COEFFICIENTS.items():
        if lead not in rows:
            continue
        residual = rows[lead] - of_one * rows[Lead.I] - of_two * rows[Lead.II]
        off = float(np.std(residual))
        if off > max(CONSISTENT_RMS_MV, CONSISTENT_SHARE * float(np.std(rows[lead]))):
            wrong.append(str(lead))
    if not wrong:
        return []
    reason = (
        f"limb leads contradict each other ({', '.join(wrong)} against I and II): check the leads' scales"
    )
    return [(QualityFlag.INCONSISTENT, reason)]


def _pulse(traces: Traces) -> list[tuple[QualityFlag, str]]:
    if not (traces.hidden & ~traces.gaps).any():
        return []
    return [(QualityFlag.CALIBRATION_PULSE, "a calibration pulse stands inside the recording")]


def _beats(recording: Recording, analysis: Analysis | None) -> list[tuple[QualityFlag, str]]:
    out: list[tuple[QualityFlag, str]] = []
    if recording.duration_s < SHORT_S:
        out.append((QualityFlag.SHORT, f"only {recording.duration_s:.1f} s long: too short for the rhythm"))
    if analysis is None:
        out.append((QualityFlag.NO_BEATS, "no QRS complex was found"))
    return out


def _exchanged(analysis: Analysis | None) -> list[tuple[QualityFlag, str]]:
    if analysis is None or len(analysis.typical.beats) < 2:
        return []
    out: list[tuple[QualityFlag, str]] = []
    flag = reversal(analysis.leads)
    if flag is not None:
        out.append((flag, REVERSALS[flag]))
    pair = swapped_chest_pair(analysis.leads)
    if pair is not None:
        reason = f"chest electrodes seem exchanged: check {pair[0]} and {pair[1]}"
        out.append((QualityFlag.PRECORDIAL_SWAP, reason))
    return out


def _refusals(recording: Recording, usable: tuple[Lead, ...], analysis: Analysis | None) -> list[str]:
    standard = [lead for lead in STANDARD_LEADS if lead in recording.leads]
    good = [lead for lead in usable if lead in STANDARD_LEADS]
    if not usable:
        return ["no lead is usable"]
    if len(standard) >= LEADS_MIN and len(good) < LEADS_MIN:
        return [f"only {len(good)} of {len(standard)} standard leads are usable"]
    if analysis is None:
        return ["no QRS complex was found"]
    if analysis.found.beat_count < BEATS_MIN:
        return [f"only {analysis.found.beat_count} beats: at least {BEATS_MIN} are needed"]
    return []
