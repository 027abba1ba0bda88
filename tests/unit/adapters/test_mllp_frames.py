"""A stream becomes the same frames and the same broken pieces, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.inbound.mllp.frames import OUTSIDE_BYTES_MAX, Broken, Frame, FrameReader
from gem_integration.domain.arrival import QuarantineReason

A, B = b"MSH|^~\\&|A\r", b"MSH|^~\\&|B\r"
LIMIT, KEPT = 200, 50


def cut(stream: bytes, sizes: tuple[int, ...] = (), limit: int = LIMIT) -> list[Frame | Broken]:
    """Return the pieces of ``stream``, fed in parts of ``sizes`` in turn, and of its end."""
    reader = FrameReader(limit, KEPT)
    pieces, at, turn = [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)] if sizes else len(stream)
        pieces += reader.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    return [*pieces, *reader.accept(), *reader.give_up()]


def shapes(stream: bytes, **options: int) -> list[tuple[str, bytes]]:
    """Return reason (or "frame") and content of each piece."""
    return [
        (piece.reason.value if isinstance(piece, Broken) else "frame", piece.content)
        for piece in cut(stream, **options)
    ]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"\x0b" + A + b"\x1c\r", [("frame", A)]),
        (b"\x0b" + A + b"\x1c\r\x0b" + B + b"\x1c\r", [("frame", A), ("frame", B)]),
        (b"\x0b" + A + b"\x1c\r\r\n\x0b" + B + b"\x1c\r", [("frame", A), ("frame", B)]),
        (b"\x0b" + A + b"\x1c\n\x0b" + B + b"\x1c\r", [("frame", A), ("frame", B)]),
        (b"\x0b" + A + b"\x1c\x0b" + B + b"\x1c\r", [("frame", A), ("frame", B)]),
        (b"\x0b" + A + b"\x1c", [("frame", A)]),
        (b"GET / HTTP\r\n\x0b" + A + b"\x1c\r", [("outside_frame", b"GET / HTTP\r\n"), ("frame", A)]),
        (b"\x0b" + A + b"\x0b" + B + b"\x1c\r", [("no_end", A), ("frame", B)]),
        (b"\x0b" + A + b"a\x0bb\x1cc\r\x1c\r", [("frame", A + b"a\x0bb\x1cc\r")]),
        (b"\x0b" + A, [("half_frame", A)]),
        (b"\x0b\x1c\r", [("frame", b"")]),
        (A, [("outside_frame", A)]),
        (b"\r\n\r\n", []),
    ],
    ids=[
        "one frame",
        "two in one packet",
        "line ends between",
        "LF for CR",
        "no CR, next begins",
        "no CR at the end",
        "garbage first",
        "no FS",
        "VT and FS in text",
        "half a frame",
        "empty frame",
        "no frame at all",
        "only line ends",
    ],
)
def test_a_stream_is_cut_into_frames_and_what_is_none(stream, expected):
    """Each defect of framing costs its own bytes only, and they are named."""
    assert shapes(stream) == expected
    assert cut(stream, (1,)) == cut(stream)


def test_an_oversize_frame_is_refused_at_the_limit_and_the_next_is_read():
    """The beginning is kept, the rest counted, and the stream is in step again."""
    stream = b"\x0b" + A + b"x" * 1000 + b"\x1c\r\x0b" + B + b"\x1c\r"
    first, rest, frame = cut(stream)
    assert (first.reason, first.size_bytes, first.content) == (
        QuarantineReason.OVERSIZE,
        LIMIT,
        (A + b"x" * 1000)[:KEPT],
    )
    assert (rest.reason, rest.size_bytes) == (QuarantineReason.OVERSIZE_REST, len(A) + 1000 - LIMIT)
    assert frame.content == B


def test_an_oversize_frame_never_fills_the_memory():
    """Whatever comes without an end, the reader holds no more than one frame and one part."""
    reader = FrameReader(LIMIT, KEPT)
    reader.feed(b"\x0b")
    for _ in range(100):
        reader.feed(b"y" * 4096)
        assert reader.held_bytes <= LIMIT
    outside = FrameReader(LIMIT, KEPT)
    for _ in range(100):
        outside.feed(b"y" * 4096)
        assert outside.held_bytes <= OUTSIDE_BYTES_MAX + 4096


def test_a_frame_given_up_for_room_is_counted_to_its_end():
    """What was held is returned at once; what follows of the frame is the rest."""
    reader = FrameReader(LIMIT, KEPT)
    assert reader.feed(b"\x0b" + A + b"more") == []
    refused = reader.refuse(QuarantineReason.NO_ROOM)
    (rest, frame) = reader.feed(b"and more\x1c\r\x0b" + B + b"\x1c\r")
    assert refused.size_bytes + rest.size_bytes == len(A + b"moreand more")
    assert frame == Frame(content=B)


PARTS = st.lists(
    st.one_of(
        st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\n", b"\x1c\r", b"\x0bMSH|", b"MSH", b"MS", A, b"BHS"]),
        st.binary(max_size=60),
    ),
    max_size=40,
).map(b"".join)


@given(PARTS, st.lists(st.integers(1, 90), min_size=1, max_size=6).map(tuple))
def test_pieces_do_not_depend_on_packets(stream, sizes):
    """The network may cut anywhere; what is understood stays the same."""
    assert cut(stream, sizes) == cut(stream)


@given(PARTS)
def test_no_byte_vanishes(stream):
    """What is in pieces, with the marks between them, is what was fed."""
    counted = sum(
        piece.size_bytes if isinstance(piece, Broken) else len(piece.content) for piece in cut(stream)
    )
    marks = sum(stream.count(mark) for mark in (b"\x0b", b"\x1c", b"\r", b"\n"))
    assert len(stream) - marks <= counted <= len(stream)


@given(st.lists(st.binary(max_size=80).map(lambda text: text.translate(None, b"\x0b\x1c")), max_size=8))
def test_framed_contents_come_back(contents):
    """Contents without the marks pass unchanged, in order."""
    stream = b"".join(b"\x0b" + content + b"\x1c\r" for content in contents)
    assert cut(stream) == [Frame(content=content) for content in contents]
