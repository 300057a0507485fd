"""The outcome of an interview: it stands when the decider's and all other scorecards are in."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from nomdecode.candidates import consent
from nomdecode.candidates.models import Candidate
from nomdecode.interviews import signals
from nomdecode.interviews.locking import locked
from nomdecode.interviews.models import Assignment, Interview, Outcome, State
from nomdecode.orgs import live, locks


def decision_of(assignments: list[Assignment]) -> str:
    """The decider's decision once nobody is waited for; empty until then."""
    decision = ""
    for assignment in assignments:
        card = assignment.scorecard
        if assignment.decider and card:
            decision = card.decision
        if card is None and (assignment.decider or assignment.excused_at is None):
            return ""
    return decision


@transaction.atomic
def evaluate(interview: Interview, now: datetime) -> Outcome | None:
    """Call after every change of a scorecard or assignment; announces an outcome that stands.

    The hold runs from the first time it stood: an amendment changes what leaves, not when.
    """
    interview = locked(interview)
    assignments = list(interview.assignments.prefetch_related("scorecards"))
    decision = decision_of(assignments)
    changed(interview)
    if interview.state != State.HELD or not decision:
        return None
    outcome = Outcome.objects.filter(interview=interview).first() or Outcome(
        interview=interview,
        stands_at=now,
        leaves_at=now + timedelta(minutes=interview.organisation.hold_minutes),
    )
    if outcome.decision != decision:  # else a later change of settings would turn what has left
        outcome.decision = decision
        outcome.successful = decision in interview.organisation.successful_decisions
    outcome.save()
    _tell_candidate_room(interview.candidate, outcome, now)
    signals.outcome_stands.send(Interview, interview=interview, outcome=outcome)
    return outcome


def _tell_candidate_room(candidate: Candidate, outcome: Outcome, now: datetime) -> None:
    candidate.passed_at = outcome.leaves_at if outcome.successful else None
    candidate.not_passed_at = None if outcome.successful else outcome.leaves_at
    candidate.save(update_fields=["passed_at", "not_passed_at"])
    if candidate.withdrawn_at or candidate.erased_at:
        return
    # During a hold the outcome may still change, so the question waits for its end.
    leaves = outcome.successful and outcome.leaves_at <= now
    if leaves:
        consent.ask(candidate, now)


def ask_after_hold(now: datetime) -> int:
    """Puts the question to the candidates whose hold has ended; how many they were."""
    with locks.alone("interviews.ask_after_hold") as alone:
        return sum(_asked(pk, now) for pk in _unasked(now)) if alone else 0


@transaction.atomic
def _asked(interview_id: UUID, now: datetime) -> bool:
    interview = locked(Interview.objects.get(pk=interview_id))
    if not _unasked(now, interview_id):
        return False
    consent.ask(interview.candidate, now)
    changed(interview)
    return True


def _unasked(now: datetime, *only: UUID) -> list[UUID]:
    waiting = Interview.objects.filter(
        outcome__successful=True,
        outcome__leaves_at__lte=now,
        candidate__lapses_at=None,
        candidate__withdrawn_at=None,
        candidate__erased_at=None,
    )
    if only:
        waiting = waiting.filter(pk__in=only)
    return list(waiting.values_list("pk", flat=True))


def changed(interview: Interview) -> None:
    """Tells open pages, when the transaction commits, to look at this interview again."""
    live.publish(interview.organisation_id, f"interview-{interview.pk}", "home")
