"""Stands between the workers and the sandbox, and by the seed spoils requests and answers.

`python -m faults.proxy PORT SANDBOX_PORT SEED GRACE LOG` writes a line for each request to LOG.
POST /_calm: nothing is spoiled any more; POST /_wild: again.
"""

import asyncio
import contextlib
import json
import random
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

# Kind of fault -> share of requests. What is answered in the sandbox's place comes in two forms:
# the sandbox never heard of the request, or it acted and its own answer is lost.
SHARES = {
    "request dropped": 0.02,
    "answer dropped": 0.03,
    "request delayed": 0.03,
    "request delayed, connection cut": 0.02,
    "request cut": 0.02,
    "answer cut": 0.02,
    "429": 0.004,
    "429 with Retry-After": 0.004,
    "500": 0.02,
    "503": 0.02,
    "HTML with 200": 0.02,
}
INTERVIEW = re.compile(rb"/interviews/([0-9a-f-]{36})")
TOO_LATE = 0.9  # of the grace: what was held for longer is dropped, never forwarded


@dataclass
class Line:
    """One request, as the log tells it. Times by this machine's clock."""

    at: float  # when its last byte was here
    what: str  # opportunity, note, look, look for note, other
    interview: str = ""
    fault: str = ""
    forwarded: float | None = None
    status: int | None = None  # the sandbox's answer
    made: str = ""  # the id in it, of a profile
    held: float = field(default=0.0, repr=False)


class Proxy:
    def __init__(self, port: int, seed: str, grace: float, log: Path) -> None:
        self.port, self.random, self.grace = port, random.Random(f"proxy {seed}"), grace
        self.log, self.wild = log.open("a", buffering=1), True
        self.tasks: set[asyncio.Task[None]] = set()  # asyncio alone lets go of them half-way

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Goes on when the worker at the other end is dead: what it sent may still arrive."""
        self.remember(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            if head.startswith(b"POST /_"):
                self.wild = head.startswith(b"POST /_wild")
                writer.write(_answer("204 No Content", b""))
            else:
                line = Line(time.time(), _what(head), _interview(body))
                await self.spoil(line, head, body, writer)
        with contextlib.suppress(OSError):
            writer.close()

    def remember(self, task: asyncio.Task[None] | None) -> None:
        assert task is not None
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def spoil(
        self, line: Line, head: bytes, body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        line.fault = fault = self.draw()
        acted = self.random.random() < 0.5
        if fault == "request dropped":
            await asyncio.sleep(self.random.choice([0, self.grace]))  # a time-out, or a cut
        elif fault == "request cut":
            await self.forward(line, head, body[: len(body) // 2], cut=True)
        elif fault == "request delayed":
            await asyncio.sleep(self.random.uniform(0.1, TOO_LATE) * self.grace)
            writer.write(await self.forward(line, head, body))
        elif fault == "request delayed, connection cut":
            self.later(self.random.uniform(0.3, TOO_LATE) * self.grace, line, head, body)
        elif fault in ("500", "503", "HTML with 200") and acted:
            await self.forward(line, head, body)
            writer.write(STATUSES[fault])
        elif fault in STATUSES:
            writer.write(STATUSES[fault])
        else:
            answer = await self.forward(line, head, body)
            writer.write(_spoilt(answer, fault))
        if fault != "request delayed, connection cut":
            self.write(line)

    def draw(self) -> str:
        if not self.wild:
            return ""
        kinds = [*SHARES, ""]
        return self.random.choices(kinds, [*SHARES.values(), 1 - sum(SHARES.values())])[0]

    def later(self, seconds: float, line: Line, head: bytes, body: bytes) -> None:
        async def late() -> None:
            await asyncio.sleep(seconds)
            with contextlib.suppress(OSError):
                await self.forward(line, head, body)
            self.write(line)

        self.remember(asyncio.create_task(late()))

    async def forward(self, line: Line, head: bytes, body: bytes, cut: bool = False) -> bytes:
        """The sandbox's whole answer; empty if the request was held for too long, or is cut."""
        line.held = time.time() - line.at
        if line.held > self.grace * (TOO_LATE + 0.05):
            line.fault += ", dropped as too late"
            return b""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(_closing(head) + body)
            await writer.drain()
            if cut:
                return b""
            line.forwarded = time.time()
            answer = await reader.read(-1)
        finally:
            writer.close()
        line.status = int(answer.split(b" ", 2)[1]) if answer else None
        if line.what == "opportunity" and line.status == 201:
            line.made = json.loads(answer.partition(b"\r\n\r\n")[2])["data"]["id"]
        return answer

    def write(self, line: Line) -> None:
        self.log.write(json.dumps(asdict(line)) + "\n")


def _spoilt(answer: bytes, fault: str) -> bytes:
    if fault == "answer dropped":
        return b""
    return answer[: len(answer) - 40] if fault == "answer cut" else answer


def _answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


STATUSES = {
    "429": _answer("429 Too Many Requests", b'{"code": "TooManyRequests", "message": "Slow"}'),
    "429 with Retry-After": _answer("429 Too Many Requests", b"{}", "Retry-After: 0.1"),
    "500": _answer("500 Internal Server Error", b'{"code": "InternalServerError"}'),
    "503": _answer("503 Service Unavailable", b"upstream connect error"),
    "HTML with 200": _answer("200 OK", b"<html>Down for maintenance</html>"),
}


def _length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def _closing(head: bytes) -> bytes:
    """One connection a request: its end is where the sandbox closes it."""
    bare = re.sub(rb"\r\nconnection:[^\r]*", b"", head, flags=re.IGNORECASE)
    return bare[:-2] + b"Connection: close\r\n\r\n"


def _interview(body: bytes) -> str:
    """The last one: a person's own links come first."""
    found = INTERVIEW.findall(body)
    return found[-1].decode() if found else ""


def _what(head: bytes) -> str:
    method, target, _ = head.decode("latin-1").split(" ", 2)
    path, _, query = target.partition("?")
    if path.endswith("/notes"):
        return "note" if method == "POST" else "look for note"
    if path.endswith("/opportunities"):
        if method == "POST":
            return "opportunity"
        return "look" if "source=" in query else "other"
    return "other"


async def main(port: int, sandbox: int, seed: str, grace: float, log: Path) -> None:
    proxy = Proxy(sandbox, seed, grace, log)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    _, port, sandbox, seed, grace, log = sys.argv
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(port), int(sandbox), seed, float(grace), Path(log)))
