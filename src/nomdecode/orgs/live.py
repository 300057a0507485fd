"""Live pages: one LISTEN connection per web process feeds every event stream of that process.

An event says only which thing changed, never what; the browser asks for the part again.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from django.db import connection

from nomdecode.orgs import direct

log = logging.getLogger(__name__)
CHANNEL = "nomdecode_live"
KEEP_ALIVE_SECONDS = 15.0
LONGEST_SECONDS = 300.0  # then the page asks anew, and who may not any more is turned away


def publish(organisation_id: UUID, *topics: str) -> None:
    """Tells open pages of the organisation, when the transaction commits, that `topics` changed.

    Topics are words with an optional id: "pipeline", "interview:<id>", "lever", "home".
    """
    with connection.cursor() as cursor:
        cursor.execute(*telling(organisation_id, *topics))


def telling(organisation_id: UUID, *topics: str) -> tuple[LiteralString, list[Any]]:
    """The statement that does it, with its parameters."""
    told = [json.dumps({"organisation": str(organisation_id), "topic": it}) for it in topics]
    return "SELECT pg_notify(%s, it) FROM unnest(%s::text[]) it", [CHANNEL, told]


class _Hub:
    """The subscribers of this process and the task that feeds them."""

    def __init__(self) -> None:
        self.queues: dict[asyncio.Queue[str], str] = {}
        self.task: asyncio.Task[None] | None = None

    def subscribe(self, organisation_id: UUID) -> asyncio.Queue[str]:
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
        self.queues[queue] = str(organisation_id)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._listen())
        return queue

    async def _listen(self) -> None:
        while self.queues:
            try:
                params = direct.parameters()
                async with await psycopg.AsyncConnection.connect(**params, autocommit=True) as link:
                    await link.execute(f"LISTEN {CHANNEL}")
                    self._send_all("*")  # what was missed while not listening
                    async for notify in link.notifies():
                        event = json.loads(notify.payload)
                        self._send(event["organisation"], event["topic"])
            except psycopg.OperationalError as error:
                log.warning("live events: %s; listening again in a second", type(error).__name__)
                await asyncio.sleep(1)

    def _send(self, organisation_id: str, topic: str) -> None:
        for queue, owner in self.queues.items():
            if owner == organisation_id and not queue.full():
                queue.put_nowait(topic)

    def _send_all(self, topic: str) -> None:
        for organisation_id in set(self.queues.values()):
            self._send(organisation_id, topic)


_hub = _Hub()


async def stream(organisation_id: UUID) -> AsyncIterator[str]:
    """Server-sent events (WHATWG HTML, 9.2) of one organisation: {"topic": …}, "*" for all.

    Ends after LONGEST_SECONDS.
    """
    queue, clock = _hub.subscribe(organisation_id), asyncio.get_running_loop().time
    ends = clock() + LONGEST_SECONDS
    try:
        # "*" first: the page may have been drawn a moment before the stream began.
        yield 'retry: 1000\ndata: {"topic": "*"}\n\n'
        while (left := ends - clock()) > 0:
            try:
                topic = await asyncio.wait_for(queue.get(), min(left, KEEP_ALIVE_SECONDS))
            except TimeoutError:
                yield ": still here\n\n"
            else:
                yield f"data: {json.dumps({'topic': topic})}\n\n"
    finally:
        _hub.queues.pop(queue, None)
