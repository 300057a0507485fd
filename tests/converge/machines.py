"""The programs of a run: PostgreSQL, the sandbox, the post office, the web server, workers."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

import served
from nomdecode.conf import postgres

ACCOUNT, OTHER = "acme", "borealis"
RETRY_GAPS = "0.3,0.6,1.2,2.4,4.8"  # seconds; Lever's own are longer


class Machines:
    def __init__(self, folder: Path, seed: str) -> None:
        self.folder, self.random = folder, random.Random(f"machines {seed}")
        self.count = Counter[str]()
        self.http = httpx2.Client(verify=False, timeout=30)  # reading certificates takes long
        self.ports = {name: served.free_port() for name in ("sandbox", "post", "web")}
        self.sandbox_url, self.post_url, self.web_url = (
            f"http://127.0.0.1:{port}" for port in self.ports.values()
        )
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "static").mkdir()
        postgres.ensure(folder)
        sandbox = ["--port", str(self.ports["sandbox"]), "--rate", "100000", "--burst", "100000"]
        self._start("sandbox", "lever_sandbox", *sandbox, "--retry-gaps", RETRY_GAPS)
        ports = [str(self.ports[name]) for name in ("post", "sandbox", "web")]
        self._start("post", "converge.post", *ports, seed, str(folder / "post.jsonl"))
        _wait_for(self.http, f"{self.sandbox_url}/healthz")
        _wait_for(self.http, f"{self.post_url}/_pending")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for program in self.running.values():
            served.kill(program)
        postgres.stop()

    def open(self, workers: int) -> None:
        """The product, when its database is ready."""
        self._web()
        for number in range(workers):
            self._start(f"worker {number}", "nomdecode", "worker")
        _wait_for(self.http, f"{self.web_url}/health")

    def _web(self) -> None:
        application = ["nomdecode.conf.asgi:application", "--interface", "asginl", "--no-ws"]
        port = ["--port", str(self.ports["web"]), "--workers-kill-timeout", "3"]
        self._start("web", "granian", *application, *port, "--log-level", "warning")

    def _start(self, name: str, *module: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", *module], stdout=log, stderr=log, start_new_session=True
        )

    # --- troubles

    def kill_web(self) -> None:
        """The server and the process that it runs in: what is half-way is lost."""
        served.kill(self.running["web"])
        self.count["web killed"] += 1
        time.sleep(self.random.uniform(0.0, 0.5))
        self._web()

    def kill_worker(self) -> None:
        name = self.random.choice([name for name in self.running if name.startswith("worker")])
        served.kill(self.running[name])
        self.count["workers killed"] += 1
        self._start(name, "nomdecode", "worker")

    def cut_off(self) -> None:
        """Nothing reaches the receiver for a while."""
        self.post("cut")
        time.sleep(self.random.uniform(1.0, 3.0))
        self.post("join")
        self.count["receiver cut off"] += 1

    def close(self) -> None:
        """The workers fall in the middle of what they are at."""
        for name, program in self.running.items():
            if name.startswith("worker"):
                served.kill(program)

    # --- the post office, and keys

    def post(self, what: str) -> int:
        return int(self.http.post(f"{self.post_url}/_{what}").text or 0)

    def key(self, account: str = ACCOUNT) -> str:
        answer = self.http.post(f"{self.sandbox_url}/_keys", json={"account": account})
        return str(answer.json()["key"])


def _wait_for(http: httpx2.Client, url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            http.get(url)
            return
        except httpx2.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
