"""Doorbells for the worker: a job says only "look at your rows"."""

from procrastinate.contrib.django import app

from nomdecode.candidates import consent, letters
from nomdecode.orgs.doorbell import ring


@app.task
def send_letters() -> None:
    letters.send_due()


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="candidates ring_for_letters")
def ring_for_letters(timestamp: int) -> None:
    """A letter whose job was lost, or whose next try has come."""
    if letters.any_due():
        ring(send_letters)


@app.periodic(cron="7 * * * *")
@app.task(queueing_lock="candidates consent_due")
def consent_due(timestamp: int) -> None:
    consent.due()
