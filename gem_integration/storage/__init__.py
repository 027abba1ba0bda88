"""Our own memory in SQL: what arrived, what was read, what was delivered, and what died."""

from gem_integration.storage.store import Store

__all__ = ["Store"]
