"""The real sandbox over real HTTP, for tests: started once, with a key for each account."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from lever_sandbox.sandbox import Sandbox


@dataclass
class Running:
    url: str
    keys: dict[str, str]  # account -> Data API key
    seeded: Sandbox  # as it was when it started: ids of users, stages, postings
    # (key, addresses) -> what Lever told of it
    told: dict[tuple[str, ...], Any] = field(default_factory=dict)
    faulty: bool = False
    # One client without certificates: making one for every call would take most of the time.
    http: httpx2.Client = field(default_factory=lambda: httpx2.Client(verify=False))

    @property
    def api(self) -> str:
        return f"{self.url}/v1"

    def get(self, path: str, account: str = "acme", **query: Any) -> Any:
        return self._call("GET", path, account, params=query)["data"]

    def every(self, path: str, account: str = "acme", **query: Any) -> list[Any]:
        """All pages of a list."""
        found, offset = [], {}
        while True:
            page = self._call("GET", path, account, params=query | offset)
            found += page["data"]
            if not page.get("hasNext"):
                return found
            offset = {"offset": page["next"]}

    def put(self, path: str, account: str = "acme", **body: Any) -> None:
        self._call("PUT", path, account, params=self._user(account), json=body)

    def post(self, path: str, account: str = "acme", **body: Any) -> str:
        """The id of what was made."""
        answer = self._call("POST", path, account, params=self._user(account), json=body)
        return str(answer["data"]["id"])

    def _user(self, account: str) -> dict[str, str]:
        return {"perform_as": self.seeded.account(account).users[0].id}

    def _call(self, method: str, path: str, account: str, **more: Any) -> Any:
        auth = (self.keys[account], "")
        answer = self.http.request(method, self.api + path, auth=auth, **more)
        answer.raise_for_status()
        return answer.json()

    def door(self, name: str, **asked: str) -> Any:
        """What only tests do in Lever: stages, contacts."""
        answer = self.http.post(f"{self.url}/_{name}", json={"account": "acme", **asked})
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def screen(self, path: str, account: str = "acme", **form: str) -> None:
        """What a person does there."""
        self.http.post(f"{self.url}/{account}/opportunities/{path}", data=form)

    def fault(self, *faults: dict[str, Any]) -> None:
        """What goes wrong next; none: all is well again."""
        if self.faulty:
            self.http.delete(f"{self.url}/_faults").raise_for_status()
        self.faulty = bool(faults)
        if faults:
            self.http.post(f"{self.url}/_faults", json=list(faults)).raise_for_status()

    def log(self) -> list[dict[str, Any]]:
        """The API calls received since forget(), oldest first."""
        log: list[dict[str, Any]] = self.http.get(f"{self.url}/_log.json").json()
        return log

    def forget(self) -> None:
        """The sandbox remembers a limited number of calls: a test that counts begins with none."""
        self.http.delete(f"{self.url}/_log.json").raise_for_status()


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Running]:
    state = folder / "sandbox.json"
    sandbox = Sandbox.seeded()
    keys = {slug: sandbox.account(slug).connect() for slug in ("acme", "borealis")}
    sandbox.save(state)
    port = _free_port()
    command = [sys.executable, "-m", "lever_sandbox", "--port", str(port), "--state", str(state)]
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        yield Running(url, keys, sandbox)
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx2.get(f"{url}/healthz", verify=False)
            return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise TimeoutError("the sandbox did not start")
