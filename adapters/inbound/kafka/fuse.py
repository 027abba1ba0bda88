"""The fuse: so many dead letters in a row mean that something is wrong with us, not with the messages."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping

#: Dead letters of any code.
ANY = "any"
#: Code of a dead letter → how many without a message taken in between stop the consumer. A code that is not
#: listed is bounded by ``ANY`` only.
FUSE_LIMITS: Mapping[str, int] = {
    ANY: 50,
    "unreadable_message": 25,  # a wrong topic, or a feed in another format
    "defect": 5,  # a bad release
}


class Fuse:
    """Counts dead letters since the last message that was taken in, by code and in all; for many threads."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self.blown_by: str | None = None  #: the code whose limit was reached, if one was

    def taken_in(self) -> None:
        """Begin to count anew; a fuse that has blown stays blown."""
        with self._lock:
            if self.blown_by is None:
                self._counts.clear()

    def dead_letter(self, code: str) -> None:
        """Count one more."""
        with self._lock:
            self._counts.update((ANY, code))
            reached = (each for each in (code, ANY) if self._counts[each] >= self._limits.get(each, math.inf))
            self.blown_by = self.blown_by or next(reached, None)

    @property
    def in_a_row(self) -> int:
        """Return how many dead letters came without a message taken in between."""
        return self._counts[ANY]
