"""Many HTTP requests over a few kept connections, by one thread: written beforehand, and timed."""

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Answers:
    """`status` and `seconds` of each request, by its place; 0 where nothing was answered."""

    status: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    took: float = 0.0

    def __iadd__(self, other: "Answers") -> "Answers":
        self.status += other.status
        self.seconds += other.seconds
        self.took += other.took
        return self

    @property
    def rate(self) -> float:
        return sum(status == 200 for status in self.status) / self.took

    def quantile(self, q: float) -> float:
        """Seconds, of those that were answered 200."""
        good = sorted(
            s for s, status in zip(self.seconds, self.status, strict=True) if status == 200
        )
        return good[min(int(q * len(good)), len(good) - 1)]


@dataclass
class _Wire:
    socket: socket.socket
    request: int | None = None
    answer: bytearray = field(default_factory=bytearray)


def knock(
    port: int, requests: list[bytes], connections: int, rate: float = 0, seconds: float = 0
) -> Answers:
    """Sends all of them, or as many as fit into `seconds`.

    With `rate`, each when it is due: a late answer makes the next one late, and that counts too.
    """
    selector = selectors.DefaultSelector()
    free: deque[_Wire] = deque()
    for _ in range(connections):
        wire = _Wire(socket.create_connection(("127.0.0.1", port)))
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(wire.socket, selectors.EVENT_READ, wire)
        free.append(wire)
    answers = Answers([0] * len(requests), [0.0] * len(requests))
    began, due, next_one, under_way = time.perf_counter(), [0.0] * len(requests), 0, 0
    while True:
        now = time.perf_counter() - began
        open_ = next_one < len(requests) and not (seconds and now > seconds)
        while free and open_ and (not rate or now >= next_one / rate):
            wire = free.popleft()
            due[next_one] = next_one / rate if rate else now
            wire.request, wire.answer = next_one, bytearray()
            wire.socket.sendall(requests[next_one])
            next_one, under_way = next_one + 1, under_way + 1
            open_ = next_one < len(requests)
        if not open_ and not under_way:
            break
        pause = max(0.0, next_one / rate - now) if rate and open_ and free else 1.0
        for key, _ in selector.select(pause):
            wire = key.data
            wire.answer += wire.socket.recv(65536)
            if status := _status(wire.answer):
                place = wire.request
                answers.status[place] = status
                answers.seconds[place] = time.perf_counter() - began - due[place]
                under_way -= 1
                free.append(wire)
    answers.took = time.perf_counter() - began
    del answers.status[next_one:], answers.seconds[next_one:]
    for wire in free:
        wire.socket.close()
    return answers


def _status(answer: bytearray) -> int:
    """0 while it is not there to its end."""
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return 0
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return int(head[9:12]) if len(body) >= int(length or 0) else 0


def post(path: str, bodies: Iterable[bytes]) -> list[bytes]:
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n".encode()
    return [head + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies]
