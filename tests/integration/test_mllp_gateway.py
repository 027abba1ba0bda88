"""The MLLP gateway over real sockets and a real store: every promise of an acknowledgement is kept."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.inbound.mllp.ack import Outcome
from adapters.inbound.mllp.settings import Acceptable, Peer
from adapters.inbound.mllp.take import Taken
from adapters.writers import WRITERS
from gem_integration.domain.identity import content_hash
from gem_integration.errors import StorageUnavailable
from gem_integration.storage import Store
from tests.services.mllp import QUICK, SECONDS_MAX, Gateway, code, framed, order, running, segments
from tests.services.stores import SetClock


@pytest.fixture
def start(sqlite_store: Store, clock: SetClock):
    """Return a starter of gateways on SQLite; keyword arguments change its settings."""
    return lambda prepare=None, **changes: running(sqlite_store, clock, replace(QUICK, **changes), prepare)


@pytest.fixture
def gateway(start) -> Iterator[Gateway]:
    """Run a gateway with quick limits."""
    with start() as opened:
        yield opened


def test_an_order_is_acknowledged_and_stored(store: Store, clock: SetClock):
    """AA names the message; its bytes and what they carry are in the database, on each dialect."""
    with running(store, clock, QUICK, None) as gateway:
        reply = gateway.sender().ask(order())
    assert code(reply) == ("AA", "M1")
    assert reply["MSH"][3:7] == ["GEM", "LAB", "HIS", "WARD"]
    assert reply["MSH"][9] == "ACK^O01^ACK"
    given = store.acknowledgement("mllp:loopback/HIS/WARD", "M1")
    assert given is not None
    assert given.code == "AA"
    assert store.blob(content_hash(order())) == order()
    assert store.counts()["orders"] == 1


def test_an_ecg_becomes_a_study(start, make_delivery):
    """A waveform message goes the whole way of receiving before its AA."""
    (content,) = WRITERS["hl7"](make_delivery().study.ecg, "x").values()
    with start(frame_bytes_max=1 << 20) as gateway:
        assert code(gateway.sender().ask(content)) == ("AA", "MSG00001")
        assert gateway.store.counts()["jobs_queued"] == 1


def test_a_repeat_gets_the_original_answer_and_has_one_effect(gateway: Gateway, clock: SetClock):
    """The same bytes under the same id: the same acknowledgement, byte for byte, whenever it comes."""
    sender = gateway.sender()
    sender.send(framed(order()))
    first = sender.raw_reply()
    clock.advance(3600)
    for again in (sender, gateway.sender()):
        again.send(framed(order()))
        assert again.raw_reply() == first
    assert gateway.store.counts()["orders"] == 1
    (row,) = gateway.store.view("v_acknowledgements")
    assert row["repeats"] == 2


def test_a_flood_of_one_message_has_one_effect(gateway: Gateway):
    """Ten connections repeat one message a hundred times each, and all hear the same."""
    senders = [gateway.sender() for _ in range(10)]
    for sender in senders:
        sender.send(framed(order()) * 100)
    assert len({sender.raw_reply() for sender in senders for _ in range(100)}) == 1
    assert gateway.store.counts()["orders"] == 1


def test_other_bytes_under_an_answered_id_are_a_conflict(gateway: Gateway):
    """They are refused as a duplicate key and kept in quarantine; the original stands."""
    sender = gateway.sender()
    assert code(sender.ask(order())) == ("AA", "M1")
    refused = sender.ask(order(control="CA"))
    assert code(refused) == ("AE", "M1")
    assert refused["ERR"][3] == "205^Duplicate key identifier^HL70357"
    assert [(reason, content) for reason, content, _ in gateway.quarantined()] == [
        ("conflict", order(control="CA"))
    ]
    assert code(sender.ask(order())) == ("AA", "M1")


@pytest.mark.parametrize(
    ("msh", "expected"),
    [
        ({}, ["AA"]),
        ({15: "AL", 16: "AL"}, ["CA", "AA"]),
        ({15: "AL", 16: "NE"}, ["CA"]),
        ({15: "NE", 16: "AL"}, ["AA"]),
        ({15: "SU", 16: "ER"}, ["CA"]),
        ({15: "AL"}, ["CA"]),
        ({9: "ADT^A01"}, ["AR"]),
        ({9: "ADT^A01", 15: "AL", 16: "AL"}, ["CR"]),
        ({9: "ADT^A01", 15: "NE", 16: "AL"}, ["AR"]),
        ({12: "3.0"}, ["AR"]),
        ({11: "T"}, ["AR"]),
        ({11: "T", 15: "ER", 16: "NE"}, ["CR"]),
    ],
)
def test_each_sender_hears_what_it_asked_for(gateway: Gateway, msh, expected):
    """Original and enhanced mode, by MSH-15 and MSH-16; CR and AR for what we do not take."""
    sender = gateway.sender()
    sender.send(framed(order(msh=msh)))
    assert [code(sender.reply())[0] for _ in expected] == expected
    assert code(sender.ask(order(2))) == ("AA", "M2")


@pytest.mark.parametrize(
    ("condition", "expected"), [(("", ""), ["AE"]), (("AL", "AL"), ["CA", "AE"]), (("AL", "NE"), ["CE"])]
)
def test_content_that_cannot_be_used_is_an_error_of_the_message(gateway: Gateway, condition, expected):
    """Its bytes are a dead letter; a CA alone never stands for a message that is not used."""
    accept, application = condition
    content = order(msh={15: accept, 16: application} if accept else {}, control="")
    sender = gateway.sender()
    sender.send(framed(content))
    assert [code(sender.reply())[0] for _ in expected] == expected
    (letter,) = gateway.store.dead_letters()
    assert gateway.store.blob(letter.blob_sha256) == content


def test_a_sender_that_wants_no_answer_gets_none(gateway: Gateway):
    """NE twice is silence, and the message is stored all the same."""
    sender = gateway.sender()
    sender.send(framed(order(msh={15: "NE", 16: "NE"}), order(2)))
    assert code(sender.reply()) == ("AA", "M2")
    assert gateway.store.counts()["orders"] == 2


def test_an_acknowledgement_is_never_acknowledged(gateway: Gateway):
    """Two systems that acknowledge each other's acknowledgements would never end."""
    sender = gateway.sender()
    sender.send(framed(order(msh={9: "ACK^O01^ACK"}), order(2)))
    assert code(sender.reply()) == ("AA", "M2")
    assert [reason for reason, _, _ in gateway.quarantined()] == ["unacceptable"]


def test_the_reply_keeps_the_senders_delimiters_and_character_set(gateway: Gateway):
    """Bytes of the header come back as they came, MSH-18 too; an error says why in ASCII."""
    header = "MSH$!~\\&$KLINIK\xc4$S\xfcd$$$20260301$$ADT!A01$\xd6-1$P$2.3$$$$$$8859/1\r".encode("latin-1")
    sender = gateway.sender()
    sender.send(framed(header))
    raw = sender.raw_reply()
    reply = segments(raw)
    assert reply["MSH"][2] == "!~\\&"
    assert reply["MSH"][5:7] == ["KLINIK\xc4", "S\xfcd"]
    assert reply["MSH"][18] == "8859/1"
    assert code(reply) == ("AR", "\xd6-1")
    assert reply["ERR"][1] == "MSH!1!9!200&Unsupported message type&HL70357"


def test_a_message_in_wide_characters_is_answered_in_them(gateway: Gateway):
    """UTF-16 has no place in MLLP, and yet it comes."""
    sender = gateway.sender()
    sender.send(b"\x0b" + order().decode().encode("utf-16-le") + b"\x1c\r")
    assert code(segments(sender.raw_reply().decode("utf-16-le").encode())) == ("AA", "M1")


def test_a_batch_is_counted_and_answered_as_a_batch(gateway: Gateway):
    """One acknowledgement a message, between a header that names the batch and a trailer that counts."""
    batch = b"BHS|^~\\&|HIS|WARD|GEM|LAB|20260301||||B7\r" + order(1) + order(2)
    sender = gateway.sender()
    sender.send(framed(batch + b"BTS|2\r"))
    raw = sender.raw_reply().decode()
    assert [line[:3] for line in raw.rstrip("\r").split("\r")] == ["BHS", "MSH", "MSA", "MSH", "MSA", "BTS"]
    assert segments(raw.encode())["BHS"][12] == "B7"
    assert segments(raw.encode())["BTS"][1] == "2"
    assert raw.count("MSA|AA|M") == 2
    assert gateway.store.counts()["orders"] == 2
    wrong = batch.replace(b"B7", b"B8") + b"BTS|3\r"
    sender.send(framed(wrong))
    assert sender.raw_reply().decode().count("MSA|AE|M") == 2
    assert len(gateway.store.dead_letters()) == 1


def test_a_frame_byte_by_byte_and_two_frames_in_one_packet(gateway: Gateway):
    """Packets mean nothing; frames are answered in their order."""
    sender = gateway.sender()
    for at in range(len(framed(order()))):
        sender.send(framed(order())[at : at + 1])
    assert code(sender.reply()) == ("AA", "M1")
    sender.send(framed(order(2), order(3)))
    assert [code(sender.reply())[1] for _ in range(2)] == ["M2", "M3"]


@pytest.mark.parametrize(
    ("raw", "quarantined"),
    [
        (b"\x0b" + order() + b"\x1c", []),
        (b"\x0b" + order() + b"\x1c\n\r\n", []),
        (b"GET /\r\n" + framed(order()), [("outside_frame", b"GET /\r\n")]),
        (b"\x0b" + order(9) + framed(order()), [("no_end", order(9))]),
        (framed(order()[:-1] + b"|\x0bx\r"), []),
    ],
    ids=["no CR", "LF", "garbage first", "no FS", "VT inside"],
)
def test_a_broken_frame_costs_its_own_bytes_only(gateway: Gateway, raw, quarantined):
    """The whole frame is answered, what was no frame is kept, and the connection goes on."""
    sender = gateway.sender()
    sender.send(raw)
    assert code(sender.reply()) == ("AA", "M1")
    assert code(sender.ask(order(2))) == ("AA", "M2")
    if quarantined:
        assert [(reason, content) for reason, content, _ in gateway.quarantined()] == quarantined


def test_half_a_frame_and_silence_is_closed_and_kept(gateway: Gateway):
    """No answer is better than a wrong one: the sender sends again."""
    sender = gateway.sender()
    sender.send(b"\x0b" + order())
    assert sender.is_closed()
    assert gateway.quarantined() == [("half_frame", order(), len(order()))]
    sender = gateway.sender()
    sender.send(b"\x0b" + order(2))
    sender.socket.close()
    deadline_s = time.monotonic() + SECONDS_MAX
    while len(gateway.quarantined()) < 2:
        assert time.monotonic() < deadline_s


def test_a_frame_without_a_header_is_refused_and_kept(gateway: Gateway):
    """Bytes that are no HL7 at all still get an answer and a row."""
    sender = gateway.sender()
    refused = sender.ask(b"\xff\xfe\x00 not HL7")
    assert code(refused) == ("AE", "")
    assert gateway.quarantined() == [("no_header", b"\xff\xfe\x00 not HL7", 11)]
    assert code(sender.ask(order())) == ("AA", "M1")


def test_an_oversize_frame_is_refused_early_and_the_stream_goes_on(gateway: Gateway):
    """AE comes before the frame has ended; its beginning is kept and every byte counted."""
    sender = gateway.sender()
    huge = order() + b"NTE|1||" + b"x" * 200_000
    sender.send(b"\x0b" + huge)
    assert code(sender.reply()) == ("AE", "M1")
    sender.send(b"\x1c\r" + framed(order(2)))
    assert code(sender.reply()) == ("AA", "M2")
    found = {reason: size for reason, _, size in gateway.quarantined()}
    assert found["oversize"] + found["oversize_rest"] == len(huge)


def test_an_oversize_frame_without_a_header_closes(gateway: Gateway):
    """Nobody could make sense of an answer."""
    sender = gateway.sender()
    sender.send(b"\x0b" + b"x" * 100_000)
    assert sender.is_closed()
    assert gateway.quarantined()[0][0] == "oversize"


def test_too_many_broken_pieces_close(start):
    """A peer that speaks another protocol is not listened to for ever."""
    with start(broken_pieces_max=3) as gateway:
        sender = gateway.sender()
        sender.send(b"a\x0bb\x0bMSHc\x1c\r" * 3)
        sender.socket.settimeout(SECONDS_MAX)
        replies = b""
        while arrived := sender.socket.recv(65536):
            replies += arrived
        assert replies.count(b"MSA|AE|") == 3


def test_large_frames_without_room_are_put_off(start):
    """What all connections hold is bounded; who comes too many may send again later."""
    with start(frame_bytes_max=8 << 20, held_bytes_max=2 << 20, frame_seconds_max=10.0) as gateway:
        sender = gateway.sender()
        sender.send(b"\x0b" + order() + b"NTE|1||" + b"x" * (3 << 20))
        assert code(sender.reply()) == ("AR", "M1")
        sender.send(b"\x1c\r" + framed(order(2)))
        assert code(sender.reply()) == ("AA", "M2")


def test_idle_and_slow_peers_are_closed_and_others_served(start):
    """Silence, dripping bytes and too many connections hold nobody else up."""
    with start(idle_seconds_max=0.3, connections_per_peer_max=5) as gateway:
        idle = [gateway.sender() for _ in range(4)]
        slow = gateway.sender()
        slow.send(b"\x0bMSH")
        assert gateway.sender().is_closed()
        assert all(sender.is_closed() for sender in idle)
        assert slow.is_closed()
        assert code(gateway.sender().ask(order())) == ("AA", "M1")
    assert gateway.counts["connections_too_many_of_peer"] == 1


def test_a_peer_that_never_reads_its_answers_is_closed(start):
    """What waits to be read is bounded; others are served meanwhile."""
    headers = b"".join(b"MSH|^~\\&|||||||ADT^A01|%d|P|2.5\r" % number for number in range(1000))
    with start() as gateway:
        deaf = gateway.sender(receive_buffer_bytes=4096)
        deaf.socket.settimeout(0.2)
        with pytest.raises(ConnectionError):
            deaf.send_for_ever(framed(b"BHS|^~\\&\r" + headers))
        assert code(gateway.sender().ask(order())) == ("AA", "M1")


def test_only_admitted_peers_are_heard(start):
    """Anyone else is closed before a byte is read."""
    with start(peers=(Peer(name="carts", networks=("192.0.2.0/24",)),)) as gateway:
        assert gateway.sender().is_closed()
    assert gateway.counts["connections_not_admitted"] == 1


def test_processing_ids_of_tests_are_taken_where_told(start):
    """A test system sets what it takes."""
    with start(acceptable=Acceptable(processing_ids=frozenset({"P", "T"}))) as gateway:
        assert code(gateway.sender().ask(order(msh={11: "T"}))) == ("AA", "M1")


def kept(message):
    """Return the work of a gateway that keeps the bytes of ``message`` and no more."""

    def settle(work):
        work.keep_bytes(message)
        return Taken(outcome=Outcome.ACCEPTED)

    return settle


def test_nothing_is_acknowledged_that_is_not_durable(start):
    """While nothing can be stored every sender is put off (AR, CE); then the same message is taken."""
    away = threading.Event()
    away.set()

    async def prepare(message):
        if away.is_set():
            raise StorageUnavailable("away")
        return kept(message)

    with start(prepare) as gateway:
        sender = gateway.sender()
        assert code(sender.ask(order())) == ("AR", "M1")
        assert code(sender.ask(order(2, msh={15: "AL", 16: "AL"}))) == ("CE", "M2")
        assert gateway.store.acknowledgement("mllp:loopback/HIS/WARD", "M1") is None
        away.clear()
        assert code(sender.ask(order())) == ("AA", "M1")
    assert gateway.counts["bytes_not_stored"] > 0


def test_below_the_watermark_nothing_is_taken(start, tmp_path: Path):
    """The disk is never filled to its end by what arrives."""
    with start(watched_folders=(tmp_path,), free_bytes_min=1 << 60) as gateway:
        sender = gateway.sender()
        assert code(sender.ask(order())) == ("AR", "M1")
        assert gateway.store.counts()["orders"] == 0


def test_a_defect_is_answered_and_kept_and_its_neighbours_are_taken(start):
    """One message that our program fails on costs only itself."""

    async def prepare(message):
        def settle(work):
            if b"|M1|" in message.content:
                raise ZeroDivisionError
            return kept(message)(work)

        return settle

    with start(prepare) as gateway:
        senders = [gateway.sender() for _ in range(4)]
        for number, sender in enumerate(senders, start=1):
            sender.send(framed(order(number)))
        assert [code(sender.reply())[0] for sender in senders] == ["AE", "AA", "AA", "AA"]
        assert [reason for reason, _, _ in gateway.quarantined()] == ["defect"]


def test_stopping_finishes_the_frame_under_way(start):
    """No new connection, no new frame; what had begun is answered, what has no end is kept."""
    with start(frame_seconds_max=20.0) as gateway:
        idle, begun, silent = (gateway.sender() for _ in range(3))
        assert code(idle.ask(order(7))) == ("AA", "M7")
        begun.send(framed(order())[:20])
        silent.send(framed(order(2))[:-2])
        time.sleep(0.2)
        gateway.stop.set()
        assert idle.is_closed()
        with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system has it
            socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS_MAX)
        begun.send(framed(order())[20:])
        assert code(begun.reply()) == ("AA", "M1")
        assert begun.is_closed()
        assert silent.is_closed()
    assert gateway.quarantined() == [("half_frame", order(2), len(order(2)))]
