"""What a pipeline page is about: one position or all, one interviewer or all, since some day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.http import urlencode

from nomdecode.interviews.models import Assignment, Interview, Position
from nomdecode.orgs.models import Member, Organisation
from nomdecode.pipeline import tallies
from nomdecode.pipeline.models import Journey, Passage, Stage

PERIODS = {"30": "Last 30 days", "90": "Last 90 days", "365": "Last year", "all": "All time"}
PRESET = "90"


@dataclass(frozen=True)
class Filters:
    """What the reader chose; what cannot be read counts as not chosen."""

    position: UUID | None = None
    interviewer: int | None = None
    days: str = PRESET

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filters":
        try:
            position = UUID(query.get("position", ""))
        except ValueError:
            position = None
        who, days = query.get("interviewer", ""), query.get("days", PRESET)
        interviewer = int(who) if who.isascii() and who.isdigit() and len(who) < 19 else None
        return cls(position, interviewer, days if days in PERIODS else PRESET)

    @property
    def query(self) -> str:
        """For a link: "position=…&interviewer=…&days=90"."""
        chosen = {"position": self.position, "interviewer": self.interviewer, "days": self.days}
        return urlencode({name: str(value or "") for name, value in chosen.items()})

    @property
    def period(self) -> str:
        """How it goes into a sentence."""
        return "so far" if self.days == "all" else f"in the {PERIODS[self.days].lower()}"

    @property
    def of_whom(self) -> dict[str, Any]:
        """For a table that has both columns."""
        chosen = {"position": self.position, "interviewer": self.interviewer}
        return {name: value for name, value in chosen.items() if value is not None}

    def since(self, now: datetime) -> date | None:
        """The first day, in UTC as all days are counted."""
        if self.days == "all":
            return None
        return tallies.utc_day(now) - timedelta(days=int(self.days))


class Cohort:
    """The counts of one choice of filters, and the rows behind them."""

    def __init__(self, organisation: Organisation, filters: Filters, now: datetime) -> None:
        self.organisation, self.filters, self.now = organisation, filters, now
        self.since = filters.since(now)

    @cached_property
    def all_stages(self) -> list[Stage]:
        """In order, gone ones too."""
        return Stage.in_order(self.organisation.pk)

    @property
    def stages(self) -> list[Stage]:
        return [stage for stage in self.all_stages if stage.gone_at is None]

    @cached_property
    def order(self) -> dict[str, int]:
        return {stage.external_id: place for place, stage in enumerate(self.all_stages)}

    @cached_property
    def texts(self) -> dict[str, str]:
        return {stage.external_id: stage.text for stage in self.all_stages}

    def from_stage(self, stage: str) -> set[str]:
        """That stage and all later ones."""
        first = self.order.get(stage, len(self.order))
        return {other for other, place in self.order.items() if place >= first}

    @cached_property
    def counts(self) -> tallies.Counts:
        """Of the period."""
        return self._read(self.since)

    @cached_property
    def ever(self) -> tallies.Counts:
        return self.counts if self.since is None else self._read(None)

    def _read(self, since: date | None) -> tallies.Counts:
        chosen = self.filters
        return tallies.read(self.organisation, chosen.position, chosen.interviewer, since)

    def journeys(self) -> QuerySet[Journey]:
        """Of interviews whose outcome stands since the period began."""
        rows = Journey.objects.filter(organisation=self.organisation, **self.filters.of_whom)
        return rows.filter(stood_at__gte=midnight(self.since)) if self.since else rows

    def passages(self, ever: bool = False) -> QuerySet[Passage]:
        """Entered since the period began, or ever."""
        rows = Passage.objects.filter(organisation=self.organisation, **self.filters.of_whom)
        whole = ever or self.since is None
        return rows if whole else rows.filter(entered_at__gte=midnight(self.since))

    @cached_property
    def positions(self) -> list[Position]:
        return list(self.organisation.positions.all())

    @cached_property
    def interviewers(self) -> list[Member]:
        """Whoever decided an interview that is counted here."""
        counted = self.organisation.tallies.filter(position=None, day=None)
        deciders = counted.exclude(interviewer=None).values("interviewer")
        return list(self.organisation.members.filter(pk__in=deciders).select_related("user"))


def interviewed_by(reader: Member, interview: str) -> Q:
    """Whether `reader` held it: whoever did is an interviewer to this candidate, and Lever shows
    the name. `interview`: the path to it."""
    own = Assignment.objects.filter(member=reader, interview=OuterRef(interview))
    former = Interview.objects.filter(former=reader, pk=OuterRef(interview))
    return Exists(own) | Exists(former)


def midnight(day: date | None) -> datetime:
    return datetime.combine(day or date.min, time(), UTC)
