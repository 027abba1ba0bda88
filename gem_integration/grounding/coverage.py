"""How much of a text its claims account for (claims.md section 6)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from gem_integration.domain.evidence import ClaimKind, GroundedObservation, Verdict
from gem_integration.domain.report import Coverage
from gem_integration.grounding.claims.text import matchable

# A word bears on the ECG if it names a wave, an interval, a lead, a rhythm, a conduction or wall finding, a
# property of these, or is a number with a unit of theirs. Connecting prose bears on nothing.
ECG_WORDS = re.compile(
    r"(?<![a-z0-9])(?:p|pr|pq|qrs|qs|qr|rs|rsr'?|q|r|s|st|t|u|j|qt|qtc|rr|av[rlf]|v[1-9]|iii|ii|"
    r"waves?|segments?|intervals?|complex(?:es)?|axis|axes|rhythms?|rates?|beats?|sinus|atri(?:al|um)|ventric\w+|"
    r"atrioventricular|junctional|precordial|limb|inferior|anterior|lateral|septal|antero\w+|infero\w+|leads?|"
    r"fibrillat\w+|flutter|tachycardi\w+|bradycardi\w+|arrhythmi\w+|extrasystol\w+|ectop\w+|premature|paus\w+|"
    r"blocks?|bundle|fascicular|hemiblock|lbbb|rbbb|lafb|lpfb|ivcd|wpw|pac\w*|pvcs?|infarct\w*|isch\w+|stemi|mi|injury|"
    r"hypertroph\w+|lvh|rvh|enlargement|overload|strain|voltages?|amplitudes?|durations?|elevat\w+|depress\w+|invert\w+|"
    r"inversions?|isoelectric|upright|flatten\w+|flat|biphasic|peaked|notched|bifid|prolong\w+|widen\w+|wide|narrow|"
    r"regular\w*|irregular\w*|deviat\w+|leftward|rightward|repolari[sz]ation|conduction|progression|pericarditis|brugada|"
    r"hyperkal\w+|artifacts?|artefacts?|wander|noise|normal|abnormal\w*|ecg|ekg|"
    r"\d+(?:\.\d+)?(?=\s?(?:ms|mv|mm|bpm|deg|°|µv|uv|s\b|/min|beats|degrees)))(?![a-z0-9])"
)


def coverage(text: str, observations: Iterable[GroundedObservation]) -> Coverage:
    """Return counts by kind and verdict, and the share of the text's ECG-bearing words inside claims.

    A text without such words is covered by nothing: its share is 0.
    """
    seen = tuple(observations)
    kinds = Counter(observation.claim.kind.value for observation in seen)
    verdicts = Counter(observation.verdict.value for observation in seen)
    return Coverage(
        by_kind={kind.value: kinds.get(kind.value, 0) for kind in ClaimKind},
        by_verdict={verdict.value: verdicts.get(verdict.value, 0) for verdict in Verdict},
        words_covered=_share(text, seen),
    )


def _share(text: str, observations: tuple[GroundedObservation, ...]) -> float:
    words = [match.span() for match in ECG_WORDS.finditer(matchable(text))]
    if not words:
        return 0.0
    inside = bytearray(len(text) + 1)
    for observation in observations:
        span = observation.claim
        inside[span.start : span.end] = b"\x01" * (span.end - span.start)
    return sum(1 for start, _ in words if inside[start]) / len(words)
