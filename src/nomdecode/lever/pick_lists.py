"""Users, stages, postings and archive reasons as Lever last listed them, with their age.

What asks Lever here is for workers; a page has it asked (questions.py).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from nomdecode.lever import client
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, PickList
from nomdecode.orgs import audit, locks
from nomdecode.pipeline import stages as pipeline_stages

LIST_AGE = timedelta(minutes=10)
LOOKED_UP_AGAIN = timedelta(minutes=1)  # so often somebody who is not in the list


def _users(asked: client.Lever) -> list[dict[str, Any]]:
    return [
        {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "role": user.role,
            "deactivated": user.deactivated_at is not None,
        }
        for user in asked.users(include_deactivated=True)
    ]


LISTS: dict[str, Callable[[client.Lever], list[dict[str, Any]]]] = {
    "users": _users,
    "stages": lambda asked: [asdict(stage) for stage in asked.stages()],
    "postings": lambda asked: [asdict(posting) for posting in asked.postings()],
    "archive_reasons": lambda asked: [asdict(reason) for reason in asked.archive_reasons()],
}


def users(connection: Connection) -> list[dict[str, Any]]:
    """[{id, name, email, role, deactivated}], deactivated ones too."""
    return _listed(connection, "users")


def postings(connection: Connection) -> list[dict[str, Any]]:
    """[{id, text, state, owner, location}]."""
    return _listed(connection, "postings")


def archive_reasons(connection: Connection) -> list[dict[str, Any]]:
    """[{id, text, type, status}]; type hired or non-hired."""
    return _listed(connection, "archive_reasons")


def users_with(connection: Connection, *emails: str) -> list[dict[str, Any]]:
    """The users; asks Lever anew, once in a while, before one of `emails` is nobody's."""
    listed = users(connection)
    known_to_all = all(find_user(listed, email) for email in emails)
    if known_to_all or age(connection, "users") < LOOKED_UP_AGAIN:
        return listed
    with _alone(connection, "users") as alone:
        return refresh(connection, "users") if alone else listed


def _alone(connection: Connection, kind: str) -> AbstractContextManager[bool]:
    """Many exports at once need the same list: one of them asks for it."""
    return locks.alone(f"lever.list {connection.pk} {kind}")


def find_user(listed: list[dict[str, Any]], email: str) -> dict[str, Any] | None:
    same = [user for user in listed if user["email"].lower() == email.strip().lower()]
    active = [user for user in same if not user["deactivated"]]
    return next(iter(active or same), None)


def known(connection: Connection, kind: str) -> PickList | None:
    """A list as Lever last told it, however old; asks nobody."""
    return connection.pick_lists.filter(kind=kind).first()


def refresh(connection: Connection, kind: str) -> list[dict[str, Any]]:
    """Asks Lever for one list: users, stages, postings or archive_reasons. Raises LeverError."""
    try:
        with connections.lever(connection) as asked:
            items = LISTS[kind](asked)
    except client.Unauthorised:
        if connection.api_key:
            connections.refused(connection)
        raise
    with transaction.atomic():
        held = connections.held(connection)
        if held.api_key_set_at == connection.api_key_set_at:  # else it may be another company's
            keep(held, kind, items)
    return items


def _listed(connection: Connection, kind: str) -> list[dict[str, Any]]:
    """The list, at most LIST_AGE old; an older one where Lever does not answer."""
    kept = known(connection, kind)
    if kept is None:
        return refresh(connection, kind)
    if timezone.now() - kept.fetched_at >= LIST_AGE:
        with _alone(connection, kind) as alone, suppress(client.LeverError):
            if alone:
                return refresh(connection, kind)
    return list(kept.items)


def age(connection: Connection, kind: str) -> timedelta:
    kept = known(connection, kind)
    return timezone.now() - kept.fetched_at if kept else timedelta.max


def keep(connection: Connection, kind: str, items: list[dict[str, Any]]) -> None:
    """Writes down what Lever told. The caller holds the connection."""
    write(connection, kind, items)
    if kind == "stages":
        pairs = [(item["id"], item["text"]) for item in items]
        pipeline_stages.replace(connection.organisation, pairs)
    if kind == "users":
        _take_draft(connection, items)


def write(connection: Connection, kind: str, items: list[dict[str, Any]]) -> None:
    row = PickList(connection=connection, kind=kind, items=items, fetched_at=timezone.now())
    PickList.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["connection", "kind"],
        update_fields=["items", "fetched_at"],
    )


def _take_draft(held: Connection, listed: list[dict[str, Any]]) -> None:
    """Who was to perform and was not known counts as soon as Lever lists them as active."""
    user = find_user(listed, held.perform_as_draft) if held.perform_as_draft else None
    if user and not user["deactivated"]:
        held.perform_as, held.perform_as_draft = held.perform_as_draft, ""
        held.save(update_fields=["perform_as", "perform_as_draft"])
        audit.record(held.organisation, "lever.saved", held, what="perform as")
        connections.changed(held)
