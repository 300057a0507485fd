"""One interview's outcome on its way to Lever, against the sandbox over HTTP."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.candidates import consent, corrections, erasure, intake, links, reveals, vault
from nomdecode.candidates.models import PassChoice
from nomdecode.demo import clock
from nomdecode.interviews import access, outcome, scorecards
from nomdecode.interviews.models import Assignment, Criterion, Interview, Position
from nomdecode.lever import calls, export, look_again, protocol, story
from nomdecode.lever import connection as connections
from nomdecode.lever.client import Opportunity as Made
from nomdecode.lever.models import (
    Connection,
    Duplicate,
    Export,
    ExportStep,
    MemberEmail,
    PositionPosting,
)
from nomdecode.orgs.models import AuditEvent, Member, Role, User
from nomdecode.pipeline.models import Opportunity
from sandbox import Running

pytestmark = pytest.mark.django_db

PERSON = vault.Identity(
    name="Zephyrine Quillfeather",
    emails=("zephyrine@quillfeather.example", "zq@other.example"),
    phones=("+44 20 7946 0911",),
    place="Ankh",
    headline="Clacks tower operator",
    links=("https://code.example/qq17",),
)
RESUME = vault.Resume(b"%PDF-1.4 the resume", "pdf")
CREATE = "POST /v1/opportunities"


class Company:
    """An organisation with people, a position, and a connection to the sandbox."""

    def __init__(self, lever: Running, **connection: Any) -> None:
        self.lever = lever
        self.organisation = factories.organisation()
        self.admin = self._member(Role.ADMIN, "ada@acme.example")
        self.recruiter = self._member(Role.RECRUITER, "remy@acme.example")
        self.interviewer = self._member(Role.INTERVIEWER, "iris@acme.example")
        self.position = Position.objects.create(
            organisation=self.organisation, title="Backend engineer"
        )
        self.criterion = Criterion.objects.create(position=self.position, name="Code", order=0)
        self.connection = factories.connect(self.organisation, lever, **connection)

    def _member(self, role: str, email: str) -> Member:
        user = User.objects.filter(email=email).first()
        if user is None:
            return factories.member(self.organisation, role, email.split("@")[0].title(), email)
        return Member.objects.create(organisation=self.organisation, user=user, role=role)

    def settings(self, **fields: Any) -> None:
        Connection.objects.filter(pk=self.connection.pk).update(**fields)
        self.connection.refresh_from_db()
        look_again.after_change(self.connection.pk)

    def interview(
        self,
        decision: str = "yes",
        choice: str = PassChoice.NAME_ME,
        person: vault.Identity | None = None,
        evidence: str = "Clear names and small functions.",
        resume: vault.Resume | None = RESUME,
    ) -> Interview:
        """Held and scored; its outcome stands."""
        person = person or _unique(PERSON)
        candidate = intake.enter(self.organisation, person, resume, choice)
        interview = Interview.objects.create(
            organisation=self.organisation,
            position=self.position,
            candidate=candidate,
            recruiter=self.recruiter,
            state="held",
            starts_at=timezone.now() - timedelta(hours=2),
        )
        assignment = Assignment.objects.create(
            interview=interview, member=self.interviewer, decider=True
        )
        rating = {"rating": 3, "evidence": evidence}
        content = {
            "ratings": {str(self.criterion.pk): rating},
            "notes": "Calm throughout.",
            "recognised": "no",
            "decision": decision,
        }
        scorecards.submit(assignment, content, timezone.now())
        return interview

    def rephrase(self, interview: Interview, evidence: str) -> None:
        """Its interviewer was asked to, and does."""
        assignment = interview.assignments.get()
        assignment.rephrase_asked_at = timezone.now()
        assignment.save()
        content = assignment.scorecard.content
        content["ratings"][str(self.criterion.pk)]["evidence"] = evidence
        scorecards.submit(assignment, content, timezone.now(), amends=1)

    def run(self, interview: Interview, later: timedelta = timedelta(0)) -> Export:
        """A worker's turn, `later` from now."""
        with clock.at(timezone.now() + later):
            export.run(interview.pk)
        return Export.objects.get(interview=interview)

    def profiles(self, interview: Interview) -> list[dict[str, Any]]:
        """What Lever has for it: the profiles that bear its link."""
        found = self.lever.every("/opportunities", source="Nom de Code")
        return [each for each in found if any(str(interview.pk) in url for url in each["links"])]

    def user(self, email: str) -> str:
        return self.lever.seeded.account("acme").user(email).id


_numbers = iter(range(1, 10_000))


def _unique(person: vault.Identity) -> vault.Identity:
    """Another person's addresses, so that Lever does not know them from an earlier test."""
    number = next(_numbers)
    return replace(person, emails=(f"zephyrine{number}@quillfeather.example",))


@pytest.fixture(autouse=True)
def _this_morning() -> Iterator[None]:
    """So that "later" is not the future, which Lever refuses."""
    with clock.at(timezone.now() - timedelta(hours=6)):
        yield


@pytest.fixture
def company(lever: Running) -> Company:
    return Company(lever)


# --- successful


def test_a_successful_interview_becomes_one_profile_with_every_detail(company: Company) -> None:
    person = _unique(PERSON)
    posting = company.lever.seeded.account("acme").posting("Backend engineer")
    PositionPosting.objects.create(
        position=company.position, posting_id=posting.id, text=posting.text
    )
    interview = company.interview(person=person)
    assert company.run(interview).state == "exported"
    (found,) = company.profiles(interview)
    assert found["name"] == person.name
    assert found["emails"] == list(person.emails)
    assert found["phones"][0]["value"] == person.phones[0]
    assert found["headline"] == person.headline
    assert found["location"] == person.place
    assert person.links[0] in found["links"]
    assert found["tags"] == ["Passed"]
    assert found["sources"] == ["Nom de Code"]
    assert found["origin"] == "sourced"
    assert found["stage"] == "lead-new"
    resumes = company.lever.get(f"/opportunities/{found['id']}/resumes")
    assert [each["file"]["name"] for each in resumes] == ["resume.pdf"]
    assert found["applications"]


def test_it_is_performed_as_the_decider_and_owned_by_the_recruiter(company: Company) -> None:
    interview = company.interview()
    plan = company.run(interview).plan
    assert plan["perform_as"] == company.user("iris@acme.example")
    assert plan["perform_as_why"] == "interviewer"
    (found,) = company.profiles(interview)
    assert found["owner"] == company.user("remy@acme.example")


def test_the_scorecards_arrive_as_a_note_that_ends_with_its_reference(company: Company) -> None:
    interview = company.interview()
    company.run(interview)
    (found,) = company.profiles(interview)
    (note,) = company.lever.get(f"/opportunities/{found['id']}/notes")
    text = note.get("value") or note["fields"][0]["value"]
    assert "Code: 3 good. Clear names and small functions." in text
    assert text.endswith(f"Nom de Code reference {interview.pk.hex[:12]}")


def test_a_decider_who_is_no_lever_user_is_replaced_by_the_fallback(company: Company) -> None:
    company.interviewer.user.email = "nobody@elsewhere.example"
    company.interviewer.user.save()
    plan = company.run(company.interview()).plan
    assert plan["perform_as"] == company.user("dana@acme.example")
    assert plan["perform_as_why"] == "fallback"


def _story(interview: Interview) -> str:
    """What staff read of the profile that was made."""
    export = Export.objects.get(interview=interview)
    entries = story.of(interview, export, for_staff=True)
    return next(entry.detail for entry in entries if entry.title.startswith("Profile created"))


def test_the_story_says_why_it_is_performed_as_and_owned_by_them(company: Company) -> None:
    interview = company.interview()
    company.run(interview)
    words = "as iris@acme.example, who decided; owned by remy@acme.example, the recruiter · "
    assert _story(interview).startswith(words)


def test_it_also_says_that_the_posting_has_another_owner(company: Company) -> None:
    posting = company.lever.seeded.account("acme").posting("Backend engineer")
    PositionPosting.objects.create(
        position=company.position, posting_id=posting.id, text=posting.text
    )
    company.recruiter.user.email = "nobody@elsewhere.example"
    company.recruiter.user.save()
    interview = company.interview()
    company.run(interview)
    assert ", who owns the posting · " in _story(interview)


def test_it_also_says_that_nobody_is_known_to_lever(company: Company) -> None:
    for member in (company.interviewer, company.recruiter):
        member.user.email = f"nobody{member.pk}@elsewhere.example"
        member.user.save()
    interview = company.interview()
    company.run(interview)
    assert _story(interview).startswith(
        "as dana@acme.example, the fallback user, since the interviewer is no active Lever user;"
        " owned by dana@acme.example, the fallback user, since the recruiter"
        " is no active Lever user · "
    )


def test_the_lever_address_that_an_admin_set_counts(company: Company) -> None:
    MemberEmail.objects.create(member=company.interviewer, email="omar@acme.example")
    plan = company.run(company.interview()).plan
    assert plan["perform_as"] == company.user("omar@acme.example")


def test_a_person_whom_lever_knew_is_told(company: Company) -> None:
    person = _unique(PERSON)
    company.run(company.interview(person=person))
    again = company.interview(person=person)
    company.run(again)
    assert Opportunity.objects.get(interview=again).known_before


# --- consent


def test_without_an_answer_it_waits_and_leaves_after_the_yes(company: Company) -> None:
    interview = company.interview(choice=PassChoice.ASK_ME)
    assert (company.run(interview).state, company.run(interview).reason) == ("waiting", "consent")
    assert company.profiles(interview) == []
    consent.answer(interview.candidate, True, timezone.now())
    assert company.run(interview).state == "exported"


def test_a_no_ends_it_and_a_later_yes_revives_it(company: Company) -> None:
    interview = company.interview(choice=PassChoice.ASK_ME)
    consent.answer(interview.candidate, False, timezone.now())
    assert company.run(interview).reason == "refused"
    consent.answer(interview.candidate, True, timezone.now())
    assert company.run(interview).state == "exported"


def test_consent_taken_back_before_the_claim_keeps_it_here(company: Company) -> None:
    interview = company.interview()
    consent.answer(interview.candidate, False, timezone.now())
    assert company.run(interview).state == "ended"
    assert company.profiles(interview) == []


def test_erasure_between_two_steps_sends_no_note(company: Company) -> None:
    interview = company.interview()
    work = export.claim(interview.pk, owner := uuid4())
    assert work is not None
    calls.make(work, owner)
    erasure.erase(interview.candidate)
    assert company.run(interview).reason == "erased"
    (found,) = company.profiles(interview)
    assert company.lever.get(f"/opportunities/{found['id']}/notes") == []


# --- not successful


def test_an_unsuccessful_interview_stays_here(company: Company) -> None:
    interview = company.interview(decision="no")
    assert company.run(interview).reason == "not_passed"
    assert company.profiles(interview) == []


def test_opted_in_it_becomes_a_pseudonymous_profile_without_the_person(lever: Running) -> None:
    reason = lever.seeded.account("acme").reason("Underqualified").id
    company = Company(lever, export_unsuccessful=True, archive_reason=reason)
    before = len(lever.log())
    interview = company.interview(decision="no", person=PERSON)
    assert company.run(interview).state == "exported"
    (found,) = company.profiles(interview)
    assert found["name"] == interview.candidate.pseudonym
    assert (found["emails"], found["phones"], found["tags"]) == ([], [], ["Not passed"])
    assert len(found["links"]) == 1
    assert found["archived"]["reason"] == reason
    calls = [(call["path"], call["query"], call["body"]) for call in lever.log()[before:]]
    received = json.dumps(calls).casefold()
    for piece in ("zephyrine", "quillfeather", "7946 0911", "clacks", "resume"):
        assert piece not in received


def test_what_stayed_here_is_not_revived_by_a_choice_made_later(company: Company) -> None:
    interview = company.interview(decision="no", choice=PassChoice.ASK_ME)
    company.settings(export_unsuccessful=True)
    consent.answer(interview.candidate, True, timezone.now())
    assert Export.objects.get(interview=interview).reason == "not_passed"


# --- on, off, hold


def test_a_saved_setting_is_looked_at_in_a_worker(company: Company) -> None:
    interview = company.interview()
    connections.changed(company.connection)
    jobs = ProcrastinateJob.objects.filter(task_name="nomdecode.lever.tasks.look_again")
    assert [job.args for job in jobs] == [{"connection_id": company.connection.pk}]
    assert Export.objects.get(interview=interview).state == "waiting"


def test_a_lost_look_after_a_saved_setting_is_swept(company: Company) -> None:
    connections.changed(company.connection)
    jobs = ProcrastinateJob.objects.filter(task_name="nomdecode.lever.tasks.look_again")
    jobs.delete()
    export.sweep(timezone.now() + timedelta(minutes=1))
    assert jobs.count() == 1


def test_what_was_looked_at_again_is_not_swept(company: Company) -> None:
    connections.changed(company.connection)
    company.connection.refresh_from_db()
    look_again.after_change(company.connection.pk)
    ProcrastinateJob.objects.all().delete()
    export.sweep(timezone.now() + timedelta(minutes=1))
    assert not ProcrastinateJob.objects.filter(task_name__endswith="look_again").exists()


def test_switched_off_it_waits_and_leaves_when_switched_on(company: Company) -> None:
    company.settings(enabled=False)
    interview = company.interview()
    assert (company.run(interview).state, company.run(interview).reason) == ("waiting", "off")
    assert export.waiting(company.organisation) == export.Waiting(1, 0, 0)
    company.settings(enabled=True)
    assert company.run(interview).state == "exported"


def test_only_from_now_on_keeps_older_outcomes_here(company: Company) -> None:
    company.settings(enabled=False)
    interview = company.interview()
    company.settings(enabled=True, exports_from=timezone.now() + timedelta(seconds=1))
    assert company.run(interview).reason == "before"


def test_a_hold_keeps_it_until_its_end(company: Company) -> None:
    company.organisation.hold_minutes = 15
    company.organisation.save()
    interview = company.interview()
    assert company.run(interview).reason == "hold"
    assert company.run(interview, timedelta(minutes=16)).state == "exported"


def test_an_amendment_within_the_hold_turns_it_around(company: Company) -> None:
    company.organisation.hold_minutes = 15
    company.organisation.save()
    interview = company.interview()
    assignment = interview.assignments.get()
    content = assignment.scorecard.content | {"decision": "no"}
    scorecards.submit(assignment, content, timezone.now(), amends=1)
    assert Export.objects.get(interview=interview).kind == "pseudonymous"
    assert company.run(interview, timedelta(minutes=16)).reason == "not_passed"


@pytest.mark.parametrize("outcome_first", [True, False])
def test_what_is_saved_while_an_outcome_or_an_answer_is_written_is_not_missed(
    company: Company, outcome_first: bool
) -> None:
    """Neither sees the other: the export reads that Lever is off, who looks again no export."""
    company.settings(enabled=False)
    if outcome_first:
        interview = company.interview()
    else:
        interview = company.interview(choice=PassChoice.ASK_ME)
        ProcrastinateJob.objects.all().delete()
        consent.answer(interview.candidate, True, timezone.now())
    Connection.objects.update(enabled=True)
    assert rung(interview)
    assert company.run(interview).state == "exported"


def rung(interview: Interview) -> bool:
    jobs = ProcrastinateJob.objects.filter(task_name="nomdecode.lever.tasks.export_interview")
    return jobs.filter(scheduled_at=None, args={"interview_id": str(interview.pk)}).exists()


def test_the_sweep_rings_for_what_is_due_and_not_for_what_is_announced(company: Company) -> None:
    company.interview(choice=PassChoice.ASK_ME)
    company.interview()
    ProcrastinateJob.objects.all().delete()  # lost
    assert export.sweep() == 1


def test_what_is_rung_for_is_not_rung_for_again(company: Company) -> None:
    interview = company.interview()
    assert export.sweep() == 0
    ProcrastinateJob.objects.all().delete()
    export.poke(interview.pk, at=timezone.now() + timedelta(days=1))
    assert export.sweep() == 1  # what is due now does not wait for a later ring


def test_of_a_long_back_log_that_was_lost_some_are_rung_for_at_a_time(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST_RUNG", 2)
    for _ in range(3):
        company.interview()
    ProcrastinateJob.objects.all().delete()
    assert [export.sweep() for _ in range(3)] == [2, 1, 0]


def test_another_organisation_is_rung_for_beside_a_long_back_log(
    company: Company, lever: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST_RUNG", 2)
    for _ in range(3):
        company.interview()
    other = Company(lever).interview()
    ProcrastinateJob.objects.all().delete()
    assert export.sweep() == 2 and rung(other)


@pytest.mark.parametrize(
    "fields",
    [
        {"enabled": False},
        {"api_key_refused_at": timezone.now()},
        {"recovering_since": timezone.now()},
        {"account": 2},
        {"account": 0},
    ],
)
def test_what_is_in_doubt_is_rung_for_only_while_lever_may_be_asked(
    company: Company, fields: dict[str, Any]
) -> None:
    interview = company.interview()
    export.claim(interview.pk, uuid4())  # and the worker died
    ExportStep.objects.update(lease_until=timezone.now())
    before = {name: getattr(company.connection, name) for name in fields}
    company.settings(**fields)
    ProcrastinateJob.objects.all().delete()
    assert export.sweep() == 0
    company.settings(**before)
    ProcrastinateJob.objects.all().delete()
    assert export.sweep() == 1


# --- exactly once


def test_a_second_run_changes_nothing(company: Company) -> None:
    interview = company.interview()
    company.run(interview)
    company.run(interview)
    assert len(company.profiles(interview)) == 1


def test_an_outcome_that_is_evaluated_again_makes_no_second_profile(company: Company) -> None:
    interview = company.interview()
    company.run(interview)
    outcome.evaluate(interview, timezone.now())
    assert company.run(interview).state == "exported"
    assert len(company.profiles(interview)) == 1


def test_a_lost_answer_is_looked_for_and_adopted(company: Company) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "lose_answer"})
    assert company.run(interview).state == "going"
    assert company.run(interview, protocol.LEASE * 2).state == "exported"
    assert len(company.profiles(interview)) == 1


def test_a_lost_request_is_sent_again_only_after_two_looks(company: Company) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "lose_request"})
    company.run(interview)
    assert company.run(interview, protocol.LEASE).state == "going"
    assert company.profiles(interview) == []
    later = protocol.LEASE + protocol.GRACE + timedelta(seconds=5)
    assert company.run(interview, later).state == "exported"
    assert len(company.profiles(interview)) == 1


def test_a_lost_answer_to_the_note_makes_no_second_note(company: Company) -> None:
    interview = company.interview()
    company.lever.fault({"match": "POST /v1/opportunities/*/notes", "kind": "lose_answer"})
    company.run(interview)
    company.run(interview, protocol.LEASE * 2)
    (found,) = company.profiles(interview)
    assert len(company.lever.get(f"/opportunities/{found['id']}/notes")) == 1


def test_two_interviews_of_one_person_both_in_doubt_keep_their_own_profiles(
    company: Company,
) -> None:
    person = _unique(PERSON)
    one, two = company.interview(person=person), company.interview(person=person)
    company.lever.fault({"match": CREATE, "kind": "lose_answer", "times": 2})
    company.run(one)
    company.run(two)
    company.run(one, protocol.LEASE * 2)
    company.run(two, protocol.LEASE * 2)
    ids = set(Opportunity.objects.values_list("external_id", flat=True))
    assert len(ids) == 2
    assert {each["id"] for each in company.profiles(one)} == ids


def test_a_profile_is_found_though_lever_kept_only_the_links_that_the_contact_had(
    company: Company,
) -> None:
    person = _unique(PERSON)
    one, two = company.interview(person=person), company.interview(person=person)
    company.run(one)
    company.lever.fault({"match": CREATE, "kind": "lose_answer"})
    company.run(two)
    links = [url for url in company.profiles(two)[0]["links"] if str(two.pk) in url]
    company.lever.put(f"/opportunities/{company.profiles(two)[0]['id']}/removeLinks", links=links)
    company.run(two, protocol.LEASE)
    company.run(two, (protocol.LEASE + protocol.GRACE) * 2)
    assert company.profiles(two) == []
    ids = set(Opportunity.objects.values_list("external_id", flat=True))
    assert {each["id"] for each in company.profiles(one)} == ids


@pytest.mark.parametrize("status", [500, 503])
def test_an_answer_of_server_trouble_is_looked_into(company: Company, status: int) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "status", "status": status})
    company.run(interview)
    later = protocol.LEASE + protocol.GRACE + timedelta(seconds=5)
    company.run(interview, protocol.LEASE)
    assert company.run(interview, later).state == "exported"
    assert len(company.profiles(interview)) == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_run_at_the_same_time_make_one_profile(company: Company) -> None:
    interview = company.interview()

    def work() -> None:
        try:
            export.run(interview.pk)
        finally:
            connection.close()

    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    company.run(interview, protocol.LEASE * 2)
    (found,) = company.profiles(interview)
    assert len(company.lever.get(f"/opportunities/{found['id']}/notes")) == 1


def test_a_worker_that_died_before_sending_costs_time_and_no_profile(company: Company) -> None:
    interview = company.interview()
    assert export.claim(interview.pk, uuid4()) is not None
    assert company.run(interview, protocol.LEASE / 2).state == "going"
    company.run(interview, protocol.LEASE * 2)
    assert company.profiles(interview) == []
    assert company.run(interview, protocol.LEASE * 2 + protocol.GRACE).state == "exported"
    assert len(company.profiles(interview)) == 1


def test_a_worker_whose_lease_is_nearly_over_sends_nothing(company: Company) -> None:
    interview = company.interview()
    work = export.claim(interview.pk, owner := uuid4())
    assert work is not None
    with clock.at(timezone.now() + protocol.LEASE - timedelta(seconds=10)):
        assert calls.make(work, owner) is False
    assert company.profiles(interview) == []


# --- refusals


def test_told_to_slow_down_it_comes_back(company: Company) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "status", "status": 429})
    assert company.run(interview).state == "going"
    assert company.run(interview, timedelta(hours=1)).state == "exported"


def test_a_refused_key_pauses_everything_until_a_good_one(company: Company) -> None:
    interview = company.interview()
    fault = {"match": CREATE, "kind": "status", "status": 401}
    company.lever.fault(fault)
    assert company.run(interview).reason == "key"
    factories.set_key(company.connection, company.lever.keys["acme"], company.admin)
    look_again.after_change(company.connection.pk)
    assert company.run(interview).state == "exported"


def test_a_performer_whom_lever_refuses_is_replaced_once_by_the_fallback(
    company: Company,
) -> None:
    interview = company.interview()
    message = "perform_as: user is deactivated"
    company.lever.fault({"match": CREATE, "kind": "status", "status": 403, "message": message})
    row = company.run(interview)
    assert (row.state, row.plan["perform_as_why"]) == ("exported", "refused")


def test_a_posting_that_is_gone_is_left_out_and_said(company: Company) -> None:
    PositionPosting.objects.create(position=company.position, posting_id="gone", text="Gone")
    row = company.run(company.interview())
    assert (row.state, row.plan["left_out"]) == ("exported", ["posting"])


def test_a_refused_resume_does_not_stop_the_profile(company: Company) -> None:
    fault = {"match": CREATE, "kind": "status", "status": 413, "message": "file too large"}
    company.lever.fault(fault)
    row = company.run(company.interview())
    assert (row.state, row.plan["left_out"]) == ("exported", ["résumé"])


def test_a_vanished_stage_waits_for_another_one(company: Company) -> None:
    company.settings(stage_passed="stage-that-never-was")
    interview = company.interview()
    assert company.run(interview).reason == "stage_gone"
    company.settings(stage_passed="lead-new")
    assert company.run(interview).state == "exported"


# --- the guard


def test_a_name_in_a_scorecard_stops_the_note_for_a_person(company: Company) -> None:
    interview = company.interview(evidence="Zephyrine wrote clear code.")
    row = company.run(interview)
    assert (row.state, row.reason, row.detail) == ("stopped", "identity", {"kinds": ["name"]})
    assert company.profiles(interview) == []


def test_what_the_guard_stops_is_not_told_to_the_candidate_as_sent(company: Company) -> None:
    interview = company.interview(evidence="Zephyrine wrote clear code.")
    company.run(interview)
    assert reveals.seen(interview.candidate) == []


@pytest.mark.parametrize(
    ("fault", "told", "stays_unnamed"),
    [
        ({"kind": "status", "status": 429}, "nothing has got there", True),
        ({"kind": "lose_answer"}, "are on their way to Lever, or there already", True),
        (None, "Your details went to Lever", False),
    ],
    ids=["refused", "in doubt", "made"],
)
def test_the_candidate_is_told_what_lever_has_and_not_what_was_tried(
    company: Company,
    client: Client,
    fault: dict[str, Any] | None,
    told: str,
    stays_unnamed: bool,
) -> None:
    interview = company.interview()
    company.lever.fault(*[{"match": CREATE} | fault] if fault else [])
    company.run(interview)
    link = links.issue(interview.candidate)
    page = client.get(reverse("candidates:mine", args=[link])).content.decode()
    assert told in page and ("Your details went to Lever" in page) == (fault is None)
    assert ("Stay unnamed" in page) == stays_unnamed


def test_tries_for_the_same_are_told_as_one(company: Company) -> None:
    interview = company.interview()
    company.lever.fault({"match": CREATE, "kind": "status", "status": 429, "times": 2})
    for hours in range(3):
        company.run(interview, timedelta(hours=hours))
    (seen,) = reveals.seen(interview.candidate)
    assert seen.lever and seen.times == 3


@pytest.mark.parametrize("guess", ["Zephyrine", "Marigold"])
def test_an_erasure_tells_nobody_which_words_named_the_person(
    company: Company, client: Client, guess: str
) -> None:
    interview = company.interview(evidence=f"{guess} wrote clear code.")
    company.run(interview)
    erasure.erase(interview.candidate)
    client.force_login(company.interviewer.user)
    page = client.get(reverse("interviews:interview", args=[interview.pk])).content.decode()
    assert "Its words are not kept" in page and "3 good" in page
    assert "clear code" not in page and "Calm throughout" not in page


def test_the_trail_does_not_tell_that_it_was_the_guard(company: Company) -> None:
    """An admin who interviewed could write a guess into the scorecard and look there."""
    company.run(company.interview(evidence="Zephyrine wrote clear code."))
    row = Export.objects.get(interview=company.interview())
    export.stop(row, "not_accepted", message="Lever did not accept this.")
    guard, refused = AuditEvent.objects.filter(action="export.stopped")
    assert guard.detail == refused.detail


@pytest.mark.parametrize("guess", ["Zephyrine", "Marigold"])
def test_whoever_interviewed_hears_as_often_of_a_right_guess_as_of_a_wrong_one(
    company: Company, guess: str
) -> None:
    interview = company.interview(evidence=f"{guess} wrote clear code.")
    with CaptureQueriesContext(connection) as asked:
        company.run(interview)
    assert heard(company.interviewer, asked) == [f"interview-{interview.pk}", "home"]


def heard(member: Member, asked: CaptureQueriesContext) -> list[str]:
    """The topics of which open pages of this member were told."""
    told = " ".join(each["sql"] for each in asked if "pg_notify" in each["sql"])
    topics = re.findall(r"topic\W+([\w-]+)", told)
    return [topic for topic in topics if access.hears(member)(topic)]


def test_when_a_candidate_answers_staff_alone_hear(company: Company) -> None:
    interview = company.interview()
    company.run(interview)
    with CaptureQueriesContext(connection) as asked:
        consent.answer(interview.candidate, False, timezone.now())
    assert heard(company.interviewer, asked) == []
    assert f"export-{interview.pk}" in heard(interview.recruiter, asked)


def test_rephrased_it_leaves(company: Company) -> None:
    interview = company.interview(evidence="Zephyrine wrote clear code.")
    company.run(interview)
    company.rephrase(interview, "They wrote clear code.")
    assert company.run(interview).state == "exported"


def test_cleared_by_a_person_it_leaves(company: Company) -> None:
    interview = company.interview(evidence="Zephyrine wrote clear code.")
    export.clear(company.run(interview), ["name"])
    assert company.run(interview).state == "exported"


def test_what_was_cleared_are_the_texts_that_the_person_read(company: Company) -> None:
    interview = company.interview(evidence="Zephyrine wrote clear code.")
    export.clear(company.run(interview), ["name"])
    company.rephrase(interview, "Zephyrine wrote very clear code.")
    row = company.run(interview)
    assert (row.state, row.reason, row.detail) == ("stopped", "identity", {"kinds": ["name"]})


def test_a_name_that_was_let_through_does_not_let_first_and_last_name_through(
    company: Company,
) -> None:
    interview = company.interview(evidence="Zephyrine wrote clear code. Ask Quillfeather.")
    row = company.run(interview)
    assert row.detail == {"kinds": ["full_name"]}
    export.clear(row, ["name"])  # what an earlier version found in these texts
    assert company.run(interview).reason == "identity"
    assert company.profiles(interview) == []


def test_a_corrected_name_is_looked_for_in_texts_that_were_cleared(company: Company) -> None:
    interview = company.interview(evidence="Marigold wrote clear code in Zephyrine.")
    export.clear(company.run(interview), ["name"])
    person = replace(vault.own_details(interview.candidate), name="Marigold Quillfeather")
    corrections.correct(interview.candidate, person, None, "")
    assert company.run(interview).reason == "identity"


def test_an_export_asks_the_database_no_more_than_it_must(
    company: Company, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    company.run(company.interview())  # Lever's lists are known from here on
    interview = company.interview()
    with django_assert_max_num_queries(87):
        export.run(interview.pk)
    assert len(company.profiles(interview)) == 1


# --- what a slow worker or a missing fallback must not do


def test_a_second_profile_that_turns_up_late_is_shown_and_not_taken(company: Company) -> None:
    interview = company.interview()
    work = export.claim(interview.pk, owner := uuid4())
    assert work is not None
    calls.make(work, owner)
    first = Opportunity.objects.get(interview=interview).external_id
    late = replace(Made.of(company.lever.get(f"/opportunities/{first}")), id="late-one")
    assert calls.keep(work, calls.Thing("late-one", late), "made", 1) is False
    assert [each.external_id for each in Duplicate.objects.all()] == ["late-one"]
    assert Opportunity.objects.get(interview=interview).external_id == first


def test_a_resume_that_is_too_large_stays_out(company: Company) -> None:
    company.lever.fault({"match": CREATE, "kind": "status", "status": 413, "message": "Too large"})
    interview = company.interview()
    assert company.run(interview).plan["left_out"] == ["résumé"]
    (found,) = company.profiles(interview)
    assert company.lever.get(f"/opportunities/{found['id']}/resumes") == []


def test_a_403_that_names_nothing_is_tried_once_more_as_the_fallback(company: Company) -> None:
    company.lever.fault({"match": CREATE, "kind": "status", "status": 403, "message": "Forbidden"})
    plan = company.run(company.interview()).plan
    assert plan["perform_as"] == company.user("dana@acme.example")
    assert plan["perform_as_why"] == "refused"


def test_a_403_twice_stops_for_a_person(company: Company) -> None:
    fault = {"match": CREATE, "kind": "status", "status": 403, "message": "Forbidden", "times": 2}
    company.lever.fault(fault)
    assert company.run(company.interview()).reason == "not_allowed"


def test_a_clock_ahead_of_levers_stops_and_plans_anew_afterwards(company: Company) -> None:
    message = "createdAt must be in the past"
    company.lever.fault({"match": CREATE, "kind": "status", "status": 400, "message": message})
    interview = company.interview()
    row = company.run(interview)
    assert (row.reason, row.plan) == ("clock", None)
    export.retry(row)
    assert company.run(interview, timedelta(minutes=1)).state == "exported"


def test_what_was_sent_is_kept_without_the_person(company: Company) -> None:
    person = _unique(PERSON)
    interview = company.interview(person=person)
    company.run(interview)
    first = ExportStep.objects.get(export__interview=interview, name="profile").attempts.get()
    assert first.sent["name"] == "kept back"
    assert first.sent["emails"] == ["1 kept back"]
    assert first.sent["stage"] == "lead-new"
    assert str(interview.pk) in first.sent["links"][0]
    words = json.dumps(first.sent).lower()
    assert not [word for word in (*person.name.split(), *person.emails) if word.lower() in words]


def test_a_refused_performer_without_a_fallback_stops_for_a_person(company: Company) -> None:
    interview = company.interview()
    work = export.claim(interview.pk, owner := uuid4())
    assert work is not None
    Connection.objects.update(perform_as="nobody@elsewhere.example")
    work.connection.refresh_from_db()
    message = "perform_as: user is deactivated"
    company.lever.fault({"match": CREATE, "kind": "status", "status": 403, "message": message})
    assert calls.make(work, owner) is False
    assert Export.objects.get(interview=interview).reason == "not_allowed"


def test_a_refusal_of_the_old_key_does_not_pause_a_new_one(company: Company) -> None:
    interview = company.interview()
    work = export.claim(interview.pk, owner := uuid4())
    assert work is not None
    Connection.objects.update(api_key_set_at=timezone.now() + timedelta(seconds=1))
    company.lever.fault({"match": CREATE, "kind": "status", "status": 401})
    calls.make(work, owner)
    assert not Connection.objects.exclude(api_key_refused_at=None).exists()
    assert company.run(interview, timedelta(minutes=1)).state == "exported"
