"""The gateway as a process: killed it loses nothing it acknowledged, stopped it ends in time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gem_integration.domain.identity import content_hash
from gem_integration.storage import Store
from tests.services.mllp import QUICK, SECONDS_MAX, Sender, code, framed, order, running
from tests.services.postgres import running_postgres
from tests.services.stores import SetClock

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = 60


@contextmanager
def running_process(database_url: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a gateway process; killed at the end if it still runs."""
    command = [sys.executable, "-m", "tests.services.mllp_process", database_url]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as gateway:
        try:
            yield gateway, int(gateway.stdout.readline())
        finally:
            gateway.kill()


@pytest.fixture
def sqlite_url(sqlite_store: Store) -> str:
    """Return the address of the store's database, for another process."""
    return sqlite_store._engine.url.render_as_string(hide_password=False)


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_nothing_it_acknowledged(sqlite_store: Store, sqlite_url: str):
    """What was answered AA has its bytes in the database; what was not is sent again and has one effect."""
    contents = {f"M{number}": order(number) for number in range(MESSAGES)}
    acknowledged = set()
    with running_process(sqlite_url) as (gateway, port):
        sender = Sender(port)
        sender.send(framed(*contents.values()))
        for _ in range(MESSAGES // 3):
            acknowledged.add(code(sender.reply()))
        gateway.kill()
        try:
            while True:
                acknowledged.add(code(sender.reply()))
        except (EOFError, ConnectionError):
            sender.socket.close()
    for answer, message_id in acknowledged:
        assert answer == "AA"
        assert sqlite_store.blob(content_hash(contents[message_id])) == contents[message_id]
    with running_process(sqlite_url) as (_, port):
        sender = Sender(port)
        assert {code(sender.ask(content)) for content in contents.values()} == {
            ("AA", message_id) for message_id in contents
        }
        sender.socket.close()
    assert sqlite_store.counts()["orders"] == MESSAGES
    assert len(sqlite_store.view("v_acknowledgements")) == MESSAGES


@pytest.mark.slow
def test_a_terminated_gateway_ends_in_time_and_its_log_names_no_patient(sqlite_url: str):
    """SIGTERM closes idle and silent connections alike; the exit is clean."""
    with running_process(sqlite_url) as (gateway, port):
        idle, silent = Sender(port), Sender(port)
        assert code(idle.ask(order(1))) == ("AA", "M1")
        assert code(idle.ask(order(2, msh={9: "ADT^A01"}))) == ("AR", "M2")
        assert code(idle.ask(order(3, control=""))) == ("AE", "M3")
        silent.send(framed(order(4))[:-2])
        time.sleep(0.2)
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(SECONDS_MAX) == 0
        for sender in (idle, silent):
            assert sender.is_closed()
            sender.socket.close()
        log = gateway.stderr.read()
    assert '"event":"frame_answered"' in log
    assert '"event":"bytes_quarantined","code":"half_frame"' in log
    assert '"event":"gateway_stopped"' in log
    for secret in ("Doe", "Jane", "P1", "PLC1"):
        assert secret not in log


@pytest.mark.service
@pytest.mark.slow
def test_while_the_database_is_away_senders_are_put_off(clock: SetClock):
    """AR until it is back, then AA for the same message on the same connection, with one effect."""
    with running_postgres() as server:
        store = Store.open(server.url(), clock=clock)
        store.migrate()
        with running(store, clock, QUICK, None) as gateway:
            sender = gateway.sender()
            assert code(sender.ask(order(1))) == ("AA", "M1")
            server.daemon.kill()
            assert code(sender.ask(order(2))) == ("AR", "M2")
            assert code(sender.ask(b"no header")) == ("AR", "")
            server.daemon.start()
            assert [code(sender.ask(order(number))) for number in (1, 2)] == [("AA", "M1"), ("AA", "M2")]
            assert store.counts()["orders"] == 2
        store.close()


def test_two_gateways_on_one_database_answer_as_one(store: Store, clock: SetClock):
    """The same messages through both at once: one effect each, and every sender hears AA or is put off."""
    contents = [order(number) for number in range(20)]
    with running(store, clock, QUICK, None) as one, running(store, clock, QUICK, None) as other:
        senders = [gateway.sender() for gateway in (one, other, one, other)]
        for sender in senders:
            sender.send(framed(*contents))
        heard = [code(sender.reply())[0] for sender in senders for _ in contents]
        assert set(heard) <= {"AA", "AR"}
        again = one.sender()
        assert {code(again.ask(content))[0] for content in contents} == {"AA"}
    assert store.counts()["orders"] == len(contents)
    assert len(store.view("v_acknowledgements")) == len(contents)
