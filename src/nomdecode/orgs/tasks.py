"""Jobs are doorbells: each says only "look at your rows"."""

from django.utils import timezone
from procrastinate import JobContext
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


@app.periodic(cron="* * * * *")
@app.task(name="orgs.ring_again", queueing_lock="orgs.ring_again", pass_context=True)
async def ring_again(context: JobContext, timestamp: int) -> None:
    await doorbell.ring_again(context.app.job_manager)


@app.periodic(cron="7 * * * *")
@app.task(name="orgs.clear_jobs", queueing_lock="orgs.clear_jobs", pass_context=True)
async def clear_jobs(context: JobContext, timestamp: int) -> None:
    await doorbell.clear(context.app.job_manager)
