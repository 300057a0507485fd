"""The plan of one export, fixed in the transaction of its first claim."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import FilteredRelation, Q, Value
from django.db.models.functions import Coalesce
from django.urls import reverse

from nomdecode.interviews.models import Criterion, Interview, Scorecard
from nomdecode.lever import client, pick_lists, protocol
from nomdecode.lever.eligibility import stage_for
from nomdecode.lever.models import (
    Connection,
    Export,
    ExportStep,
    Kind,
    StepState,
)
from nomdecode.lever.profile import Card, Facts, Plan

STEPS = ("profile", "note")


class NoFallback(Exception):
    """The fallback "perform as" user is no active Lever user any more."""


@transaction.atomic
def reserve(export: Export, now: datetime) -> None:
    """Its second, before the claim: others who choose one wait for this, not for a whole claim."""
    as_read = Export.objects.filter(pk=export.pk, plan__isnull=True, marker=export.marker)
    as_read.update(marker=_second(export, now))


def fix(export: Export, connection: Connection, now: datetime) -> Plan:
    """Writes the plan, the marker and the steps; the caller holds the locks."""
    interview, marker = export.interview, _second(export, now)
    users = _active_users(connection)
    decider, recruiter, posting = _ties(interview)
    performer, why = _performer(decider, connection, users)
    owner, owner_why = _owner(recruiter, posting, connection, users)
    named = export.kind == Kind.NAMED
    archive = not named and connection.archive_not_passed
    plan = Plan(
        kind=export.kind,
        stage=stage_for(export, connection),
        origin=connection.origin,
        perform_as=performer["id"],
        perform_as_email=performer["email"],
        perform_as_why=why,
        owner=owner["id"],
        owner_email=owner["email"],
        owner_why=owner_why,
        posting=posting,
        archive_reason=connection.archive_reason if archive else "",
        created_at=int(marker.timestamp()) * 1000,
    )
    export.plan, export.marker = asdict(plan), marker
    export.save(update_fields=["plan", "marker"])
    steps = [ExportStep(export=export, name=name, order=order) for order, name in enumerate(STEPS)]
    ExportStep.objects.bulk_create(steps, ignore_conflicts=True)
    return plan


def of(export: Export) -> Plan:
    assert export.plan is not None
    return Plan(**export.plan)


def change(export: Export, **changes: Any) -> None:
    """A documented fallback: Lever refused one field, nothing was made, we go on without it."""
    export.plan = asdict(replace(of(export), **changes))
    export.save(update_fields=["plan"])


def drop(export: Export) -> None:
    """Nothing was made, and a person must choose anew: the next claim plans again.

    The marker stays: a call before this one may yet arrive, and the sweep knows it by its second.
    """
    export.steps.update(
        state=StepState.TODO, calling_since=None, looked_at=None, lease_until=None, remote_id=""
    )
    export.plan = None
    export.save(update_fields=["plan"])


def fallback_user(connection: Connection) -> dict[str, Any]:
    return _fallback(connection, _active_users(connection))


def _fallback(connection: Connection, users: list[dict[str, Any]]) -> dict[str, Any]:
    user = pick_lists.find_user(users, connection.perform_as)
    if user is None:
        raise NoFallback(connection.perform_as)
    return user


def _second(export: Export, now: datetime) -> datetime:
    """Planned again it keeps the one it had, unless a clock was wrong: Lever takes none to come."""
    kept = export.marker
    return kept if kept and kept < now else _free_second(export.organisation_id, now)


def _free_second(organisation_id: UUID, now: datetime) -> datetime:
    """The latest whole second at least a minute past that no other export of ours bears.

    One at a time until the transaction ends: no two may choose the same.
    """
    latest = now.replace(microsecond=0) - timedelta(minutes=1)
    key = f"lever.marker {organisation_id}"
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        cursor.execute(_FREE, {"organisation": organisation_id, "latest": latest})
        free: datetime = cursor.fetchone()[0]
    return free


# The second before the run of taken ones that begins at the latest; read only as far as it goes.
_FREE = """
SELECT CASE WHEN NOT EXISTS (
    SELECT FROM lever_export WHERE organisation_id = %(organisation)s AND marker = %(latest)s
) THEN %(latest)s ELSE (
    SELECT marker FROM (
        SELECT marker, lead(marker) OVER (ORDER BY marker DESC) AS older
        FROM lever_export WHERE organisation_id = %(organisation)s AND marker <= %(latest)s
    ) taken
    WHERE older IS DISTINCT FROM marker - interval '1 second'
    ORDER BY marker DESC LIMIT 1
) - interval '1 second' END
"""


def _ties(interview: Interview) -> tuple[str, str, str]:
    """What it has to do with in Lever: addresses of decider and recruiter, its posting's id.

    A member's address there is the one that an admin set, else the one they sign in with.
    """
    decider = FilteredRelation("assignments", condition=Q(assignments__decider=True))
    ties = Interview.objects.annotate(decided=decider).values_list(
        Coalesce("decided__member__lever_email__email", "decided__member__user__email", Value("")),
        Coalesce("recruiter__lever_email__email", "recruiter__user__email"),
        Coalesce("position__posting__posting_id", Value("")),
    )
    decided, recruiter, posting = ties.get(pk=interview.pk)
    return decided, recruiter, posting


def _performer(
    decider: str, connection: Connection, users: list[dict[str, Any]]
) -> tuple[dict[str, Any], str]:
    user = pick_lists.find_user(users, decider) if decider else None
    return (user, "interviewer") if user else (_fallback(connection, users), "fallback")


def _owner(
    recruiter: str, posting: str, connection: Connection, users: list[dict[str, Any]]
) -> tuple[dict[str, Any], str]:
    """The recruiter if an active Lever user, else the posting's owner, else the fallback."""
    if user := pick_lists.find_user(users, recruiter):
        return user, "recruiter"
    postings = _listed(connection, "postings") if posting else []
    owner = next((each["owner"] for each in postings if each["id"] == posting), None)
    if user := next((user for user in users if user["id"] == owner), None):
        return user, "posting"
    return _fallback(connection, users), "fallback"


def _active_users(connection: Connection) -> list[dict[str, Any]]:
    return [user for user in _listed(connection, "users") if not user["deactivated"]]


def _listed(connection: Connection, kind: str) -> list[dict[str, Any]]:
    """As last told: within the claim's locks nobody is asked."""
    kept = pick_lists.known(connection, kind)
    return list(kept.items) if kept else []


def warm(interview: Interview, connection: Connection) -> bool:
    """Asks Lever for its lists before the claim. False if it does not answer and none are kept."""
    decider, recruiter, posting = _ties(interview)
    try:
        pick_lists.users_with(connection, *filter(None, [decider, recruiter]))
        if posting:
            pick_lists.postings(connection)
    except client.LeverError:
        return pick_lists.known(connection, "users") is not None
    return True


def ours(connection: Connection, links: Iterable[str]) -> set[str]:
    """Those of `links` that lead to an interview of this organisation."""
    ids = {link: UUID(found[1]) for link in links if (found := protocol.INTERVIEW.search(link))}
    here = Interview.objects.filter(organisation=connection.organisation_id, pk__in=ids.values())
    known = set(here.values_list("pk", flat=True))
    return {link for link, id in ids.items() if id in known}


def facts(interview: Interview) -> Facts:
    """The interview without the person, as Lever's reader wants it."""
    criteria = dict(
        Criterion.objects.filter(position=interview.position_id).values_list("id", "name")
    )
    versions = Scorecard.objects.filter(assignment__interview=interview).order_by(
        "-assignment__decider", "assignment_id", "version"
    )
    fields = "assignment__member__user__name", "assignment__decider", "decision", "content"
    newest = {id: card for id, *card in versions.values_list("assignment_id", *fields)}
    cards = [
        Card(
            interviewer=interviewer,
            decider=decider,
            ratings=tuple(
                (criteria.get(int(key), ""), int(value["rating"]), value.get("evidence", ""))
                for key, value in content.get("ratings", {}).items()
            ),
            notes=content.get("notes", ""),
            decision=decision,
        )
        for interviewer, decider, decision, content in newest.values()
    ]
    return Facts(
        pseudonym=interview.candidate.pseudonym,
        position=interview.position.title,
        url=settings.URL + reverse("interviews:interview", args=[interview.pk]),
        reference=interview.pk.hex[:12],
        cards=tuple(cards),
    )
