"""The database: who can open the embedded one, and what every connection asks of any."""

import os
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from procrastinate.contrib.django.utils import connector_params

IDLE = "idle_in_transaction_session_timeout"


def test_only_its_own_account_and_root_can_open_its_socket() -> None:
    # It asks for no password.
    folder = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0]
    sockets = [path for path in Path(folder).glob(".s.PGSQL.*") if path.is_socket()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in sockets] == [0o700]


@pytest.mark.django_db
def test_a_transaction_that_is_idle_is_ended_on_every_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {IDLE}")
        assert cursor.fetchone() == ("30s",)
    assert IDLE in connector_params()["options"]  # of the worker's own connections
