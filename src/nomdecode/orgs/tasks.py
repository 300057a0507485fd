"""Jobs are doorbells: each says only "look at your rows"."""

from django.utils import timezone
from procrastinate.contrib.django import app

from nomdecode.orgs import doorbell, invitations


@app.task(name="orgs.send_invitations")
def send_invitations() -> None:
    invitations.send_waiting(timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="orgs.sweep_invitations", queueing_lock="orgs.sweep_invitations")
def sweep_invitations(timestamp: int) -> None:
    """A lost job costs a minute, not a mail."""
    doorbell.ring(send_invitations)
