"""The listening side of DICOM's upper layer: admits connections, shakes hands, and guards what they send.

pynetdicom speaks the protocol. Here is what it leaves open: limits while receiving, TLS handshakes off
the accepting thread, and caps on connections before they cost threads.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

from pydicom.errors import BytesLengthException
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import ThreadedAssociationServer

from adapters.inbound.dimse.settings import DimseSettings
from adapters.inbound.dimse.stream import OverLimitError, StreamLimits, StreamWatch
from gem_integration.observability import Event, log_event

Read: TypeAlias = Callable[[int, int], bytes]
Address: TypeAlias = tuple[str, int]
Request: TypeAlias = socket.socket | tuple[bytes, socket.socket]
Handlers: TypeAlias = list[evt.EventHandlerType]

#: A-ABORT by the provider, reason not specified (PS3.8 9.3.8).
ABORT_PDU = b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00"
#: Connections beyond the associations, so that one too many can be told so in DICOM's words.
SPARE_CONNECTIONS = 4
POLL_SECONDS = 0.1
#: What pydicom raises on a command set that is none; it documents no closed list.
UNREADABLE = (
    *(ArithmeticError, AttributeError, BytesLengthException, EOFError, LookupError, NotImplementedError),
    *(OSError, TypeError, ValueError, struct.error),
)
ENDING_SECONDS_MAX = 2.0  #: for an association whose connection was cut
QUIET_SECONDS = 0.2  #: after its last answer a connection is left alone so long, then it may be ended


class GuardedSocket(socket.socket):
    """A connection whose every read is watched."""

    watch: StreamWatch | None = None

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Read within the limits; a peer that passes one is aborted (``OverLimitError``)."""
        return _read(self, super().recv, bufsize, flags)

    def shutdown(self, how: int, /) -> None:
        """Shut down; where the peer was first there is nothing to do, and closing must follow."""
        with contextlib.suppress(OSError):
            super().shutdown(how)


class GuardedTlsSocket(ssl.SSLSocket):
    """The same under TLS."""

    watch: StreamWatch | None = None

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Read as ``GuardedSocket.recv`` does."""
        return _read(self, super().recv, buflen, flags)

    def shutdown(self, how: int, /) -> None:
        """Shut down; where the peer was first there is nothing to do, and closing must follow."""
        with contextlib.suppress(OSError):
            super().shutdown(how)


Guarded: TypeAlias = GuardedSocket | GuardedTlsSocket


def _read(connection: Guarded, read: Read, size: int, flags: int) -> bytes:
    watch = connection.watch
    if watch is None:
        return read(size, flags)
    connection.settimeout(watch.seconds_left(time.monotonic()))
    piece = read(size, flags)
    connection.settimeout(watch.limits.pdu_seconds_max)  # for the next write
    try:
        watch.feed(piece, time.monotonic())
    except OverLimitError:
        with contextlib.suppress(OSError):
            connection.send(ABORT_PDU)
        raise
    return piece


class GuardedMessages(DIMSEServiceProvider):
    """Puts messages together; one that is none ends its association instead of a thread of ours."""

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take a fragment; a command set that cannot be read is an invalid PDU (PS3.8 9.2.3, Evt19)."""
        try:
            super().receive_primitive(primitive)
        except UNREADABLE as error:
            log_event(Event.CONNECTION_CLOSED, level=logging.WARNING, error_type=type(error).__name__)
            self.dul.event_queue.put("Evt19")


class GuardedServer(ThreadedAssociationServer):
    """Listens as ``settings`` say; every connection is counted, watched and given up in bounded time."""

    daemon_threads = True  # a handshake never holds the process

    def __init__(self, ae: AE, settings: DimseSettings, handlers: Handlers) -> None:
        self._settings = settings
        self._tls = settings.tls.context() if settings.tls else None
        if self._tls is not None:
            self._tls.sslsocket_class = GuardedTlsSocket
        self._open: weakref.WeakSet[Guarded] = weakref.WeakSet()
        self._watches: weakref.WeakKeyDictionary[Association, StreamWatch] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        super().__init__(
            ae,
            (settings.host, settings.port),
            settings.ae_title,
            ae.supported_contexts,
            None,
            [(evt.EVT_CONN_OPEN, self._opened), *handlers],
        )

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return int(self.server_address[1])

    def watch_of(self, association: Association) -> StreamWatch:
        """Return the watch over an association's connection."""
        return self._watches[association]

    def _opened(self, event: evt.Event) -> None:
        wrapped = event.assoc.dul.socket
        connection = wrapped.socket if wrapped else None
        if isinstance(connection, GuardedSocket | GuardedTlsSocket) and connection.watch is not None:
            self._watches[event.assoc] = connection.watch
            event.assoc.dimse = GuardedMessages(event.assoc)
            # After the drain has given up on a connection, its threads must not hold the process.
            event.assoc.daemon = event.assoc.dul.daemon = True

    def get_request(self) -> tuple[socket.socket, Address]:
        """Accept a connection; the TLS handshake comes later, on a thread of its own."""
        listening = self.socket
        if listening is None:
            raise OSError("the listener is closed")
        plain, address = listening.accept()
        connection = GuardedSocket(fileno=plain.detach())
        connection.settimeout(self._settings.handshake_seconds_max)
        return connection, address

    def verify_request(self, request: object, client_address: object) -> bool:
        """Admit a connection while its peer and all peers together have few enough."""
        if not isinstance(request, GuardedSocket) or not isinstance(client_address, tuple):
            return False
        peer = str(client_address[0])
        settings = self._settings
        with self._lock:
            open_of = Counter(one.watch.peer for one in self._alive() if one.watch)
            admitted = (
                open_of.total() < settings.associations_max + SPARE_CONNECTIONS
                and open_of[peer] < settings.associations_per_peer_max + SPARE_CONNECTIONS
            )
            if admitted:
                request.watch = self._watch(peer)
                self._open.add(request)
        if not admitted:
            log_event(Event.CONNECTION_REFUSED, level=logging.WARNING, peer=peer, code="too_many")
        return admitted

    def _alive(self) -> list[Guarded]:
        return [one for one in self._open if one.fileno() != -1]

    def _watch(self, peer: str) -> StreamWatch:
        settings = self._settings
        limits = StreamLimits(
            pdu_bytes_max=settings.pdu_bytes_max,
            object_bytes_max=settings.object_bytes_max,
            pdu_seconds_max=settings.pdu_seconds_max,
            object_seconds_max=settings.object_seconds_max,
        )
        return StreamWatch(peer=peer, limits=limits, has_room=self._has_room)

    def _has_room(self) -> bool:
        with self._lock:
            held = sum(one.watch.object_bytes for one in self._open if one.watch)
        return held <= self._settings.held_bytes_max

    def finish_request(self, request: Request, client_address: object) -> None:
        """Shake hands where TLS is asked for, then let the association begin."""
        if self._tls is None or not isinstance(request, GuardedSocket):
            super().finish_request(request, client_address)
        elif (connection := self._shake_hands(request, self._tls)) is not None:
            super().finish_request(connection, client_address)

    def _shake_hands(self, plain: GuardedSocket, tls: ssl.SSLContext) -> GuardedTlsSocket | None:
        watch, plain.watch = plain.watch, None
        peer = watch.peer if watch else None
        try:
            connection = tls.wrap_socket(plain, server_side=True)
        except OSError as error:
            log_event(
                Event.CONNECTION_REFUSED, level=logging.WARNING, peer=peer, error_type=type(error).__name__
            )
            self.shutdown_request(plain)
            return None
        if not isinstance(connection, GuardedTlsSocket):
            raise TypeError("the TLS context makes sockets of another kind")
        connection.watch = watch
        with self._lock:
            self._open.add(connection)
        return connection

    def associations_of(self, peer: str) -> int:
        """Return how many associations a peer has open, or is asking for."""
        return sum(one.requestor.address == peer for one in self.active_associations)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log where a connection could not be begun; its words may quote the peer's."""
        kind = sys.exc_info()[0]
        log_event(Event.CONNECTION_REFUSED, level=logging.ERROR, error_type=kind.__name__ if kind else None)

    def shutdown(self) -> None:
        """Stop listening; associations go on."""
        socketserver.BaseServer.shutdown(self)
        self.server_close()

    def drain(self, seconds: float) -> None:
        """End every association that is at rest; those in the middle of something get up to ``seconds``."""
        deadline_s = time.monotonic() + seconds
        while self._end_those_at_rest() and time.monotonic() < deadline_s:
            time.sleep(POLL_SECONDS)
        with self._lock:
            left = self._alive()
        for connection in left:
            connection.shutdown(socket.SHUT_RDWR)
        deadline_s = time.monotonic() + ENDING_SECONDS_MAX
        for association in self.active_associations:
            association.dul.join(max(0.0, deadline_s - time.monotonic()))

    def _end_those_at_rest(self) -> bool:
        """Return whether any association is still going on."""
        going_on = False
        for association in self.active_associations:
            watch = self._watches.get(association)
            if watch is None or watch.is_quiet(time.monotonic(), QUIET_SECONDS):
                _end(association)
            else:
                going_on = True
            going_on |= association.is_established
        return going_on


def _end(association: Association) -> None:
    wrapped = association.dul.socket
    if association.is_established:
        association.abort(block=False)
    elif wrapped and wrapped.socket:
        wrapped.socket.shutdown(socket.SHUT_RDWR)
