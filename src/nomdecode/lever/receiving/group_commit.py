"""Group commit: what comes in while one transaction is being committed shares the next."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import psycopg

log = logging.getLogger(__name__)

AT_ONCE = 200  # rows of one transaction
WAITING = 2_000  # rows; a second's worth
DEADLINE = 8.0  # seconds for one transaction: Lever would not wait much longer
AWAY = (TimeoutError, psycopg.OperationalError)  # the database, not one row of it


class Busy(Exception):
    """More is waiting than can be kept in time."""


class Row(Protocol):
    @property
    def key(self) -> object: ...


class Writer[R: Row]:
    """Hands rows to `store`, which returns when they are durable; one transaction at a time.

    Rows of one key never share a transaction: the second is a repeat of the first.
    """

    def __init__(self, store: Callable[[list[R]], Awaitable[None]]) -> None:
        self._store = store
        self._waiting: list[tuple[R, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def keep(self, row: R) -> None:
        """Returns when `row` is durable. Raises Busy, or what `store` raised for this row alone."""
        if len(self._waiting) >= WAITING:
            raise Busy
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((row, kept))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        await kept

    async def _write(self) -> None:
        while self._waiting:
            batch = self._take()
            try:
                await self._together([row for row, _ in batch])
            except Exception as error:
                log.warning("deliveries: %s; each by itself", type(error).__name__)
                await self._one_by_one(batch)
            else:
                for _, kept in batch:
                    _settle(kept)

    def _take(self) -> list[tuple[R, asyncio.Future[None]]]:
        """The next of each key, as many as fit; the others stay in their order."""
        taken: dict[object, tuple[R, asyncio.Future[None]]] = {}
        left = []
        for each in self._waiting:
            if len(taken) < AT_ONCE and each[0].key not in taken:
                taken[each[0].key] = each
            else:
                left.append(each)
        self._waiting = left
        return list(taken.values())

    async def _together(self, rows: list[R]) -> None:
        async with asyncio.timeout(DEADLINE):
            await self._store(rows)

    async def _one_by_one(self, batch: list[tuple[R, asyncio.Future[None]]]) -> None:
        """So that one that cannot be kept does not take the others with it."""
        away: Exception | None = None
        for row, kept in batch:
            try:
                if away:
                    raise away
                await self._together([row])
            except Exception as error:
                away = error if isinstance(error, AWAY) else None
                _settle(kept, error)
            else:
                _settle(kept)


def _settle(kept: asyncio.Future[None], error: Exception | None = None) -> None:
    if kept.done():  # whoever waited has gone
        return
    if error:
        kept.set_exception(error)
    else:
        kept.set_result(None)
