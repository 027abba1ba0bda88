"""A private Kafka (KRaft, one node) in a temporary folder on free loopback ports."""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import RetriableError

from tests.services.command import Daemon, answers, free_port, run
from tests.services.installing import java_class_path

PROJECT = Path(__file__).parent
TOPIC_SECONDS_MAX = 30
#: 16 bytes in URL-safe base64 without padding, as Kafka writes the ids of clusters.
CLUSTER_ID = base64.urlsafe_b64encode(b"gem-integration!").decode().rstrip("=")
JVM = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kafka:
    """A running broker; ``daemon`` stops, kills, freezes and restarts it on its old data."""

    port: int
    daemon: Daemon

    @property
    def address(self) -> str:
        """Return what clients take as their bootstrap server."""
        return f"127.0.0.1:{self.port}"

    def create_topic(self, name: str, *, partitions: int = 1, **settings: str) -> str:
        """Create a topic and return its name; a setting's dots are written as underscores."""
        configs = {setting.replace("_", "."): value for setting, value in settings.items()}
        topic = NewTopic(name=name, num_partitions=partitions, replication_factor=1, topic_configs=configs)
        deadline = time.monotonic() + TOPIC_SECONDS_MAX
        while True:
            try:
                self._create(topic)
            except RetriableError:  # while a broker comes back, the client gives up at once
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return name

    def _create(self, topic: NewTopic) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.address)
        try:
            admin.create_topics([topic], wait_for_metadata=True)
        finally:
            admin.close()


@contextmanager
def running_kafka() -> Iterator[Kafka]:
    """Start a broker, fetching it first where it is missing, and remove it at the end."""
    class_path = java_class_path(PROJECT, "kafka")
    with tempfile.TemporaryDirectory(prefix="kafka-") as temporary:
        folder, port = Path(temporary), free_port()
        settings = folder / "server.properties"
        settings.write_text(_settings(folder / "data", port, free_port()))
        java = ["java", *JVM, "-cp", class_path]
        run([*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", settings])
        daemon = Daemon(
            name="Kafka",
            command=[*java, "kafka.Kafka", settings],
            ready=lambda: answers(port),  # opened only once the broker serves
            log=folder / "kafka.log",
        )
        try:
            daemon.start()
            yield Kafka(port=port, daemon=daemon)
        finally:
            daemon.kill()


def _settings(data: Path, port: int, controller_port: int) -> str:
    broker, controller = f"127.0.0.1:{port}", f"127.0.0.1:{controller_port}"
    private = (
        f"log.dirs={data}",
        f"listeners=PLAINTEXT://{broker},CONTROLLER://{controller}",
        f"advertised.listeners=PLAINTEXT://{broker}",
        f"controller.quorum.voters=1@{controller}",
    )
    return "\n".join([(PROJECT / "server.properties").read_text(), *private, ""])
