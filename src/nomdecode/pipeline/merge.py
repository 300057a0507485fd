"""Two sets of facts about one opportunity become one, in whichever order they were heard. Pure.

Facts are what the other side can still tell: the stage changes, the present place with its
archive state, and deletion. An archive period that ended leaves none.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Change:
    """The opportunity came into `to_stage`; the first change of all is where it began."""

    to_stage: str
    to_index: int | None  # the stage's place in the order at that time
    at: datetime
    by: str = ""  # external user id


@dataclass(frozen=True)
class Place:
    """Where the opportunity was, as told by one look at it.

    `as_of`: when it last changed there, by their clock; `asked_at`: when we asked, by ours.
    """

    as_of: datetime
    asked_at: datetime
    stage: str
    archived_at: datetime | None = None
    archive_reason: str = ""
    hired: bool = False  # archived for a reason of the type "hired"


@dataclass(frozen=True)
class Facts:
    """`changes`: at most one for each stage and time."""

    changes: frozenset[Change] = frozenset()
    place: Place | None = None
    deleted_at: datetime | None = None


NOTHING = Facts()


def merge(one: Facts, other: Facts) -> Facts:
    """What both say together: the least upper bound of two sets of facts, so

    - merge(a, b) == merge(b, a),
    - merge(a, merge(b, c)) == merge(merge(a, b), c),
    - merge(a, a) == a, and merge(a, NOTHING) == a.

    Stage changes add up. Of two places the later one counts: by their clock first, since what was
    asked first may be answered last; of one state, what was asked later. Deletion is final; said
    twice, the earlier time counts.
    """
    return Facts(
        _united(one.changes | other.changes),
        max((each for each in (one.place, other.place) if each), key=_order, default=None),
        min((at for at in (one.deleted_at, other.deleted_at) if at), default=None),
    )


def in_order(changes: frozenset[Change]) -> list[Change]:
    """By time; those of one moment by their place in the pipeline."""
    return sorted(changes, key=lambda each: (each.at, _index(each), each.to_stage))


def stage(facts: Facts) -> str:
    """Where it is now: as the last look says, else where the last change led."""
    if facts.place and facts.place.stage:
        return facts.place.stage
    changes = in_order(facts.changes)
    return changes[-1].to_stage if changes else ""


def _united(changes: frozenset[Change]) -> frozenset[Change]:
    """Of what is told twice of one stage and time, the greater index and user: any fixed rule."""
    known: dict[tuple[str, datetime], Change] = {}
    for each in changes:
        same = known.get((each.to_stage, each.at), each)
        index = max(_index(each), _index(same))
        known[each.to_stage, each.at] = Change(
            each.to_stage, None if index < 0 else index, each.at, max(each.by, same.by)
        )
    return frozenset(known.values())


def _index(change: Change) -> int:
    return -1 if change.to_index is None else change.to_index


def _order(place: Place) -> tuple[object, ...]:
    """Total: of two that differ, one is always the greater, whatever they say."""
    return (
        place.as_of,
        place.asked_at,
        place.stage,
        place.archived_at or LONG_AGO,
        place.archive_reason,
        place.hired,
    )
