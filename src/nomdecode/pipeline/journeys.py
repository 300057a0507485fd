"""Journeys, passages and their tallies follow the facts, in the transaction that changes a fact."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import batched
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Prefetch, QuerySet, Subquery
from django.utils import timezone

from nomdecode.interviews.models import Assignment, Interview, Outcome
from nomdecode.orgs import live
from nomdecode.orgs.models import Organisation
from nomdecode.pipeline import tallies
from nomdecode.pipeline.models import Journey, Opportunity, Passage, Stage, StageMove, State
from nomdecode.pipeline.passages import Span, in_order, passages, place

AT_ONCE = 2000  # interviews that a recount holds in memory
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
def rewrite(interview_id: UUID) -> bool:
    """Brings what is kept of one interview up to its facts. Whether its journey is another now.

    Belongs into the transaction that changed them, once and near its end: tallies are rows that all
    workers share, locked from here to there, and in one order only within one call.
    """
    _alone_with(interview_id)
    interview = _interviews().filter(pk=interview_id).first()
    if interview is None:
        return False  # a restore has lost its outcome: it counts when that stands again
    kept = Passage.objects.filter(opportunity__interview=interview)
    before = Rows(getattr(interview, "journey", None), list(kept))
    after = _derived(interview)
    _replace_passages(before.passages, after.passages)
    tallies.change(interview.organisation_id, before, after)
    return _replace_journey(before.journey, after.journey)


def _alone_with(interview_id: UUID) -> None:
    """Nobody else writes of this interview, and nobody recounts."""
    locks = "SELECT pg_advisory_xact_lock_shared(hashtext(%s)), pg_advisory_xact_lock(hashtext(%s))"
    with connection.cursor() as cursor:
        cursor.execute(locks, ["pipeline.recount", f"pipeline.journey {interview_id}"])


def _replace_journey(before: Journey | None, after: Journey | None) -> bool:
    """Whether it is another one now."""
    if (before and _values(before)) == (after and _values(after)):
        return False
    if after:
        after.save(force_insert=before is None, force_update=before is not None)
    elif before:
        before.delete()
    return True


def _replace_passages(before: Sequence[Passage], after: Sequence[Passage]) -> None:
    known = {row.entered_at: row for row in before}
    changed = [
        row
        for row in after
        if row.entered_at not in known or _values(known[row.entered_at]) != _values(row)
    ]
    if dropped := known.keys() - {row.entered_at for row in after}:
        Passage.objects.filter(pk__in=[known[moment].pk for moment in dropped]).delete()
    Passage.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["opportunity", "entered_at"],
        update_fields=["position", "interviewer", "stage", "left_at", "outcome"],
    )


def _values(row: Journey | Passage) -> list[object]:
    names = OF_JOURNEY if isinstance(row, Journey) else OF_PASSAGE
    return [getattr(row, name) for name in names]


# --- all of an organisation


def follow_order(organisation_id: UUID) -> None:
    """The stages have another order: it counts where a move does not say its stage's place."""
    unplaced = StageMove.objects.filter(
        opportunity__organisation=organisation_id, to_index=None
    ).values_list("opportunity__interview", flat=True)
    for interview_id in unplaced.distinct():
        rewrite(interview_id)


@transaction.atomic
def recount(organisation: Organisation) -> None:
    """Everything anew from the facts: after an update, or when a count is doubted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('pipeline.recount'))")
    organisation.passages.all().delete()
    organisation.journeys.all().delete()
    moves = Prefetch("opportunity__moves", StageMove.objects.order_by())
    interviews = _interviews().filter(organisation=organisation).prefetch_related(moves)
    for some in batched(interviews.iterator(AT_ONCE), AT_ONCE):
        rows = [_derived(interview) for interview in some]
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
    """Those with an outcome; with them opportunity and journey, if there are, and the decider."""
    decider = Assignment.objects.filter(interview=OuterRef("pk"), decider=True).values("member_id")
    found = Interview.objects.exclude(outcome=None).select_related(
        "outcome", "opportunity", "journey"
    )
    return found.annotate(interviewer_id=Subquery(decider))


def _order(interview: Interview, moves: list[StageMove]) -> dict[str, int]:
    """Of the stages today, where a move does not say its stage's place."""
    if all(move.to_index is not None for move in moves):
        return {}
    stages = Stage.objects.filter(organisation=interview.organisation_id)
    return dict(stages.values_list("external_id", "order"))


def _derived(interview: Interview) -> Rows:
    opportunity: Opportunity | None = getattr(interview, "opportunity", None)
    state = _state(interview.outcome, opportunity)
    if state is None:
        return Rows(None, [])
    moves = _moves(opportunity) if opportunity and state != State.NOT_THERE else []
    order = _order(interview, moves)
    journey = _journey(interview, state, moves, order)
    if opportunity is None or state in UNFOLLOWED:
        return Rows(journey, [])
    ends = (opportunity.archived_at, opportunity.hired_at, opportunity.deleted_at)
    spans = passages(moves, order, *ends)
    return Rows(journey, [_passage(interview, opportunity, span) for span in spans])


def _moves(opportunity: Opportunity) -> list[StageMove]:
    """In order; a profile of which no move is known is where it was made."""
    moves = sorted(opportunity.moves.all(), key=in_order)
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


def _journey(
    interview: Interview, state: State, moves: list[StageMove], order: dict[str, int]
) -> Journey:
    way = [] if state in UNFOLLOWED else moves
    furthest = max(way, key=lambda move: (place(move, order), move.happened_at), default=None)
    return Journey(
        interview=interview,
        organisation_id=interview.organisation_id,
        position_id=interview.position_id,
        interviewer_id=interview.interviewer_id,  # type: ignore[attr-defined]  # annotated
        stood_at=interview.outcome.stands_at,
        state=state,
        began=way[0].to_stage if way else "",
        furthest=furthest.to_stage if furthest else "",
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
