"""Doorbells of this room: a job says only where to look."""

from uuid import UUID

from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from nomdecode.lever import (
    credentials,
    duplicates,
    errands,
    export,
    problem_mail,
    problems,
    questions,
    webhooks,
)
from nomdecode.lever.errors import LeverError
from nomdecode.lever.models import Connection
from nomdecode.orgs.models import Organisation

# --- deliveries


@app.task
def apply_deliveries(connection_id: int) -> None:
    webhooks.apply(connection_id)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.sweep_deliveries")
def sweep_deliveries(timestamp: int) -> None:
    webhooks.sweep(timezone.now())
    credentials.destroy_retired(timezone.now())


# --- what pages want to know


@app.task
def ask_lever(connection_id: int) -> None:
    questions.answer(connection_id)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.sweep_questions")
def sweep_questions(timestamp: int) -> None:
    questions.sweep()


# --- exports


@app.task(priority=-1)  # whatever else is rung for does not wait behind a back-log of exports
def export_interview(interview_id: str) -> None:
    export.run(UUID(interview_id))


@app.task
def look_again(connection_id: int) -> None:
    connection = Connection.objects.select_related("organisation").get(pk=connection_id)
    export.connection_changed(connection)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.sweep_exports")
def sweep_exports(timestamp: int) -> None:
    export.sweep()


# --- what a person wants done or known in Lever


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.run_errands")
def run_errands(timestamp: int) -> None:
    errands.run_all()


# --- duplicates


@app.task(retry=RetryStrategy(max_attempts=6, wait=600, retry_exceptions=[LeverError]))
def find_duplicates(connection_id: int) -> None:
    duplicates.run(connection_id)


@app.periodic(cron="20 3 * * *")
@app.task(queueing_lock="lever.sweep_duplicates")
def sweep_duplicates(timestamp: int) -> None:
    duplicates.ring_for_all()


# --- problems


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.watch_problems")
def watch_problems(timestamp: int) -> None:
    problems.watch(timezone.now())


@app.task
def mail_problems(organisation_id: str) -> None:
    problem_mail.send(Organisation.objects.get(pk=organisation_id), timezone.now())
