"""What is heard of an opportunity, merged as facts (merge.py): in any order, however often."""

from collections.abc import Iterable, Mapping
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

__all__ = ["Change", "Snapshot", "find", "gone", "make_way", "record", "record_all", "register"]

REASON_LENGTH = 120
OF_PLACE = ["deleted_at", "stage_id_now", "as_of", "looked_at"]
OF_PLACE += ["archived_at", "archive_reason", "hired_at"]


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
    return _record(opportunity, snapshot.facts(now), how, now)


@transaction.atomic(savepoint=False)
def record_all(
    organisation: Organisation, snapshots: Mapping[str, Snapshot], how: str, now: datetime
) -> dict[Opportunity, set[str]]:
    """The same, by external id, in as few statements as one takes: a page of Lever's list."""
    # One order for all workers; who has meanwhile made way for another is not found.
    there = organisation.opportunities.filter(external_id__in=list(snapshots)).order_by("pk")
    heard = {one: snapshots[one.external_id].facts(now) for one in there.select_for_update()}
    return _take(heard, how, now)


def gone(opportunity: Opportunity, at: datetime) -> bool:
    """The profile was deleted there. Its facts stay. Whether that was not known yet."""
    return "deleted" in _record(opportunity, Facts(deleted_at=at), "", at)


@transaction.atomic(savepoint=False)
def _record(opportunity: Opportunity, heard: Facts, how: str, now: datetime) -> set[str]:
    told_of = opportunity.external_id
    opportunity.refresh_from_db(from_queryset=Opportunity.objects.select_for_update())
    if opportunity.external_id != told_of:  # another took its place while Lever was asked
        return set()
    return _take({opportunity: heard}, how, now)[opportunity]


def _take(
    heard: Mapping[Opportunity, Facts], how: str, now: datetime
) -> dict[Opportunity, set[str]]:
    """Of locked rows of one organisation."""
    rows: dict[UUID, list[StageMove]] = {one.pk: [] for one in heard}
    for move in StageMove.objects.filter(opportunity__in=list(rows)):
        rows[move.opportunity_id].append(move)
    before = {one: _facts(one, rows[one.pk]) for one in heard}
    after = {one: merge.merge(before[one], told) for one, told in heard.items()}
    others = [one for one in heard if after[one] != before[one]]
    _write_moves([(one, rows[one.pk], after[one]) for one in others], how, now)
    _write_places({one: after[one] for one in others})
    changed = {one: _differences(before[one], after[one]) for one in heard}
    again = how in ("export", "adopted")  # just registered, perhaps anew
    counted = [
        one
        for one in heard
        if again or changed[one] or before[one].deleted_at != after[one].deleted_at
    ]
    journeys.rewrite(*(one.interview_id for one in counted))
    _publish([one for one in heard if changed[one]])
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
    changed: Iterable[tuple[Opportunity, list[StageMove], Facts]], how: str, now: datetime
) -> None:
    """Adds what is new, each move's `from_stage` being where the one before it led."""
    fresh, other = [], []
    for opportunity, rows, facts in changed:
        known, stage = {(row.to_stage, row.happened_at): row for row in rows}, ""
        for each in merge.in_order(facts.changes):
            told = {"from_stage": stage, "to_index": each.to_index, "by": each.by}
            heard = {"to_stage": each.to_stage, "happened_at": each.at}
            row = known.get((each.to_stage, each.at))
            if row is None:
                made = StageMove(opportunity=opportunity, **heard, **told, heard_at=now, how=how)
                fresh.append(made)
            elif any(getattr(row, name) != value for name, value in told.items()):
                other.append(row)
                for name, value in told.items():
                    setattr(row, name, value)
            stage = each.to_stage
    StageMove.objects.bulk_create(fresh)
    StageMove.objects.bulk_update(other, ["from_stage", "to_index", "by"])


def _write_places(after: Mapping[Opportunity, Facts]) -> None:
    for one, facts in after.items():
        one.deleted_at, one.stage_id_now = facts.deleted_at, merge.stage(facts)
        if place := facts.place:
            one.as_of = None if place.as_of == merge.LONG_AGO else place.as_of
            one.looked_at = place.asked_at
            one.archived_at = place.archived_at
            one.archive_reason = place.archive_reason
            one.hired_at = place.archived_at if place.hired else None
    Opportunity.objects.bulk_create(  # of rows that are there: it has no bulk_update's long CASEs
        list(after), update_conflicts=True, unique_fields=["id"], update_fields=OF_PLACE
    )


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


def _publish(changed: list[Opportunity]) -> None:
    if changed:
        exports = [f"export-{one.interview_id}" for one in changed]
        live.publish(changed[0].organisation_id, "pipeline", "needs", *exports)
