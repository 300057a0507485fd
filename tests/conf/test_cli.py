"""The command line as a script meets it: what it prints, and how it ends."""

import getpass
import io
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

import factories
import served
from nomdecode import cli
from nomdecode.candidates import vault
from nomdecode.candidates.models import PassChoice
from nomdecode.conf import processes, serve
from nomdecode.demo import clock
from nomdecode.interviews.models import Interview
from nomdecode.lever import commands, export, protocol, remedies
from nomdecode.lever.models import Connection, Export
from nomdecode.orgs import locks
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db
ACCOUNT = "borealis"  # few other tests leave profiles there
DONE, FAILED, USAGE, A_PERSON = 0, 1, 2, 3
ADA = vault.Identity(
    name="Zephyrine Quillfeather",
    emails=("zephyrine@quillfeather.example",),
    phones=("+44 20 7946 0911",),
    place="Ankh",
    headline="Clacks tower operator",
    links=("https://code.example/qq17",),
)
PIECES = ("zephyrine", "quillfeather", "7946", "ankh", "clacks", "qq17")

type Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs `nomdecode …`: the exit code, standard output, standard error."""
    for preparation in ("connect", "prepare"):  # the tests' database is there
        monkeypatch.setattr(serve, preparation, lambda: None)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nomdecode", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(str(ended.value.code)), printed.out, printed.err

    return run


@pytest.fixture(autouse=True)
def _this_morning(settings: Any) -> Iterator[None]:
    """So that "later" is not the future, which Lever refuses. An installation of its own."""
    settings.URL = f"http://{uuid4().hex}.example"
    with clock.at(timezone.now() - timedelta(hours=6)):
        yield


@pytest.fixture
def connection(lever: Running) -> Connection:
    return factories.connect(factories.organisation(), lever, ACCOUNT)


def passed(connection: Connection, person: vault.Identity | None = None) -> Interview:
    of = connection.organisation
    person = person or factories.identity(emails=(f"{uuid4().hex}@engines.example",))
    who = factories.candidate(of, person, PassChoice.NAME_ME)
    interview = factories.held_interview(factories.position(of), who=who)
    factories.submitted(interview.assignments.get())
    return interview


def exported(connection: Connection, person: vault.Identity | None = None) -> Interview:
    interview = passed(connection, person)
    export.run(interview.pk)
    return interview


def stopped(connection: Connection) -> Interview:
    interview = passed(connection)
    export.stop(Export.objects.get(interview=interview), "gave_up")
    return interview


# --- starting


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the programs that would run; a production installation with a mail server."""
    names: list[str] = []
    monkeypatch.setattr(processes, "supervise", lambda all_: names.extend(p.name for p in all_))
    monkeypatch.setattr(serve, "work", lambda: names.append("this worker"))
    monkeypatch.setenv("EMAIL_URL", "submission://post:geheim@mail.example:587")
    monkeypatch.setenv("NOMDECODE_FROM", "Acme interviews <interviews@acme.example>")
    monkeypatch.setenv("NOMDECODE_URL", "https://interviews.acme.example")
    monkeypatch.delenv("NOMDECODE_DEMO", raising=False)
    return names


def test_serve_says_where_it_is_to_be_opened(say: Say, started: list[str], settings: Any) -> None:
    settings.URL = "https://interviews.acme.example"
    port = str(served.free_port())
    code, out, error = say("serve", "--port", port)
    assert (code, error, started) == (DONE, "", ["web", "worker 1"])
    assert "https://interviews.acme.example" in out
    assert f"127.0.0.1:{port}" in out


def test_serve_says_what_is_missing_and_starts(
    say: Say, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOMDECODE_URL", "http://interviews.acme.example")
    code, _, error = say("serve", "--port", served.free_port())
    assert (code, started) == (DONE, ["web", "worker 1"])
    assert error.startswith("1. NOMDECODE_URL is not https")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_without_a_mail_server_nothing_starts_since_letters_would_be_lost(
    say: Say, started: list[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("EMAIL_URL")
    code, _, error = say(command)
    assert (code, started) == (FAILED, [])
    assert "EMAIL_URL is not set" in error


def test_the_demo_needs_no_mail_server(
    say: Say, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMAIL_URL")
    monkeypatch.setenv("NOMDECODE_DEMO", "1")
    assert say("worker")[0] == DONE
    assert started == ["this worker"]


def test_check_asks_for_a_sender(
    say: Say, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert say("check") == (DONE, "Nothing is missing.\n", "")
    monkeypatch.delenv("NOMDECODE_FROM")
    code, out, _ = say("check")
    assert code == FAILED
    assert out.startswith("1. NOMDECODE_FROM is not set")


def test_a_port_in_use_is_not_shared(say: Say, started: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, error = say("serve", "--port", port)
    assert (code, out, started) == (FAILED, "", [])
    assert error.startswith(f"Cannot listen on 127.0.0.1:{port}: Address already in use")


@pytest.mark.parametrize("words", ["--port 99999", "--port 0", "--workers 0", "--workers -1"])
def test_a_number_that_cannot_be_meant_is_not_understood(
    say: Say, started: list[str], words: str
) -> None:
    assert say("serve", *words.split())[0] == USAGE
    assert started == []


# --- the first admin


def test_the_new_admin_is_named_with_the_organisation(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOMDECODE_ADMIN_PASSWORD", "copper-heron-41")
    factories.organisation("Acme")
    admin = ("--email", "ada@acme.example", "--name", "Ada", "--organisation")
    assert "an admin of Acme." in say("createadmin", *admin, "acme ")[1]
    code, _, error = say("createadmin", "--email", "Ada", *admin[2:], "")
    assert (code, error) == (FAILED, "Organisation: This field cannot be blank.\n")


def test_a_typed_password_is_asked_for_twice(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOMDECODE_ADMIN_PASSWORD", raising=False)
    monkeypatch.setattr(sys, "stdin", Terminal())
    typed = ["copper-heron-41", "copper-heron-14"]
    monkeypatch.setattr(getpass, "getpass", lambda _: typed.pop(0))
    admin = ("--email", "ada@acme.example", "--name", "Ada", "--organisation", "Acme")
    code, _, error = say("createadmin", *admin)
    assert (code, typed) == (FAILED, [])
    assert error.startswith("These were two different passwords.")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


# --- which one


def test_nothing_is_done_where_the_organisation_is_not_clear(say: Say) -> None:
    factories.organisation("Acme")
    factories.organisation("Borealis")
    code, _, error = say("exports", "list")
    assert code == USAGE
    assert "--organisation" in error
    assert say("exports", "list", "--organisation", "Acme")[0] == DONE


def test_an_organisation_is_known_by_its_id_too(say: Say) -> None:
    wanted = factories.organisation()
    factories.organisation()
    assert say("exports", "list", "--organisation", wanted.pk)[0] == DONE


def test_an_unknown_organisation_is_refused(say: Say) -> None:
    code, _, error = say("problems", "--organisation", "Nobody")
    assert (code, error) == (USAGE, "There is no organisation Nobody.\n")


def test_an_interview_without_an_export_is_refused(say: Say) -> None:
    interview = factories.held_interview()
    code, _, error = say("exports", "show", interview.pk)
    assert code == FAILED and "no outcome yet" in error


def test_an_interview_that_is_not_there_is_refused(say: Say) -> None:
    assert say("exports", "show", uuid4()) == (FAILED, "", "There is no such interview.\n")


def test_a_link_of_another_host_is_no_interviews(say: Say, settings: Any) -> None:
    page = f"/interviews/{factories.held_interview().pk}/"
    assert say("exports", "show", f"https://elsewhere.example{page}")[0] == USAGE
    assert say("exports", "show", settings.URL + page)[0] == FAILED  # it has no outcome


@pytest.mark.parametrize(
    "words",
    [
        "exports show never-an-id",
        "exports list --since soon",
        "exports list --limit 0",
        "exports list --limit -3",
        "exports list --limit many",
        "exports retry",
        "recover",
    ],
)
def test_what_is_not_understood_ends_with_2(say: Say, words: str) -> None:
    assert say(*words.split())[0] == USAGE


# --- a database that is away


@pytest.mark.parametrize(
    ("url", "where"), [("postgres://away", "nomdecode check"), (None, "/postgres/log")]
)
def test_it_names_what_says_why_the_database_does_not_answer(
    say: Say, monkeypatch: pytest.MonkeyPatch, url: str | None, where: str
) -> None:
    # `check` asks a database only where DATABASE_URL names one.
    def connect() -> None:
        os.environ["DATABASE_URL"] = "postgres://set by whoever starts the embedded one"
        raise OperationalError

    monkeypatch.setenv("DATABASE_URL", url or "")
    monkeypatch.setattr(serve, "connect", connect)
    code, out, error = say("problems")
    assert (code, out) == (FAILED, "")
    assert error.startswith("The database does not answer: ")
    assert f"{where} says why." in error


# --- exports


def test_the_list_has_every_export_newest_first(say: Say, connection: Connection) -> None:
    first = exported(connection)
    with clock.at(timezone.now() + timedelta(minutes=1)):
        second = stopped(connection)
    _, out, _ = say("exports", "list")
    _, one, other = out.splitlines()
    assert second.candidate.pseudonym in one
    assert "Needs somebody" in one
    assert str(first.pk) in other


def test_the_list_can_be_narrowed(say: Say, connection: Connection) -> None:
    exported(connection)
    interview = stopped(connection)
    _, out, _ = say("exports", "list", "--state", "stopped", "--since", "1h", "--json")
    (row,) = json.loads(out)
    assert (row["interview"], row["reason"]) == (str(interview.pk), "gave_up")
    assert say("exports", "list", "--limit", "1", "--json")[1].count('"interview"') == 1


def test_one_is_shown_with_its_steps_and_attempts(
    say: Say, connection: Connection, settings: Any
) -> None:
    interview = exported(connection)
    code, out, _ = say("exports", "show", f"{settings.URL}/interviews/{interview.pk}/")
    assert code == DONE
    assert "POST /opportunities" in out
    assert "POST /opportunities/…/notes" in out
    told = json.loads(say("exports", "show", interview.pk, "--json")[1])
    assert [step["state"] for step in told["steps"]] == ["done", "done"]


def test_no_output_tells_who_a_candidate_is(
    say: Say, connection: Connection, lever: Running
) -> None:
    interview = exported(connection, ADA)
    profile = Opportunity.objects.get(interview=interview).external_id
    lever.put(f"/opportunities/{profile}/stage", ACCOUNT, stage="applicant-new")
    export.stop(Export.objects.get(interview=interview), "identity", kinds=["name"])
    commands = ("list", f"show {interview.pk}", f"readback {interview.pk}", f"retry {interview.pk}")
    for command in commands:
        for form in ((), ("--json",)):
            printed = "".join(map(str, say("exports", *command.split(), *form))).casefold()
            assert not [piece for piece in PIECES if piece in printed], command


def test_a_stopped_export_is_retried(say: Say, connection: Connection) -> None:
    interview = stopped(connection)
    assert say("exports", "retry", interview.pk)[0] == DONE
    export.run(interview.pk)
    assert Export.objects.get(interview=interview).state == "exported"


def test_what_is_in_lever_is_not_retried(say: Say, connection: Connection) -> None:
    code, out, error = say("exports", "retry", exported(connection).pk)
    assert (code, out) == (FAILED, "")
    assert error


def test_all_that_have_stopped_since_are_retried(say: Say, connection: Connection) -> None:
    with clock.at(timezone.now() - timedelta(hours=3)):
        stopped(connection)
    stopped(connection)
    _, out, _ = say("exports", "retry", "--all-since", "2h", "--json")
    assert json.loads(out) == {"retried": 1}


@pytest.mark.parametrize("why", remedies.WHYS)
def test_skipped_it_stays_here(say: Say, connection: Connection, why: str) -> None:
    interview = stopped(connection)
    code, out, _ = say("exports", "skip", interview.pk, "--why", why)
    assert code == DONE
    assert "Stays here" in out
    row = Export.objects.get(interview=interview)
    assert (row.reason, row.skipped_why) == ("skipped", remedies.WHYS[why])


def test_a_profile_of_levers_is_adopted(say: Say, connection: Connection, lever: Running) -> None:
    interview = exported(connection)
    profile = Opportunity.objects.get(interview=interview).external_id
    Opportunity.objects.all().delete()
    row = Export.objects.get(interview=interview)
    row.steps.update(state="todo", remote_id="", calling_since=None, lease_until=None)
    export.stop(row, "gave_up")
    code, out, _ = say("exports", "adopt", interview.pk, profile, "--json")
    assert (code, json.loads(out)) == (DONE, {"adopted": profile})
    assert Opportunity.objects.get(interview=interview).external_id == profile
    assert "adopted at" in say("exports", "show", interview.pk)[1]


def test_a_profile_that_is_not_there_is_refused(say: Say, connection: Connection) -> None:
    code, _, error = say("exports", "adopt", stopped(connection).pk, uuid4())
    assert code == FAILED
    assert "no such profile" in error


def test_read_back_it_is_as_it_was_sent(say: Say, connection: Connection) -> None:
    assert say("exports", "readback", exported(connection).pk)[0] == DONE


def test_what_differs_in_lever_is_named_and_ends_with_3(
    say: Say, connection: Connection, lever: Running
) -> None:
    interview = exported(connection)
    row = Export.objects.get(interview=interview)
    assert row.plan is not None
    row.plan["origin"] = "referred"
    row.save()
    code, out, _ = say("exports", "readback", interview.pk, "--json")
    assert (code, json.loads(out)["differs"]) == (A_PERSON, ["origin"])


# --- problems


def test_reconcile_says_what_was_compared_and_mended(
    say: Say, connection: Connection, lever: Running
) -> None:
    interview = exported(connection)
    profile = interview.opportunity
    lever.put(f"/opportunities/{profile.external_id}/stage", ACCOUNT, stage="offer")
    code, out, _ = say("reconcile", "--json")
    told = {row["what"]: row for row in json.loads(out)}
    assert (code, list(told)) == (DONE, ["changes", "deleted", "open"])
    assert (told["changes"]["mended"], told["open"]["mended"]) == (1, 0)
    profile.refresh_from_db()
    assert profile.stage_id_now == "offer"
    assert "MENDED" in say("reconcile", "--since", "2h")[1]


def test_reconcile_that_lever_does_not_answer_ends_with_1(
    say: Say, connection: Connection, lever: Running
) -> None:
    lever.fault({"match": "GET /v1/opportunities", "kind": "status", "status": 503})
    code, out, _ = say("reconcile")
    assert code == FAILED and "Lever answered with an error (503)." in out
    lever.fault()
    assert say("reconcile")[0] == DONE


def test_reconcile_waits_for_a_worker_that_is_at_it(
    say: Say, connection: Connection, lever: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = exported(connection).opportunity
    lever.put(f"/opportunities/{profile.external_id}/stage", ACCOUNT, stage="offer")
    with a_worker_is_at_it(monkeypatch, ends_after=3):
        code, out, _ = say("reconcile", "--json")
    told = {row["what"]: row for row in json.loads(out)}
    assert (code, told["changes"]["mended"], told["changes"]["waits"]) == (DONE, 1, "")


def test_reconcile_does_not_wait_for_ever(
    say: Say, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "PATIENCE", timedelta(seconds=5))
    with a_worker_is_at_it(monkeypatch, ends_after=99):
        code, out, _ = say("reconcile")
    assert code == FAILED and "a worker is still at it" in out


@contextmanager
def a_worker_is_at_it(monkeypatch: pytest.MonkeyPatch, ends_after: int) -> Iterator[None]:
    """It holds the lock until whoever waits has slept so often."""
    slept: list[float] = []
    alone, now = locks.alone, time.monotonic()

    @contextmanager
    def held(name: str) -> Iterator[bool]:
        with alone(name) as free:
            yield free and len(slept) >= ends_after

    with monkeypatch.context() as patch:
        patch.setattr(locks, "alone", held)
        patch.setattr(time, "sleep", slept.append)
        patch.setattr(time, "monotonic", lambda: now + sum(slept))
        yield


def test_of_all_that_are_open_it_says_everything_not_a_date(
    say: Say, connection: Connection
) -> None:
    told = {row["what"]: row["since"] for row in json.loads(say("reconcile", "--json")[1])}
    assert told["open"] is None and told["changes"]
    out = say("reconcile")[1]
    assert "everything" in out and "1970" not in out


def test_reconcile_needs_a_key_and_a_time_that_has_been(say: Say, connection: Connection) -> None:
    assert say("reconcile", "--since", "2199-01-01")[0] == USAGE
    Connection.objects.update(api_key=None)
    assert say("reconcile") == (FAILED, "", "There is no key to Lever.\n")


def test_without_problems_it_ends_with_0(say: Say, connection: Connection) -> None:
    exported(connection)
    code, out, _ = say("problems")
    assert (code, out) == (DONE, "No problems.\n")


def test_open_problems_end_with_3(say: Say, connection: Connection) -> None:
    stopped(connection)
    code, out, _ = say("problems")
    assert code == A_PERSON
    assert "three days" in out
    (row,) = json.loads(say("problems", "--all", "--json")[1])
    assert row["kind"] == "stopped"


# --- recover


@pytest.fixture
def _nothing_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "GRACE", timedelta(0))


@pytest.mark.usefixtures("_nothing_under_way")
def test_after_a_restore_it_ends_with_0_when_all_is_told_apart(
    say: Say, connection: Connection
) -> None:
    interview = passed(connection)
    backup = transaction.savepoint_create()
    export.run(interview.pk)
    transaction.savepoint_rollback(backup)
    code, out, _ = say("recover", "--since", "1h", "--json")
    (told,) = json.loads(out)
    assert (code, told["adopted"], told["to_see"]) == (DONE, 1, [])
    shown = json.loads(say("exports", "show", interview.pk, "--json")[1])
    assert shown["exported_at"] < shown["adopted_at"]  # which explains it
    assert "adopted at" in say("exports", "show", interview.pk)[1]


@pytest.mark.usefixtures("_nothing_under_way")
def test_after_a_restore_what_a_person_must_see_ends_with_3(
    say: Say, connection: Connection
) -> None:
    backup = transaction.savepoint_create()
    interview = exported(connection)
    link = Opportunity.objects.get(interview=interview).url
    transaction.savepoint_rollback(backup)
    code, out, _ = say("recover", "--since", "1h")
    assert code == A_PERSON
    assert link in out


@pytest.mark.usefixtures("_nothing_under_way")
def test_a_comparison_that_could_not_be_finished_ends_with_1_and_holds(
    say: Say, connection: Connection, lever: Running
) -> None:
    interview = passed(connection)
    lever.fault({"match": "GET /v1/opportunities", "kind": "status", "status": 401})
    code, out, _ = say("recover", "--since", "1h")
    assert code == FAILED
    assert "run this again" in out
    export.run(interview.pk)
    assert Export.objects.get(interview=interview).reason in ("recovering", "key")


def test_a_backup_of_tomorrow_is_not_understood(say: Say, connection: Connection) -> None:
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    assert say("recover", "--since", tomorrow)[0] == USAGE


@pytest.mark.usefixtures("_nothing_under_way")
def test_a_backup_of_long_ago_is_one_of_everything(say: Say, connection: Connection) -> None:
    interview = passed(connection)
    backup = transaction.savepoint_create()
    export.run(interview.pk)
    transaction.savepoint_rollback(backup)
    code, out, _ = say("recover", "--since", "99999d", "--json")
    assert (code, json.loads(out)[0]["adopted"]) == (DONE, 1)


@pytest.mark.parametrize("organisation", [False, True])
def test_a_database_without_any_key_is_perhaps_the_wrong_one(say: Say, organisation: bool) -> None:
    if organisation:
        factories.organisation()
    code, out, error = say("recover", "--since", "1h")
    assert (code, out) == (FAILED, "") and "No organisation here has a key to Lever" in error
