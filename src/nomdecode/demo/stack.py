"""Starts PostgreSQL, the sandbox, the web server and a worker on free ports, and stops them all."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import httpx2
import platformdirs
import psycopg

from nomdecode.conf import postgres
from nomdecode.conf.processes import (
    Program,
    free_port,
    python,
    stop,
    stopping_on_signals,
    supervise,
)
from nomdecode.conf.refusals import Refused

PASSWORD = "nom-de-code"  # noqa: S105  of every invented member
SLOWEST_START_SECONDS = 60
STATE = "lever-sandbox.json"
REFUSED = (
    "This database has organisations that are not the demo's, so nothing was started or changed: "
    "unset DATABASE_URL and NOMDECODE_DATA, or let them name an empty place."
)


@dataclass(frozen=True)
class Stack:
    """Where the two applications answer; `programs` are not started yet."""

    url: str
    lever_url: str
    folder: Path
    programs: list[Program]


def folder() -> Path:
    """The demo's data: NOMDECODE_DATA, by default beside the product's own folder."""
    named = os.environ.get("NOMDECODE_DATA")
    return Path(named) if named else Path(platformdirs.user_data_dir("nomdecode-demo"))


def build(data: Path, port: int, arguments: tuple[str, ...] = ()) -> Stack:
    """Prepares the database and the sandbox's state; finds what an earlier start left."""
    data.mkdir(parents=True, exist_ok=True)
    refuse_others(data)
    port = free_port(port)
    lever_port = free_port(max(port + 1, 8700))
    url, lever_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{lever_port}"
    os.environ |= {
        "NOMDECODE_DATA": str(data),
        "NOMDECODE_DEMO": "1",
        "NOMDECODE_URL": url,
        "NOMDECODE_LEVER_URLS": f"{lever_url}/v1",
    }
    from nomdecode.conf import serve

    serve.prepare()
    from nomdecode.demo import life

    state = data / STATE
    life.begin(state)
    life.move_addresses(state, url, lever_url)
    sandbox = python("lever_sandbox", "--port", str(lever_port), "--state", str(state), *arguments)
    programs = [Program("sandbox", sandbox), serve.web("127.0.0.1", port), serve.worker()]
    return Stack(url, lever_url, data, programs)


def refuse_others(data: Path) -> None:
    """Raises Refused, before anything is written, where organisations are and not the demo's own.

    The sandbox's state alone is no sign: DATABASE_URL may name another database than last time.
    """
    with psycopg.connect(postgres.ensure(data)) as database:
        if not _any(database, "pg_tables WHERE tablename = 'orgs_organisation'"):
            return
        ours = _any(database, "orgs_user WHERE email LIKE '%@borealis.example'")
        if _any(database, "orgs_organisation") and not (ours and (data / STATE).exists()):
            raise Refused(REFUSED)


def _any(database: psycopg.Connection, rows: LiteralString) -> bool:
    return database.execute(f"SELECT FROM {rows} LIMIT 1").rowcount > 0


@contextmanager
def running(stack: Stack) -> Iterator[Stack]:
    """Both applications answer inside the block; everything is stopped after it."""
    for program in stack.programs:
        program.start()
    try:
        with httpx2.Client(verify=False) as http:  # on this machine, without TLS
            for address in (f"{stack.lever_url}/healthz", f"{stack.url}/health"):
                _until(lambda address=address: http.get(address).status_code == 200)  # type: ignore[misc]
        yield stack
    finally:
        stop(stack.programs)


def _until(answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SLOWEST_START_SECONDS
    while True:
        try:
            if answers():
                return
        except httpx2.TransportError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError("The demo did not start within a minute; see the messages above.")
        time.sleep(0.05)


def run(port: int) -> int:
    with stopping_on_signals():
        sys.stdout.write("Preparing; the first start invents some weeks of life…\n")
        sys.stdout.flush()
        with running(build(folder(), port)) as stack:
            sys.stdout.write(welcome(stack))
            sys.stdout.flush()
            supervise(stack.programs)
    return 0


def welcome(stack: Stack) -> str:
    return f"""
  Nom de Code     {stack.url}
  Lever sandbox   {stack.lever_url}   (a stand-in, not Lever)
  Outbox          {stack.url}/outbox/   the mail that would have gone out

  Acme, already connected to Lever      Borealis, not connected yet
    ada@acme.example    admin             nora@borealis.example   admin
    remy@acme.example   recruiter         lars@borealis.example   recruiter
    iris@acme.example   interviewer       ines@borealis.example   interviewer
    omar@acme.example   interviewer       theo@borealis.example   interviewer

  The password of all of them: {PASSWORD}
  Ctrl-C stops everything; the next start finds it again.

"""
