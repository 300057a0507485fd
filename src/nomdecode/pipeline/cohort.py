"""The interviews that a pipeline page is about: one position or all, whose outcome stands since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.db.models import QuerySet
from django.utils.http import urlencode

from nomdecode.interviews.models import Interview, Position
from nomdecode.orgs.models import Organisation
from nomdecode.pipeline.models import Opportunity, Stage, StageMove
from nomdecode.pipeline.passages import in_order

PERIODS = {"30": "Last 30 days", "90": "Last 90 days", "365": "Last year", "all": "All time"}
PRESET = "90"


@dataclass(frozen=True)
class Filters:
    """What the reader chose; what cannot be read counts as not chosen."""

    position: UUID | None = None
    days: str = PRESET

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filters":
        try:
            position = UUID(query.get("position", ""))
        except ValueError:
            position = None
        days = query.get("days", PRESET)
        return cls(position, days if days in PERIODS else PRESET)

    @property
    def query(self) -> str:
        """For a link: "position=…&days=90"."""
        return urlencode({"position": str(self.position or ""), "days": self.days})

    @property
    def period(self) -> str:
        """How it goes into a sentence."""
        return "so far" if self.days == "all" else f"in the {PERIODS[self.days].lower()}"


class Cohort:
    """Everything the page needs, read with a few queries however many candidates there are."""

    def __init__(self, organisation: Organisation, filters: Filters, now: datetime) -> None:
        self.organisation, self.filters, self.now = organisation, filters, now

    @cached_property
    def all_stages(self) -> list[Stage]:
        return list(self.organisation.stages.all())

    @property
    def stages(self) -> list[Stage]:
        return [stage for stage in self.all_stages if stage.gone_at is None]

    @cached_property
    def order(self) -> dict[str, int]:
        """Stage -> its place in the order; a gone stage keeps the place it had."""
        return {stage.external_id: stage.order for stage in self.all_stages}

    @cached_property
    def texts(self) -> dict[str, str]:
        return {stage.external_id: stage.text for stage in self.all_stages}

    @cached_property
    def interviews(self) -> list[Interview]:
        """Successful ones, each with candidate, position and, if there is one, opportunity."""
        return list(self._interviews(successful=True))

    @cached_property
    def journeys(self) -> list["Journey"]:
        """Of those, the named profiles."""
        opportunities = (getattr(one, "opportunity", None) for one in self.interviews)
        return [Journey(one, self.order) for one in opportunities if one and one.named]

    @cached_property
    def not_passed(self) -> list["Journey"]:
        """The profiles that went under the pseudonym alone: in no funnel."""
        rows = self._interviews(successful=False).filter(opportunity__named=False)
        return [Journey(one.opportunity, self.order) for one in rows]

    @cached_property
    def positions(self) -> list[Position]:
        return list(self.organisation.positions.all())

    def _interviews(self, successful: bool) -> QuerySet[Interview]:
        found = Interview.objects.filter(
            organisation=self.organisation, outcome__successful=successful
        )
        if self.filters.position:
            found = found.filter(position_id=self.filters.position)
        if self.filters.days != "all":
            since = self.now - timedelta(days=int(self.filters.days))
            found = found.filter(outcome__stands_at__gte=since)
        found = found.select_related("candidate", "position", "outcome", "opportunity")
        return found.prefetch_related("opportunity__moves").order_by("-outcome__stands_at")


class Journey:
    """One opportunity on its way, with its moves in order."""

    def __init__(self, opportunity: Opportunity, order: dict[str, int]) -> None:
        self.opportunity, self.order = opportunity, order
        self.moves = sorted(opportunity.moves.all(), key=in_order)

    @property
    def interview(self) -> Interview:
        return self.opportunity.interview

    @property
    def hired(self) -> bool:
        return self.opportunity.hired_at is not None

    @property
    def left(self) -> bool:
        """Archived without being hired."""
        return self.opportunity.archived_at is not None and not self.hired

    @property
    def deleted(self) -> bool:
        return self.opportunity.deleted_at is not None and not self.hired

    @property
    def since(self) -> datetime:
        """When it came to where it is now."""
        one = self.opportunity
        if self.hired or self.left:
            return one.hired_at or one.archived_at or one.created_at
        return self.moves[-1].happened_at if self.moves else one.created_at

    @property
    def began(self) -> int:
        """The place, in the order, of the stage where the profile was made."""
        return self._place(self.moves[0]) if self.moves else self._now()

    @property
    def furthest(self) -> int:
        """The place of the latest stage it was ever in."""
        return max([self._now(), *(self._place(move) for move in self.moves)])

    def reached(self, place: int) -> bool:
        """Came as far as that place or further, whether or not it stopped there on its way."""
        return self.hired or self.furthest >= place

    def _now(self) -> int:
        return self.order.get(self.opportunity.stage_id_now, 0)

    def _place(self, move: StageMove) -> int:
        return self.order.get(move.to_stage, move.to_index or 0)
