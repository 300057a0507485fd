"""Ringing for a worker: a job says only "look at your rows", and one waiting is enough."""

from datetime import datetime
from typing import Any

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.tasks import Task

KEPT_HOURS = 24  # a job that failed; one that succeeded is deleted at once


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


async def ring_again(jobs: JobManager) -> None:
    """Jobs of workers that died: nobody else would ever take them out of "doing".

    A worker that was only asleep may do its job once more: it looks at the rows, and finds it done.
    """
    for job in await jobs.get_stalled_jobs():
        try:
            await jobs.retry_job(job)
        except UniqueViolation:  # one that waits says the same
            await jobs.finish_job(job, Status.FAILED, delete_job=True)
        except ConnectorException:  # its worker was asleep, and has done it by now
            continue


async def clear(jobs: JobManager) -> None:
    await jobs.delete_old_jobs(
        KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
