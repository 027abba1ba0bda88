"""Which word speaks of which wave: adjectives, predicates and nouns find their entity."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from gem_integration.grounding.claims.lexicon import features
from gem_integration.grounding.claims.scan import Scanned, Token, TokenSort
from gem_integration.grounding.claims.scope import VERB

# An adjective stands before its noun with nothing but such words between.
_ATTRIBUTIVE_GAP = re.compile(
    r"[ \-'\"]*(?:(?:of|in) (?:the )?)?(?:(?:electrical|frontal|mean|underlying|cardiac|terminal|"
    r"initial|small|corrected|"
    r"secondary|symmetric(?:al)?|asymmetric(?:al)?|myocardial|wall|\w+ly|and|or|but|resting|overall|"
    r"precordial|"
    r"ventricular|baseline|inferior|lateral|anterior|septal|qrs|range|values?|leads?|extensive|"
    r"posterior|transmural|and (?!the |an? |each |every |all |"
    r"no |with |normal )\w+)[ \-,/]+){0,3}"
)

_ADJECTIVE_LIST = re.compile(r"[ ,/\-]*(?:and|or|but|,)?[ ,]*")

COORDINATED = re.compile(
    r"[\s,/()&=:@]*(?:and/or|and|or|nor|as well as|plus)?[\s,()=:]*(?:the|both|an?|"
    r"its)?[\s,()]*(?:intervals?|segments?|durations?)?[\s,()]*"
    r"(?:ms|mv|bpm)?[\s,()]*(?:and|or)?\s*(?:the)?\s*"
)

_MEASURED_ADJECTIVE = re.compile(r"\d ?(?:ms|s|mv|mm) (?:wide|tall|deep|high|long|broad)$")

_BELONGS_AHEAD = re.compile(
    r"(?:ab)?normal (?:beats?|sinus|intervals?|individuals?|persons?|hearts?|variants?|people|subjects?|"
    r"depolari|activation)"
    r"|deviations? of\b.{0,24}\d"
)

_BOTH = re.compile(r"\b(?:both|all|each)\b[^.;]{0,24}$")

_POINTS_BACK = re.compile(r"\b(?:these|this|those|such)\s+$")
_COLON = re.compile(r"\s*(?::|[-;]\s)")
_COMPLEX = Token(sort=TokenSort.ENTITY, start=0, end=0, ids=("qrs",))
_RHYTHM = Token(sort=TokenSort.ENTITY, start=0, end=0, ids=("rhythm",))
_PHRASE_OPENS = re.compile(r"(?:[,;(]|\b(?:and|or|with|a|an|no|but))\s*$")
_SHIFT = re.compile(r"(?:elevation|depression)s?\b")
_SEGMENT = Token(sort=TokenSort.ENTITY, start=0, end=0, ids=("st",))
_IS = re.compile(r"\s*(?:is|are|was|were) (?:\w+ly )?")
_NET = re.compile(r" (?:(?:is|are|shows) )?(?:both )?(?:\w+ly )?")
_PRONOUN = re.compile(r";\s*(?:those|they|it|the others?)\b[^;]*$")
_ECTOPY = frozenset({"morphology/premature_beat", "finding/pvc", "finding/pac"})

_NOUN_FEATURES = {"abnormal": 24, "delay": 24, "deviation": 60}

_REACH_BACK = 130


def link_features(scanned: Scanned, context: Token | None) -> None:
    """Give every feature the entities it speaks of; unlinked features keep none."""
    tokens = [token for token in scanned.tokens if token.is_anchor and token.sort is not TokenSort.NUMBER]
    for place, token in enumerate(tokens):
        if token.sort is not TokenSort.FEATURE:
            continue
        token.owners = _ahead(scanned, tokens, place)
        if not token.owners and not _describes_next(scanned, tokens, place):
            token.owners = _behind(scanned, tokens, place)
        if not token.owners and context is not None and says(context, token) and not _again(scanned, token):
            token.owners = [context]
        if not token.owners and (_of_beats(scanned, token) or _of_lead(scanned, token)):
            token.owners = [_COMPLEX]
        if not token.owners and _stands_alone(scanned, token):
            token.owners = [_RHYTHM]
        if not token.owners and _SHIFT.match(scanned.lower, token.start):
            token.owners = [_SEGMENT]


def _again(scanned: Scanned, feature: Token) -> bool:
    """Say whether "these changes" only points back."""
    return "abnormal" in feature.ids and _POINTS_BACK.search(scanned.lower[: feature.start]) is not None


def _of_beats(scanned: Scanned, feature: Token) -> bool:
    """Say whether "they are broad" speaks of the beats named before it."""
    return bool(says(_COMPLEX, feature)) and any(
        token.start < feature.start
        and (token.sort is TokenSort.BEATS or (token.sort is TokenSort.SUBJECT and _ECTOPY & set(token.ids)))
        for token in scanned.tokens
    )


def _describes_next(scanned: Scanned, tokens: list[Token], place: int) -> bool:
    """Say whether an adjective opens a phrase about the next wave, of which the table says nothing."""
    feature, following = tokens[place], tokens[place + 1 : place + 2]
    return (
        bool(following)
        and following[0].sort in (TokenSort.ENTITY, TokenSort.SUBJECT)
        and not scanned.lower[feature.end : following[0].start].strip()
        and _PHRASE_OPENS.search(scanned.lower[: feature.start]) is not None
    )


def _of_lead(scanned: Scanned, feature: Token) -> bool:
    """Say whether "aVF negative" gives the net polarity of a lead."""
    return not {"upright", "inverted"}.isdisjoint(feature.ids) and any(
        token.group is not None and _NET.fullmatch(scanned.lower[token.end : feature.start])
        for token in scanned.tokens
        if token.end <= feature.start
    )


def _stands_alone(scanned: Scanned, feature: Token) -> bool:
    """Say whether "regular" stands as a phrase of its own."""
    return (
        not {"regular", "irregular"}.isdisjoint(feature.ids)
        and re.search(r"(?:^|[,;:])\s*$", scanned.lower[: feature.start]) is not None
        and re.match(r"\s*(?:[,;.]|$)", scanned.lower[feature.end :]) is not None
    )


def _beyond(scanned: Scanned, entity: Token, feature: Token) -> bool:
    """Say whether a semicolon does not part them: "T waves: …; flat", "PR 160; normal", "…; both …"."""
    topic = not scanned.bare[: entity.start].strip() and _COLON.match(scanned.bare, entity.end)
    alone = scanned.bare[: feature.start].rstrip(" (,")
    after = scanned.lower[feature.end :].lstrip(" )")
    pronoun = _PRONOUN.search(alone)
    return bool(
        topic or pronoun or _BOTH.search(alone) or (alone.endswith(";") and after[:1] in ("", ".", ",", ";"))
    )


def says(entity: Token, feature: Token) -> tuple[str, str] | None:
    """Return the (subject, polarity) a feature gives to an entity, if it says anything of it."""
    table = features()
    for name in entity.ids:
        for word in feature.ids:
            found = table.get((name, word))
            if found is not None:
                return found
    return None


def _ahead(scanned: Scanned, tokens: list[Token], place: int) -> list[Token]:
    """Find the entity an adjective stands in front of, and those coordinated to it."""
    feature, left = tokens[place], tokens[place]
    for following in range(place + 1, min(place + 5, len(tokens))):
        token = tokens[following]
        gap = scanned.gap(left, token)
        if token.sort is TokenSort.FEATURE:
            if not _ADJECTIVE_LIST.fullmatch(gap):
                return []
        elif not _ATTRIBUTIVE_GAP.fullmatch(gap) or _joins_clauses(gap, left):
            return []
        elif says(token, feature):
            return [token, *_coordinated_after(scanned, tokens, following, feature)]
        elif token.sort is TokenSort.ENTITY or "acute" not in feature.ids:
            return []
        left = token
    return []


def _joins_clauses(gap: str, left: Token) -> bool:
    return gap.strip() in ("and", "or", "but") and left.sort is not TokenSort.SUBJECT


def _coordinated_after(scanned: Scanned, tokens: list[Token], place: int, feature: Token) -> list[Token]:
    found: list[Token] = []
    while place + 1 < len(tokens):
        token = tokens[place + 1]
        gap = scanned.gap(tokens[place], token)
        rest = re.split(r"[,.;]", scanned.bare[token.end : token.end + 30], maxsplit=1)[0]
        joined = re.fullmatch(r" ?(?:intervals? )?(?:,|and|or|/|, and)(?: |$)", gap)
        if token.sort is not TokenSort.ENTITY or not says(token, feature) or not joined or VERB.search(rest):
            break
        found.append(token)
        place += 1
    return found


def _behind(scanned: Scanned, tokens: list[Token], place: int) -> list[Token]:
    """Find the entity a predicate speaks of, and those coordinated to it ("PR and QRS are normal")."""
    feature = tokens[place]
    reach = min((_NOUN_FEATURES.get(word, _REACH_BACK) for word in feature.ids), default=_REACH_BACK)
    if _BELONGS_AHEAD.match(scanned.lower, feature.start) or _MEASURED_ADJECTIVE.search(
        scanned.lower[: feature.end]
    ):
        return []
    entities = [token for token in reversed(tokens[:place]) if token.sort is not TokenSort.FEATURE]
    for order, token in enumerate(entities):
        between = scanned.bare[token.end : feature.start]
        if (";" in between and not _beyond(scanned, token, feature)) or len(between.strip()) > reach:
            return []
        if (
            order == 0
            and token.sort is TokenSort.SUBJECT
            and not says(token, feature)
            and _IS.fullmatch(between)
        ):
            return []
        if says(token, feature):
            return [token, *_coordinated_before(scanned, entities[order:], feature)]
    return []


def _coordinated_before(scanned: Scanned, entities: list[Token], feature: Token) -> list[Token]:
    found: list[Token] = []
    both = _BOTH.search(scanned.bare[: feature.start]) is not None
    for right, token in pairwise(entities):
        gap = scanned.gap(token, right)
        if not says(token, feature) or (not COORDINATED.fullmatch(gap) and not both):
            break
        if set(token.ids) & set(entities[0].ids):
            break
        found.append(token)
        if both and len(found) == 1 and not COORDINATED.fullmatch(gap):
            break
    return found


def last_entity(tokens: Iterable[Token]) -> Token | None:
    """Return the last entity of a sentence: what "it" means in the next one."""
    found = None
    for token in tokens:
        if token.sort is TokenSort.ENTITY:
            found = token
    return found
