"""The bad post office between the sandbox and the product.

`python -m converge.post PORT SANDBOX_PORT WEB_PORT SEED LOG`. What comes to /hooks is lost,
repeated, held back, and forged; what comes to /v1 is counted and passed on, seldom without an
answer. Control: POST /_wild, /_calm, /_cut, /_join, /_deaf (all is lost), /_secret/<text> (of
another organisation); /_pending and /_calls answer a number.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import random
import re
import sys
import time
import uuid
from collections import deque
from pathlib import Path
from typing import Any

LOST, REPEATED, HELD, FORGED, API_FAILS = 0.10, 0.20, 0.50, 0.05, 0.01
LONGEST_HELD = 3.0  # seconds
PATIENCE = 20.0  # seconds that a held delivery is tried for
EVENTS = ("candidateStageChange", "candidateHired", "candidateArchiveChange", "candidateDeleted")
KINDS = ("wrong token", "another body", "old one", "other organisation’s")

type Json = dict[str, Any]


class Post:
    def __init__(self, sandbox: int, web: int, seed: str, log: Path) -> None:
        self.sandbox, self.web, self.random = sandbox, web, random.Random(f"post {seed}")
        self.log = log.open("a", buffering=1)
        self.cut, self.calm, self.deaf, self.calls = False, True, False, 0
        self.secret = ""
        self.old: deque[Json] = deque(maxlen=1000)
        self.ids: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = b""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            path = head.split(b" ", 2)[1].decode()
            if path.startswith("/_"):
                answer = _answer(200, str(self.control(*path[2:].split("/"))).encode())
            elif path.startswith("/v1/"):
                answer = await self.api(head, body)
            else:
                answer = await self.hook(path, json.loads(body))
        with contextlib.suppress(OSError):
            writer.write(answer)
            writer.close()

    def control(self, what: str, argument: str = "") -> int:
        if what in ("cut", "join"):
            self.cut = what == "cut"
        elif what == "deaf":
            self.deaf = True
        elif what in ("calm", "wild"):
            self.calm = what == "calm"
        elif what == "secret":
            self.secret = argument
        return self.calls if what == "calls" else len(self.tasks)

    async def api(self, head: bytes, body: bytes) -> bytes:
        self.calls += 1
        answer = await _forwarded(self.sandbox, head, body)
        return b"" if self.random.random() < API_FAILS and not self.calm else answer

    # --- deliveries

    async def hook(self, path: str, body: Json) -> bytes:
        """What Lever is answered; nothing: it will try again."""
        if self.cut:
            return b""
        if self.deaf:
            return _answer(200)
        if self.calm:
            return _answer(await self.deliver(path, body, "late"))
        self.remember(body)
        if self.random.random() < FORGED:
            self.later(path, self.forgery(body), "forged", self.random.uniform(0, 1))
        for _ in range(self.random.choice([1, 1, 2]) if self.random.random() < REPEATED else 0):
            self.later(path, body, "repeated", self.random.uniform(0, LONGEST_HELD))
        if self.random.random() < LOST:
            self.write(body, "thrown away", 0)
            return _answer(200)
        if self.random.random() < HELD:
            self.later(path, body, "held", self.random.expovariate(2.0))
            return _answer(200)
        return _answer(await self.deliver(path, body, "passed on"))

    def remember(self, body: Json) -> None:
        self.old.append(body)
        if id := body["data"].get("opportunityId"):
            self.ids.append(id)

    def later(self, path: str, body: Json, what: str, seconds: float) -> None:
        async def late() -> None:
            until = time.monotonic() + PATIENCE
            await asyncio.sleep(min(seconds, LONGEST_HELD))
            while time.monotonic() < until:
                if 0 < await self.deliver(path, body, what) < 500:
                    break
                await asyncio.sleep(0.5)

        task = asyncio.create_task(late())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def deliver(self, path: str, body: Json, what: str) -> int:
        """The status that the product answers, 0 for none."""
        status = 0
        if not self.cut:
            content = json.dumps({k: v for k, v in body.items() if k != "kind"}).encode()
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.web}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
            with contextlib.suppress(OSError):
                answer = await _forwarded(self.web, head.encode(), content)
                status = int(answer.split(b" ", 2)[1]) if answer else 0
        self.write(body, what, status)
        return status

    # --- forged ones

    def forgery(self, body: Json) -> Json:
        """`kind` is for the log and is not sent."""
        kind = self.random.choice(KINDS)
        about = {"opportunityId": self.random.choice(self.ids or [""]), "toStageId": "offer"}
        lie = {"event": self.random.choice(EVENTS), "data": about}
        if kind == "another body":
            return body | lie | {"kind": kind}
        if kind == "old one":
            return self.random.choice(self.old) | {"kind": kind}
        secret = self.secret if kind == KINDS[3] else "wrong"
        token, at = uuid.UUID(int=self.random.getrandbits(128)).hex, int(time.time() * 1000)
        signed = hmac.new(secret.encode(), f"{token}{at}".encode(), hashlib.sha256).hexdigest()
        made = {"id": token, "token": token, "triggeredAt": at, "signature": signed}
        return made | lie | {"kind": kind}

    def write(self, body: Json, what: str, status: int) -> None:
        line = {
            "token": body["token"],
            "what": what,
            "kind": body.get("kind", ""),
            "status": status,
        }
        self.log.write(json.dumps(line) + "\n")


async def _forwarded(port: int, head: bytes, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        bare = re.sub(rb"\r\nconnection:[^\r]*", b"", head, flags=re.IGNORECASE)
        writer.write(bare[:-2] + b"Connection: close\r\n\r\n" + body)
        await writer.drain()
        return await reader.read(-1)
    finally:
        writer.close()


def _answer(status: int, body: bytes = b"") -> bytes:
    """None where none came."""
    if not status:
        return b""
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def _length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


async def main(port: int, sandbox: int, web: int, seed: str, log: Path) -> None:
    post = Post(sandbox, web, seed, log)
    server = await asyncio.start_server(post.serve, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    _, port, sandbox, web, seed, log = sys.argv
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(port), int(sandbox), int(web), seed, Path(log)))
