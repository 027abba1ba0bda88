"""The gateway's memory: what it answered and what was no message, committed many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

from adapters.inbound.mllp.ack import Answered
from gem_integration.errors import Unavailable
from gem_integration.storage import Store
from gem_integration.storage.transaction import Transaction

#: Arrivals of one commit: enough to spread the cost of making it durable, few enough to be quick.
COMMITTED_TOGETHER_MAX = 64

Write: TypeAlias = Callable[[Transaction], Answered]


class Register:
    """Writes through one thread of its own, so that what arrives at once becomes durable at once.

    Every method raises ``StorageUnavailable`` when the database cannot be used now.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="register-write")
        self._waiting: list[tuple[Write, asyncio.Future[Answered]]] = []
        self._commits: asyncio.Task[None] | None = None

    def close(self) -> None:
        """End the thread once what it does is done."""
        self._writing.shutdown()

    async def write(self, write: Write) -> Answered:
        """Run ``write`` in a transaction and return what it returns once that is committed."""
        written: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, written))
        if self._commits is None or self._commits.done():
            self._commits = asyncio.create_task(self._commit_all())
        return await written

    async def _commit_all(self) -> None:
        while self._waiting:
            together = self._waiting[:COMMITTED_TOGETHER_MAX]
            del self._waiting[:COMMITTED_TOGETHER_MAX]
            await self._commit(together)

    async def _commit(self, together: list[tuple[Write, asyncio.Future[Answered]]]) -> None:
        """Commit some writes, or let each fail for itself where one of them is a defect."""
        loop = asyncio.get_running_loop()
        writes = [write for write, _ in together]
        committing = loop.run_in_executor(self._writing, partial(_in_one_transaction, self._store, writes))
        await asyncio.wait({committing})
        error = committing.exception()
        if error is None:
            for (_, written), came_to in zip(together, committing.result(), strict=True):
                if not written.done():
                    written.set_result(came_to)
        elif len(together) == 1 or isinstance(error, Unavailable):
            for _, written in together:
                if not written.done():
                    written.set_exception(error)
        else:
            for alone in together:
                await self._commit([alone])


def _in_one_transaction(store: Store, writes: list[Write]) -> list[Answered]:
    with store.transaction() as work:
        return [write(work) for write in writes]
