"""`nomdecode serve`: the web server and the workers, supervised, on production defaults."""

import io
from pathlib import Path

from django.core.management import call_command

from nomdecode.conf import data, installation, postgres
from nomdecode.conf.processes import Program, python, why_not_free
from nomdecode.conf.refusals import Refused

POOL = 8  # database connections of one web process


def connect() -> None:
    """Database up, Django set up; safe to repeat. Raises Refused."""
    installation.set_up(postgres.ensure(data.folder()))


def prepare() -> None:
    """Database up and migrated, static files in place; safe to repeat."""
    connect()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False, stdout=io.StringIO())
    from nomdecode.candidates import erasure
    from nomdecode.pipeline import journeys

    erasure.replay()  # a restored backup may have brought back who was erased since
    journeys.recount_where_missing()


def refuse_a_taken_port(host: str, port: int) -> None:
    """Raises Refused."""
    if why := why_not_free(host, port):
        raise Refused(f"Cannot listen on {host}:{port}: {why}. Choose another --port.")


def web(host: str, port: int) -> Program:
    static = str(Path(data.folder()) / "static")
    return Program(
        "web",
        python(
            *("granian", "nomdecode.conf.asgi:application", "--interface", "asginl"),
            *("--host", host, "--port", str(port), "--no-ws", "--no-access-log"),
            *("--log-level", "warning", "--workers-kill-timeout", "3"),
            *("--static-path-route", "/static", "--static-path-mount", static),
        ),
        {"NOMDECODE_POOL": str(POOL)},
    )


def worker(number: int = 1) -> Program:
    return Program(f"worker {number}", python("nomdecode", "worker"))


def work() -> None:
    """One worker process, until a signal."""
    connect()
    from django.db import connections
    from django.urls import get_resolver
    from procrastinate import PsycopgConnector
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.utils import connector_params

    from nomdecode.lever import reconcile

    get_resolver().check()  # reads every page's module: now, and not within the first claim's locks
    reconcile.after_start()
    connections["default"].close()  # this thread asks nothing more
    # Its threads keep their database connections; each job first sees that its own still lives.
    connections.settings["default"]["CONN_MAX_AGE"] = 600
    # The queue is mostly asked one thing at a time; more connections are made when they are needed.
    queue = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4)
    with app.replace_connector(queue) as running:
        running.run_worker(concurrency=4, delete_jobs="successful", shutdown_graceful_timeout=5)
