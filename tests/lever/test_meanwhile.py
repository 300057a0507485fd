"""What else happens while a call is under way, or while nobody knows what became of it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.candidates.models import PassChoice
from nomdecode.demo import clock
from nomdecode.interviews import scorecards
from nomdecode.lever import export
from nomdecode.lever.models import Connection, Export
from nomdecode.orgs.models import Member, Role
from sandbox import Running

pytestmark = pytest.mark.django_db

CREATE, LIST = "POST /v1/opportunities", "GET /v1/opportunities"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _this_morning() -> Iterator[None]:
    """So that "later" is not the future, which Lever refuses."""
    with clock.at(timezone.now() - 6 * HOUR):
        yield


@pytest.fixture
def connection(lever: Running) -> Connection:
    return factories.connect(factories.organisation(), lever)


@pytest.fixture
def admin(connection: Connection) -> Member:
    return connection.organisation.members.filter(role=Role.ADMIN).get()


def ready(connection: Connection, evidence: str = "", choice: str = PassChoice.NAME_ME) -> Export:
    """Its outcome stands; nothing was sent yet."""
    of = connection.organisation
    person = factories.identity(emails=(f"{uuid4().hex}@analytical.example",))
    who = factories.candidate(of, person, choice)
    decider = of.members.filter(role=Role.INTERVIEWER).first() or factories.member(
        of, Role.INTERVIEWER, email="iris@acme.example"
    )
    interview = factories.held_interview(factories.position(of), [decider], who=who)
    factories.submitted(interview.assignments.get(), "yes")
    return Export.objects.get(interview=interview)


def claimed(row: Export) -> tuple[export.Work, Any]:
    work = export.claim(row.interview_id, owner := uuid4())
    assert work is not None
    return work, owner


def run(row: Export, later: timedelta = timedelta(0)) -> Export:
    with clock.at(timezone.now() + later):
        export.run(row.interview_id)
    return Export.objects.get(pk=row.pk)


def in_doubt(connection: Connection, lever: Running) -> Export:
    """Lever has the profile; its answer was lost."""
    row = ready(connection)
    lever.fault({"match": CREATE, "kind": "lose_answer"})
    assert run(row).state == "going"
    return row


def profiles(row: Export, lever: Running) -> list[dict[str, Any]]:
    found = lever.get("/opportunities", limit=100, source="Nom de Code")
    return [each for each in found if any(str(row.interview_id) in url for url in each["links"])]


def amended(row: Export, decision: str) -> None:
    assignment = row.interview.assignments.get()
    content = assignment.scorecard.content | {"decision": decision}
    scorecards.submit(assignment, content, timezone.now(), amends=1)


def refusal(status: int, message: str, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": status, "message": message, **more}


# --- a look that Lever refuses


def test_with_a_refused_key_nobody_looks_until_there_is_a_good_one(
    connection: Connection, lever: Running
) -> None:
    row = in_doubt(connection, lever)
    lever.fault({"match": LIST} | refusal(401, "Unauthorized", times=2))
    assert run(row, HOUR).reason == "key"
    asked = len(lever.log())
    ProcrastinateJob.objects.all().delete()
    assert run(row, HOUR).reason == "key"
    assert len(lever.log()) == asked
    assert not ProcrastinateJob.objects.filter(task_name__endswith="export_interview").exists()


@pytest.mark.parametrize(
    ("status", "message"), [(400, "created_at_start is not valid"), (403, "Forbidden")]
)
def test_a_refused_look_changes_no_plan_and_is_shown_to_a_person(
    connection: Connection, lever: Running, status: int, message: str
) -> None:
    row = in_doubt(connection, lever)
    before = Export.objects.get(pk=row.pk).plan
    lever.fault({"match": LIST} | refusal(status, message))
    found = run(row, HOUR)
    assert (found.state, found.plan) == ("stopped", before)
    export.retry(found)
    assert run(row, HOUR).state == "exported"
    assert len(profiles(row, lever)) == 1
