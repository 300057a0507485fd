"""Starts programs side by side, starts a fallen one again, and stops them all together."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType

from nomdecode.conf.refusals import Refused

_GRACE_SECONDS = 10.0
_SLOWEST_RESTART_SECONDS = 30.0
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Program:
    """One child. `environment` is added to ours."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    falls: int = 0
    start_at: float = 0.0

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches us alone, and we stop the children in order.
        self.process = subprocess.Popen(  # noqa: S603
            self.command, env={**os.environ, **self.environment}, start_new_session=True
        )

    def check(self) -> None:
        """Starts it again if it fell, each time after a longer pause."""
        now = time.monotonic()
        if self.process is None and now >= self.start_at:
            self.start()
        elif self.process and self.process.poll() is not None:
            self.falls += 1
            pause = min(0.5 * 2**self.falls, _SLOWEST_RESTART_SECONDS)
            code = self.process.returncode
            sys.stderr.write(f"{self.name} ended ({code}); starting it again in {pause:.0f} s\n")
            self.process, self.start_at = None, now + pause


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


class Stop(Exception):
    pass


def _raise_stop(number: int, frame: FrameType | None) -> None:
    raise Stop


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Ctrl-C, a closed terminal and SIGTERM end the block quietly."""
    before = {number: signal.signal(number, _raise_stop) for number in _STOPPING}
    try:
        yield
    except Stop:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def supervise(programs: Sequence[Program]) -> None:
    """Runs until a signal or an exception, then stops every program; returns when all are gone."""
    try:
        while True:
            for program in programs:
                program.check()
            time.sleep(0.2)
    finally:
        stop(programs)


def stop(programs: Sequence[Program]) -> None:
    running = [p.process for p in programs if p.process and p.process.poll() is None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + _GRACE_SECONDS
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """`wanted`, or the next port that nobody listens on."""
    for port in range(wanted, min(wanted + 200, 65536)):
        if not why_not_free(host, port):
            return port
    raise Refused(f"There is no free port from {wanted} to {wanted + 199}.")


def why_not_free(host: str, port: int) -> str:
    """Asked first: servers share a port silently (SO_REUSEPORT), and each its visitors."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return str(error.strerror)
    return ""
