"""Ringing for a worker: a job says only "look at your rows", and one waiting is enough."""

import json
from datetime import datetime
from typing import Any, LiteralString

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.tasks import Task

KEPT_HOURS = 24  # a job that failed; one that succeeded is deleted at once


def ring(
    task: Task[Any, Any, Any],
    *,
    at: datetime | None = None,
    priority: int | None = None,
    **ids: str | int,
) -> None:
    """Defers `task` in the caller's transaction, unless one with the same ids already waits.

    Only `queueing_lock`, never `lock`: a job that a dead worker left must not block the next.
    A ring for later has a lock of its own: it must not swallow one for now, or for sooner.
    """
    lock = _lock(task, ids, f"{at:%s}" if at else "now")
    try:
        with transaction.atomic():  # a savepoint: a refused insert must not break the caller's work
            task.configure(queueing_lock=lock, schedule_at=at, priority=priority).defer(**ids)
    except AlreadyEnqueued:
        pass


def ringing(task: Task[Any, Any, Any], **ids: str | int) -> tuple[LiteralString, list[Any]]:
    """The statement that rings for now, with its parameters, for a connection beside Django's.

    Procrastinate's own function would fail where one waits; its triggers wake the workers.
    """
    row = [task.queue, task.name, task.priority, _lock(task, ids, "now"), json.dumps(ids)]
    return _RINGING, row


_RINGING: LiteralString = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""


def _lock(task: Task[Any, Any, Any], ids: dict[str, str | int], when: str) -> str:
    return " ".join([task.name, *(str(value) for value in ids.values()), when])


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
