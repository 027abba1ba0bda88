"""An interpretation's claims: every checkable assertion, with the characters that make it.

The grammar is shallow and general: tokens from a lexicon, adjectives and predicates linked to waves, numbers
linked to what they measure, leads to the words they stand at, and the reach of negations and hedges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Certainty, Claim, ClaimKind, Comparator
from gem_integration.grounding.claims.bait import bait_spans, other_spans
from gem_integration.grounding.claims.drafts import Draft, drafts_of
from gem_integration.grounding.claims.link import last_entity, link_features
from gem_integration.grounding.claims.measures import link_numbers
from gem_integration.grounding.claims.places import assign_leads
from gem_integration.grounding.claims.placing import with_leads
from gem_integration.grounding.claims.scan import Scanned, Token, TokenSort, scan
from gem_integration.grounding.claims.scope import apply_cues
from gem_integration.grounding.claims.text import Sentence, matchable, sentences

_PRONOUN_START = re.compile(r"\W*(?:it|its|this|these|they|their|that|both|mean|average|values?|duration)\b")

_RHYTHM_OF_ALL_BEATS = frozenset(
    ["rr_regular", "sinus_rhythm", "sinus_arrhythmia", "sinus_brady", "sinus_tachy", "heart_rate", "af"]
)

_CONTRAST = re.compile(r"\b(?:whereas|while|all others?|the (?:other|remaining|rest))\b")

_STICKS, _STICKS_CUE = 22, 4  # characters between a claim and the words that belong to it
_CUES = (TokenSort.NEGATION, TokenSort.HEDGE, TokenSort.DENIAL)


@dataclass(slots=True, kw_only=True)
class _Context:
    """What a sentence inherits from the text before it."""

    entity: Token | None = None
    heading_entity: Token | None = None
    line_start: int = -1
    heading_leads: tuple[Lead, ...] | None = None
    line_leads: tuple[Lead, ...] | None = None
    last_leads: tuple[Lead, ...] = ()


def extract_claims(text: str) -> tuple[Claim, ...]:
    """Return the claims of ``text`` in order of their first character (claims.md section 1)."""
    lower = matchable(text)
    context = _Context()
    found: list[Claim] = []
    for sentence in sentences(text):
        claims = _sentence_claims(text, lower, sentence, context)
        found += _without_partial_overlap(sorted(claims, key=lambda claim: (claim.start, -claim.end)))
    return tuple(found)


def _sentence_claims(text: str, lower: str, sentence: Sentence, context: _Context) -> list[Claim]:
    words = lower[sentence.start : sentence.end]
    scanned = scan(words, text[sentence.start : sentence.end])
    _drop_bait(scanned)
    _enter(context, sentence, scanned)
    inherited = context.heading_entity
    if inherited is None and _PRONOUN_START.match(words):
        inherited = context.entity
    link_features(scanned, inherited)
    link_numbers(scanned, inherited)
    scanned.tokens[:] = [t for t in scanned.tokens if t.sort is not TokenSort.FEATURE or t.owners]
    front = context.line_leads if context.line_leads is not None else context.heading_leads
    apply_cues(scanned)
    context.last_leads = assign_leads(scanned, front, context.last_leads)
    drafts = with_leads(scanned, list(drafts_of(scanned)))
    context.entity = _remembered(last_entity(scanned.tokens)) or context.entity
    claims = [_claim(text, sentence, scanned, draft) for draft in drafts]
    others = other_spans(words, [(c.start - sentence.start, c.end - sentence.start) for c in claims])
    return claims + [_other(text, sentence.start + a, sentence.start + b, possible=p) for a, b, p in others]


def _remembered(entity: Token | None) -> Token | None:
    """Return an entity for later sentences to speak of; it stands nowhere in them."""
    return None if entity is None else Token(sort=TokenSort.ENTITY, start=0, end=0, ids=entity.ids)


def _drop_bait(scanned: Scanned) -> None:
    spans = bait_spans(scanned.lower)
    if spans:
        scanned.tokens[:] = [
            t
            for t in scanned.tokens
            if not any(a <= t.start < b for a, b in spans) or (t.group is not None and not t.group.territory)
        ]


def _enter(context: _Context, sentence: Sentence, scanned: Scanned) -> None:
    """Keep the leads of a heading or of the line's opening words ("Lead II: …")."""
    if sentence.line_start != context.line_start:
        context.line_start, context.line_leads = sentence.line_start, None
        opening = next((t for t in scanned.tokens if t.is_anchor or t.group is not None), None)
        if opening is not None and opening.group is not None and not opening.group.territory:
            rest = scanned.lower[opening.end :].lstrip()
            if rest.startswith((":", "-", ";")):
                context.line_leads = opening.group.leads
    if sentence.heading:
        groups = [t.group for t in scanned.tokens if t.group is not None]
        anchors = [t for t in scanned.tokens if t.is_anchor]
        context.heading_leads = groups[0].leads if groups and not anchors else None
        topic = anchors[0] if len(anchors) == 1 and anchors[0].sort is TokenSort.ENTITY else None
        context.heading_entity = _remembered(topic)


def _claim(text: str, sentence: Sentence, scanned: Scanned, draft: Draft) -> Claim:
    start, end = _span(scanned, draft)
    kind, _, name = draft.subject.partition("/")
    quantity = draft.head.quantity if kind == "measurement" else None
    base = sentence.start
    claim = Claim(
        text=text[base + start : base + end],
        start=base + start,
        end=base + end,
        kind=ClaimKind(kind),
        subject=name or None,
        leads=draft.leads,
        polarity=draft.polarity,
        certainty=draft.certainty,
        beats=_beats(scanned, name, start),
    )
    if quantity is None:
        return claim
    return _numbered(claim, draft)


# "No complex exceeds 0.5 mV" says "at most 0.5 mV".
_NEGATED = {
    Comparator.GREATER: Comparator.LESS_OR_EQUAL,
    Comparator.GREATER_OR_EQUAL: Comparator.LESS,
    Comparator.LESS: Comparator.GREATER_OR_EQUAL,
    Comparator.LESS_OR_EQUAL: Comparator.GREATER,
}


def _numbered(claim: Claim, draft: Draft) -> Claim:
    quantity = draft.head.quantity
    if quantity is None:
        return claim
    factor = 1000.0 if quantity.unit is None and draft.unit == "ms" and quantity.value < 10.0 else 1.0
    high = quantity.value_high
    comparator = _NEGATED.get(quantity.comparator) if draft.head.negated else None
    return replace(
        claim,
        comparator=comparator or quantity.comparator,
        value=round(quantity.value * factor, 6),
        value_high=None
        if high is None or quantity.comparator is not Comparator.RANGE
        else round(high * factor, 6),
        unit=draft.unit,
    )


def _beats(scanned: Scanned, name: str, start: int) -> tuple[int, ...]:
    """Return the beats a sentence names, unless "whereas" parts them from the claim at ``start``."""
    if name in _RHYTHM_OF_ALL_BEATS:
        return ()
    named: set[int] = set()
    for token in scanned.tokens:
        low, high = sorted((token.end, start))
        if not _CONTRAST.search(scanned.lower[low:high]):
            named |= set(token.beats)
    return tuple(sorted(named))


def _span(scanned: Scanned, draft: Draft) -> tuple[int, int]:
    """Return the run of words of a claim: its tokens if they stand together, cues and leads that touch."""
    start, end = draft.start, draft.end
    if any(t.is_anchor and t not in draft.tokens and start <= t.start < end for t in scanned.tokens):
        start, end = draft.head.start, draft.head.end
    for token in reversed(scanned.tokens):
        if _touches_before(scanned, token, start):
            start = token.start
    for token in scanned.tokens:
        if _touches_after(scanned, token, end, draft.leads):
            end = token.end
    return start, end


def _touches_before(scanned: Scanned, token: Token, start: int) -> bool:
    if token.sort not in _CUES or not 0 <= start - token.end <= _STICKS:
        return False
    apart = re.search(r"[,;:.]", scanned.lower[token.end : start])
    return apart is None and not _anchor_between(scanned, token.end, start)


def _touches_after(scanned: Scanned, token: Token, end: int, leads: tuple[Lead, ...]) -> bool:
    group = token.group
    if group is None and not (token.sort in _CUES and "post" in token.ids):
        return False
    if not 0 <= token.start - end <= (_STICKS_CUE if group is None else _STICKS):
        return False
    if re.search(r"[;:.]", scanned.lower[end : token.start]) or _anchor_between(scanned, end, token.start):
        return False
    return group is None or set(leads) == set(group.leads)


def _anchor_between(scanned: Scanned, start: int, end: int) -> bool:
    return any(token.is_anchor and start <= token.start < end for token in scanned.tokens)


def _other(text: str, start: int, end: int, *, possible: bool) -> Claim:
    return Claim(
        text=text[start:end],
        start=start,
        end=end,
        kind=ClaimKind.OTHER,
        certainty=Certainty.POSSIBLE if possible else Certainty.STATED,
    )


def _without_partial_overlap(claims: list[Claim]) -> Iterator[Claim]:
    """Let claims nest or stand apart: a span that crosses the one before is cut where that one ends."""
    seen: set[tuple[object, ...]] = set()
    reach: list[Claim] = []
    for crossing in claims:
        claim = crossing
        for other in reach:
            if other.start < claim.start < other.end < claim.end:
                claim = _cut(claim, other.end)
        key = (claim.start, claim.end, claim.subject, claim.polarity, claim.leads, claim.value)
        if key not in seen:
            seen.add(key)
            reach.append(claim)
            yield claim


def _cut(claim: Claim, start: int) -> Claim:
    rest = claim.text[start - claim.start :]
    bare = rest.lstrip(" ,;:(")
    if not bare:
        return claim
    start += len(rest) - len(bare)
    return replace(claim, text=bare, start=start)
