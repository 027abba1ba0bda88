"""How far the work on a partition has come, and what of it may be committed."""

from __future__ import annotations

from collections import deque


class Progress:
    """One ownership of one partition: which offsets were begun and which have ended.

    Work ends in any order; only the offsets before the first one still open may be committed. Not for
    several threads at once.
    """

    def __init__(self) -> None:
        self._begun: deque[int] = deque()
        self._ended: set[int] = set()
        self._next: int | None = None
        self._committed: int | None = None
        self.is_over = False  #: the partition went to another consumer: what still ends counts no more

    def begin(self, offset: int) -> int:
        """Take up a record; return how many offsets lie between it and the one before it.

        Offsets of a topic without transactions and compaction have no gaps: a gap is lost messages.
        """
        if self._next is None:
            self._next = self._committed = offset
        missing = max(offset - self._next, 0)
        self._begun.append(offset)
        self._next = offset + 1
        return missing

    def expect(self, offset: int | None) -> None:
        """Say which offset should come first: the one after the last that was committed."""
        self._next = self._committed = offset

    def end(self, offset: int) -> None:
        """Record that the work on a record has ended, whatever came of it."""
        self._ended.add(offset)
        while self._begun and self._begun[0] in self._ended:
            self._ended.discard(self._begun.popleft())

    def end_first(self) -> None:
        """Let go of the first offset still open, so that those behind it can be committed."""
        if self._begun:
            self.end(self._begun[0])

    @property
    def span(self) -> int:
        """Return how many offsets the first one still open keeps from being committed, itself included."""
        return self._next - self._begun[0] if self._begun and self._next is not None else 0

    @property
    def is_new(self) -> bool:
        """Say whether nothing is known of this partition yet."""
        return self._next is None

    @property
    def to_commit(self) -> int | None:
        """Return the offset to commit, the first one still open, if that is news."""
        first_open = self._begun[0] if self._begun else self._next
        if first_open is None or first_open == self._committed:
            return None
        return first_open

    def committed(self, offset: int) -> None:
        """Record what the group coordinator has confirmed."""
        self._committed = offset
