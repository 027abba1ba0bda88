"""Sending an instance to a DICOM archive: one association, one C-STORE, and what its status means."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association

from gem_integration.errors import RefusedBySink, Rejected, SinkUnavailable

AE_TITLE = re.compile(r"(?! +$)[\x20-\x5b\x5d-\x7e]{1,16}")
DEFAULT_PORT = 104
DEFAULT_CALLING = "GEM_ECG"
TRANSFER_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
REJECTED_FOR_GOOD = 0x01  #: A-ASSOCIATE-RJ result: rejected permanent (PS3.8 9.3.4)
REASON_NOT_SUPPORTED = "the archive does not take Comprehensive SR objects from us: configure it to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Where reports go: an application entity, TLS files (PEM) if it wants TLS, and times in seconds."""

    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str = DEFAULT_CALLING
    tls: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    seconds_max: float = 30.0

    def __post_init__(self) -> None:
        """Refuse titles and ports that are none (``ValueError``)."""
        if not all(AE_TITLE.fullmatch(title) for title in (self.called_ae_title, self.calling_ae_title)):
            raise ValueError("an AE title has 1 to 16 printable characters and no backslash")
        if not 0 < self.port <= 65_535:
            raise ValueError("a port is 1 to 65535")

    @property
    def location(self) -> str:
        """Return its address for receipts."""
        return f"{'dicoms' if self.tls else 'dicom'}://{self.called_ae_title}@{self.host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the client's TLS context, TLS 1.2 or later; ``Rejected`` if the files cannot be used."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:
            reason = "the archive's CA, or our TLS certificate or key, cannot be read: give PEM files"
            raise Rejected(reason) from error
        return context


def archive_of(location: str) -> Archive:
    """Read ``dicom://CALLED@host:port?calling=OURS``, or ``dicoms://`` with ``ca``, ``cert`` and ``key``.

    ``Rejected`` for an address that is none.
    """
    try:
        return _archive_of(location)
    except ValueError as error:
        raise Rejected(f"an archive's address is dicom://CALLED@host:port?calling=OURS: {error}") from error


def _archive_of(location: str) -> Archive:
    parts = urlsplit(location)
    given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme not in ("dicom", "dicoms") or not parts.hostname or not parts.username:
        raise ValueError("its scheme, AE title or host is missing")
    if unknown := given.keys() - {"calling", "ca", "cert", "key"}:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    return Archive(
        host=parts.hostname,
        port=parts.port or DEFAULT_PORT,
        called_ae_title=unquote(parts.username),
        calling_ae_title=given.get("calling", DEFAULT_CALLING),
        tls=parts.scheme == "dicoms",
        ca=_path(given.get("ca")),
        certificate=_path(given.get("cert")),
        key=_path(given.get("key")),
    )


def _path(words: str | None) -> Path | None:
    return Path(words) if words else None


class Outcome(Enum):
    """What a C-STORE status means for the delivery."""

    STORED = "stored"
    LATER = "later"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The outcome of a range of statuses, and words for people."""

    low: int
    high: int
    outcome: Outcome
    words: str


#: C-STORE statuses: PS3.4 B.2.3 and PS3.7 annex C, the first that fits.
MEANINGS: tuple[Meaning, ...] = (
    Meaning(low=0x0000, high=0x0000, outcome=Outcome.STORED, words="stored"),
    # The UID follows from the report: what is there already is what we would send.
    Meaning(low=0x0111, high=0x0111, outcome=Outcome.STORED, words="was stored before"),
    Meaning(low=0xB000, high=0xB000, outcome=Outcome.STORED, words="stored, elements coerced"),
    Meaning(low=0xB006, high=0xB006, outcome=Outcome.STORED, words="stored, elements discarded"),
    Meaning(low=0xB007, high=0xB007, outcome=Outcome.STORED, words="stored, said not to match its class"),
    Meaning(low=0xA700, high=0xA7FF, outcome=Outcome.LATER, words="the archive is out of resources"),
    Meaning(low=0x0110, high=0x0110, outcome=Outcome.LATER, words="the archive failed on it"),
    Meaning(low=0xA900, high=0xA9FF, outcome=Outcome.NEVER, words="said not to match its class"),
    Meaning(low=0xC000, high=0xCFFF, outcome=Outcome.NEVER, words="the archive cannot understand it"),
    Meaning(low=0x0122, high=0x0122, outcome=Outcome.NEVER, words="the archive does not support its class"),
    Meaning(low=0x0124, high=0x0124, outcome=Outcome.NEVER, words="we are not authorised to store"),
    Meaning(low=0x0105, high=0x0213, outcome=Outcome.NEVER, words="the archive refuses the request"),
)


def send(content: bytes, archive: Archive) -> str:
    """Store one instance; return what the archive said of it.

    ``SinkUnavailable`` where it may help to send again, which is always safe: the instance has one UID.
    ``RefusedBySink`` where it cannot.
    """
    data_set = dcmread(BytesIO(content))
    with _associated(archive, str(data_set.SOPClassUID)) as association:
        return _told(_stored(data_set, association))


def _stored(data_set: Dataset, association: Association) -> int | None:
    try:
        answer = association.send_c_store(data_set)
    except ValueError as error:  # no accepted context for the class
        raise RefusedBySink(REASON_NOT_SUPPORTED) from error
    except RuntimeError as error:  # the association ended in between
        raise SinkUnavailable("the archive ended the association before the report was sent") from error
    status = answer.get("Status")
    return status if isinstance(status, int) else None


def _told(status: int | None) -> str:
    if status is None:
        raise SinkUnavailable("the archive gave no answer to the report: it is sent again under the same UID")
    meaning = next((one for one in MEANINGS if one.low <= status <= one.high), None)
    if meaning is None:
        raise SinkUnavailable(
            "the archive answered with a status DICOM does not know", status=f"{status:04X}"
        )
    if meaning.outcome is Outcome.STORED:
        return meaning.words
    kind = SinkUnavailable if meaning.outcome is Outcome.LATER else RefusedBySink
    raise kind(f"the report was not stored: {meaning.words}", status=f"{status:04X}")


@contextlib.contextmanager
def _associated(archive: Archive, sop_class: str) -> Iterator[Association]:
    """Hold an association; its connection is closed whatever the archive did first."""
    _config.LOG_HANDLER_LEVEL = "none"  # its words for people quote titles and UIDs of every message
    ours = AE(ae_title=archive.calling_ae_title)
    ours.acse_timeout = ours.dimse_timeout = ours.network_timeout = archive.seconds_max
    ours.connection_timeout = archive.seconds_max
    ours.add_requested_context(sop_class, list(TRANSFER_SYNTAXES))
    context = archive.tls_context()
    connections: list[socket.socket] = []

    def keep(event: evt.Event) -> None:
        wrapped = event.assoc.dul.socket
        if wrapped and wrapped.socket:
            connections.append(wrapped.socket)

    try:
        association = ours.associate(
            archive.host,
            archive.port,
            ae_title=archive.called_ae_title,
            tls_args=(context, archive.host) if context else None,
            evt_handlers=[(evt.EVT_CONN_OPEN, keep)],
        )
        if not association.is_established:
            _explain(association)
        try:
            yield association
        finally:
            if association.is_established:
                association.release()
    finally:
        for connection in connections:
            connection.close()


def _explain(association: Association) -> NoReturn:
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None and answer.result == REJECTED_FOR_GOOD:
        reason = "the archive rejects our association for good: check both AE titles in its configuration"
        raise RefusedBySink(reason, diagnostic=answer.diagnostic)
    if association.rejected_contexts:
        raise RefusedBySink(REASON_NOT_SUPPORTED)
    raise SinkUnavailable(
        "no association with the archive: check its address, port and TLS, and our AE title"
    )
