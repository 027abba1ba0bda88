"""Sentences that assert nothing of this ECG, and assertions that no ECG could settle."""

from __future__ import annotations

import re
from itertools import pairwise

from gem_integration.grounding.claims.lexicon import cue_pattern

_CHUNK = re.compile(
    r";|:(?= (?:it|this|these|here)\b)|,(?= (?:may|might|could)\b)|,? (?=which\b)|"
    r",(?= (?:but|although|though|whereas|while|so|as|and (?:the|this|an?|it)|"
    r"a condition|an? \w+ in which)\b)"
)
_QUESTION = re.compile(r"\?\W*$")
_GENERAL_OPENING = re.compile(
    r"\W*(?:if\b|when(?:ever)? (?:the|an?|there)\b|(?:when )?compared (?:with|to)|in comparison|"
    r"no (?:significant |relevant |"
    r"major )?changes? (?:since|compared|from)|in (?:the presence of such|atrial fibrillation|"
    r"left bundle|right bundle|bundle branch|lbbb|rbbb|wpw|a healthy|healthy|"
    r"normal (?:hearts|conduction|individuals|adults))\b|(?:next|first|now|let|i will|we will|"
    r"to begin)\b(?![ ,-]+(?:the )?(?:degree|beat|rhythm|rate|and|qrs|complex))|"
    r"an? (?:[\w-]+ ){1,4}is an? (?:[\w-]+ ){1,6}(?:that|which|in which|whose)\b|"
    r"an? [^,;.]{3,80} (?:is|are) (?:an? )?(?:classic|common|typical|characteristic|well[ -]known|"
    r"frequent|usual) (?:sign|finding|feature|cause|manifestation|marker)|"
    r"(?:should|would|could|is there|are there|does the|do the)\b)"
)
_POSSIBLE = re.compile(
    r"\b(?:may|might|could|possibl[ey]|probabl[ey]|likely|suggest(?:s|ing|ive)|perhaps|"
    r"cannot be excluded|consistent with)\b"
)
_ADVICE = re.compile(
    r"\b(?:recommend|advis|should|would (?:be|have to)|(?:can ?not|could not) be|account|explain|required|"
    r"needed|warrant|suggested|useful|helpful|consider)\w*"
)
_TAIL = re.compile(
    r",(?= (?:indicating|reflecting|possibly|likely|probably|perhaps|consider|"
    r"an? (?:benign|normal|physiologic|common|frequent|harmless))\b)"
)
_EDGE = " \t,;:-.()*\"'"


def _chunks(lower: str) -> list[tuple[int, int]]:
    bounds = [0, *sorted({match.start() for match in _CHUNK.finditer(lower)}), len(lower)]
    return [(a, b) for a, b in pairwise(bounds) if lower[a:b].strip(_EDGE)]


def bait_spans(lower: str) -> list[tuple[int, int]]:
    """Return the stretches of a sentence that speak of ECGs in general, not of this one."""
    if _QUESTION.search(lower) and re.match(
        r"\W*(?:is|are|does|do|could|can|what|why|how|which|should|would|was)\b", lower
    ):
        return [(0, len(lower))]
    if _GENERAL_OPENING.match(lower):
        return [(0, len(lower))]
    return [(a, b) for a, b in _chunks(lower) if cue_pattern("general").search(lower, a, b)]


def other_spans(lower: str, taken: list[tuple[int, int]]) -> list[tuple[int, int, bool]]:
    """Return (start, end, possible) of the chunks that assert what no 12-lead ECG can show.

    ``taken`` are the spans of claims already found: a chunk that holds one is not claimed again.
    """
    chunks = _chunks(lower)
    if not any(cue_pattern("other").search(lower, a, b) for a, b in chunks):
        return []
    if not taken:
        chunks = [(0, len(lower))]
    found = []
    for start, end in _tails(lower, chunks):
        if any(a < end and start < b for a, b in taken) or not cue_pattern("other").search(lower, start, end):
            continue
        general = cue_pattern("general").search(lower, start, end) and not _ADVICE.search(lower, start, end)
        if general or _QUESTION.search(lower):
            continue
        first, last = _trimmed(lower, start, end)
        hedged = _POSSIBLE.search(lower, first, last) and not _ADVICE.search(lower, first, last)
        found.append((first, last, bool(hedged)))
    return found


def _tails(lower: str, chunks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Cut participle tails (", indicating …") off chunks, so that they can be claims of their own."""
    pieces = []
    for start, end in chunks:
        cuts = [start, *(match.start() for match in _TAIL.finditer(lower, start, end)), end]
        pieces += [(a, b) for a, b in pairwise(cuts) if lower[a:b].strip(_EDGE)]
    return pieces


def _trimmed(lower: str, start: int, end: int) -> tuple[int, int]:
    while start < end and lower[start] in _EDGE:
        start += 1
    while end > start and lower[end - 1] in " \t,;:-(*":
        end -= 1
    return start, end
