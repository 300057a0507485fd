"""The webhook addresses with their signing tokens, in plain text, in memory for a moment.

What is not known yet is looked up before anything is refused; what was revoked is gone after KEPT.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection
from nomdecode.lever.receiving import signature
from nomdecode.lever.receiving.envelope import Envelope
from nomdecode.orgs import keys

log = logging.getLogger(__name__)

KEPT = 1.0  # seconds
GAP = 0.1  # seconds between two look-ups, however many are in doubt
IN_DOUBT = 500  # requests that wait for the next look-up; more are refused without


@dataclass(frozen=True)
class Hook:
    """One connection's address. `tokens`: id and plain text of those that count."""

    hook_id: str
    connection_id: int
    organisation_id: UUID
    tokens: tuple[tuple[int, str], ...]

    def signed_with(self, envelope: Envelope) -> int | None:
        """The id of the token that signed it."""
        secrets = [plain for _, plain in self.tokens]
        place = signature.which(secrets, envelope.token, envelope.triggered_at, envelope.signature)
        return None if place is None else self.tokens[place][0]


class Hooks:
    """Of all organisations, by the unguessable part of their address."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._hooks: dict[str, Hook] = {}
        self._plain: dict[tuple[int, bytes], str] = {}  # unsealing takes longer than a signature
        self._loaded_at = self._failed_at = float("-inf")
        self._loading = asyncio.Lock()
        self._in_doubt = 0

    async def find(self, hook_id: str) -> Hook | None:
        now = time.monotonic()
        if now - self._loaded_at > KEPT:
            await self._load(now)
        if hook_id not in self._hooks:
            await self._doubt(now)
        return self._hooks.get(hook_id)

    async def again(self, hook: Hook) -> Hook:
        """As it is in the database from now on: a token may have been added."""
        await self._doubt(time.monotonic())
        return self._hooks.get(hook.hook_id, hook)

    async def _doubt(self, since: float) -> None:
        if self._in_doubt >= IN_DOUBT:
            return
        self._in_doubt += 1
        try:
            await self._load(since)
        finally:
            self._in_doubt -= 1

    async def _load(self, since: float) -> None:
        """Returns when it was loaded after `since`; all who wait share one look-up.

        Raises psycopg.OperationalError when the database is away.
        """
        async with self._loading:
            if self._loaded_at >= since:
                return
            if self._failed_at >= since:
                raise psycopg.OperationalError("somebody who waited as long has tried")
            await asyncio.sleep(max(0, self._loaded_at + GAP - time.monotonic()))
            began = time.monotonic()
            try:
                rows = await self._rows()
            except psycopg.OperationalError:
                self._failed_at = time.monotonic()
                raise
            self._hooks, self._plain = self._read(rows)
            self._loaded_at = began

    async def _rows(self) -> list[dict[str, Any]]:
        async with self._pool.connection() as link:
            cursor = link.cursor(row_factory=dict_row)
            await cursor.execute(_HOOKS)
            rows: list[dict[str, Any]] = await cursor.fetchall()
            return rows

    def _read(
        self, rows: list[dict[str, Any]]
    ) -> tuple[dict[str, Hook], dict[tuple[int, bytes], str]]:
        hooks, plain = {}, {}
        for row in rows:
            tokens = []
            for id, sealed in zip(row["ids"], row["sealed"], strict=True):
                key = id, bytes(sealed)
                text = self._plain.get(key) or _unseal(row, sealed)
                if text:
                    plain[key] = text
                    tokens.append((id, text))
            hook_id = row["hook_id"]
            hooks[hook_id] = Hook(hook_id, row["id"], row["organisation_id"], tuple(tokens))
        return hooks, plain


def _unseal(row: dict[str, Any], sealed: bytes) -> str:
    fields = {name: row[name] for name in ("id", "organisation_id", "wrapped_key")}
    try:
        return connections.unseal(Connection(**fields), sealed, "token")
    except keys.Unreadable:
        log.error("a signing token of connection %s was sealed with another key", row["id"])
        return ""


# As connection.tokens() has it; also the addresses without any.
_HOOKS = """
    SELECT connection.id, hook_id, organisation_id, wrapped_key,
        coalesce(array_agg(token.id ORDER BY token.id)
            FILTER (WHERE token.id IS NOT NULL), '{}') AS ids,
        coalesce(array_agg(token.sealed ORDER BY token.id)
            FILTER (WHERE token.id IS NOT NULL), '{}') AS sealed
    FROM lever_connection connection LEFT JOIN lever_signingtoken token
        ON token.connection_id = connection.id AND token.revoked_at IS NULL
        AND (token.retires_at IS NULL OR token.retires_at > now())
    GROUP BY connection.id
"""
