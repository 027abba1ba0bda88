"""Work is held by one holder at a time; whoever lost it writes nothing."""

from __future__ import annotations

import pytest

from gem_integration.domain.reading import Priority
from gem_integration.domain.report import Receipt, Stage
from gem_integration.errors import (
    ATTEMPTS_MAX,
    LeaseLost,
    ReaderUnavailable,
    RefusedBySink,
    SinkUnavailable,
    StorageUnavailable,
    UnusableInterpretation,
    fate_of,
)
from gem_integration.pipeline.failures import delivery_failed, read_failed


def test_a_leased_job_is_not_leased_again_before_its_lease_ends(line):
    """Two holders never hold one job."""
    line.receive()
    job = line.lease(seconds=60)
    assert line.store.lease_reads(5, "w2", 60) == ()
    line.clock.advance(60)
    taken_over = line.lease(holder="w2")
    assert taken_over.job_id == job.job_id
    assert (taken_over.attempts, taken_over.fencing_token) == (2, job.fencing_token + 1)


def test_a_holder_that_lost_its_lease_writes_nothing(line):
    """The late report of a stalled worker is dropped; the new holder's stands."""
    line.receive()
    stalled = line.lease(seconds=10)
    line.clock.advance(11)
    current = line.lease(holder="w2")
    for write in (
        lambda: line.finish(stalled),
        lambda: line.store.hand_back(stalled),
        lambda: read_failed(stalled, ReaderUnavailable("x"), store=line.store),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert line.store.counts()["reports"] == 0
    report = line.finish(current)
    with pytest.raises(LeaseLost):
        line.finish(stalled)
    assert line.store.latest_report(current.study_id) == report


def test_an_overdue_holder_may_finish_while_nobody_took_over(line):
    """A slow read is not thrown away when it hurt nobody."""
    line.receive()
    job = line.lease(seconds=1)
    line.clock.advance(100)
    line.finish(job)
    assert line.store.counts()["jobs_read"] == 1


def test_stat_goes_first_and_then_the_oldest(line):
    """Lanes before age, age before everything else."""
    received = []
    for number, stat in ((1, False), (2, False), (3, True), (4, True)):
        received.append(line.receive(number, stat=stat).job_id)
        line.clock.advance(1)
    leased = line.store.lease_reads(3, "w1", 60)
    assert [job.job_id for job in leased] == [received[2], received[3], received[0]]
    assert [job.priority for job in leased] == [Priority.STAT, Priority.STAT, Priority.ROUTINE]


def test_a_worker_leases_only_jobs_of_its_reader(line):
    """A job keeps the reader and version it was queued for."""
    line.receive()
    assert line.store.lease_reads(5, "w1", 60, reader_key="gem|7b") == ()
    assert len(line.store.lease_reads(5, "w1", 60, reader_key=line.store.jobs_waiting()[0].reader_key)) == 1


def test_a_failure_of_the_world_makes_the_job_due_later_and_says_why(line):
    """A waiting job shows its reason and is not leased before its time."""
    line.receive()
    decision = read_failed(line.lease(), ReaderUnavailable("the device is lost"), store=line.store)
    (waiting,) = line.store.jobs_waiting()
    assert (waiting.attempts, waiting.because) == (1, "due again: the device is lost")
    assert line.store.lease_reads(1, "w1", 60) == ()
    line.clock.advance(decision.delay_s)
    assert line.lease().attempts == 2


def test_a_rejected_read_ends_as_a_dead_letter(line):
    """It is never tried again by itself, and the worklist says why it was not read."""
    received = line.receive()
    read_failed(line.lease(), UnusableInterpretation("the reader wrote nothing"), store=line.store)
    (letter,) = line.store.dead_letters()
    assert (letter.stage, letter.code, letter.subject_id) == (
        Stage.READ,
        "unusable_interpretation",
        str(received.job_id),
    )
    (entry,) = line.store.worklist()
    assert entry.not_read_because == "the reader wrote nothing"
    (row,) = line.store.view("v_dead_letters")
    assert (row["study_id"], row["reason"]) == (str(received.study_id), "the reader wrote nothing")
    line.clock.advance(1e6)
    assert line.store.lease_reads(1, "w1", 60) == ()


def test_a_defect_stops_the_process_and_leaves_the_work_due(line):
    """The next process tries once more before the work is set aside."""
    line.receive()
    read_failed(line.lease(), ZeroDivisionError("1/0"), store=line.store)
    assert line.store.counts()["jobs_queued"] == 1
    read_failed(line.lease(), ZeroDivisionError("1/0"), store=line.store)
    assert line.store.dead_letters()[0].code == "defect"


def test_work_whose_holders_all_died_is_set_aside(line):
    """A job that kills every worker is a dead letter, not an endless loop."""
    line.receive()
    for _ in range(ATTEMPTS_MAX):
        line.lease(seconds=1)
        line.clock.advance(2)
    assert line.store.lease_reads(1, "w1", 60) == ()
    assert line.store.dead_letters()[0].code == "attempts_exhausted"
    assert line.store.counts()["jobs_dead"] == 1


def test_a_job_handed_back_is_due_at_once_and_its_attempt_is_not_counted(line):
    """A worker that drains gives its work to the others."""
    line.receive()
    line.store.hand_back(line.lease())
    assert line.lease(holder="w2").attempts == 1


def test_a_second_report_of_one_version_is_refused_and_may_be_tried_again(line):
    """Two readers that finish at once do not both write version 1."""
    received = line.receive()
    first = line.lease()
    with line.store.transaction() as work:
        work.queue_read(received.study_id, "other", priority=Priority.ROUTINE, due_at=line.clock.now())
    second = line.lease()
    stale = line.drawn_report(second)
    line.finish(first)
    line.drawn_report = lambda _job: stale
    with pytest.raises(StorageUnavailable, match="meanwhile"):
        line.finish(second)
    assert line.store.counts()["jobs_leased"] == 1


def test_a_later_version_waits_for_the_delivery_of_the_one_before(line):
    """A sink sees the versions of a report in their order."""
    received = line.receive()
    line.finish(line.lease())
    with line.store.transaction() as work:
        work.queue_read(received.study_id, "other", priority=Priority.ROUTINE, due_at=line.clock.now())
    line.clock.advance(1)
    second = line.finish(line.lease())
    (delivery,) = line.store.lease_deliveries(5, "relay", 60)
    assert delivery.report_id != second.report_id
    assert line.store.lease_deliveries(5, "relay", 60) == ()
    delivery_failed(delivery, RefusedBySink("no such patient"), store=line.store)
    (next_one,) = line.store.lease_deliveries(5, "relay", 60)
    assert next_one.report_id == second.report_id


def test_a_failed_delivery_is_due_again_and_leaves_its_attempt(line):
    """Retry-After is obeyed; the lost lease of a second relay writes nothing."""
    line.receive()
    line.finish(line.lease())
    (delivery,) = line.store.lease_deliveries(1, "relay", 10)
    error = SinkUnavailable("429", retry_after_s=120)
    assert fate_of(error, 1).delay_s == 120
    delivery_failed(delivery, error, store=line.store)
    with pytest.raises(LeaseLost):
        delivery_failed(delivery, error, store=line.store)
    line.clock.advance(119)
    assert line.store.lease_deliveries(1, "relay", 10) == ()
    line.clock.advance(1)
    (again,) = line.store.lease_deliveries(1, "relay", 10, sinks=("files",))
    assert again.attempts == 2
    assert line.store.lease_deliveries(1, "relay", 10, sinks=("fhir",)) == ()


def test_a_relay_that_lost_its_lease_records_nothing(line):
    """Two relays may send, for sinks are idempotent; only the holder's outcome is kept."""
    line.receive()
    line.finish(line.lease())
    (stalled,) = line.store.lease_deliveries(1, "relay", 1)
    line.clock.advance(1)
    (current,) = line.store.lease_deliveries(1, "other", 60)
    receipt = Receipt(location="x", content_sha256="0" * 64)
    for write in (
        lambda: line.store.delivered(stalled, receipt),
        lambda: delivery_failed(stalled, SinkUnavailable("503"), store=line.store),
    ):
        with pytest.raises(LeaseLost):
            write()
    line.store.delivered(current, receipt)
    assert line.store.counts()["outbox_delivered"] == 1
