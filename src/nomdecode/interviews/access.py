"""Who may read what of an interview, and what a member sees of its state."""

from datetime import datetime, timedelta
from math import ceil

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from nomdecode.interviews.models import Assignment, Interview, Outcome, State
from nomdecode.interviews.scheduling import EARLY
from nomdecode.orgs import live
from nomdecode.orgs.models import Member, Role

SOON = 24 * 60 * 60  # seconds; browsers know no timer of a month


def is_staff(member: Member) -> bool:
    return member.role in (Role.ADMIN, Role.RECRUITER)


def visible(member: Member) -> QuerySet[Interview]:
    """Staff: all of the organisation; interviewers: where they are assigned."""
    interviews = Interview.objects.filter(organisation_id=member.organisation_id)
    if not is_staff(member):
        interviews = interviews.filter(assignments__member=member)
    assignments = Assignment.objects.select_related("member__user").prefetch_related("scorecards")
    return interviews.select_related(
        "organisation", "position", "candidate", "recruiter__user", "outcome"
    ).prefetch_related(Prefetch("assignments", queryset=assignments))


def interview_or_404(member: Member, pk: object) -> Interview:
    return get_object_or_404(visible(member), pk=pk)


def hears(member: Member) -> live.Hears:
    """Of which live events: interviewers of their own interviews as they are now, and of nothing
    that goes on in Lever, which could answer what was written on a guess."""
    if is_staff(member):
        return live.everything
    mine = visible(member).prefetch_related(None).values_list("pk", flat=True)
    topics = {"home", "signal", *(f"interview-{pk}" for pk in mine)}
    return topics.__contains__


def own(interview: Interview, member: Member) -> Assignment | None:
    """The member's own assignment. Uses what was prefetched."""
    return next((a for a in interview.assignments.all() if a.member_id == member.pk), None)


def may_read(interview: Interview, member: Member) -> bool:
    """Others' scorecards, and the outcome they make: whoever is to write one writes it first."""
    assignment = own(interview, member)
    if assignment:
        return assignment.scorecard is not None
    return is_staff(member)


def outcome_of(interview: Interview) -> Outcome | None:
    return getattr(interview, "outcome", None)


def pending(interview: Interview) -> list[Assignment]:
    """Those whose scorecard the outcome waits for."""
    return [a for a in interview.assignments.all() if not a.excused_at and a.scorecard is None]


def to_reassign(interview: Interview) -> list[Assignment]:
    """Those who recognised the person and have not been replaced yet."""
    if interview.state == State.CANCELLED or outcome_of(interview):
        return []
    return [a for a in interview.assignments.all() if a.recognised_at and not a.scorecard]


def over(interview: Interview, now: datetime) -> bool:
    """Its time has passed, and nobody has said yet whether it was held."""
    if interview.state != State.SCHEDULED or interview.starts_at is None:
        return False
    return interview.starts_at + timedelta(minutes=interview.minutes) < now


def changes_in(interview: Interview, now: datetime) -> int | None:
    """Seconds until a page that shows it looks different by the clock alone, if that is soon."""
    if interview.state != State.SCHEDULED or interview.starts_at is None:
        return None
    starts_at = interview.starts_at
    moments = (starts_at - EARLY, starts_at, starts_at + timedelta(minutes=interview.minutes))
    left = [(each - now).total_seconds() for each in moments if each > now]
    return ceil(left[0]) + 1 if left and left[0] < SOON else None


def needs(interview: Interview, member: Member, now: datetime) -> str:
    """What the member should do about it, as a short sentence; empty when nothing."""
    assignment = own(interview, member)
    due = interview.state == State.HELD or over(interview, now)
    if assignment and assignment.rephrase_asked_at:
        return "Rephrase your scorecard"
    if assignment and due and assignment in pending(interview) and not assignment.recognised_at:
        return "Your scorecard is due"
    if not is_staff(member):
        return ""
    if interview.state == State.UNSCHEDULED:
        return "Choose a time and interviewers"
    if recognised := to_reassign(interview):
        return f"{recognised[0].member.name} recognised the person: reassign"
    if over(interview, now):
        return "Was it held?"
    return ""


def waits_for(interview: Interview) -> str:
    """Whose scorecards the outcome of a held interview waits for."""
    if interview.state != State.HELD or outcome_of(interview):
        return ""
    names = ", ".join(each.member.name for each in pending(interview))
    return f"Waiting for {names}" if names else ""


def pill(interview: Interview, member: Member, now: datetime) -> tuple[str, str]:
    """(kind, words) for `{% pill %}`: the state as this member may know it."""
    outcome = outcome_of(interview)
    if outcome and may_read(interview, member):
        return ("ok", "Successful") if outcome.successful else ("quiet", "Not successful")
    if interview.state == State.SCHEDULED and interview.starts_at:
        return "info", "Over" if over(interview, now) else _until(interview.starts_at, now)
    kinds = {State.UNSCHEDULED: "warn", State.HELD: "ok"}
    return kinds.get(State(interview.state), "quiet"), interview.get_state_display()


def _until(starts_at: datetime, now: datetime) -> str:
    left = starts_at - now
    if left <= timedelta():
        return "Now"
    if left < timedelta(hours=1):
        return f"In {max(1, round(left.total_seconds() / 60))} min"
    if timezone.localtime(starts_at).date() == timezone.localtime(now).date():
        return "Today"
    return "Scheduled"
