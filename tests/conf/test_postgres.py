"""The database: who can open the embedded one, and what every connection asks of any."""

import os
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from procrastinate.contrib.django.utils import connector_params

IDLE = "idle_in_transaction_session_timeout"


def test_only_its_own_account_and_root_can_open_its_socket() -> None:
    # It asks for no password.
    folder = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0]
    sockets = [path for path in Path(folder).glob(".s.PGSQL.*") if path.is_socket()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in sockets] == [0o700]


def test_its_log_says_what_failed_without_the_values() -> None:
    # Nobody filters that file, as our own lines are filtered (logs.py).
    value, name = uuid4().hex, f"once_{uuid4().hex}"
    url = os.environ["DATABASE_URL"].replace("/nomdecode?", "/postgres?")
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE TEMPORARY TABLE each (value text CONSTRAINT {name} UNIQUE)")
        insert = f"INSERT INTO each VALUES ('{value}')"
        server.execute(insert)
        with pytest.raises(psycopg.errors.UniqueViolation):
            server.execute(insert)
    log = (Path(os.environ["NOMDECODE_TEST_RUN"]) / "postgres" / "log").read_text()
    assert name in log
    assert value not in log


@pytest.mark.django_db
def test_a_transaction_that_is_idle_is_ended_on_every_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {IDLE}")
        assert cursor.fetchone() == ("30s",)
    assert IDLE in connector_params()["options"]  # of the worker's own connections
