"""Lever's things as it tells them: unknown fields are ignored, missing ones survived.

Times are milliseconds since 1970 UTC, as in Lever. What identifies a person is kept out of repr().
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeGuard

type Json = Mapping[str, Any]

LONGEST_ID, LONGEST_URL = 80, 300
END_OF_TIME = 253_402_300_799_999  # the year 9999, as far as dates go here


def _id(value: Any) -> str:
    """The id of something that Lever may have expanded into an object."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if is_id(value) else ""


def is_id(value: Any) -> TypeGuard[str]:
    """As it fits into a column. Lever's are UUIDs, or words such as "lead-new"."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and "\0" not in value


def _text(value: Any) -> str:
    return value.replace("\0", "") if isinstance(value, str) else ""


def _address(value: Any) -> str:
    """Of a page: what nobody could follow, or keep, is none."""
    text = _text(value)
    return text if text.startswith(("https://", "http://")) and len(text) <= LONGEST_URL else ""


def _time(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= END_OF_TIME else None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in _list(value) if isinstance(item, str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@dataclass(frozen=True)
class User:
    id: str
    name: str
    email: str
    role: str
    deactivated_at: int | None

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(
            _id(data),
            _text(data.get("name")),
            _text(data.get("email")),
            _text(data.get("accessRole")),
            _time(data.get("deactivatedAt")),
        )


@dataclass(frozen=True)
class Stage:
    id: str
    text: str

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(_id(data), _text(data.get("text")))


@dataclass(frozen=True)
class Posting:
    id: str
    text: str
    state: str
    owner: str  # user id
    location: str

    @classmethod
    def of(cls, data: Json) -> Self:
        categories = data.get("categories")
        place = categories.get("location") if isinstance(categories, Mapping) else ""
        return cls(
            _id(data),
            _text(data.get("text")),
            _text(data.get("state")),
            _id(data.get("owner")),
            _text(place),
        )


@dataclass(frozen=True)
class ArchiveReason:
    id: str
    text: str
    type: str  # hired, non-hired
    status: str

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(
            _id(data),
            _text(data.get("text")),
            _text(data.get("type")),
            _text(data.get("status")),
        )


@dataclass(frozen=True)
class StageChange:
    stage: str
    index: int | None
    at: int
    by: str  # user id

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(
            _id(data.get("toStageId")),
            _time(data.get("toStageIndex")),
            _time(data.get("updatedAt")) or 0,
            _id(data.get("userId")),
        )


@dataclass(frozen=True)
class Archived:
    at: int
    reason: str  # archive reason id

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(_time(data.get("archivedAt")) or 0, _id(data.get("reason")))


@dataclass(frozen=True)
class Opportunity:
    id: str
    contact: str
    stage: str
    owner: str
    origin: str
    created_at: int | None
    updated_at: int | None
    stage_changes: tuple[StageChange, ...]
    archived: Archived | None
    sources: tuple[str, ...]
    tags: tuple[str, ...]
    postings: tuple[str, ...]  # of its applications
    url: str
    deduped: bool
    anonymised: bool
    name: str = field(repr=False)
    headline: str = field(repr=False)
    location: str = field(repr=False)
    emails: tuple[str, ...] = field(repr=False)
    links: tuple[str, ...] = field(repr=False)
    phones: tuple[str, ...] = field(repr=False, default=())

    @classmethod
    def of(cls, data: Json) -> Self:
        archived, urls = data.get("archived"), data.get("urls")
        changes = [StageChange.of(c) for c in _list(data.get("stageChanges")) if _is(c)]
        location = data.get("location")
        return cls(
            id=_id(data),
            contact=_id(data.get("contact")),
            stage=_id(data.get("stage")),
            owner=_id(data.get("owner")),
            origin=_text(data.get("origin")),
            created_at=_time(data.get("createdAt")),
            updated_at=_time(data.get("updatedAt")),
            stage_changes=tuple(c for c in changes if c.stage and c.at),
            archived=Archived.of(archived) if isinstance(archived, Mapping) else None,
            sources=_texts(data.get("sources")),
            tags=_texts(data.get("tags")),
            postings=tuple(
                _id(a.get("posting")) for a in _list(data.get("applications")) if _is(a)
            ),
            url=_address(urls.get("show")) if isinstance(urls, Mapping) else "",
            deduped=data.get("deduped") is True,
            anonymised=data.get("isAnonymized") is True,
            name=_text(data.get("name")),
            headline=_text(data.get("headline")),
            location=_text(location.get("name") if isinstance(location, Mapping) else location),
            emails=_texts(data.get("emails")),
            links=_texts(data.get("links")),
            phones=_texts([p.get("value") for p in _list(data.get("phones")) if _is(p)]),
        )


def _is(value: Any) -> bool:
    return isinstance(value, Mapping)


@dataclass(frozen=True)
class Created:
    opportunity: Opportunity
    deduped: bool  # the person was in Lever before: the profile hangs on the contact that was there


@dataclass(frozen=True)
class Note:
    id: str
    value: str = field(repr=False)
    created_at: int | None = None

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(_id(data), _note_text(data), _time(data.get("createdAt")))


def _note_text(data: Json) -> str:
    """Lever tells a note's text as `value`, or in `fields`, one for each part of the thread."""
    if text := _text(data.get("value")):
        return text
    parts = [_text(part.get("value")) for part in _list(data.get("fields")) if _is(part)]
    return "\n".join(parts)


@dataclass(frozen=True)
class Deleted:
    id: str
    at: int | None

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(_id(data), _time(data.get("deletedAt")))


@dataclass(frozen=True)
class Webhook:
    id: str
    event: str
    url: str

    @classmethod
    def of(cls, data: Json) -> Self:
        return cls(_id(data), _text(data.get("event")), _text(data.get("url")))
