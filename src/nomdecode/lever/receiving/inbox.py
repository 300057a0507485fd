"""Where signed deliveries are kept: rows, marks and rings, many in one statement."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool

from nomdecode.lever import marks
from nomdecode.lever.models import Verdict
from nomdecode.lever.receiving.envelope import Envelope
from nomdecode.lever.receiving.hooks import Hook
from nomdecode.lever.receiving.pace import Pace
from nomdecode.orgs import doorbell, live

TOO_OLD, TOO_EARLY = timedelta(hours=24), timedelta(minutes=5)  # Lever tries again for hours
TELL_EVERY = 0.1  # seconds


@dataclass(frozen=True)
class Signed:
    """A delivery whose signature fits the token `signed_with`."""

    hook: Hook
    signed_with: int
    envelope: Envelope
    received_at: datetime

    @property
    def key(self) -> tuple[int, str]:
        return self.hook.connection_id, self.envelope.stored_token

    def row(self) -> dict[str, Any]:
        return {
            "connection_id": self.hook.connection_id,
            "organisation_id": str(self.hook.organisation_id),
            "signing_token_id": self.signed_with,
            "token": self.envelope.stored_token,
            "event": self.envelope.event,
            "triggered_at": self.envelope.moment.isoformat(),
            "received_at": self.received_at.isoformat(),
            "opportunity_id": self.envelope.opportunity_id,
            "to_stage": self.envelope.to_stage,
            "verdict": self.verdict,
            "marks": self.marks,
        }

    @property
    def verdict(self) -> Verdict:
        at, now = self.envelope.moment, self.received_at
        if not now - TOO_OLD <= at <= now + TOO_EARLY:
            return Verdict.SUSPICIOUS
        return Verdict.WAITING if self.marks else Verdict.UNKNOWN

    @property
    def marks(self) -> bool:
        """Whether Lever is to be asked about an opportunity."""
        about = self.envelope.opportunity_id
        return bool(about) and self.envelope.event in marks.OF_OPPORTUNITIES


class Inbox:
    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._teller = Teller(pool)

    async def store(self, deliveries: list[Signed]) -> None:
        """Returns when all of them are durable; workers and open pages hear of it after that."""
        deliveries = sorted(deliveries, key=lambda each: each.key)  # as every process locks them
        rows = json.dumps([each.row() for each in deliveries])
        async with self._pool.connection() as link:
            cursor = await link.execute(_STORE, [rows], prepare=True)
            marked = {id for (id,) in await cursor.fetchall()}
        for each in deliveries:
            self._teller.of(each.hook, marked=each.hook.connection_id in marked)


# A repeat only counts; one that speaks of another opportunity of ours has Lever asked about that
# too, since nobody knows which of the two was forged. Answers the connections with new marks.
_STORE: LiteralString = """
    WITH came AS (
        SELECT came.*, EXISTS (
            SELECT FROM pipeline_opportunity known
            WHERE known.organisation_id = came.organisation_id
            AND known.external_id = came.opportunity_id
        ) AS ours
        FROM json_to_recordset(%s) AS came(
            connection_id bigint, organisation_id uuid, signing_token_id bigint, token text,
            event text, triggered_at timestamptz, received_at timestamptz, opportunity_id text,
            to_stage text, verdict text, marks boolean
        )
    ), kept AS (
        INSERT INTO lever_delivery AS old (
            id, connection_id, signing_token_id, token, event, triggered_at, received_at,
            opportunity_id, to_stage, verdict, repeats, disputed
        )
        SELECT gen_random_uuid(), connection_id, signing_token_id, token, event, triggered_at,
            received_at, opportunity_id, CASE WHEN ours THEN to_stage ELSE '' END, verdict, 0, false
        FROM came
        ON CONFLICT (connection_id, token) DO UPDATE SET
            repeats = least(old.repeats, 1000000) + 1,
            repeated_at = excluded.received_at,
            disputed = old.disputed OR (old.event, old.opportunity_id)
                IS DISTINCT FROM (excluded.event, excluded.opportunity_id)
        RETURNING connection_id, token, opportunity_id, repeats
    ), verified AS (
        UPDATE lever_signingtoken token SET verified_at = came.received_at FROM came
        WHERE token.id = came.signing_token_id AND token.verified_at IS NULL
    )
    INSERT INTO lever_mark (connection_id, opportunity_id, marked_at, tries)
    SELECT connection_id, came.opportunity_id, max(received_at), 0
    FROM came JOIN kept USING (connection_id, token)
    WHERE marks AND (repeats = 0 OR ours AND came.opportunity_id <> kept.opportunity_id)
    GROUP BY connection_id, came.opportunity_id
    ORDER BY connection_id, came.opportunity_id
    ON CONFLICT (connection_id, opportunity_id) DO UPDATE
        SET marked_at = greatest(lever_mark.marked_at, excluded.marked_at),
            looked_at = NULL, tries = 0
    RETURNING connection_id
"""


class Teller:
    """Rings for the workers and tells open pages of what is durable, at once and then every
    TELL_EVERY seconds. What is lost with the process, the sweep of each minute rings for.
    """

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._pages: set[UUID] = set()  # of organisations
        self._marked: set[int] = set()  # connections
        self._pace = Pace(TELL_EVERY, self._tell)

    def of(self, hook: Hook, *, marked: bool) -> None:
        self._pages.add(hook.organisation_id)
        if marked:
            self._marked.add(hook.connection_id)
        self._pace.wake()

    async def _tell(self) -> None:
        from nomdecode.lever.tasks import apply_deliveries

        pages, marked = self._pages, self._marked
        self._pages, self._marked = set(), set()
        statements = [doorbell.ringing(apply_deliveries, connection_id=id) for id in marked]
        statements += [live.telling(id, "lever") for id in pages]
        try:
            async with self._pool.connection() as link, link.transaction():
                for statement, parameters in statements:
                    await link.execute(statement, parameters)
        except psycopg.Error:
            self._pages |= pages
            self._marked |= marked
            raise
