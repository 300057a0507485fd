"""What Lever would receive for an invented person, through the present settings."""

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from nomdecode.candidates import vault
from nomdecode.lever import choices, profile
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, Kind

PSEUDONYM = "Copper Heron"
FACTS = profile.Facts(
    pseudonym=PSEUDONYM,
    position="Backend engineer",
    url=f"{settings.URL}/interviews/…",
    reference="0123456789ab",
    cards=(
        profile.Card(
            interviewer="The interviewer",
            decider=True,
            ratings=(("Problem solving", 4, "Split the task well and tested the edges."),),
            notes="Asked good questions.",
            decision="yes",
        ),
    ),
)
PERSON = vault.Identity(
    name="Sample Person",
    emails=("sam@person.example",),
    phones=("+44 20 7946 0000",),
    place="London",
    headline="Engineer",
    links=("https://person.example",),
)


@dataclass(frozen=True)
class Preview:
    rows: list[tuple[str, str]]
    request: str  # as it would be sent, for whoever wants to see it exactly


def named(connection: Connection) -> Preview:
    fields = profile.named(FACTS, PERSON, _plan(connection, Kind.NAMED))
    rows = [*_rows(connection, fields), ("resumeFile", "resume.pdf")]
    return _preview(connection, fields, rows)


def pseudonymous(connection: Connection) -> Preview:
    fields = profile.pseudonymous(FACTS, _plan(connection, Kind.PSEUDONYMOUS))
    return _preview(connection, fields, _rows(connection, fields))


def _plan(connection: Connection, kind: str) -> profile.Plan:
    passed = kind == Kind.NAMED
    stage = connection.stage_passed if passed else connection.stage_not_passed
    archive = not passed and connection.archive_not_passed
    return profile.Plan(
        kind=kind,
        stage=stage or connection.stage_passed,
        origin=connection.origin,
        perform_as="",
        perform_as_email=connection.perform_as,
        perform_as_why="fallback",
        owner="the recruiter",
        owner_email="",
        archive_reason=connection.archive_reason if archive else "",
    )


def _rows(connection: Connection, fields: dict[str, Any]) -> list[tuple[str, str]]:
    texts = _texts(connection)
    rows = [
        (name, ", ".join(_words(value, texts)))
        for name, value in fields.items()
        if name != "createdAt"
    ]
    fallback = connection.perform_as or "not chosen yet"
    if (user := choices.fallback_user(connection)) is not None and user["deactivated"]:
        fallback += ", no active Lever user"
    return [*rows, ("perform as", f"the interviewer, else {fallback}")]


def _texts(connection: Connection) -> dict[str, str]:
    """Id -> what people call it, for stages and archive reasons; of what is gone, that it is."""
    lists = connection.pick_lists.filter(kind__in=["stages", "archive_reasons"])
    texts = {item["id"]: item["text"] for kept in lists for item in kept.items}
    chosen = {connection.stage_passed, connection.stage_not_passed}
    gone = {stage for stage in chosen if choices.stage_gone(connection, stage)}
    if choices.reason_gone(connection, connection.archive_reason):
        gone.add(connection.archive_reason)
    return texts | dict.fromkeys(gone, "gone from Lever")


def _words(value: Any, texts: dict[str, str]) -> list[str]:
    if isinstance(value, dict):
        return [_one(part, texts) for key, part in value.items() if key != "type"]
    if isinstance(value, list):
        return [word for item in value for word in _words(item, texts)]
    return [_one(value, texts)]


def _one(value: Any, texts: dict[str, str]) -> str:
    return texts.get(str(value), str(value))


def _preview(
    connection: Connection, fields: dict[str, Any], rows: list[tuple[str, str]]
) -> Preview:
    body = json.dumps(fields, indent=2, ensure_ascii=False)
    address = connections.address(connection)
    note = profile.note(FACTS)
    request = (
        f"POST {address}/opportunities?perform_as=…\n\n{body}\n\n"
        f"POST {address}/opportunities/…/notes?perform_as=…\n\n{note}"
    )
    return Preview([*rows, ("note", f"Scorecards, {len(note.split())} words")], request)
