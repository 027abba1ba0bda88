"""Which number measures what: the subject and the unit meant, printed or not."""

from __future__ import annotations

import re

from gem_integration.grounding.claims.link import COORDINATED
from gem_integration.grounding.claims.numbers import Quantity
from gem_integration.grounding.claims.scan import Scanned, Token, TokenSort

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
    ("finding/sinus_rhythm", "bpm"): "heart_rate",
    ("finding/sinus_brady", "bpm"): "heart_rate",
    ("finding/sinus_tachy", "bpm"): "heart_rate",
    ("finding/af", "bpm"): "heart_rate",
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
    "finding/sinus_rhythm": ("bpm", 15.0, 250.0),
    "finding/sinus_brady": ("bpm", 15.0, 250.0),
    "finding/sinus_tachy": ("bpm", 15.0, 250.0),
    "finding/af": ("bpm", 15.0, 300.0),
    "atrial_rate": ("bpm", 30.0, 600.0),
    "axis": ("deg", -180.0, 270.0),
    "p_axis": ("deg", -180.0, 270.0),
    "t_axis": ("deg", -180.0, 270.0),
    "morphology/axis_left": ("deg", -180.0, 0.0),
    "morphology/axis_right": ("deg", 60.0, 270.0),
    "prt_axes": ("deg", -180.0, 270.0),
}

SECONDS_MAX = 6.0
ANCHORS_BACK = 24  # words further back are another matter
LOOK_BACK = 120  # characters

FALLBACK = {"bpm": "heart_rate", "deg": "qrs_axis"}

_SUM = re.compile(r"\b(?:together|sum|combined|total|added|index)\b[^;,.]*$")
_ADDED = re.compile(r"\+[^;,]*[=<>≤≥]\s*$")

_DIRECT = re.compile(
    r"[\s:=@(~≈<>≤≥,\-]*(?:(?:of|is|was|at|about|interval|duration|measures|measured|around|approximately|"
    r"are|to|remains|wave|complex|in|lead|leads|[|])[\s:=@(]*){0,3}"
)


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
    while first > 0 and anchors[first - 1].sort is TokenSort.NUMBER and place - first < ANCHORS_BACK:
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
        if names and not COORDINATED.fullmatch(scanned.gap(token, names[0])):
            break
        names.insert(0, token)
    return names


def _link_number(scanned: Scanned, anchors: list[Token], place: int, context: Token | None) -> None:
    token = anchors[place]
    quantity = token.quantity
    if quantity is None or _is_sum(scanned, token, quantity):
        return
    if _follows_directly(scanned, anchors, place) and _settle(token, anchors[place + 1], quantity):
        return
    for owner in reversed(anchors[max(0, place - ANCHORS_BACK) : place]):
        if quantity.unit is None and not _beside(scanned, owner, token):
            if owner.sort in (TokenSort.FEATURE, TokenSort.NUMBER):
                continue
            break
        if _settle(token, owner, quantity):
            return
    _link_far_number(anchors, place, context)


def _is_sum(scanned: Scanned, token: Token, quantity: Quantity) -> bool:
    """Say whether a number adds up several waves ("SV1 + RV5 = 4.1 mV") and so measures none."""
    far, near = max(0, token.start - LOOK_BACK), max(0, quantity.start - LOOK_BACK // 2)
    return bool(
        _SUM.search(scanned.bare[far : token.start]) or _ADDED.search(scanned.lower[near : quantity.start])
    )


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
    return owner.sort in (TokenSort.ENTITY, TokenSort.SUBJECT) and (
        _DIRECT.fullmatch(gap) is not None or (len(gap) < 22 and "," not in gap and ";" not in gap)
    )


def _follows_directly(scanned: Scanned, anchors: list[Token], place: int) -> bool:
    """Say whether a number stands right before its noun ("a 0.2 mV Q wave", "2 mm ST elevation")."""
    if place + 1 >= len(anchors) or anchors[place + 1].sort is not TokenSort.ENTITY:
        return False
    if (quantity := anchors[place].quantity) is None or quantity.unit is None:
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
