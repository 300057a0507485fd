"""What was refused at the webhook's address: counted in memory, written down now and then.

However many come, it costs one row for each connection, reason and hour.
"""

import json
from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool

from nomdecode.lever.receiving.hooks import Hook
from nomdecode.lever.receiving.pace import Pace
from nomdecode.orgs import live

COUNT_EVERY = 2.0  # seconds


class Why(StrEnum):
    SIGNATURE = "signature"
    NO_JSON = "no_json"
    TOO_LONG = "too_long"
    TOO_SLOW = "too_slow"


class Refusals:
    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._counts: Counter[tuple[int, Why, UUID]] = Counter()  # connection, why, organisation
        self._pace = Pace(COUNT_EVERY, self._write)

    def add(self, hook: Hook, why: Why) -> None:
        self._counts[hook.connection_id, why, hook.organisation_id] += 1
        self._pace.wake()

    async def _write(self) -> None:
        counts, self._counts = self._counts, Counter()
        now = datetime.now(UTC)
        hour = now.replace(minute=0, second=0, microsecond=0)
        rows = [
            {"connection_id": connection, "why": why, "count": count}
            for (connection, why, _), count in sorted(counts.items())  # as every process locks them
        ]
        told = {organisation for _, _, organisation in counts}
        try:
            async with self._pool.connection() as link, link.transaction():
                await link.execute(_COUNT, {"rows": json.dumps(rows), "hour": hour, "now": now})
                for id in told:
                    await link.execute(*live.telling(id, "lever"))
        except psycopg.Error:
            self._counts.update(counts)
            raise


_COUNT: LiteralString = """
    WITH came AS (
        SELECT came.* FROM json_to_recordset(%(rows)s) AS came(
            connection_id bigint, why text, count bigint
        ) JOIN lever_connection connection ON connection.id = connection_id
    ), counted AS (
        INSERT INTO lever_refusal AS old (connection_id, why, hour, count, last_at)
        SELECT connection_id, why, %(hour)s, count, %(now)s FROM came
        ON CONFLICT (connection_id, why, hour) DO UPDATE
            SET count = old.count + excluded.count, last_at = excluded.last_at
    )
    UPDATE lever_connection connection
    SET unsigned_count = least(connection.unsigned_count + came.count, 1000000000),
        unsigned_at = %(now)s
    FROM came WHERE connection.id = came.connection_id AND came.why = 'signature'
"""
