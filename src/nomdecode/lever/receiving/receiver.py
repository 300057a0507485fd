"""The door that Lever knocks at, in front of Django: POST /hooks/lever/<hook_id>.

Reads a bounded body, verifies it, and answers 200 when the delivery is durable. Whatever can be
refused is refused before it costs the database anything.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from nomdecode.lever.receiving import envelope
from nomdecode.lever.receiving.group_commit import Busy, Writer
from nomdecode.lever.receiving.hooks import Hook, Hooks
from nomdecode.lever.receiving.inbox import Inbox, Signed
from nomdecode.lever.receiving.refusals import Refusals, Why
from nomdecode.orgs import direct

log = logging.getLogger(__name__)

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[Mapping[str, Any]]]
type Send = Callable[[Mapping[str, Any]], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "/hooks/lever/"
LONGEST = 64 * 1024  # bytes of a body
SLOWEST = 10.0  # seconds for the whole body
HELD = 16 * 1024 * 1024  # bytes of all bodies that are not there to their end
DATABASE_AWAY = 5.0  # seconds without a connection

SENTENCES = {
    200: "Taken.",
    400: "The body is not a JSON object.",
    401: "The signature fits none of the signing tokens.",
    404: "No such address.",
    405: "Only POST.",
    408: "The body took longer than 10 seconds.",
    413: "The body is longer than 64 KB.",
    503: "It could not be kept now. Try again.",
}
COUNTED = {
    400: Why.NO_JSON,
    401: Why.SIGNATURE,
    408: Why.TOO_SLOW,
    413: Why.TOO_LONG,
}


def in_front_of(application: Application) -> Application:
    receiver: Receiver | None = None

    async def receive_or_pass_on(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal receiver
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            return await application(scope, receive, send)
        receiver = receiver or Receiver()  # here the event loop runs
        return await receiver(scope, receive, send)

    return receive_or_pass_on


class Gone(Exception):
    """The client has gone away."""


class Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Receiver:
    """One for each process, made while its event loop runs."""

    def __init__(self) -> None:
        self._pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            kwargs={**direct.parameters(), "autocommit": True},
            min_size=1,
            max_size=3,  # the writer, the look-up of tokens, whoever tells
            timeout=DATABASE_AWAY,
            open=False,
        )
        self._hooks = Hooks(self._pool)
        self._refusals = Refusals(self._pool)
        self._writer = Writer(Inbox(self._pool).store)
        self._held = 0  # bytes

    async def close(self) -> None:
        await self._pool.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status = await self._status(scope, receive)
        except Gone:
            return
        except (Busy, TimeoutError, psycopg.Error) as error:
            log.warning("deliveries: %s; Lever is asked to try again", type(error).__name__)
            status = 503
        await _answer(send, status)

    async def _status(self, scope: Scope, receive: Receive) -> int:
        if scope["method"] != "POST":
            return 405
        if self._pool.closed:
            await self._pool.open()
        hook = await self._hooks.find(scope["path"].removeprefix(PREFIX))
        if hook is None:
            return 404
        try:
            await self._take(hook, await self._body(scope, receive))
        except Refused as refused:
            if refused.status in COUNTED:
                self._refusals.add(hook, COUNTED[refused.status])
            return refused.status
        return 200

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        if _announced(scope) > LONGEST:
            raise Refused(413)
        body, held = bytearray(), 0
        try:
            async with asyncio.timeout(SLOWEST):
                while await _read_more(body, receive):
                    self._held += len(body) - held
                    held = len(body)
                    if self._held > HELD:
                        raise Refused(503)
        except TimeoutError:
            raise Refused(408) from None
        finally:
            self._held -= held
        return bytes(body)

    async def _take(self, hook: Hook, body: bytes) -> None:
        """Returns when the delivery is durable."""
        parsed = envelope.parse(body)
        if parsed is None:
            raise Refused(400)
        read = envelope.read(parsed)
        if read is None:
            raise Refused(401)
        signed_with = hook.signed_with(read)
        if signed_with is None:  # perhaps with a token that was added a moment ago
            hook = await self._hooks.again(hook)
            signed_with = hook.signed_with(read)
        if signed_with is None:
            raise Refused(401)
        await self._writer.keep(Signed(hook, signed_with, read, datetime.now(UTC)))


async def _read_more(body: bytearray, receive: Receive) -> bool:
    """Whether there is more to come."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    body += message.get("body", b"")
    if len(body) > LONGEST:
        raise Refused(413)
    return bool(message.get("more_body"))


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


async def _answer(send: Send, status: int) -> None:
    headers, body = _ANSWERS[status]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _written(status: int) -> tuple[list[tuple[bytes, bytes]], bytes]:
    body = json.dumps({"message": SENTENCES[status]}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    headers += {405: [(b"allow", b"POST")], 503: [(b"retry-after", b"5")]}.get(status, [])
    if status in (404, 408, 413, 503):  # the rest of the body, if any, is not waited for
        headers.append((b"connection", b"close"))
    return headers, body


_ANSWERS = {status: _written(status) for status in SENTENCES}
