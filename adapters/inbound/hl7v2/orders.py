"""Orders: ORM^O01, OMG^O19 and OMI^O23 (HL7 v2.5.1 sections 4.4.1, 4.4.4 and 4.4.13)."""

from __future__ import annotations

from dataclasses import replace

from adapters.inbound.hl7v2.fields import OrderGroup, first, message_id, moment, person
from adapters.inbound.hl7v2.split import Message, Segment
from gem_integration.domain.study import InboundOrder, ParseLimits
from gem_integration.errors import UnreadableMessage

ORDER_TYPES = frozenset({"ORM", "OMG", "OMI"})


def is_order(message: Message) -> bool:
    """Say whether the message's type is one of orders."""
    return message.kind[0] in ORDER_TYPES


def inbound_orders(
    message: Message, groups: tuple[OrderGroup, ...], limits: ParseLimits
) -> tuple[InboundOrder, ...]:
    """Return the orders of an order message; ``UnreadableMessage`` when one does not say what to do.

    A further OBR under one ORC is an order of its own with that ORC's control code and status.
    """
    found = []
    common: Segment | None = None
    for group in groups:
        opening = group.segments[0]
        if opening.name == "ORC":
            common = opening
        if opening.name in {"ORC", "OBR"}:
            found.append(_order(message, _with_control(group, common), limits))
    return tuple(found)


def _with_control(group: OrderGroup, common: Segment | None) -> OrderGroup:
    if common is None or group.segments[0].name == "ORC":
        return group
    return replace(group, segments=(common, *group.segments))


def _order(message: Message, group: OrderGroup, limits: ParseLimits) -> InboundOrder:
    control = group.get("ORC", 1).upper()
    if not control:
        raise UnreadableMessage("ORC-1 holds no order control code; send NW, CA, XO, … (HL7 table 0119)")
    requested = next(
        (
            found
            for name, field in (("ORC", 9), ("OBR", 6), ("OBR", 7), ("MSH", 7))
            if (found := moment(_text(message, group, name, field), message, limits))
        ),
        None,
    )
    return InboundOrder(
        message_id=message_id(message),
        control=control,
        status=group.get("ORC", 5).upper() or None,
        patient=person(first(group.patient, "PID")).patient,
        accession_number=group.accession_number,
        placer_number=group.placer_number,
        filler_number=group.filler_number,
        priority=group.priority,
        indication=group.indication,
        requested_at=requested.at if requested else None,
    )


def _text(message: Message, group: OrderGroup, name: str, field: int) -> str:
    return message.header.get(field) if name == "MSH" else group.get(name, field)
