"""A scripted peer and a gateway to speak to, for the tests of MLLP."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from adapters.inbound import FORMATS
from adapters.inbound.intake import Intake
from adapters.inbound.mllp import serve_mllp
from adapters.inbound.mllp.settings import MllpSettings
from adapters.inbound.mllp.take import Prepare, receiving
from gem_integration.domain.study import MediaType, ParseLimits
from gem_integration.storage import Store
from tests.services.stores import SetClock

SECONDS_MAX = 20.0
QUICK = MllpSettings(
    port=0,
    frame_seconds_max=0.6,
    end_seconds_max=0.1,
    idle_seconds_max=5.0,
    write_seconds_max=0.5,
    stop_seconds_max=1.0,
    frame_bytes_max=64 * 1024,
    kept_bytes_max=1024,
)


def order(number: int = 1, *, msh: dict[int, str] | None = None, control: str = "NW") -> bytes:
    """Return an order message; ``msh`` replaces fields of its header."""
    fields = {2: "^~\\&", 3: "HIS", 4: "WARD", 5: "GEM", 6: "LAB", 7: "20260301093000+0000"}
    fields |= {9: "ORM^O01", 10: f"M{number}", 11: "P", 12: "2.5.1"} | (msh or {})
    header = "|".join(["MSH", *(fields.get(at, "") for at in range(2, max(fields) + 1))])
    body = f"PID|1||P{number}^^^HOSP||Doe^Jane\rORC|{control}|PLC{number}\rOBR|1|PLC{number}||ECG^ECG"
    return f"{header}\r{body}\r".encode()


def framed(*contents: bytes) -> bytes:
    """Return contents in MLLP frames, one after the other."""
    return b"".join(b"\x0b" + content + b"\x1c\r" for content in contents)


class Sender:
    """A scripted peer."""

    def __init__(self, port: int, receive_buffer_bytes: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(SECONDS_MAX)
        self.socket.connect(("127.0.0.1", port))
        self._arrived = b""

    def send(self, raw: bytes) -> None:
        """Put bytes on the wire as they are."""
        self.socket.sendall(raw)

    def send_for_ever(self, raw: bytes) -> None:
        """Send until the gateway closes, however long it does not read."""
        deadline_s = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline_s:
            with suppress(TimeoutError):
                self.send(raw)

    def reply(self) -> dict[str, list[str]]:
        """Return the next acknowledgement's segments, split into fields."""
        return segments(self.raw_reply())

    def raw_reply(self) -> bytes:
        """Return the next frame's content; ``EOFError`` when the gateway closes instead."""
        while b"\x1c\r" not in self._arrived:
            arrived = self.socket.recv(65536)
            if not arrived:
                raise EOFError
            self._arrived += arrived
        content, _, self._arrived = self._arrived.partition(b"\x1c\r")
        assert content.startswith(b"\x0b")
        return content[1:]

    def ask(self, content: bytes) -> dict[str, list[str]]:
        """Send a frame and return its acknowledgement."""
        self.send(framed(content))
        return self.reply()

    def is_closed(self) -> bool:
        """Say whether the gateway closes without another word."""
        try:
            return self.socket.recv(65536) == b""
        except ConnectionResetError:
            return True


def segments(content: bytes) -> dict[str, list[str]]:
    """Return segments by name, fields numbered as HL7 numbers them."""
    found = {}
    for line in content.decode("latin-1").rstrip("\r").split("\r"):
        fields = line.split(line[3])
        found[fields[0]] = [fields[0], line[3], *fields[1:]] if fields[0] in ("MSH", "BHS") else fields
    return found


def code(reply: dict[str, list[str]]) -> tuple[str, str]:
    """Return MSA-1 and MSA-2."""
    return reply["MSA"][1], reply["MSA"][2]


@dataclass
class Gateway:
    """A gateway that runs in a thread of its own."""

    port: int
    store: Store
    stop: threading.Event
    counts: dict[str, int]
    senders: list[Sender]

    def sender(self, **options: int) -> Sender:
        """Return a new connection."""
        self.senders.append(Sender(self.port, **options))
        return self.senders[-1]

    def quarantined(self) -> list[tuple[str, bytes, int]]:
        """Return reason, kept bytes and size of what is in quarantine, once it is."""
        deadline_s = time.monotonic() + SECONDS_MAX
        while not (found := self.store.quarantined()) and time.monotonic() < deadline_s:
            time.sleep(0.02)
        return sorted((bad.reason.value, bad.content, bad.size_bytes) for bad in found)


@contextmanager
def running(
    store: Store, clock: SetClock, settings: MllpSettings, prepare: Prepare | None
) -> Iterator[Gateway]:
    """Run a gateway; ``prepare`` stands in for the isolated parser, which takes seconds to start."""
    gateway = Gateway(port=0, store=store, stop=threading.Event(), counts={}, senders=[])
    ready = threading.Event()
    intake = Intake(store=store, reader_key="rules", limits=ParseLimits(), clock=clock)

    def is_ready(port: int) -> None:
        gateway.port = port
        ready.set()

    async def serve() -> None:
        stop = asyncio.Event()
        watching = asyncio.create_task(asyncio.to_thread(gateway.stop.wait))
        watching.add_done_callback(lambda _: stop.set())
        here = receiving(intake, FORMATS[MediaType.HL7V2], None) if prepare is None else prepare
        gateway.counts = dict(await serve_mllp(settings, intake, stop=stop, prepare=here, on_ready=is_ready))

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(SECONDS_MAX)
        yield gateway
    finally:
        gateway.stop.set()
        thread.join(SECONDS_MAX)
        for sender in gateway.senders:
            sender.socket.close()
        assert not thread.is_alive()
