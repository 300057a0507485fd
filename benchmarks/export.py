"""How fast a back-log leaves for Lever, and what it costs.

N passed interviews (default 1,000) wait until the connection is enabled. The sandbox enforces RATE
calls a second (default 10) and twice as many at once; real worker processes empty the back-log, and
everything is counted by the sandbox's own log. Beside it a straight script posts the same with one
client and a fixed sleep. MEMORY_N (default 10,000) exports go through one worker whose memory is
looked at; a scorecard is sent TIMES (default 200) times into an empty queue; the Activity page is
opened with 1,000 and with PAGE_N (default 100,000) exports.

Ends with 1 if a target was missed.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import httpx2

from nomdecode.conf import postgres, serve
from nomdecode.conf.processes import Program, free_port, python, stop

N = int(os.environ.get("N", "1000"))
RATE = float(os.environ.get("RATE", "10"))
MEMORY_N = int(os.environ.get("MEMORY_N", "10000"))
PAGE_N = int(os.environ.get("PAGE_N", "100000"))
TIMES = int(os.environ.get("TIMES", "200"))
LATENCY_MS = 200
CONCURRENCY = 4  # exports at once in one worker
UNLIMITED = 100_000.0  # calls a second
WHO_ASKS = 3  # queries of every page: session, user, member
PATIENCE_SECONDS = 300  # without anything happening


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bench-export-") as folder:
        port = free_port(8650)
        os.environ.pop("DATABASE_URL", None)
        os.environ |= {
            "NOMDECODE_DATA": folder,
            "NOMDECODE_DEMO": "1",  # mail into a folder: without a mail server no worker starts
            "NOMDECODE_LEVER_URLS": f"http://127.0.0.1:{port}/v1",
            "NOMDECODE_LEVER_RATE": str(RATE),
        }
        serve.prepare()
        targets = [*drains(port), *pick_up(port), *memory(port), *limiter(), *activity()]
        postgres.stop()
    missed = [target for target in targets if not target.met]
    say(f"\n{len(targets) - len(missed)} of {len(targets)} targets met")
    return 1 if missed else 0


@dataclass
class Target:
    """Something measured, and whether it is as it should be. Said when it is known."""

    name: str
    measured: str
    wanted: str
    met: bool

    def __post_init__(self) -> None:
        verdict = "" if self.met else "   MISSED"
        say(f"{self.name:<46}{self.measured:>24}   {self.wanted}{verdict}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


# --- the sandbox and the workers


@dataclass
class Sandbox:
    url: str
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)

    def key(self) -> str:
        answer = httpx2.post(f"{self.url}/_keys", json={"account": "acme"})
        return str(answer.json()["key"])

    def read(self) -> None:
        """It forgets what is longer ago than its last 2,000 calls."""
        log = httpx2.get(f"{self.url}/_log.json").json()
        self.calls |= {call["number"]: call for call in log}

    def since(self, moment: float) -> list[dict[str, Any]]:
        self.read()
        return [call for call in self.calls.values() if call["at"] >= moment * 1000]


@contextmanager
def sandbox(port: int, rate: float, latency_ms: int = 0) -> Iterator[Sandbox]:
    limits = ("--rate", str(rate), "--burst", str(max(1, int(2 * rate))))
    command = python("lever_sandbox", "--port", str(port), *limits)
    command += ["--latency-ms", str(latency_ms)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    running = Sandbox(f"http://127.0.0.1:{port}")
    try:
        until(lambda: answers(running.url))
        yield running
    finally:
        process.terminate()
        process.wait(10)


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz").status_code == 200
    except httpx2.TransportError:
        return False


@contextmanager
def workers(number: int, rate: float = RATE) -> Iterator[list[Program]]:
    programs = [serve.worker(each + 1) for each in range(number)]
    before = registered()
    for program in programs:
        program.environment["NOMDECODE_LEVER_RATE"] = str(rate)
        program.start()
    try:
        until(lambda: len(registered() - before) == number)
        yield programs
    finally:
        stop(programs)


def registered() -> set[int]:
    from procrastinate.contrib.django.models import ProcrastinateWorker

    return set(ProcrastinateWorker.objects.values_list("id", flat=True))


def idle() -> bool:
    """No job runs, and none could."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    jobs = ProcrastinateJob.objects.filter(status__in=["todo", "doing"], scheduled_at=None)
    return not jobs.exists()


def until(true: Callable[[], object], pause: float = 0.1) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("It did not come true.")
        time.sleep(pause)


def emptied(of: Any, number: int, lever: Sandbox) -> None:
    """Returns when `number` exports are in Lever; reads the log as long as it goes on."""
    import backlog

    done, since = -1, time.monotonic()
    while (now_done := backlog.exported(of)) < number:
        if now_done > done:
            done, since = now_done, time.monotonic()
        if time.monotonic() - since > PATIENCE_SECONDS:
            raise TimeoutError(f"{number - done} exports do not leave.")
        lever.read()
        time.sleep(1)


def of_process(program: Program, name: str) -> int:
    """A figure of /proc/PID/status, in KB."""
    assert program.process
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def cpu_seconds(programs: list[Program]) -> float:
    ticks = 0.0
    for program in programs:
        assert program.process
        fields = Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += float(fields[11]) + float(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


# --- draining a back-log


@dataclass
class Drain:
    """What the sandbox saw of one way to bring `interviews` into it."""

    name: str
    interviews: int
    calls: list[dict[str, Any]]
    began: float
    cpu: float = 0.0  # seconds, of all workers
    slots: int = 1  # exports under way at once

    @property
    def seconds(self) -> float:
        last: float = max(call["at"] + call["ms"] for call in self.calls)
        return last / 1000 - self.began

    @property
    def rate(self) -> float:
        return len(self.calls) / self.seconds

    @property
    def refused(self) -> int:
        return sum(call["status"] == 429 for call in self.calls)

    @property
    def calls_each(self) -> float:
        return len(self.calls) / self.interviews

    @property
    def disorder(self) -> int:
        """By how many places a profile left before or after its turn."""
        made = ("POST", "/v1/opportunities")  # it is also listed: comparisons have their turn
        profiles = [call for call in self.calls if (call["method"], call["path"]) == made]
        turns = [int(call["body"]["name"].split()[-1]) for call in profiles]
        return max(abs(turn - place) for place, turn in enumerate(turns, start=min(turns)))

    def line(self, beside: "Drain") -> str:
        made = sum(call["status"] == 201 for call in self.calls)
        return (
            f"{self.name:<28}{self.interviews:>11}{made:>8}{self.refused:>6}{self.calls_each:>14.3f}"
            f"{self.seconds:>9.1f}{self.rate:>9.2f}{self.rate / RATE:>12.1%}"
            f"{self.rate / beside.rate:>10.2f}{1000 * self.cpu / self.interviews:>16.1f}"
        )


HEADINGS = (
    f"{'':<28}{'interviews':>11}{'made':>8}{'429':>6}{'calls each':>14}{'seconds':>9}"
    f"{'calls/s':>9}{'of allowed':>12}{'× script':>10}{'CPU ms/export':>16}"
)


def drains(port: int) -> list[Target]:
    say(f"{N} interviews, {RATE:g} calls a second allowed")
    say(HEADINGS)
    targets = []
    for latency_ms, numbers in ((0, (2, 4)), (LATENCY_MS, (2,))):
        there = f", {latency_ms} ms away" if latency_ms else ""
        beside = by_script(f"straight script{there}", port, latency_ms)
        say(beside.line(beside))
        for number in numbers:
            name = f"{number} workers{there}"
            drain = by_workers(name, port, number, latency_ms)
            say(drain.line(beside))
            targets.append(drain)
    say("")
    return [target for drain in targets for target in judged(drain)]


def judged(drain: Drain) -> list[Target]:
    share = drain.rate / RATE
    return [
        Target(f"{drain.name}: of the allowance", f"{share:.1%}", "≥ 95%", share >= 0.95),
        Target(f"{drain.name}: refused with 429", str(drain.refused), "0", drain.refused == 0),
        Target(
            f"{drain.name}: calls per interview",
            f"{drain.calls_each:.3f}",
            "≤ 2.05",
            drain.calls_each <= 2.05,
        ),
        Target(
            f"{drain.name}: out of order by at most",
            f"{drain.disorder}",
            f"≤ {drain.slots}, what is under way at once",
            drain.disorder <= drain.slots,
        ),
    ]


def by_workers(name: str, port: int, number: int, latency_ms: int) -> Drain:
    """From the moment at which the connection is enabled."""
    import backlog

    of = backlog.company(name)
    backlog.passed(of, N)
    with sandbox(port, RATE, latency_ms) as lever, workers(number) as programs:
        backlog.connect(of, lever.key())
        until(idle)
        time.sleep(2)  # what was asked with the new key is no part of it
        began, cpu = time.time(), cpu_seconds(programs)
        backlog.enable(of)
        emptied(of, N, lever)
        used = cpu_seconds(programs) - cpu
        return Drain(name, N, lever.since(began), began, used, number * CONCURRENCY)


def by_script(name: str, port: int, latency_ms: int) -> Drain:
    """What anybody would write first: one client, a profile and a note each, and a fixed sleep."""
    number = N if not latency_ms else min(N, 100)
    with sandbox(port, RATE, latency_ms) as lever:
        client = httpx2.Client(base_url=f"{lever.url}/v1", auth=(lever.key(), ""))
        user = client.get("/users").json()["data"][0]["id"]
        time.sleep(2)
        began = time.time()
        for each in range(number):
            fields = {"name": f"Timed Person {each}", "stage": "lead-new", "origin": "sourced"}
            query = {"perform_as": user}
            made = client.post("/opportunities", params=query, json=fields).json()["data"]
            time.sleep(1 / RATE)
            path = f"/opportunities/{made['id']}/notes"
            client.post(path, params=query, json={"value": "Asked good questions."})
            time.sleep(1 / RATE)
            if each % 500 == 0:
                lever.read()
        return Drain(name, number, lever.since(began), began)


# --- the rest


def pick_up(port: int) -> list[Target]:
    """From the beginning of the transaction that keeps a scorecard to the start of the job."""
    import backlog

    of = backlog.company("One by one")
    assignments = [backlog.held(of) for _ in range(TIMES)]
    in_database(KEEP_EVENTS)
    with sandbox(port, UNLIMITED) as lever, workers(1, UNLIMITED):
        backlog.connect(of, lever.key())
        backlog.enable(of)
        for number, assignment in enumerate(assignments, start=1):
            backlog.submit(assignment)
            until(lambda number=number: backlog.exported(of) == number, 0.05)  # type: ignore[misc]
    waits = in_database(WAITS)
    p50, p99 = statistics.median(waits), statistics.quantiles(waits, n=100)[-1]
    return [
        Target("scorecard to job started, p50", f"{1000 * p50:.0f} ms", "", True),
        Target("scorecard to job started, p99", f"{1000 * p99:.0f} ms", "", True),
    ]


# Jobs that are done are deleted, and their events with them.
KEEP_EVENTS = """
    CREATE TABLE kept_events AS TABLE procrastinate_events WITH NO DATA;
    ALTER TABLE kept_events ADD task text;
    CREATE FUNCTION keep_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO kept_events SELECT NEW.*, task_name FROM procrastinate_jobs
        WHERE id = NEW.job_id;
        RETURN NULL;
    END $$;
    CREATE TRIGGER keep_event AFTER INSERT ON procrastinate_events
    FOR EACH ROW EXECUTE FUNCTION keep_event();
"""
WAITS = """
    SELECT extract(epoch FROM started.at - deferred.at)::float
    FROM kept_events deferred JOIN kept_events started USING (job_id, task)
    WHERE deferred.type = 'deferred' AND started.type = 'started'
    AND task = 'nomdecode.lever.tasks.export_interview' ORDER BY job_id
"""


def in_database(statement: str) -> list[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []


def memory(port: int) -> list[Target]:
    """Of one worker, after some exports, ten times and a hundred times as many.

    From the first to the second it warms up: its four threads have all met the largest lists.
    """
    import backlog

    of, sizes = backlog.company("Very many"), []
    with sandbox(port, UNLIMITED) as lever, workers(1, UNLIMITED) as programs:
        backlog.connect(of, lever.key())
        backlog.disable(of)
        backlog.passed(of, MEMORY_N)
        began, cpu = time.monotonic(), cpu_seconds(programs)
        backlog.enable(of)
        for number in (MEMORY_N // 100, MEMORY_N // 10, MEMORY_N):
            emptied(of, number, lever)
            sizes.append(of_process(programs[0], "VmRSS") / 1024)
        seconds = time.monotonic() - began
        each = 1000 * (cpu_seconds(programs) - cpu) / MEMORY_N
    growth = sizes[2] / sizes[1]
    return [
        Target(
            f"memory of a worker: 1%, 10%, all of {MEMORY_N}",
            f"{sizes[0]:.0f}, {sizes[1]:.0f}, {sizes[2]:.0f} MB",
            f"no growth from 10% on: ×{growth:.2f}",
            growth <= 1.1,
        ),
        Target(
            "one worker without a limit",
            f"{MEMORY_N / seconds:.1f} exports/s",
            f"{each:.0f} ms CPU each",
            True,
        ),
    ]


def limiter() -> list[Target]:
    """What it costs to take a turn."""
    from django.test import override_settings

    import backlog
    from nomdecode.lever import allowance

    connection, costs = backlog.company("Limited").connection, []
    with override_settings(LEVER_RATE=UNLIMITED):
        for _ in range(2000):
            began = time.perf_counter()
            allowance.take(connection.pk)
            costs.append(1000 * (time.perf_counter() - began))
    p50, p99 = statistics.median(costs), statistics.quantiles(costs, n=100)[-1]
    return [Target("a turn costs, p50 (p99)", f"{p50:.2f} ms ({p99:.2f} ms)", "≤ 1 ms", p50 <= 1)]


def activity() -> list[Target]:
    """The first screen of the Activity page, as an admin’s browser asks for it."""
    import backlog

    of, times = backlog.company("Busy"), []
    for number in (1_000, PAGE_N - 1_000):
        backlog.left_long_ago(of, number)
        in_database("VACUUM ANALYZE")  # as PostgreSQL does by itself after a while
        own, asked, milliseconds = first_screen(of.admin)
        times.append(milliseconds)
    ratio = times[1] / times[0]
    return [
        Target("Activity: queries of its own (all)", f"{own} ({asked})", "≤ 3", own <= 3),
        Target(
            f"Activity: with 1,000, {PAGE_N:,} exports",
            f"{times[0]:.0f} ms, {times[1]:.0f} ms",
            f"≤ ×1.5: ×{ratio:.2f}",
            ratio <= 1.5,
        ),
    ]


def first_screen(member: Any) -> tuple[int, int, float]:
    """Its own queries, all of the page's, and milliseconds at p50 of the whole page.

    What every page asks is not its own: who is there, and what the sidebar counts.
    """
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from nomdecode.home import needs

    browser, url, times = Client(headers={"host": "localhost"}), reverse("lever:activity"), []
    browser.force_login(member.user)
    for _ in range(40):
        began = time.perf_counter()
        answer = browser.get(url)
        times.append(1000 * (time.perf_counter() - began))
        assert answer.status_code == 200, answer.status_code
    with CaptureQueriesContext(connection) as asked:
        browser.get(url)
    with (
        mock.patch.object(needs, "of", return_value=[]),
        CaptureQueriesContext(connection) as queries,
    ):
        browser.get(url)
    return len(queries) - WHO_ASKS, len(asked), statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
