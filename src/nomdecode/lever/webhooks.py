"""What was delivered is followed by a look at Lever (receiver.py takes and keeps deliveries).

Only what Lever answers when it is asked moves our state; a delivery says where to look.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from nomdecode.lever import client, pick_lists
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, Mark
from nomdecode.orgs import live, locks
from nomdecode.orgs.doorbell import ring
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity, Stage

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)  # marks; deletions can be asked for as far back
CALL_DEADLINE = 10.0  # seconds
MANY = 100  # more than there are workers

DELETED, HIRED = "candidateDeleted", "candidateHired"
OF_OPPORTUNITIES = {
    "applicationCreated",
    "candidateStageChange",
    "candidateArchiveChange",
    DELETED,
    HIRED,
}


class Verdict(StrEnum):
    WAITING = "waiting"
    APPLIED = "applied"
    NOT_OURS = "not_ours"
    UNKNOWN = "unknown"
    SUSPICIOUS = "suspicious"


def _moment(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def mark(connection: Connection, opportunity_id: str, now: datetime) -> None:
    """Lever is to be asked about this opportunity."""
    Mark.objects.bulk_create(
        [Mark(connection=connection, opportunity_id=opportunity_id, marked_at=now)],
        update_conflicts=True,
        unique_fields=["connection", "opportunity_id"],
        update_fields=["marked_at", "looked_at", "tries"],
    )
    ring_to_apply(connection)


def ring_to_apply(connection: Connection, at: datetime | None = None) -> None:
    from nomdecode.lever.tasks import apply_deliveries

    ring(apply_deliveries, at=at, connection_id=connection.pk)


def became_ours(connection: Connection, opportunity_id: str) -> None:
    """An export has registered this opportunity: what was heard of it before is looked at now."""

    def look_again() -> None:
        marks = Mark.objects.filter(connection=connection, opportunity_id=opportunity_id)
        if marks.update(looked_at=None, tries=0):
            ring_to_apply(connection)

    look_again()
    # Once more when others can see that it is ours: a delivery may come in between.
    transaction.on_commit(look_again)


# --- apply


def apply(connection_id: int) -> None:
    """Asks Lever about every marked opportunity that is ours."""
    connection = Connection.objects.select_related("organisation").get(pk=connection_id)
    _set_aside(connection)
    if not _due(connection).exists():
        return
    try:
        with connections.lever(connection, CALL_DEADLINE) as asked:
            while _look_at_next(connection, asked):
                pass
    except client.Unauthorised:
        if connection.api_key:
            connections.refused(connection)  # the marks wait for a better key


def sweep(now: datetime) -> None:
    """Rings where marks are left over, and forgets those that nobody asked about for long."""
    Mark.objects.filter(looked_at__isnull=False, marked_at__lt=now - KEPT).delete()
    waiting = Mark.objects.filter(connection=OuterRef("pk"), looked_at=None)
    for connection in Connection.objects.filter(Exists(waiting), api_key_refused_at=None):
        ring_to_apply(connection)


def _due(connection: Connection) -> QuerySet[Mark]:
    """Those that failed come after all others: one that always fails holds nobody up."""
    return connection.marks.filter(looked_at=None).order_by("tries", "marked_at")


@transaction.atomic
def _set_aside(connection: Connection) -> None:
    """Marks of opportunities that are not ours keep their id, in case they become ours."""
    due = list(_due(connection).select_for_update(skip_locked=True))
    ids = [mark.opportunity_id for mark in due]
    known = Opportunity.objects.filter(organisation=connection.organisation_id)
    ours = set(known.filter(external_id__in=ids).values_list("external_id", flat=True))
    theirs = [mark for mark in due if mark.opportunity_id not in ours]
    if theirs:
        now = timezone.now()
        Mark.objects.filter(pk__in=[mark.pk for mark in theirs]).update(looked_at=now)
        _judge(connection, [mark.opportunity_id for mark in theirs], Verdict.NOT_OURS)


def _judge(connection: Connection, opportunity_ids: list[str], verdict: Verdict) -> None:
    undecided = [Verdict.WAITING, Verdict.NOT_OURS]
    connection.deliveries.filter(opportunity_id__in=opportunity_ids, verdict__in=undecided).update(
        verdict=verdict
    )
    live.publish(connection.organisation_id, "lever")


def _look_at_next(connection: Connection, asked: client.Lever) -> bool:
    """One opportunity that no other worker looks at; False when there is none or Lever is away."""
    for mark in _due(connection)[:MANY]:
        # Deliveries go on marking the row.
        with locks.alone(f"lever.mark {mark.pk}") as alone:
            if alone and Mark.objects.filter(pk=mark.pk, looked_at=None).exists():
                return _look_at(connection, mark, asked)
    return False


def _look_at(connection: Connection, mark: Mark, asked: client.Lever) -> bool:
    opportunity = moves.find(connection.organisation, mark.opportunity_id)
    if opportunity is None:  # marked after the others were set aside: the next ring does it
        ring_to_apply(connection)
        return False
    found: moves.Snapshot | datetime | None = None
    try:
        found = _ask(connection, opportunity, asked)
    except client.Unauthorised:
        raise
    except (client.NotFound, client.Forbidden):
        pass  # not visible to this key is not deleted: nothing changes
    except client.LeverError as error:
        _put_off(connection, mark, error)
        return False
    _record(connection, mark, opportunity, found)
    return True


@transaction.atomic
def _record(
    connection: Connection,
    mark: Mark,
    opportunity: Opportunity,
    found: moves.Snapshot | datetime | None,
) -> None:
    if isinstance(found, moves.Snapshot):
        moves.record(opportunity, found, "webhook", timezone.now())
    elif found:
        moves.gone(opportunity, found)
    # Marked again while Lever was asked: then it is looked at once more.
    unchanged = connection.marks.filter(pk=mark.pk, marked_at=mark.marked_at)
    unchanged.update(looked_at=timezone.now())
    _judge(connection, [mark.opportunity_id], Verdict.APPLIED)


def _put_off(connection: Connection, mark: Mark, error: client.LeverError) -> None:
    tries = min(mark.tries + 1, 1000)
    connection.marks.filter(pk=mark.pk).update(tries=tries)
    log.info("webhooks: %s; looking again shortly", type(error).__name__)
    wait = getattr(error, "retry_after", None) or 2.0 ** min(tries, 5)
    if wait < 60:  # beyond that the sweep of each minute does
        ring_to_apply(connection, at=timezone.now() + timedelta(seconds=wait))


def _ask(
    connection: Connection, opportunity: Opportunity, asked: client.Lever
) -> moves.Snapshot | datetime | None:
    """What Lever says of it, or when it was deleted there; None where that is not known."""
    try:
        found = asked.opportunity(opportunity.external_id)
    except client.NotFound:
        return _perhaps_deleted(connection, opportunity, asked)
    _learn_stages(connection, found)
    return snapshot(connection, found, _reasons(connection) if found.archived else [])


def _perhaps_deleted(
    connection: Connection, opportunity: Opportunity, asked: client.Lever
) -> datetime | None:
    """Gone for this key; deleted only if a delivery said so and Lever lists it as deleted."""
    id = opportunity.external_id
    if not connection.deliveries.filter(opportunity_id=id, event=DELETED).exists():
        return None
    now = timezone.now()
    start, end = now - KEPT + timedelta(minutes=2), now + timedelta(minutes=1)
    listed = asked.deleted(_milliseconds(start), _milliseconds(end))
    found = [(_moment(each.at) if each.at else None) or now for each in listed if each.id == id]
    return min(found, default=None)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _learn_stages(connection: Connection, found: client.Opportunity) -> None:
    """A stage never heard of: Lever's list has changed."""
    stages = Stage.objects.filter(organisation=connection.organisation_id, gone_at=None)
    if found.stage and not stages.filter(external_id=found.stage).exists():
        _unless_away(lambda: pick_lists.refresh(connection, "stages"))


def snapshot(
    connection: Connection, found: client.Opportunity, reasons: list[dict[str, Any]]
) -> moves.Snapshot:
    """What Lever says of an opportunity, in the words of the pipeline. `reasons`: Lever's list."""
    changes = tuple(
        moves.Change(change.stage, change.index, at, change.by)
        for change in found.stage_changes
        if (at := _moment(change.at))
    )
    if found.archived is None:
        return moves.Snapshot(found.stage, changes)
    reason = next((r for r in reasons if r["id"] == found.archived.reason), None)
    if reason:
        hired = reason["type"] == "hired"
    else:  # the key may not read archive reasons: what was delivered has to do
        heard = connection.deliveries.filter(opportunity_id=found.id, event=HIRED)
        hired = heard.exists()
    return moves.Snapshot(
        found.stage,
        changes,
        archived_at=_moment(found.archived.at) or timezone.now(),
        archive_reason=reason["text"] if reason else "",
        hired=hired,
    )


def _reasons(connection: Connection) -> list[dict[str, Any]]:
    return _unless_away(lambda: pick_lists.archive_reasons(connection)) or []


def _unless_away[T](ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except client.LeverError:
        return None
