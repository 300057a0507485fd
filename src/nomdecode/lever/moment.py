"""The time by which leases, graces and allowances go: the database's.

All workers of all hosts share it; a host's own clock may differ, or jump by an hour.
"""

from datetime import datetime

from django.db import connection


def now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
