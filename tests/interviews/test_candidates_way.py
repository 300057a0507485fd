"""The way in for candidates, and their interview on their own page."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import factories
from nomdecode.candidates import links as private_links
from nomdecode.candidates.models import Candidate
from nomdecode.interviews import links
from nomdecode.interviews.models import Interview, InviteLink, State
from nomdecode.orgs.models import Decision, Member

pytestmark = pytest.mark.django_db


@pytest.fixture
def recruiter() -> Member:
    return factories.member()


@pytest.fixture
def link(recruiter: Member) -> InviteLink:
    return links.position_link(factories.position(recruiter.organisation), recruiter)


@pytest.fixture
def personal(recruiter: Member) -> InviteLink:
    return links.personal_link(factories.position(recruiter.organisation), recruiter)


def where(link: InviteLink) -> str:
    return reverse("interviews:join", args=[links.token_of(link)])


def details(**changes: Any) -> dict[str, Any]:
    return {"name": "Ada Lovelace", "email": "ada@analytical.example", "choice": "ask_me"} | changes


def test_filling_in_the_form_makes_a_candidate_and_an_interview(
    client: Client, link: InviteLink
) -> None:
    response = client.post(where(link), details())
    interview = Interview.objects.get()
    assert response["Location"] == reverse("interviews:joined")
    assert (interview.position, interview.recruiter) == (link.position, link.recruiter)
    assert interview.state == State.UNSCHEDULED


def test_nothing_of_it_is_shown_afterwards(client: Client, link: InviteLink) -> None:
    shown = client.post(where(link), details(), follow=True).content.decode()
    assert "ada@analytical.example" not in shown
    assert Candidate.objects.get().pseudonym not in shown


def test_opening_the_link_changes_nothing(client: Client, personal: InviteLink) -> None:
    for _ in range(3):
        assert client.get(where(personal)).status_code == 200
    personal.refresh_from_db()
    assert personal.used_at is None
    assert not Candidate.objects.exists()


def test_the_page_stays_out_of_caches_and_referrers(client: Client, link: InviteLink) -> None:
    response = client.get(where(link))
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"


def test_it_says_who_gets_what(client: Client, link: InviteLink) -> None:
    shown = client.get(where(link)).content.decode()
    for said in ("We never show them who you are.", "if you pass and agree", "under your name"):
        assert said in shown
    assert "those of them with access to Lever can see it there" in shown
    assert "If you do not pass, Acme may keep the scorecards there under your pseudonym" in shown


def test_a_personal_link_says_that_its_sender_knows(
    client: Client, link: InviteLink, personal: InviteLink
) -> None:
    said = "whoever sent it knows whom they invited"
    assert said in client.get(where(personal)).content.decode()
    assert said not in client.get(where(link)).content.decode()


def test_what_was_typed_is_kept_and_the_file_asked_for_again(
    client: Client, link: InviteLink
) -> None:
    resume = SimpleUploadedFile("ada.pdf", b"%PDF-1.4 x")
    response = client.post(where(link), details(email="no address", resume=resume))
    shown = response.content.decode()
    assert response.status_code == 422
    assert "Ada Lovelace" in shown
    assert "has to be chosen again" in shown
    assert 'role="alert" tabindex="-1" autofocus' in shown  # else it is far below a phone's screen
    assert not Candidate.objects.exists()


def test_a_personal_link_works_once(client: Client, personal: InviteLink) -> None:
    client.post(where(personal), details())
    again = client.post(where(personal), details())
    assert again.status_code == 404
    assert "has been used" in again.content.decode()
    assert Candidate.objects.count() == 1


def test_the_positions_link_works_again(client: Client, link: InviteLink) -> None:
    client.post(where(link), details())
    client.post(where(link), details(email="grace@navy.example"))
    assert Candidate.objects.count() == 2


def test_a_link_that_was_replaced_says_so(
    client: Client, link: InviteLink, recruiter: Member
) -> None:
    links.new_position_link(link.position, recruiter, timezone.now())
    assert "it was replaced by a new one" in client.get(where(link)).content.decode()
    client.post(where(link), details())
    assert not Candidate.objects.exists()


def test_a_personal_link_that_was_revoked_says_so_and_of_no_other(
    client: Client, personal: InviteLink, recruiter: Member
) -> None:
    links.revoke(personal, recruiter, timezone.now())
    page = client.get(where(personal)).content.decode()
    assert "it was taken back" in page and "replaced" not in page
    client.post(where(personal), details())
    assert not Candidate.objects.exists()


def test_a_closed_position_says_so(client: Client, link: InviteLink) -> None:
    link.position.open = False
    link.position.save()
    page = client.get(where(link)).content.decode()
    assert "closed" in page and "for a new one" not in page


def test_an_invented_link_says_so(client: Client) -> None:
    response = client.get(reverse("interviews:join", args=["x" * 43]))
    assert response.status_code == 404
    assert "This link does not work" in response.content.decode()


# --- on the candidate's own page


def part(client: Client, interview: Interview) -> str:
    token = private_links.issue(interview.candidate)
    response = client.get(
        reverse("interviews:candidate_part", args=[token]), headers={"HX-Request": "true"}
    )
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_when_and_how_to_stay_unnamed(client: Client, recruiter: Member) -> None:
    position = factories.position(recruiter.organisation)
    interview = factories.interview(position, [recruiter])
    shown = part(client, interview)
    assert f"Join as {interview.candidate.pseudonym}, camera off" in shown
    assert "https://meet.example/room" in shown
    assert "<html" not in shown


def test_without_scripts_it_is_a_page(client: Client, recruiter: Member) -> None:
    interview = factories.interview(factories.position(recruiter.organisation))
    token = private_links.issue(interview.candidate)
    response = client.get(reverse("interviews:candidate_part", args=[token]))
    assert "<html" in response.content.decode()


@pytest.mark.parametrize(
    ("decision", "said"),
    [("yes", "You passed"), ("no", "You did not pass"), ("no", "under the pseudonym alone")],
)
def test_it_says_how_it_went(client: Client, decision: str, said: str) -> None:
    interview = factories.held_interview()
    factories.submitted(interview.assignments.get(), decision)
    assert said in part(client, interview)


def test_it_says_nothing_of_that_during_the_hold(client: Client) -> None:
    position = factories.position(factories.organisation(hold_minutes=15))
    interview = factories.held_interview(position)
    factories.submitted(interview.assignments.get(), Decision.YES)
    assert "passed" not in part(client, interview)


def test_a_revoked_private_link_finds_nothing_and_says_what_to_do(client: Client) -> None:
    interview = factories.held_interview()
    token = private_links.issue(interview.candidate)
    private_links.revoke_all(interview.candidate)
    response = client.get(reverse("interviews:candidate_part", args=[token]))
    assert response.status_code == 404
    assert "newest letter" in response.content.decode()
    assert (response["Cache-Control"], response["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_a_link_cannot_be_used_to_flood_strangers_with_mail(
    client: Client, link: InviteLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MOST_AN_HOUR", 1)
    client.post(where(link), details())
    response = client.post(where(link), details(name="Grace Hopper"))
    assert response.status_code == 422
    assert "try again in an hour" in response.content.decode()
    assert "Grace Hopper" in response.content.decode()  # nothing typed is lost
    assert Candidate.objects.count() == 1


# --- whether they were asked who they are


def answered(client: Client, interview: Interview, said: str, **more: Any) -> tuple[int, str]:
    token = private_links.issue(interview.candidate)
    url = reverse("interviews:candidate_asked", args=[token])
    response = client.post(url, {"asked": said}, **more)
    return response.status_code, response.content.decode()


def test_after_the_interview_candidates_are_asked_whether_they_were_asked(client: Client) -> None:
    scheduled = factories.interview()
    assert "Were you asked anything" not in part(client, scheduled)
    assert "Were you asked anything" in part(client, factories.held_interview())


@pytest.mark.parametrize(("said", "kept"), [("yes", True), ("no", False)])
def test_the_answer_is_kept_and_can_be_changed(client: Client, said: str, kept: bool) -> None:
    interview = factories.held_interview()
    assert answered(client, interview, "no" if kept else "yes")[0] == 302
    status, shown = answered(client, interview, said, headers={"HX-Request": "true"})
    assert (status, f"You answered {said}" in shown, "<html" in shown) == (200, True, False)
    interview.refresh_from_db()
    assert (interview.asked_who, interview.asked_who_at is not None) == (kept, True)


@pytest.mark.parametrize(("held", "said"), [(False, "yes"), (True, "perhaps")])
def test_what_is_no_answer_or_comes_before_the_interview_is_not_taken(
    client: Client, held: bool, said: str
) -> None:
    position = factories.position()
    interview = factories.held_interview(position) if held else factories.interview(position)
    assert answered(client, interview, said)[0] == 404
    interview.refresh_from_db()
    assert interview.asked_who is None


def test_what_they_download_tells_of_the_interview_and_their_answer(client: Client) -> None:
    interview = factories.held_interview()
    answered(client, interview, "yes")
    token = private_links.issue(interview.candidate)
    told = client.get(reverse("candidates:download", args=[token])).json()["interview"]
    assert told["position"] == interview.position.title
    assert (told["state"], told["asked_who_you_are"]) == ("Held", True)
    assert told["answered"]
