"""How far a "no", a "possible" or an "unlikely" reaches."""

from __future__ import annotations

import re

from gem_integration.grounding.claims.scan import Scanned, Token, TokenSort

VERB = re.compile(
    r"\b(?:is|are|was|were|shows?|showed|has|have|had|remains?|appears?|displays?|demonstrates?|"
    r"measures?|reveals?|"
    r"exhibits?|lies|reaches|presents?|looks?|contains?|features?|stays?|becomes?|follows?|lasts?|"
    r"averages?|comes|amounts?|equals?|reads?|spans?|extends?|totals?|stands?|sits?|begins?|"
    r"indicates?|occurs?|precedes?|progress(?:es)?|grows?|points?|suggests?)\b"
)
_HARD_BREAK = re.compile(
    r"[;:.]|\b(?:but|however|although|though|while|whereas|which|so|who|because|since|as|therefore|thus|"
    r"hence|"
    r"indicating|confirming|making|making|yet|nevertheless|except|apart|suggesting|leading|resulting|"
    r"and with|with normal|"
    r"given|despite|in the presence)\b"
)
_SOFT_WITH = re.compile(r"\bwith\b")
_NEW_CLAUSE = re.compile(r"\band (?:the|there|a|an|normal|both|no|is|are|its|their)\b|\band\s*$")
_OR = re.compile(r"\b(?:or|nor)\b|/")
_QUALIFIES = re.compile(r"suggestive\b")
_OR_WORD = re.compile(r"\b(?:or|nor)\b")
_COPULA_BEFORE = re.compile(
    r"\b(?:is|are|was|were|be|been|remains?|seems?|appears?|as)\s+(?:\w+ly\s+|also\s+)?$"
)
_PLACED = re.compile(r" ?(?:directly |immediately )?")
_PLAIN_COORDINATION = re.compile(
    r"[\s,/()&]*(?:and/or|and|or|nor|as well as|plus)?[\s,()]*(?:the|a|an|any|of|in|segments?|waves?|"
    r"intervals?|complex(?:es)?"
    r"|significant|acute|other|clear|definite|typical|associated|frank|reciprocal)?[\s,()]*"
    r"(?:the|a|an|any|significant|clear|additional)?[\s,()]*"
)
_ADJECTIVE_HEDGES = re.compile(
    r"possible|probable|likely|suspected|borderline|questionable|presum|potential|equivocal|\?|perhaps|"
    r"possibly|probably|"
    r"conceivabl"
)


def apply_cues(scanned: Scanned) -> None:
    """Mark every anchor of ``scanned`` that a negation, hedge or denial reaches."""
    anchors = [token for token in scanned.tokens if token.is_anchor]
    for cue in scanned.tokens:
        if cue.sort not in (TokenSort.NEGATION, TokenSort.HEDGE, TokenSort.DENIAL) or cue.ids == (
            "not_only",
        ):
            continue
        for reached in _reach(scanned, cue, anchors):
            if cue.sort is TokenSort.HEDGE and reached.negated and _says_no_more(scanned, cue):
                continue
            _mark(reached, cue.sort)


def _says_no_more(scanned: Scanned, cue: Token) -> bool:
    """Say whether a hedge leaves a denial firm ("no infarct is suspected", "no signs suggestive of …")."""
    return cue.ids == ("post",) or _QUALIFIES.match(scanned.lower, cue.start) is not None


def _mark(token: Token, sort: TokenSort) -> None:
    token.negated |= sort is TokenSort.NEGATION
    token.hedged |= sort is TokenSort.HEDGE
    token.denied |= sort is TokenSort.DENIAL


def _reach(scanned: Scanned, cue: Token, anchors: list[Token]) -> list[Token]:
    after = [token for token in anchors if token.start >= cue.end]
    before = [token for token in reversed(anchors) if token.end <= cue.start]
    if before and _looks_back(scanned, cue, after):
        return _backward(scanned, cue, before)
    return _forward(scanned, cue, after)


def _looks_back(scanned: Scanned, cue: Token, after: list[Token]) -> bool:
    """Decide the direction of a cue that can stand on either side ("absent", "likely", "unlikely")."""
    if cue.ids == ("post",):
        return not (after and _PLACED.fullmatch(scanned.gap(cue, after[0])) and "before_qrs" in after[0].ids)
    if cue.ids == ("pre",):
        return False
    if _COPULA_BEFORE.search(scanned.lower[: cue.start]) or not after:
        return True
    gap = scanned.gap(cue, after[0])
    return re.fullmatch(r"\s*(?:\w+\s+){0,2}", gap) is None or bool(VERB.search(gap))


def _backward(scanned: Scanned, cue: Token, before: list[Token]) -> list[Token]:
    """Return the anchor before the cue, with what is coordinated to it."""
    reached: list[Token] = []
    for token in before:
        gap = scanned.gap(token, reached[-1] if reached else cue)
        if reached and (_opens_clause(scanned, token, reached[-1]) or not _PLAIN_COORDINATION.fullmatch(gap)):
            break
        if reached and cue.sort is not TokenSort.NEGATION and not re.search(r"\b(?:and|or)\b|^\W?$", gap):
            break
        if not reached and re.search(r"[;]|\b(?:but|although|whereas)\b", gap):
            break
        reached.append(token)
    return reached


def _opens_clause(scanned: Scanned, left: Token, right: Token) -> bool:
    """Say whether ``left`` ends a clause of its own: a predicate or a number before another wave."""
    return predicative(scanned, left) and right not in left.owners and right.sort is not TokenSort.FEATURE


def predicative(scanned: Scanned, token: Token) -> bool:
    """Say whether a verb stands between a feature or number and the wave it speaks of."""
    if token.sort is TokenSort.NUMBER and not token.owners:
        return True
    return token.sort in (TokenSort.FEATURE, TokenSort.NUMBER) and any(
        VERB.search(scanned.bare[owner.end : token.start])
        for owner in token.owners
        if owner.end <= token.start
    )


def _forward(scanned: Scanned, cue: Token, after: list[Token]) -> list[Token]:
    reached: list[Token] = []
    for token in after:
        left = reached[-1] if reached else cue
        if _stops(scanned, cue, left, token):
            break
        reached.append(token)
    return reached


def _stops(scanned: Scanned, cue: Token, left: Token, token: Token) -> bool:
    gap = scanned.gap(left, token)
    if _HARD_BREAK.search(gap) or _cue_between(scanned, cue, token):
        return True
    if left is cue:
        return len(gap) > 70 or (cue.sort is TokenSort.NEGATION and "," in gap)
    new_clause = VERB.search(gap) is not None and token.sort is not TokenSort.FEATURE
    if new_clause or _SOFT_WITH.search(gap):
        return True
    return (_negation_stops if cue.sort is TokenSort.NEGATION else _hedge_stops)(scanned, cue, gap, token)


def _hedge_stops(scanned: Scanned, cue: Token, gap: str, token: Token) -> bool:
    if re.search(r"\band\b", gap) and re.match(r"\s*(?:otherwise|normal)", scanned.lower[token.start :]):
        return True
    if _ADJECTIVE_HEDGES.match(scanned.lower, cue.start):
        return bool(re.search(r",|\band\b", gap))
    return bool(_NEW_CLAUSE.search(gap) and _verb_follows(scanned, token)) or "," in gap


def _negation_stops(scanned: Scanned, _cue: Token, gap: str, token: Token) -> bool:
    if _OR.search(gap):
        return False
    if "," in gap:
        rest = _HARD_BREAK.split(scanned.bare[token.end :], maxsplit=1)[0]
        return not _OR_WORD.search(rest) or _verb_follows(scanned, token)
    if _NEW_CLAUSE.search(gap):
        return bool(re.search(r"\band (?:the|there|a|an|normal|both|is|are)\b", gap)) or _verb_follows(
            scanned, token
        )
    return False


def _verb_follows(scanned: Scanned, token: Token) -> bool:
    """Say whether ``token`` opens a clause of its own: a verb comes before the next comma or "or"."""
    rest = re.split(r"[,;.:]|\bor\b", scanned.bare[token.end : token.end + 60], maxsplit=1)[0]
    return VERB.search(rest) is not None


def _cue_between(scanned: Scanned, cue: Token, token: Token) -> bool:
    """Say whether a new assertion or hedge ends the reach of the cue."""
    return any(
        other.start >= cue.end
        and other.end <= token.start
        and (
            other.sort is TokenSort.ASSERTION
            or (
                other.sort is TokenSort.HEDGE
                and "pre" in other.ids
                and cue.sort is TokenSort.NEGATION
                and not _QUALIFIES.match(scanned.lower, other.start)
            )
        )
        for other in scanned.tokens
    )
