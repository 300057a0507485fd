"""Another Lever account: what was meant for the first goes there only if an admin says so."""

from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.candidates import consent, erasure
from nomdecode.demo import clock
from nomdecode.interviews.models import Interview
from nomdecode.lever import (
    accounts,
    calls,
    client,
    credentials,
    export,
    look_again,
    pick_lists,
    protocol,
    questions,
)
from nomdecode.lever import connection as connections
from nomdecode.lever.eligibility import UNKNOWN
from nomdecode.lever.models import Connection, Export
from nomdecode.orgs.models import AuditEvent, Decision, Role
from sandbox import Running

pytestmark = pytest.mark.django_db

ACME, BOREALIS = "acme.example, 5 users", "borealis.example, 4 users"
CREATE, USERS = "POST /v1/opportunities", "GET /v1/users"


class Company:
    """An organisation that is connected to Acme's Lever, and whose admin saves other keys."""

    def __init__(self, lever: Running) -> None:
        self.lever = lever
        self.organisation = factories.organisation()
        self.admin = factories.member(self.organisation, Role.ADMIN)
        self.interviewer = factories.member(self.organisation, Role.INTERVIEWER)
        self.position = factories.position(self.organisation)
        self.connection = factories.connect(self.organisation, lever)

    def key_unchecked(self, account: str) -> None:
        """Lever refuses the present key, and tells nothing about the next one."""
        connections.refused(self.connection)
        self.key_of(account)

    def key_of(self, account: str) -> None:
        factories.set_key(self.connection, self.lever.keys[account], self.admin)
        look_again.after_change(self.connection.pk)  # what a worker does on it

    def choose_in_borealis(self) -> None:
        Connection.objects.update(perform_as="nora@borealis.example", stage_passed="offer")
        self.connection.refresh_from_db()
        look_again.after_change(self.connection.pk)

    def interview(self, decision: str = Decision.YES) -> Interview:
        # Another person's address each time: Lever keeps a person's links on all their profiles.
        person = factories.identity(emails=(f"{uuid4().hex}@analytical.example",))
        who = factories.candidate(self.organisation, person, choice="name_me")
        held = factories.held_interview(self.position, [self.interviewer], who=who)
        factories.submitted(held.assignments.get(), decision)
        return held

    def begun(self) -> Interview:
        """Its profile is in Lever, its note is not."""
        interview = self.interview()
        work = export.claim(interview.pk, owner := uuid4())
        assert work is not None and calls.make(work, owner)
        return interview

    def in_doubt(self) -> Interview:
        """Lever was asked for its profile and gave no answer."""
        interview = self.interview()
        self.lever.fault({"match": CREATE, "kind": "lose_request"})
        self.run(interview)
        return interview

    def run(self, interview: Interview, later: timedelta = timedelta(0)) -> Export:
        with clock.at(timezone.now() + later):
            export.run(interview.pk)
        return self.row(interview)

    def row(self, interview: Interview) -> Export:
        return Export.objects.get(interview=interview)

    def settle(self, *, send: bool) -> None:
        (other,) = accounts.elsewhere(self.connection)
        accounts.settle(
            self.connection,
            other.account,
            self.connection.account,
            send=send,
            member=self.admin,
        )

    def profiles(self, interview: Interview, account: str) -> list[dict[str, Any]]:
        found = self.lever.every("/opportunities", account, source="Nom de Code")
        return [each for each in found if any(str(interview.pk) in url for url in each["links"])]


@pytest.fixture(autouse=True)
def _this_morning() -> Iterator[None]:
    """So that "later" is not the future, which Lever refuses."""
    with clock.at(timezone.now() - timedelta(hours=6)):
        yield


@pytest.fixture
def company(lever: Running) -> Company:
    return Company(lever)


# --- recognised


def test_an_account_is_called_by_its_domain_and_how_many_use_it(company: Company) -> None:
    assert company.connection.account_name == ACME


def test_another_key_of_the_same_account_changes_nothing(company: Company) -> None:
    before = company.connection.account
    company.key_of("acme")
    assert company.connection.account == before
    assert accounts.elsewhere(company.connection) == []


def test_users_in_common_make_it_the_same_account(company: Company) -> None:
    old = pick_lists.known(company.connection, "users")
    assert old is not None
    colleague, *others = old.items
    pick_lists.keep(company.connection, "users", [colleague, {**others[0], "id": "newcomer"}])
    Connection.objects.update(account_name="")
    company.connection.refresh_from_db()
    accounts.recognise(company.connection, [colleague])
    assert company.connection.account == 1


def test_who_came_later_belongs_to_the_account_too(company: Company) -> None:
    old = pick_lists.known(company.connection, "users")
    assert old is not None
    newcomer = {**old.items[0], "id": "newcomer"}
    pick_lists.keep(company.connection, "users", [*old.items, newcomer])
    company.key_of("acme")
    accounts.recognise(company.connection, [newcomer])
    assert company.connection.account == 1


def test_another_account_is_counted_and_named(company: Company) -> None:
    company.key_of("borealis")
    assert (company.connection.account, company.connection.account_name) == (2, BOREALIS)


def test_the_same_users_at_another_address_are_another_account(
    company: Company, settings: Any
) -> None:
    other = company.lever.api.replace("127.0.0.1", "localhost")
    settings.LEVER_URLS = [company.lever.api, other]
    factories.set_key(company.connection, company.lever.keys["acme"], company.admin, other)
    assert company.connection.account == 2
    assert company.connection.account_name == f"{ACME}, at localhost"


def test_an_address_that_the_operator_replaced_makes_no_other_account(
    company: Company, settings: Any
) -> None:
    settings.LEVER_URLS = [company.lever.api.replace("127.0.0.1", "localhost")]
    company.key_of("acme")
    assert company.connection.account == 1


def test_two_accounts_of_one_company_can_be_told_apart(company: Company) -> None:
    kept = pick_lists.known(company.connection, "users")
    assert kept is not None
    accounts.recognise(company.connection, [{**user, "id": user["email"]} for user in kept.items])
    assert company.connection.account_name == f"{ACME}, among them dana@acme.example"


def test_back_with_a_key_of_the_first_account_everything_goes_on(company: Company) -> None:
    interview = company.interview()
    company.key_of("borealis")
    assert company.run(interview).reason == "account"
    company.key_of("acme")
    assert company.connection.account == 1 and accounts.elsewhere(company.connection) == []
    assert company.run(interview).state == "exported"


# --- not known yet


@pytest.mark.parametrize("status", [503, 403])
def test_while_lever_does_not_tell_its_users_nothing_leaves(company: Company, status: int) -> None:
    interview = company.begun()
    company.lever.fault({"match": USERS, "kind": "status", "status": status, "times": 9})
    company.key_unchecked("borealis")
    assert company.connection.account == UNKNOWN
    assert company.run(interview).reason == "account"
    assert company.profiles(interview, "borealis") == []


def test_a_key_that_was_not_known_is_recognised_when_lever_tells(company: Company) -> None:
    waits = company.interview()
    company.lever.fault({"match": USERS, "kind": "status", "status": 503, "times": 2})
    company.key_unchecked("borealis")
    meanwhile = company.interview()
    ProcrastinateJob.objects.all().delete()
    questions.sweep()
    assert factories.ask_lever(company.connection)
    assert Connection.objects.get().account == UNKNOWN
    questions.sweep()
    assert factories.ask_lever(company.connection)
    assert Connection.objects.get().account == 2
    assert (company.row(waits).account, company.row(meanwhile).account) == (1, 2)


def test_outcomes_from_while_the_account_is_not_known_wait_too(company: Company) -> None:
    company.lever.fault({"match": USERS, "kind": "status", "status": 503})
    company.key_unchecked("borealis")
    meanwhile = company.interview()
    pick_lists.refresh(company.connection, "users")
    assert company.run(meanwhile).reason == "account"


def test_an_answer_for_the_old_key_says_nothing_about_the_new_one(company: Company) -> None:
    old, older = Connection.objects.get(), Connection.objects.get()
    company.lever.fault({"match": "GET /v1/*", "kind": "status", "status": 503})
    with clock.at(timezone.now() + timedelta(minutes=1)):
        company.key_unchecked("borealis")  # the fault is used up: the next call is answered
    credentials.check_again(old)
    pick_lists.refresh(older, "users")
    assert Connection.objects.get().account == UNKNOWN
    assert pick_lists.known(company.connection, "users") is None


def test_a_list_without_users_says_nothing(company: Company) -> None:
    accounts.recognise(company.connection, [])
    assert company.connection.account == UNKNOWN


def test_a_first_key_that_could_not_be_checked_makes_no_question(lever: Running) -> None:
    admin = factories.member()
    connection = connections.of(admin.organisation)
    lever.fault({"match": "GET /v1/*", "kind": "status", "status": 503})
    factories.set_key(connection, lever.keys["acme"], admin)
    assert connection.account == 1
    factories.set_key(connection, lever.keys["borealis"], admin)
    assert (connection.account, connection.account_name) == (1, BOREALIS)


# --- nothing leaves for another account


@pytest.mark.parametrize("stage", ["interview", "begun", "in_doubt"])
def test_nothing_is_sent_or_looked_for_in_another_account(company: Company, stage: str) -> None:
    interview = getattr(company, stage)()
    company.key_of("borealis")
    company.choose_in_borealis()
    before = len(company.lever.log())
    for hours in range(5):
        assert company.run(interview, timedelta(hours=hours)).reason == "account"
    asked = [call for call in company.lever.log()[before:] if "opportunities" in call["path"]]
    assert asked == []


def test_an_erasure_while_in_doubt_does_not_make_another_account_be_asked(
    company: Company,
) -> None:
    interview = company.in_doubt()
    company.key_of("borealis")
    erasure.erase(interview.candidate)
    before = len(company.lever.log())
    assert company.run(interview, protocol.LEASE * 2).reason == "erased"
    assert company.lever.log()[before:] == []
    assert company.row(interview).steps.get(name="profile").calling_since


def test_what_was_sent_before_the_key_changed_belongs_to_the_first_account(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    interview, send = company.interview(), client.Lever.create_opportunity

    def meanwhile(*call: Any) -> client.Created:
        made = send(*call)
        company.key_of("borealis")
        return made

    monkeypatch.setattr(client.Lever, "create_opportunity", meanwhile)
    assert company.run(interview).reason == "account"
    assert len(company.profiles(interview, "acme")) == 1
    assert company.profiles(interview, "borealis") == []


def test_a_call_that_waited_for_its_turn_goes_to_neither_account(company: Company) -> None:
    interview = company.interview()
    work = export.claim(interview.pk, owner := uuid4())
    assert work is not None
    company.key_of("borealis")
    calls.make(work, owner)
    assert company.run(interview).reason == "account"
    assert company.profiles(interview, "acme") == company.profiles(interview, "borealis") == []


def test_a_no_still_ends_it(company: Company) -> None:
    interview = company.interview()
    company.key_of("borealis")
    consent.answer(interview.candidate, False, timezone.now())
    assert company.run(interview).reason == "refused"


def test_new_outcomes_go_to_the_new_account(company: Company) -> None:
    old = company.interview()
    company.key_of("borealis")
    company.choose_in_borealis()
    new = company.interview()
    assert (company.run(new).state, company.run(old).state) == ("exported", "waiting")
    assert len(company.profiles(new, "borealis")) == 1


# --- decided


def test_what_is_to_be_decided_is_named_and_counted(company: Company) -> None:
    company.interview()
    company.begun()
    company.interview(Decision.NO)  # stays here anyway
    company.key_of("borealis")
    assert accounts.elsewhere(company.connection) == [accounts.Elsewhere(1, ACME, 2, 1)]


def test_sent_on_they_leave_for_the_new_account_with_its_choices(company: Company) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "status", "status": 429})
    assert company.run(interview).plan["stage"] == "lead-new"
    company.key_of("borealis")
    company.choose_in_borealis()
    company.settle(send=True)
    assert company.run(interview, timedelta(hours=1)).state == "exported"
    (found,) = company.profiles(interview, "borealis")
    assert found["stage"] == "offer"
    assert company.profiles(interview, "acme") == []
    assert accounts.elsewhere(company.connection) == []


def test_sent_on_during_its_hold_it_leaves_when_that_is_over(company: Company) -> None:
    company.organisation.hold_minutes = 15
    company.organisation.save()
    interview = company.interview()
    company.key_of("borealis")
    company.choose_in_borealis()
    company.settle(send=True)
    assert company.row(interview).reason == "hold"
    assert company.run(interview, timedelta(minutes=16)).state == "exported"


def test_sent_on_the_sweep_rings_for_them(company: Company) -> None:
    interviews = [company.interview() for _ in range(3)]
    company.key_of("borealis")
    assert export.sweep() == 0
    ProcrastinateJob.objects.all().delete()
    company.settle(send=True)
    assert ProcrastinateJob.objects.filter(task_name__endswith="sweep_exports").exists()
    assert export.sweep() == len(interviews)


@pytest.mark.parametrize("stage", ["begun", "in_doubt"])
def test_sent_on_what_was_begun_stops_for_a_person(company: Company, stage: str) -> None:
    interview = getattr(company, stage)()
    company.key_of("borealis")
    company.choose_in_borealis()
    company.settle(send=True)
    row = company.run(interview, timedelta(hours=1))
    assert (row.state, row.reason) == ("stopped", "begun_elsewhere")
    assert row.detail == {"message": f"Begun in {ACME}."}
    assert company.profiles(interview, "borealis") == []


def test_what_was_begun_goes_on_when_the_first_account_is_back(company: Company) -> None:
    interview = company.begun()
    company.key_of("borealis")
    company.settle(send=True)
    company.key_of("acme")
    assert company.run(interview).state == "exported"
    (found,) = company.profiles(interview, "acme")
    assert len(company.lever.get(f"/opportunities/{found['id']}/notes")) == 1


@pytest.mark.parametrize("stage", ["interview", "begun", "in_doubt"])
def test_kept_here_they_stay_for_good(company: Company, stage: str) -> None:
    interview = getattr(company, stage)()
    company.key_of("borealis")
    company.choose_in_borealis()
    company.settle(send=False)
    consent.answer(interview.candidate, True, timezone.now())
    look_again.after_change(company.connection.pk)
    row = company.run(interview, timedelta(hours=1))
    assert (row.state, row.reason, row.skipped_why) == ("ended", "skipped", f"Meant for {ACME}")
    assert company.profiles(interview, "borealis") == []


@pytest.mark.parametrize("reason", ["identity", "restored"])
def test_what_waits_for_a_persons_decision_still_waits_for_one(
    company: Company, reason: str
) -> None:
    interview = company.interview()
    export.stop(company.row(interview), reason)
    company.key_of("borealis")
    company.settle(send=True)
    row = company.row(interview)
    assert (row.state, row.reason, row.account) == ("stopped", reason, 2)


def test_kept_here_nobody_is_asked_to_rephrase_any_more(
    company: Company, django_capture_on_commit_callbacks: Any
) -> None:
    interview = company.interview()
    export.stop(company.row(interview), "identity", kinds=["name"])
    interview.assignments.update(rephrase_asked_at=timezone.now())
    company.key_of("borealis")
    with django_capture_on_commit_callbacks(execute=True):
        company.settle(send=False)
    assert not interview.assignments.exclude(rephrase_asked_at=None).exists()


def test_a_decision_about_accounts_that_are_no_longer_these_is_not_taken(company: Company) -> None:
    interview = company.interview()
    company.key_of("borealis")
    with pytest.raises(accounts.Changed):
        accounts.settle(company.connection, 1, 3, send=True, member=company.admin)
    assert company.row(interview).account == 1


def test_what_it_was_decided_is_in_the_trail(company: Company) -> None:
    company.interview()
    company.key_of("borealis")
    company.settle(send=True)
    changed, sent = AuditEvent.objects.filter(action__startswith="lever.account").order_by("id")
    assert (changed.detail, changed.member) == ({"now": BOREALIS}, company.admin)
    assert sent.detail == {"account": {"from": ACME, "to": BOREALIS}, "profiles": 1}


# --- the page


class Browser:
    def __init__(self, company: Company) -> None:
        self._client = Client()
        self._client.force_login(company.admin.user)

    def page(self, query: str = "") -> str:
        answer = self._client.get(reverse("lever:setup") + query)
        return " ".join(unescape(answer.content.decode()).split())

    def decide(self, choice: str, meant_for: int = 1, to: int = 2) -> str:
        fields = {"choice": choice, "meant_for": meant_for, "to": to}
        answer = self._client.post(reverse("lever:account"), fields, follow=True)
        return " ".join(unescape(answer.content.decode()).split())


def test_the_page_names_both_accounts_and_asks(company: Company) -> None:
    company.interview()
    company.key_of("borealis")
    page = Browser(company).page()
    assert f"“{BOREALIS}”</strong> instead of <strong>“{ACME}”" in page
    assert "1 profile was meant for acme.example. Nothing of it leaves until you decide." in page
    assert "Send it to borealis.example" in page and "Keep it here" in page


def test_without_anything_to_decide_the_page_does_not_ask(company: Company) -> None:
    company.key_of("borealis")
    browser = Browser(company)
    assert "belongs to another Lever account" not in browser.page()
    assert BOREALIS in browser.page()


@pytest.mark.parametrize(("choice", "account"), [("send", 2), ("keep", 1)])
def test_either_button_settles_it(company: Company, choice: str, account: int) -> None:
    interview = company.interview()
    company.key_of("borealis")
    page = Browser(company).decide(choice)
    assert "belongs to another Lever account" not in page
    assert company.row(interview).account == account
    assert company.row(interview).skipped_at is None or choice == "keep"


@pytest.mark.parametrize(("choice", "to"), [("send", 1), ("send", 3), ("", 2)])
def test_a_form_that_is_out_of_date_settles_nothing(company: Company, choice: str, to: int) -> None:
    interview = company.interview()
    company.key_of("borealis")
    page = Browser(company).decide(choice, to=to)
    assert "belongs to another Lever account" in page
    assert (company.row(interview).account, company.row(interview).skipped_at) == (1, None)


def test_another_organisations_profiles_are_not_touched(company: Company, lever: Running) -> None:
    other = Company(lever)
    theirs = other.interview()
    other.key_of("borealis")
    company.interview()
    company.key_of("borealis")
    Browser(company).decide("send")
    assert other.row(theirs).account == 1
