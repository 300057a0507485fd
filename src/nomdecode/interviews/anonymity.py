"""Did it stay anonymous? After an interview each side is asked; the interviewer in the scorecard.

This is the candidate's answer. Nobody is shown a single one: see the statistics.
"""

from django.utils import timezone

from nomdecode.candidates.models import Candidate
from nomdecode.interviews.models import Interview, State


def may_answer(interview: Interview) -> bool:
    return interview.state == State.HELD


def answer(candidate: Candidate, asked: bool) -> bool:
    """Whether they were asked anything that could tell who they are; False if not held (yet)."""
    held = Interview.objects.filter(candidate=candidate, state=State.HELD)
    return held.update(asked_who=asked, asked_who_at=timezone.now()) > 0
