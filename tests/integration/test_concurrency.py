"""Many threads at once, on a real database: one effect, one holder, nothing lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gem_integration.domain.study import InboundOrder, OrderMatch
from gem_integration.errors import StorageUnavailable
from gem_integration.pipeline.receive import ReceivedAs, receive
from gem_integration.storage import Store
from tests.services.drawn_line import Line
from tests.services.postgres import running_postgres

THREADS = 8
SECONDS_MAX = 60


def at_once(calls):
    """Run all calls at the same moment and return what they return."""
    barrier = Barrier(len(calls))

    def run(call):
        barrier.wait(SECONDS_MAX)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls, timeout=SECONDS_MAX))


def test_one_message_received_by_many_threads_is_one_study(line):
    """Exactly one of them made it; the others were told what it made."""
    received = at_once([line.receive] * THREADS)
    assert sorted(item.outcome for item in received) == ["duplicate"] * (THREADS - 1) + ["new"]
    assert len({(item.study_id, item.job_id) for item in received}) == 1
    counts = line.store.counts()
    assert (counts["messages"], counts["studies"], counts["jobs_queued"]) == (1, 1, 1)


def test_one_ecg_in_many_messages_at_once_is_one_study(line):
    """Many formats of one signal, arriving together, are linked to one study."""

    def send(number):
        message = line.message(f"MSH|{number}".encode(), source=f"cart-{number}")
        ecg = line.ecg(1, message_id=f"M{number}")
        return receive(message, ecg, store=line.store, reader_key="rules", clock=line.clock)

    received = at_once([lambda number=number: send(number) for number in range(THREADS)])
    assert sorted(item.outcome for item in received) == ["linked"] * (THREADS - 1) + ["new"]
    assert line.store.counts()["jobs_queued"] == 1


def test_jobs_leased_by_many_workers_at_once_have_one_holder_each(line):
    """No job is leased twice, and all are leased."""
    for number in range(24):
        line.receive(number)
    leased = at_once([lambda holder=f"w{n}": line.store.lease_reads(3, holder, 60) for n in range(THREADS)])
    jobs = [job.job_id for jobs in leased for job in jobs]
    assert len(jobs) == len(set(jobs))
    rest = line.store.lease_reads(24, "last", 60)
    assert len(jobs) + len(rest) == 24


def test_an_order_and_its_ecg_arriving_at_once_find_each_other(line):
    """Whichever commits second sees the first."""
    for number in range(6):
        ecg = line.ecg(number)
        order = InboundOrder(
            message_id=f"O{number}",
            control="NW",
            patient=ecg.patient,
            placer_number=f"PLC-{number}",
            accession_number=f"ACC-{number}",
        )

        def send_order(order=order):
            message = line.message(order.message_id.encode())
            return receive(message, order, store=line.store, reader_key="rules", clock=line.clock)

        received, _ = at_once([lambda number=number: line.receive(number), send_order])
        assert line.store.study(received.study_id).order_id is not None
    assert {entry.order_match for entry in line.store.worklist()} == {OrderMatch.MATCHED}


@pytest.mark.service
def test_a_database_that_dies_is_unavailable_and_works_again_when_it_is_back(clock, make_delivery):
    """Nothing acknowledged is lost, nothing hangs, and the same store goes on by itself."""
    with running_postgres() as server:
        store = Store.open(server.url(), clock=clock)
        store.migrate()
        line = Line(store, clock, make_delivery)
        line.receive(1)
        server.daemon.kill()
        with pytest.raises(StorageUnavailable, match="check that it runs"):
            line.receive(2)
        server.daemon.start()
        assert line.receive(1).outcome is ReceivedAs.DUPLICATE
        assert line.receive(2).outcome is ReceivedAs.NEW
        store.close()


def test_migrating_from_many_processes_at_once_is_safe(store, database_url, clock):
    """Every process may migrate when it starts."""

    def migrate():
        other = Store.open(database_url, clock=clock)
        other.migrate()
        other.close()

    at_once([migrate] * 4)
    current, wanted = store.revisions()
    assert current == wanted
