"""A leased delivery goes to its sink, and its receipt is kept."""

from __future__ import annotations

from collections.abc import Mapping

from gem_integration.domain.report import LeasedDelivery, Receipt
from gem_integration.errors import SinkUnavailable
from gem_integration.ports import Delivery, ReportSink
from gem_integration.storage import Store


def deliver(delivery: LeasedDelivery, *, store: Store, sinks: Mapping[str, ReportSink]) -> Receipt:
    """Put one report into one sink.

    ``SinkUnavailable`` when this process has no such sink or the sink cannot be reached;
    ``RefusedBySink``; ``LeaseLost`` when another holder has the delivery by now. Sinks are idempotent:
    what was sent before a lost lease is sent again, and changes nothing.
    """
    sink = sinks.get(delivery.sink)
    if sink is None:
        raise SinkUnavailable("this process has no such sink: check its settings", sink=delivery.sink)
    receipt = sink.deliver(_parcel(delivery, store))
    store.delivered(delivery, receipt)
    return receipt


def _parcel(delivery: LeasedDelivery, store: Store) -> Delivery:
    report = store.report(delivery.report_id)
    if report is None:
        raise KeyError(delivery.report_id)
    return Delivery(
        study=store.study(report.study_id),
        measurements=store.measurements_under(report.report_id),
        report=report,
    )
