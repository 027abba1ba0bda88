"""Whatever happens in whatever order, nothing is lost, doubled, or written by who lost its lease."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from gem_integration.domain.report import Receipt
from gem_integration.errors import (
    LeaseLost,
    ReaderUnavailable,
    RefusedBySink,
    SinkUnavailable,
    UnusableInterpretation,
)
from gem_integration.pipeline.failures import delivery_failed, read_failed
from gem_integration.pipeline.receive import ReceivedAs
from gem_integration.storage import Store
from tests.services.drawn_line import Line
from tests.services.stores import SetClock

numbers = st.integers(1, 2)
which = st.integers(0, 3)

BARE_VERDICTS = """
SELECT COUNT(*) FROM v_claims WHERE verdict IN ('supported', 'contradicted') AND measurement IS NULL
"""


class Histories(RuleBasedStateMachine):
    """Messages come and come again; workers and relays lease, stall, fail and finish."""

    template: Path
    make_delivery: object

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "gem.db"
        shutil.copy(self.template, path)
        clock = SetClock()
        self.store = Store.open(f"sqlite:///{path}", clock=clock)
        self.line = Line(self.store, clock, self.make_delivery)
        self.received, self.jobs, self.deliveries, self.sent = {}, [], [], []

    def teardown(self):
        """Remove the database."""
        self.store.close()
        self.folder.cleanup()

    @rule(number=numbers, stat=st.booleans())
    def receive(self, number, stat):
        """Receive a message, perhaps not for the first time."""
        known = self.received.get(number)
        got = self.line.receive(number, stat=stat)
        if known is None:
            assert got.outcome is ReceivedAs.NEW
            self.received[number] = got
        else:
            assert got.outcome is ReceivedAs.DUPLICATE
            assert (got.study_id, got.job_id) == (known.study_id, known.job_id)

    @rule(limit=st.integers(1, 3), seconds=st.sampled_from([1, 50]))
    def lease_reads(self, limit, seconds):
        """Lease due jobs; nobody else holds them now."""
        leased = self.store.lease_reads(limit, "w", seconds)
        for job in leased:
            others = [held for held in self.jobs if held.job_id == job.job_id]
            assert all(held.fencing_token < job.fencing_token for held in others)
        self.jobs.extend(leased)

    @rule()
    def stall(self):
        """Lease what is due and sleep past the lease, as a stopped process does."""
        self.lease_reads(limit=1, seconds=1)
        self.deliveries.extend(self.store.lease_deliveries(1, "r", 1))
        self.line.clock.advance(1)

    @rule(number=numbers)
    def read_at_once(self, number):
        """Receive and read without trouble, so that there is something to deliver."""
        self.receive(number, stat=True)
        for job in self.store.lease_reads(1, "w", 50):
            self.jobs.append(job)
            self.line.finish(job)

    @rule(at=which)
    def finish(self, at):
        """Finish a job, held or lost long ago."""
        if self.jobs:
            job = self.jobs[at % len(self.jobs)]
            self._unless_lost(lambda: self.line.finish(job), job, self.jobs)

    @rule(at=which, error=st.sampled_from([ReaderUnavailable, UnusableInterpretation, ZeroDivisionError]))
    def fail_read(self, at, error):
        """Fail to read."""
        if self.jobs:
            job = self.jobs[at % len(self.jobs)]
            self._unless_lost(lambda: read_failed(job, error("x"), store=self.store), job, self.jobs)

    @rule(at=which)
    def hand_back(self, at):
        """Give a job back."""
        if self.jobs:
            job = self.jobs[at % len(self.jobs)]
            self._unless_lost(lambda: self.store.hand_back(job), job, self.jobs)

    @rule(limit=st.integers(1, 3), seconds=st.sampled_from([1, 50]))
    def lease_deliveries(self, limit, seconds):
        """Lease due deliveries."""
        self.deliveries.extend(self.store.lease_deliveries(limit, "r", seconds))

    @rule(at=which)
    def deliver(self, at):
        """Deliver, whether the lease is held or lost: sinks are idempotent."""
        if self.deliveries:
            delivery = self.deliveries[at % len(self.deliveries)]
            receipt = Receipt(location="x", content_sha256="0" * 64)
            self._unless_lost(lambda: self.store.delivered(delivery, receipt), delivery, self.deliveries)

    @rule(at=which, error=st.sampled_from([SinkUnavailable, RefusedBySink]))
    def fail_delivery(self, at, error):
        """Fail to deliver."""
        if self.deliveries:
            delivery = self.deliveries[at % len(self.deliveries)]
            self._unless_lost(
                lambda: delivery_failed(delivery, error("x"), store=self.store), delivery, self.deliveries
            )

    @rule(seconds=st.sampled_from([1, 10, 100, 1_000]))
    def wait(self, seconds):
        """Let time pass."""
        self.line.clock.advance(seconds)

    def _unless_lost(self, step, held, holding):
        newest = max(item.fencing_token for item in holding if self._key(item) == self._key(held))
        try:
            step()
        except LeaseLost:
            return
        assert held.fencing_token == newest, "who lost the lease wrote"

    @staticmethod
    def _key(held):
        return getattr(held, "job_id", None) or held.outbox_id

    @invariant()
    def every_study_has_one_job_and_every_job_a_place(self):
        """Add up the states of all jobs to the messages received (I8)."""
        counts = self.store.counts()
        jobs = sum(number for name, number in counts.items() if name.startswith("jobs_"))
        assert counts["messages"] == counts["studies"] == jobs == len(self.received)
        assert counts["reports"] == counts.get("jobs_read", 0)

    @invariant()
    def every_report_has_one_row_in_the_outbox_and_every_claim_its_evidence(self):
        """Let no report wait nowhere (I2) and no verdict rest on nothing (I4)."""
        counts = self.store.counts()
        waiting = sum(number for name, number in counts.items() if name.startswith("outbox_"))
        assert waiting == counts["reports"]
        assert counts["dead_letters"] == counts.get("jobs_dead", 0) + counts.get("outbox_dead", 0)
        with self.store._engine.connect() as connection:
            assert connection.scalar(sa.text(BARE_VERDICTS)) == 0


def test_no_history_loses_doubles_or_overwrites_anything(migrated_sqlite, make_delivery):
    """Random histories of duplicates, stalls, failures and lost leases keep every promise."""

    class Drawn(Histories):
        template = migrated_sqlite

        def make_delivery(self):
            return drawn

    drawn = make_delivery()
    run_state_machine_as_test(
        Drawn,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
        ),
    )
