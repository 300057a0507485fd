"""Ringing for a worker: a job says only "look at your rows", and one waiting is enough."""

from datetime import datetime
from typing import Any

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.tasks import Task


def ring(task: Task[Any, Any, Any], *, at: datetime | None = None, **ids: str | int) -> None:
    """Defers `task` in the caller's transaction, unless one with the same ids already waits.

    Only `queueing_lock`, never `lock`: a job that a dead worker left must not block the next.
    A ring for later has a lock of its own: it must not swallow one for now, or for sooner.
    """
    when = f"{at:%s}" if at else "now"
    lock = " ".join([task.name, *(str(value) for value in ids.values()), when])
    try:
        with transaction.atomic():  # a savepoint: a refused insert must not break the caller's work
            task.configure(queueing_lock=lock, schedule_at=at).defer(**ids)
    except AlreadyEnqueued:
        pass
