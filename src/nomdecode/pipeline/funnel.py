"""How many came how far: of those who met the bar, by the stages they reached."""

from dataclasses import dataclass
from functools import cached_property

from nomdecode.pipeline.cohort import Cohort, Journey
from nomdecode.pipeline.models import Stage
from nomdecode.pipeline.passages import Outcome, Share, passages

LONGEST = 90.0  # percent of the picture's width, so that the figure fits beside it
ENOUGH = 5  # below that a share with its interval says nothing
SETTLED = 0.8  # share of closed passages from which a rate is no longer provisional


@dataclass(frozen=True)
class Row:
    text: str
    count: int
    share: Share  # of the successful
    width: float  # percent


@dataclass(frozen=True)
class Milestone:
    """Where everybody who met the bar is, seen from one stage. Sums up to all of them."""

    text: str
    reached: int
    left: int  # archived before it
    on_the_way: int
    not_there: int  # no profile (yet)
    deleted: int  # deleted before it

    @property
    def share(self) -> Share:
        """Of those decided."""
        return Share(self.reached, self.reached + self.left)

    @property
    def says_share(self) -> bool:
        return self.share.whole >= ENOUGH


class Funnel:
    def __init__(self, cohort: Cohort) -> None:
        self.cohort = cohort
        self.successful = len(cohort.interviews)

    @cached_property
    def rows(self) -> list[Row]:
        journeys = self.cohort.journeys
        return [
            self._row("Successful", self.successful),
            self._row("In Lever", len(journeys)),
            *(
                self._row(stage.text, sum(one.reached(stage.order) for one in journeys))
                for stage in self.ahead
            ),
            self._row("Hired", sum(one.hired for one in journeys)),
        ]

    @cached_property
    def ahead(self) -> list[Stage]:
        """The stages that had to be moved into: those after the earliest where a profile began."""
        stages = self.cohort.stages
        first = stages[0].order if stages else 0
        began = min((one.began for one in self.cohort.journeys), default=first)
        return [stage for stage in stages if stage.order > began]

    @cached_property
    def milestone(self) -> Milestone | None:
        stage = milestone_of(self.ahead)
        if stage is None:
            return None
        journeys = self.cohort.journeys
        short = [one for one in journeys if not one.reached(stage.order)]
        deleted = sum(one.deleted for one in short)
        left = sum(one.left and not one.deleted for one in short)
        return Milestone(
            text=stage.text,
            reached=len(journeys) - len(short),
            left=left,
            on_the_way=len(short) - left - deleted,
            not_there=self.successful - len(journeys),
            deleted=deleted,
        )

    def _row(self, text: str, count: int) -> Row:
        share = Share(count, self.successful)
        return Row(text, count, share, round(LONGEST * share.rate, 2))


def milestone_of(stages: list[Stage]) -> Stage | None:
    """The stage the sentence is about: the onsite, else the last but one; never by its result."""
    for stage in stages:
        if "onsite" in stage.text.casefold().replace("-", "").replace(" ", ""):
            return stage
    return stages[-2] if len(stages) > 1 else (stages[0] if stages else None)


@dataclass(frozen=True)
class PassThrough:
    """Who went on from one stage: advanced / (advanced + exited + returned)."""

    share: Share
    open: int

    @property
    def enough(self) -> bool:
        return self.share.whole >= ENOUGH

    @property
    def provisional(self) -> bool:
        return self.share.whole < SETTLED * (self.share.whole + self.open)


def pass_through(journeys: list[Journey], order: dict[str, int]) -> dict[str, PassThrough]:
    """By stage, over every passage of the named profiles."""
    found = [
        passage
        for one in journeys
        for passage in passages(
            one.moves, order, one.opportunity.archived_at, one.opportunity.hired_at
        )
    ]
    return {
        stage: PassThrough(
            Share(
                sum(p.stage == stage and p.outcome is Outcome.ADVANCED for p in found),
                sum(p.stage == stage and p.outcome is not Outcome.OPEN for p in found),
            ),
            sum(p.stage == stage and p.outcome is Outcome.OPEN for p in found),
        )
        for stage in {passage.stage for passage in found}
    }
