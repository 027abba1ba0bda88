"""Which leads belong to which words: lists that open a clause, close it, or stand before a finding."""

from __future__ import annotations

import re

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.grounding.claims.scan import Scanned, Token, TokenSort
from gem_integration.grounding.claims.scope import VERB, predicative

_PREPOSITION_END = re.compile(
    r"(?:\b(?:in|on|over|of|from|across|at|within|involving|throughout|to|between|through|especially|"
    r"particularly|notably|"
    r"including|affecting)\s+(?:the\s+)?(?:(?:at least )?(?:two|three|several|multiple) )?"
    r"(?:or more )?(?:corresponding |contiguous |adjacent |neighbou?ring )?|[(,:]\s*|^\s*)$"
)

_OPENS = re.compile(
    r"(?:[;:]|,?\s*\b(?:and|but|while|whereas|although|with|or)\b|,)\s*(?:in|for|over|"
    r"across)?\s*(?:the\s*)?$"
)

_COORDINATION = re.compile(
    r"(?:[\s,/()&]|\b(?:and|or|nor|as|well|plus|of|with|at|by|to|measuring|up|a|an|the|some|any|small|"
    r"deep|about|"
    r"durations?|depths?|widths?|amplitudes?|heights?|levels?|consider|possibly|"
    r"probably|accompanied|associated|both|maximum|maximal)\b)*"
)

_EXTREME = re.compile(
    r"\b(?:most|maxim\w+|especially|particularly|notably|best|greatest|strongest|deepest)\b"
)
_INTERVALS = frozenset({"pr", "qrs", "qt", "qtc"})

_NEW_MAIN_CLAUSE = re.compile(r", (?:and|but) (?:the |its )?$")

_COPULA = re.compile(
    r"\s*(?:is|are|was|were|appears?|remains?|looks?|seems?|can be|could be)\s+"
    r"(?:\w+ly |also |all |likewise |again |best |well |still |now )*"
)

_WALL_BEFORE_FINDING = re.compile(r"\s*(?:wall |myocardial |leads? |subendocardial |transmural )*")


def assign_leads(
    scanned: Scanned, heading: tuple[Lead, ...] | None, last: tuple[Lead, ...]
) -> tuple[Lead, ...]:
    """Give leads to the anchors they belong to; return the last list named, for "in the same leads".

    ``heading`` are the leads of the line ("Lead II: …"); ``last`` those of the sentence before.
    """
    front = heading
    tokens = scanned.tokens
    for place, token in enumerate(tokens):
        if token.is_anchor:
            if _resets_front(scanned, token):
                front = heading
            token.front = front
            continue
        group = token.group
        if group is None:
            continue
        leads = last if group.same else group.leads
        if last and group.rest:
            leads = tuple(lead for lead in leads or STANDARD_LEADS if lead not in last) or leads
        last = group.left_out or leads or last
        if group.territory and _is_wall_of_next(scanned, tokens, place):
            _wall_of_next(tokens, place, leads)
        elif (number := _number_after(scanned, tokens, place)) is not None:
            number.leads = leads
        elif _is_front(scanned, tokens, place):
            front = leads
        else:
            _attach_back(scanned, tokens, place, leads)
    return last


def _number_after(scanned: Scanned, tokens: list[Token], place: int) -> Token | None:
    """Return the number a lead stands right before in a list ("amplitude: I 0.2 mV, II 0.3 mV")."""
    token = tokens[place]
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    if following is None or following.sort is not TokenSort.NUMBER:
        return None
    listed = re.search(r"[,;:]\s*$|\band\s+$", scanned.lower[: token.start])
    tight = re.fullmatch(r"\s*[:=(]?\s*", scanned.lower[token.end : following.start])
    return following if listed and tight else None


def _resets_front(scanned: Scanned, token: Token) -> bool:
    """Say whether ", and the PR interval …" leaves the leads its sentence opened with."""
    return (
        bool(_INTERVALS & set(token.ids)) and _NEW_MAIN_CLAUSE.search(scanned.bare[: token.start]) is not None
    )


def _is_wall_of_next(scanned: Scanned, tokens: list[Token], place: int) -> bool:
    following = [token for token in tokens[place + 1 :] if token.is_anchor][:1]
    inside = [token for token in tokens if token.is_anchor and token.start <= tokens[place].start < token.end]
    if inside:
        return True
    if not following:
        return False
    return _WALL_BEFORE_FINDING.fullmatch(scanned.gap(tokens[place], following[0])) is not None


def _wall_of_next(tokens: list[Token], place: int, leads: tuple[Lead, ...]) -> None:
    token = tokens[place]
    for other in tokens:
        if other.is_anchor and other.start <= token.start < other.end:
            other.wall = leads
            return
    for other in tokens[place + 1 :]:
        if other.is_anchor:
            other.wall = leads
            if other.sort is not TokenSort.FEATURE or any("wave" in name for name in other.ids):
                return


def _is_front(scanned: Scanned, tokens: list[Token], place: int) -> bool:
    """Say whether a list of leads opens its clause rather than closing what was said."""
    token = tokens[place]
    before = [other for other in tokens[:place] if other.is_anchor]
    after = [other for other in tokens[place + 1 :] if other.is_anchor]
    if not before or scanned.lower.startswith("where", token.start):
        return True
    gap = scanned.bare[before[-1].end : token.start]
    if not after:
        return False
    ahead = scanned.bare[token.end : after[0].start]
    opens = _OPENS.search(gap) is not None
    if re.search(r"[;:]\s*(?:\w+\s+){0,3}$", gap) and (opens or "those" in gap):
        return True
    if opens and not gap.strip().startswith("("):
        followed = VERB.search(ahead) is not None or not re.search(r"[,;.)]|\band\b|\bwith\b", ahead)
        return followed and not (gap.strip() in ("", ",") and "," in ahead)
    if _PREPOSITION_END.search(gap):
        return False
    return VERB.search(ahead) is not None


def _attach_back(scanned: Scanned, tokens: list[Token], place: int, leads: tuple[Lead, ...]) -> None:
    """Give the leads to the anchor before them and to what is coordinated to it."""
    before = [
        t for t in reversed(tokens[:place]) if t.is_anchor and (t.owners or t.sort is not TokenSort.FEATURE)
    ]
    if before and re.search(r";[^;]*\w", scanned.bare[before[0].end : tokens[place].start]):
        return
    if before and (before[0].leads is not None or _names_extreme(scanned, before[0], place)):
        _attach_ahead(tokens, place, leads)
        return
    group, right = tokens[place].group, None
    for token in before:
        copula = right is not None and _COPULA.fullmatch(scanned.gap(token, right)) is not None
        if token.leads is not None:
            return
        if right is not None and (
            _has_its_own(token, right) or not (copula or _is_coordinated(scanned, tokens, token, right))
        ):
            return
        token.leads = leads
        if copula or (group is not None and group.left_out):
            return
        right = token


def _has_its_own(left: Token, right: Token) -> bool:
    """Say whether leads named after ``right`` are not ``left``'s: denied, led in, measured elsewhere."""
    denied = left.negated and not right.negated
    measured = left.quantity is not None and any(owner.leads for owner in left.owners)
    return denied or measured or left.front is not None or right.ids == ("other",)


def _names_extreme(scanned: Scanned, token: Token, place: int) -> bool:
    """Say whether a lead is only where a finding of a whole clause is strongest."""
    gap = scanned.bare[token.end : scanned.tokens[place].start]
    return token.front is not None and _EXTREME.search(gap) is not None


def _is_coordinated(scanned: Scanned, tokens: list[Token], left: Token, right: Token) -> bool:
    gap = scanned.gap(left, right)
    if not _COORDINATION.fullmatch(gap) or (_INTERVALS & set(left.ids) and "with" in gap):
        return False
    if right.sort is TokenSort.SUBJECT and re.match(r"\s*, with\b", gap):
        return False
    return not (_named_between(tokens, left, right) or _clause_between(scanned, left, right))


def _clause_between(scanned: Scanned, left: Token, right: Token) -> bool:
    """Say whether ``left`` closes a clause and ``right`` opens the next ("is 3.1 mV, and tall R waves …")."""
    interval = any(_INTERVALS & set(owner.ids) for owner in left.owners)
    if left.sort is TokenSort.NUMBER and interval and right.sort is not TokenSort.NUMBER:
        return True
    opens = right.sort is TokenSort.ENTITY or any(owner.start > right.start for owner in right.owners)
    return opens and right not in left.owners and predicative(scanned, left)


def _attach_ahead(tokens: list[Token], place: int, leads: tuple[Lead, ...]) -> None:
    """Give leads named a second time to the number that follows ("… in V2-V5, maximal in V4 at 0.2 mV")."""
    following = next((token for token in tokens[place + 1 :] if token.is_anchor), None)
    if following is not None and following.sort is TokenSort.NUMBER:
        following.leads = leads


def _named_between(tokens: list[Token], left: Token, right: Token) -> bool:
    return any(other.group is not None and left.end <= other.start < right.start for other in tokens)
