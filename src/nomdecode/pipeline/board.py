"""Who is where: one lane a stage, in Lever's order, then the hired, archived and deleted."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta

from nomdecode.pipeline.cohort import Cohort, Journey
from nomdecode.pipeline.funnel import PassThrough, pass_through
from nomdecode.pipeline.models import Stage

SHOWN = 20  # cards a lane; the CSV has them all
FRESH = timedelta(seconds=10)  # a move heard of so lately is pointed out
HIRED, ARCHIVED, DELETED, ELSEWHERE = "hired", "archived", "deleted", "elsewhere"


@dataclass(frozen=True)
class Lane:
    text: str
    journeys: list[Journey]
    note: str = ""
    went_on: PassThrough | None = None
    counted_only: bool = False

    @property
    def cards(self) -> list[Journey]:
        return [] if self.counted_only else self.journeys[:SHOWN]

    @property
    def more(self) -> int:
        return 0 if self.counted_only else len(self.journeys) - len(self.cards)


def lanes(cohort: Cohort) -> list[Lane]:
    """Stages in order, from the first that was ever used; newest arrivals first in each."""
    where: dict[str, list[Journey]] = defaultdict(list)
    for one in sorted(cohort.journeys, key=lambda one: one.since, reverse=True):
        where[place(one, cohort)].append(one)
    went_on = pass_through(cohort.journeys, cohort.order)
    stages = [
        Lane(stage.text, where[stage.external_id], went_on=went_on.get(stage.external_id))
        for stage in _shown_stages(cohort, set(went_on) | set(where))
    ]
    elsewhere = Lane("Another stage", where[ELSEWHERE], "not in Lever’s list at present")
    hired = Lane("Hired", where[HIRED], f"passed {cohort.filters.period}")
    archived = Lane("Archived", where[ARCHIVED], _reasons(where[ARCHIVED]), counted_only=True)
    deleted = Lane("Deleted in Lever", where[DELETED], counted_only=True)
    optional = [lane for lane in (elsewhere, deleted) if lane.journeys]
    return [*stages, hired, archived, *optional]


def place(one: Journey, cohort: Cohort) -> str:
    """The stage it is in, or where it went from there."""
    if one.hired:
        return HIRED
    if one.deleted:
        return DELETED
    if one.left:
        return ARCHIVED
    stage = one.opportunity.stage_id_now
    return stage if stage in cohort.texts else ELSEWHERE


def is_fresh(one: Journey, cohort: Cohort) -> bool:
    return bool(one.moves) and cohort.now - one.moves[-1].heard_at < FRESH


def _shown_stages(cohort: Cohort, used: set[str]) -> list[Stage]:
    """Not those before the first ever used, nor gone ones that hold nobody."""
    stages = [s for s in cohort.all_stages if s.gone_at is None or s.external_id in used]
    first = next((n for n, stage in enumerate(stages) if stage.external_id in used), 0)
    return stages[first:]


def _reasons(journeys: list[Journey]) -> str:
    """ "Withdrew 2, Underqualified 1" """
    counts = Counter(one.opportunity.archive_reason or "No reason" for one in journeys)
    return ", ".join(f"{reason} {count}" for reason, count in counts.most_common(4))
