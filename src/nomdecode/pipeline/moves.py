"""What is heard of an opportunity, merged as facts: in any order, any number of times."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from nomdecode.interviews.models import Interview
from nomdecode.orgs import live
from nomdecode.orgs.models import Organisation
from nomdecode.pipeline import journeys
from nomdecode.pipeline.models import Opportunity, StageMove
from nomdecode.pipeline.passages import in_order


@dataclass(frozen=True)
class Change:
    """The opportunity came into `to_stage`; the first change of all is where it began."""

    to_stage: str
    to_index: int | None  # the stage's place in the order at that time
    at: datetime
    by: str = ""  # external user id


@dataclass(frozen=True)
class Snapshot:
    """An opportunity as it stood when it was asked for."""

    stage: str
    changes: tuple[Change, ...] = ()
    archived_at: datetime | None = None
    archive_reason: str = ""
    hired: bool = False  # archived for a reason of the type "hired"


def register(
    interview: Interview,
    external_id: str,
    url: str,
    named: bool,
    known_before: bool,
    created_at: datetime,
) -> Opportunity:
    """The opportunity made from `interview`; asked again, the same one. record() tells of it."""
    fields = {
        "organisation_id": interview.organisation_id,
        "external_id": external_id,
        "url": url,
        "named": named,
        "known_before": known_before,
        "created_at": created_at,
    }
    Opportunity.objects.bulk_create(  # in one statement, unlike update_or_create
        [Opportunity(interview=interview, **fields)],
        update_conflicts=True,
        unique_fields=["interview"],
        update_fields=list(fields),
    )
    return Opportunity.objects.get(interview=interview)


def find(organisation: Organisation, external_id: str) -> Opportunity | None:
    return organisation.opportunities.filter(external_id=external_id).first()


def record(opportunity: Opportunity, snapshot: Snapshot, how: str, now: datetime) -> bool:
    """Merges what `snapshot`, asked for at `now`, says. True if anything changed.

    Stage changes are history and only ever added; archive and hire are the present state, so a
    snapshot older than the last one says nothing about them.
    """
    with transaction.atomic(savepoint=False):
        opportunity.refresh_from_db(from_queryset=Opportunity.objects.select_for_update())
        before = _state(opportunity)
        added, last_stage = _add_moves(opportunity, snapshot.changes, how, now)
        newest_look = opportunity.looked_at is None or now >= opportunity.looked_at
        if newest_look:
            opportunity.looked_at = now
            opportunity.archived_at = snapshot.archived_at
            reason = snapshot.archive_reason[:120] if snapshot.archived_at else ""
            opportunity.archive_reason = reason
            opportunity.hired_at = snapshot.archived_at if snapshot.hired else None
            opportunity.stage_id_now = snapshot.stage
        opportunity.stage_id_now = last_stage or opportunity.stage_id_now
        opportunity.save()
        changed = added or _state(opportunity) != before
        if changed or how == "export":  # just registered, perhaps anew
            journeys.rewrite(opportunity.interview_id)
        if changed:
            _publish(opportunity)
    return changed


def to_erase_there(opportunity: Opportunity) -> bool:
    """The person erased everything here, and the profile is still there.

    Also under the pseudonym: what the interviewers wrote of them stands there.
    """
    erased = opportunity.interview.candidate.erased_at is not None
    there = opportunity.deleted_at is None and opportunity.erased_there_at is None
    return erased and there


def gone(opportunity: Opportunity, at: datetime) -> None:
    """The profile was deleted there. Its facts stay; said twice, the earlier time counts."""
    with transaction.atomic():
        held = Opportunity.objects.select_for_update().get(pk=opportunity.pk)
        if held.deleted_at is None or at < held.deleted_at:
            held.deleted_at = at
            held.save(update_fields=["deleted_at"])
            journeys.rewrite(held.interview_id)
            _publish(held)
    opportunity.refresh_from_db()


def _state(opportunity: Opportunity) -> tuple[object, ...]:
    return (
        opportunity.stage_id_now,
        opportunity.archived_at,
        opportunity.archive_reason,
        opportunity.hired_at,
        opportunity.looked_at is None,  # what was just registered is new
    )


def _add_moves(
    opportunity: Opportunity, changes: tuple[Change, ...], how: str, now: datetime
) -> tuple[bool, str]:
    """Adds what is new, each move's `from_stage` being where the one before it led.

    Whether anything was new, and the last `to_stage`.
    """
    moves = {(move.to_stage, move.happened_at): move for move in opportunity.moves.all()}
    fresh = {
        (change.to_stage, change.at): StageMove(
            opportunity=opportunity,
            to_stage=change.to_stage,
            to_index=change.to_index,
            happened_at=change.at,
            heard_at=now,
            how=how,
            by=change.by,
        )
        for change in changes
        if (change.to_stage, change.at) not in moves
    }
    # Not by id: in whichever order they were heard, moves of one moment stand in the same order.
    stage, relinked = "", []
    for move in sorted([*moves.values(), *fresh.values()], key=in_order):
        if move.from_stage != stage:
            move.from_stage = stage
            if move.pk:
                relinked.append(move)
        stage = move.to_stage
    StageMove.objects.bulk_create(fresh.values())
    StageMove.objects.bulk_update(relinked, ["from_stage"])
    return bool(fresh), stage


def _publish(opportunity: Opportunity) -> None:
    interview = f"interview-{opportunity.interview_id}"
    live.publish(opportunity.organisation_id, "pipeline", "home", interview)
