"""After a saved setting a worker looks at what waits: once, at what the setting changes alone."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.candidates.models import PassChoice
from nomdecode.interviews.models import Interview
from nomdecode.lever import look_again
from nomdecode.lever.models import Connection, Export
from sandbox import Running

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(lever: Running) -> Connection:
    return factories.connect(factories.organisation(), lever)


def passed(connection: Connection) -> Interview:
    of = connection.organisation
    who = factories.candidate(of, factories.identity(), PassChoice.NAME_ME)
    interview = factories.held_interview(factories.position(of), who=who)
    factories.submitted(interview.assignments.get())
    return interview


def switched(connection: Connection, enabled: bool) -> None:
    Connection.objects.filter(pk=connection.pk).update(enabled=enabled, changed_at=timezone.now())


def state(interview: Interview) -> tuple[str, str]:
    row = Export.objects.get(interview=interview)
    return row.state, row.reason


def queries(connection: Connection) -> int:
    with CaptureQueriesContext(database) as asked:
        look_again.after_change(connection.pk)
    return len(asked)


def test_what_may_leave_already_is_not_touched_however_long_the_back_log(
    connection: Connection,
) -> None:
    passed(connection)
    one = queries(connection)
    for _ in range(4):
        passed(connection)
    assert queries(connection) == one


def test_what_the_setting_lets_go_is_rung_for(connection: Connection) -> None:
    switched(connection, False)
    interview = passed(connection)
    assert state(interview) == ("waiting", "off")
    switched(connection, True)
    ProcrastinateJob.objects.all().delete()
    look_again.after_change(connection.pk)
    assert state(interview) == ("waiting", "")
    rung = ProcrastinateJob.objects.filter(task_name__endswith="export_interview")
    assert [job.args for job in rung] == [{"interview_id": str(interview.pk)}]


def test_back_logs_of_two_organisations_take_turns_and_what_comes_singly_goes_first(
    connection: Connection, lever: Running
) -> None:
    other = factories.connect(factories.organisation(), lever)
    switched(connection, False)
    switched(other, False)
    long, short = [passed(connection) for _ in range(4)], [passed(other) for _ in range(2)]
    ProcrastinateJob.objects.all().delete()
    switched(connection, True)
    look_again.after_change(connection.pk)
    first, second, third, fourth = long
    assert begun() == first.pk  # when the other's comes, the first of the long one is under way
    switched(other, True)
    look_again.after_change(other.pk)
    single = passed(other)
    order = [single.pk, second.pk, short[0].pk, third.pk, short[1].pk, fourth.pk]
    assert [begun() for _ in order] == order


def begun() -> UUID:
    """What a worker takes next."""
    jobs = ProcrastinateJob.objects.filter(task_name__endswith="export_interview")
    job = jobs.order_by("-priority", "id")[0]
    ProcrastinateJob.objects.filter(pk=job.pk).delete()
    return UUID(job.args["interview_id"])


def test_while_another_worker_is_at_it_it_is_left_to_them(connection: Connection) -> None:
    interview = passed(connection)
    switched(connection, False)
    with factories.busy_elsewhere(f"lever.look_again {connection.pk}"):
        look_again.after_change(connection.pk)
    assert state(interview) == ("waiting", "")
    look_again.after_change(connection.pk)
    assert state(interview) == ("waiting", "off")


def test_saved_once_more_meanwhile_all_of_them_look_once_more(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    interview, saves = passed(connection), iter([True])
    switched(connection, False)
    verdict = look_again.eligibility.verdict

    def saved_meanwhile(*args: object) -> object:
        told = verdict(*args)  # type: ignore[arg-type]
        if next(saves, False):
            later = timezone.now() + timedelta(seconds=1)
            Connection.objects.filter(pk=connection.pk).update(enabled=True, changed_at=later)
        return told

    monkeypatch.setattr(look_again.eligibility, "verdict", saved_meanwhile)
    look_again.after_change(connection.pk)
    assert state(interview) == ("waiting", "")
    assert not Connection.objects.exclude(changed_at=None).exists()
