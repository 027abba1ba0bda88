"""The services of the tests do what the tests need of them: start, lose nothing, refuse, end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from kombu import Connection, Queue

from adapters.outbound.fhir import bundle_bytes, bundle_of
from gem_integration.ports import Delivery
from tests.services.command import Daemon, NotStartedError
from tests.services.fhir.server import FhirServer
from tests.services.postgres import Postgres
from tests.services.rabbitmq import RabbitMq

if TYPE_CHECKING:
    from tests.services.kafka.broker import Kafka

pytestmark = [
    pytest.mark.xdist_group("services"),
    pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated"),  # kafka-python, when it is imported
]
ANSWER_SECONDS_MAX = 300
FHIR_JSON = {"Content-Type": "application/fhir+json"}
#: In ``/proc/net/tcp``: the state of a listening socket, and what loopback addresses look like.
LISTENING = "0A"
LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")


def _daemon(tmp_path: Path, script: str, *, is_ready: bool = True) -> Daemon:
    return Daemon(
        name="the drawn one", command=["sh", "-c", script], ready=lambda: is_ready, log=tmp_path / "log"
    )


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _await(happened: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.02)
    return happened()


def test_a_service_that_ends_before_it_is_ready_says_why(tmp_path: Path) -> None:
    """The error carries the end of the log."""
    with pytest.raises(NotStartedError, match="no room for it"):
        _daemon(tmp_path, "echo no room for it; exit 3", is_ready=False).start(seconds=10)


def test_a_service_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    """A start that takes too long leaves nothing behind."""
    daemon = _daemon(tmp_path, "echo $$; exec sleep 600", is_ready=False)
    with pytest.raises(NotStartedError, match=r"within 0\.5 s"):
        daemon.start(seconds=0.5)
    assert not _lives(int((tmp_path / "log").read_text()))


def test_killing_a_service_ends_all_it_started(tmp_path: Path) -> None:
    """Its children are in its process group."""
    daemon = _daemon(tmp_path, "sleep 600 & echo $!; wait")
    daemon.start()
    assert _await(lambda: (tmp_path / "log").read_text() != "")
    child = int((tmp_path / "log").read_text())
    assert _lives(child)
    daemon.kill()
    assert _await(lambda: not _lives(child))


def test_a_frozen_service_can_be_stopped(tmp_path: Path) -> None:
    """Asking it to end also lets it go on, or it would never hear."""
    daemon = _daemon(tmp_path, "trap 'echo heard; exit' TERM; echo up; while :; do sleep 0.1; done")
    daemon.start()
    assert _await(lambda: (tmp_path / "log").read_text() == "up\n")
    daemon.freeze()
    daemon.stop()
    assert (tmp_path / "log").read_text().endswith("heard\n")


def test_a_service_dies_with_the_tests(tmp_path: Path) -> None:
    """A test run that is killed unwinds no fixture, and still leaves nothing behind."""
    script = (
        "import os, sys; from pathlib import Path; from tests.services.command import Daemon; "
        "log = Path(sys.argv[1]); "
        "Daemon(name='it', command=['sh', '-c', 'echo $$; exec sleep 600'], log=log, "
        "ready=lambda: bool(log.read_text())).start(); os._exit(1)"
    )
    checkout = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", script, tmp_path / "log"], cwd=checkout, timeout=60, check=False)
    assert _await(lambda: not _lives(int((tmp_path / "log").read_text())))


@pytest.mark.service
def test_kafka_keeps_what_it_acknowledged_through_a_crash(kafka_broker: Kafka) -> None:
    """A record that was acknowledged before a kill is there after the restart."""
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition  # noqa: PLC0415 - slow to import

    topic = kafka_broker.create_topic("kept", partitions=1, max_message_bytes="4000000")
    producer = KafkaProducer(bootstrap_servers=kafka_broker.address, acks="all", enable_idempotence=True)
    producer.send(topic, b"beat", key=b"one").get(timeout=ANSWER_SECONDS_MAX)
    producer.close()
    kafka_broker.daemon.kill()
    kafka_broker.daemon.start()
    consumer = KafkaConsumer(bootstrap_servers=kafka_broker.address, group_id=None)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    polled = consumer.poll(timeout_ms=ANSWER_SECONDS_MAX * 1000)
    consumer.close()
    assert [(record.key, record.value) for records in polled.values() for record in records] == [
        (b"one", b"beat")
    ]


@pytest.mark.service
def test_postgresql_keeps_what_it_committed_through_a_crash(postgres: Postgres) -> None:
    """A row committed before a kill is there after the restart, and clients may have been connected."""
    address = postgres.create_database("kept")
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS beat")
        connection.commit()
        postgres.daemon.kill()
        postgres.daemon.start()
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT beat FROM kept").fetchall() == [(1,)]


@pytest.mark.service
def test_rabbitmq_keeps_bells_through_a_crash_and_rings_the_urgent_first(rabbitmq: RabbitMq) -> None:
    """Confirmed messages of a durable queue come back, by priority."""
    queue = Queue("bells", routing_key="bells", durable=True, max_priority=9)
    confirming = {"confirm_publish": True}
    with Connection(rabbitmq.url, transport_options=confirming) as connection:
        bells = connection.SimpleQueue(queue)
        bells.put("routine", priority=1, delivery_mode="persistent")
        bells.put("stat", priority=9, delivery_mode="persistent")
        bells.close()
    rabbitmq.daemon.kill()
    rabbitmq.daemon.start()
    with Connection(rabbitmq.url) as connection:
        bells = connection.SimpleQueue(queue)
        rung = []
        for _ in range(2):
            message = bells.get(timeout=ANSWER_SECONDS_MAX)
            rung.append(message.payload)
            message.ack()
        bells.close()
    assert rung == ["stat", "routine"]


@pytest.mark.service
def test_our_bundle_sent_twice_changes_a_fhir_server_once(
    fhir_server: FhirServer, make_delivery: Callable[..., Delivery]
) -> None:
    """A validating server makes every resource, then finds that none of them is new."""
    bundle = bundle_bytes(bundle_of(make_delivery()))
    first, second = (_sent(fhir_server, bundle) for _ in range(2))
    resources = sum(first.values())
    assert first == Counter({("201 Created", "1"): resources})
    assert second == Counter({("200 OK", "1"): resources})


def _sent(server: FhirServer, bundle: bytes) -> Counter[tuple[str, str]]:
    answer = httpx.post(server.url, content=bundle, headers=FHIR_JSON, timeout=ANSWER_SECONDS_MAX)
    assert answer.status_code == 200, answer.text
    responses = [entry["response"] for entry in answer.json()["entry"]]
    return Counter((response["status"], response["etag"].strip('W/"')) for response in responses)


@pytest.mark.service
def test_the_fhir_server_refuses_what_r4_does_not_allow(fhir_server: FhirServer) -> None:
    """An Observation without its status and code is unprocessable."""
    observation = b'{"resourceType": "Observation", "id": "wrong"}'
    url = f"{fhir_server.url}/Observation/wrong"
    answer = httpx.put(url, content=observation, headers=FHIR_JSON, timeout=ANSWER_SECONDS_MAX)
    assert answer.status_code == 422
    assert "Observation.status" in answer.text


@pytest.mark.service
def test_no_service_can_be_reached_from_outside(
    kafka_broker: Kafka, rabbitmq: RabbitMq, fhir_server: FhirServer, postgres: Postgres
) -> None:
    """Each listens on loopback addresses only."""
    for port in (kafka_broker.port, rabbitmq.port, fhir_server.port, postgres.port):
        addresses = _listening_addresses(port)
        assert addresses
        assert addresses <= set(LOOPBACK)


def _listening_addresses(port: int) -> set[str]:
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    local = [row[1].split(":") for row in rows if row[3] == LISTENING]
    return {address for address, number in local if int(number, 16) == port}
