"""Doorbells of this room: a job says only where to look."""

from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from nomdecode.lever import export, webhooks

# --- deliveries


@app.task
def apply_deliveries(connection_id: int) -> None:
    webhooks.apply(connection_id)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.sweep_deliveries")
def sweep_deliveries(timestamp: int) -> None:
    webhooks.sweep(timezone.now())


# --- exports


@app.task
def export_interview(interview_id: str) -> None:
    export.run(UUID(interview_id))


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.sweep_exports")
def sweep_exports(timestamp: int) -> None:
    export.sweep()
