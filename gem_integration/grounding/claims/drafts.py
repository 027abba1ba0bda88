"""Claims in the making: what the tokens of a sentence assert, before leads and spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gem_integration.domain.ecg import Lead
from gem_integration.domain.evidence import Certainty, Polarity
from gem_integration.grounding.claims.link import says
from gem_integration.grounding.claims.scan import Scanned, Token, TokenSort

_DOUBLED = 5  # characters: a blank, "or", "and"
_NAMED_AGAIN = frozenset({"t_abn", "st_t_abnormal", "conduction_disorder", "premature_beat"})

_HEADS_LINE = re.compile(r"\s*[-;]\s")
_DEFINITE = re.compile(r"\b(?:these|this|those|the|such|said|to the)\s+$")

_TOPIC_PHRASES = frozenset(
    {"finding/hypertrophy_unspecified", "finding/ischaemia", "finding/conduction_disorder"}
)

_TOPIC = re.compile(
    r"\s*(?:(?:/|and|or|&)\s*\w+)?\s*(?:signs?|criteria|changes|patterns?|analysis|assessment|"
    r"evaluation)?\s*:"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
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


def drafts_of(scanned: Scanned) -> Iterator[Draft]:
    """Yield what features say of entities, then whole phrases, numbers and bare entities."""
    used: set[int] = set()
    for token in scanned.tokens:
        if token.sort is TokenSort.FEATURE:
            said = [draft for owner in token.owners for draft in _of_feature(token, owner, used)]
            if not _doubles(scanned, token) and not _only_shows(scanned, token):
                yield from {(draft.subject, draft.polarity): draft for draft in reversed(said)}.values()
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


def _only_shows(scanned: Scanned, feature: Token) -> bool:
    """Say whether "are seen" only shows what an adjective already said ("peaked P waves are seen")."""
    return "present" in feature.ids and any(
        other.sort is TokenSort.FEATURE
        and "present" not in other.ids
        and owner in other.owners
        and other.end <= owner.start
        for other in scanned.tokens
        for owner in feature.owners
        if owner.end > 0
    )


def _doubles(scanned: Scanned, feature: Token) -> bool:
    """Say whether a word only strengthens the one before it ("vary irregularly", "acute or recent")."""
    return any(
        other.sort is TokenSort.FEATURE
        and 0 <= feature.start - other.end <= _DOUBLED
        and set(other.ids) & set(feature.ids)
        and other.owners == feature.owners
        and not re.search(_parting(feature), scanned.lower[other.end : feature.start])
        for other in scanned.tokens
    )


def _parting(feature: Token) -> str:
    """Return what parts a word from its double: in front of the noun a comma does not."""
    attributive = any(owner.start >= feature.end for owner in feature.owners)
    return r"[;]|\d" if attributive else r"[,;]|\d"


def _of_feature(feature: Token, owner: Token, used: set[int]) -> Iterator[Draft]:
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
    tokens = (
        (owner, feature) if owner.end > 0 else (feature,)
    )  # an entity of an earlier sentence has no place
    for name in subject.split("+"):
        yield _draft(name, feature, tokens, absent=absent, possible=hedged or denied)


def _close(owner: Token, feature: Token) -> bool:
    return 0 <= feature.start - owner.end <= 16


def _of_subject(token: Token) -> Iterator[Draft]:
    for identifier in token.ids:
        for name in identifier.split("+"):
            subject = name if "/" in name or name == "other" else f"{identifier.split('/')[0]}/{name}"
            absent = token.negated or token.denied
            yield _draft(subject, token, (token,), absent=absent, possible=token.hedged or token.denied)
        return


def _of_number(token: Token) -> Draft:
    subject, unit = token.ids[0].split("|")
    tokens = (*(owner for owner in token.owners if owner.end > 0), token)
    return replace(_draft(f"measurement/{subject}", token, tokens, absent=False, possible=False), unit=unit)


# Entities whose mere mention is a claim, and those for which only its denial is one.
_BARE = {"q": "morphology/q_wave", "infarct": "finding/q_mi"}

# What a "borderline" one may be.
_BORDERLINE = {
    "ecg": "finding/abnormal_ecg",
    "pr": "morphology/pr_prolonged",
    "qrs": "morphology/qrs_wide",
    "qt": "morphology/qt_prolonged",
    "qtc": "morphology/qt_prolonged",
}

_BARE_DENIED = {"p": "morphology/p_wave", "r": "morphology/poor_r_progression"}


def _names_again(scanned: Scanned, token: Token) -> bool:
    """Say whether a phrase is a topic, an abbreviation in brackets, or "these T-wave changes"."""
    before = scanned.lower[: token.start]
    heads_line = not before.strip() and _HEADS_LINE.match(scanned.lower, token.end)
    if heads_line and not (token.negated or token.denied) and _TOPIC_PHRASES & set(token.ids):
        return True
    topic = not (token.negated or token.denied) and bool(_TOPIC_PHRASES & set(token.ids))
    if topic and _TOPIC.match(scanned.lower, token.end):
        return True
    if before.endswith("("):
        same = (other for other in scanned.tokens if other.ids == token.ids)
        if any(0 <= token.start - other.end <= 2 for other in same):
            return True
    if _is_form_of_next(scanned, token):
        return True
    names = {name.split("/")[-1] for name in token.ids}
    return bool(names & _NAMED_AGAIN) and _DEFINITE.search(before) is not None


def _is_form_of_next(scanned: Scanned, token: Token) -> bool:
    """Say whether a phrase and the next are one thing ("an undulating baseline of fibrillatory waves")."""
    return any(
        other.ids == token.ids and scanned.lower[token.end : other.start] in (" of ", " with ", " from ")
        for other in scanned.tokens
        if other.start >= token.end
    )


def _of_bare_entity(scanned: Scanned, token: Token) -> Iterator[Draft]:
    absent = token.negated or token.denied
    if not absent and _TOPIC.match(scanned.lower, token.end):
        return
    for name in token.ids:
        subject = _BARE.get(name) or (_BARE_DENIED.get(name) if absent else None)
        if subject is not None:
            yield _draft(subject, token, (token,), absent=absent, possible=token.hedged or token.denied)
            return
        if name in _BORDERLINE and _is_borderline(scanned, token):
            yield _draft(_BORDERLINE[name], token, (token,), absent=absent, possible=True)
            return


def _is_borderline(scanned: Scanned, token: Token) -> bool:
    after = re.match(r" (?:is|was|remains) borderline\b", scanned.lower[token.end :])
    return after is not None or scanned.lower[: token.start].endswith("borderline ")


def _draft(subject: str, head: Token, tokens: tuple[Token, ...], *, absent: bool, possible: bool) -> Draft:
    return Draft(
        subject=subject,
        start=min(token.start for token in tokens),
        end=max(token.end for token in tokens),
        head=head,
        tokens=tokens,
        polarity=Polarity.ABSENT if absent else Polarity.PRESENT,
        certainty=Certainty.POSSIBLE if possible else Certainty.STATED,
    )
