"""What is heard of an opportunity, merged as facts (merge.py): in any order, however often."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from nomdecode.interviews.models import Interview
from nomdecode.orgs import live
from nomdecode.orgs.models import Organisation
from nomdecode.pipeline import journeys, merge
from nomdecode.pipeline.merge import Change, Facts, Place
from nomdecode.pipeline.models import Opportunity, StageMove

__all__ = ["Change", "Snapshot", "find", "gone", "make_way", "record", "register"]

REASON_LENGTH = 120


@dataclass(frozen=True)
class Snapshot:
    """An opportunity as it stood when it was asked for."""

    stage: str
    changes: tuple[Change, ...] = ()
    archived_at: datetime | None = None
    archive_reason: str = ""
    hired: bool = False  # archived for a reason of the type "hired"
    as_of: datetime | None = None  # when it last changed there, by their clock

    def facts(self, asked_at: datetime) -> Facts:
        place = Place(
            self.as_of or merge.LONG_AGO,
            asked_at,
            self.stage,
            self.archived_at,
            self.archive_reason[:REASON_LENGTH] if self.archived_at else "",
            self.hired and self.archived_at is not None,
        )
        return Facts(frozenset(self.changes), place)


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


@transaction.atomic
def make_way(opportunity: Opportunity) -> None:
    """Another profile takes this one's place: what was heard of this one is not said of that.

    The row stays, and what is counted of it, for register() and record() to bring up to the other.
    """
    row = Opportunity.objects.select_for_update().get(pk=opportunity.pk)  # whoever writes is done
    row.moves.all().delete()
    row.stage_id_now = row.archive_reason = ""
    row.looked_at = row.as_of = row.archived_at = row.hired_at = row.deleted_at = None
    row.kept_here_at = row.erased_there_at = None
    row.save()


def find(organisation: Organisation, external_id: str) -> Opportunity | None:
    return organisation.opportunities.filter(external_id=external_id).first()


def record(opportunity: Opportunity, snapshot: Snapshot, how: str, now: datetime) -> set[str]:
    """Merges what `snapshot`, asked for at `now`, says. Which were new: registered, stage, archive.

    `now` is from before the call: its answer is at least as new.
    """
    return _take(opportunity, snapshot.facts(now), how, now)


def gone(opportunity: Opportunity, at: datetime) -> bool:
    """The profile was deleted there. Its facts stay. Whether that was not known yet."""
    return "deleted" in _take(opportunity, Facts(deleted_at=at), "", at)


def _take(opportunity: Opportunity, heard: Facts, how: str, now: datetime) -> set[str]:
    told_of = opportunity.external_id
    with transaction.atomic(savepoint=False):
        opportunity.refresh_from_db(from_queryset=Opportunity.objects.select_for_update())
        if opportunity.external_id != told_of:  # another took its place while Lever was asked
            return set()
        rows = list(opportunity.moves.all())
        before = _facts(opportunity, rows)
        after = merge.merge(before, heard)
        if after != before:
            _write_moves(opportunity, rows, after, how, now)
            _write_place(opportunity, after)
        changed = _differences(before, after)
        again = how == "export"  # just registered, perhaps anew
        if changed or again or before.deleted_at != after.deleted_at:
            journeys.rewrite(opportunity.interview_id)
        if changed:
            _publish(opportunity)
    return changed


def deleted_only_there(organisation_id: UUID) -> QuerySet[Opportunity]:
    """Deleted in Lever, while the person is not erased here; nobody has said yet that they stay."""
    return Opportunity.objects.filter(
        organisation=organisation_id,
        deleted_at__isnull=False,
        kept_here_at=None,
        interview__candidate__erased_at=None,
    )


def to_erase_there(opportunity: Opportunity) -> bool:
    """The person erased everything here, and the profile is still there.

    Also under the pseudonym: what the interviewers wrote of them stands there.
    """
    erased = opportunity.interview.candidate.erased_at is not None
    there = opportunity.deleted_at is None and opportunity.erased_there_at is None
    return erased and there


def _facts(opportunity: Opportunity, rows: Iterable[StageMove]) -> Facts:
    """As they are stored."""
    place = opportunity.looked_at and Place(
        opportunity.as_of or merge.LONG_AGO,
        opportunity.looked_at,
        opportunity.stage_id_now,
        opportunity.archived_at,
        opportunity.archive_reason,
        opportunity.hired_at is not None,
    )
    changes = (Change(row.to_stage, row.to_index, row.happened_at, row.by) for row in rows)
    return Facts(frozenset(changes), place or None, opportunity.deleted_at)


def _write_moves(
    opportunity: Opportunity, rows: Iterable[StageMove], facts: Facts, how: str, now: datetime
) -> None:
    """Adds what is new, each move's `from_stage` being where the one before it led."""
    known = {(row.to_stage, row.happened_at): row for row in rows}
    fresh, other, stage = [], [], ""
    for each in merge.in_order(facts.changes):
        told = {"from_stage": stage, "to_index": each.to_index, "by": each.by}
        row = known.get((each.to_stage, each.at))
        if row is None:
            heard = {"to_stage": each.to_stage, "happened_at": each.at, "heard_at": now, "how": how}
            fresh.append(StageMove(opportunity=opportunity, **heard, **told))
        elif any(getattr(row, name) != value for name, value in told.items()):
            other.append(row)
            for name, value in told.items():
                setattr(row, name, value)
        stage = each.to_stage
    StageMove.objects.bulk_create(fresh)
    StageMove.objects.bulk_update(other, ["from_stage", "to_index", "by"])


def _write_place(opportunity: Opportunity, facts: Facts) -> None:
    opportunity.deleted_at, opportunity.stage_id_now = facts.deleted_at, merge.stage(facts)
    if place := facts.place:
        opportunity.as_of = None if place.as_of == merge.LONG_AGO else place.as_of
        opportunity.looked_at = place.asked_at
        opportunity.archived_at = place.archived_at
        opportunity.archive_reason = place.archive_reason
        opportunity.hired_at = place.archived_at if place.hired else None
    opportunity.save()


def _differences(before: Facts, after: Facts) -> set[str]:
    def left(facts: Facts) -> tuple[object, ...]:
        place = facts.place
        return (
            (place.archived_at, place.archive_reason, place.hired) if place else (None, "", False)
        )

    differs = {
        "registered": before.place is None and after.place is not None,
        "stage": (before.changes, merge.stage(before)) != (after.changes, merge.stage(after)),
        "archive": left(before) != left(after),
        "deleted": (before.deleted_at is None) != (after.deleted_at is None),
    }
    return {name for name, differs in differs.items() if differs}


def _publish(opportunity: Opportunity) -> None:
    interview = f"interview-{opportunity.interview_id}"
    live.publish(opportunity.organisation_id, "pipeline", "home", interview)
