"""Only what is done, and everything before it, is committed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.inbound.kafka.progress import Progress


@given(st.lists(st.integers(1, 3), min_size=1, max_size=30), st.randoms())
def test_the_offset_to_commit_is_that_of_the_first_record_still_open(steps, random):
    """Whatever order work ends in, and whatever offsets are missing."""
    offsets = [100 + sum(steps[: number + 1]) for number in range(len(steps))]
    progress = Progress()
    for offset in offsets:
        progress.begin(offset)
    still_open = list(offsets)
    for offset in random.sample(offsets, len(offsets)):
        progress.end(offset)
        still_open.remove(offset)
        first_open = still_open[0] if still_open else offsets[-1] + 1
        assert progress.to_commit == (None if first_open == offsets[0] else first_open)


def test_nothing_is_to_commit_before_anything_has_begun_or_changed():
    """A commit says something new, or is not made."""
    progress = Progress()
    assert progress.to_commit is None
    progress.expect(7)
    assert progress.to_commit is None
    progress.begin(7)
    progress.end(7)
    assert progress.to_commit == 8
    progress.committed(8)
    assert progress.to_commit is None


def test_offsets_that_are_missing_are_counted():
    """Messages deleted before they were read must not go unseen."""
    progress = Progress()
    progress.expect(10)
    assert [progress.begin(offset) for offset in (10, 11, 15)] == [0, 0, 3]


def test_a_new_group_misses_nothing():
    """Without a committed offset the first record is the first."""
    progress = Progress()
    progress.expect(None)
    assert progress.is_new
    assert progress.begin(500) == 0


def test_the_first_open_record_can_be_let_go():
    """What waits behind it may then be committed."""
    progress = Progress()
    for offset in (1, 2, 3):
        progress.begin(offset)
    progress.end(2)
    assert (progress.span, progress.to_commit) == (3, None)
    progress.end_first()
    assert (progress.span, progress.to_commit) == (1, 3)
