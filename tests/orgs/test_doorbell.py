"""What becomes of a job: a dead worker's is done by another one, and none lies about for ever."""

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job, Status

from nomdecode.lever import tasks as lever_tasks
from nomdecode.orgs import doorbell, tasks

pytestmark = pytest.mark.django_db(transaction=True)

jobs = app.job_manager
BEATS = "UPDATE procrastinate_workers SET last_heartbeat = now() - %s * interval '1 second'"
ENDED = "UPDATE procrastinate_events SET at = at - %s * interval '1 hour'"


@pytest.fixture(autouse=True)
def _an_empty_queue() -> None:
    """Tests that commit leave their rings behind: Django does not flush this queue."""
    in_database("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


def in_database(statement: str, *values: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def taken() -> Job:
    """A worker has begun with the one job that was rung for."""
    doorbell.ring(tasks.send_invitations)
    worker = async_to_sync(jobs.register_worker)()
    job = async_to_sync(jobs.fetch_job)(None, worker)
    assert job is not None
    return job


def states() -> list[str]:
    return list(ProcrastinateJob.objects.order_by("id").values_list("status", flat=True))


def work() -> None:
    """A worker does whatever waits."""
    assert isinstance(app.connector, DjangoConnector)
    with app.replace_connector(app.connector.get_worker_connector()) as running:
        running.run_worker(wait=False, delete_jobs="successful")


def test_what_a_person_waits_for_does_not_wait_behind_a_back_log_of_exports() -> None:
    doorbell.ring(lever_tasks.export_interview, interview_id="one-of-many")
    doorbell.ring(lever_tasks.ask_lever, connection_id=1)
    worker = async_to_sync(jobs.register_worker)()
    first = async_to_sync(jobs.fetch_job)(None, worker)
    assert first is not None and first.task_name == lever_tasks.ask_lever.name


def test_a_job_whose_worker_was_killed_is_done_by_another_one() -> None:
    job = taken()
    in_database(BEATS, 31)  # seconds since the worker last said that it lives
    doorbell.ring(tasks.ring_again, timestamp=0)
    work()
    assert not ProcrastinateJob.objects.filter(pk=job.id).exists()


def test_a_job_whose_worker_is_gone_altogether_is_taken_by_another_one() -> None:
    taken()
    in_database(BEATS, 31)
    async_to_sync(jobs.prune_stalled_workers)(30)  # as every worker does when it begins
    async_to_sync(doorbell.ring_again)(jobs)
    assert states() == ["todo"]


def test_a_job_of_a_worker_that_lives_is_left_to_it() -> None:
    taken()
    in_database(BEATS, 20)
    async_to_sync(doorbell.ring_again)(jobs)
    assert states() == ["doing"]


def test_where_one_waits_already_the_dead_workers_is_dropped() -> None:
    job = taken()
    doorbell.ring(tasks.send_invitations)
    in_database(BEATS, 31)
    async_to_sync(doorbell.ring_again)(jobs)
    assert states() == ["todo"]
    assert not ProcrastinateJob.objects.filter(pk=job.id).exists()


@pytest.mark.parametrize(("hours", "left"), [(23, ["failed"]), (25, [])])
def test_a_job_that_failed_is_kept_for_a_day(hours: int, left: list[str]) -> None:
    async_to_sync(jobs.finish_job)(taken(), Status.FAILED, delete_job=False)
    in_database(ENDED, hours)
    async_to_sync(doorbell.clear)(jobs)
    assert states() == left


def test_a_job_that_waits_is_kept_however_long() -> None:
    doorbell.ring(tasks.send_invitations)
    in_database(ENDED, 24 * 365)
    async_to_sync(doorbell.clear)(jobs)
    assert states() == ["todo"]


@pytest.mark.parametrize("task", ["orgs.ring_again", "orgs.clear_jobs"])
def test_both_are_done_by_themselves(task: str) -> None:
    assert task in {each.task.name for each in app.periodic_registry.periodic_tasks.values()}
