"""The leads of each claim: its own, those of its wave, of its clause, or of the claim it hangs on."""

from __future__ import annotations

import re
from dataclasses import replace

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.grounding.claims.drafts import Draft
from gem_integration.grounding.claims.leads import in_order
from gem_integration.grounding.claims.scan import Scanned, TokenSort

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

_HANGS_ON = re.compile(
    r"(?!.*(?:, and (?:the|a)\b|\bwhile\b|\bbut\b))[^.;]*\b(?:with|accompanied by|measuring|"
    r"together with|along with|reaching|showing|which|also)\b[^.;]*"
)

_APPOSITION = re.compile(r", an? ")
_AND_THE = re.compile(r"[^.;,]*(?:,|\band\b)(?: and)?[^.;,]*")
_WAVE_NUMBER = re.compile(r"measurement/(?:(?:[pqrst]|st)_(?:duration|amplitude|level)|qrs_amplitude)")


def with_leads(scanned: Scanned, drafts: list[Draft]) -> list[Draft]:
    """Return the drafts in text order, each with its leads."""
    drafts = sorted(_without_vague(drafts), key=lambda draft: draft.head.start)
    placed: list[Draft] = []
    for draft in drafts:
        leads = _own_leads(draft)
        if leads is None:
            leads = _inherited(scanned, draft, placed) or _from_numbers(draft, drafts)
        placed.append(replace(draft, leads=_allowed(draft, leads)))
    return _spread_lists(placed)


def _without_vague(drafts: list[Draft]) -> list[Draft]:
    """Drop a remark without an id of its own where the same wave already has a claim with one."""
    firm = {
        id(token)
        for draft in drafts
        if draft.subject != "other" and draft.head.quantity is None
        for token in draft.tokens
    }
    kept: list[Draft] = []
    for draft in drafts:
        vague = (
            not _net_polarity(draft) and draft.subject == "other" and draft.tokens[0].sort is TokenSort.ENTITY
        )
        if not vague or not any(id(token) in firm for token in draft.tokens):
            if vague and kept and _one_remark(kept[-1], draft):
                kept[-1] = _joined(kept[-1], draft)
            else:
                kept.append(draft)
    return kept


def _net_polarity(draft: Draft) -> bool:
    """Say whether the remark is the polarity of a QRS, which its width does not replace."""
    return "qrs" in draft.tokens[0].ids and not {"upright", "inverted"}.isdisjoint(draft.head.ids)


def _one_remark(first: Draft, second: Draft) -> bool:
    same_wave = first.subject == "other" and first.tokens[0] is second.tokens[0]
    return same_wave and (first.head.leads, first.head.front) == (second.head.leads, second.head.front)


def _joined(first: Draft, second: Draft) -> Draft:
    """Return one remark for two about the same wave ("neither raised nor lowered", "wide, slurred S")."""
    return replace(first, start=min(first.start, second.start), end=max(first.end, second.end))


def _own_leads(draft: Draft) -> tuple[Lead, ...] | None:
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


def _inherited(scanned: Scanned, draft: Draft, placed: list[Draft]) -> tuple[Lead, ...]:
    name = draft.subject.split("/")[-1]
    if name in _WITH_WALL_ONLY:
        return _leads_of_infarct(draft, placed)
    for other in reversed(placed):
        if set(other.tokens) & set(draft.tokens) and other.leads:
            moved_on = draft.head.front not in (None, other.head.front)
            return draft.head.front or () if moved_on else other.leads
    hangs_on = _hanging_leads(scanned, draft, placed)
    if hangs_on or draft.head.front is None:
        return hangs_on
    return draft.head.front


def _hanging_leads(scanned: Scanned, draft: Draft, placed: list[Draft]) -> tuple[Lead, ...]:
    """Return the leads of the claim before, where this one hangs on it ("with", "measuring")."""
    before = placed[-1] if placed else None
    if before is None or not before.leads or before.subject.split("/")[-1] in _FINDINGS_WITH_LEADS:
        return ()
    between = scanned.lower[before.end : draft.head.start]
    if before.head.start >= draft.head.start:
        return ()
    hangs = (
        _APPOSITION.fullmatch(between)
        or _HANGS_ON.fullmatch(between)
        or (_both_of_waves(before, draft) and _AND_THE.fullmatch(between))
    )
    return before.leads if hangs else ()


def _both_of_waves(before: Draft, draft: Draft) -> bool:
    """Say whether two numbers speak of waves in one lead ("ST in V2 lasts … and the T wave lasts …")."""
    return all(_WAVE_NUMBER.fullmatch(item.subject) for item in (before, draft))


def _leads_of_infarct(draft: Draft, placed: list[Draft]) -> tuple[Lead, ...]:
    """Return the leads of the infarct that an age in a phrase of its own speaks of ("…, probably old")."""
    for other in reversed(placed):
        if set(other.tokens) & set(draft.tokens):
            return other.leads
    return ()


def _from_numbers(draft: Draft, drafts: list[Draft]) -> tuple[Lead, ...]:
    """Return the leads of the numbers of the same wave ("ST elevation measures 1 mm in V2, 2 in V3")."""
    if draft.head.quantity is not None or draft.subject == "other":
        return ()
    mine = {id(token) for token in draft.tokens}
    numbers = [d for d in drafts if d.head.quantity is not None and any(id(t) in mine for t in d.tokens)]
    named = {lead for number in numbers for lead in number.head.leads or ()}
    return in_order(named)


def _allowed(draft: Draft, leads: tuple[Lead, ...]) -> tuple[Lead, ...]:
    kind, _, name = draft.subject.partition("/")
    if name in _WHOLE_ECG or (kind == "finding" and name not in _FINDINGS_WITH_LEADS):
        return ()
    return tuple(lead for lead in leads if lead in STANDARD_LEADS)


def _spread_lists(drafts: list[Draft]) -> list[Draft]:
    """Give the numbers of a list one lead each, where as many leads are named ("… respectively")."""
    spread: list[Draft] = []
    for draft in drafts:
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
