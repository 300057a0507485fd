"""Live pages: one LISTEN connection per web process feeds every event stream of that process.

An event says only which thing changed, never what; the browser asks for the part again.
"""

import asyncio
import json
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from django.db import connection

from nomdecode.orgs import direct

log = logging.getLogger(__name__)
CHANNEL = "nomdecode_live"
KEEP_ALIVE_SECONDS = 15.0
LONGEST_SECONDS = 300.0  # then the page asks anew, and who may not any more is turned away
REMEMBERED = 1000  # events, for pages which are on their way to the reader, or slow


def publish(organisation_id: UUID, *topics: str) -> None:
    """Tells open pages of the organisation, when the transaction commits, that `topics` changed.

    Topics are words, or a word with an id. To whoever only interviews: "home", "signal",
    "interview-<id>"; beyond that to staff: "pipeline", "lever", "needs" (what Lever asks of them),
    "export-<id>" (how an interview's outcome fares).
    """
    with connection.cursor() as cursor:
        cursor.execute(*telling(organisation_id, *topics))


def telling(organisation_id: UUID, *topics: str) -> tuple[LiteralString, list[Any]]:
    """The statement that does it, with its parameters."""
    told = [json.dumps({"organisation": str(organisation_id), "topic": it}) for it in topics]
    return "SELECT pg_notify(%s, it) FROM unnest(%s::text[]) it", [CHANNEL, told]


type Hears = Callable[[str], bool]  # which topics a reader is told of


def everything(topic: str) -> bool:
    return True


class _Hub:
    """The subscribers of this process and the task that feeds them.

    `position` says what has been heard so far: which unbroken time of listening, and how much in
    it. Of pages drawn since then it is known what they have missed.
    """

    def __init__(self) -> None:
        self.queues: dict[asyncio.Queue[str], tuple[str, Hears]] = {}
        self.task: asyncio.Task[None] | None = None
        self.heard: deque[tuple[str, str, str]] = deque(maxlen=REMEMBERED)
        self.position = ""

    def subscribe(self, organisation_id: UUID, hears: Hears) -> asyncio.Queue[str]:
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=REMEMBERED)
        self.queues[queue] = str(organisation_id), hears
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._listen())
        return queue

    def missed(self, organisation_id: UUID, position: str) -> list[str]:
        """The topics of the organisation since `position`; "*" if that is not known any more."""
        if position and position == self.position:
            return []
        positions = [before for before, _, _ in self.heard]
        if position not in positions:
            return ["*"]
        since = list(self.heard)[positions.index(position) :]
        topics = [topic for _, owner, topic in since if owner == str(organisation_id)]
        return list(dict.fromkeys(topics))

    async def _listen(self) -> None:
        while self.queues:
            try:
                params = direct.parameters()
                async with await psycopg.AsyncConnection.connect(**params, autocommit=True) as link:
                    await link.execute(f"LISTEN {CHANNEL}")
                    self._begin()
                    async for notify in link.notifies():
                        event = json.loads(notify.payload)
                        self._hear(event["organisation"], event["topic"])
            except psycopg.OperationalError as error:
                log.warning("live events: %s; listening again in a second", type(error).__name__)
                await asyncio.sleep(1)

    def _begin(self) -> None:
        """What was missed while not listening is missed by all pages so far."""
        self.heard.clear()
        self.position = f"{secrets.token_hex(4)}-0"
        for queue in self.queues:
            _put(queue, "*")

    def _hear(self, organisation_id: str, topic: str) -> None:
        self.heard.append((self.position, organisation_id, topic))
        begun, _, count = self.position.partition("-")
        self.position = f"{begun}-{int(count) + 1}"
        for queue, (owner, hears) in self.queues.items():
            if owner == organisation_id and hears(topic):
                _put(queue, topic)


def _put(queue: asyncio.Queue[str], topic: str) -> None:
    if queue.full():  # who does not keep up is told to look at everything
        while not queue.empty():
            queue.get_nowait()
        topic = "*"
    queue.put_nowait(topic)


_hub = _Hub()


def position() -> str:
    """Where this process is in what it hears: a page that is drawn from now on holds all before."""
    return _hub.position


async def stream(
    organisation_id: UUID, since: str = "", hears: Hears = everything
) -> AsyncIterator[str]:
    """Server-sent events (WHATWG HTML, 9.2) of one organisation: {"topic": …}, "*" for all.

    Of what a reader does not hear not even the time can be told.

    First what a page has missed that was drawn at the position `since`, "*" where that is not
    known: another process drew it, or long ago. Ends after LONGEST_SECONDS.
    """
    # In one go: what comes in between would be told twice.
    queue = _hub.subscribe(organisation_id, hears)
    missed = _hub.missed(organisation_id, since)
    clock = asyncio.get_running_loop().time
    ends = clock() + LONGEST_SECONDS
    try:
        yield "retry: 1000\n\n"
        for topic in missed:
            if topic == "*" or hears(topic):
                yield _event(topic)
        while (left := ends - clock()) > 0:
            try:
                yield _event(await asyncio.wait_for(queue.get(), min(left, KEEP_ALIVE_SECONDS)))
            except TimeoutError:
                yield ": still here\n\n"
    finally:
        _hub.queues.pop(queue, None)


def _event(topic: str) -> str:
    return f"data: {json.dumps({'topic': topic})}\n\n"
