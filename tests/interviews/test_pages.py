"""The pages of interviews: who sees what, and what each button does."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import factories
from nomdecode.candidates import erasure
from nomdecode.candidates.models import Candidate
from nomdecode.interviews import links, scheduling, scorecards, tasks
from nomdecode.interviews.models import Assignment, Interview, Outcome, Position, State
from nomdecode.orgs.models import Decision, Member, Organisation, Role

pytestmark = pytest.mark.django_db
SECRET = "Her evidence is in these words."


@pytest.fixture
def acme() -> Organisation:
    return factories.organisation()


@pytest.fixture
def recruiter(acme: Organisation) -> Member:
    return factories.member(acme, Role.RECRUITER, "Remy Laurent")


@pytest.fixture
def iris(acme: Organisation) -> Member:
    return factories.member(acme, Role.INTERVIEWER, "Iris Chen")


@pytest.fixture
def omar(acme: Organisation) -> Member:
    return factories.member(acme, Role.INTERVIEWER, "Omar Diaz")


@pytest.fixture
def position(acme: Organisation, recruiter: Member) -> Position:
    return factories.position(acme)


@pytest.fixture
def interview(position: Position, iris: Member, omar: Member) -> Interview:
    """Held by Iris, who decides, and Omar; no scorecard yet."""
    return factories.held_interview(position, [iris, omar])


def as_(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"interviews:{name}", args=args)


def page(client: Client, name: str, *args: object) -> str:
    response = client.get(url(name, *args))
    assert response.status_code == 200, (name, response.status_code)
    return response.content.decode()


def place_of(interview: Interview, member: Member) -> Assignment:
    return interview.assignments.get(member=member)


def send_as(member: Member, interview: Interview, decision: str = "") -> None:
    place = place_of(interview, member)
    content = factories.scorecard_content(interview, decision)
    for entry in content["ratings"].values():
        entry["evidence"] = SECRET
    scorecards.submit(place, content, timezone.now())


# --- who sees what


def test_the_list_shows_staff_all_interviews(recruiter: Member, interview: Interview) -> None:
    assert interview.candidate.pseudonym in page(as_(recruiter), "list")


def test_the_list_shows_interviewers_their_own_alone(
    acme: Organisation, interview: Interview, iris: Member
) -> None:
    stranger = factories.member(acme, Role.INTERVIEWER)
    assert interview.candidate.pseudonym in page(as_(iris), "list")
    assert interview.candidate.pseudonym not in page(as_(stranger), "list")


def test_an_empty_list_says_what_to_do(recruiter: Member, iris: Member) -> None:
    assert "No interviews yet" in page(as_(recruiter), "list")
    assert "as soon as a recruiter has chosen you" in page(as_(iris), "list")


def test_when_somebody_entered_their_details_whoever_interviews_does_not_read(
    position: Position, recruiter: Member, iris: Member
) -> None:
    """Who sent a friend the link might know the minute."""
    made = factories.interview(position, [iris], timezone.now() + timedelta(days=2))
    entered = timezone.now() - timedelta(days=9)
    Interview.objects.update(created_at=entered)
    said = f"{timezone.localtime(entered):%H:%M}"
    told, kept = page(as_(recruiter), "interview", made.pk), page(as_(iris), "interview", made.pk)
    assert "Details entered" in told and "Details entered" in kept
    assert said in told.split("Details entered")[1].split("in the vault")[0]
    assert said not in kept.split("Details entered")[1].split("in the vault")[0]
    Member.objects.filter(pk=iris.pk).update(role=Role.ADMIN)
    assert said not in page(as_(iris), "interview", made.pk).split("Details entered")[1][:90]


def test_staff_get_from_an_interview_to_its_candidate(
    interview: Interview, recruiter: Member, iris: Member
) -> None:
    candidate = reverse("candidates:candidate", args=[interview.candidate_id])
    assert f'href="{candidate}"' in page(as_(recruiter), "interview", interview.pk)
    assert candidate not in page(as_(iris), "interview", interview.pk)


def test_the_list_filters_by_state_and_position(recruiter: Member, interview: Interview) -> None:
    client, name = as_(recruiter), interview.candidate.pseudonym
    held = client.get(url("list"), {"state": "held", "position": interview.position_id})
    cancelled = client.get(url("list"), {"state": "cancelled"})
    nonsense = client.get(url("list"), {"state": "x", "position": "x", "page": "x"})
    assert name in held.content.decode()
    assert name not in cancelled.content.decode()
    assert name in nonsense.content.decode()


def test_the_list_costs_the_same_for_few_and_for_many(
    recruiter: Member, position: Position, iris: Member
) -> None:
    client = as_(recruiter)
    factories.submitted(factories.held_interview(position, [iris]).assignments.get())
    factories.held_interview(position, [iris])
    with CaptureQueriesContext(connection) as few:
        page(client, "list")
    for _ in range(10):
        factories.submitted(factories.held_interview(position, [iris]).assignments.get())
        factories.held_interview(position, [iris])
    with CaptureQueriesContext(connection) as many:
        page(client, "list")
    assert len(many) == len(few)


def test_an_interview_is_for_its_own_interviewers(acme: Organisation, interview: Interview) -> None:
    stranger = as_(factories.member(acme, Role.INTERVIEWER))
    for name in ("interview", "state", "scorecard"):
        assert stranger.get(url(name, interview.pk)).status_code == 404


def test_an_interviewer_reads_others_scorecards_after_sending_their_own(
    interview: Interview, iris: Member, omar: Member
) -> None:
    send_as(iris, interview, Decision.YES)
    before = page(as_(omar), "interview", interview.pk)
    send_as(omar, interview)
    after = page(as_(omar), "interview", interview.pk)
    assert (SECRET in before, SECRET in after) == (False, True)
    assert "1 scorecard of other interviewers is in" in before


def test_staff_read_what_is_sent(recruiter: Member, interview: Interview, iris: Member) -> None:
    send_as(iris, interview, Decision.YES)
    assert SECRET in page(as_(recruiter), "interview", interview.pk)


def test_staff_who_interview_write_first(
    recruiter: Member, interview: Interview, iris: Member
) -> None:
    Assignment.objects.create(interview=interview, member=recruiter)
    send_as(iris, interview, Decision.YES)
    assert SECRET not in page(as_(recruiter), "interview", interview.pk)


def test_the_outcome_is_not_told_to_who_has_yet_to_write(
    interview: Interview, iris: Member, omar: Member, recruiter: Member
) -> None:
    scheduling.excuse(place_of(interview, omar), recruiter, timezone.now())
    send_as(iris, interview, Decision.YES)
    assert "Successful" in page(as_(iris), "interview", interview.pk)
    assert "Successful" not in page(as_(omar), "interview", interview.pk)
    assert "Successful" not in page(as_(omar), "list")


def test_the_live_part_is_the_page_without_its_frame(
    recruiter: Member, interview: Interview
) -> None:
    part = page(as_(recruiter), "state", interview.pk)
    assert "<html" not in part
    assert "When and who" in part
    assert f"live:interview-{interview.pk}" in part


# --- scheduling


def typed(interviewers: list[Member], **changes: Any) -> dict[str, Any]:
    soon = timezone.localtime() + timedelta(days=2)
    return {
        "starts_at": soon.strftime("%Y-%m-%dT14:00"),
        "minutes": "60",
        "meeting_url": "https://meet.example/a",
        "interviewers": [each.pk for each in interviewers],
        "decider": interviewers[0].pk if interviewers else "",
        "version": "0",
        **changes,
    }


@pytest.fixture
def fresh(position: Position) -> Interview:
    return factories.interview(position)


def test_a_recruiter_chooses_time_and_interviewers(
    recruiter: Member, fresh: Interview, iris: Member, omar: Member
) -> None:
    response = as_(recruiter).post(url("schedule", fresh.pk), typed([iris, omar]))
    assert response.status_code == 302
    shown = page(as_(iris), "interview", fresh.pk)
    assert f"joins as {fresh.candidate.pseudonym}, camera off" in shown


def test_a_single_interviewer_decides_without_being_asked(
    recruiter: Member, fresh: Interview, iris: Member
) -> None:
    as_(recruiter).post(url("schedule", fresh.pk), typed([iris], decider=""))
    assert place_of(fresh, iris).decider


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"starts_at": ""}, "Choose a day and a time."),
        ({"starts_at": "2020-01-01T10:00"}, "This time has passed."),
        ({"starts_at": f"{timezone.now().year + 2}-01-01T10:00"}, "more than a year away"),
        ({"minutes": "5"}, "At least 15 minutes."),
        ({"meeting_url": "http://meet.example"}, "begins with https://"),
        ({"meeting_url": "javascript:alert(1)"}, "begins with https://"),
        ({"interviewers": []}, "Choose at least one interviewer."),
        ({"decider": ""}, "Choose who decides"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_kept(
    recruiter: Member,
    fresh: Interview,
    iris: Member,
    omar: Member,
    changes: dict[str, Any],
    sentence: str,
) -> None:
    data = typed([iris, omar]) | {"meeting_url": "https://meet.example/kept"} | changes
    response = as_(recruiter).post(url("schedule", fresh.pk), data)
    assert response.status_code == 422
    assert response.content.decode().count(sentence) == 1
    if "meeting_url" not in changes:
        assert "https://meet.example/kept" in response.content.decode()


def test_a_stale_edit_shows_both_and_can_be_saved_again(
    recruiter: Member, fresh: Interview, iris: Member, omar: Member
) -> None:
    client = as_(recruiter)
    client.post(url("schedule", fresh.pk), typed([iris], meeting_url="https://meet.example/theirs"))
    mine = typed([omar], meeting_url="https://meet.example/mine")
    response = client.post(url("schedule", fresh.pk), mine)
    shown = response.content.decode()
    assert "https://meet.example/theirs" in shown
    assert "https://meet.example/mine" in shown
    assert 'name="version" value="1"' in shown
    assert client.post(url("schedule", fresh.pk), {**mine, "version": "1"}).status_code == 302


def test_another_organisations_member_cannot_be_chosen(recruiter: Member, fresh: Interview) -> None:
    stranger = factories.member()
    response = as_(recruiter).post(url("schedule", fresh.pk), typed([stranger]))
    assert response.status_code == 422


@pytest.mark.parametrize("name", ["cancel", "held", "no_show", "recognise"])
def test_a_get_changes_nothing(interview: Interview, recruiter: Member, name: str) -> None:
    answer = as_(recruiter).get(url(name, interview.pk))
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert f'href="{url("interview", interview.pk)}">Go back' in answer.content.decode()


@pytest.mark.parametrize(
    ("minutes", "offered"),
    [(30, set()), (10, {"held"}), (-10, {"held", "no-show"}), (-90, {"held", "no-show"})],
)
def test_what_became_of_it_can_be_said_once_it_can_have_begun(
    position: Position, recruiter: Member, iris: Member, minutes: int, offered: set[str]
) -> None:
    begins = timezone.now() + timedelta(minutes=minutes)
    shown = page(as_(recruiter), "interview", factories.interview(position, [iris], begins).pk)
    for part in ('commandfor="{}"', '<dialog class="dialog" id="{}"'):
        assert {each for each in ("held", "no-show") if part.format(each) in shown} == offered


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(40, 25 * 60), (10, 10 * 60), (-10, 50 * 60), (-90, 0), (40_000, 0)]
)
def test_its_page_looks_again_when_the_clock_changes_it(
    position: Position, recruiter: Member, iris: Member, minutes: int, seconds: int
) -> None:
    begins = timezone.now() + timedelta(minutes=minutes)
    shown = page(as_(recruiter), "interview", factories.interview(position, [iris], begins).pk)
    found = re.search(r"load delay:(\d+)s", shown)
    assert (int(found[1]) if found else 0) == pytest.approx(seconds, abs=5)


def test_after_a_no_show_only_who_can_is_told_to_choose_another_time(
    position: Position, recruiter: Member, iris: Member
) -> None:
    said = {}
    for member in (recruiter, iris):
        missed = factories.interview(position, [iris], timezone.now() - timedelta(minutes=20))
        answer = as_(member).post(url("no_show", missed.pk), follow=True)
        said[member.role] = "You can choose another time" in answer.content.decode()
    assert said == {Role.RECRUITER: True, Role.INTERVIEWER: False}


def test_an_interviewer_who_recognises_the_person_asks_for_another(
    interview: Interview, iris: Member, omar: Member, recruiter: Member, acme: Organisation
) -> None:
    as_(omar).post(url("recognise", interview.pk))
    assert "Omar Diaz recognised the person" in page(as_(recruiter), "interview", interview.pk)
    newcomer = factories.member(acme, Role.INTERVIEWER)
    place = place_of(interview, omar)
    as_(recruiter).post(url("reassign", place.pk), {"member": newcomer.pk})
    assert {a.member for a in interview.assignments.all()} == {iris, newcomer}


@pytest.mark.parametrize("member", ["", "x", "999999"])
def test_reassigning_to_nobody_changes_nothing(
    interview: Interview, omar: Member, recruiter: Member, member: str
) -> None:
    place = place_of(interview, omar)
    as_(recruiter).post(url("reassign", place.pk), {"member": member})
    assert Assignment.objects.filter(pk=place.pk, member=omar).exists()


def test_what_cannot_be_done_is_said(interview: Interview, recruiter: Member) -> None:
    response = as_(recruiter).post(url("cancel", interview.pk), follow=True)
    assert "held or cancelled already" in response.content.decode()


def test_a_reminder_tells_the_interviewer_and_names_no_candidate(
    interview: Interview, iris: Member, recruiter: Member
) -> None:
    place = place_of(interview, iris)
    as_(recruiter).post(url("remind", place.pk))
    tasks.send_reminder(assignment_id=place.pk)
    letter = mail.outbox[-1]
    assert letter.to == [iris.email]
    assert letter.subject == "A scorecard is due"
    assert interview.candidate.pseudonym not in letter.subject + str(letter.body)
    assert url("scorecard", interview.pk) in letter.body


def test_no_reminder_for_a_scorecard_that_came_meanwhile(
    interview: Interview, iris: Member
) -> None:
    send_as(iris, interview, Decision.YES)
    tasks.send_reminder(assignment_id=place_of(interview, iris).pk)
    assert mail.outbox == []


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_after_a_reminder_one_stays_on_this_site(
    interview: Interview, iris: Member, recruiter: Member, back: str
) -> None:
    place = place_of(interview, iris)
    response = as_(recruiter).post(url("remind", place.pk), {"next": back})
    assert response["Location"] == url("interview", interview.pk)


# --- the scorecard form


def filled(interview: Interview, decision: str = "yes", **changes: Any) -> dict[str, Any]:
    data = {"amends": "0", "draft_version": "0", "recognised": "no", "decision": decision}
    for criterion in interview.position.criteria.all():
        data[f"rating-{criterion.pk}"] = "3"
        data[f"evidence-{criterion.pk}"] = SECRET
    return {**data, **changes}


def test_what_is_typed_is_there_again_in_a_new_tab(interview: Interview, iris: Member) -> None:
    client = as_(iris)
    response = client.post(url("draft", interview.pk), {"notes": "So far", "draft_version": "0"})
    assert "Draft kept" in response.content.decode()
    assert 'name="draft_version" value="1"' in response.content.decode()
    assert "So far" in page(client, "scorecard", interview.pk)


def test_two_tabs_are_told_of_each_other_and_one_can_be_kept(
    interview: Interview, iris: Member
) -> None:
    client, draft = as_(iris), url("draft", interview.pk)
    client.post(draft, {"notes": "One", "draft_version": "0"})
    told = client.post(draft, {"notes": "Two", "draft_version": "0"}).content.decode()
    assert "changed in another tab" in told
    assert "One" in page(client, "scorecard", interview.pk)
    client.post(draft, {"notes": "Two", "draft_version": "0", "keep": "1"})
    assert "Two" in page(client, "scorecard", interview.pk)


def test_sending_asks_first_and_says_when_the_outcome_leaves(
    interview: Interview, iris: Member
) -> None:
    asked = as_(iris).post(url("draft", interview.pk), filled(interview, ask="1"))
    assert (
        "“Yes” passes: a profile goes to Lever as soon as the candidate has agreed to be named and "
        "Lever is on." in asked.content.decode()
    )


def test_for_who_does_not_pass_it_says_what_may_go_to_lever(
    interview: Interview, iris: Member
) -> None:
    asked = as_(iris).post(url("draft", interview.pk), filled(interview, "no", ask="1"))
    assert (
        "nothing is sent under this candidate’s name; a record may go to Lever under the pseudonym."
        in asked.content.decode()
    )
    assert "The outcome waits for Omar Diaz" in asked.content.decode()


def test_with_a_hold_it_says_until_when_it_can_be_amended(acme: Organisation, iris: Member) -> None:
    acme.hold_minutes = 15
    acme.save()
    interview = factories.held_interview(factories.position(acme), [iris])
    asked = as_(iris).post(url("draft", interview.pk), filled(interview, ask="1"))
    assert "amendable until then" in asked.content.decode()


def test_asking_lists_what_is_missing(interview: Interview, iris: Member) -> None:
    asked = as_(iris).post(url("draft", interview.pk), filled(interview, "", ask="1"))
    assert "You are the decider: choose a decision." in asked.content.decode()


def test_too_few_words_are_said_once_for_each_criterion(interview: Interview, iris: Member) -> None:
    first, second = interview.position.criteria.all()
    few = {f"evidence-{each.pk}": "Fine" for each in (first, second)}
    asked = as_(iris).post(url("draft", interview.pk), filled(interview, ask="1", **few))
    for criterion in (first, second):
        sentence = f"what they said or did for “{criterion.name}”: at least 10 characters"
        assert sentence in asked.content.decode()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"recognised": "", "decision": ""}, 'name="decision"'),
        ({"recognised": "", "evidence": "Fine"}, 'name="evidence-{}"'),
        ({"evidence": "Fine", "rating": ""}, 'name="rating-{}"'),
    ],
)
def test_the_first_field_concerned_has_the_focus(
    interview: Interview, iris: Member, wrong: dict[str, str], field: str
) -> None:
    second = interview.position.criteria.all()[1].pk
    named = {f"{k}-{second}" if k in ("evidence", "rating") else k: v for k, v in wrong.items()}
    shown = as_(iris).post(url("submit", interview.pk), filled(interview) | named).content.decode()
    focused = [
        each for each in re.findall(r"<(?:input|textarea)[^>]*>", shown) if "autofocus" in each
    ]
    assert len(focused) == 1
    assert field.format(second) in focused[0]


def test_sent_it_is_on_the_interviews_page(interview: Interview, iris: Member) -> None:
    response = as_(iris).post(url("submit", interview.pk), filled(interview), follow=True)
    assert SECRET in response.content.decode()


def test_sent_twice_is_the_same_page(interview: Interview, iris: Member) -> None:
    client = as_(iris)
    first = client.post(url("submit", interview.pk), filled(interview))
    second = client.post(url("submit", interview.pk), filled(interview))
    assert (first.status_code, second.status_code) == (302, 302)
    assert place_of(interview, iris).scorecards.count() == 1


def test_what_is_missing_is_said_beside_the_field_and_the_draft_kept(
    interview: Interview, iris: Member
) -> None:
    client = as_(iris)
    response = client.post(url("submit", interview.pk), filled(interview, "", notes="Kept"))
    shown = response.content.decode()
    assert response.status_code == 422
    assert 'id="decision-error"' in shown
    assert "Kept" in page(client, "scorecard", interview.pk)


def test_a_second_scorecard_from_an_old_tab_is_refused_and_shown(
    interview: Interview, iris: Member
) -> None:
    client = as_(iris)
    client.post(url("submit", interview.pk), filled(interview))
    response = client.post(url("submit", interview.pk), filled(interview, "no", notes="Old tab"))
    assert "You have already sent a scorecard" in response.content.decode()
    assert "Old tab" in response.content.decode()


def test_asked_to_rephrase_the_form_says_so_without_saying_what(
    interview: Interview, iris: Member
) -> None:
    place = place_of(interview, iris)
    factories.submitted(place)
    Assignment.objects.filter(pk=place.pk).update(rephrase_asked_at=timezone.now())
    shown = page(as_(iris), "scorecard", interview.pk)
    assert "describe the work, not the person" in shown


def test_asked_to_rephrase_after_it_left_only_words_can_be_changed(
    position: Position, iris: Member
) -> None:
    interview = factories.held_interview(position, [iris])
    factories.submitted(interview.assignments.get())
    Assignment.objects.update(rephrase_asked_at=timezone.now())
    shown = page(as_(iris), "scorecard", interview.pk)
    choices = re.findall(r'<input type="radio"[^>]*>', shown)
    assert choices
    assert all("checked" in each or "disabled" in each for each in choices)


def test_once_the_details_are_erased_the_form_takes_no_words_and_says_so(
    interview: Interview, iris: Member
) -> None:
    client, draft = as_(iris), url("draft", interview.pk)
    client.post(draft, filled(interview))
    erasure.erase(interview.candidate)
    shown = page(client, "scorecard", interview.pk)
    assert "What you choose is kept, what you write is not." in shown
    assert "in the vault" not in page(client, "interview", interview.pk)
    assert "<textarea" not in shown and SECRET not in shown
    late = client.post(draft, filled(interview, draft_version="1", ask="1")).content.decode()
    assert "details were erased" in late and "another tab" not in late
    kept = client.post(draft, filled(interview, keep="1")).content.decode()
    assert "without words" in kept
    client.post(url("submit", interview.pk), filled(interview))
    sent = page(client, "interview", interview.pk)
    assert "3 good" in sent and SECRET not in sent
    assert "Its words are not kept" in sent


def test_after_the_outcome_left_the_form_is_closed(position: Position, iris: Member) -> None:
    interview = factories.held_interview(position, [iris])
    factories.submitted(interview.assignments.get())
    assert as_(iris).get(url("scorecard", interview.pk)).status_code == 302


def test_after_the_outcome_left_amending_is_not_offered_and_says_why(
    position: Position, iris: Member
) -> None:
    interview = factories.held_interview(position, [iris])
    send_as(iris, interview, Decision.YES)
    client = as_(iris)
    assert "Amend scorecard" not in page(client, "interview", interview.pk)
    again = client.get(url("scorecard", interview.pk), follow=True).content.decode()
    assert "The outcome of this interview has left." in again


def test_until_the_outcome_leaves_and_when_asked_to_rephrase_amending_is_offered(
    acme: Organisation, position: Position, iris: Member
) -> None:
    acme.hold_minutes = 15
    acme.save()
    interview = factories.held_interview(position, [iris])
    send_as(iris, interview, Decision.YES)
    assert "Amend scorecard" in page(as_(iris), "interview", interview.pk)
    Outcome.objects.update(leaves_at=timezone.now())
    Assignment.objects.update(rephrase_asked_at=timezone.now())
    assert "Amend scorecard" in page(as_(iris), "interview", interview.pk)


def test_only_interviewers_of_it_have_a_scorecard(recruiter: Member, interview: Interview) -> None:
    assert as_(recruiter).get(url("scorecard", interview.pk)).status_code == 404


# --- positions and their links


def test_a_position_from_a_template_has_criteria_and_a_link(recruiter: Member) -> None:
    client = as_(recruiter)
    response = client.post(url("position_new"), {"template": "backend"}, follow=True)
    shown = response.content.decode()
    made = Position.objects.get()
    link = made.links.get()
    assert [str(each) for each in made.criteria.all()][:2] == ["Problem solving", "Code"]
    assert links.address(link) in shown


def test_a_blank_position_needs_a_title(recruiter: Member) -> None:
    response = as_(recruiter).post(url("position_new"), {"template": "blank"})
    assert "A blank position needs a title." in response.content.decode()


def criteria_form(position: Position, **changes: Any) -> dict[str, Any]:
    rows = list(position.criteria.all())
    data: dict[str, Any] = {
        "title": position.title,
        "open": "on",
        "criteria-TOTAL_FORMS": len(rows) + 1,
        "criteria-INITIAL_FORMS": len(rows),
    }
    for number, row in enumerate(rows):
        data[f"criteria-{number}-id"] = row.pk
        data[f"criteria-{number}-name"] = row.name
    return {**data, **changes}


def names(position: Position) -> list[str]:
    return [each.name for each in position.criteria.filter(retired=False)]


def test_criteria_are_added_renamed_retired_and_moved(
    recruiter: Member, position: Position
) -> None:
    client, where = as_(recruiter), url("position", position.pk)
    client.post(where, criteria_form(position, **{"criteria-2-name": "Product sense"}))
    assert names(position) == ["Code", "Testing", "Product sense"]
    client.post(where, criteria_form(position, **{"criteria-0-name": "Clean code"}))
    assert names(position) == ["Clean code", "Testing", "Product sense"]
    last = position.criteria.get(name="Product sense")
    client.post(where, criteria_form(position, move=f"{last.pk}:up"))
    assert names(position) == ["Clean code", "Product sense", "Testing"]
    client.post(where, criteria_form(position, **{"criteria-1-retired": "on"}))
    assert names(position) == ["Clean code", "Testing"]


def test_a_criterion_that_candidates_were_rated_by_keeps_its_name(
    recruiter: Member, position: Position
) -> None:
    """The guard reads it beside what was written: one recruiter’s guess after another, answered."""
    held = factories.held_interview(position, [recruiter])
    factories.submitted(held.assignments.get())
    answer = as_(recruiter).post(
        url("position", position.pk),
        criteria_form(position, **{"criteria-0-name": "Dana Whitfield"}),
    )
    assert answer.status_code == 422
    assert "have been rated by “Code”, so it keeps its name" in answer.content.decode()
    assert names(position) == ["Code", "Testing"]
    data = criteria_form(position, **{"criteria-0-hint": "Reads well", "criteria-1-retired": "on"})
    assert as_(recruiter).post(url("position", position.pk), data).status_code == 302
    assert names(position) == ["Code"]


def test_another_positions_criterion_is_not_touched(recruiter: Member, position: Position) -> None:
    foreign = factories.position(title="Elsewhere").criteria.first()
    assert foreign
    data = criteria_form(position, **{"criteria-0-id": foreign.pk, "criteria-0-name": "Mine now"})
    as_(recruiter).post(url("position", position.pk), data)
    foreign.refresh_from_db()
    assert foreign.name == "Code"


def test_a_new_link_and_a_personal_one(recruiter: Member, position: Position) -> None:
    client = as_(recruiter)
    old = links.position_link(position, recruiter)
    client.post(url("link_new", position.pk))
    client.post(url("link_new", position.pk), {"personal": "1"})
    shown = page(client, "position", position.pk)
    assert links.address(old) not in shown
    personal = position.links.get(personal=True)
    assert links.address(personal) in shown
    client.post(url("link_revoke", personal.pk))
    assert links.address(personal) not in page(client, "position", position.pk)


def test_looking_at_a_position_makes_no_link(recruiter: Member, position: Position) -> None:
    page(as_(recruiter), "position", position.pk)
    as_(recruiter).get(url("new"), {"position": position.pk})
    assert not position.links.exists()


def test_a_new_interview_is_a_link_to_share(recruiter: Member, position: Position) -> None:
    link = links.position_link(position, recruiter)
    response = as_(recruiter).get(url("new"), {"position": position.pk})
    assert links.address(link) in response.content.decode()


def test_closing_a_position_keeps_its_interviews(recruiter: Member, interview: Interview) -> None:
    where = url("position", interview.position_id)
    data = criteria_form(interview.position)
    del data["open"]
    as_(recruiter).post(where, data)
    interview.refresh_from_db()
    assert (interview.position.open, interview.state) == (False, State.HELD)


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (erasure.withdraw, "The candidate has withdrawn."),
        (erasure.erase, "details were erased at their wish."),
    ],
    ids=["withdrawn", "erased"],
)
def test_the_page_tells_why_the_candidate_is_gone(
    recruiter: Member, fresh: Interview, ending: Callable[[Candidate], None], told: str
) -> None:
    ending(fresh.candidate)
    page = as_(recruiter).get(url("interview", fresh.pk)).content.decode()
    assert told in page and "Schedule it again" not in page
