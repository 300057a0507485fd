"""The product over real HTTP, from the server that serves it, on the tests' own database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
from django.conf import settings

DEADLINE = 20.0


@contextmanager
def site() -> Iterator[str]:
    """Its address, as long as the block lasts."""
    with server() as (url, process):
        yield url
        process.terminate()


@contextmanager
def server(**environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its address and process: one that the block has not stopped is killed with its children."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["-m", "granian", "nomdecode.conf.asgi:application", "--interface", "asginl"]
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port), "--no-ws", "--log-level", "warning"],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "embedded",
            "PYTHONPATH": str(Path(__file__).parent),
            "NOMDECODE_URL": url,
            "DATABASE_URL": database_url(),
            **environment,
        },
        start_new_session=True,
    )
    try:
        wait_for(lambda: answers(url))
        yield url, process
        process.wait(DEADLINE)
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """With all its children, as when the machine fails."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def database_url() -> str:
    base, _, query = os.environ["DATABASE_URL"].partition("?")
    return f"{base.rpartition('/')[0]}/{settings.DATABASES['default']['NAME']}?{query}"


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health", verify=False).status_code == 200
    except httpx2.TransportError:
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.05)
