"""Doorbells of this room: a job says only where to look."""

from uuid import UUID

from procrastinate.contrib.django import app

from nomdecode.pipeline import journeys


@app.task
def follow_order(organisation_id: str) -> None:
    journeys.follow_order(UUID(organisation_id))
