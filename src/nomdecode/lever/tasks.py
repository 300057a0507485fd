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
    marks,
    problem_mail,
    problems,
    questions,
)
from nomdecode.lever import look_again as looking_again
from nomdecode.lever import reconcile as reconciling
from nomdecode.lever.errors import LeverError
from nomdecode.orgs.models import Organisation

# --- deliveries


@app.task
def apply_deliveries(connection_id: int) -> None:
    marks.drain(connection_id)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.sweep_deliveries")
def sweep_deliveries(timestamp: int) -> None:
    marks.sweep(timezone.now())
    credentials.destroy_retired(timezone.now())


@app.periodic(cron="10 2 * * *")
@app.task(queueing_lock="lever.forget_deliveries")
def forget_deliveries(timestamp: int) -> None:
    marks.forget(timezone.now())


# --- what no delivery told


@app.task(priority=-1)  # a long comparison does not stand before what was just heard
def reconcile(connection_id: int) -> None:
    reconciling.run(connection_id)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.sweep_reconciliations")
def sweep_reconciliations(timestamp: int) -> None:
    reconciling.sweep(timezone.now())


@app.periodic(cron="40 2 * * *")
@app.task(queueing_lock="lever.reconcile_all_open")
def reconcile_all_open(timestamp: int) -> None:
    reconciling.nightly()


# --- what pages want to know


@app.task
def ask_lever(connection_id: int) -> None:
    questions.answer(connection_id)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="lever.sweep_questions")
def sweep_questions(timestamp: int) -> None:
    questions.sweep()


# --- exports


@app.task(priority=-1)  # what else is rung for does not wait behind exports; see export.turn()
def export_interview(interview_id: str) -> None:
    export.run(UUID(interview_id))


@app.task
def look_again(connection_id: int) -> None:
    looking_again.after_change(connection_id)


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
