"""One sentence as a row of tokens: waves, what is said of them, findings, numbers, leads, beats and cues."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from gem_integration.domain.ecg import Lead
from gem_integration.grounding.claims.leads import LeadGroup, lead_groups
from gem_integration.grounding.claims.lexicon import Phrase, phrases
from gem_integration.grounding.claims.numbers import Quantity, quantities

_ORDINALS: tuple[str, ...] = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
)
_ORDINALS += ("eleventh", "twelfth")
_ORDINAL = rf"(?:{'|'.join(_ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th))"
_BEATS = re.compile(
    rf"(?<!\w)(?<!every )(?:(?P<ordinals>{_ORDINAL}(?:(?:, | and |, and ){_ORDINAL}){{0,8}}) (?:qrs|beats?|"
    rf"complex(?:es)?|r peaks?|cycles?)"
    rf"(?! (?:block|degree))|(?:beats?|(?:qrs )?complex(?:es)?) (?:no\.? ?|nos\.? ?|number |numbers |#)?"
    rf"(?P<numbers>\d{{1,2}}(?!\d|\.\d| ?(?:ms|mv|mm|s\b|bpm|/|per))(?:(?:, | and |, and |"
    rf"-){{1}}\d{{1,2}}(?!\d| ?(?:ms|mv|mm|bpm))){{0,8}}))"
)
_CITED_NORMAL = re.compile(
    r"\((?:normal|ref(?:erence)?|norm|nl)\b[ :=]*(?:ranges?|values?|limits?|is|<|>|≤|≥|up to|\d)[^)]*\)"
    r"|\([<>≤≥]? ?\d[\d.,\- ]*(?:ms|s|bpm|mv|mm|°)? ?(?:is |= ?)?(?:normal|ref)[^)]*\)"
)
_NUMBER_NEXT = re.compile(r" ?[:=]? ?\d+[.,]\d+ ?m[vV]")
_WAVE_OF_LEAD = re.compile(r"(?<![a-z0-9])([rsq])(v[1-6]|av[rlf])(?![a-z0-9])")
_QUESTION_MARK = re.compile(r"(?<![\w)])\?\s?(?=[a-z])|(?P<post>(?<=[\w)])\?)")


class TokenSort(StrEnum):
    """What a token of a sentence is."""

    ENTITY = "entity"  #: a wave, interval or aspect
    FEATURE = "feature"  #: what is said of one
    SUBJECT = "subject"  #: a whole claim in one phrase
    NUMBER = "number"
    LEADS = "leads"
    BEATS = "beats"
    NEGATION = "neg"
    HEDGE = "hedge"
    DENIAL = "deny"  #: absent and only possible at once: "unlikely", "argues against"
    ASSERTION = "state"  #: ends the reach of a hedge: "confirms", "diagnostic of"


ANCHORS = (TokenSort.ENTITY, TokenSort.FEATURE, TokenSort.SUBJECT, TokenSort.NUMBER)


@dataclass(slots=True, kw_only=True, eq=False)
class Token:
    """A working note on a stretch of a sentence; offsets are those of the sentence."""

    sort: TokenSort
    start: int
    end: int
    ids: tuple[str, ...] = ()
    quantity: Quantity | None = None
    group: LeadGroup | None = None
    beats: tuple[int, ...] = ()
    leads: tuple[Lead, ...] | None = None  #: named right at this token; () is "all leads", said aloud
    wall: tuple[Lead, ...] | None = None  #: a territory word in front of it
    front: tuple[Lead, ...] | None = None  #: the leads the clause is about
    negated: bool = False
    hedged: bool = False
    denied: bool = False
    owners: list[Token] = field(default_factory=list)  #: entities a feature or number speaks of

    @property
    def is_anchor(self) -> bool:
        """Say whether claims can grow from this token."""
        return self.sort in ANCHORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The tokens of a sentence in order, its matchable text, and that text with leads and numbers blanked."""

    lower: str
    bare: str
    tokens: list[Token]

    def gap(self, left: Token, right: Token) -> str:
        """Return what stands between two tokens, leads and numbers left out."""
        return self.bare[left.end : max(left.end, right.start)]


def scan(lower: str, original: str) -> Scanned:
    """Return the tokens of one sentence; ``original`` (same length) tells R from r."""
    groups = lead_groups(lower)
    waves = [m for m in _WAVE_OF_LEAD.finditer(lower) if original[m.start()].isupper()]
    groups += [named for m in waves for named in lead_groups(" " * m.start(2) + m[2])]
    masked = _blank(lower, [(g.start, g.end) for g in groups if not g.territory and not g.same])
    beats = list(_BEATS.finditer(masked))
    masked = _blank(masked, [match.span() for match in beats])
    numbers = quantities(lower, masked)
    cited = _blank(masked, [match.span() for match in _CITED_NORMAL.finditer(masked)])
    known = [phrase for phrase in phrases(cited) if _is_meant(phrase, original)]
    known = [phrase for phrase in known if not _part_of_wall(phrase, groups)]
    numbers = [number for number in numbers if not _inside(number, known)]
    known = [phrase for phrase in known if not _part_of_number(phrase, numbers)]
    tokens = [_of_phrase(phrase) for phrase in known]
    tokens += [Token(sort=TokenSort.ENTITY, start=m.start(), end=m.end(1), ids=(m[1],)) for m in waves]
    tokens += [Token(sort=TokenSort.LEADS, start=g.start, end=g.end, group=g, leads=g.leads) for g in groups]
    tokens += [
        Token(sort=TokenSort.NUMBER, start=number.phrase_start, end=number.end, quantity=number)
        for number in numbers
        if not number.quoted
    ]
    tokens += [
        Token(sort=TokenSort.BEATS, start=match.start(), end=match.end(), beats=_beat_numbers(match))
        for match in beats
    ]
    tokens += [
        Token(sort=TokenSort.HEDGE, start=m.start(), end=m.end(), ids=("post" if m["post"] else "pre",))
        for m in _QUESTION_MARK.finditer(masked)
    ]
    bare = _blank(masked, [(g.start, g.end) for g in groups] + [(n.start, n.end) for n in numbers])
    return Scanned(lower=lower, bare=bare, tokens=sorted(tokens, key=lambda token: (token.start, -token.end)))


def _of_phrase(phrase: Phrase) -> Token:
    return Token(sort=TokenSort(phrase.sort), start=phrase.start, end=phrase.end, ids=phrase.ids)


def _is_meant(phrase: Phrase, original: str) -> bool:
    """Take a single letter for a wave only where it is printed as a capital, or as q."""
    if phrase.end - phrase.start > 1 or _NUMBER_NEXT.match(original, phrase.end):
        return True
    return original[phrase.start : phrase.end] in ("P", "Q", "R", "S", "T", "q")


def _part_of_wall(phrase: Phrase, groups: list[LeadGroup]) -> bool:
    return any(
        group.start <= phrase.start and phrase.end <= group.end and group.territory for group in groups
    )


def _part_of_number(phrase: Phrase, numbers: list[Quantity]) -> bool:
    """Words of a comparison ("none reaching", "deeper than") belong to their number."""
    return any(number.phrase_start <= phrase.start < number.end for number in numbers)


def _inside(number: Quantity, known: list[Phrase]) -> bool:
    return any(phrase.start <= number.start < phrase.end for phrase in known if phrase.sort == "subject")


def _blank(text: str, spans: list[tuple[int, int]]) -> str:
    pieces, position = [], 0
    for start, end in sorted(spans):
        if end <= position:
            continue
        begin = max(start, position)
        pieces += [text[position:begin], " " * (end - begin)]
        position = end
    return "".join([*pieces, text[position:]])


def _beat_numbers(match: re.Match[str]) -> tuple[int, ...]:
    if match["numbers"]:
        return _beat_span(match["numbers"])
    found = [
        int(re.sub(r"\D", "", word)) if word[0].isdigit() else _ORDINALS.index(word) + 1
        for word in re.findall(_ORDINAL, match["ordinals"])
    ]
    return tuple(sorted({beat for beat in found if beat > 0}))


def _beat_span(words: str) -> tuple[int, ...]:
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", words):
        found |= set(range(int(first), int(last or first) + 1))
    return tuple(sorted(beat for beat in found if beat > 0))
