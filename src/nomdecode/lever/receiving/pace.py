"""Work of the event loop that is done at once, and then at most every so often."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg

log = logging.getLogger(__name__)


class Pace:
    """Calls `work` as soon as it is woken, then not before `seconds` have passed."""

    def __init__(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        self._seconds = seconds
        self._work = work
        self._woken = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self._woken = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._woken:
            self._woken = False
            try:
                await self._work()
            except psycopg.Error as error:
                self._woken = True
                log.warning("deliveries: %s; tried again", type(error).__name__)
            await asyncio.sleep(self._seconds)
