"""The list behind each number of the pipeline page: the same rows that were counted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from nomdecode.interviews.models import Interview
from nomdecode.orgs.models import Member
from nomdecode.pipeline import times
from nomdecode.pipeline.board import CLOSED, ageing_since, here
from nomdecode.pipeline.cohort import Cohort, interviewed_by
from nomdecode.pipeline.funnel import IN_LEVER
from nomdecode.pipeline.models import HERE, Journey, Opportunity, Passage, State
from nomdecode.pipeline.passages import Outcome

type Rows = QuerySet[Any]  # of Journey or of Passage


@dataclass(frozen=True)
class Behind:
    """`words` follow the filters' in the heading; {stage} is its name in Lever."""

    words: str
    rows: Callable[[Cohort, str], Rows]
    about_period: str  # what the period says of them; nothing: it does not count
    counts: str = "candidate"  # or "passage", where one candidate may be in it twice


def _in_states(*states: State) -> Callable[[Cohort, str], Rows]:
    return lambda cohort, _: cohort.journeys().filter(state__in=states)


def _before(state: State) -> Callable[[Cohort, str], Rows]:
    """In that state, and never as far as the stage."""

    def rows(cohort: Cohort, stage: str) -> Rows:
        there = cohort.from_stage(stage)
        return cohort.journeys().filter(state=state).exclude(furthest__in=there)

    return rows


def _reached(cohort: Cohort, stage: str) -> Rows:
    as_far = Q(furthest__in=cohort.from_stage(stage), state__in=IN_LEVER)
    return cohort.journeys().filter(as_far | Q(state=State.HIRED))


def _closed(*outcomes: Outcome) -> Callable[[Cohort, str], Rows]:
    return lambda cohort, stage: cohort.passages().filter(stage=stage, outcome__in=outcomes)


def _open(cohort: Cohort, stage: str) -> Rows:
    return cohort.passages().filter(HERE, stage=stage)


def _censored(cohort: Cohort, stage: str) -> Rows:
    left = Q(outcome=Outcome.OPEN, left_at__isnull=False)
    return cohort.passages().filter(left, stage=stage)


def _ageing(cohort: Cohort, stage: str) -> Rows:
    limit = ageing_since(cohort, times.kept(cohort), stage)
    return here(cohort, stage).filter(entered_at__lt=limit) if limit else Passage.objects.none()


_PASSED, _CAME = "Interview passed", "Came into it"

LISTS = {
    "met": Behind("Met the bar", _in_states(*IN_LEVER, State.NOT_THERE), _PASSED),
    "in_lever": Behind("In Lever", _in_states(*IN_LEVER), _PASSED),
    "not_there": Behind("Met the bar, not in Lever", _in_states(State.NOT_THERE), _PASSED),
    "hired": Behind("Hired", _in_states(State.HIRED), _PASSED),
    "archived": Behind("Archived", _in_states(State.LEFT), _PASSED),
    "deleted": Behind("Deleted in Lever", _in_states(State.DELETED), _PASSED),
    "pseudonym": Behind(
        "Not passed, in Lever under the pseudonym alone", _in_states(State.PSEUDONYM), "Interviewed"
    ),
    "reached": Behind("Reached “{stage}” or a later stage", _reached, _PASSED),
    "left_before": Behind("Left before “{stage}”", _before(State.LEFT), _PASSED),
    "on_the_way": Behind("On the way to “{stage}”", _before(State.ON_THE_WAY), _PASSED),
    "deleted_before": Behind("Deleted before “{stage}”", _before(State.DELETED), _PASSED),
    "here": Behind("In “{stage}” now", here, ""),
    "ageing": Behind("Ageing in “{stage}”", _ageing, ""),
    "closed": Behind("Left “{stage}”", _closed(*CLOSED), _CAME, "passage"),
    "advanced": Behind("Went on from “{stage}”", _closed(Outcome.ADVANCED), _CAME, "passage"),
    "exited": Behind("Archived in “{stage}”", _closed(Outcome.EXITED), _CAME),
    "returned": Behind("Went back from “{stage}”", _closed(Outcome.RETURNED), _CAME, "passage"),
    "open": Behind("Still in “{stage}”", _open, _CAME),
    "censored": Behind("Deleted while in “{stage}”", _censored, _CAME),
}


@dataclass(frozen=True)
class Line:
    """One row of such a list."""

    url: str  # in Lever; none for who interviewed
    interview: Interview
    where: str  # the stage, or the state of who is in none
    since: datetime
    until: datetime | None = None
    outcome: str = ""  # of a passage
    reason: str = ""  # of the archive


WORDS = {
    Outcome.ADVANCED: "went on",
    Outcome.EXITED: "archived",
    Outcome.RETURNED: "went back",
    Outcome.OPEN: "is there",
}


def rows(cohort: Cohort, show: str, stage: str, reader: Member) -> Rows:
    """Newest first; the ageing, oldest first."""
    found = LISTS[show].rows(cohort, stage)
    if found.model is Journey:
        path, newest = "interview", "-stood_at"
    else:
        path, newest = "opportunity__interview", "-entered_at"
    rows: Rows = found.annotate(own=interviewed_by(reader, path)).select_related(
        f"{path}__candidate", f"{path}__position", f"{path}__opportunity"
    )
    return rows.order_by("entered_at" if show == "ageing" else newest, "pk")


def line(row: Journey | Passage, cohort: Cohort) -> Line:
    if isinstance(row, Passage):
        outcome = WORDS[Outcome(row.outcome)]
        gone = row.outcome == Outcome.OPEN and row.left_at
        return Line(
            url=_url(row.opportunity, row),
            interview=row.opportunity.interview,
            where=cohort.texts.get(row.stage, "Another stage"),
            since=row.entered_at,
            until=row.left_at,
            outcome="deleted" if gone else outcome,
        )
    opportunity: Opportunity | None = getattr(row.interview, "opportunity", None)
    stage = cohort.texts.get(opportunity.stage_id_now, "Another stage") if opportunity else ""
    state = State(row.state)
    on_board = state in (State.ON_THE_WAY, State.PSEUDONYM)
    return Line(
        url=_url(opportunity, row),
        interview=row.interview,
        where=stage if on_board else str(state.label),
        since=row.since,
        reason=opportunity.archive_reason if opportunity and state == State.LEFT else "",
    )


def _url(opportunity: Opportunity | None, row: Any) -> str:
    return "" if opportunity is None or row.own else opportunity.link
