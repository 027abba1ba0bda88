"""The real clock; tests bring their own."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """Tells the machine's time, in UTC."""

    def now(self) -> datetime:
        """Return the current time, zone-aware."""
        return datetime.now(UTC)
