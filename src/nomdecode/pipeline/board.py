"""Who is where: one lane a stage, in Lever's order, then the hired, archived and deleted.

What is read is the counts, and as many cards as are shown: it does not grow with the moves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.db.models import QuerySet

from nomdecode.orgs.models import Member
from nomdecode.pipeline import times
from nomdecode.pipeline.cohort import Cohort, interviewed_by, midnight
from nomdecode.pipeline.models import HERE, Journey, Passage, Stage, StageMove, State
from nomdecode.pipeline.passages import Outcome
from nomdecode.pipeline.statistics.shares import PassThrough
from nomdecode.pipeline.tallies import CENSORED

SHOWN = 12  # cards a lane; the list behind its number has them all
FRESH = timedelta(seconds=10)  # a move heard of so lately is pointed out
MOST_AGEING = 1000  # counted at most: who is here grows without end where nobody is archived
CLOSED = (Outcome.ADVANCED, Outcome.EXITED, Outcome.RETURNED)
WITH_CANDIDATE = "opportunity__interview__candidate"


@dataclass(frozen=True)
class Card:
    passage: Passage
    url: str  # in Lever; none for who interviewed
    ageing: bool
    fresh: bool


@dataclass(frozen=True)
class Lane:
    stage: str
    text: str
    here: int
    went_on: PassThrough
    cards: list[Card]
    times: times.Times | None
    ageing: int
    gone: bool = False  # from Lever's list
    unlisted: bool = False  # never was in it

    @property
    def more(self) -> int:
        return self.here - len(self.cards)

    @property
    def unused(self) -> bool:
        """In the period: who is here may have come before it."""
        return not self.went_on.entered

    @property
    def ageing_words(self) -> str:
        """ "3", or "1000+" where counting ended."""
        return f"{self.ageing}+" if self.ageing == MOST_AGEING else str(self.ageing)


class Board:
    def __init__(self, cohort: Cohort, reader: Member) -> None:
        self.cohort, self.reader = cohort, reader
        self.kept = times.kept(cohort)

    @cached_property
    def lanes(self) -> list[Lane]:
        """From the first stage that was ever used; one that left Lever's list, while it counts."""
        cards = self._cards()
        return [self._lane(stage, cards.get(stage.external_id, [])) for stage in self._stages()]

    @property
    def anybody(self) -> bool:
        """Whether anybody was ever in a stage."""
        return any(n and _of_passages(what) for (_, what), n in self.cohort.ever.items())

    @cached_property
    def hired(self) -> list[Journey]:
        return self._newest(State.HIRED)

    @property
    def more_hired(self) -> int:
        return self.counts[State.HIRED] - len(self.hired)

    @cached_property
    def not_passed(self) -> list[Journey]:
        return self._newest(State.PSEUDONYM)

    @cached_property
    def counts(self) -> dict[str, int]:
        """State -> how many, of the interviews passed in the period."""
        found = dict.fromkeys((state.value for state in State), 0)
        for (_, what), count in self.cohort.counts.items():
            if what in found:
                found[what] += count
        return found

    def _newest(self, state: State) -> list[Journey]:
        """Nobody was there before the interview was passed: the period bounds what is read."""
        rows = self.cohort.journeys().filter(state=state)
        rows = rows.filter(since__gte=midnight(self.cohort.since)) if self.cohort.since else rows
        one = "interview__"
        rows = rows.select_related(f"{one}candidate", f"{one}position", f"{one}opportunity")
        rows = rows.annotate(own=interviewed_by(self.reader, "interview"))
        return list(rows.order_by("-since")[:SHOWN])

    # --- lanes

    def _stages(self) -> list[Stage]:
        used = {stage for (stage, what), n in self.cohort.ever.items() if n and _of_passages(what)}
        listed = self.cohort.all_stages
        first = next((n for n, stage in enumerate(listed) if stage.external_id in used), 0)
        shown = [s for s in listed[first:] if s.gone_at is None or s.external_id in used]
        unlisted = sorted(used - set(self.cohort.order))
        return [*shown, *(Stage(external_id=stage, text="Another stage") for stage in unlisted)]

    def _lane(self, stage: Stage, cards: list[Passage]) -> Lane:
        key, counts = stage.external_id, self.cohort.counts
        return Lane(
            stage=key,
            text=stage.text,
            here=self.cohort.ever.get((key, Outcome.OPEN), 0),
            went_on=PassThrough(
                advanced=counts.get((key, Outcome.ADVANCED), 0),
                exited=counts.get((key, Outcome.EXITED), 0),
                returned=counts.get((key, Outcome.RETURNED), 0),
                open=counts.get((key, Outcome.OPEN), 0),
                censored=counts.get((key, CENSORED), 0),
            ),
            cards=[self._card(passage) for passage in cards],
            times=self.kept.times.get(key),
            ageing=self._ageing(key),
            gone=stage.gone_at is not None,
            unlisted=stage.pk is None,
        )

    def _ageing(self, stage: str) -> int:
        limit = ageing_since(self.cohort, self.kept, stage)
        if limit is None or not self.cohort.ever.get((stage, Outcome.OPEN)):
            return 0
        return here(self.cohort, stage).filter(entered_at__lt=limit)[:MOST_AGEING].count()

    # --- cards

    def _cards(self) -> dict[str, list[Passage]]:
        """By stage, newest first: each read from an index, and no more of it than is shown."""
        stages = {stage for (stage, what), n in self.cohort.ever.items() if n and what == "open"}
        newest = [
            here(self.cohort, stage).order_by("-entered_at").values("pk")[:SHOWN]
            for stage in sorted(stages)
        ]
        if not newest:
            return {}
        shown = newest[0].union(*newest[1:], all=True) if newest[1:] else newest[0]
        rows = Passage.objects.filter(pk__in=[row["pk"] for row in shown])
        rows = rows.annotate(own=interviewed_by(self.reader, "opportunity__interview"))
        passages = list(rows.select_related(WITH_CANDIDATE).order_by("-entered_at"))
        self._fresh = _heard_lately([row.opportunity_id for row in passages], self.cohort.now)
        found: dict[str, list[Passage]] = {}
        for passage in passages:
            found.setdefault(passage.stage, []).append(passage)
        return found

    def _card(self, passage: Passage) -> Card:
        limit = ageing_since(self.cohort, self.kept, passage.stage)
        ageing = limit is not None and passage.entered_at < limit
        url = "" if passage.own else passage.opportunity.link  # type: ignore[attr-defined]
        return Card(passage, url, ageing, passage.opportunity_id in self._fresh)


def here(cohort: Cohort, stage: str) -> QuerySet[Passage]:
    """Who is in the stage now, whenever they came: a period would hide who waits the longest."""
    return cohort.passages(ever=True).filter(HERE, stage=stage)


def ageing_since(cohort: Cohort, kept: times.Kept, stage: str) -> datetime | None:
    """Who came before that is there longer than nine in ten stay."""
    found = kept.times.get(stage)
    if found is None or found.ninetieth is None:
        return None
    return cohort.now - timedelta(seconds=found.ninetieth)


def _of_passages(what: str) -> bool:
    return what in (*Outcome, CENSORED)


def _heard_lately(opportunities: list[UUID], now: datetime) -> set[UUID]:
    moves = StageMove.objects.filter(opportunity__in=opportunities, heard_at__gt=now - FRESH)
    return set(moves.values_list("opportunity", flat=True))
