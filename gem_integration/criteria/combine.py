"""How outcomes combine: all, any, a count, contiguous leads; Kleene's strong logic over four states.

The order is not met < borderline < met, with *not measurable* as the unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from gem_integration.criteria.parts import BORDERLINE, MET, NOT_MEASURABLE, NOT_MET, Outcome
from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.evidence import Evidence

CONTIGUOUS_NEEDED = 2

CONTIGUOUS_GROUPS: tuple[tuple[Lead, ...], ...] = (
    (Lead.II, Lead.III, Lead.AVF),
    (Lead.I, Lead.AVL, Lead.V5, Lead.V6),
    (Lead.V1, Lead.V2),
    (Lead.V2, Lead.V3),
    (Lead.V3, Lead.V4),
    (Lead.V4, Lead.V5),
    (Lead.I, Lead.II),
)
"""Leads of which any two are contiguous: territories, neighbours along V1…V6, and I-II of the Cabrera order
(UDMI 2018; AHA/ACCF/HRS 2009 part VI). aVL-I, II-aVF and aVF-III are already within a territory."""


def all_of(*outcomes: Outcome) -> Outcome:
    """Return the conjunction: every part must hold; all parts stay as evidence."""
    states = {outcome.state for outcome in outcomes}
    state = next(s for s in (NOT_MET, NOT_MEASURABLE, BORDERLINE, MET) if s in states)
    return Outcome(state=state, parts=_parts(outcomes), leads=_leads(outcomes))


def any_of(*outcomes: Outcome) -> Outcome:
    """Return the disjunction; the evidence is that of the best outcomes."""
    states = {outcome.state for outcome in outcomes}
    state = next(s for s in (MET, BORDERLINE, NOT_MEASURABLE, NOT_MET) if s in states)
    best = [outcome for outcome in outcomes if outcome.state is state]
    return Outcome(state=state, parts=_parts(best), leads=_leads(best))


def count_of(needed: int, outcomes: Iterable[Outcome]) -> Outcome:
    """Return met when at least ``needed`` outcomes are; unmeasured ones could still tip the scale."""
    given = tuple(outcomes)
    met = [outcome for outcome in given if outcome.holds]
    likely = [outcome for outcome in given if outcome.likely]
    open_count = sum(outcome.state is NOT_MEASURABLE for outcome in given)
    if len(met) >= needed:
        return Outcome(state=MET, parts=_parts(met), leads=_leads(met))
    if len(likely) >= needed:
        return Outcome(state=BORDERLINE, parts=_parts(likely), leads=_leads(likely))
    if len(likely) + open_count >= needed and open_count * 2 > len(given):
        return Outcome(state=NOT_MEASURABLE, parts=_parts(given))
    return Outcome(state=NOT_MET, parts=_parts(given))


def negated(outcome: Outcome, why: str) -> Outcome:
    """Return the opposite: met where ``outcome`` fails; ``why`` prefixes the criteria of its parts."""
    opposite = {MET: NOT_MET, NOT_MET: MET}
    parts = tuple(
        replace(
            part, criterion=f"{why}: not ({part.criterion})", met=None if part.met is None else not part.met
        )
        for part in outcome.parts
    )
    return Outcome(state=opposite.get(outcome.state, outcome.state), parts=parts)


def contiguous(
    rule: Callable[[Lead], Outcome],
    groups: Iterable[tuple[Lead, ...]] = CONTIGUOUS_GROUPS,
    *,
    needed: int = CONTIGUOUS_NEEDED,
) -> Outcome:
    """Return met when ``rule`` holds in ``needed`` contiguous leads; leads not measurable do not count.

    The leads of the outcome are those of every group that reached the count.
    """
    table = tuple(groups)
    by_lead = {lead: rule(lead) for group in table for lead in group}
    for state, counting in ((MET, {MET}), (BORDERLINE, {MET, BORDERLINE})):
        hits = [[by_lead[lead] for lead in group if by_lead[lead].state in counting] for group in table]
        reached = [outcome for group in hits if len(group) >= needed for outcome in group]
        if reached:
            return Outcome(state=state, parts=_parts(reached), leads=_leads(reached))
    unknown_count = sum(outcome.state is NOT_MEASURABLE for outcome in by_lead.values())
    state = NOT_MEASURABLE if unknown_count * 2 > len(by_lead) else NOT_MET
    return Outcome(state=state, parts=_parts(by_lead.values()))


def best(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the first outcome of the highest state."""
    order = (NOT_MEASURABLE, NOT_MET, BORDERLINE, MET)
    return max(outcomes, key=lambda outcome: order.index(outcome.state))


def in_order(leads: Iterable[Lead]) -> tuple[Lead, ...]:
    """Return leads once each, in canonical order."""
    wanted = set(leads)
    return tuple(lead for lead in Lead if lead in wanted)


def any_lead(rule: Callable[[Lead], Outcome], leads: Iterable[Lead] = STANDARD_LEADS) -> Outcome:
    """Return met when ``rule`` holds in at least one of ``leads``."""
    return count_of(1, [rule(lead) for lead in leads])


def _parts(outcomes: Iterable[Outcome]) -> tuple[Evidence, ...]:
    parts = (part for outcome in outcomes for part in outcome.parts)
    seen: dict[tuple[str, Lead | None, str], Evidence] = {}
    for part in parts:
        seen.setdefault((part.measurement, part.lead, part.criterion), part)
    return tuple(seen.values())


def _leads(outcomes: Iterable[Outcome]) -> tuple[Lead, ...]:
    return in_order(lead for outcome in outcomes for lead in outcome.leads)


def only_possible(outcome: Outcome, *, when: bool, note: str | None) -> Outcome:
    """Return a met outcome as borderline, with a note, ``when`` something makes it doubtful."""
    if not (when and outcome.likely):
        return outcome
    return Outcome(
        state=BORDERLINE if outcome.state is MET else outcome.state,
        parts=outcome.parts,
        leads=outcome.leads,
        urgency=outcome.urgency,
        note=note,
    )
