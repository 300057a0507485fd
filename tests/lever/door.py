"""The webhook's address as the web server serves it, within the test; and Lever's side of it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.utils import timezone

import factories
import served
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials
from nomdecode.lever.models import Delivery, Mark
from nomdecode.lever.receiving import signature
from nomdecode.lever.receiving.receiver import PREFIX, Receiver

SECRET = "0123456789abcdef0123456789abcdef"


def signed(
    opportunity_id: str = "",
    event: str = "candidateStageChange",
    secret: str = SECRET,
    at: datetime | int | None = None,
    token: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A delivery as Lever makes it. `at`: a moment, or what stands for it in milliseconds."""
    token = uuid4().hex if token is None else token
    at = timezone.now() if at is None else at
    triggered_at = at if isinstance(at, int) else int(at.timestamp() * 1000)
    return {
        "id": uuid4().hex,
        "event": event,
        "triggeredAt": triggered_at,
        "token": token,
        "signature": signature.sign(secret, token, triggered_at),
        "data": {"opportunityId": opportunity_id or str(uuid4())},
        **changes,
    }


class Address:
    """Of one organisation, with one signing token."""

    def __init__(self) -> None:
        self.organisation = factories.organisation()
        self.admin = factories.member(self.organisation)
        self.connection = connections.of(self.organisation)
        self.token = credentials.add_token(self.connection, "Stage change", SECRET, self.admin)
        self.path = PREFIX + self.connection.hook_id


class Door(Address):
    """The receiver of one process at this address, within the test."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.runner.get_loop()
        self.receiver = Receiver()

    def close(self) -> None:
        self.runner.run(self.receiver.close())
        self.runner.close()

    def heard(self, *about: Any, **more: Any) -> int:
        return self.post(signed(*about, **more))

    def post(self, body: dict[str, Any] | bytes, **more: Any) -> int:
        return self.post_all([body], **more)[0]

    def post_all(self, bodies: Iterable[dict[str, Any] | bytes], **more: Any) -> list[int]:
        """What each is answered, when all come at once."""

        async def together() -> list[int]:
            return await asyncio.gather(*(self.asked([written(b)], **more) for b in bodies))

        return self.runner.run(together())

    async def asked(
        self,
        pieces: Iterable[bytes | Callable[[], Awaitable[bytes]]],
        method: str = "POST",
        path: str = "",
        headers: Mapping[bytes, bytes] | None = None,
        ends: bool = True,
    ) -> int:
        """The status of the answer to one request whose body comes in `pieces`.

        Unless it `ends`, the client goes away after them.
        """
        left, status = list(pieces), 0

        async def receive() -> Mapping[str, Any]:
            if not left:
                return {"type": "http.disconnect"}
            piece = left.pop(0)
            body = piece if isinstance(piece, bytes) else await piece()
            return {"type": "http.request", "body": body, "more_body": bool(left) or not ends}

        async def send(message: Mapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)

        scope = {"type": "http", "method": method, "path": path or self.path}
        scope["headers"] = list((headers or {}).items())
        await self.receiver(scope, receive, send)
        return status

    def later(self, condition: Callable[[], bool]) -> None:
        """Lets the receiver go on until it is so."""

        def now() -> bool:
            self.runner.run(asyncio.sleep(0.01))
            return condition()

        served.wait_for(now)


def written(body: dict[str, Any] | bytes) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def only_delivery() -> Delivery:
    return Delivery.objects.get()


def marked() -> set[str]:
    """The opportunities that Lever is to be asked about."""
    return set(Mark.objects.filter(looked_at=None).values_list("opportunity_id", flat=True))
