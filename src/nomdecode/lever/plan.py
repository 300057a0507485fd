"""The plan of one export, fixed in the transaction of its first claim."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection as database
from django.urls import reverse

from nomdecode.interviews.models import Criterion, Interview
from nomdecode.lever import client, pick_lists, protocol
from nomdecode.lever.eligibility import stage_for
from nomdecode.lever.models import (
    Connection,
    Export,
    ExportStep,
    Kind,
    MemberEmail,
    PositionPosting,
    StepState,
)
from nomdecode.lever.profile import Card, Facts, Plan
from nomdecode.orgs.models import Member

STEPS = ("profile", "note")


class NoFallback(Exception):
    """The fallback "perform as" user is no active Lever user any more."""


def fix(export: Export, connection: Connection, now: datetime) -> Plan:
    """Writes the plan, the marker and the steps; the caller holds the locks."""
    interview = export.interview
    with database.cursor() as cursor:  # one at a time: no two may choose the same second
        key = f"lever.marker {export.organisation_id}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
    marker = _free_second(connection, now)
    performer, why = _performer(interview, connection)
    posting = PositionPosting.objects.filter(position=interview.position_id).first()
    owner = _owner(interview, connection, posting)
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
        posting=posting.posting_id if posting else "",
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
    """Nothing was made, and a person must choose anew: the next claim plans again."""
    export.steps.update(
        state=StepState.TODO, calling_since=None, looked_at=None, lease_until=None, remote_id=""
    )
    export.plan = export.marker = None
    export.save(update_fields=["plan", "marker"])


def fallback_user(connection: Connection) -> dict[str, Any]:
    user = _user(connection, connection.perform_as)
    if user is None:
        raise NoFallback(connection.perform_as)
    return user


def _free_second(connection: Connection, now: datetime) -> datetime:
    """The latest whole second at least a minute past that no other export of ours bears."""
    latest = now.replace(microsecond=0) - timedelta(minutes=1)
    with database.cursor() as cursor:
        cursor.execute(_TAKEN, [connection.organisation_id, latest])
        if cursor.fetchone() is None:
            return latest
        cursor.execute(_RUN, [connection.organisation_id, latest])
        last: datetime = cursor.fetchone()[0]
    return last - timedelta(seconds=1)


_TAKEN = "SELECT 1 FROM lever_export WHERE organisation_id = %s AND marker = %s"
# Where the run of taken seconds that begins at the latest one ends; read only as far as it goes.
_RUN = """
SELECT marker FROM (
    SELECT marker, lead(marker) OVER (ORDER BY marker DESC) AS older
    FROM lever_export WHERE organisation_id = %s AND marker <= %s
) taken
WHERE older IS DISTINCT FROM marker - interval '1 second'
ORDER BY marker DESC LIMIT 1
"""


def _performer(interview: Interview, connection: Connection) -> tuple[dict[str, Any], str]:
    decider = interview.assignments.select_related("member__user").filter(decider=True).first()
    user = _user(connection, email_of(decider.member)) if decider else None
    return (user, "interviewer") if user else (fallback_user(connection), "fallback")


def _owner(
    interview: Interview, connection: Connection, posting: PositionPosting | None
) -> dict[str, Any]:
    """The recruiter if an active Lever user, else the posting's owner, else the fallback."""
    if user := _user(connection, email_of(interview.recruiter)):
        return user
    postings = {item["id"]: item for item in _listed(connection, "postings")}
    owner = postings.get(posting.posting_id, {}).get("owner") if posting else None
    users = {user["id"]: user for user in _listed(connection, "users") if not user["deactivated"]}
    return users.get(owner) or fallback_user(connection)


def email_of(member: Member) -> str:
    """The member's address in Lever: the one that an admin set, else the one they sign in with."""
    set_by_admin = MemberEmail.objects.filter(member=member).first()
    return set_by_admin.email if set_by_admin else member.email


def _user(connection: Connection, email: str) -> dict[str, Any] | None:
    same = (user for user in _listed(connection, "users") if not user["deactivated"])
    return next((user for user in same if user["email"].lower() == email.lower()), None)


def _listed(connection: Connection, kind: str) -> list[dict[str, Any]]:
    """As last told: within the claim's locks nobody is asked."""
    kept = pick_lists.known(connection, kind)
    return list(kept.items) if kept else []


def warm(interview: Interview, connection: Connection) -> bool:
    """Asks Lever for its lists before the claim. False if it does not answer and none are kept."""
    decider = interview.assignments.select_related("member__user").filter(decider=True).first()
    people = [interview.recruiter, *([decider.member] if decider else [])]
    try:
        for member in people:
            pick_lists.user_by_email(connection, email_of(member))
        if PositionPosting.objects.filter(position=interview.position_id).exists():
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
    cards = [
        Card(
            interviewer=assignment.member.name,
            decider=assignment.decider,
            ratings=tuple(
                (criteria.get(int(key), ""), int(value["rating"]), value.get("evidence", ""))
                for key, value in scorecard.content.get("ratings", {}).items()
            ),
            notes=scorecard.content.get("notes", ""),
            decision=scorecard.decision,
        )
        for assignment in interview.assignments.select_related("member__user")
        if (scorecard := assignment.scorecard)
    ]
    return Facts(
        pseudonym=interview.candidate.pseudonym,
        position=interview.position.title,
        url=settings.URL + reverse("interviews:interview", args=[interview.pk]),
        reference=interview.pk.hex[:12],
        cards=tuple(cards),
    )
