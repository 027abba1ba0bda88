"""Which word speaks of which wave: features and numbers find their entity, leads find their words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gem_integration.domain.ecg import Lead
from gem_integration.grounding.claims_lexicon import features
from gem_integration.grounding.claims_numbers import Quantity
from gem_integration.grounding.claims_scan import Scanned, Token, TokenSort
from gem_integration.grounding.claims_scope import VERB, predicative
import itertools

# (entity, unit) -> subject; a number links to an entity only where this table has a row.
MEASURES: dict[tuple[str, str], str] = {
    ("p", "ms"): "p_duration",
    ("p", "mV"): "p_amplitude",
    ("p", "deg"): "p_axis",
    ("p_axis", "deg"): "p_axis",
    ("pr", "ms"): "pr_interval",
    ("av_conduction", "ms"): "pr_interval",
    ("qrs", "ms"): "qrs_duration",
    ("qrs", "mV"): "qrs_amplitude",
    ("qrs", "deg"): "qrs_axis",
    ("qrs_voltage", "mV"): "qrs_amplitude",
    ("q", "ms"): "q_duration",
    ("q", "mV"): "q_amplitude",
    ("q_size", "ms"): "q_duration",
    ("q_size", "mV"): "q_amplitude",
    ("r", "mV"): "r_amplitude",
    ("s", "mV"): "s_amplitude",
    ("st", "mV"): "st_level",
    ("st", "ms"): "st_duration",
    ("st_duration", "ms"): "st_duration",
    ("st_t", "mV"): "st_level",
    ("j", "mV"): "st_level",
    ("t", "ms"): "t_duration",
    ("t", "mV"): "t_amplitude",
    ("t", "deg"): "t_axis",
    ("t_axis", "deg"): "t_axis",
    ("qt", "ms"): "qt_interval",
    ("qtc", "ms"): "qtc_interval",
    ("rr", "ms"): "rr_interval",
    ("rate", "bpm"): "heart_rate",
    ("rhythm", "bpm"): "heart_rate",
    ("atrial_rate", "bpm"): "atrial_rate",
    ("axis", "deg"): "qrs_axis",
    # findings and features in one phrase that carry a number
    ("morphology/p_before_qrs", "ms"): "p_duration",
    ("morphology/p_before_qrs", "mV"): "p_amplitude",
    ("morphology/compensatory_pause", "ms"): "rr_interval",
    ("finding/pause", "ms"): "rr_interval",
    ("morphology/flutter_waves", "bpm"): "atrial_rate",
    ("morphology/axis_left", "deg"): "qrs_axis",
    ("morphology/axis_right", "deg"): "qrs_axis",
    ("finding/axis_dev", "deg"): "qrs_axis",
    ("finding/low_voltage", "mV"): "qrs_amplitude",
    ("morphology/high_voltage", "mV"): "qrs_amplitude",
    ("finding/ivcd", "ms"): "qrs_duration",
    ("finding/lbbb", "ms"): "qrs_duration",
    ("finding/rbbb", "ms"): "qrs_duration",
    ("finding/irbbb", "ms"): "qrs_duration",
    ("finding/ilbbb", "ms"): "qrs_duration",
    ("finding/avb1", "ms"): "pr_interval",
    ("morphology/pr_constant", "ms"): "pr_interval",
    ("morphology/qs_complex", "mV"): "q_amplitude",
    ("finding/t_abn", "mV"): "t_amplitude",
    ("morphology/tall_r", "mV"): "r_amplitude",
    ("morphology/qrs_narrow", "ms"): "qrs_duration",
    ("morphology/qrs_wide", "ms"): "qrs_duration",
}
# The unit meant where none is printed, and what a bare number may plausibly be in it.
UNPRINTED: dict[str, tuple[str, float, float]] = {
    "pr": ("ms", 40.0, 600.0),
    "p": ("ms", 30.0, 250.0),
    "qrs": ("ms", 30.0, 320.0),
    "qt": ("ms", 150.0, 900.0),
    "qtc": ("ms", 150.0, 900.0),
    "rr": ("ms", 200.0, 4000.0),
    "rate": ("bpm", 15.0, 400.0),
    "rhythm": ("bpm", 15.0, 400.0),
    "atrial_rate": ("bpm", 30.0, 600.0),
    "axis": ("deg", -180.0, 270.0),
    "p_axis": ("deg", -180.0, 270.0),
    "t_axis": ("deg", -180.0, 270.0),
    "prt_axes": ("deg", -180.0, 270.0),
}
SECONDS_MAX = 6.0
FALLBACK = {"bpm": "heart_rate", "deg": "qrs_axis"}
_RATE_WORDS = ("rate", "atrial_rate", "rhythm", "morphology/flutter_waves")

# An adjective stands before its noun with nothing but such words between.
_ATTRIBUTIVE_GAP = re.compile(
    r"[ \-'\"]*(?:(?:of|in) (?:the )?)?(?:(?:electrical|frontal|mean|underlying|cardiac|terminal|initial|small|corrected|"
    r"secondary|symmetric(?:al)?|asymmetric(?:al)?|myocardial|wall|\w+ly|and|or|but|resting|overall|precordial|"
    r"ventricular|baseline|inferior|lateral|anterior|septal|qrs|range|values?|leads?|and (?!the |an? |no |with |normal )\w+)[ \-,/]+){0,3}"
)
_ADJECTIVE_LIST = re.compile(r"[ ,/\-]*(?:and|or|but|,)?[ ,]*")
_COORDINATED = re.compile(
    r"[\s,/()&=:@]*(?:and/or|and|or|nor|as well as|plus)?[\s,()=:]*(?:the|both|an?|its)?[\s,()]*(?:intervals?|segments?|durations?)?[\s,()]*"
    r"(?:ms|mv|bpm)?[\s,()]*(?:and|or)?\s*(?:the)?\s*"
)
_MEASURED_ADJECTIVE = re.compile(r"\d ?(?:ms|s|mv|mm) (?:wide|tall|deep|high|long|broad)$")
_SUM = re.compile(r"\b(?:together|sum|combined|total|added|index)\b[^;,.]*$")
_BELONGS_AHEAD = re.compile(
    r"(?:ab)?normal (?:beats?|sinus|intervals?|individuals?|persons?|hearts?|variants?|people|subjects?|depolari|activation)"
    r"|deviations? of\b.{0,24}\d"
)
_BOTH = re.compile(r"\b(?:both|all|each)\b[^.;]{0,24}$")
_NOUN_FEATURES = {"abnormal": 24, "delay": 24, "deviation": 60}
_REACH_BACK = 130
_NUMBER_BEFORE_NOUN = re.compile(r"[ \-]?(?:(?:of|for) )?(?:(?:a|an|the|deep|wide|broad|tall|\w+ed) )?")
_DIRECT = re.compile(
    r"[\s:=@(~≈<>≤≥,\-]*(?:(?:of|is|was|at|about|interval|duration|measures|measured|around|approximately|"
    r"are|to|remains|wave|complex|in|lead|leads|[|])[\s:=@(]*){0,3}"
)


def link_features(scanned: Scanned, context: Token | None) -> None:
    """Give every feature the entities it speaks of; unlinked features keep none."""
    tokens = [token for token in scanned.tokens if token.is_anchor and token.sort is not TokenSort.NUMBER]
    for place, token in enumerate(tokens):
        if token.sort is not TokenSort.FEATURE:
            continue
        token.owners = _ahead(scanned, tokens, place) or _behind(scanned, tokens, place)
        if not token.owners and context is not None and says(context, token):
            token.owners = [context]


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
        if ";" in between or len(between.strip()) > reach:
            return []
        if says(token, feature):
            return [token, *_coordinated_before(scanned, entities[order:], feature)]
    return []


def _coordinated_before(scanned: Scanned, entities: list[Token], feature: Token) -> list[Token]:
    found: list[Token] = []
    both = _BOTH.search(scanned.bare[: feature.start]) is not None
    for right, token in itertools.pairwise(entities):
        gap = scanned.gap(token, right)
        if not says(token, feature) or (not _COORDINATED.fullmatch(gap) and not both):
            break
        if set(token.ids) & set(entities[0].ids):
            break
        found.append(token)
        if both and len(found) == 1 and not _COORDINATED.fullmatch(gap):
            break
    return found


def link_numbers(scanned: Scanned, context: Token | None) -> None:
    """Give every number the subject it measures (``ids``) and the entity it belongs to."""
    anchors = [token for token in scanned.tokens if token.is_anchor]
    for place, token in enumerate(anchors):
        quantity = token.quantity
        if quantity is None:
            continue
        if not _from_list_of_entities(scanned, anchors, place):
            _link_number(scanned, anchors, place, context)


def _from_list_of_entities(scanned: Scanned, anchors: list[Token], place: int) -> bool:
    """Match "QT/QTc 392/426" and "P-R-T axes 48 -34 12": as many numbers as names, in order."""
    token = anchors[place]
    quantity = token.quantity
    if quantity is None:
        return False
    first = place
    while first > 0 and anchors[first - 1].sort is TokenSort.NUMBER:
        first -= 1
    names = _chain_of_entities(scanned, anchors, first)
    if names and "prt_axes" in names[-1].ids:
        subjects = ("p_axis", "qrs_axis", "t_axis")
        if place - first < len(subjects) and quantity.unit in (None, "deg"):
            token.ids, token.owners = (f"{subjects[place - first]}|deg",), [names[-1]]
            return True
        return False
    offset = quantity.shared
    if len(names) < 2 or len(names) != quantity.listed or place - offset != first:
        return False
    owner = names[offset]
    return _settle(token, owner, quantity)


def _chain_of_entities(scanned: Scanned, anchors: list[Token], first: int) -> list[Token]:
    names: list[Token] = []
    for token in reversed(anchors[:first]):
        if token.sort is not TokenSort.ENTITY:
            break
        if names and not _COORDINATED.fullmatch(scanned.gap(token, names[0])):
            break
        names.insert(0, token)
    return names


def _link_number(scanned: Scanned, anchors: list[Token], place: int, context: Token | None) -> None:
    token = anchors[place]
    quantity = token.quantity
    if quantity is None or _SUM.search(scanned.bare[: token.start]):
        return
    if _follows_directly(scanned, anchors, place) and _settle(token, anchors[place + 1], quantity):
        return
    for owner in reversed(anchors[:place]):
        if quantity.unit is None and not _beside(scanned, owner, token):
            if owner.sort in (TokenSort.FEATURE, TokenSort.NUMBER):
                continue
            break
        if _settle(token, owner, quantity):
            return
    _link_far_number(anchors, place, context)


def _link_far_number(anchors: list[Token], place: int, context: Token | None) -> None:
    token = anchors[place]
    quantity = token.quantity
    if quantity is None or quantity.unit is None:
        if quantity is not None and context is not None and place == 0:
            _settle(token, context, quantity)
        return
    if context is not None and _settle(token, context, quantity):
        return
    if quantity.unit in FALLBACK:
        token.ids = (f"{FALLBACK[quantity.unit]}|{quantity.unit}",)
        return
    for owner in anchors[place + 1 : place + 2]:
        if (
            owner.sort is TokenSort.ENTITY
            and owner.start - token.end < 12
            and _settle(token, owner, quantity)
        ):
            return


def _beside(scanned: Scanned, owner: Token, number: Token) -> bool:
    gap = scanned.bare[owner.end : number.start]
    return owner.sort is TokenSort.ENTITY and (
        _DIRECT.fullmatch(gap) is not None or (len(gap) < 22 and "," not in gap and ";" not in gap)
    )


def _follows_directly(scanned: Scanned, anchors: list[Token], place: int) -> bool:
    """Say whether a number stands right before its noun ("a 0.2 mV Q wave", "2 mm ST elevation")."""
    if place + 1 >= len(anchors) or anchors[place + 1].sort is not TokenSort.ENTITY:
        return False
    token, owner = anchors[place], anchors[place + 1]
    gap = scanned.lower[token.end : owner.start]
    before = scanned.lower[: token.start].rstrip()
    tight = re.fullmatch(r"[ \-]|(?: of (?:the )?)", gap) is not None
    return tight and not re.search(
        r"(?:\bof|\bis|\bat|:|=|\bto|\bmeasures|\b(?:pr|qrs|qt|qtc|rate|hr|interval|duration))$", before
    )


def _settle(token: Token, owner: Token, quantity: Quantity) -> bool:
    """Link the number to ``owner`` if the table allows it with the unit printed (or the usual one)."""
    if owner.sort is TokenSort.NUMBER:
        return False
    if owner.sort is TokenSort.FEATURE:
        return any(_settle(token, entity, quantity) for entity in owner.owners)
    for name in owner.ids:
        unit = quantity.unit or _unprinted(name, quantity.value)
        if unit is None:
            continue
        subject = MEASURES.get((name, "mV" if unit == "mm" else unit))
        if subject is not None:
            token.ids, token.owners = (f"{subject}|{unit}",), [owner]
            return True
    return False


def _unprinted(name: str, value: float) -> str | None:
    usual = UNPRINTED.get(name)
    if usual is None:
        return None
    unit, low, high = usual
    if low <= value <= high:
        return unit
    in_seconds = unit == "ms" and value < SECONDS_MAX and low <= value * 1000.0 <= high
    return "ms" if in_seconds else None


_POST = re.compile(
    r"[\s,()]*(?:(?!and\b|but\b|while\b|whereas\b|with\b|although\b)[a-z'\-]+[\s,()]+){0,9}?"
    r"(?:and )?(?:in|on|over|of|from|across|at|within|involving|throughout|to|between|through|by|for|especially|particularly|"
    r"notably|including|affecting)?[\s(]*(?:the[\s]*)?(?:corresponding |adjacent |contiguous |overlying )?[(]?\s*"
)
_PREPOSITION_END = re.compile(
    r"(?:\b(?:in|on|over|of|from|across|at|within|involving|throughout|to|between|through|especially|particularly|notably|"
    r"including|affecting)\s+(?:the\s+)?(?:corresponding |contiguous |adjacent )?|[(,:]\s*|^\s*)$"
)
_OPENS = re.compile(
    r"(?:[;:]|,?\s*\b(?:and|but|while|whereas|although|with|or)\b|,)\s*(?:in|for|over|across)?\s*(?:the\s*)?$"
)
_COORDINATION = re.compile(
    r"(?:[\s,/()&]|\b(?:and|or|nor|as|well|plus|of|with|at|by|to|measuring|up|a|an|the|some|any|small|deep|about|"
    r"durations?|depths?|widths?|amplitudes?|heights?|levels?|accompanied|associated|both|maximum|maximal)\b)*"
)
_INTERVALS = frozenset({"pr", "qrs", "qt", "qtc"})
_NEW_MAIN_CLAUSE = re.compile(r", (?:and|but) (?:the |its )?$")
_COPULA = re.compile(
    r"\s*(?:is|are|was|were|appears?|remains?|looks?|seems?|can be|could be)\s+(?:\w+ly |also |all )*"
)
_WALL_AFTER = re.compile(
    r"\s*(?:wall|region|territory|aspect|distribution|segments?|area)?\s*(?=$|[.,;:)]|and\b|is\b|was\b)"
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
        last = leads or last
        if group.territory and _is_wall_of_next(scanned, tokens, place):
            _wall_of_next(tokens, place, leads)
        elif _is_front(scanned, tokens, place):
            front = leads
        else:
            _attach_back(scanned, tokens, place, leads)
    return last


def _resets_front(scanned: Scanned, token: Token) -> bool:
    """Say whether ", and the PR interval …" leaves the leads its sentence opened with."""
    return bool(_INTERVALS & set(token.ids)) and _NEW_MAIN_CLAUSE.search(scanned.bare[: token.start]) is not None


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
    if not before:
        return True
    gap = scanned.bare[before[-1].end : token.start]
    if not after:
        return False
    ahead = scanned.bare[token.end : after[0].start]
    opens = _OPENS.search(gap) is not None
    if opens and re.search(r"[;:]\s*\w*\s*$", gap):
        return True
    if opens and not gap.strip().startswith("("):
        followed = VERB.search(ahead) is not None or not re.search(r"[,;.)]|\band\b|\bwith\b", ahead)
        return followed and not (gap.strip() in ("", ",") and "," in ahead)
    if _PREPOSITION_END.search(gap):
        return False
    return VERB.search(ahead) is not None


def _attach_back(scanned: Scanned, tokens: list[Token], place: int, leads: tuple[Lead, ...]) -> None:
    """Give the leads to the anchor before them and to what is coordinated to it."""
    right = tokens[place]
    through_copula = False
    for token in reversed(tokens[:place]):
        if right.ids == ("other",):
            return
        if not token.is_anchor or (token.sort is TokenSort.FEATURE and not token.owners):
            continue
        gap = scanned.gap(token, right)
        first = right is tokens[place]
        if not first:
            if through_copula or token.leads is not None:
                return
            if not _COORDINATION.fullmatch(gap) or (_INTERVALS & set(token.ids) and "with" in gap):
                through_copula = _COPULA.fullmatch(gap) is not None
                if not through_copula:
                    return
            if _named_between(tokens, token, right) or _clause_between(scanned, token, right):
                return
        if first and token.leads is not None:
            _attach_ahead(tokens, place, leads)
            return
        token.leads = leads
        right = token


def _clause_between(scanned: Scanned, left: Token, right: Token) -> bool:
    """Say whether ``left`` closes a clause and ``right`` opens the next ("is 3.1 mV, and tall R waves …")."""
    opens = right.sort is TokenSort.ENTITY or any(owner.start > right.start for owner in right.owners)
    return opens and right not in left.owners and predicative(scanned, left)


def _attach_ahead(tokens: list[Token], place: int, leads: tuple[Lead, ...]) -> None:
    """Give leads named a second time to the number that follows ("… in V2-V5, maximal in V4 at 0.2 mV")."""
    following = next((token for token in tokens[place + 1 :] if token.is_anchor), None)
    if following is not None and following.sort is TokenSort.NUMBER:
        following.leads = leads


def _named_between(tokens: list[Token], left: Token, right: Token) -> bool:
    return any(other.group is not None and left.end <= other.start < right.start for other in tokens)


def first_entity(tokens: Iterable[Token]) -> Token | None:
    """Return the last entity of a sentence: what "it" means in the next one."""
    found = None
    for token in tokens:
        if token.sort is TokenSort.ENTITY:
            found = token
    return found
