"""What is wrong with Lever: found, kept as rows, mailed to admins, shown on a page."""

from datetime import timedelta
from html import unescape
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.core import mail
from django.core.mail.backends import locmem
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.candidates import consent
from nomdecode.demo import clock
from nomdecode.interviews.models import Assignment, Interview
from nomdecode.lever import connection as connections
from nomdecode.lever import (
    credentials,
    export,
    findings,
    pick_lists,
    problem_kinds,
    problem_mail,
    problems,
    tasks,
)
from nomdecode.lever.eligibility import UNKNOWN, UNTOLD
from nomdecode.lever.models import (
    Connection,
    Duplicate,
    Export,
    ExportStep,
    Problem,
    Reconciliation,
)
from nomdecode.orgs.models import Organisation, Role
from sandbox import Running

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
MINUTE = timedelta(minutes=1)


class Company:
    """Connected to a Lever that nobody asks, with an admin who reads mail."""

    def __init__(self) -> None:
        self.organisation: Organisation = factories.organisation()
        self.admin = factories.member(
            self.organisation, Role.ADMIN, email=f"{uuid4()}@acme.example"
        )
        self.recruiter = factories.member(self.organisation, Role.RECRUITER)
        self.connection = connections.of(self.organisation)
        self.lists("dana@acme.example", "lead-new", "offer")
        self.settings(enabled=True, perform_as="dana@acme.example", stage_passed="lead-new")

    def settings(self, **fields: Any) -> None:
        Connection.objects.filter(pk=self.connection.pk).update(**fields)
        self.connection.refresh_from_db()

    def lists(self, user: str, *stages: str, deactivated: bool = False) -> None:
        who = {"id": "u1", "email": user, "deactivated": deactivated}
        pick_lists.keep(self.connection, "users", [who])
        told = [{"id": stage, "text": stage.title()} for stage in stages]
        pick_lists.keep(self.connection, "stages", told)

    def export(self, state: str, reason: str = "", since: Any = NOW, **fields: Any) -> Export:
        interview = factories.passed(self.organisation, at=fields.pop("leaves_at", since))
        return Export.objects.create(
            interview=interview,
            organisation=self.organisation,
            kind=fields.pop("kind", "named"),
            state=state,
            reason=reason,
            state_since=since,
            **fields,
        )

    def comparing(self) -> Reconciliation:
        row = {"sweep": "changes", "why": "time", "since": NOW, "reached": NOW, "began_at": NOW}
        return Reconciliation.objects.create(connection=self.connection, **row)

    def found(self, after: timedelta = timedelta(0)) -> dict[tuple[str, str], int]:
        """{(kind, key): how many it stops}."""
        with clock.at(NOW + after):
            return {(each.kind, each.key): each.stops for each in findings.find(self.connection)}

    def watch(self, after: timedelta = timedelta(0)) -> list[Any]:
        """The mails that go out by what a worker sees then."""
        before = len(mail.outbox)
        with clock.at(NOW + after):
            problems.watch(NOW + after)
            jobs = ProcrastinateJob.objects.filter(task_name=tasks.mail_problems.name)
            if jobs.filter(status="todo").exists():
                tasks.mail_problems(str(self.organisation.pk))
            jobs._raw_delete(jobs.db)
        return mail.outbox[before:]

    def rows(self) -> list[tuple[str, str, bool]]:
        rows = self.organisation.problems.order_by("pk")
        return [(row.kind, row.key, row.closed_at is None) for row in rows]

    def page(self) -> str:
        browser = Client()
        browser.force_login(self.admin.user)
        answer = browser.get(reverse("lever:problems"))
        assert answer.status_code == 200
        return " ".join(unescape(answer.content.decode()).split())


@pytest.fixture
def acme() -> Company:
    return Company()


# --- what is found


def test_nothing_is_wrong_with_a_new_connection(acme: Company) -> None:
    assert acme.found() == {}


def test_a_refused_key_is_a_problem_at_once_and_stops_what_waits_for_it(acme: Company) -> None:
    acme.export("waiting", "key")
    acme.export("waiting", "consent")
    acme.settings(api_key_refused_at=NOW)
    assert acme.found() == {("key_refused", ""): 1}


def test_a_recovery_that_has_not_come_to_its_end_is_a_problem(acme: Company) -> None:
    acme.export("waiting", "recovering")
    acme.export("waiting", "consent")
    acme.settings(recovering_since=NOW)
    assert acme.found(after=14 * MINUTE) == {}  # so long a run may take
    assert acme.found(after=15 * MINUTE) == {("recovering", ""): 1}
    (mail_,) = acme.watch(after=15 * MINUTE)
    assert "nomdecode recover" in mail_.body and "1 interview waits" in mail_.body
    acme.settings(recovering_since=None)
    assert acme.found(after=15 * MINUTE) == {}


def test_while_a_recovery_holds_everything_the_pages_do_not_say_live(acme: Company) -> None:
    acme.settings(api_key=b"sealed")
    assert "</span>Live</span>" in acme.page()
    acme.settings(recovering_since=NOW)
    page = acme.page()
    assert "Held after a restore" in page and "</span>Live</span>" not in page


def test_it_began_when_lever_refused_the_key(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW - MINUTE)
    (found,) = findings.find(acme.connection)
    assert found.since == NOW - MINUTE


def test_each_permission_that_is_needed_and_missing_is_a_problem(acme: Company) -> None:
    acme.settings(permissions={"users": True, "stages": False, "opportunities": False})
    assert set(acme.found()) == {("permission", "stages"), ("permission", "opportunities")}


def test_what_stopped_for_a_missing_permission_is_counted_there(acme: Company) -> None:
    acme.settings(permissions={"opportunities": False})
    acme.export("stopped", "not_allowed", detail={"message": "may not"})
    acme.export("stopped", "not_allowed", detail={"what": "perform_as"})
    assert acme.found() == {("permission", "opportunities"): 1, ("stopped", "not_allowed"): 1}


def test_a_fallback_user_who_was_deactivated_is_a_problem(acme: Company) -> None:
    acme.lists("dana@acme.example", "lead-new", deactivated=True)
    acme.export("stopped", "not_allowed", detail={"what": "perform_as"})
    acme.export("stopped", "not_allowed", detail={"message": "may not"})
    assert acme.found() == {("fallback_gone", ""): 1, ("stopped", "not_allowed"): 1}


def test_a_chosen_stage_that_is_gone_is_a_problem_by_its_name(acme: Company) -> None:
    acme.lists("dana@acme.example", "offer")
    acme.export("stopped", "stage_gone")
    (found,) = findings.find(acme.connection)
    assert (found.kind, found.stops) == ("stage_gone", 1)
    assert found.title == "The stage “Lead-New” is gone from Lever"


def test_the_other_stage_counts_only_if_unsuccessful_ones_are_sent(acme: Company) -> None:
    acme.settings(stage_not_passed="vanished")
    assert acme.found() == {}
    acme.settings(export_unsuccessful=True)
    acme.export("stopped", "stage_gone", kind="pseudonymous")
    assert acme.found() == {("stage_gone", "vanished"): 1}


def test_a_key_of_another_account_is_a_problem(acme: Company) -> None:
    acme.settings(account=2)
    acme.export("waiting", "account")
    assert acme.found() == {("account", ""): 1}


def test_it_is_one_also_when_the_first_that_waits_for_it_comes_later(acme: Company) -> None:
    acme.settings(account=2)
    acme.export("waiting", "hold", kind="pseudonymous")
    assert acme.found() == {}
    acme.settings(export_unsuccessful=True)
    assert set(acme.found()) == {("account", "")}


def test_it_counts_all_that_setup_asks_about_and_hides_nothing_else(acme: Company) -> None:
    acme.export("waiting", "hold", account=2)
    acme.export("waiting", "account", account=2)
    acme.export("stopped", "gave_up", account=2)
    assert acme.found() == {("account", ""): 3, ("stopped", "gave_up"): 1}


def test_it_is_none_any_more_when_the_last_that_waits_for_it_has_ended(acme: Company) -> None:
    row = acme.export("waiting", "account", account=2)
    assert set(acme.found()) == {("account", "")}
    row.state, row.reason = "ended", "withdrew"
    row.save()
    assert acme.found() == {}


def test_a_profile_by_name_without_a_yes_is_a_problem_until_they_agree(acme: Company) -> None:
    row = acme.export("exported")
    factories.opportunity(row.interview)
    done = {"remote_id": "p1", "state": "done", "order": 0, "done_at": NOW - 60 * MINUTE}
    ExportStep.objects.create(export=row, name="profile", **done)
    assert acme.found() == {("without_yes", ""): 1}
    assert row.interview.candidate.pseudonym in acme.page()
    consent.record(row.interview.candidate, True)
    assert acme.found() == {}


def test_stopped_exports_are_one_problem_for_each_reason(acme: Company) -> None:
    for reason in ("identity", "identity", "gave_up", "clock"):
        acme.export("stopped", reason)
    expected = {("stopped", "untold"): 2, ("stopped", "gave_up"): 1, ("clock", ""): 1}
    assert acme.found() == expected


def test_the_first_that_stopped_says_since_when(acme: Company) -> None:
    acme.export("stopped", "identity", NOW - 2 * MINUTE)
    acme.export("stopped", "identity", NOW - 5 * MINUTE)
    (found,) = findings.find(acme.connection)
    assert found.since == NOW - 5 * MINUTE


@pytest.mark.parametrize(("state", "reason"), [("waiting", ""), ("waiting", "hold"), ("going", "")])
def test_what_is_due_and_has_not_gone_for_15_minutes_is_a_problem(
    acme: Company, state: str, reason: str
) -> None:
    acme.export(state, reason)
    assert acme.found(14 * MINUTE) == {}
    assert acme.found(16 * MINUTE) == {("waiting", ""): 1}


def test_a_hold_does_not_count(acme: Company) -> None:
    acme.export("waiting", "hold", leaves_at=NOW + 60 * MINUTE)
    assert acme.found(60 * MINUTE) == {}
    with clock.at(NOW + 76 * MINUTE):
        (found,) = findings.find(acme.connection)
    assert found.since == NOW + 60 * MINUTE


@pytest.mark.parametrize("reason", ["consent", "off", "key"])
def test_a_wait_for_somebody_else_is_no_problem(acme: Company, reason: str) -> None:
    acme.export("waiting", reason)
    assert acme.found(60 * MINUTE) == {}


def test_a_long_queue_that_moves_is_no_problem(acme: Company) -> None:
    acme.export("waiting")
    acme.export("exported", since=NOW + 10 * MINUTE)
    assert acme.found(20 * MINUTE) == {}
    assert acme.found(30 * MINUTE) == {("waiting", ""): 1}


def test_one_that_lever_does_not_take_is_a_problem_while_others_go(acme: Company) -> None:
    acme.export("going")
    acme.export("exported", since=NOW + 10 * MINUTE)
    assert acme.found(20 * MINUTE) == {("waiting", ""): 1}


def test_a_key_that_could_not_be_checked_for_15_minutes_is_a_problem(acme: Company) -> None:
    acme.settings(account=UNKNOWN)
    acme.export("waiting", "account")
    assert acme.found(16 * MINUTE) == {("waiting", ""): 1}


def test_a_comparison_that_does_not_get_through_for_six_hours_is_a_problem(acme: Company) -> None:
    row = acme.comparing()
    assert acme.found(timedelta(hours=5)) == {}
    assert acme.found(timedelta(hours=7)) == {("uncompared", ""): 0}
    row.ended_at = NOW
    row.save()
    assert acme.found(timedelta(hours=7)) == {}


def test_with_a_new_key_a_comparison_has_as_long_again(acme: Company) -> None:
    acme.comparing()
    acme.settings(api_key_set_at=NOW + timedelta(hours=3))
    assert acme.found(timedelta(hours=7)) == {}
    assert acme.found(timedelta(hours=10)) == {("uncompared", ""): 0}


def test_a_comparison_that_waits_for_a_key_is_no_problem_of_its_own(acme: Company) -> None:
    acme.comparing()
    acme.settings(api_key_refused_at=NOW)
    assert acme.found(timedelta(hours=7)) == {("key_refused", ""): 0}
    acme.settings(api_key_refused_at=None, account=2)
    assert acme.found(timedelta(hours=7)) == {}


def test_a_resume_that_lever_refused_is_told_for_seven_days(acme: Company) -> None:
    acme.export("exported", plan={"left_out": ["posting", "résumé"]})
    acme.export("exported", plan={"left_out": ["posting"]})
    assert acme.found(timedelta(days=6)) == {("left_out", ""): 1}
    assert acme.found(timedelta(days=8)) == {}


def test_something_twice_in_lever_is_a_problem_until_it_is_settled(acme: Company) -> None:
    row = acme.export("exported")
    for number in (1, 2):
        Duplicate.objects.create(export=row, thing="profile", external_id=str(number), found_at=NOW)
    assert acme.found() == {("duplicates", ""): 1}
    Duplicate.objects.update(settled_at=NOW)
    assert acme.found() == {}


def test_what_stopped_after_a_restore_is_told_in_words_of_its_own(acme: Company) -> None:
    acme.export("stopped", "restored")
    (found,) = findings.find(acme.connection)
    assert "After a restore" in found.title
    assert "adopt it" in found.what_to_do


def test_while_the_connection_is_off_its_settings_are_no_problem(acme: Company) -> None:
    acme.settings(enabled=False, api_key_refused_at=NOW, stage_passed="vanished")
    acme.export("stopped", "identity")
    assert acme.found() == {("stopped", "untold"): 1}


def test_another_organisations_exports_are_not_counted(acme: Company) -> None:
    other = Company()
    row = other.export("stopped", "identity", plan={"left_out": ["résumé"]})
    Duplicate.objects.create(export=row, thing="note", external_id="n", found_at=NOW)
    other.export("going", since=NOW - 60 * MINUTE)
    assert acme.found() == {}


def test_every_kind_has_an_address_that_exists(acme: Company) -> None:
    assert all(problem_kinds.words(kind).url(NOW) for kind in problem_kinds.KINDS)
    assert all(problem_kinds.words("stopped", reason).url(NOW) for reason in problem_kinds.STOPPED)


def test_what_gave_up_is_tried_again_from_its_first_on(acme: Company) -> None:
    acme.export("stopped", "gave_up", NOW - timedelta(days=4))
    (found,) = findings.find(acme.connection)
    page = Client()
    page.force_login(acme.admin.user)
    assert "1 profile" in page.get(found.url).content.decode()


# --- rows


def test_a_problem_opens_and_closes_by_itself(acme: Company) -> None:
    row = acme.export("stopped", "identity")
    acme.watch()
    acme.watch(MINUTE)
    assert acme.rows() == [("stopped", "untold", True)]
    row.delete()
    acme.watch(2 * MINUTE)
    (closed,) = Problem.objects.all()
    assert closed.closed_at == NOW + 2 * MINUTE


def test_since_when_is_remembered(acme: Company) -> None:
    """Also where the facts do not tell it, or no longer: the first that stopped is gone by now."""
    first = acme.export("stopped", "identity", NOW - 60 * MINUTE)
    acme.watch()
    acme.export("stopped", "identity")
    first.delete()
    (found,) = problems.current(acme.connection)
    assert found.since == NOW - 60 * MINUTE


def test_what_it_stops_is_kept_up_to_date(acme: Company) -> None:
    acme.export("stopped", "identity")
    acme.watch()
    acme.export("stopped", "identity")
    acme.watch(MINUTE)
    assert Problem.objects.get().stops == 2


def test_what_comes_back_within_the_hour_goes_on(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    acme.watch()
    acme.settings(api_key_refused_at=None)
    acme.watch(5 * MINUTE)
    acme.settings(api_key_refused_at=NOW + 10 * MINUTE)
    acme.watch(10 * MINUTE)
    assert acme.rows() == [("key_refused", "", True)]
    assert Problem.objects.get().opened_at == NOW


def test_what_comes_back_later_is_a_new_one(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    acme.watch()
    acme.settings(api_key_refused_at=None)
    acme.watch(5 * MINUTE)
    acme.settings(api_key_refused_at=NOW + 120 * MINUTE)
    acme.watch(120 * MINUTE)
    assert acme.rows() == [("key_refused", "", False), ("key_refused", "", True)]


# --- mail


def test_admins_are_told_once_when_it_opens_and_once_when_it_is_over(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    (opening,) = acme.watch()
    assert opening.to == [acme.admin.email]
    assert opening.subject == "Nom de Code: Lever refuses the Data API key"
    assert acme.watch(90 * MINUTE) == []
    acme.settings(api_key_refused_at=None)
    (closing,) = acme.watch(91 * MINUTE)
    assert closing.subject == "Nom de Code: over: Lever refuses the Data API key"
    assert acme.watch(300 * MINUTE) == []


def test_the_mail_says_what_since_when_what_it_stops_and_what_to_do(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    acme.export("waiting", "key")
    (told,) = acme.watch()
    body = " ".join(told.body.split())
    for words in (
        "Lever refuses the Data API key",
        f"{NOW:%H:%M} UTC",
        "1 interview waits",
        "Make a new key in Lever",
        reverse("lever:problems"),
    ):
        assert words in body


def test_the_mail_names_nobody(acme: Company) -> None:
    row = acme.export("stopped", "identity", detail={"kinds": ["name"]})
    (told,) = acme.watch()
    assert row.interview.candidate.pseudonym not in told.subject + told.body
    assert acme.admin.name not in told.body


def test_whoever_is_no_active_admin_is_told_nothing(acme: Company) -> None:
    factories.member(acme.organisation, Role.INTERVIEWER)
    left = factories.member(acme.organisation, Role.ADMIN)
    left.active = False
    left.save()
    factories.member(factories.organisation("Borealis"), Role.ADMIN)
    acme.settings(api_key_refused_at=NOW)
    (told,) = acme.watch()
    assert told.to == [acme.admin.email]


def test_several_at_one_time_are_one_mail(acme: Company) -> None:
    acme.export("stopped", "identity")
    acme.settings(api_key_refused_at=NOW)
    (told,) = acme.watch()
    assert told.subject == "Nom de Code: 2 new problems"
    assert "Profiles wait for somebody" in told.body and "Lever refuses" in told.body


def test_a_kind_is_mailed_once_an_hour_and_what_came_meanwhile_is_told_together(
    acme: Company,
) -> None:
    acme.export("stopped", "identity")
    assert len(acme.watch()) == 1
    acme.export("stopped", "gone")
    acme.export("stopped", "gave_up")
    assert acme.watch(59 * MINUTE) == []
    (told,) = acme.watch(60 * MINUTE)
    assert told.subject == "Nom de Code: 2 new problems"


def test_another_kind_is_told_at_once(acme: Company) -> None:
    acme.export("stopped", "identity")
    acme.watch()
    acme.export("stopped", "clock")
    (told,) = acme.watch(MINUTE)
    assert "clock" in told.subject


def test_an_end_within_the_hour_is_told_when_it_is_over(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    acme.watch()
    acme.settings(api_key_refused_at=None)
    assert acme.watch(5 * MINUTE) == []
    (told,) = acme.watch(60 * MINUTE)
    assert "over:" in told.subject


def test_what_is_over_before_anybody_was_told_is_not_mailed(acme: Company) -> None:
    acme.export("stopped", "identity")
    acme.watch()
    row = acme.export("stopped", "gone")
    acme.watch(10 * MINUTE)
    row.delete()
    assert acme.watch(20 * MINUTE) == acme.watch(120 * MINUTE) == []


def test_a_mail_that_could_not_be_sent_is_sent_later(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    with mock.patch.object(locmem.EmailBackend, "send_messages", side_effect=OSError):
        assert acme.watch() == []
    assert len(acme.watch(MINUTE)) == 1


def test_a_lost_job_costs_a_minute(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    problems.watch(NOW)
    ProcrastinateJob.objects.all()._raw_delete("default")
    assert len(acme.watch(MINUTE)) == 1


def test_a_job_that_comes_twice_mails_once(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    acme.watch()
    before = len(mail.outbox)
    problem_mail.send(acme.organisation, NOW + MINUTE)
    assert len(mail.outbox) == before


def test_what_another_worker_sends_is_not_sent_again(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    with factories.busy_elsewhere(f"lever.problem_mail {acme.organisation.pk}"):
        assert acme.watch() == []


# --- with a real Lever


def test_a_refused_key_is_told_and_is_over_with_a_good_one(lever: Running) -> None:
    organisation = factories.organisation()
    admin = factories.member(organisation, Role.ADMIN)
    connection = factories.connect(organisation, lever)
    lever.fault({"match": "GET /v1/users*", "kind": "status", "status": 401, "times": 1})
    credentials.check_again(connection)
    problems.watch(timezone.now())
    assert organisation.problems.get().kind == "key_refused"
    factories.set_key(connection, lever.keys["acme"], admin)
    problems.watch(timezone.now())
    assert organisation.problems.get().closed_at is not None


# --- the page


def test_nothing_is_wrong(acme: Company) -> None:
    assert "Nothing is wrong" in acme.page()


def test_the_page_says_what_it_stops_what_to_do_and_which_interviews(acme: Company) -> None:
    row = acme.export("stopped", "identity")
    page = acme.page()
    for words in (
        "Profiles wait for somebody to look",
        "1 interview waits",
        "Open each",
        row.interview.candidate.pseudonym,
        reverse("lever:export", args=[row.interview_id]),
    ):
        assert words in page


def test_the_first_twenty_interviews_are_listed(acme: Company) -> None:
    for _ in range(23):
        acme.export("stopped", "identity")
    page = acme.page()
    assert page.count('class="who"') == 20
    assert "and 3 more" in page


def test_whoever_interviewed_is_not_told_which_one_it_is(acme: Company) -> None:
    mine, former, other = (acme.export("stopped", "identity") for _ in range(3))
    Assignment.objects.create(interview=mine.interview, member=acme.admin, decider=True)
    former.interview.former.add(acme.admin)  # held it and was replaced
    page = acme.page()
    assert other.interview.candidate.pseudonym in page
    assert mine.interview.candidate.pseudonym not in page
    assert former.interview.candidate.pseudonym not in page and "and 2 more" in page


@pytest.mark.parametrize("reason", sorted(UNTOLD))
def test_neither_page_nor_mail_tells_that_a_text_identifies_the_person(
    acme: Company, reason: str
) -> None:
    """It would answer an admin who held the interview and wrote a guess into the scorecard."""
    acme.export("stopped", reason)
    acme.watch()
    (row,) = Problem.objects.all()
    mail = problem_mail.compose(acme.organisation, [row], ["admin@acme.example"])
    said = [row.title, mail.subject, mail.body.partition("http")[0]]
    assert not [each for each in said if "identif" in each or "accept" in each]
    assert said[0] == "Profiles wait for somebody to look" and said[0] in acme.page()
    assert "identif" not in acme.page()


def test_the_page_does_not_wait_for_the_next_watch(acme: Company) -> None:
    acme.settings(api_key_refused_at=NOW)
    acme.watch()
    acme.settings(api_key_refused_at=None)
    assert "Nothing is wrong" in acme.page()


def test_what_is_over_stays_in_sight_for_30_days(acme: Company) -> None:
    for days in (29, 31):
        Problem.objects.create(
            organisation=acme.organisation,
            kind="clock",
            title=f"Over for {days}",
            opened_at=NOW - timedelta(days=40),
            closed_at=timezone.now() - timedelta(days=days),
        )
    page = acme.page()
    assert "Over for 29" in page and "Over for 31" not in page


def test_the_number_in_the_tabs_is_one_query(acme: Company, django_assert_num_queries: Any) -> None:
    acme.export("stopped", "identity")
    acme.watch()
    with django_assert_num_queries(1):
        assert problems.count(acme.connection) == 1


def test_the_pages_queries_do_not_grow_with_the_exports(
    acme: Company, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    acme.export("stopped", "identity")
    acme.page()
    with django_assert_max_num_queries(41) as few:
        acme.page()
    for _ in range(5):
        acme.export("stopped", "identity")
    with django_assert_num_queries(len(few)):
        acme.page()


def test_the_list_for_the_command_line_names_nobody(acme: Company) -> None:
    row: Export = acme.export("stopped", "identity")
    interview: Interview = row.interview
    (told,) = problems.listed(acme.organisation)
    assert (told["kind"], told["key"], told["stops"]) == ("stopped", "untold", 1)
    assert interview.candidate.pseudonym not in str(told)


def test_a_retried_export_ends_the_problem(acme: Company) -> None:
    row = acme.export("stopped", "gave_up")
    acme.watch()
    export.retry(row)
    acme.watch(MINUTE)
    assert acme.rows() == [("stopped", "gave_up", False)]
