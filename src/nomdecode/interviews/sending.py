"""What sending a scorecard would do, said before it is done."""

from datetime import datetime, timedelta

from django.utils import timezone

from nomdecode.interviews import access
from nomdecode.interviews.models import Assignment
from nomdecode.orgs.models import Decision


def has_left(assignment: Assignment, now: datetime) -> bool:
    outcome = access.outcome_of(assignment.interview)
    return outcome is not None and outcome.leaves_at <= now


def what_happens(assignment: Assignment, decision: str, now: datetime) -> str:
    """One to three plain sentences; a non-decider learns nothing of the decision."""
    if has_left(assignment, now):
        return "The outcome has left already; only the words of your scorecard change."
    others = [a for a in access.pending(assignment.interview) if a.pk != assignment.pk]
    waits = " and ".join(each.member.name for each in others)
    said = [_effect(assignment, decision)] if assignment.decider else []
    if waits:
        said.append(f"The outcome waits for {waits}; until then you can amend yours.")
    else:
        said.append(_leaving(assignment, now))
    return " ".join(said)


def _effect(assignment: Assignment, decision: str) -> str:
    organisation = assignment.interview.organisation
    if not decision:
        return "Your decision makes the interview successful or not."
    label = Decision(decision).label
    if decision in organisation.successful_decisions:
        return (  # whether they have agreed, and what is set up, is not the interviewer's to know
            f"“{label}” passes: a profile goes to Lever as soon as the candidate has agreed to be "
            "named and Lever is on."
        )
    return (
        f"“{label}” does not pass: nothing is sent under this candidate’s name; a record may go "
        "to Lever under the pseudonym."
    )


def _leaving(assignment: Assignment, now: datetime) -> str:
    outcome = access.outcome_of(assignment.interview)
    hold = assignment.interview.organisation.hold_minutes
    if outcome is None and not hold:
        return "The outcome leaves at once. Your scorecard cannot be amended after that."
    leaves_at = timezone.localtime(outcome.leaves_at if outcome else now + timedelta(minutes=hold))
    day = "" if leaves_at.date() == timezone.localtime(now).date() else f"{leaves_at:%A} "
    return f"The outcome leaves {day}at {leaves_at:%H:%M}; amendable until then."
