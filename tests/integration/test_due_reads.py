"""What the dispatcher is told is due is what a worker would be given."""

from __future__ import annotations

from gem_integration.domain.reading import Priority
from tests.services.drawn_line import READER_KEY


def test_due_is_what_could_be_leased_now(line):
    """A leased job is due again when its lease is over, with its attempt counted; a read one never."""
    line.receive(1)
    assert [job.attempts for job in line.store.due_reads(9)] == [0]
    line.lease(seconds=60)
    assert line.store.due_reads(9) == ()
    line.clock.advance(60)
    (due,) = line.store.due_reads(9)
    assert (due.attempts, due.reader_key) == (1, READER_KEY)
    line.finish(line.lease())
    line.clock.advance(999)
    assert line.store.due_reads(9) == ()


def test_jobs_come_in_the_order_they_will_be_leased(line):
    """STAT first, then the oldest, and no more than asked for."""
    for number in (1, 2):
        line.receive(number)
        line.clock.advance(1)
    stat = line.receive(3, stat=True)
    due = line.store.due_reads(2)
    assert [job.job_id for job in due] == [job.job_id for job in line.store.lease_reads(2, "w1", 60)]
    assert (due[0].job_id, due[0].priority) == (stat.job_id, Priority.STAT)


def test_a_reader_nobody_runs_hides_no_other(line):
    """Each reader has its own share of the list."""
    received = [line.receive(number) for number in range(3)]
    line.clock.advance(1)
    with line.store.transaction() as work:
        for one in received:
            work.queue_read(one.study_id, "new", priority=Priority.ROUTINE, due_at=line.clock.now())
    assert sorted(job.reader_key for job in line.store.due_reads(1)) == sorted(["new", READER_KEY])
