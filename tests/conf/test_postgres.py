"""The embedded PostgreSQL asks for no password, so its socket must be closed to other accounts."""

import os
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


def test_only_its_own_account_and_root_can_open_its_socket() -> None:
    folder = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query)["host"][0]
    sockets = [path for path in Path(folder).glob(".s.PGSQL.*") if path.is_socket()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in sockets] == [0o700]
