"""Problems as people see them: since when, what each stops, what to do, and when they were over.

watch() keeps rows of what findings.py finds: they know since when, stay for a while after it is
over, and are what admins are mailed about.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from nomdecode.lever import connection as connections
from nomdecode.lever.findings import Finding, find
from nomdecode.lever.models import Connection, Export, Problem
from nomdecode.orgs import locks
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import Member, Organisation

GOES_ON = timedelta(hours=1)  # what comes back within it is the same problem
MAIL_EVERY = timedelta(hours=1)  # at most, for each kind
KEPT_IN_SIGHT = timedelta(days=30)  # after it is over
LISTED = 20  # interviews of one problem


# --- rows of it


def watch(now: datetime) -> None:
    """Opens, updates and closes rows of what is found, and rings for the mail."""
    for connection in Connection.objects.select_related("organisation").order_by("pk"):
        with locks.alone(f"lever.problems {connection.pk}") as alone:
            if alone:
                _compare(connection, now)


@transaction.atomic
def _compare(connection: Connection, now: datetime) -> None:
    from nomdecode.lever.tasks import mail_problems

    organisation = connection.organisation
    found = {(finding.kind, finding.key): finding for finding in find(connection)}
    rows = {(row.kind, row.key): row for row in still_open(organisation.pk)}
    changed = [_close(row, now) for each, row in rows.items() if each not in found]
    changed += [
        _write(rows.get(each) or _row(organisation, finding, now), finding)
        for each, finding in found.items()
    ]
    if any(changed):
        connections.publish(connection)
    if untold(organisation, now).exists():
        ring(mail_problems, organisation_id=str(organisation.pk))


def _close(row: Problem, now: datetime) -> bool:
    row.closed_at = now
    row.save(update_fields=["closed_at"])
    return True


def _row(organisation: Organisation, finding: Finding, now: datetime) -> Problem:
    """The one that was over a moment ago and comes back, else a new one."""
    same = organisation.problems.filter(kind=finding.kind, key=finding.key, closing_mailed_at=None)
    back = same.filter(closed_at__gt=now - GOES_ON).order_by("-closed_at").first()
    began = min(finding.since or now, now)
    return back or Problem(
        organisation=organisation, kind=finding.kind, key=finding.key, opened_at=began
    )


def _write(row: Problem, finding: Finding) -> bool:
    """Whether anything is new."""
    said = (finding.title, finding.stops, None)
    if row.pk and (row.title, row.stops, row.closed_at) == said:
        return False
    row.title, row.stops, row.closed_at = said
    row.save()
    return True


def untold(organisation: Organisation, now: datetime) -> QuerySet[Problem]:
    """What admins are to be mailed about now; what was over before they were told, never."""
    after = now - MAIL_EVERY
    told = Q(opening_mailed_at__gt=after) | Q(closing_mailed_at__gt=after)
    begun = Q(closed_at=None, opening_mailed_at=None)
    over = Q(closed_at__isnull=False, opening_mailed_at__isnull=False, closing_mailed_at=None)
    rows = organisation.problems.filter(begun | over)
    return rows.exclude(kind__in=organisation.problems.filter(told).values("kind"))


# --- for whoever looks


def still_open(organisation_id: UUID) -> QuerySet[Problem]:
    """As last watched: up to a minute old, and cheap."""
    rows = Problem.objects.filter(organisation=organisation_id, closed_at=None)
    return rows.order_by("opened_at", "pk")


def count(connection: Connection) -> int:
    return still_open(connection.organisation_id).count()


def over(organisation: Organisation, now: datetime) -> QuerySet[Problem]:
    lately = organisation.problems.filter(closed_at__gt=now - KEPT_IN_SIGHT)
    return lately.order_by("-closed_at")[:50]


def current(connection: Connection) -> list[Finding]:
    """What is wrong at this moment, the oldest first; since when, as the rows remember it."""
    known = {(row.kind, row.key): row.opened_at for row in still_open(connection.organisation_id)}
    now = timezone.now()
    found = [
        replace(each, since=known.get((each.kind, each.key)) or each.since or now)
        for each in find(connection)
    ]
    return sorted(found, key=lambda each: each.since or now)


def concerned(finding: Finding, member: Member) -> list[Export]:
    """The first ones; not those that the member held: what stopped them could answer a guess."""
    exports = finding.exports.exclude(interview__assignments__member=member)
    exports = exports.exclude(interview__former=member)
    return list(exports.select_related("interview__candidate").order_by("created_at")[:LISTED])


def listed(organisation: Organisation) -> list[dict[str, Any]]:
    """For the command line: holds neither pseudonyms nor identities."""
    return [
        {
            "kind": each.kind,
            "key": each.key,
            "title": each.title,
            "since": each.since.isoformat() if each.since else None,
            "stops": each.stops,
            "what_it_stops": each.what_it_stops,
            "what_to_do": each.what_to_do,
            "steps": list(each.steps),
            "url": settings.URL + each.url,
        }
        for each in current(connections.of(organisation))
    ]
