"""When an interview is, who holds it, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from nomdecode.candidates import letters
from nomdecode.interviews import outcome
from nomdecode.interviews.locking import locked, locked_assignment
from nomdecode.interviews.models import Assignment, Interview, Outcome, State
from nomdecode.interviews.refusals import Refused, Stale
from nomdecode.orgs import audit
from nomdecode.orgs.models import Member

OPEN = {State.UNSCHEDULED, State.SCHEDULED, State.NO_SHOW}
EARLY = timedelta(minutes=15)  # both sides may be there before the time, and begin


@dataclass(frozen=True)
class Plan:
    starts_at: datetime
    minutes: int
    meeting_url: str
    interviewers: tuple[Member, ...]
    decider: Member  # one of the interviewers


@transaction.atomic
def schedule(interview: Interview, plan: Plan, version: int, by: Member) -> Interview:
    """Sets or moves time and interviewers; `version` is the one the editor saw."""
    interview = locked(interview)
    if interview.version != version:
        raise Stale("Somebody changed this interview while you were editing it.")
    _refuse_unless_schedulable(interview)
    _remember(interview, timezone.now())
    new_time = (plan.starts_at, plan.minutes, plan.meeting_url)
    moved = interview.state == State.SCHEDULED
    told = moved and new_time == (interview.starts_at, interview.minutes, interview.meeting_url)
    interview.starts_at, interview.minutes, interview.meeting_url = new_time
    interview.state, interview.cancelled_because = State.SCHEDULED, ""
    interview.version += 1
    interview.save()
    _assign(interview, plan)
    _note(interview, "interview.moved" if moved else "interview.scheduled", by)
    if not told:
        letters.send(interview.candidate, "scheduled")
    return interview


def _refuse_unless_schedulable(interview: Interview) -> None:
    if interview.candidate.withdrawn_at or interview.candidate.erased_at:
        raise Refused("The candidate has withdrawn, so this interview cannot be scheduled.")
    if interview.state == State.HELD:
        raise Refused("This interview has been held; its time can no longer change.")


def _remember(interview: Interview, now: datetime) -> None:
    """Once it may have begun, whoever was to hold it may have met the candidate, whatever is said.

    So before each change of its state, its time or its interviewers.
    """
    set_for = interview.state in (State.SCHEDULED, State.NO_SHOW)
    if interview.state == State.HELD or (set_for and may_have_begun(interview, now)):
        interview.former.add(*interview.assignments.values_list("member", flat=True))


def _assign(interview: Interview, plan: Plan) -> None:
    wanted = {member.pk for member in plan.interviewers} | {plan.decider.pk}
    interview.assignments.update(decider=False)  # first: at most one decider at any moment
    interview.assignments.exclude(member_id__in=wanted).delete()
    for pk in sorted(wanted):
        role = {"decider": True, "excused_at": None} if pk == plan.decider.pk else {}
        Assignment.objects.update_or_create(interview=interview, member_id=pk, defaults=role)


@transaction.atomic
def cancel(interview: Interview, because: str, by: Member | None) -> Interview:
    """`because`: organisation or candidate. The candidate is told unless it was their wish."""
    interview = locked(interview)
    if interview.state not in OPEN:
        raise Refused("This interview has been held or cancelled already.")
    _remember(interview, timezone.now())
    interview.state, interview.cancelled_because = State.CANCELLED, because
    interview.version += 1
    interview.save()
    _note(interview, "interview.cancelled", by, because=because)
    if because == "organisation":
        letters.send(interview.candidate, "cancelled")
    return interview


def has_begun(interview: Interview, now: datetime) -> bool:
    return interview.starts_at is not None and interview.starts_at <= now


def may_have_begun(interview: Interview, now: datetime) -> bool:
    return has_begun(interview, now + EARLY)


@transaction.atomic
def held(interview: Interview, by: Member, now: datetime) -> Interview:
    interview = locked(interview)
    if interview.state == State.HELD:
        return interview
    if interview.state not in (State.SCHEDULED, State.NO_SHOW):
        raise Refused("Only an interview with a time can have been held.")
    if not may_have_begun(interview, now):
        raise Refused("This interview has not begun, so it cannot have been held.")
    interview.state, interview.held_at = State.HELD, now
    interview.version += 1
    interview.save()
    _note(interview, "interview.held", by)
    outcome.evaluate(interview, now)
    return interview


@transaction.atomic
def no_show(interview: Interview, by: Member) -> Interview:
    interview = locked(interview)
    if interview.state == State.NO_SHOW:
        return interview
    if interview.state not in (State.SCHEDULED, State.HELD):
        raise Refused("Only an interview with a time can be a no-show.")
    if not has_begun(interview, timezone.now()):
        raise Refused("This interview has not begun, so the candidate may still come.")
    if interview.assignments.exclude(scorecards=None).exists():
        raise Refused("There is a scorecard already, so the candidate did come.")
    _remember(interview, timezone.now())
    interview.state, interview.held_at = State.NO_SHOW, None
    interview.version += 1
    interview.save()
    _note(interview, "interview.no_show", by)
    return interview


@transaction.atomic
def recognise(assignment: Assignment, now: datetime) -> None:
    """The interviewer knows the person: asks a recruiter to put somebody else."""
    assignment = locked_assignment(assignment)
    if assignment.scorecard:
        raise Refused("Your scorecard is in; amend its answer to “Did you recognise the person?”.")
    if assignment.recognised_at is None:
        assignment.recognised_at = now
        assignment.save(update_fields=["recognised_at"])
        _note(assignment.interview, "interview.recognised", assignment.member)


@transaction.atomic
def reassign(assignment: Assignment, to: Member, by: Member, now: datetime) -> Assignment:
    """Puts `to` in the place of an interviewer who has sent no scorecard.

    A decider's place may go to somebody who interviews here already.
    """
    assignment = locked_assignment(assignment)
    interview = assignment.interview
    if interview.state == State.CANCELLED:
        raise Refused("This interview is cancelled.")
    if Outcome.objects.filter(interview=interview).exists():
        raise Refused("The outcome stands already, so the interviewers stay as they are.")
    if assignment.scorecard:
        raise Refused(f"{assignment.member.name} has sent a scorecard and cannot be replaced.")
    other = interview.assignments.filter(member=to).first()
    if other and (other == assignment or not assignment.decider or other.recognised_at):
        raise Refused(f"{to.name} is an interviewer here already. Choose somebody else.")
    _remember(interview, now)
    assignment.delete()
    place = other or Assignment(interview=interview, member=to)
    place.decider, place.excused_at = assignment.decider, None
    place.save()
    interview.version += 1
    interview.save(update_fields=["version"])
    _note(interview, "interview.reassigned", by)
    outcome.evaluate(interview, now)
    return place


@transaction.atomic
def excuse(assignment: Assignment, by: Member, now: datetime) -> None:
    """The outcome no longer waits for this interviewer's scorecard."""
    assignment = locked_assignment(assignment)
    interview = assignment.interview
    if assignment.decider:
        raise Refused("The decider cannot be excused. Put another decider in their place.")
    if assignment.scorecard:
        raise Refused(f"{assignment.member.name} has sent a scorecard already.")
    if assignment.excused_at is None:
        assignment.excused_at = now
        assignment.save(update_fields=["excused_at"])
        _note(interview, "scorecard.excused", by)
        outcome.evaluate(interview, now)


def _note(interview: Interview, action: str, by: Member | None, **detail: str) -> None:
    """The audit row and the word to open pages that every change leaves."""
    audit.record(
        interview.organisation,
        action,
        interview,
        member=by,
        by="" if by else "candidate",
        **detail,
    )
    outcome.changed(interview)
