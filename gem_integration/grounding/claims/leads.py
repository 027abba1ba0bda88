"""Leads in prose: names, ranges, lists, territories, exceptions, and words that point back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gem_integration.domain.ecg import LIMB_LEADS, PRECORDIAL_LEADS, STANDARD_LEADS, Lead

_NAMES: dict[str, Lead] = {lead.value.lower(): lead for lead in Lead if lead.value not in ("X", "Y", "Z")}
_NAMES |= {"1": Lead.I, "2": Lead.II, "3": Lead.III}


def _named(names: str) -> tuple[Lead, ...]:
    return tuple(Lead(name) for name in names.split())


# claims.md section 1, row ``leads``; longer words first.
TERRITORIES: dict[str, tuple[Lead, ...]] = {
    "anterolateral": _named("I aVL V3 V4 V5 V6"),
    "anteroseptal": _named("V1 V2 V3 V4"),
    "inferolateral": _named("II III aVF V5 V6"),
    "infero lateral": _named("II III aVF V5 V6"),
    "antero lateral": _named("I aVL V3 V4 V5 V6"),
    "antero septal": _named("V1 V2 V3 V4"),
    "inferoposterior": _named("II III aVF"),
    "inferoposterolateral": _named("II III aVF V5 V6"),
    "inferobasal": _named("II III aVF"),
    "high lateral": _named("I aVL"),
    "lateral precordial": _named("V5 V6"),
    "left precordial": _named("V5 V6"),
    "lateral chest": _named("V5 V6"),
    "right precordial": _named("V1 V2 V3"),
    "mid precordial": _named("V3 V4"),
    "lateral limb": _named("I aVL"),
    "inferior limb": _named("II III aVF"),
    "precordial": PRECORDIAL_LEADS,
    "precordium": PRECORDIAL_LEADS,
    "chest": PRECORDIAL_LEADS,
    "peripheral": LIMB_LEADS,
    "extremity": LIMB_LEADS,
    "limb": LIMB_LEADS,
    "inferior": _named("II III aVF"),
    "diaphragmatic": _named("II III aVF"),
    "anterior": _named("V3 V4"),
    "septal": _named("V1 V2"),
    "lateral": _named("I aVL V5 V6"),
    "inferiorly": _named("II III aVF"),
    "laterally": _named("I aVL V5 V6"),
    "anteriorly": _named("V3 V4"),
    "inferolaterally": _named("II III aVF V5 V6"),
    "anterolaterally": _named("I aVL V3 V4 V5 V6"),
    "diffuse": (),
    "widespread": (),
    "generalized": (),
    "generalised": (),
}

_LEAD = r"(?:av[rlf]|v[1-9]r?(?![0-9])|iii|ii|i)(?![a-z0-9'])"
_AFTER_LEAD_WORD = r"(?:av[rlf]|v[1-9]r?(?![0-9])|iii|ii|i|[123])(?![a-z0-9'])(?!\.\d)"
_RANGE = r"[ ]?(?:-|to|through|thru|until)[ ]?"
_ITEM = rf"{_LEAD}(?:{_RANGE}(?:lead )?(?:{_LEAD}|(?<=-)[2-6](?![0-9a-z.])))?"
_JOIN = (
    r"(?:[ ]?(?:,|/|&|\+|;(?=[ ]?v))[ ]?(?:and |or |as well as )?|[ ](?:and|or|as well as|"
    r"plus)(?: in)? |[ ])"
)
_LIST = rf"{_ITEM}(?:{_JOIN}(?:leads? )?{_ITEM}){{0,12}}"
_AFTER_LEAD_ITEM = rf"{_AFTER_LEAD_WORD}(?:{_RANGE}{_LEAD})?"
_TERRITORY = "|".join(sorted((name.replace(" ", "[ -]") for name in TERRITORIES), key=len, reverse=True))
_TERRITORIES = rf"(?:{_TERRITORY})(?:(?:,? and |,? or |/|, )(?:{_TERRITORY})){{0,3}}"

_MENTION = re.compile(
    rf"(?<![a-z0-9'/.-])(?:"
    rf"(?P<every>(?:in )?(?:all|every|each)(?: of)?(?: the)?(?: twelve| 12| other| remaining| recorded|"
    rf" standard)?[ -]leads?"
    rf"|any(?: of the)?(?: twelve| 12)?[ -]leads?|throughout(?: all(?: the)? leads)?|diffusely|globally"
    rf"|(?:across|over) (?:all|the) (?:12 |twelve )?leads|everywhere|elsewhere|"
    rf"(?:the )?(?:other|remaining) leads)"
    rf"(?P<but>[, ]+(?:except|excepting|save|save for|apart from|other than|but|but not|"
    rf"with the exception of|excluding)"
    rf"(?: for| in)?(?: leads?)? (?P<left_out>{_LIST}))?"
    rf"|(?P<same>(?:these|those|the same|said|the above|the aforementioned|such)(?: \w+)? (?:leads?|"
    rf"distribution|territor(?:y|ies)|regions?|derivations?)"
    rf"|(?:in|of) the same (?:leads?|distribution)|this (?:lead|territory|distribution)|"
    rf"there(?= (?:as well|too|also)?[.,;])|therein|(?<=s )there(?= (?:have|has|remain|are|show)\b)|"
    rf"where(?= (?:they|it|the|no|an?|there)\b))"
    rf"|(?P<territory>{_TERRITORIES})"
    rf"(?P<leads>(?: precordial| chest| limb)?[ -](?:leads?|derivations?|"
    rf"electrodes)(?! (?:reversal|misplacement|interchange|swit|swap|"
    rf"malposition))(?:[ ,(;:]*(?P<explicit>{_LIST})\)?)?)?"
    rf"|lead(?:s|\(s\))?:? (?P<after>{_AFTER_LEAD_ITEM}(?:{_JOIN}(?:leads? )?{_AFTER_LEAD_ITEM}){{0,12}})"
    rf"|(?:from )?(?P<onward>v[1-5]) (?:onwards?|and beyond|to v6)"
    rf"|(?:from )?(?P<list>{_LIST})"
    rf")(?![a-z0-9])"
)
_REST = re.compile(r"\b(?:other|remaining)\b|elsewhere")
_REST_BEFORE = re.compile(r"\b(?:other|remaining) $")
_EXCEPT = re.compile(
    r"\b(?:except|excepting|save|apart from|other than|excluding|with the exception of)"
    r"(?: for)?(?: in)?(?: the)? $"
)
_NOT_A_LEAD_BEFORE = re.compile(
    r"(?:type|mobitz|degree|grade|class|step|phase|part|stage|section|level)[ -]$"
)
_PRONOUN_AFTER = re.compile(
    r" (?:will|have|would|can|could|am|was|note|noted|see|find|found|observe|observed|conclude|recommend|"
    r"believe|think|suspect|first|then|also|now|begin|start|must|may|did|do|don't|cannot|interpret|"
    r"examined?|"
    r"reviewed|looked|assess(?:ed)?|analy[sz]ed?)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadGroup:
    """A mention of leads; ``same`` points back, ``every`` is the whole ECG, ``territory`` a wall."""

    start: int
    end: int
    leads: tuple[Lead, ...]
    same: bool = False
    every: bool = False
    territory: bool = False
    rest: bool = False  #: "the remaining leads": those not named just before
    left_out: tuple[Lead, ...] = ()  #: what an exception names: "these leads" afterwards are those


def lead_groups(lower: str) -> list[LeadGroup]:
    """Return the mentions of leads in ``lower`` (matchable text of one sentence), left to right."""
    found = (_with_rest(lower, match) for match in _MENTION.finditer(lower))
    return [_unless_excepted(lower, group) for group in found if group is not None]


def _unless_excepted(lower: str, group: LeadGroup) -> LeadGroup:
    """Turn "normal except in III" round: the claim is about the other leads."""
    if group.every or group.same or not _EXCEPT.search(lower[max(0, group.start - 40) : group.start]):
        return group
    others = tuple(lead for lead in STANDARD_LEADS if lead not in group.leads)
    return replace(group, leads=others, left_out=group.leads)


def _with_rest(lower: str, match: re.Match[str]) -> LeadGroup | None:
    group = _group(lower, match)
    if group is None or group.left_out or group.same:
        return group
    rest = _REST.search(match[0]) or _REST_BEFORE.search(lower[max(0, match.start() - 12) : match.start()])
    return replace(group, rest=rest is not None)


def _group(lower: str, match: re.Match[str]) -> LeadGroup | None:
    start, end = match.span()
    if match["every"]:
        left_out = set(_expand(match["left_out"] or ""))
        leads = tuple(lead for lead in STANDARD_LEADS if lead not in left_out) if left_out else ()
        return LeadGroup(start=start, end=end, leads=leads, every=True)
    if match["same"]:
        return LeadGroup(start=start, end=end, leads=(), same=True)
    if match["territory"]:
        named = _expand(match["explicit"] or "") or _walls(match["territory"])
        return LeadGroup(start=start, end=end, leads=named, territory=not match["leads"])
    if match["onward"]:
        return LeadGroup(start=start, end=end, leads=_between(match["onward"], "v6"))
    words = match["after"] or match["list"]
    if not match["after"] and not _is_list_of_leads(lower, match):
        return None
    return LeadGroup(start=start, end=end, leads=_expand(words))


def _is_list_of_leads(lower: str, match: re.Match[str]) -> bool:
    """Tell the lead I from the pronoun, and leads from Mobitz II or step I."""
    if _NOT_A_LEAD_BEFORE.search(lower[max(0, match.start() - 10) : match.start()]):
        return False
    words = match["list"]
    if words != "i":
        return True
    if lower.startswith(".e", match.end()):
        return False
    before = lower[max(0, match.start() - 8) : match.start()]
    in_place = re.search(r"(?:\bin|\bof|\bfrom|\band|\bor|,|\(|:|/|^)\s*$", before) is not None
    return in_place and _PRONOUN_AFTER.match(lower, match.end()) is None


def _walls(words: str) -> tuple[Lead, ...]:
    named: set[Lead] = set()
    for match in re.finditer(_TERRITORY, words):
        named |= set(TERRITORIES[match[0].replace("-", " ")])
    return in_order(named)


def _expand(words: str) -> tuple[Lead, ...]:
    named: set[Lead] = set()
    item = re.compile(rf"({_AFTER_LEAD_WORD})(?:{_RANGE}(?:lead )?({_AFTER_LEAD_WORD}|[2-6](?![0-9])))?")
    for match in item.finditer(words):
        named |= set(_between(match[1], match[2]))
    return in_order(named)


def _between(first: str, last: str | None) -> tuple[Lead, ...]:
    start = _NAMES.get(first)
    if start is None:
        return ()
    stop = _NAMES.get(last if last and not (start in PRECORDIAL_LEADS and last.isdigit()) else f"v{last}")
    if last is None or stop is None:
        return (start,)
    order = tuple(Lead)
    low, high = sorted((order.index(start), order.index(stop)))
    return order[low : high + 1]


def in_order(leads: set[Lead]) -> tuple[Lead, ...]:
    """Return ``leads`` in canonical order."""
    return tuple(lead for lead in Lead if lead in leads)
