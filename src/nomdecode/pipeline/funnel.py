"""How many came how far: of those who met the bar, by the stages they reached."""

from dataclasses import dataclass
from functools import cached_property

from nomdecode.pipeline.cohort import Cohort
from nomdecode.pipeline.models import Stage, State
from nomdecode.pipeline.statistics.shares import Share
from nomdecode.pipeline.tallies import BEGAN

LONGEST = 90.0  # percent of the picture's width, so that the figure fits beside it
IN_LEVER = (State.ON_THE_WAY, State.LEFT, State.HIRED, State.DELETED)


@dataclass(frozen=True)
class Row:
    text: str
    count: int
    share: Share | None  # of the decided
    width: float  # percent, of the successful
    show: str  # of lists.py
    stage: str = ""


@dataclass(frozen=True)
class Milestone:
    """Where everybody who met the bar is, seen from one stage. Sums up to all of them."""

    stage: Stage
    reached: int
    left: int  # archived before it
    on_the_way: int
    not_there: int  # no profile (yet)
    deleted: int  # deleted before it

    @property
    def share(self) -> Share:
        """Of those decided."""
        return Share(self.reached, self.reached + self.left)


class Funnel:
    def __init__(self, cohort: Cohort) -> None:
        self.cohort = cohort
        self.in_lever = sum(self._in_state(state) for state in IN_LEVER)
        self.successful = self.in_lever + self._in_state(State.NOT_THERE)

    @cached_property
    def rows(self) -> list[Row]:
        return [
            self._row("Successful", self.successful, None, "met"),
            self._row("In Lever", self.in_lever, None, "in_lever"),
            *(
                self._row(at.stage.text, at.reached, at.share, "reached", at.stage.external_id)
                for at in map(self.seen_from, self.ahead)
            ),
            self._row("Hired", self.hired, Share(self.hired, self.hired + self.left), "hired"),
        ]

    @cached_property
    def ahead(self) -> list[Stage]:
        """The stages that had to be moved into: those after the earliest where a profile began."""
        order, stages = self.cohort.order, self.cohort.stages
        began = [
            order.get(stage, 0)
            for (stage, what), count in self.cohort.counts.items()
            if what == BEGAN and count
        ]
        first = min(began, default=order[stages[0].external_id] if stages else 0)
        return [stage for stage in stages if order[stage.external_id] > first]

    @cached_property
    def milestone(self) -> Milestone | None:
        stage = milestone_of(self.ahead)
        return self.seen_from(stage) if stage else None

    def seen_from(self, stage: Stage) -> Milestone:
        return Milestone(
            stage=stage,
            reached=self.reached(stage),
            left=self._before(stage, State.LEFT),
            on_the_way=self._before(stage, State.ON_THE_WAY),
            not_there=self._in_state(State.NOT_THERE),
            deleted=self._before(stage, State.DELETED),
        )

    @property
    def hired(self) -> int:
        return self._in_state(State.HIRED)

    @property
    def left(self) -> int:
        return self._in_state(State.LEFT)

    def reached(self, stage: Stage) -> int:
        """Came as far as that stage or further, whether or not they stopped there; all hired."""
        return self.in_lever - sum(
            self._before(stage, state) for state in IN_LEVER if state != State.HIRED
        )

    def _before(self, stage: Stage, state: State) -> int:
        there = self.cohort.from_stage(stage.external_id)
        return sum(
            count
            for (furthest, what), count in self.cohort.counts.items()
            if what == state and furthest not in there
        )

    def _in_state(self, state: State) -> int:
        return sum(n for (_, what), n in self.cohort.counts.items() if what == state)

    def _row(self, text: str, count: int, share: Share | None, show: str, stage: str = "") -> Row:
        width = LONGEST * Share(count, self.successful).rate
        return Row(text, count, share, round(width, 2), show, stage)


def milestone_of(stages: list[Stage]) -> Stage | None:
    """The stage the sentence is about: the onsite, else the last but one; never by its result."""
    for stage in stages:
        if "onsite" in stage.text.casefold().replace("-", "").replace(" ", ""):
            return stage
    return stages[-2] if len(stages) > 1 else (stages[0] if stages else None)
