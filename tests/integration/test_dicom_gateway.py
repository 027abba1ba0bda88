"""DICOM peers send to the real gateway: what is durable is answered with success, and nothing else is."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt

from adapters.inbound.dicom_ecg import parse
from adapters.inbound.dimse import DimseSettings, Landing, landing_in, serve_dimse
from adapters.inbound.intake import Intake
from adapters.inbound.tls import TlsFiles
from adapters.writers.dicom_ecg import write
from gem_integration.domain.arrival import QuarantineReason
from gem_integration.domain.identity import Patient
from gem_integration.domain.study import ParseLimits
from gem_integration.errors import StorageUnavailable
from gem_integration.simulate import SCENARIOS, as_inbound, simulate
from tests.services.dcmtk import dcmtk

VERIFICATION = "1.2.840.10008.1.1"
TWELVE_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"
AMBULATORY = "1.2.840.10008.5.1.4.1.1.9.1.3"
READER = "rules|1|-|-|0"
STARTED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SECONDS_MAX = 20.0
FIRST = next(iter(SCENARIOS))


def ecg_file(scenario=FIRST, message_id="ECG-1"):
    """Return a simulated ECG as a DICOM file."""
    ecg = as_inbound(
        simulate(SCENARIOS[scenario]),
        patient=Patient(patient_id="P-7", family_name="Secret", given_name="Name"),
        started_at=STARTED_AT,
        message_id=message_id,
    )
    return write(ecg, "ecg")["ecg.dcm"]


@pytest.fixture(scope="module")
def ecg():
    """Return one simulated ECG, read back."""
    return dcmread(BytesIO(ecg_file()))


@pytest.fixture
def landing(sqlite_store, clock):
    """Return where the gateway puts what it gets: SQL, at once."""
    return landing_in(Intake(store=sqlite_store, reader_key=READER, limits=ParseLimits(), clock=clock))


class Gateway:
    """A running gateway."""

    def __init__(self, landing: Landing, settings: DimseSettings) -> None:
        self.port = 0
        self.stop = threading.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(
            target=serve_dimse, args=(settings, landing), kwargs={"stop": self.stop, "started": self._note}
        )
        self._thread.start()
        assert self._started.wait(SECONDS_MAX)

    def _note(self, port: int) -> None:
        self.port = port
        self._started.set()

    def end(self) -> float:
        """Stop it; return how long that took, in seconds."""
        began = time.monotonic()
        self.stop.set()
        self._thread.join(SECONDS_MAX)
        assert not self._thread.is_alive()
        return time.monotonic() - began


@pytest.fixture
def gateway(landing) -> Callable[..., Gateway]:
    """Return a function that starts a gateway; it is stopped when the test ends."""
    with contextlib.ExitStack() as stack:

        def start(into: Landing = landing, **changes: object) -> Gateway:
            fast = {"port": 0, "free_bytes_min": 1, "stop_seconds_max": 5.0, "ae_title": "ECGSCP"}
            running = Gateway(into, DimseSettings(**{**fast, **changes}))
            stack.callback(running.end)
            return running

        yield start


@contextlib.contextmanager
def association(gateway, *, calling="CART", called="ECGSCP", syntax=ExplicitVRLittleEndian, **more):
    """Open an association as a cart would, for as long as the block lasts."""
    peer = AE(ae_title=calling)
    peer.acse_timeout = peer.dimse_timeout = peer.network_timeout = SECONDS_MAX
    peer.add_requested_context(VERIFICATION)
    for sop_class in (TWELVE_LEAD, AMBULATORY):
        peer.add_requested_context(sop_class, syntax)
    wires = []
    noting = [(evt.EVT_CONN_OPEN, lambda event: wires.append(event.assoc.dul.socket.socket))]
    opened = peer.associate("127.0.0.1", gateway.port, ae_title=called, evt_handlers=noting, **more)
    try:
        yield opened
    finally:
        if opened.is_established:
            opened.release()
        for wire in wires:  # pynetdicom leaves it open where the other end was first
            wire.close()


def send(gateway, data_set: Dataset, **how) -> int | None:
    """Send one object; return the status, ``None`` where none came."""
    with association(gateway, **how) as opened:
        assert opened.is_established
        return opened.send_c_store(data_set).get("Status")


def encoded(data_set: Dataset, syntax: str) -> Dataset:
    """Return a copy of an object that is sent in ``syntax``."""
    packed = BytesIO()
    copy = dcmread(BytesIO(_bytes_of(data_set)))
    copy.file_meta.TransferSyntaxUID = syntax
    copy.save_as(packed, enforce_file_format=True)
    return dcmread(BytesIO(packed.getvalue()))


def _bytes_of(data_set: Dataset) -> bytes:
    packed = BytesIO()
    data_set.save_as(packed, enforce_file_format=True)
    return packed.getvalue()


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait until a condition holds."""
    deadline = time.monotonic() + SECONDS_MAX
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def counts(store) -> tuple[int, int, int]:
    """Return how many messages, studies and dead letters there are."""
    found = store.counts()
    return found["messages"], found["studies"], found["dead_letters"]


def test_an_echo_is_answered(gateway):
    """The first thing anyone tries."""
    with association(gateway()) as opened:
        assert opened.send_c_echo().Status == 0x0000


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]
)
def test_an_ecg_sent_in_any_syntax_ends_as_a_study(gateway, sqlite_store, ecg, syntax):
    """Success means that it is stored, under its patient, with the signal that was sent."""
    assert send(gateway(), encoded(ecg, syntax), syntax=syntax) == 0x0000
    assert counts(sqlite_store) == (1, 1, 0)
    study_id = sqlite_store.worklist()[0].study_id
    study = sqlite_store.study(study_id)
    assert study.ecg.sop_instance_uid == ecg.SOPInstanceUID
    assert study.ecg.patient.patient_id == "P-7"


def test_what_is_stored_is_a_file_that_reads_back(gateway, sqlite_store, ecg):
    """The bytes kept can be parsed again, by us and by others."""
    send(gateway(), ecg)
    study = sqlite_store.study(sqlite_store.worklist()[0].study_id)
    content = sqlite_store.blob(study.message_sha256)
    again = dcmread(BytesIO(content))
    assert again.file_meta.SourceApplicationEntityTitle == "CART"
    assert again.WaveformSequence[0].WaveformData == ecg.WaveformSequence[0].WaveformData
    assert parse(content, ParseLimits())[0].recording.digest_bytes() == study.ecg.recording.digest_bytes()


def test_an_ecg_sent_again_in_any_syntax_is_the_same_study(gateway, sqlite_store, ecg):
    """A sender that got no answer sends again, and may encode anew; there is one study and one read."""
    running = gateway()
    for syntax in (ExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        assert send(running, encoded(ecg, syntax), syntax=syntax) == 0x0000
    assert counts(sqlite_store)[1:] == (1, 0)
    assert sqlite_store.counts()["jobs_queued"] == 1


def test_many_associations_at_once_lose_nothing(gateway, sqlite_store):
    """Each of several carts gets its own answer, and each ECG its own study."""
    files = [dcmread(BytesIO(ecg_file(name, f"ECG-{name}"))) for name in list(SCENARIOS)[:4]]
    running = gateway()
    answers: list[int | None] = []
    senders = [threading.Thread(target=lambda one=one: answers.append(send(running, one))) for one in files]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert answers == [0x0000] * 4
    assert counts(sqlite_store) == (4, 4, 0)


def test_an_ambulatory_ecg_is_kept_with_the_reason_it_is_not_read(gateway, sqlite_store, ecg):
    """The sender hears of it, and so does whoever looks here."""
    other = dcmread(BytesIO(_bytes_of(ecg)))
    other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = AMBULATORY
    assert send(gateway(), other) == 0xA900
    (letter,) = sqlite_store.dead_letters()
    assert letter.code == "unsupported_recording"
    assert sqlite_store.blob(letter.blob_sha256)


def test_an_object_nobody_can_read_is_kept_as_a_dead_letter(gateway, sqlite_store, ecg):
    """A failure is answered after the bytes are kept."""
    broken = dcmread(BytesIO(_bytes_of(ecg)))
    del broken.WaveformSequence
    assert send(gateway(), broken) == 0xC000
    assert counts(sqlite_store) == (0, 0, 1)


def test_a_deflated_bomb_is_never_inflated_whole(gateway, sqlite_store, ecg):
    """A megabyte that would become a gigabyte is a dead letter, not a full memory."""
    bomb = dcmread(BytesIO(_bytes_of(ecg)))
    bomb.WaveformSequence[0].WaveformData = bytes(120 * 1024 * 1024)
    bomb.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert send(gateway(), bomb, syntax=DeflatedExplicitVRLittleEndian) == 0xC000
    (letter,) = sqlite_store.dead_letters()
    assert "inflates" in letter.reason
    assert len(sqlite_store.blob(letter.blob_sha256)) < 1024 * 1024


@pytest.mark.parametrize(
    ("how", "admitted"),
    [
        ({"calling": "CART"}, True),
        ({"calling": "STRANGER"}, False),
        ({"called": "OTHER"}, False),
    ],
)
def test_only_known_titles_may_send_and_only_to_us(gateway, how, admitted):
    """A stranger, or a message for someone else, gets no association."""
    with association(gateway(calling_ae_titles=("CART", "OTHER_CART")), **how) as opened:
        assert opened.is_established == admitted
        assert opened.is_rejected != admitted


def test_one_peer_has_only_so_many_associations(gateway):
    """A peer that opens ever more is told that it has its share, and may go on with those it has."""
    running = gateway(associations_per_peer_max=2)
    with association(running) as first, association(running) as second:
        with association(running) as third:
            assert third.is_rejected
        assert first.send_c_echo().Status == second.send_c_echo().Status == 0x0000
    assert eventually(lambda: _is_admitted(running))


def test_all_peers_together_have_only_so_many_associations(gateway):
    """The total has a limit of its own."""
    running = gateway(associations_max=1)
    with association(running) as first, association(running) as second:
        assert first.is_established
        assert second.is_rejected


def test_idle_connections_beyond_the_caps_cost_nothing_and_others_are_served(gateway):
    """Connections that say nothing are turned away at the door, or end by themselves."""
    running = gateway(associations_per_peer_max=2, association_seconds_max=0.5)
    idle = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(30)]
    try:
        assert eventually(lambda: _is_admitted(running))
    finally:
        for one in idle:
            one.close()


def _is_admitted(running) -> bool:
    with association(running) as opened:
        return opened.is_established


def test_half_a_header_does_not_hold_a_connection(gateway):
    """A peer that begins a PDU and falls silent is left in time."""
    running = gateway(pdu_seconds_max=0.3, association_seconds_max=0.5)
    with socket.create_connection(("127.0.0.1", running.port)) as slow:
        slow.sendall(b"\x01\x00\x00")
        slow.settimeout(SECONDS_MAX)
        assert slow.recv(10) == b""


def test_a_pdu_of_gigabytes_is_refused_at_its_header(gateway):
    """The length a peer announces is not believed."""
    running = gateway()
    with socket.create_connection(("127.0.0.1", running.port)) as greedy:
        greedy.sendall(struct.pack(">BxL", 1, 0xFFFFFFF0))
        greedy.settimeout(SECONDS_MAX)
        assert greedy.recv(1) == b"\x07"


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\nHost: ecg\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\x0bMSH|^~\\&|A|B\r\x1c\r",
        struct.pack(">BxL", 1, 200) + bytes(200),
        struct.pack(">BxL", 1, 68) + b"\x00\x01\x00\x00" + b"\xff" * 64,
        struct.pack(">BxL", 4, 6) + struct.pack(">LBB", 2, 1, 3),
        struct.pack(">BxL", 5, 4) + bytes(4),
        struct.pack(">BxL", 7, 4) + bytes(4),
        struct.pack(">BxL", 4, 0),
    ],
)
def test_noise_ends_its_own_connection_and_no_other(gateway, noise):
    """Scanners, other protocols and broken PDUs are left; the next cart is served."""
    running = gateway(association_seconds_max=0.5, pdu_seconds_max=0.5)
    with socket.create_connection(("127.0.0.1", running.port), SECONDS_MAX) as scanner:
        scanner.sendall(noise)
        with contextlib.suppress(ConnectionResetError):
            while scanner.recv(1000):
                pass
    assert _is_admitted(running)


@pytest.mark.parametrize(
    "command",
    [
        b"",
        bytes(60),
        struct.pack("<HHIH", 0, 0x0100, 2, 0x7777) + struct.pack("<HHIH", 0, 0x0800, 2, 0x0101),
    ],
)
def test_a_command_that_is_none_ends_its_association_and_no_thread(gateway, command):
    """A broken command set is answered with an abort, and the next cart is served."""
    running = gateway()
    with association(running) as opened:
        wire = opened.dul.socket.socket
        context_id = opened.accepted_contexts[-1].context_id
        item = struct.pack(">LBB", len(command) + 2, context_id, 3) + command
        wire.sendall(struct.pack(">BxL", 4, len(item)) + item)
        assert eventually(lambda: not opened.is_established)
    assert _is_admitted(running)


def test_an_object_too_large_is_cut_off_and_its_beginning_kept(gateway, sqlite_store, ecg):
    """It is not received to its end, and that it came is known."""
    large = dcmread(BytesIO(_bytes_of(ecg)))
    large.WaveformSequence[0].WaveformData = bytes(4 * 1024 * 1024)
    running = gateway(object_bytes_max=1024 * 1024, kept_bytes_max=1000)
    with association(running) as opened:
        assert "Status" not in opened.send_c_store(large)
    assert eventually(lambda: bool(sqlite_store.quarantined()))
    (kept,) = sqlite_store.quarantined()
    assert (kept.reason, len(kept.content), kept.source) == (QuarantineReason.OVERSIZE, 1000, "dimse:CART")
    assert kept.size_bytes > 1024 * 1024
    assert counts(sqlite_store) == (0, 0, 0)


def test_storage_away_is_answered_with_out_of_resources(gateway, landing, ecg):
    """Not stored, not acknowledged: the sender sends again later."""

    def away(_: object) -> None:
        raise StorageUnavailable("the database cannot be reached")

    without = Landing(take=away, quarantine=away, clock=landing.clock)
    assert send(gateway(without), ecg) == 0xA700


def test_a_full_disk_is_answered_before_it_is_full(gateway, sqlite_store, ecg, tmp_path):
    """Below the watermark nothing is taken, and the next one after it is."""
    assert send(gateway(free_bytes_min=1 << 60, watched_folders=(tmp_path,)), ecg) == 0xA700
    assert counts(sqlite_store) == (0, 0, 0)
    assert send(gateway(free_bytes_min=1, watched_folders=(tmp_path,)), ecg) == 0x0000


def test_our_own_failure_keeps_the_bytes_and_the_gateway_goes_on(gateway, landing, sqlite_store, ecg):
    """A defect is answered as a failure; the object lies in quarantine for whoever mends it."""

    def fail(_: object) -> None:
        raise RuntimeError("a defect")

    running = gateway(Landing(take=fail, quarantine=landing.quarantine, clock=landing.clock))
    assert send(running, ecg) >= 0xC000
    (kept,) = sqlite_store.quarantined()
    assert kept.reason is QuarantineReason.DEFECT
    assert parse(kept.content, ParseLimits())[0].sop_instance_uid == ecg.SOPInstanceUID
    assert _is_admitted(running)


def test_logs_hold_no_patient_data(gateway, ecg, caplog):
    """Neither ours nor the library's lines quote what was sent."""
    caplog.set_level("WARNING")
    broken = dcmread(BytesIO(_bytes_of(ecg)))
    del broken.WaveformSequence
    send(gateway(), broken)
    lines = caplog.text
    assert "Secret" not in lines
    assert "P-7" not in lines


def test_a_stop_ends_idle_associations_at_once_and_lets_an_object_finish(gateway, landing, ecg):
    """What is being stored gets its answer; nothing new begins."""
    entered, go_on = threading.Event(), threading.Event()

    def slowly(message: object) -> object:
        entered.set()
        assert go_on.wait(SECONDS_MAX)
        return landing.take(message)

    running = gateway(Landing(take=slowly, quarantine=landing.quarantine, clock=landing.clock))
    answers: list[int | None] = []
    sender = threading.Thread(target=lambda: answers.append(send(running, ecg)))
    sender.start()
    assert entered.wait(SECONDS_MAX)
    running.stop.set()
    time.sleep(0.5)
    go_on.set()
    sender.join(SECONDS_MAX)
    assert answers == [0x0000]
    assert running.end() < 5.0


def test_a_stop_does_not_wait_for_a_peer_that_sends_nothing_more(gateway, sqlite_store):
    """Half an object from a silent peer holds the stop no longer than its limit, and is counted."""
    running = gateway(stop_seconds_max=0.5)
    with association(running) as opened:
        wire = opened.dul.socket.socket
        context_id = opened.accepted_contexts[-1].context_id
        fragment = bytes(1000)
        item = struct.pack(">LBB", len(fragment) + 2, context_id, 0) + fragment
        wire.sendall(struct.pack(">BxL", 4, len(item)) + item)
        time.sleep(0.2)
        assert running.end() < 5.0
    assert [kept.reason for kept in sqlite_store.quarantined()] == [QuarantineReason.HALF_FRAME]


SERVER = """
import signal, sys, threading
from pathlib import Path
from adapters.inbound.dimse import DimseSettings, landing_in, serve_dimse
from adapters.inbound.intake import Intake
from gem_integration.clock import SystemClock
from gem_integration.domain.study import ParseLimits
from gem_integration.storage import Store

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
clock = SystemClock()
store = Store.open(sys.argv[1], clock=clock)
intake = Intake(store=store, reader_key="r", limits=ParseLimits(), clock=clock)
settings = DimseSettings(port=0, ae_title="ECGSCP", stop_seconds_max=5.0)
serve_dimse(settings, landing_in(intake), stop=stop, started=lambda port: print(port, flush=True))
"""


def test_sigterm_during_a_stream_of_objects_loses_nothing_acknowledged(sqlite_store, tmp_path):
    """Every object that was answered with success is stored after the process has gone."""
    files = [dcmread(BytesIO(ecg_file(name, f"ECG-{name}"))) for name in list(SCENARIOS)[:6]]
    url = f"sqlite:///{tmp_path / 'gem.db'}"
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVER, url],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    running = type("Running", (), {"port": int(process.stdout.readline())})
    acknowledged = 0
    with association(running) as opened:
        for number, one in enumerate(files):
            if not opened.is_established:
                break
            if number == 3:
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(RuntimeError):
                acknowledged += opened.send_c_store(one).get("Status") == 0x0000
    assert process.wait(SECONDS_MAX) == 0
    process.stdout.close()
    assert 3 <= acknowledged <= counts(sqlite_store)[1]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    """Make a certificate that is its own authority."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=localhost", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder


def test_under_mutual_tls_only_a_known_certificate_may_send(gateway, sqlite_store, ecg, certificates):
    """With a client CA, a peer without a certificate gets no association, and does not hold the door."""
    cert, key = certificates / "cert.pem", certificates / "key.pem"
    running = gateway(tls=TlsFiles(certificate=cert, key=key, client_ca=cert), handshake_seconds_max=2.0)
    known, unknown = ssl.create_default_context(cafile=cert), ssl.create_default_context(cafile=cert)
    known.load_cert_chain(cert, key)
    with socket.create_connection(("127.0.0.1", running.port)):  # silent: no handshake
        assert _is_turned_away(running, unknown)
        assert send(running, ecg, tls_args=(known, "127.0.0.1")) == 0x0000
    assert counts(sqlite_store) == (1, 1, 0)


def _is_turned_away(running, context: ssl.SSLContext) -> bool:
    """Say whether a TLS client is dropped before it is heard; TLS 1.3 tells it at its first read."""
    with socket.create_connection(("127.0.0.1", running.port), SECONDS_MAX) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                return connection.recv(1) == b""
        except OSError:
            return True


@pytest.mark.service
@pytest.mark.parametrize(
    "command",
    [
        ["storescu", "-xe"],
        ["storescu", "-xi"],
        ["storescu", "-xd"],
        ["dcmsend"],
    ],
)
def test_an_independent_peer_sends_to_us(gateway, sqlite_store, tmp_path, command):
    """DCMTK's senders are understood, in each syntax, twice over."""
    path = tmp_path / "ecg.dcm"
    path.write_bytes(ecg_file())
    running = gateway()
    program, *options = command
    for _ in range(2):
        sent = [dcmtk(program), *options, "-aec", "ECGSCP", "127.0.0.1", str(running.port), str(path)]
        subprocess.run(sent, check=True, timeout=SECONDS_MAX)
    assert counts(sqlite_store) == (1, 1, 0)


@pytest.mark.service
def test_an_independent_peer_hears_our_echo(gateway):
    """DCMTK's echo is answered."""
    echo = [dcmtk("echoscu"), "-aec", "ECGSCP", "127.0.0.1", str(gateway().port)]
    subprocess.run(echo, check=True, timeout=SECONDS_MAX)
