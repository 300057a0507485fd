"""What Lever says of opportunities, in the words of the pipeline; for workers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from nomdecode.lever import client, moment, pick_lists
from nomdecode.lever.models import Connection
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Stage

HIRED = "candidateHired"
FURTHEST_BACK = timedelta(days=29, hours=23)  # Lever tells the deletions of 30 days at once
JUST_ASKED = timedelta(seconds=10)
LONGEST_INDEX = 32_767


class Looks:
    """A worker's looks at Lever, one after the other; lists are asked for once."""

    def __init__(self, connection: Connection, asked: client.Lever) -> None:
        self.connection, self.asked = connection, asked
        self._refreshed: set[str] = set()

    def snapshot(self, found: client.Opportunity) -> moves.Snapshot:
        if found.stage and found.stage not in self._stages and self._refresh("stages"):
            del self._stages
        unknown = found.archived and found.archived.reason not in self._reasons
        if unknown and self._refresh("archive_reasons"):
            del self._reasons
        return snapshot(self.connection, found, list(self._reasons.values()))

    def deleted(self, since: datetime, until: datetime) -> dict[str, datetime]:
        """Id -> when it was deleted there; what of it Lever does not date, at `until`."""
        listed = self.asked.deleted(milliseconds(since), milliseconds(until))
        return {each.id: (each.at and at(each.at)) or until for each in listed}

    @cached_property
    def _stages(self) -> set[str]:
        known = Stage.objects.filter(organisation=self.connection.organisation_id, gone_at=None)
        return set(known.values_list("external_id", flat=True))

    @cached_property
    def _reasons(self) -> dict[str, dict[str, Any]]:
        listed = _unless_away(lambda: pick_lists.archive_reasons(self.connection)) or []
        return {reason["id"]: reason for reason in listed}

    def _refresh(self, kind: str) -> bool:
        """Lever's list has changed, it seems; what it never lists is not asked for each time."""
        if kind in self._refreshed or pick_lists.age(self.connection, kind) < JUST_ASKED:
            return False
        self._refreshed.add(kind)
        return _unless_away(lambda: pick_lists.refresh(self.connection, kind)) is not None


def snapshot(
    connection: Connection, found: client.Opportunity, reasons: list[dict[str, Any]]
) -> moves.Snapshot:
    """`reasons`: as Lever lists them."""
    changes = tuple(
        moves.Change(change.stage, _index(change.index), when, change.by)
        for change in found.stage_changes
        if (when := at(change.at))
    )
    as_of = at(found.updated_at) if found.updated_at else None
    if found.archived is None:
        return moves.Snapshot(found.stage, changes, as_of=as_of)
    reason = next((r for r in reasons if r["id"] == found.archived.reason), None)
    if reason:
        hired = reason["type"] == "hired"
    else:  # the key may not read archive reasons: what was delivered has to do
        hired = connection.deliveries.filter(opportunity_id=found.id, event=HIRED).exists()
    return moves.Snapshot(
        found.stage,
        changes,
        archived_at=(found.archived.at and at(found.archived.at)) or as_of or moment.now(),
        archive_reason=reason["text"] if reason else "",
        hired=hired,
        as_of=as_of,
    )


def at(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def milliseconds(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def _index(told: int | None) -> int | None:
    return told if told is not None and told <= LONGEST_INDEX else None


def _unless_away[T](ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except client.LeverError:
        return None
