"""Whether somebody waits for what this connection has locked: so that two meet in a test."""

from django.db import connection

WAITS = """
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
    )
"""


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        return bool(cursor.fetchone()[0])
