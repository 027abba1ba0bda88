"""Dead letters in a row stop the consumer; single ones do not."""

from __future__ import annotations

from adapters.inbound.kafka.fuse import ANY, FUSE_LIMITS, Fuse


def blown_by(codes, limits=FUSE_LIMITS):
    """Return what blew a fuse; ``None`` among the codes is a message that was taken in."""
    fuse = Fuse(limits)
    for code in codes:
        fuse.taken_in() if code is None else fuse.dead_letter(code)
    return fuse.blown_by


def test_each_code_has_its_limit_and_any_code_has_one():
    """A bad release shows sooner than a feed in another format; both show."""
    limits = {ANY: 4, "defect": 2}
    assert blown_by(["defect"], limits) is None
    assert blown_by(["defect", "unreadable_message", "defect"], limits) == "defect"
    assert blown_by(["a", "b", "c", "d"], limits) == ANY


def test_a_message_taken_in_mends_the_row_but_no_blown_fuse():
    """Only starting again does that: a person has looked."""
    limits = {ANY: 2}
    assert blown_by(["a", None, "a"], limits) is None
    assert blown_by(["a", "a", None], limits) == ANY


def test_the_limits_name_real_codes():
    """A limit on a code that no error has would never act."""
    assert set(FUSE_LIMITS) <= {ANY, "defect", "unreadable_message"}
    assert all(limit > 1 for limit in FUSE_LIMITS.values())
