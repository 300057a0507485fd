"""Keeping other workers away from one thing, without a transaction that stays open meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether nobody else is at `name`; until the end of the block nobody else will be.

    The lock is the database session's: a worker may ask Lever or send mail within the block.
    """
    locked = _lock("pg_try_advisory_lock", name)
    try:
        yield locked
    finally:
        if locked:
            _lock("pg_advisory_unlock", name)


def _lock(function: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtext(%s))", [name])
        return bool(cursor.fetchone()[0])
