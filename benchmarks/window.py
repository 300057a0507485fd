"""How long the window is in which a frozen worker could make a second profile, and what follows.

N exports (default 2,000) leave through one real worker, four at once, for a sandbox that allows
all. Of each POST three stretches are measured, from just before the clock is read until the system
call has returned to Python, so rather too long than too short:

- from the last check of the lease to the first byte on the socket, and to the last one: here a
  pause does harm that the machine's own clock does not count, such as a hypervisor's;
- from the last look at the deadline to the last byte: here any other pause does.

docs/exactly-once.md says which pauses do harm, and how long they must be. P (default 1) of them
come a day, at random moments.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from export import UNLIMITED, emptied, sandbox, say, until
from nomdecode.conf import postgres, serve
from nomdecode.conf.processes import free_port

N = int(os.environ.get("N", "2000"))
P = float(os.environ.get("P", "1"))
DAY = 86_400.0
POSTS = 2  # of each export
STRETCHES = {
    "first": "lease check to first byte",
    "last": "lease check to last byte",
    "deadline": "deadline look to last byte",
}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-window-") as folder:
        port = free_port(8680)
        os.environ.pop("DATABASE_URL", None)
        os.environ |= {
            "NOMDECODE_DATA": folder,
            "NOMDECODE_LEVER_URLS": f"http://127.0.0.1:{port}/v1",
            "NOMDECODE_LEVER_RATE": str(UNLIMITED),
        }
        serve.prepare()
        calls = measured(port, Path(folder) / "stretches.json")
        postgres.stop()
    say(f"{len(calls)} POSTs of {N} exports, microseconds")
    headings = "".join(f"{each:>10}" for each in ("mean", "p50", "p99", "max"))
    say(f"{'':<30}{headings}   exports doubled, at {P:g} pauses a day")
    for stretch, words in STRETCHES.items():
        tell(words, [call[stretch] for call in calls])


def measured(port: int, file: Path) -> list[dict[str, float]]:
    """Seconds of each stretch, for each POST."""
    import backlog

    of = backlog.company("Acme")
    backlog.passed(of, N)
    with sandbox(port, UNLIMITED) as lever:
        backlog.connect(of, lever.key())
        backlog.enable(of)
        worker = subprocess.Popen([sys.executable, __file__, str(file)])
        try:
            emptied(of, N, lever)
        finally:
            worker.terminate()
            worker.wait(60)
    until(file.exists)
    calls: list[dict[str, float]] = json.loads(file.read_text())
    return calls


def tell(words: str, seconds: list[float]) -> None:
    mean, p50, top = statistics.mean(seconds), statistics.median(seconds), max(seconds)
    figures = [mean, p50, statistics.quantiles(seconds, n=100)[-1], top]
    one_in = 1 / (POSTS * mean * P / DAY)
    say(
        f"{words:<30}"
        + "".join(f"{1e6 * each:>10.0f}" for each in figures)
        + f"   1 in {one_in:,.0f}"
    )


# --- in the worker


class Stretches(threading.local):
    """Of the call that this thread makes."""

    clock = checked = looked = 0.0
    told: dict[str, float]


def work(file: Path) -> None:
    serve.connect()
    from httpcore2._backends.sync import SyncStream

    from nomdecode.lever import calls, moment, protocol
    from nomdecode.lever.deadline import Deadline

    mine, done = Stretches(), list[dict[str, float]]()

    def now(original: Callable[[], Any]) -> Any:
        mine.clock = time.perf_counter()
        return original()

    def may_send(original: Callable[..., bool], *args: Any) -> bool:
        mine.checked, mine.told = mine.clock, {}
        return original(*args)

    def left(original: Callable[..., float], *args: Any) -> float:
        mine.looked = time.perf_counter()
        return original(*args)

    def write(original: Callable[..., None], *args: Any) -> None:
        original(*args)
        over = time.perf_counter()
        mine.told.setdefault("first", over - mine.checked)
        mine.told |= {"last": over - mine.checked, "deadline": over - mine.looked}

    def make(original: Callable[..., bool], work: Any, owner: Any) -> bool:
        mine.told = {}
        try:
            return original(work, owner)
        finally:
            if mine.told and not work.look:
                done.append(mine.told)

    for owner, name, around in (
        (moment, "now", now),
        (protocol, "may_send", may_send),
        (Deadline, "left", left),
        (SyncStream, "write", write),
        (calls, "make", make),
    ):
        setattr(owner, name, wrapped(getattr(owner, name), around))
    serve.work()
    file.write_text(json.dumps(done))


def wrapped(original: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: around(original, *args)


if __name__ == "__main__":
    work(Path(sys.argv[1])) if sys.argv[1:] else main()
