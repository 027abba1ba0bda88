"""A private RabbitMQ in a temporary folder, with a node name, a port mapper and loopback ports of its own."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.command import Daemon, answers, free_port
from tests.services.installing import install

#: What a client of AMQP 0-9-1 says first (section 4.2.2); a server that is ready answers with a frame.
AMQP_GREETING = b"AMQP\x00\x00\x09\x01"
#: Two cores shared with the tests: two schedulers, which sleep when idle.
ERLANG_FLAGS = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitMq:
    """A running broker; ``daemon`` stops, kills, freezes and restarts it on its old data."""

    port: int
    daemon: Daemon

    @property
    def url(self) -> str:
        """Return the address of its default virtual host."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"


@contextmanager
def running_rabbitmq() -> Iterator[RabbitMq]:
    """Start a broker, installing it first where it is missing, and remove it at the end."""
    program = _program()
    with tempfile.TemporaryDirectory(prefix="rabbitmq-") as temporary:
        folder, port, mapper_port = Path(temporary), free_port(), free_port()
        environment = _environment(folder, port, mapper_port)
        mapper = Daemon(
            name="the port mapper of Erlang",
            command=["epmd", "-address", "127.0.0.1", "-port", str(mapper_port)],
            ready=lambda: answers(mapper_port),
            log=folder / "epmd.log",
        )
        broker = Daemon(
            name="RabbitMQ",
            command=[program],
            environment=environment,
            ready=lambda: _greets(port),
            log=folder / "rabbitmq.log",
        )
        try:
            mapper.start()
            broker.start()
            yield RabbitMq(port=port, daemon=broker)
        finally:
            broker.kill()
            mapper.kill()


def _environment(folder: Path, port: int, mapper_port: int) -> Mapping[str, str]:
    settings = folder / "rabbitmq.conf"
    settings.write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\n"
        "log.console = true\n"
        "log.console.level = warning\n"
        "log.file = false\n"
        "vm_memory_high_watermark.absolute = 512MB\n"
        "disk_free_limit.absolute = 50MB\n"
    )
    plugins = folder / "enabled_plugins"
    plugins.write_text("[].\n")
    return {
        "HOME": str(folder),  # the Erlang cookie is written there
        "LANG": "C.UTF-8",
        "ERL_EPMD_PORT": str(mapper_port),
        "RABBITMQ_NODENAME": f"ecg{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONFIG_FILE": str(settings),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(folder / "rabbitmq.pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_FLAGS,
        # The start script then becomes the broker instead of watching over it: one process to signal.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(AMQP_GREETING)
            return len(connection.recv(1)) == 1
    except OSError:
        return False


def _program() -> Path:
    found = _installed_program()
    if found is None:
        install("rabbitmq-server")
        found = _installed_program()
    if found is None:
        raise FileNotFoundError("RabbitMQ is not installed and apt-get did not bring it")
    return found


def _installed_program() -> Path | None:
    # Debian's own start script insists on the system's user and node: take the one it wraps.
    versions = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return versions[-1] if versions else None
