"""A delivery goes to its sink with all it needs, and its receipt is kept."""

from __future__ import annotations

import pytest

from gem_integration.domain.report import Receipt
from gem_integration.errors import RefusedBySink, SinkUnavailable
from gem_integration.pipeline.deliver import deliver
from gem_integration.pipeline.failures import delivery_failed
from tests.services.drawn_line import Line


class KeepingSink:
    """A sink that keeps what it was given, and refuses when told to."""

    name = "files"

    def __init__(self, error=None):
        self.kept, self.error = [], error

    def deliver(self, delivery):
        """Keep the delivery."""
        self.kept.append(delivery)
        if self.error is not None:
            raise self.error
        return Receipt(location="somewhere", content_sha256="ab" * 32)


@pytest.fixture
def line(sqlite_store, clock, make_delivery):
    """Return a line with one report that waits for its delivery."""
    ready = Line(sqlite_store, clock, make_delivery)
    ready.receive()
    ready.finish(ready.lease())
    return ready


def test_a_sink_gets_the_study_its_measurements_and_the_report(line):
    """Whatever a sink writes, it needs nothing else."""
    (leased,) = line.store.lease_deliveries(1, "relay", 60)
    sink = KeepingSink()
    receipt = deliver(leased, store=line.store, sinks={"files": sink})
    (delivery,) = sink.kept
    assert delivery.report == line.store.report(leased.report_id)
    assert delivery.study.study_id == delivery.report.study_id
    assert delivery.measurements == line.make_delivery().measurements
    assert receipt.location == "somewhere"
    assert line.store.counts()["outbox_delivered"] == 1


def test_a_refused_delivery_ends_as_a_dead_letter(line):
    """What the receiver refuses for good is not sent again."""
    (leased,) = line.store.lease_deliveries(1, "relay", 60)
    sinks = {"files": KeepingSink(RefusedBySink("422"))}
    with pytest.raises(RefusedBySink) as caught:
        deliver(leased, store=line.store, sinks=sinks)
    delivery_failed(leased, caught.value, store=line.store)
    assert line.store.counts()["outbox_dead"] == 1
    assert [letter.code for letter in line.store.dead_letters()] == ["refused_by_sink"]


def test_a_sink_this_process_lacks_is_unavailable(line):
    """Another process may have it; the row waits."""
    (leased,) = line.store.lease_deliveries(1, "relay", 60)
    with pytest.raises(SinkUnavailable, match="no such sink"):
        deliver(leased, store=line.store, sinks={})
