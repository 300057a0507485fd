"""What nobody meant to happen: each on real parts, with the sandbox behind a proxy that lies."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.db.models import ProtectedError
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.candidates import erasure
from nomdecode.demo import clock
from nomdecode.interviews.models import Interview
from nomdecode.lever import (
    calls,
    export,
    findings,
    look_again,
    moment,
    pick_lists,
    protocol,
    story,
)
from nomdecode.lever.models import Connection, Export, PositionPosting
from nomdecode.orgs.models import Role
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db

CREATE, NOTE = "POST /v1/opportunities", "POST /v1/opportunities/*/notes"
# Each of its kind; test_client.py has more of them.
NO_ANSWER = {"a page": b"<!doctype html><title>Sign in</title>", "no id": b'{"data": {}}'}
NO_LIST = {"a page": NO_ANSWER["a page"], "no next page": b'{"data": [], "hasNext": true}'}


# --- a Lever that lies


class Handler(BaseHTTPRequestHandler):
    server: "Liar"

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = (self.command, self.path.partition("?")[0].removeprefix("/v1"))
        self.server.heard.append(call)
        lie = self.server.lie if self.server.about(*call) else None
        content = b"" if lie is not None and not self.server.acts else self._pass_on(body)
        if lie is not None:
            self._send(200, lie)
        else:
            self._send(self.status, content)

    do_GET = do_POST = handle_any
    status = 200

    def _pass_on(self, body: bytes) -> bytes:
        kept = ("authorization", "content-type", "accept")
        headers = {name: self.headers[name] for name in kept if name in self.headers}
        url = self.server.lever.url + self.path
        answer = self.server.lever.http.request(self.command, url, content=body, headers=headers)
        self.status = answer.status_code
        return answer.content

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class Liar(ThreadingHTTPServer):
    """The sandbox, except that it answers `lie` to what `tell` names; `acts`: and does it, too."""

    def __init__(self, lever: Running) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lever = lever
        self.heard: list[tuple[str, str]] = []
        self.truth()

    def tell(self, lie: bytes, method: str, ends: str, *, acts: bool = True) -> None:
        self.lie, self._method, self._ends, self.acts = lie, method, ends, acts

    def truth(self) -> None:
        self.tell(b"", "", "")

    def about(self, method: str, path: str) -> bool:
        return method == self._method and path.endswith(self._ends)

    def count(self, method: str, ends: str) -> int:
        return sum(one == method and path.endswith(ends) for one, path in self.heard)


@pytest.fixture
def liar(lever: Running, settings: Any) -> Iterator[Liar]:
    server = Liar(lever)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    settings.LEVER_URLS = [f"http://127.0.0.1:{server.server_port}/v1"]
    yield server
    server.shutdown()
    server.server_close()


class Company:
    """An organisation that is connected to the sandbox, and whose candidates all passed."""

    def __init__(self, lever: Running) -> None:
        self.lever = lever
        self.organisation = factories.organisation()
        self.admin = factories.member(self.organisation, Role.ADMIN)
        self.interviewer = factories.member(self.organisation, Role.INTERVIEWER)
        self.position = factories.position(self.organisation)
        self.connection = factories.connect(self.organisation, lever)

    def interview(self, later: timedelta = timedelta(0)) -> Interview:
        """Passed `later` from now."""
        # Another person's address each time: Lever keeps a person's links on all their profiles.
        person = factories.identity(emails=(f"{uuid4().hex}@analytical.example",))
        who = factories.candidate(self.organisation, person, choice="name_me")
        held = factories.held_interview(self.position, [self.interviewer], who=who)
        with clock.at(timezone.now() + later):
            factories.submitted(held.assignments.get())
        return held

    def settings(self, **fields: Any) -> None:
        Connection.objects.filter(pk=self.connection.pk).update(**fields)
        self.connection.refresh_from_db()
        look_again.after_change(self.connection.pk)

    def run(self, interview: Interview, later: timedelta = timedelta(0)) -> Export:
        with clock.at(timezone.now() + later):
            export.run(interview.pk)
        return Export.objects.get(interview=interview)

    def take_a_step(self, interview: Interview) -> None:
        work = export.claim(interview.pk, owner := uuid4())
        assert work is not None and calls.make(work, owner)

    def profiles(self, interview: Interview) -> list[dict[str, Any]]:
        found = self.lever.every("/opportunities", source="Nom de Code")
        return [each for each in found if any(str(interview.pk) in url for url in each["links"])]

    def notes(self, interview: Interview) -> list[dict[str, Any]]:
        (found,) = self.profiles(interview)
        return list(self.lever.get(f"/opportunities/{found['id']}/notes"))


@pytest.fixture(autouse=True)
def _a_week_ago() -> Iterator[None]:
    """So that three days later is not the future, which Lever refuses."""
    with clock.at(timezone.now() - timedelta(days=7)):
        yield


@pytest.fixture
def company(lever: Running) -> Company:
    return Company(lever)


@pytest.fixture
def lied_to(liar: Liar) -> Company:
    return Company(liar.lever)


# --- answers that are none


@pytest.mark.parametrize("lie", NO_ANSWER.values(), ids=NO_ANSWER)
@pytest.mark.parametrize("path", ["/opportunities", "/notes"])
def test_what_was_made_without_a_proper_answer_is_found_and_made_once(
    liar: Liar, lied_to: Company, path: str, lie: bytes
) -> None:
    interview = lied_to.interview()
    liar.tell(lie, "POST", path)
    assert lied_to.run(interview).state == "going"
    liar.truth()
    assert lied_to.run(interview, timedelta(hours=1)).state == "exported"
    assert liar.count("POST", path) == 1
    assert len(lied_to.notes(interview)) == 1


@pytest.mark.parametrize("lie", NO_ANSWER.values(), ids=NO_ANSWER)
@pytest.mark.parametrize("path", ["/opportunities", "/notes"])
def test_what_was_not_made_is_looked_for_twice_and_made_once(
    liar: Liar, lied_to: Company, path: str, lie: bytes
) -> None:
    interview = lied_to.interview()
    liar.tell(lie, "POST", path, acts=False)
    lied_to.run(interview)
    liar.truth()
    looks = liar.count("GET", path)
    lied_to.run(interview, timedelta(hours=1))
    assert liar.count("POST", path) == 1
    assert lied_to.run(interview, timedelta(hours=2)).state == "exported"
    assert (liar.count("POST", path), liar.count("GET", path) - looks) == (2, 2)
    assert len(lied_to.notes(interview)) == 1


@pytest.mark.parametrize("lie", NO_LIST.values(), ids=NO_LIST)
@pytest.mark.parametrize("path", ["/opportunities", "/notes"])
def test_a_look_without_a_proper_answer_has_not_seen_that_nothing_is_there(
    liar: Liar, lied_to: Company, path: str, lie: bytes
) -> None:
    interview = lied_to.interview()
    liar.tell(b"", "POST", path)
    lied_to.run(interview)
    liar.tell(lie, "GET", path)
    for hours in (1, 2, 3, 25):
        assert lied_to.run(interview, timedelta(hours=hours)).state == "going"
    assert liar.count("POST", path) == 1
    liar.truth()
    assert lied_to.run(interview, timedelta(hours=26)).state == "exported"
    assert len(lied_to.notes(interview)) == 1


def test_after_three_days_without_a_proper_look_it_is_a_problem(
    liar: Liar, lied_to: Company
) -> None:
    interview = lied_to.interview()
    liar.tell(b"", "POST", "/opportunities")
    lied_to.run(interview)
    liar.tell(NO_LIST["a page"], "GET", "/opportunities")
    for hours in (1, 2, 26, 50, 74):
        row = lied_to.run(interview, timedelta(hours=hours))
    assert (row.state, row.reason) == ("stopped", "gave_up")
    (found,) = findings.find(lied_to.connection)
    assert (found.kind, found.key, found.stops) == ("stopped", "gave_up", 1)
    assert liar.count("POST", "/opportunities") == 1


def test_tried_again_after_three_days_it_looks_first(liar: Liar, lied_to: Company) -> None:
    interview = lied_to.interview()
    liar.tell(b"", "POST", "/opportunities")
    row = lied_to.run(interview)
    export.stop(row, "gave_up")
    liar.truth()
    export.retry(row)
    assert lied_to.run(interview, timedelta(days=4)).state == "exported"
    assert len(lied_to.profiles(interview)) == 1


@pytest.mark.parametrize("lie", NO_LIST.values(), ids=NO_LIST)
def test_a_list_that_is_none_does_not_take_the_place_of_a_good_one(
    liar: Liar, lied_to: Company, lie: bytes
) -> None:
    before = pick_lists.users(lied_to.connection)
    lied_to.connection.pick_lists.update(fetched_at=timezone.now() - pick_lists.LIST_AGE)
    liar.tell(lie, "GET", "/users")
    assert pick_lists.users(lied_to.connection) == before


# --- settings, in the middle


def test_settings_touch_only_what_is_not_claimed(company: Company) -> None:
    begun, waits = company.interview(), company.interview()
    company.take_a_step(begun)
    company.settings(stage_passed="offer", origin="referred", perform_as="remy@acme.example")
    company.run(begun)
    company.run(waits)
    (old,), (new,) = company.profiles(begun), company.profiles(waits)
    assert (old["stage"], old["origin"]) == ("lead-new", "sourced")
    assert (new["stage"], new["origin"]) == ("offer", "referred")
    dana, remy = (company.lever.seeded.account("acme").user(f"{n}@acme.example").id for n in NAMES)
    assert (company.notes(begun)[0]["user"], company.notes(waits)[0]["user"]) == (dana, remy)


NAMES = ("dana", "remy")


def test_switched_off_in_the_middle_the_rest_waits_and_goes_on(company: Company) -> None:
    interview = company.interview()
    company.take_a_step(interview)
    company.settings(enabled=False)
    assert company.run(interview).reason == "off"
    assert company.notes(interview) == []
    company.settings(enabled=True)
    assert company.run(interview).state == "exported"
    assert len(company.notes(interview)) == 1


def test_after_a_refused_key_all_leave_in_the_order_in_which_they_stood(company: Company) -> None:
    gone, *waiting = [company.interview(timedelta(minutes=minute)) for minute in range(5)]
    company.run(gone)
    company.lever.fault({"match": CREATE, "kind": "status", "status": 401})
    for interview in reversed(waiting):
        assert company.run(interview, timedelta(minutes=9)).reason == "key"
    ProcrastinateJob.objects.all().delete()
    factories.set_key(company.connection, company.lever.keys["acme"], company.admin)
    look_again.after_change(company.connection.pk)
    rung = ProcrastinateJob.objects.filter(task_name__endswith="export_interview").order_by("id")
    assert [job.args["interview_id"] for job in rung] == [str(each.pk) for each in waiting]
    states = {company.run(interview, timedelta(minutes=9)).state for interview in waiting}
    assert states == {"exported"}
    assert [len(company.profiles(each)) for each in (gone, *waiting)] == [1] * 5


# --- things that are gone


def test_a_posting_that_is_gone_from_lever_is_left_out_and_said(company: Company) -> None:
    PositionPosting.objects.create(position=company.position, posting_id="gone", text="Gone")
    interview = company.interview()
    row = company.run(interview)
    assert row.state == "exported"
    assert company.profiles(interview)[0]["applications"] == []
    told = [entry.title for entry in story.of(interview, row, for_staff=True)]
    assert "Went without the posting" in told


def test_a_position_that_holds_interviews_cannot_be_deleted(company: Company) -> None:
    company.interview()
    with pytest.raises(ProtectedError):
        company.position.delete()


def test_erased_between_two_steps_nothing_more_leaves_and_the_profile_is_listed(
    company: Company,
) -> None:
    interview = company.interview()
    company.take_a_step(interview)
    erasure.erase(interview.candidate)
    row = company.run(interview, timedelta(hours=1))
    assert (row.state, row.reason) == ("ended", "erased")
    assert company.notes(interview) == []
    assert moves.to_erase_there(Opportunity.objects.get(interview=interview))


def test_erased_while_lever_gives_no_answer_the_profile_is_found_and_listed(
    company: Company,
) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "lose_answer"})
    company.run(interview)
    erasure.erase(interview.candidate)
    row = company.run(interview, timedelta(hours=1))
    assert (row.state, row.reason) == ("ended", "erased")
    assert company.notes(interview) == []
    assert moves.to_erase_there(Opportunity.objects.get(interview=interview))


def test_erased_before_lever_got_anything_nothing_leaves(company: Company) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "lose_request"})
    company.run(interview)
    erasure.erase(interview.candidate)
    for hours in (1, 2, 3):
        company.run(interview, timedelta(hours=hours))
    assert Export.objects.get(interview=interview).reason == "erased"
    assert company.profiles(interview) == []


# --- a clock that jumps


def worker_at(now: datetime) -> Any:
    """The clock of this worker's host alone: the database keeps its own."""
    return mock.patch.object(timezone, "now", lambda: now)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_worker_whose_clock_jumps_neither_looks_nor_calls_before_the_lease_is_over(
    company: Company, hours: int
) -> None:
    interview = company.interview()
    assert export.claim(interview.pk, uuid4()) is not None  # and it is still about to call
    before = len(company.lever.log())
    with worker_at(timezone.now() + timedelta(hours=hours)):
        export.run(interview.pk)
    assert company.lever.log()[before:] == []
    assert Export.objects.get(interview=interview).steps.get(name="profile").tries == 1


@pytest.mark.parametrize("hours", [1, -1])
def test_a_worker_whose_clock_jumped_still_sends_what_it_claimed(
    company: Company, hours: int
) -> None:
    interview = company.interview()
    work = export.claim(interview.pk, owner := uuid4())
    assert work is not None
    with worker_at(timezone.now() + timedelta(hours=hours)):
        assert calls.make(work, owner)
    assert len(company.profiles(interview)) == 1


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_between_two_looks_does_not_shorten_the_grace(
    company: Company, hours: int
) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "lose_request"})
    company.run(interview)
    looked = moment.now() + timedelta(hours=2)
    with clock.at(looked):
        export.run(interview.pk)
    before = company.lever.log()
    with clock.at(looked + protocol.GRACE / 2), worker_at(looked + timedelta(hours=hours)):
        export.run(interview.pk)
    assert company.lever.log() == before
    with clock.at(looked + protocol.GRACE * 2), worker_at(looked + timedelta(hours=hours)):
        export.run(interview.pk)
    assert len(company.profiles(interview)) == 1


def test_a_database_whose_clock_jumps_back_makes_no_second_profile(company: Company) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "lose_answer"})
    company.run(interview)
    for minutes in (-60, -30, 0, 30):
        company.run(interview, timedelta(minutes=minutes))
    assert Export.objects.get(interview=interview).state == "exported"
    assert len(company.profiles(interview)) == 1
