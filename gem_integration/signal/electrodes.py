"""Which electrode is loose or exchanged (ecg-criteria 6)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gem_integration.domain.ecg import PRECORDIAL_LEADS, FloatArray, Lead
from gem_integration.domain.quality import LeadQuality, QualityFlag
from gem_integration.signal.beats import STEP_MS
from gem_integration.signal.wave_amplitudes import LeadBeat, p_area_mv_ms

LIMB_ELECTRODES: dict[str, tuple[Lead, Lead, Lead]] = {
    "RA": (Lead.I, Lead.II, Lead.III),
    "LA": (Lead.I, Lead.III, Lead.II),
    "LL": (Lead.II, Lead.III, Lead.I),
}  #: two bipolar leads need the electrode, the third does not
AUGMENTED = (Lead.AVR, Lead.AVL, Lead.AVF)
LOOSE_MAINS_UV = 100.0
LOOSE_RATIO = 2.5  #: a loose electrode's leads against those without it
NEARLY_FLAT_MV = 0.1
CORRELATION_WITHOUT_P = -0.3
OPPOSED = -0.85
CORRELATION_P_UNCLEAR = -0.6
NARROW_MS = 150.0
P_AREA_CLEAR_MV_MS = 3.0
SWAP_GAIN_MAX = 0.62  #: roughness V1-V6 after exchanging two electrodes / before
SWAP_MARGIN = 0.85
R_SHRINKS_SHARE = 0.6


def loose_electrodes(leads: Mapping[Lead, LeadQuality]) -> dict[str, tuple[Lead, ...]]:
    """Return loose electrodes with the leads they spoil; a chest electrode spoils its own lead."""
    found: dict[str, tuple[Lead, ...]] = {}
    for name, (first, second, other) in LIMB_ELECTRODES.items():
        if all(lead in leads for lead in (first, second, other)) and _spoilt_pair(
            leads, first, second, other
        ):
            found[name] = (first, second, *(lead for lead in AUGMENTED if lead in leads))
    chest = [lead for lead in PRECORDIAL_LEADS if lead in leads]
    for lead in chest:
        others = [leads[x].mains_rms_uv or 0.0 for x in chest if x is not lead]
        own = leads[lead].mains_rms_uv or 0.0
        noisy = own > LOOSE_MAINS_UV and own > LOOSE_RATIO * float(np.median(others or [0.0]))
        if noisy or QualityFlag.FLAT in leads[lead].flags:
            found[str(lead)] = (lead,)
    return found


def _spoilt_pair(leads: Mapping[Lead, LeadQuality], first: Lead, second: Lead, other: Lead) -> bool:
    flat = [QualityFlag.FLAT in leads[lead].flags for lead in (first, second, other)]
    if flat == [True, True, False]:
        return True
    mains = [leads[lead].mains_rms_uv or 0.0 for lead in (first, second, other)]
    return min(mains[:2]) > max(LOOSE_MAINS_UV, LOOSE_RATIO * mains[2])


def reversal(beats: Mapping[Lead, LeadBeat]) -> QualityFlag | None:
    """Return which exchange of limb electrodes (or dextrocardia) the representative beat shows, if any."""
    if not {Lead.I, Lead.II, Lead.III} <= beats.keys():
        return None
    spans = {lead: float(np.ptp(qrst(beats[lead]))) for lead in (Lead.I, Lead.II, Lead.III)}
    for lead in (Lead.II, Lead.III):
        if spans[lead] < NEARLY_FLAT_MV and spans[Lead.I] > 3 * NEARLY_FLAT_MV:
            return QualityFlag.RA_RL_REVERSAL
    if Lead.V6 not in beats:
        return None
    if _arms_exchanged(beats):
        return QualityFlag.RA_LA_REVERSAL
    mirrored = _p_area(beats[Lead.I]) < 0 and _net(beats[Lead.I]) < 0
    return QualityFlag.DEXTROCARDIA if mirrored and _r_shrinks(beats) else None


def qrst(beat: LeadBeat) -> FloatArray:
    """Return the beat from QRS onset to the end of T (or 400 ms)."""
    on = max(0, round(beat.qrs_on))
    off = round(beat.t_off) if np.isfinite(beat.t_off) else on + 200
    part = beat.samples_mv[on : max(off, on + 10)]
    return np.asarray(part - part[0], dtype=np.float64)


def _arms_exchanged(beats: Mapping[Lead, LeadBeat]) -> bool:
    """Apply both rules of ecg-criteria 6: P negative in I and I opposed to V6, or without a clear P by axis.

    Two clearer oppositions count as well: of a narrow QRS whatever its axis (paced beats oppose I and V6 by
    nature), and of everything in I, P included, to an upright V6.
    """
    one, six = beats[Lead.I], beats[Lead.V6]
    area, net, opposition = _p_area(one), _net(one), _correlation(one, six)
    if area < 0 and opposition < 0:
        return True
    if net < 0 < _net(six) and opposition < CORRELATION_P_UNCLEAR and _p_area(six) * area < 0:
        return True
    if abs(area) >= P_AREA_CLEAR_MV_MS:
        return False
    sides = [_correlation(one, beats[lead]) for lead in (Lead.V5, Lead.V6) if lead in beats]
    narrow = (one.qrs_off - one.qrs_on) * STEP_MS < NARROW_MS
    enough = CORRELATION_WITHOUT_P if np.isnan(area) else CORRELATION_P_UNCLEAR
    return (net < 0 and opposition < enough) or (narrow and min(sides) < OPPOSED)


def _correlation(one: LeadBeat, six: LeadBeat) -> float:
    first, last = qrst(one), qrst(six)
    size = min(len(first), len(last))
    if np.ptp(first[:size]) == 0 or np.ptp(last[:size]) == 0:
        return 0.0
    return float(np.corrcoef(first[:size], last[:size])[0, 1])


def _p_area(beat: LeadBeat) -> float:
    area = p_area_mv_ms(beat)
    return float("nan") if area is None else area


def _net(beat: LeadBeat) -> float:
    return float(_qrs(beat).sum())


def _r_shrinks(beats: Mapping[Lead, LeadBeat]) -> bool:
    heights = [float(_qrs(beats[lead]).max()) for lead in PRECORDIAL_LEADS if lead in beats]
    return len(heights) >= 4 and heights[-1] < R_SHRINKS_SHARE * max(heights[:2])


def _qrs(beat: LeadBeat) -> FloatArray:
    return qrst(beat)[: max(2, round(beat.qrs_off - beat.qrs_on))]


def swapped_chest_pair(beats: Mapping[Lead, LeadBeat]) -> tuple[Lead, Lead] | None:
    """Return two chest leads whose exchange makes the row V1 to V6 much smoother, if there are such."""
    if not set(PRECORDIAL_LEADS) <= beats.keys():
        return None
    parts = [qrst(beats[lead]) for lead in PRECORDIAL_LEADS]
    size = min(len(part) for part in parts)
    rows = np.stack([part[:size] for part in parts])
    distance = np.sqrt(np.square(rows[:, None] - rows[None]).mean(axis=2))
    order = np.arange(6)
    before = _roughness(distance, order)
    scores: list[tuple[float, int, int]] = []
    for first in range(6):
        for second in range(first + 1, 6):
            changed = order.copy()
            changed[[first, second]] = changed[[second, first]]
            scores.append((_roughness(distance, changed) / max(before, 1e-9), first, second))
    scores.sort()
    best = scores[0]
    if best[0] > SWAP_GAIN_MAX:
        return None
    return PRECORDIAL_LEADS[best[1]], PRECORDIAL_LEADS[best[2]]


def _roughness(distance: FloatArray, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> float:
    return float(distance[order[:-1], order[1:]].sum())
