"""One recording's beats, their comparison and the representative beat, found once for all who ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from gem_integration.domain.ecg import Lead, Recording
from gem_integration.signal.atrial import Residual, atrial_residual
from gem_integration.signal.beats import Compared, Representative, compare, representative
from gem_integration.signal.credibility import none_of, nothing_like, p_by_chance
from gem_integration.signal.delineation import Delineation, delineate
from gem_integration.signal.flutter import flutter_between_beats
from gem_integration.signal.intervals import GlobalMarks, global_marks
from gem_integration.signal.lead_beats import lead_beats
from gem_integration.signal.steady import steadied
from gem_integration.signal.wave_amplitudes import LeadBeat

ALIKE_SHARE_MIN = 0.5
T_SHARE_MIN = 0.5
P_SHARE_MAX = 0.85  #: with P before so many beats there is no flutter


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """All that quality and measurement both need of a recording with at least one beat."""

    found: Delineation
    residual: Residual | None
    compared: Compared
    marks: GlobalMarks
    typical: Representative
    leads: Mapping[Lead, LeadBeat]


def _separable(found: Delineation, compared: Compared) -> bool:
    """Say whether these are beats: in fibrillation they do not look alike, and no T waves follow."""
    alike = float(compared.main.mean())
    followed = float(np.isfinite(found.t.off_ms).any(axis=1).mean())
    return alike >= ALIKE_SHARE_MIN or followed >= T_SHARE_MIN


def _without_p(found: Delineation) -> Delineation:
    return replace(found, p=nothing_like(found.p), lone_p=none_of(found.lone_p))


@lru_cache(maxsize=1)
def analyse(recording: Recording, leads: tuple[Lead, ...]) -> Analysis | None:
    """Analyse ``leads`` of ``recording``; ``None`` when there is no beat.

    The last answer is kept, because quality asks first and measurement asks again.
    """
    found = delineate(recording, leads)
    if found.beat_count == 0:
        return None
    compared = compare(found)
    if not _separable(found, compared):
        return None
    if p_by_chance(found.p, found.r_ms, compared.main):
        found = _without_p(found)
    found = steadied(found, compared)
    marks = global_marks(found)
    typical = representative(found, compared)
    residual = atrial_residual(found, compared, typical)
    p_share = float(np.isfinite(found.p.on_ms).any(axis=1).mean())
    if p_share < P_SHARE_MAX and (residual is None or residual.flutter_rate is None):
        residual = flutter_between_beats(found, marks) or residual
    elif residual is not None and p_share >= P_SHARE_MAX:
        residual = replace(residual, flutter_rate=None)
    if residual is not None and residual.flutter_rate is not None:
        # flutter waves before QRS were taken for P
        found = _without_p(found)
        marks = global_marks(found)
    return Analysis(
        found=found,
        residual=residual,
        compared=compared,
        marks=marks,
        typical=typical,
        leads=lead_beats(found, compared, marks, typical),
    )
