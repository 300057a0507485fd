"""What else happens while a call is under way, or while nobody knows what became of it."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event, Thread, current_thread
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.db import Error, OperationalError, transaction
from django.db import connection as database
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.candidates import consent, erasure
from nomdecode.candidates.models import PassChoice
from nomdecode.demo import clock
from nomdecode.interviews import locking
from nomdecode.lever import allowance, calls, client, errands, export, plan, protocol, remedies
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Attempt, Connection, Duplicate, Export, Mark
from nomdecode.lever.things import Note
from nomdecode.lever.things import Opportunity as Made
from nomdecode.orgs.models import Role
from nomdecode.pipeline.models import Opportunity
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


def ready(connection: Connection, decision: str = "yes") -> Export:
    """Its outcome stands; nothing was sent yet."""
    of = connection.organisation
    person = factories.identity(emails=(f"{uuid4().hex}@analytical.example",))
    who = factories.candidate(of, person, PassChoice.NAME_ME)
    decider = of.members.filter(role=Role.INTERVIEWER).first() or factories.member(
        of, Role.INTERVIEWER, email="iris@acme.example"
    )
    interview = factories.held_interview(factories.position(of), [decider], who=who)
    factories.submitted(interview.assignments.get(), decision)
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
    found = lever.every("/opportunities", source="Nom de Code")
    return [each for each in found if any(str(row.interview_id) in url for url in each["links"])]


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


# --- what is decided between the claim and the call


def _skip(row: Export) -> None:
    remedies.skip(row, "elsewhere", None)


CHANGES: dict[str, Callable[[Export], None]] = {
    "withdrawn": lambda row: erasure.withdraw(row.interview.candidate),
    "erased": lambda row: erasure.erase(row.interview.candidate),
    "no more agreed": lambda row: consent.answer(row.interview.candidate, False, timezone.now()),
    "skipped": _skip,
    "switched off": lambda row: _set(row, enabled=False),
    "recovering": lambda row: _set(row, recovering_since=timezone.now()),
    "of another account": lambda row: _set(row, account=2),
}


def _set(row: Export, **fields: Any) -> None:
    Connection.objects.filter(organisation=row.organisation_id).update(**fields)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_decided_while_a_call_waits_for_its_turn_keeps_it_here(
    connection: Connection,
    lever: Running,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Export], None],
) -> None:
    row = ready(connection)
    work, owner = claimed(row)
    monkeypatch.setattr(allowance, "wait", lambda *_, **__: change(row))
    calls.make(work, owner)
    monkeypatch.undo()
    assert run(row).state in ("ended", "waiting")
    assert profiles(row, lever) == []
    assert not row.steps.exclude(calling_since=None).exists()


def test_skipped_while_lever_refuses_it_it_is_no_problem(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ready(connection)
    work, owner = claimed(row)

    def refuse(*_: object) -> None:
        _skip(row)
        raise client.Refused(400, "BadRequestError", "no such thing")

    monkeypatch.setattr(client.Lever, "create_opportunity", refuse)
    calls.make(work, owner)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("ended", "skipped")


def test_turned_to_the_pseudonym_while_lever_is_asked_it_adopts_no_named_profile(
    connection: Connection, lever: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(row := ready(connection), export_unsuccessful=True)
    named = exported_elsewhere(connection)

    def turned(*_: object) -> list[Note]:
        Export.objects.filter(pk=row.pk).update(kind="pseudonymous")
        return []

    monkeypatch.setattr(client.Lever, "notes", turned)
    errand = errands.run(errands.ask_adopt(row, named, None))
    assert (errand.succeeded, row.steps.count()) == (False, 0)


def exported_elsewhere(connection: Connection) -> str:
    """A profile with a name that no interview here has."""
    user = plan.fallback_user(connection)["id"]
    with connections.lever(connection) as asked:
        return asked.create_opportunity({"name": "Ada Lovelace"}, None, user).opportunity.id


def test_what_a_call_took_is_told_without_the_wait_for_its_turn(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited, clock = [0.0], time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + sum(waited))
    monkeypatch.setattr(allowance, "wait", lambda *_, **__: waited.append(3600.0))
    assert run(ready(connection)).state == "exported"
    assert len(waited) > 2
    assert all(each.milliseconds < 3_600_000 for each in Attempt.objects.all())


# --- what comes late, or odd


def made(row: Export, **fields: Any) -> calls.Thing:
    told = {"id": "late-one", "links": [], "createdAt": 1_793_620_800_000, **fields}
    return calls.Thing("late-one", Made.of(told))


def test_a_profile_that_comes_when_it_was_planned_anew_is_kept(connection: Connection) -> None:
    row = ready(connection)
    work, _ = claimed(row)
    plan.drop(Export.objects.get(pk=row.pk))
    assert calls.keep(work, made(row), "made", 1) is True
    assert row.steps.get(name="profile").remote_id == "late-one"
    assert not Duplicate.objects.exists()


def test_an_answer_that_comes_when_its_steps_are_gone_finishes_nothing(
    connection: Connection,
) -> None:
    row = ready(connection)
    work, _ = claimed(row)
    row.steps.all().delete()  # it is planned anew for another account
    assert calls.keep(work, made(row), "made", 1) is False
    row.refresh_from_db()
    assert row.state != "exported"
    assert Duplicate.objects.get().external_id == "late-one"


@pytest.mark.parametrize("at", [1_793_620_800_000_000_000, -1, float("nan"), float("inf")])
def test_an_id_is_kept_however_odd_the_rest_of_the_answer_is(
    connection: Connection, at: float
) -> None:
    row = ready(connection)
    work, _ = claimed(row)
    odd = made(row, createdAt=at, urls={"show": "https://lever.example/" + "x" * 900})
    assert calls.keep(work, odd, "made", 1)
    assert Opportunity.objects.get(interview=row.interview_id).external_id == "late-one"


@pytest.mark.parametrize("id", ["", "x" * 81, "nul\0"])
def test_what_is_listed_without_an_id_is_no_match_but_no_answer(id: str) -> None:
    with pytest.raises(client.Ambiguous):
        client._items({"data": [{"id": id, "value": "Nom de Code reference"}]})


def test_lever_cannot_ask_for_a_pause_without_end() -> None:
    assert protocol.back_off(1, random.Random(1), 1e30) <= protocol.GIVE_UP


def test_a_late_doorbell_does_not_revive_what_stays_here(
    connection: Connection, lever: Running
) -> None:
    row = ready(connection, "no")
    assert run(row).reason == "not_passed"
    _set(row, export_unsuccessful=True)
    assert run(row).reason == "not_passed"
    assert profiles(row, lever) == []


# --- locks


@pytest.mark.django_db(transaction=True)
def test_an_amendment_and_an_answer_of_lever_do_not_wait_for_each_other(
    connection: Connection,
) -> None:
    row = ready(connection)
    work, _ = claimed(row)
    kept: list[bool] = []

    def keep() -> None:
        try:
            kept.append(calls.keep(work, made(row), "made", 1))
        finally:
            database.close()

    with transaction.atomic():
        locking.locked(row.interview)
        worker = Thread(target=keep)
        worker.start()
        while not _somebody_waits():
            pass
        assert Export.objects.select_for_update().filter(pk=row.pk).exists()
    worker.join(30)
    assert kept == [True]


def test_what_bears_the_mark_as_well_is_written_with_what_is_kept_or_neither_is(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ready(connection)
    work, _ = claimed(row)
    dies = mock.Mock(side_effect=ZeroDivisionError)
    monkeypatch.setattr(Duplicate.objects, "bulk_create", dies)
    with pytest.raises(ZeroDivisionError):
        calls.keep(work, made(row), "found", 1, [calls.Thing("another-one")])
    assert row.steps.get(name="profile").remote_id == ""


@pytest.mark.django_db(transaction=True)
def test_what_lever_tells_is_stored_while_a_setting_is_saved(connection: Connection) -> None:
    stored: list[Mark] = []

    def store() -> None:
        try:
            mark = Mark(connection=connection, opportunity_id="o1", marked_at=timezone.now())
            mark.save()
            stored.append(mark)
        finally:
            database.close()

    with transaction.atomic():
        connections.held(connection)
        receiver = Thread(target=store)
        receiver.start()
        receiver.join(10)
        assert len(stored) == 1
    receiver.join()


@pytest.mark.django_db(transaction=True)
def test_a_setting_is_saved_before_claims_that_come_after_it(connection: Connection) -> None:
    """Else claims that follow one another closely would keep it out for ever."""
    interview, order = ready(connection).interview_id, list[str]()

    def then(name: str, lock: Callable[[], object]) -> Thread:
        def take() -> None:
            try:
                with transaction.atomic():
                    lock()
                    order.append(name)
            finally:
                database.close()

        thread = Thread(target=take)
        thread.start()
        return thread

    with transaction.atomic():
        connections.shared(interview)
        saved = then("saved", lambda: connections.held(connection))
        waiting(1)
        claimed_after = then("claimed", lambda: connections.shared(interview))
        waiting(2)
    saved.join()
    claimed_after.join()
    assert order == ["saved", "claimed"]


def waiting(number: int) -> None:
    """Returns when so many transactions wait for an advisory lock."""
    for _ in range(1000):
        with database.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0] >= number:
                return
        time.sleep(0.01)
    raise AssertionError("Nobody waits.")


WAITING = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
"""


@pytest.mark.django_db(transaction=True)
def test_a_rephrased_scorecard_and_a_wish_to_have_it_rephrased_do_not_wait_for_each_other(
    connection: Connection,
) -> None:
    row, answers = ready(connection), list[int]()
    Export.objects.update(state="stopped", reason="identity")
    recruiter = Client(raise_request_exception=False)
    recruiter.force_login(row.interview.recruiter.user)

    def ask() -> None:
        try:
            url = reverse("lever:rephrase", args=[row.interview_id])
            answers.append(recruiter.post(url).status_code)
        finally:
            database.close()

    with transaction.atomic():
        locking.locked(row.interview)
        row.interview.assignments.update(rephrase_asked_at=None)  # it is sent just now
        staff = Thread(target=ask)
        staff.start()
        while not _somebody_waits():
            pass
        assert Export.objects.select_for_update().filter(pk=row.pk).exists()
    staff.join(30)
    assert answers == [302]


def _somebody_waits() -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


# --- a worker that sleeps, or loses its database


@pytest.mark.django_db(transaction=True)
def test_a_worker_asleep_within_its_claim_holds_nobody_up_and_sends_nothing_when_it_wakes(
    connection: Connection, lever: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, fix = ready(connection), plan.fix
    asleep, wake, ended = Event(), Event(), list[BaseException]()

    def fix_or_sleep(*args: Any) -> Any:
        if current_thread() is sleeper:
            _execute("SET idle_in_transaction_session_timeout = '50ms'")  # else 30 seconds
            asleep.set()
            wake.wait(60)
        return fix(*args)

    def claim_and_sleep() -> None:
        try:
            export.run(row.interview_id)
        except Error as error:
            ended.append(error)
        finally:
            database.close()

    monkeypatch.setattr(plan, "fix", fix_or_sleep)
    sleeper = Thread(target=claim_and_sleep)
    sleeper.start()
    asleep.wait(60)
    assert run(row).state == "exported"
    wake.set()
    sleeper.join(60)
    assert "idle-in-transaction" in str(ended[0])
    assert len(profiles(row, lever)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_loses_its_database_after_the_claim_sends_nothing(
    connection: Connection, lever: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ready(connection)
    work, owner = claimed(row)
    monkeypatch.setattr(allowance, "wait", lambda *_, **__: _lose_the_database())
    with pytest.raises(OperationalError):
        calls.make(work, owner)
    database.close()
    monkeypatch.undo()
    assert profiles(row, lever) == []
    run(row, HOUR)
    assert run(row, 2 * HOUR).state == "exported"
    assert len(profiles(row, lever)) == 1


def _lose_the_database() -> None:
    with pytest.raises(OperationalError):
        _execute("SELECT pg_terminate_backend(pg_backend_pid())")


def _execute(statement: str) -> None:
    with database.cursor() as cursor:
        cursor.execute(statement)
