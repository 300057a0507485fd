"""One deadline around a whole HTTP call: time-outs are per phase and do not add up to one."""

import functools
import ssl
import time
from collections.abc import Iterable

import httpcore2
import httpx2

_SLICE = 64 * 1024


def _seconds() -> float:
    """Since some moment in the past; where the system can tell, it runs on while it is suspended.

    Else a worker that was put to sleep would wake up with a deadline that is not over, and send.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class Deadline:
    """The moment by which the present call must be over; every read and write asks what is left."""

    def __init__(self) -> None:
        self.ends = float("inf")

    def begin(self, seconds: float) -> None:
        self.ends = _seconds() + seconds

    def left(self, phase: float | None, over: type[Exception]) -> float:
        """Seconds for what comes next, `phase` at most; raises `over` when there are none."""
        left = self.ends - _seconds()
        if left <= 0:
            raise over
        return left if phase is None else min(phase, left)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self.inner, self.deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, self.deadline.left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _SLICE):
            left = self.deadline.left(timeout, httpcore2.WriteTimeout)
            self.inner.write(buffer[start : start + _SLICE], left)

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self.deadline.left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self.inner.start_tls(ssl_context, server_hostname, left), self.deadline)

    def get_extra_info(self, info: str) -> object:
        return self.inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self.inner, self.deadline = httpcore2.SyncBackend(), deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        left = self.deadline.left(timeout, httpcore2.ConnectTimeout)
        stream = self.inner.connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(stream, self.deadline)


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


class Transport(httpx2.HTTPTransport):
    """Plain HTTP/1.1 with certificates checked, every byte of it within `deadline`."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(verify=_tls())
        # httpx2 has no public way to say how bytes travel; httpcore2, which it stands on, has.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_tls(), keepalive_expiry=5.0, network_backend=_Backend(deadline)
        )
