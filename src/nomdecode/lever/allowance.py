"""How many calls a connection may make: one allowance for every worker of every host.

A generic cell rate algorithm on one row, by the database's clock: `due` is when the whole burst
will be free again. Each call takes its turn in one statement; turns are given in order.
"""

import time

from django.conf import settings
from django.db import connection as database
from django.db import transaction

from nomdecode.lever.errors import Busy

LONGEST_WAIT = 10.0  # seconds that a call waits for its turn
PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds without a call after a 429: as Lever asks, else PAUSE
IDLE_LOOK = 0.5  # seconds between two looks of background work for an idle allowance

# A `due` beyond :longest was written before the clock was set back: the allowance begins anew.
_TAKE = """
    INSERT INTO lever_allowance AS held (connection_id, due)
    VALUES (%(connection)s, clock_timestamp() + %(apart)s * interval '1 second')
    ON CONFLICT (connection_id) DO UPDATE
    SET due = %(apart)s * interval '1 second' + CASE
        WHEN held.due > clock_timestamp() + %(longest)s * interval '1 second'
        THEN clock_timestamp() ELSE greatest(held.due, clock_timestamp()) END
    WHERE NOT held.due - clock_timestamp()
        BETWEEN %(room)s * interval '1 second' AND %(longest)s * interval '1 second'
    RETURNING extract(epoch FROM due - clock_timestamp())::float
"""
_LEFT = """
    SELECT extract(epoch FROM due - clock_timestamp())::float
    FROM lever_allowance WHERE connection_id = %(connection)s
"""
_SLOW = """
    INSERT INTO lever_allowance AS held (connection_id, due)
    VALUES (%(connection)s, clock_timestamp() + %(seconds)s * interval '1 second')
    ON CONFLICT (connection_id) DO UPDATE
    SET due = greatest(held.due, clock_timestamp() + %(seconds)s * interval '1 second')
"""


def wait(connection_id: int, *, background: bool = False) -> None:
    """Returns when one call may go. Raises Busy after LONGEST_WAIT; nothing was sent then."""
    patience = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            time.sleep(take(connection_id, background=background))
            return
        except Busy:
            if not background or time.monotonic() > patience:
                raise
        time.sleep(IDLE_LOOK)


def take(connection_id: int, *, background: bool = False) -> float:
    """Seconds until one call may go: its turn is reserved, after all that were given before.

    Background work has no turn of its own: it goes at once while half of the burst is free.
    Raises Busy, and reserves nothing, where the turn would come too late.
    """
    apart, burst = _apart(), _burst()
    room = max(0.0, (burst / 2 if background else burst + LONGEST_WAIT) - apart)
    longest = burst + max(LONGEST_WAIT, LONGEST_PAUSE) + 1
    left = _ask(_TAKE, connection=connection_id, apart=apart, room=room, longest=longest)
    if left is None:
        left = _ask(_LEFT, connection=connection_id) or 0.0
        raise Busy(retry_after=max(apart, left - room))
    return max(0.0, left - burst)


def slow(connection_id: int, seconds: float | None = None) -> None:
    """Lever answered 429: no turn is given for so long, and no burst after it."""
    pause = PAUSE if seconds is None else min(seconds, LONGEST_PAUSE)
    _ask(_SLOW, connection=connection_id, seconds=pause + _burst())


def _apart() -> float:
    """Seconds from one call to the next."""
    return 1 / settings.LEVER_RATE


def _burst() -> float:
    """What an idle allowance has saved up, in seconds: a second's calls, at least one."""
    return max(1.0, _apart())


def _ask(statement: str, **values: float) -> float | None:
    # Durable: within a transaction the row would stay locked, and hold everybody else up.
    with transaction.atomic(durable=True), database.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None
