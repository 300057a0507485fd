"""Lists, a page at a time."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from lever_sandbox.records import now_ms
from lever_sandbox.refusals import bad, invalid

LIFETIME_MS = 60 * 60 * 1000
Query = list[tuple[str, str]]
Place = tuple[int, str]


def page[T](
    rows: Iterable[T],
    query: Query,
    show: Callable[[T], Any],
    place: Callable[[T], Place] | None = None,
    now: int | None = None,
) -> dict[str, Any]:
    """The page of `rows` that `query` asks for, as Lever answers it.

    `place` gives each row a place in an order that never changes, largest first; a page goes on
    below the place where the last one ended, so rows that come and go shift nothing. Without it
    the rows stay in the order they have.
    """
    now = now_ms() if now is None else now
    limit = _limit(_last(query, "limit"))
    asked = _fingerprint(query)
    placed = [
        (place(row) if place else (-number, ""), number, row) for number, row in enumerate(rows)
    ]
    placed.sort(reverse=True)
    token = _last(query, "offset")
    if token is not None:
        after = _read_token(token, asked, now)
        placed = [one for one in placed if one[0] < after]
    shown = placed[:limit]
    more = len(placed) > limit
    answer: dict[str, Any] = {"data": [show(row) for _, _, row in shown], "hasNext": more}
    if more:
        answer["next"] = _make_token(shown[-1][0], asked, now)
    return answer


def _last(query: Query, name: str) -> str | None:
    return next((value for key, value in reversed(query) if key == name), None)


def _limit(text: str | None) -> int:
    if text is None:
        return 100
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise invalid("limit: must be between 1 and 100")
    return int(text)


def _fingerprint(query: Query) -> str:
    """A token belongs to one list: the same one with other filters does not know it."""
    asked = sorted(pair for pair in query if pair[0] not in ("limit", "offset"))
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]


def _make_token(place: Place, asked: str, now: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([*place, asked, now]).encode()).decode()


def _read_token(token: str, asked: str, now: int) -> Place:
    try:
        number, id, belongs, made = json.loads(base64.urlsafe_b64decode(token.encode()))
        place, fresh = (int(number), str(id)), now - int(made) <= LIFETIME_MS
    except (ValueError, TypeError):
        raise bad("Invalid offset token") from None
    if belongs != asked or not fresh:
        raise bad("Invalid offset token")
    return place
