"""Journeys, passages and their tallies follow the facts, in the transaction that changes a fact."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Prefetch, QuerySet, Subquery
from django.utils import timezone

from nomdecode.interviews.models import Assignment, Interview, Outcome
from nomdecode.orgs import live
from nomdecode.orgs.models import Organisation
from nomdecode.pipeline import tallies
from nomdecode.pipeline.models import Journey, Opportunity, Passage, Stage, StageMove, State
from nomdecode.pipeline.passages import Order, Span, furthest, in_pipeline, passages

AT_ONCE = 2000  # interviews that a recount holds in memory
TOGETHER = 100  # interviews in one transaction, where all workers go on
UNFOLLOWED = (State.NOT_THERE, State.PSEUDONYM)  # without passages, and in no funnel
# What makes a row another than it was; the opportunity and the interview never change.
OF_JOURNEY = ("position_id", "interviewer_id", "stood_at", "state", "began", "furthest", "since")
OF_PASSAGE = ("position_id", "interviewer_id", "stage", "entered_at", "left_at", "outcome")


@dataclass(frozen=True)
class Rows:
    """What is kept of one interview."""

    journey: Journey | None
    passages: Sequence[Passage]

    def __iter__(self) -> Iterator[Journey | Passage]:
        if self.journey:
            yield self.journey
        yield from self.passages


# --- one interview


def outcome_stands(interview: Interview, **_: object) -> None:
    """An open Pipeline hears of it; of what Lever tells, it hears by moves.py."""
    if rewrite(interview.pk):
        live.publish(interview.organisation_id, "pipeline")


@transaction.atomic(savepoint=False)
def rewrite(*interview_ids: UUID) -> set[UUID]:
    """Brings what is kept of some interviews of one organisation up to their facts. Of which of
    them the journey is another now.

    Belongs into the transaction that changed them, once and near its end: tallies are rows that all
    workers share, locked from here to there, and in one order only within one call.
    """
    if not interview_ids:
        return set()
    _alone_with(interview_ids)
    # Of some a restore has lost the outcome: they count when that stands again.
    interviews = list(_interviews().filter(pk__in=interview_ids))
    order = _asked_once(interviews[0].organisation_id) if interviews else Order
    before, after = _kept(interviews), [_derived(interview, order) for interview in interviews]
    _replace_passages(*([row for one in rows for row in one.passages] for rows in (before, after)))
    if interviews:
        flat = (itertools.chain.from_iterable(rows) for rows in (before, after))
        tallies.change(interviews[0].organisation_id, *flat)
    return _replace_journeys(before, after)


def _alone_with(interview_ids: Iterable[UUID]) -> None:
    """Nobody else writes of these interviews, and nobody recounts."""
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, [list(interview_ids)])


# The order of keys is one for all workers.
_ALONE = """
    SELECT pg_advisory_xact_lock_shared(hashtext('pipeline.recount')), pg_advisory_xact_lock(key)
    FROM (
        SELECT DISTINCT hashtext('pipeline.journey ' || id) AS key FROM unnest(%s::uuid[]) id
        ORDER BY key
    ) AS keys
"""


def _kept(interviews: list[Interview]) -> list[Rows]:
    owners = {one.opportunity.pk: one.pk for one in interviews if hasattr(one, "opportunity")}
    passages: dict[UUID, list[Passage]] = {one.pk: [] for one in interviews}
    for row in Passage.objects.filter(opportunity__in=list(owners)):
        passages[owners[row.opportunity_id]].append(row)
    return [Rows(getattr(one, "journey", None), passages[one.pk]) for one in interviews]


def _replace_journeys(before: list[Rows], after: list[Rows]) -> set[UUID]:
    """Whose is another one now."""
    pairs = [(was.journey, now.journey) for was, now in zip(before, after, strict=True)]
    others = [pair for pair in pairs if _values(pair[0]) != _values(pair[1])]
    if dropped := [was for was, now in others if was and not now]:
        Journey.objects.filter(pk__in=[journey.pk for journey in dropped]).delete()
    Journey.objects.bulk_create(
        [now for _, now in others if now],
        update_conflicts=True,
        unique_fields=["interview"],
        update_fields=[*(name.removesuffix("_id") for name in OF_JOURNEY), "changed_at"],
    )
    return {journey.pk for was, now in others if (journey := now or was)}


def _replace_passages(before: Sequence[Passage], after: Sequence[Passage]) -> None:
    known = {(row.opportunity_id, row.entered_at): row for row in before}
    kept = {(row.opportunity_id, row.entered_at): row for row in after}
    if dropped := known.keys() - kept.keys():
        Passage.objects.filter(pk__in=[known[key].pk for key in dropped]).delete()
    Passage.objects.bulk_create(
        [row for key, row in kept.items() if _values(known.get(key)) != _values(row)],
        update_conflicts=True,
        unique_fields=["opportunity", "entered_at"],
        update_fields=["position", "interviewer", "stage", "left_at", "outcome"],
    )


def _values(row: Journey | Passage | None) -> list[object]:
    if row is None:
        return []
    names = OF_JOURNEY if isinstance(row, Journey) else OF_PASSAGE
    return [getattr(row, name) for name in names]


# --- all of an organisation


def follow_order(organisation_id: UUID) -> None:
    """The stages have another order: how far somebody came may be another thing now."""
    with transaction.atomic():  # who is writing one more list found this job ringing, and rang not
        Organisation.objects.select_for_update(no_key=True).get(pk=organisation_id)
    followed = Journey.objects.filter(organisation=organisation_id).exclude(state__in=UNFOLLOWED)
    for some in itertools.batched(list(followed.values_list("pk", flat=True)), TOGETHER):
        rewrite(*some)


@transaction.atomic
def recount(organisation: Organisation) -> None:
    """Everything anew from the facts: after an update, or when a count is doubted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('pipeline.recount'))")
    organisation.passages.all().delete()
    organisation.journeys.all().delete()
    interviews = _interviews().filter(organisation=organisation)
    order = _asked_once(organisation.pk)
    for some in itertools.batched(interviews.iterator(AT_ONCE), AT_ONCE):
        rows = [_derived(interview, order) for interview in some]
        Journey.objects.bulk_create(one.journey for one in rows if one.journey)
        Passage.objects.bulk_create(passage for one in rows for passage in one.passages)
    tallies.count_anew(organisation)


def recount_where_missing() -> None:
    """Where a journey is: after an update from a version that kept none, or kept others."""
    without = Outcome.objects.filter(successful=True, interview__journey=None)
    without = without.filter(interview__organisation=OuterRef("pk"))
    for organisation in Organisation.objects.filter(Exists(without)):
        recount(organisation)


# --- what the facts say


@cache  # to say it takes as long as to ask it, and it is asked at every move
def _interviews() -> QuerySet[Interview]:
    """Those with an outcome; with them opportunity, moves and journey, if any, and the decider."""
    decider = Assignment.objects.filter(interview=OuterRef("pk"), decider=True).values("member_id")
    found = Interview.objects.exclude(outcome=None).select_related(
        "outcome", "opportunity", "journey"
    )
    found = found.prefetch_related(Prefetch("opportunity__moves", StageMove.objects.order_by()))
    return found.annotate(interviewer_id=Subquery(decider))


def _asked_once(organisation_id: UUID) -> Callable[[], Order]:
    """And only if anybody was in more than one stage."""

    @cache
    def order() -> Order:
        listed = Stage.in_order(organisation_id)
        return Order((stage.external_id, stage.gone_at is not None) for stage in listed)

    return order


def _derived(interview: Interview, stages: Callable[[], Order]) -> Rows:
    opportunity: Opportunity | None = getattr(interview, "opportunity", None)
    state = _state(interview.outcome, opportunity)
    if state is None:
        return Rows(None, [])
    moves = _moves(opportunity) if opportunity and state != State.NOT_THERE else []
    order = stages() if len(moves) > 1 else Order()
    journey = _journey(interview, state, moves, order)
    if opportunity is None or state in UNFOLLOWED:
        return Rows(journey, [])
    ends = (opportunity.archived_at, opportunity.hired_at, opportunity.deleted_at)
    spans = passages(moves, order, *ends)
    return Rows(journey, [_passage(interview, opportunity, span) for span in spans])


def _moves(opportunity: Opportunity) -> list[StageMove]:
    """Those that count, in order; a profile of which no move is known is where it was made."""
    moves = in_pipeline(opportunity.moves.all(), opportunity.archived_at)
    if moves or not opportunity.stage_id_now:
        return moves
    return [StageMove(to_stage=opportunity.stage_id_now, happened_at=opportunity.created_at)]


def _state(outcome: Outcome, opportunity: Opportunity | None) -> State | None:
    if not outcome.successful:
        return State.PSEUDONYM if opportunity and not opportunity.named else None
    if opportunity is None or not opportunity.named:
        return State.NOT_THERE
    if opportunity.hired_at:
        return State.HIRED
    if opportunity.archived_at:
        return State.LEFT  # also where the profile was deleted later: how it went is known
    return State.DELETED if opportunity.deleted_at else State.ON_THE_WAY


def _journey(interview: Interview, state: State, moves: list[StageMove], order: Order) -> Journey:
    way = [] if state in UNFOLLOWED else moves
    latest = furthest(way, order)
    return Journey(
        interview=interview,
        organisation_id=interview.organisation_id,
        position_id=interview.position_id,
        interviewer_id=interview.interviewer_id,  # type: ignore[attr-defined]  # annotated
        stood_at=interview.outcome.stands_at,
        state=state,
        began=way[0].to_stage if way else "",
        furthest=latest.to_stage if latest else "",
        since=_since(interview, moves),
        changed_at=timezone.now(),
    )


def _since(interview: Interview, moves: list[StageMove]) -> datetime:
    """When it came to where it is now."""
    if not moves:
        return interview.outcome.stands_at
    one = interview.opportunity
    return one.hired_at or one.archived_at or one.deleted_at or moves[-1].happened_at


def _passage(interview: Interview, opportunity: Opportunity, span: Span) -> Passage:
    return Passage(
        organisation_id=interview.organisation_id,
        opportunity=opportunity,
        position_id=interview.position_id,
        interviewer_id=interview.interviewer_id,  # type: ignore[attr-defined]  # annotated
        stage=span.stage,
        entered_at=span.entered_at,
        left_at=span.left_at,
        outcome=span.outcome.value,
    )
