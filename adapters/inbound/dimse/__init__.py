"""DICOM gateway: C-STORE of ECG waveform objects, answered with success once their bytes are durable.

Storage service class as SCP (PS3.4 annex B) and Verification (annex A), by pynetdicom. A waveform class
we do not read is taken all the same and becomes a dead letter with its reason: refused in negotiation,
it would leave no trace here, and nobody would know that an ECG is missing.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping

from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import create_file_meta, encode_file_meta
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from adapters.inbound.dicom_ecg import READ, REFUSED
from adapters.inbound.dimse.server import GuardedServer, Handlers
from adapters.inbound.dimse.settings import DimseSettings, Landing, landing_in
from gem_integration.domain.arrival import Quarantined, QuarantineReason
from gem_integration.domain.identity import stable_id
from gem_integration.domain.report import DeadLetter
from gem_integration.domain.study import InboundMessage, MediaType
from gem_integration.errors import IdentityConflict, Unavailable, UnreadableMessage, UnsupportedRecording
from gem_integration.observability import Event, log_event

__all__ = ["DimseSettings", "Landing", "landing_in", "serve_dimse"]

TRANSFER_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
IMPLEMENTATION_UID = UID(f"2.25.{stable_id('implementation class').int}")
PREAMBLE = bytes(128) + b"DICM"  #: PS3.10 7.1
ERROR_COMMENT_CHARACTERS_MAX = 64  #: (0000,0902) is LO

#: C-STORE status (PS3.4 B.2.3).
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH_CLASS = 0xA900
CANNOT_UNDERSTAND = 0xC000
#: What is kept as a dead letter is answered as a failure, so that the sender's people see it too.
STATUS_OF: Mapping[str, int] = {
    UnreadableMessage.code: CANNOT_UNDERSTAND,
    UnsupportedRecording.code: DOES_NOT_MATCH_CLASS,
    IdentityConflict.code: 0xC001,
}
#: A-ASSOCIATE-RJ: transient, by the presentation provider, local limit exceeded (PS3.8 9.3.4).
LIMIT_EXCEEDED = (0x02, 0x03, 0x02)


def serve_dimse(
    settings: DimseSettings,
    landing: Landing,
    *,
    stop: threading.Event,
    started: Callable[[int], None] | None = None,
) -> None:
    """Serve until ``stop`` is set; then stop listening and let what is arriving finish, in bounded time.

    ``started`` is told the port once connections are taken. ``OSError`` where the port cannot be had.
    """
    _config.LOG_HANDLER_LEVEL = "none"  # its words for people quote titles and UIDs of every message
    server = _Gateway(settings, landing).server
    listening = threading.Thread(target=server.serve_forever, name="dimse-listener", args=(0.1,))
    listening.start()
    log_event(Event.GATEWAY_STARTED, port=server.port)
    try:
        if started is not None:
            started(server.port)
        stop.wait()
    finally:
        server.shutdown()
        listening.join()
        server.drain(settings.stop_seconds_max)
        log_event(Event.GATEWAY_STOPPED, port=server.port)


class _Gateway:
    """What the associations of one listener share."""

    def __init__(self, settings: DimseSettings, landing: Landing) -> None:
        self._settings = settings
        self._landing = landing
        self.server = GuardedServer(_application_entity(settings), settings, self._handlers())

    def _handlers(self) -> Handlers:
        return [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_DIMSE_RECV, self._received),
            (evt.EVT_DIMSE_SENT, self._sent),
            (evt.EVT_CONN_CLOSE, self._closed),
        ]

    def _requested(self, event: evt.Event) -> None:
        """Refuse an association beyond the peer's share, before it is negotiated."""
        association = event.assoc
        peer = association.requestor.address
        if self.server.associations_of(peer) <= self._settings.associations_per_peer_max:
            return
        log_event(Event.CONNECTION_REFUSED, level=logging.WARNING, peer=peer, code="too_many")
        association.acse.send_reject(*LIMIT_EXCEEDED)
        association.kill()

    def _received(self, event: evt.Event) -> None:
        self.server.watch_of(event.assoc).object_ended()

    def _sent(self, event: evt.Event) -> None:
        self.server.watch_of(event.assoc).answered(time.monotonic())

    def _store(self, event: evt.Event) -> Dataset:
        if not self._has_space():
            log_event(Event.BYTES_NOT_STORED, level=logging.ERROR, code="disk_watermark")
            return _status(OUT_OF_RESOURCES, "little storage is left; send again later")
        message = InboundMessage(
            source=_source(event),
            media_type=MediaType.DICOM,
            content=_file_of(event),
            received_at=self._landing.clock.now(),
        )
        try:
            letter = self._landing.take(message)
        except Unavailable as error:
            log_event(Event.BYTES_NOT_STORED, level=logging.ERROR, source=message.source, code=error.code)
            return _status(OUT_OF_RESOURCES, "storage is away; send again later")
        except Exception:  # a defect of ours: the bytes are kept for whoever looks, and it goes on
            self._quarantine(message.source, QuarantineReason.DEFECT, message.content, len(message.content))
            raise
        return _answer(letter)

    def _has_space(self) -> bool:
        folders = self._settings.watched_folders
        return all(shutil.disk_usage(folder).free >= self._settings.free_bytes_min for folder in folders)

    def _closed(self, event: evt.Event) -> None:
        """Keep the beginning of an object that did not arrive whole; it was never answered."""
        watch = self.server.watch_of(event.assoc)
        if not watch.object_bytes:
            return
        unfinished = event.assoc.dimse.message
        stream = unfinished.data_set if unfinished else None
        content = stream.getvalue()[: self._settings.kept_bytes_max] if stream else b""
        reason = watch.fault or QuarantineReason.HALF_FRAME
        self._quarantine(f"dimse:{event.assoc.requestor.ae_title}", reason, content, watch.object_bytes)

    def _quarantine(self, source: str, reason: QuarantineReason, content: bytes, size_bytes: int) -> None:
        now = self._landing.clock.now()
        bad = Quarantined(
            source=source,
            reason=reason,
            content=content,
            size_bytes=size_bytes,
            first_seen_at=now,
            last_seen_at=now,
        )
        try:
            self._landing.quarantine(bad)
        except Unavailable as error:
            log_event(
                Event.BYTES_NOT_STORED,
                level=logging.ERROR,
                source=source,
                code=error.code,
                size_bytes=size_bytes,
            )
            return
        log_event(
            Event.BYTES_QUARANTINED,
            level=logging.WARNING,
            source=source,
            code=reason.value,
            size_bytes=size_bytes,
        )


def _application_entity(settings: DimseSettings) -> AE:
    ae = AE(ae_title=settings.ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_UID
    ae.require_called_aet = True
    ae.require_calling_aet = list(settings.calling_ae_titles)
    ae.maximum_associations = settings.associations_max
    ae.maximum_pdu_size = settings.pdu_bytes_max
    ae.acse_timeout = settings.association_seconds_max
    ae.dimse_timeout = settings.idle_seconds_max
    ae.network_timeout = settings.idle_seconds_max
    ae.add_supported_context(Verification)
    for sop_class in (*READ, *REFUSED):
        ae.add_supported_context(sop_class, list(TRANSFER_SYNTAXES))
    return ae


def _source(event: evt.Event) -> str:
    """Name the sender and the encoding.

    A sender may encode one object anew each time it sends it; the same message id under one source must
    have the same bytes, and that it is one ECG is told by its signal.
    """
    return f"dimse:{event.assoc.requestor.ae_title}/{UID(event.context.transfer_syntax).name}"


def _file_of(event: evt.Event) -> bytes:
    """Return the object as a DICOM file (PS3.10), its data set byte for byte as it came."""
    request = event.request
    if not isinstance(request, C_STORE):
        raise TypeError("only a C-STORE request carries an object")
    meta = create_file_meta(
        sop_class_uid=UID(request.AffectedSOPClassUID or ""),
        sop_instance_uid=UID(request.AffectedSOPInstanceUID or ""),
        transfer_syntax=UID(event.context.transfer_syntax),
        implementation_uid=IMPLEMENTATION_UID,
        implementation_version="GEM_INTEGRATION",
    )
    meta.SourceApplicationEntityTitle = event.assoc.requestor.ae_title
    return PREAMBLE + encode_file_meta(meta) + event.encoded_dataset(include_meta=False)


def _answer(letter: DeadLetter | None) -> Dataset:
    if letter is None:
        return _status(SUCCESS)
    return _status(STATUS_OF.get(letter.code, CANNOT_UNDERSTAND), letter.reason)


def _status(status: int, comment: str | None = None) -> Dataset:
    answer = Dataset()
    answer.Status = status
    if comment:
        answer.ErrorComment = comment[:ERROR_COMMENT_CHARACTERS_MAX]
    return answer
