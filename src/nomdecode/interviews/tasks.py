"""Doorbells of this room: a job says only where to look."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from nomdecode.interviews import outcome
from nomdecode.interviews.models import Assignment

REMINDER = """Hello {name},

a scorecard of yours is due. The outcome of the interview waits for it:

{url}

Your draft, if you began one, is still there.
"""


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="interviews.ask_after_hold")
def ask_after_hold(timestamp: int) -> None:
    outcome.ask_after_hold(timezone.now())


@app.task(retry=RetryStrategy(max_attempts=5, exponential_wait=5))
def send_reminder(assignment_id: int) -> None:
    """Mails an interviewer that their scorecard is due, unless it has come in meanwhile."""
    assignments = Assignment.objects.select_related("member__user")
    assignment = assignments.filter(pk=assignment_id, excused_at=None).first()
    if assignment is None or assignment.scorecard:
        return
    url = settings.URL + reverse("interviews:scorecard", args=[assignment.interview_id])
    EmailMessage(
        "A scorecard is due",
        REMINDER.format(name=assignment.member.user.get_short_name(), url=url),
        to=[assignment.member.email],
        headers={"Auto-Submitted": "auto-generated"},
    ).send()
