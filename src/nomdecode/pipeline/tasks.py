"""Doorbells of this room: a job says only where to look."""

from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from nomdecode.orgs.models import Organisation
from nomdecode.pipeline import journeys, times
from nomdecode.pipeline.models import KeptSignal
from nomdecode.pipeline.signal import kept


@app.task(retry=RetryStrategy(max_attempts=5, exponential_wait=5))
def follow_order(organisation_id: str) -> None:
    journeys.follow_order(UUID(organisation_id))


@app.task
def compute_times(organisation_id: str) -> None:
    times.compute_asked(Organisation.objects.get(pk=organisation_id))


@app.task
def compute_signal(signal_id: int) -> None:
    if row := KeptSignal.objects.select_related("organisation").filter(pk=signal_id).first():
        kept.compute(row)
