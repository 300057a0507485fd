"""Lever's Data API: one method per call, typed results, errors as types. Knows no Django."""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any, NoReturn, Self

import httpx2

from nomdecode.lever.deadline import Deadline, Transport
from nomdecode.lever.errors import (
    Ambiguous,
    Busy,
    Forbidden,
    LeverError,
    NotFound,
    RateLimited,
    Refused,
    Unauthorised,
    Unavailable,
)
from nomdecode.lever.things import (
    Archived,
    ArchiveReason,
    Created,
    Deleted,
    Json,
    Note,
    Opportunity,
    Posting,
    Stage,
    StageChange,
    User,
    Webhook,
    is_id,
)

__all__ = [
    "Ambiguous",
    "ArchiveReason",
    "Archived",
    "Busy",
    "Created",
    "Deleted",
    "Forbidden",
    "Lever",
    "LeverError",
    "NotFound",
    "Note",
    "Opportunity",
    "Posting",
    "RateLimited",
    "Refused",
    "Stage",
    "StageChange",
    "Unauthorised",
    "Unavailable",
    "User",
    "Webhook",
]

PAGE = 100
RESTARTS = 3  # of a list whose page token went stale
LONGEST_ANSWER = 32 * 1024 * 1024

type Filter = str | int | bool | Iterable[str] | None
type File = tuple[str, bytes, str]  # name, content, MIME type


class Lever:
    """One connection to Lever. Of one thread at a time; close it, or use it in a `with`.

    `total_deadline`: seconds around each single call, from looking for a connection to the last
    byte of the answer (only the look-up of the host's name is not in it). `before` runs ahead of
    each, outside of the deadline, and `check` when its time has begun to run: what was true then
    stays true as long as anything is sent. If one of them raises, nothing was sent. `slowed` hears
    of every 429, with the seconds that Lever asks for.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        total_deadline: float = 20.0,
        *,
        before: Callable[[], None] | None = None,
        check: Callable[[], None] | None = None,
        slowed: Callable[[float | None], None] | None = None,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._before, self._check, self._slowed = before, check, slowed
        self._seconds = total_deadline
        self._deadline = Deadline()
        self.took = 0.0  # seconds, of all calls so far, without `before` and `check`
        self._http = httpx2.Client(
            auth=httpx2.BasicAuth(api_key, ""),
            transport=Transport(self._deadline),
            timeout=total_deadline,
            follow_redirects=False,  # the key must not go where Lever's answer points
            trust_env=False,
            headers={"Accept": "application/json", "User-Agent": "Nom de Code"},
        )

    def __repr__(self) -> str:
        return f"Lever({self._base!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # --- who and where

    def users(self, email: str | None = None, include_deactivated: bool = False) -> list[User]:
        filters = {"email": email, "includeDeactivated": include_deactivated or None}
        return list(self._each("/users", User.of, filters))

    def stages(self) -> list[Stage]:
        """In the order of the pipeline."""
        return list(self._each("/stages", Stage.of, {}))

    def postings(self, state: str | None = None) -> list[Posting]:
        return list(self._each("/postings", Posting.of, {"state": state}))

    def archive_reasons(self, type: str | None = None) -> list[ArchiveReason]:
        return list(self._each("/archive_reasons", ArchiveReason.of, {"type": type}))

    def webhooks(self) -> list[Webhook]:
        return list(self._each("/webhooks", Webhook.of, {}))

    # --- opportunities

    def opportunity(self, id: str, expand: Iterable[str] = ()) -> Opportunity:
        path = f"/opportunities/{_segment(id)}"
        return Opportunity.of(self._data("GET", path, {"expand": expand}))

    def opportunities(self, **filters: Filter) -> Iterator[Opportunity]:
        """All that match, each once, page after page; filters as Lever names them."""
        return chain.from_iterable(self.opportunity_pages(**filters))

    def opportunity_pages(self, **filters: Filter) -> Iterator[list[Opportunity]]:
        """The same by the page, which is asked for when the next one is taken."""
        return self._pages("/opportunities", Opportunity.of, filters)

    def deleted(self, start: int, end: int) -> list[Deleted]:
        """Deleted from `start` to `end` (milliseconds; at most 30 days apart)."""
        window = {"deleted_at_start": start, "deleted_at_end": end}
        return list(self._each("/opportunities/deleted", Deleted.of, window))

    def create_opportunity(
        self, fields: Mapping[str, Any], resume: File | None, perform_as: str
    ) -> Created:
        """`fields` as Lever names them; multipart where a file goes with them, else JSON."""
        body: dict[str, Any] = {"json": dict(fields)}
        if resume is not None:
            body = {"data": _form(fields), "files": {"resumeFile": resume}}
        answer = self._call("POST", "/opportunities", {"perform_as": perform_as}, **body)
        opportunity = Opportunity.of(_part(answer))
        if not opportunity.id:
            raise Ambiguous(201, "no id")
        return Created(opportunity, opportunity.deduped or answer.get("deduped") is True)

    def add_note(self, opportunity_id: str, value: str, perform_as: str) -> Note:
        path = f"/opportunities/{_segment(opportunity_id)}/notes"
        answer = self._call("POST", path, {"perform_as": perform_as}, json={"value": value})
        note = Note.of(_part(answer))
        if not note.id:
            raise Ambiguous(201, "no id")
        return note

    def notes(self, opportunity_id: str) -> list[Note]:
        return list(self._each(f"/opportunities/{_segment(opportunity_id)}/notes", Note.of, {}))

    # --- one call

    def _each[T](
        self, path: str, of: Callable[[Json], T], filters: Mapping[str, Filter]
    ) -> Iterator[T]:
        return chain.from_iterable(self._pages(path, of, filters))

    def _pages[T](
        self, path: str, of: Callable[[Json], T], filters: Mapping[str, Filter]
    ) -> Iterator[list[T]]:
        """Every item of a list once; begins again where a page token has grown stale."""
        seen: set[str] = set()
        offset, restarts = "", 0
        while True:
            query = {"limit": str(PAGE)} | _query(filters)
            if offset:
                query["offset"] = offset
            try:
                page = self._call("GET", path, query)
            except Refused as error:
                if not offset or "offset" not in error.message.lower() or restarts == RESTARTS:
                    raise
                offset, restarts = "", restarts + 1
                continue
            items = {str(item["id"]): item for item in _items(page)}
            yield [of(item) for id, item in items.items() if id not in seen]
            seen |= items.keys()
            if not page.get("hasNext"):
                return
            following = page.get("next")
            if not isinstance(following, str) or following == offset:
                raise Ambiguous(200, "no next page")
            offset = following

    def _data(self, method: str, path: str, filters: Mapping[str, Filter] | None = None) -> Json:
        data = _part(self._call(method, path, _query(filters or {})))
        if not data.get("id"):
            raise Ambiguous(200, "no id")
        return data

    def _call(self, method: str, path: str, query: Mapping[str, Any], **body: Any) -> Json:
        status, headers, content = self._exchange(method, path, query, **body)
        if status == 429 and self._slowed:
            self._slowed(_retry_after(headers.get("Retry-After", "")))
        if not 200 <= status < 300:
            _raise(status, headers, _object(content) or {})
        answer = _object(content)
        if answer is None:
            raise Ambiguous(status, "no JSON")
        return answer

    def _exchange(
        self, method: str, path: str, query: Mapping[str, Any], **body: Any
    ) -> tuple[int, httpx2.Headers, bytes]:
        if self._before:
            self._before()
        self._deadline.begin(self._seconds)
        if self._check:
            self._check()
        failure: LeverError
        began = time.monotonic()
        try:
            url = self._base + path
            with self._http.stream(method, url, params=query or None, **body) as response:
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > LONGEST_ANSWER:
                        break
                return response.status_code, response.headers, bytes(content)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            failure = Unavailable(None, type(error).__name__)
        except httpx2.RequestError as error:
            failure = Ambiguous(None, type(error).__name__)
        finally:
            self.took += time.monotonic() - began
        # Outside of the handler: httpx2's errors carry the request, and with it the key.
        raise failure


def _raise(status: int, headers: httpx2.Headers, answer: Json) -> NoReturn:
    code, message = str(answer.get("code", "")), str(answer.get("message", ""))[:500]
    kinds = {401: Unauthorised, 403: Forbidden, 404: NotFound, 429: RateLimited}
    kind: type[LeverError] = kinds.get(status, Refused)
    if status < 400 or status == 408 or status >= 500:  # no word on whether it was done
        kind = Ambiguous
    raise kind(status, code, message, _retry_after(headers.get("Retry-After", "")))


def _retry_after(value: str) -> float | None:
    """Seconds, from either form that HTTP allows."""
    if re.fullmatch(r"\d+(\.\d+)?", value.strip()):
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _part(answer: Json) -> Json:
    data = answer.get("data")
    return data if isinstance(data, Mapping) else {}


def _items(page: Json) -> list[Json]:
    """Without a proper list nobody knows what is there: it must not look as if nothing were."""
    data = page.get("data")
    if not isinstance(data, list) or not all(map(_has_id, data)):
        raise Ambiguous(200, "no list")
    return data


def _has_id(item: object) -> bool:
    return isinstance(item, Mapping) and is_id(item.get("id"))


def _segment(id: str) -> str:
    """An id as part of a path; one that could lead elsewhere names nothing."""
    if not re.fullmatch(r"[\w-]+", id, re.ASCII):
        raise NotFound(None, "no id")
    return id


def _query(filters: Mapping[str, Filter]) -> dict[str, str | list[str]]:
    query: dict[str, str | list[str]] = {}
    for name, value in filters.items():
        if isinstance(value, bool):
            query[name] = "true" if value else "false"
        elif isinstance(value, str | int):
            query[name] = str(value)
        elif value is not None:
            query[name] = list(value)
    return query


def _form(fields: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Fields in Lever's multipart form: emails[], phones[0][value], archived[reason]."""
    form: dict[str, str | list[str]] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            form |= {f"{name}[{key}]": str(part) for key, part in value.items() if part is not None}
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            for number, item in enumerate(value):
                form |= {f"{name}[{number}][{key}]": str(part) for key, part in item.items()}
        elif isinstance(value, list | tuple):
            form[f"{name}[]"] = [str(item) for item in value]
        elif value is not None:
            form[name] = str(value)
    return form
