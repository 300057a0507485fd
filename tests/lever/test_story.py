"""What the interview page tells of the way to Lever, and what staff may do there."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import factories
from nomdecode.candidates import consent, erasure
from nomdecode.candidates.models import Candidate, Consent
from nomdecode.interviews.models import Assignment, Interview, Scorecard
from nomdecode.lever import connection as connections
from nomdecode.lever import export as exports
from nomdecode.lever import remedies
from nomdecode.lever.models import Export, ExportStep
from nomdecode.orgs.models import AuditEvent, Member, Role
from nomdecode.pipeline import moves, stages
from nomdecode.pipeline.models import Opportunity

pytestmark = pytest.mark.django_db

PLAN = dict.fromkeys(
    (
        "kind",
        "stage",
        "origin",
        "perform_as",
        "perform_as_email",
        "perform_as_why",
        "owner",
        "owner_email",
    ),
    "",
)


@pytest.fixture
def recruiter() -> Member:
    return factories.member(role=Role.RECRUITER)


def _client(member: Member) -> Client:
    client = Client()
    client.force_login(member.user, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def _in_lever(member: Member) -> Interview:
    interview = factories.passed(member.organisation)
    factories.opportunity(interview)
    Export.objects.create(
        interview=interview, organisation=member.organisation, kind="named", state="exported"
    )
    return interview


def _story(member: Member, interview: Interview) -> str:
    return _client(member).get(reverse("lever:story", args=[interview.pk])).content.decode()


def _interviewer_of(interview: Interview) -> Member:
    return _interviews(factories.member(interview.organisation, Role.INTERVIEWER), interview)


def _interviews(member: Member, interview: Interview) -> Member:
    """As the decider whose scorecard is in."""
    assignment = Assignment.objects.create(interview=interview, member=member, decider=True)
    content = factories.scorecard_content(interview)
    Scorecard.objects.create(assignment=assignment, content=content, at=timezone.now())
    return member


def test_staff_get_the_way_to_the_profile(recruiter: Member) -> None:
    assert "Open in Lever" in _story(recruiter, _in_lever(recruiter))


def test_a_profile_deleted_in_lever_is_told_with_its_time_and_no_way_leads_there(
    recruiter: Member,
) -> None:
    interview = _in_lever(recruiter)
    Opportunity.objects.update(deleted_at=timezone.now())
    shown = _story(recruiter, interview)
    assert "<h2>Deleted in Lever</h2>" in shown
    assert re.search(r"<strong>Deleted in Lever</strong>\s*<small>\s*<time", shown)
    assert "Open in Lever" not in shown
    assert "Deleted" not in _story(_interviewer_of(interview), interview)


def test_what_happened_in_the_same_second_is_told_in_the_order_of_cause(
    recruiter: Member,
) -> None:
    interview = _in_lever(recruiter)
    second = timezone.now().replace(microsecond=0)
    export = Export.objects.get()
    Export.objects.update(plan=PLAN)
    done_at = second + timedelta(milliseconds=400)
    export.steps.create(name="profile", order=0, state="done", tries=1, done_at=done_at)
    Opportunity.objects.update(archived_at=second)
    shown = _story(recruiter, interview)
    assert shown.index("Profile created") < shown.index("Archived in Lever")


def test_before_the_outcome_stands_nothing_is_said_to_be_on_its_way(recruiter: Member) -> None:
    interview = factories.held_interview(factories.position(recruiter.organisation))
    assert "<h2>How it goes</h2>" in _story(recruiter, interview)


def test_an_interviewer_never_does_since_lever_shows_the_name(recruiter: Member) -> None:
    interview = _in_lever(recruiter)
    assert "Open in Lever" not in _story(_interviewer_of(interview), interview)


def test_nor_does_a_recruiter_who_interviewed(recruiter: Member) -> None:
    interview = _in_lever(recruiter)
    _interviews(recruiter, interview)
    assert "Open in Lever" not in _story(recruiter, interview)


def test_whoever_interviewed_does_not_read_when_the_details_were_entered(
    recruiter: Member,
) -> None:
    """Nor by the answer that was given with them: it could tell them whom they know."""
    interview = _in_lever(recruiter)
    consent.record(interview.candidate, True)
    before = timezone.now() - timedelta(days=3)
    Consent.objects.update(at=before)
    Candidate.objects.update(created_at=before)
    entered = f"{before:%Y-%m-%dT}"
    for member, reads in ((recruiter, True), (_interviewer_of(interview), False)):
        shown = _story(member, interview)
        assert "Candidate agreed to be named" in shown and "beforehand" in shown
        assert (entered in shown) is reads


def test_the_outcome_is_not_told_to_whoever_has_not_sent_their_own_scorecard(
    recruiter: Member,
) -> None:
    interview = _in_lever(recruiter)
    second = factories.member(recruiter.organisation, Role.INTERVIEWER)
    Assignment.objects.create(interview=interview, member=second)
    Opportunity.objects.update(archived_at=timezone.now(), archive_reason="Underqualified")
    shown = _story(second, interview)
    assert "In Lever" not in shown
    assert "Underqualified" not in shown


def test_an_interviewer_is_not_told_that_the_person_was_known(recruiter: Member) -> None:
    interview = _in_lever(recruiter)
    Opportunity.objects.update(known_before=True)
    assert "already in Lever" not in _story(_interviewer_of(interview), interview)


@pytest.fixture
def stopped(recruiter: Member) -> Interview:
    interview = factories.passed(recruiter.organisation)
    Export.objects.create(
        interview=interview,
        organisation=recruiter.organisation,
        kind="named",
        state="stopped",
        reason="identity",
        detail={"kinds": ["name", "place"]},
        found_in="1f",
        claimed_at=timezone.now(),
    )
    return interview


def test_staff_read_which_kinds_of_piece_were_found(recruiter: Member, stopped: Interview) -> None:
    assert "found: a name, the place" in _story(recruiter, stopped)


@pytest.mark.parametrize("role", Role)
def test_whoever_interviewed_does_not_learn_what_stopped_it(stopped: Interview, role: Role) -> None:
    """Else a guess at the name, written into a scorecard, would be answered."""
    interviewer = _interviews(factories.member(stopped.organisation, role), stopped)
    over_a_text = _story(interviewer, stopped)
    Export.objects.update(reason="not_allowed", detail={"message": "Lever did not accept this."})
    assert over_a_text == _story(interviewer, stopped)
    assert "found" not in over_a_text


@pytest.mark.parametrize("role", Role)
def test_nor_whether_anything_did(stopped: Interview, role: Role) -> None:
    """What they guess wrongly leaves within a second; what they guess rightly stops."""
    interviewer = _interviews(factories.member(stopped.organisation, role), stopped)
    over_a_text = _story(interviewer, stopped)
    Export.objects.update(state="going", reason="", detail={})
    assert _story(interviewer, stopped) == over_a_text
    factories.opportunity(stopped)
    Export.objects.update(state="exported")
    assert _story(interviewer, stopped) == over_a_text
    assert "Decided" in over_a_text


@pytest.mark.parametrize("reason", ["skipped", "withdrew", "refused", "lapsed", "off"])
def test_nor_what_became_of_it_since(stopped: Interview, reason: str) -> None:
    """What they guessed wrongly has left, and none of this can come of it any more."""
    interviewer = _interviewer_of(stopped)
    over_a_text = _story(interviewer, stopped)
    state = "waiting" if reason == "off" else "ended"
    Export.objects.update(state=state, reason=reason, detail={}, plan=None)
    assert _story(interviewer, stopped) == over_a_text


@pytest.mark.parametrize("name", ["retry", "rephrase", "send_anyway"])
def test_nor_do_they_decide_over_their_own_words(stopped: Interview, name: str) -> None:
    admin = _interviews(factories.member(stopped.organisation, Role.ADMIN), stopped)
    answer = _client(admin).post(reverse(f"lever:{name}", args=[stopped.pk]))
    assert answer.status_code == 404
    assert Export.objects.get().state == "stopped"


def test_every_interviewer_is_asked_alike_to_rephrase(
    recruiter: Member, stopped: Interview
) -> None:
    _interviewer_of(stopped)
    _client(recruiter).post(reverse("lever:rephrase", args=[stopped.pk]))
    assert not stopped.assignments.filter(rephrase_asked_at=None).exists()


def test_that_they_were_asked_is_told_with_its_time_but_not_who(
    recruiter: Member, stopped: Interview
) -> None:
    other = _interviewer_of(stopped)
    before = _story(other, stopped)
    _client(recruiter).post(reverse("lever:rephrase", args=[stopped.pk]))
    shown = _story(recruiter, stopped)
    (asked,) = re.findall(r"<li.*?</li>", shown[shown.index("Asked to rephrase") - 60 :], re.S)[:1]
    assert "<time" in asked and other.name not in asked
    assert "Ask again" in shown and "Ask to rephrase" not in shown
    assert _story(other, stopped) == before


def test_whoever_wrote_nothing_is_not_asked_to_rephrase(
    recruiter: Member, stopped: Interview
) -> None:
    _interviewer_of(stopped)
    second = factories.member(recruiter.organisation, Role.INTERVIEWER)
    excused = Assignment.objects.create(interview=stopped, member=second, excused_at=timezone.now())
    _client(recruiter).post(reverse("lever:rephrase", args=[stopped.pk]))
    assert list(stopped.assignments.filter(rephrase_asked_at=None)) == [excused]


def _asked(interview: Interview) -> bool:
    return interview.assignments.exclude(rephrase_asked_at=None).exists()


ENDS: dict[str, Callable[[Export], object]] = {
    "sent anyway": lambda row: exports.clear(row, ["name", "place"]),
    "skipped": lambda row: remedies.skip(row, "other", None),
    "withdrawn": lambda row: erasure.withdraw(row.interview.candidate),
    "left": lambda row: exports.finish(row, timezone.now()),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_nobody_is_asked_any_more_once_it_is_over(
    recruiter: Member, stopped: Interview, end: Callable[[Export], object]
) -> None:
    _interviewer_of(stopped)
    _client(recruiter).post(reverse("lever:rephrase", args=[stopped.pk]))
    assert _asked(stopped)
    end(Export.objects.get())
    assert not _asked(stopped)


def _send_anyway(member: Member, interview: Interview) -> int:
    url = reverse("lever:send_anyway", args=[interview.pk])
    return _client(member).post(url, {"texts": "1f"}).status_code


def test_sending_anyway_is_in_the_audit_trail(recruiter: Member, stopped: Interview) -> None:
    assert 'name="texts" value="1f"' in _story(recruiter, stopped)
    assert _send_anyway(recruiter, stopped) == 302
    event = AuditEvent.objects.get(action="export.cleared")
    assert (event.member, event.detail) == (recruiter, {"kinds": ["name", "place"]})
    # Without the first line, the trail reads like that of any export that was asked for again.
    assert AuditEvent.objects.get(action="export.retried").member == recruiter
    assert Export.objects.get().state == "waiting"


@pytest.mark.parametrize("kind", ["full_name", "email", "phone", "link"])
def test_what_is_no_common_word_cannot_be_sent_anyway(
    recruiter: Member, stopped: Interview, kind: str
) -> None:
    Export.objects.update(detail={"kinds": [kind, "place"]})
    shown = _story(recruiter, stopped)
    assert "Ask to rephrase" in shown and "Send anyway" not in shown
    assert _send_anyway(recruiter, stopped) == 404


def test_nor_texts_that_are_others_than_the_page_showed(
    recruiter: Member, stopped: Interview
) -> None:
    url = reverse("lever:send_anyway", args=[stopped.pk])
    answer = _client(recruiter).post(url, {"texts": "2e"}, follow=True)
    assert "changed meanwhile" in answer.content.decode()
    assert Export.objects.get().state == "stopped"


def test_what_is_not_stopped_cannot_be_sent_anyway(recruiter: Member) -> None:
    interview = _in_lever(recruiter)
    answer = _client(recruiter).post(reverse("lever:send_anyway", args=[interview.pk]))
    assert answer.status_code == 404


def test_nor_does_a_recruiter_who_held_it_and_was_replaced(recruiter: Member) -> None:
    interview = _in_lever(recruiter)
    interview.former.add(recruiter)
    assert "Open in Lever" not in _story(recruiter, interview)


@pytest.mark.parametrize("named", [True, False], ids=["named", "under the pseudonym"])
def test_after_an_erasure_staff_are_asked_until_they_say_it_is_done(
    recruiter: Member, named: bool
) -> None:
    interview = factories.passed(recruiter.organisation)
    candidate = factories.candidate(recruiter.organisation)
    Interview.objects.filter(pk=interview.pk).update(candidate=candidate)
    interview.refresh_from_db()
    factories.opportunity(interview, named=named)
    erasure.erase(candidate)
    asked = "Erase the profile in Lever, too"
    assert asked in _story(recruiter, interview)
    assert "erase the profile in Lever" in _client(recruiter).get("/").content.decode()
    _client(recruiter).post(reverse("lever:erased_there", args=[interview.pk]))
    assert asked not in _story(recruiter, interview)
    assert "erase the profile in Lever" not in _client(recruiter).get("/").content.decode()


@pytest.mark.parametrize("done", ["keep", "erase"])
def test_deleted_in_lever_admins_are_asked_about_erasure_here(done: str) -> None:
    admin = factories.member(role=Role.ADMIN)
    interview = factories.passed(admin.organisation)
    candidate = factories.candidate(admin.organisation)
    Interview.objects.filter(pk=interview.pk).update(candidate=candidate)
    opportunity = factories.opportunity(interview)
    asked, browser = "deleted in Lever", _client(admin)
    assert asked not in _story(admin, interview)
    moves.gone(opportunity, timezone.now())
    assert asked in _story(admin, interview)
    assert asked not in _story(factories.member(admin.organisation, Role.RECRUITER), interview)
    assert "Deleted in Lever" in browser.get("/").content.decode()
    if done == "keep":
        browser.post(reverse("lever:keep_here", args=[interview.pk]))
    else:
        browser.post(reverse("candidates:erase_for", args=[candidate.pk]))
    assert asked not in _story(admin, interview)
    assert "Deleted in Lever" not in browser.get("/").content.decode()
    candidate.refresh_from_db()
    assert (candidate.erased_at is not None) is (done == "erase")


@pytest.mark.parametrize("reason", ["withdrew", "refused"])
def test_taken_back_when_the_profile_was_there_already_it_is_to_be_erased_there(
    recruiter: Member, reason: str
) -> None:
    interview = _in_lever(recruiter)
    Export.objects.update(state="ended", reason=reason)
    asked = "erase the profile in Lever"
    shown = _story(recruiter, interview)
    assert "<h2>In Lever</h2>" in shown and "Stays here" not in shown
    assert "Erase the profile in Lever" in shown
    assert asked in _client(recruiter).get("/").content.decode()
    _client(recruiter).post(reverse("lever:erased_there", args=[interview.pk]))
    assert "Erase the profile in Lever" not in _story(recruiter, interview)
    assert asked not in _client(recruiter).get("/").content.decode()


def test_by_name_without_a_yes_it_says_so_until_it_is_erased_there(recruiter: Member) -> None:
    interview = _in_lever(recruiter)
    done = {"remote_id": "p1", "state": "done", "order": 0, "done_at": timezone.now()}
    ExportStep.objects.create(export=interview.export, name="profile", **done)
    asked = "their yes is not known here"
    assert asked in _story(recruiter, interview)
    assert asked not in _story(_interviewer_of(interview), interview)
    _client(recruiter).post(reverse("lever:erased_there", args=[interview.pk]))
    assert asked not in _story(recruiter, interview)


def test_ended_without_a_profile_it_stays_here(recruiter: Member) -> None:
    interview = _in_lever(recruiter)
    Opportunity.objects.all().delete()
    Export.objects.update(state="ended", reason="refused")
    assert "<h2>Stays here</h2>" in _story(recruiter, interview)
    assert "erase the profile" not in _client(recruiter).get("/").content.decode()


def test_what_was_reported_stands_there_until_lever_was_asked(recruiter: Member) -> None:
    stages.replace(recruiter.organisation, [("on", "Onsite")])
    interview = _in_lever(recruiter)
    about = interview.opportunity.external_id
    connection = connections.of(recruiter.organisation)
    factories.delivery(connection, about, to_stage="on", verdict="reported")
    factories.delivery(connection, about, "candidateHired")
    shown = _story(recruiter, interview)
    assert "Reported: moved into Onsite" in shown and "Reported: hired" in shown
    connection.deliveries.update(verdict="applied")
    assert "Reported" not in _story(recruiter, interview)


def test_the_stage_that_comes_next_stands_at_the_end(recruiter: Member) -> None:
    stages.replace(recruiter.organisation, [("new", "New lead"), ("on", "Onsite"), ("of", "Offer")])
    interview = factories.passed(recruiter.organisation)
    factories.opportunity(interview, ["new"])
    Export.objects.create(
        interview=interview, organisation=recruiter.organisation, kind="named", state="exported"
    )
    shown = _story(recruiter, interview)
    assert "Onsite" in shown
    assert "Offer" not in shown
