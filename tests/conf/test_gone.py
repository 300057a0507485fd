"""Visitors who go away before their page is there: what they asked for whole is done whole."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from nomdecode.conf.bodies import limited


class Visitor:
    """Asks for a page, and goes at once."""

    def __init__(self, *message: Mapping[str, Any]) -> None:
        self.messages = [*message, {"type": "http.disconnect"}]

    async def receive(self) -> Mapping[str, Any]:
        return self.messages.pop(0)

    async def send(self, message: Mapping[str, Any]) -> None:
        pass


WHOLE = {"type": "http.request", "body": b"", "more_body": False}
BEGUN = {"type": "http.response.start", "status": 200, "headers": []}


def is_told(path: str, *, begun: bool) -> bool:
    """Whether who makes the page hears that the visitor has gone."""
    heard: list[bool] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == WHOLE
        if begun:
            await send(BEGUN)
        listening = asyncio.ensure_future(receive())
        for _ in range(10):
            await asyncio.sleep(0)
        heard.append(listening.done())
        listening.cancel()

    visitor = Visitor(WHOLE)
    scope = {"type": "http", "path": path, "headers": []}
    asyncio.run(limited(page)(scope, visitor.receive, visitor.send))
    return heard == [True]


@pytest.mark.parametrize("begun", [False, True])
def test_a_page_is_not_told(begun: bool) -> None:
    assert not is_told("/", begun=begun)


def test_a_stream_that_has_not_begun_is_not_told() -> None:
    assert not is_told("/live", begun=False)


def test_a_stream_that_has_begun_ends() -> None:
    assert is_told("/live", begun=True)


def test_who_goes_in_the_middle_of_a_body_is_told_at_once() -> None:
    part = WHOLE | {"body": b"name=", "more_body": True}
    heard: list[str] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        heard.extend([(await receive())["type"], (await receive())["type"]])

    visitor = Visitor(part)
    scope = {"type": "http", "path": "/", "headers": []}
    asyncio.run(limited(page)(scope, visitor.receive, visitor.send))
    assert heard == ["http.request", "http.disconnect"]
