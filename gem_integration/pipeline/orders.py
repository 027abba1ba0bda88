"""Which order an ECG was taken for: exactly one that fits, or nobody guesses."""

from __future__ import annotations

from collections.abc import Sequence

from gem_integration.domain.identity import Patient
from gem_integration.domain.reading import Priority
from gem_integration.domain.study import InboundEcg, InboundOrder, Order, OrderMatch

#: HL7 v2.8 table 0119, order control: cancel request, cancelled (as requested), discontinue (as requested).
CANCELLING_CONTROLS = frozenset({"CA", "CR", "OC", "DC", "DR", "OD"})
#: HL7 v2.8 table 0485, extended priority: stat; and the word some systems write out.
STAT_PRIORITIES = frozenset({"S", "STAT"})


def match_order(ecg: InboundEcg, candidates: Sequence[Order]) -> tuple[OrderMatch, Order | None]:
    """Choose the order of ``ecg`` among those that bear one of its numbers, oldest message first.

    Several messages about one order count once, the latest deciding. A match needs exactly one order
    and the same patient on both sides.
    """
    if not (ecg.accession_number or ecg.placer_number or ecg.filler_number):
        return OrderMatch.UNNUMBERED, None
    orders = {order_key(order.inbound): order for order in candidates}
    if not orders:
        return OrderMatch.WAITING, None
    if len(orders) > 1:
        return OrderMatch.AMBIGUOUS, None
    (order,) = orders.values()
    if not same_patient(ecg.patient, order.inbound.patient):
        return OrderMatch.OTHER_PATIENT, None
    if order.inbound.control.upper() in CANCELLING_CONTROLS:
        return OrderMatch.CANCELLED, None
    return OrderMatch.MATCHED, order


def order_key(order: InboundOrder) -> str | None:
    """Return the number by which messages speak of one order."""
    return order.placer_number or order.filler_number or order.accession_number


def same_patient(one: Patient | None, other: Patient | None) -> bool:
    """Say whether both are named and bear one identifier; an assigner left out may be any."""
    if one is None or other is None or one.patient_id != other.patient_id:
        return False
    return one.assigner is None or other.assigner is None or one.assigner == other.assigner


def priority_of(ecg: InboundEcg, order: Order | None) -> Priority:
    """Return STAT when the ECG or its order says so."""
    ordered = order is not None and (order.inbound.priority or "").strip().upper() in STAT_PRIORITIES
    return Priority.STAT if ecg.stat or ordered else Priority.ROUTINE
