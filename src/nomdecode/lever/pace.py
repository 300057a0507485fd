"""Work of the event loop that is done at once, and then at most every so often."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg

log = logging.getLogger(__name__)


class Pace:
    """Calls `work` as soon as it is woken, and again every `seconds` until it had nothing to do."""

    def __init__(self, seconds: float, work: Callable[[], Awaitable[bool]]) -> None:
        self._seconds = seconds
        self._work = work
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        busy = True
        while busy:
            try:
                busy = await self._work()
            except psycopg.Error as error:
                log.warning("deliveries: %s; tried again", type(error).__name__)
            await asyncio.sleep(self._seconds)
