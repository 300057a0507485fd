"""A real sandbox on a free port, clients for it, and a listener for its webhooks."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

DEADLINE_S = 10.0


def wait_for[T](look: Callable[[], T]) -> T:
    """Ask until the answer is truthy."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("what was waited for did not happen")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Running:
    """A sandbox that listens at `base`."""

    base: str
    process: subprocess.Popen[str]
    # One client without certificates: making one for every call would take most of the time.
    http: httpx2.Client = field(default_factory=lambda: httpx2.Client(verify=False))

    def key(self, account: str = "acme", **more: Any) -> str:
        key: str = self.post("/_keys", {"account": account, **more}).json()["key"]
        return key

    def client(self, account: str = "acme", **more: Any) -> httpx2.Client:
        auth = (self.key(account, **more), "")
        return httpx2.Client(base_url=f"{self.base}/v1", auth=auth, verify=False)

    def get(self, path: str) -> httpx2.Response:
        return self.http.get(self.base + path)

    def post(self, path: str, json: Any) -> httpx2.Response:
        answer = self.http.post(self.base + path, json=json)
        answer.raise_for_status()
        return answer

    def form(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form as a browser would, and follow to the page it leads to."""
        return self.http.post(self.base + path, data=fields, follow_redirects=True)

    def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self.get("/_log.json").json()
        return calls


@contextmanager
def start(*options: str) -> Iterator[Running]:
    """A sandbox of its own, stopped in the end as Ctrl-C would."""
    port = free_port()
    command = [sys.executable, "-m", "lever_sandbox", "--port", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        try:
            assert said == f"Lever sandbox: http://127.0.0.1:{port}\n"
            yield Running(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    with start("--rate", "100000", "--burst", "100000", "--retry-gaps", "0.02,0.02,0.02") as one:
        yield one


@pytest.fixture
def acme(sandbox: Running) -> Iterator[httpx2.Client]:
    with sandbox.client() as client:
        yield client


@pytest.fixture(scope="session")
def iris(sandbox: Running) -> str:
    return user_id(sandbox, "iris@acme.example")


def user_id(sandbox: Running, email: str) -> str:
    with sandbox.client(email.partition("@")[2].partition(".")[0]) as client:
        query = {"email": email, "includeDeactivated": "true"}
        id: str = client.get("/users", params=query).json()["data"][0]["id"]
        return id


def create(client: httpx2.Client, by: str, **fields: Any) -> dict[str, Any]:
    answer = client.post("/opportunities", params={"perform_as": by}, json=fields)
    assert answer.status_code == 201, answer.text
    opportunity: dict[str, Any] = answer.json()["data"]
    return opportunity


@dataclass
class Catcher:
    """Takes webhooks; answers `statuses` one after the other, then 200."""

    url: str
    bodies: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    caught = Catcher("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            caught.bodies.append(json.loads(self.rfile.read(length)))
            self.send_response(caught.statuses.pop(0) if caught.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        caught.url = f"http://127.0.0.1:{server.server_port}/hook"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield caught
        server.shutdown()


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.json"
