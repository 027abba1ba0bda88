"""An interpretation's claims: every checkable assertion, with the characters that make it.

The grammar is shallow and general: tokens from a lexicon, adjectives and predicates linked to waves, numbers
linked to what they measure, leads to the words they stand at, and the reach of negations and hedges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.evidence import Certainty, Claim, ClaimKind, Comparator, Polarity
from gem_integration.grounding.claims_bait import bait_spans, other_spans
from gem_integration.grounding.claims_leads import in_order
from gem_integration.grounding.claims_link import (
    assign_leads,
    first_entity,
    link_features,
    link_numbers,
    says,
)
from gem_integration.grounding.claims_scan import Scanned, Token, TokenSort, scan
from gem_integration.grounding.claims_scope import apply_cues
from gem_integration.grounding.claims_text import Sentence, matchable, sentences

_PRONOUN_START = re.compile(r"\W*(?:it|its|this|these|they|their|that|both|mean|average|values?|duration)\b")
# Subjects that belong to the whole ECG whatever lead is named nearby.
_WHOLE_ECG = frozenset(
    [
        "heart_rate",
        "atrial_rate",
        "rr_interval",
        "qrs_axis",
        "p_axis",
        "t_axis",
        "rr_regular",
        "rr_irregular",
        "rate_normal",
        "rate_slow",
        "rate_fast",
        "axis_normal",
        "axis_left",
        "axis_right",
        "premature_beat",
        "compensatory_pause",
        "qt_normal",
        "qt_prolonged",
    ]
)
_FINDINGS_WITH_LEADS = frozenset(
    [
        "q_mi",
        "infarct_old",
        "infarct_acute",
        "stemi",
        "ischaemia",
        "t_abn",
        "low_voltage",
        "early_repol",
        "st_dep",
        "brugada1",
        "wellens",
        "dewinter",
        "pericarditis",
    ]
)
_WITH_WALL_ONLY = frozenset(["q_mi", "infarct_old", "infarct_acute", "stemi", "ischaemia"])
_RHYTHM_OF_ALL_BEATS = frozenset(
    ["rr_regular", "sinus_rhythm", "sinus_arrhythmia", "sinus_brady", "sinus_tachy", "heart_rate", "af"]
)
_HANGS_ON = re.compile(
    r"(?!.*(?:, and (?:the|a)\b|\bwhile\b|\bbut\b))[^.;]*\b(?:with|accompanied by|measuring|together with|along with|reaching|showing|which|also)\b[^.;]*"
)
_NAMED_AGAIN = frozenset({"t_abn", "st_t_abnormal", "conduction_disorder", "premature_beat"})
_DEFINITE = re.compile(r"\b(?:these|this|those|the|such|said|to the)\s+$")
_TOPIC_PHRASES = frozenset({"finding/hypertrophy_unspecified", "finding/ischaemia", "finding/conduction_disorder"})
_TOPIC = re.compile(r"\s*(?:(?:/|and|or|&)\s*\w+)?\s*(?:signs?|criteria|changes|patterns?|analysis|assessment|evaluation)?\s*:")
_STICKS = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A claim in the making; offsets are those of the sentence."""

    subject: str
    start: int
    end: int
    head: Token
    tokens: tuple[Token, ...]
    polarity: Polarity
    certainty: Certainty
    leads: tuple[Lead, ...] = ()
    unit: str | None = None


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
        found += _sentence_claims(text, lower, sentence, context)
    return tuple(_without_partial_overlap(sorted(found, key=lambda claim: (claim.start, -claim.end))))


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
    context.last_leads = assign_leads(scanned, front, context.last_leads)
    apply_cues(scanned)
    drafts = _with_leads(scanned, list(_drafts(scanned)))
    context.entity = first_entity(scanned.tokens) or context.entity
    claims = [_claim(text, sentence, scanned, draft) for draft in drafts]
    others = other_spans(words, [(c.start - sentence.start, c.end - sentence.start) for c in claims])
    return claims + [_other(text, sentence.start + a, sentence.start + b, possible=p) for a, b, p in others]


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
        context.heading_entity = (
            anchors[0] if len(anchors) == 1 and anchors[0].sort is TokenSort.ENTITY else None
        )


def _drafts(scanned: Scanned) -> Iterator[_Draft]:
    used: set[int] = set()
    for token in scanned.tokens:
        if token.sort is TokenSort.FEATURE:
            said: set[tuple[str, str]] = set()
            for owner in token.owners:
                for draft in _of_feature(token, owner, used):
                    if (draft.subject, draft.polarity) not in said:
                        said.add((draft.subject, draft.polarity))
                        yield draft
    for token in scanned.tokens:
        match token.sort:
            case TokenSort.SUBJECT if not _names_again(scanned, token):
                yield from _of_subject(token)
            case TokenSort.NUMBER if token.ids:
                yield _of_number(token)
            case TokenSort.ENTITY if id(token) not in used:
                yield from _of_bare_entity(scanned, token)
            case _:
                continue


def _of_feature(feature: Token, owner: Token, used: set[int]) -> Iterator[_Draft]:
    said = says(owner, feature)
    if said is None:
        return
    subject, polarity = said
    attributive = feature.start < owner.start
    if "infarct" not in owner.ids or attributive:
        used.add(id(owner))
    negated = feature.negated or (
        owner.negated and (attributive or "present" in feature.ids or _close(owner, feature))
    )
    denied = feature.denied or (owner.denied and attributive)
    hedged = feature.hedged or (owner.hedged and (attributive or _close(owner, feature)))
    absent = (polarity == "absent") != (negated or denied)
    tokens = (owner, feature) if owner.end > 0 else (feature,)
    for name in subject.split("+"):
        yield _draft(name, feature, tokens, absent=absent, possible=hedged or denied)


def _close(owner: Token, feature: Token) -> bool:
    return 0 <= feature.start - owner.end <= 16


def _of_subject(token: Token) -> Iterator[_Draft]:
    for identifier in token.ids:
        for name in identifier.split("+"):
            subject = name if "/" in name or name == "other" else f"{identifier.split('/')[0]}/{name}"
            absent = token.negated or token.denied
            yield _draft(subject, token, (token,), absent=absent, possible=token.hedged or token.denied)
        return


def _of_number(token: Token) -> _Draft:
    subject, unit = token.ids[0].split("|")
    tokens = (*token.owners, token)
    return replace(_draft(f"measurement/{subject}", token, tokens, absent=False, possible=False), unit=unit)


# Entities whose mere mention is a claim, and those for which only its denial is one.
_BARE = {"q": "morphology/q_wave", "infarct": "finding/q_mi"}
_BARE_DENIED = {"p": "morphology/p_wave", "r": "morphology/poor_r_progression"}


def _names_again(scanned: Scanned, token: Token) -> bool:
    """Say whether a phrase is a topic, an abbreviation in brackets, or "these T-wave changes"."""
    before = scanned.lower[: token.start]
    if not (token.negated or token.denied) and _TOPIC_PHRASES & set(token.ids):
        if _TOPIC.match(scanned.lower, token.end):
            return True
    if before.endswith("("):
        same = (other for other in scanned.tokens if other.ids == token.ids)
        if any(0 <= token.start - other.end <= 2 for other in same):
            return True
    names = {name.split("/")[-1] for name in token.ids}
    return bool(names & _NAMED_AGAIN) and _DEFINITE.search(before) is not None


def _of_bare_entity(scanned: Scanned, token: Token) -> Iterator[_Draft]:
    absent = token.negated or token.denied
    if not absent and _TOPIC.match(scanned.lower, token.end):
        return
    for name in token.ids:
        subject = _BARE.get(name) or (_BARE_DENIED.get(name) if absent else None)
        if subject is not None:
            yield _draft(subject, token, (token,), absent=absent, possible=token.hedged or token.denied)
            return


def _draft(subject: str, head: Token, tokens: tuple[Token, ...], *, absent: bool, possible: bool) -> _Draft:
    return _Draft(
        subject=subject,
        start=min(token.start for token in tokens),
        end=max(token.end for token in tokens),
        head=head,
        tokens=tokens,
        polarity=Polarity.ABSENT if absent else Polarity.PRESENT,
        certainty=Certainty.POSSIBLE if possible else Certainty.STATED,
    )


def _with_leads(scanned: Scanned, drafts: list[_Draft]) -> list[_Draft]:
    drafts = sorted(_without_vague(drafts), key=lambda draft: draft.head.start)
    placed: list[_Draft] = []
    for draft in drafts:
        leads = _own_leads(draft)
        if leads is None:
            leads = _inherited(scanned, draft, placed) or _from_numbers(draft, drafts)
        placed.append(replace(draft, leads=_allowed(draft, leads)))
    return _spread_lists(placed)


def _without_vague(drafts: list[_Draft]) -> list[_Draft]:
    """Drop a remark without an id of its own where the same wave already has a claim with one."""
    firm = {
        id(token)
        for draft in drafts
        if draft.subject != "other" and draft.head.quantity is None
        for token in draft.tokens
    }
    return [
        draft for draft in drafts if draft.subject != "other" or not any(id(t) in firm for t in draft.tokens)
    ]


def _own_leads(draft: _Draft) -> tuple[Lead, ...] | None:
    if draft.head.leads is not None:
        return draft.head.leads
    for token in draft.tokens:
        if token.wall is not None:
            return token.wall
    for token in draft.tokens:
        if token.leads is not None:
            moved_on = token.start < draft.head.start and draft.head.front not in (None, token.front)
            return draft.head.front if moved_on else token.leads
    return None


def _inherited(scanned: Scanned, draft: _Draft, placed: list[_Draft]) -> tuple[Lead, ...]:
    name = draft.subject.split("/")[-1]
    if name in _WITH_WALL_ONLY:
        return _leads_of_infarct(draft, placed)
    for other in reversed(placed):
        if set(other.tokens) & set(draft.tokens) and other.leads:
            return other.leads
    hangs_on = _hanging_leads(scanned, draft, placed)
    if hangs_on or draft.head.front is None:
        return hangs_on
    return draft.head.front


def _hanging_leads(scanned: Scanned, draft: _Draft, placed: list[_Draft]) -> tuple[Lead, ...]:
    """Return the leads of the claim before, where this one hangs on it by "with", "measuring" and the like."""
    if placed and placed[-1].leads and placed[-1].subject.split("/")[-1] not in _FINDINGS_WITH_LEADS:
        between = scanned.lower[placed[-1].end : draft.head.start]
        if placed[-1].head.start < draft.head.start and _HANGS_ON.fullmatch(between):
            return placed[-1].leads
    return ()


def _leads_of_infarct(draft: _Draft, placed: list[_Draft]) -> tuple[Lead, ...]:
    """An age in a phrase of its own ("…, probably old") speaks of the infarct before it."""
    for other in reversed(placed):
        if set(other.tokens) & set(draft.tokens):
            return other.leads
    return ()


def _from_numbers(draft: _Draft, drafts: list[_Draft]) -> tuple[Lead, ...]:
    """Return the leads of the numbers of the same wave ("ST elevation measures 1 mm in V2 and 2 mm in V3")."""
    if draft.head.quantity is not None or draft.subject == "other":
        return ()
    mine = {id(token) for token in draft.tokens}
    numbers = [d for d in drafts if d.head.quantity is not None and any(id(t) in mine for t in d.tokens)]
    named = {lead for number in numbers for lead in number.head.leads or ()}
    return in_order(named)


def _allowed(draft: _Draft, leads: tuple[Lead, ...]) -> tuple[Lead, ...]:
    kind, _, name = draft.subject.partition("/")
    if name in _WHOLE_ECG or (kind == "finding" and name not in _FINDINGS_WITH_LEADS):
        return ()
    return tuple(lead for lead in leads if lead in STANDARD_LEADS)


def _spread_lists(drafts: list[_Draft]) -> list[_Draft]:
    """Give the numbers of a list one lead each, where as many leads are named ("… respectively")."""
    spread: list[_Draft] = []
    for place, draft in enumerate(drafts):
        quantity = draft.head.quantity
        if quantity is None or quantity.listed < 2:
            spread.append(draft)
            continue
        family = [
            other
            for other in drafts
            if other.head.quantity is not None
            and other.head.quantity.listed == quantity.listed
            and other.subject == draft.subject
            and abs(other.head.start - draft.head.start) < 200
        ]
        named = next((other.leads for other in reversed(family) if len(other.leads) == quantity.listed), None)
        spread.append(draft if named is None else replace(draft, leads=(named[quantity.shared],)))
    return spread


def _claim(text: str, sentence: Sentence, scanned: Scanned, draft: _Draft) -> Claim:
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
        beats=_beats(scanned, name),
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


def _numbered(claim: Claim, draft: _Draft) -> Claim:
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


def _beats(scanned: Scanned, name: str) -> tuple[int, ...]:
    if name in _RHYTHM_OF_ALL_BEATS:
        return ()
    named = {beat for token in scanned.tokens for beat in token.beats}
    return tuple(sorted(named))


def _span(scanned: Scanned, draft: _Draft) -> tuple[int, int]:
    """Return the run of words of a claim: its tokens where they stand together, with a cue or leads that touch."""
    start, end = draft.start, draft.end
    strangers = [
        t for t in scanned.tokens if t.is_anchor and t not in draft.tokens and start <= t.start < end
    ]
    if strangers or draft.head.end > end:
        start, end = draft.head.start, draft.head.end
    for token in reversed(scanned.tokens):
        cue = token.sort in (TokenSort.NEGATION, TokenSort.HEDGE, TokenSort.DENIAL)
        if cue and token.end <= start and start - token.end <= _STICKS:
            gap = scanned.lower[token.end : start]
            if not re.search(r"[,;:.]", gap) and not _anchor_between(scanned, token.end, start):
                start = token.start
    for token in scanned.tokens:
        close = 0 <= token.start - end <= 4 or (token.group is not None and 0 <= token.start - end <= _STICKS)
        touching = token.group is not None or (
            token.sort in (TokenSort.NEGATION, TokenSort.HEDGE, TokenSort.DENIAL) and "post" in token.ids
        )
        apart = re.search(r"[;:.]", scanned.lower[end : max(end, token.start)]) is not None
        if close and touching and not apart and not _anchor_between(scanned, end, token.start):
            if token.group is None or token.leads is None or set(draft.leads) == set(token.group.leads):
                end = token.end
    return start, end


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
    for claim in claims:
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
