"""The whole product as people start it: real processes, an empty data folder, two addresses."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import psycopg

PASSWORD = "nom-de-code"
SLOWEST_START_SECONDS = 180  # on a machine that does ten other things
SLOWEST_STOP_SECONDS = 40
LETTER_ENDS = re.compile(rb"^-{79}\r?\n", re.MULTILINE)  # Django's file-based mail
HTTP = httpx2.Client(verify=False)  # reading certificates for each call would take most of the time
OURS = ("NOMDECODE_", "DJANGO_", "DATABASE_URL", "EMAIL_URL", "PYTEST_")


@dataclass(frozen=True)
class Product:
    """`log` holds every line that any of its processes wrote."""

    url: str
    lever: str
    data: Path
    log: Path

    def letters(self, to: str = "") -> list[EmailMessage]:
        """The mail sent so far, oldest first; `to`: only that sent to this address."""
        files = sorted((self.data / "outbox").glob("*.log"), key=lambda path: path.stat().st_mtime)
        found = [letter for path in files for letter in _letters(path)]
        return [letter for letter in found if to.lower() in str(letter["To"]).lower()]

    def private_link(self, to: str, letters: int = 1) -> str:
        """The link in the newest letter to this address, as soon as so many have been sent."""
        until(lambda: len(self.letters(to)) >= letters, f"letter {letters} to the candidate")
        body = self.letters(to)[-1].get_content()
        found = re.search(rf"{re.escape(self.url)}/c/\S+", body)
        assert found, "the letter holds no private link"
        return found[0]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the product's own database answers."""
        _, _, _, port, socket, *_ = _postmaster(self.data)
        with psycopg.connect(host=socket, port=port, user="postgres", dbname="nomdecode") as db:
            return db.execute(query, values).fetchall()  # type: ignore[arg-type]

    def calls(self) -> list[dict[str, Any]]:
        """Every call that the sandbox's API received, oldest first."""
        log: list[dict[str, Any]] = HTTP.get(f"{self.lever}/_log.json").json()
        assert not log or log[0]["number"] == 1, "the sandbox remembers too few calls"
        return log

    def profiles(self, account: str = "acme", **asked: Any) -> list[dict[str, Any]]:
        """Opportunities as the sandbox's API shows them, newest first."""
        return self._asked(account, "/opportunities", **asked)

    def about(self, opportunity: str, what: str, account: str = "acme") -> list[dict[str, Any]]:
        """Its notes, files or resumes, as the sandbox's API shows them."""
        return self._asked(account, f"/opportunities/{opportunity}/{what}")

    def _asked(self, account: str, path: str, **asked: Any) -> list[dict[str, Any]]:
        key = HTTP.post(f"{self.lever}/_keys", json={"account": account, "label": "Journeys"})
        auth = (key.json()["key"], "")
        answer = HTTP.get(f"{self.lever}/v1{path}", params=asked, auth=auth)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


def until(holds: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    """Waits for `holds` to be true; fails with a sentence about `what`."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what}: still not there after {seconds:.0f} s"
        time.sleep(0.1)
    return found


def _letters(path: Path) -> Iterator[EmailMessage]:
    for part in LETTER_ENDS.split(path.read_bytes()):
        if part.strip():
            yield message_from_bytes(part, EmailMessage, policy=policy.default)


@contextmanager
def running(folder: Path, port: int) -> Iterator[Product]:
    """Both applications answer inside the block; after it nothing of them is left."""
    data, log = folder / "data", folder / "product.log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    command = [sys.executable, "-m", "nomdecode", "demo", "--port", str(port)]
    with log.open("wb") as lines:
        process = subprocess.Popen(
            command,
            env={**kept, "NOMDECODE_DATA": str(data), "PYTHONUNBUFFERED": "1"},
            stdout=lines,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        urls = until(lambda: _addresses(process, log), "the demo", SLOWEST_START_SECONDS)
        yield Product(*urls, data, log)
    finally:
        left = _stop(process, data)
    assert not left, f"still running after the demo was stopped: {left}"


def _addresses(process: "subprocess.Popen[bytes]", log: Path) -> tuple[str, str] | None:
    said = log.read_text()
    assert process.poll() is None, f"the demo ended while starting:\n{said[-3000:]}"
    found = [re.search(rf"{name}\s+(http://\S+)", said) for name in ("Nom de Code", "sandbox  ")]
    ready = "Ctrl-C" in said and all(found)
    return (found[0][1], found[1][1]) if ready and found[0] and found[1] else None


def _postmaster(data: Path) -> list[str]:
    """Process, folder, start, port and socket folder of the product's PostgreSQL."""
    return (data / "postgres" / "postmaster.pid").read_text().splitlines()


def _stop(process: "subprocess.Popen[bytes]", data: Path) -> list[str]:
    """Asks it to stop as Ctrl-C would; the command lines of whatever is left of it."""
    started = _descendants(process.pid)
    if (data / "postgres" / "postmaster.pid").exists():
        started.append(int(_postmaster(data)[0]))
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(SLOWEST_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    deadline = time.monotonic() + 10
    while (left := [pid for pid in started if _alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    said = [_command(pid) for pid in left]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return said


def _descendants(pid: int) -> list[int]:
    children = [child for child in _processes() if _parent(child) == pid]
    return [*children, *(each for child in children for each in _descendants(child))]


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _stat(pid: int) -> list[str]:
    """State, parent and the rest; the name before them may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["X", "0"]


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _alive(pid: int) -> bool:
    return _stat(pid)[0] not in "XZ"


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return str(pid)
