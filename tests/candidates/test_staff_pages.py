"""Staff see pseudonyms; after both yeses they may open who it is, each time audited."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import factories
from nomdecode.candidates import consent, erasure, letters, links, vault
from nomdecode.candidates.models import Candidate
from nomdecode.interviews import access, scheduling, scorecards
from nomdecode.interviews.models import Interview, State
from nomdecode.orgs.models import AuditEvent, Member, Role

pytestmark = pytest.mark.django_db
PURPOSE = {"purpose": "Arrange next steps"}
# None so short that a random token could hold it.
SECRETS = ("Lovelace", "analytical.example", "7946 0000", "London")


@pytest.fixture
def recruiter() -> Member:
    return factories.member(role=Role.RECRUITER, name="Remy Park")


@pytest.fixture
def candidate(recruiter: Member) -> Candidate:
    """Passed, and agreed to be named."""
    candidate = factories.candidate(
        recruiter.organisation, choice="name_me", resume=vault.Resume(b"%PDF-1.7 words", "pdf")
    )
    candidate.passed_at = timezone.now()
    candidate.save()
    return candidate


@pytest.fixture
def browser(client: Client, recruiter: Member) -> Client:
    client.force_login(recruiter.user)
    return client


def url(name: str, candidate: Candidate) -> str:
    return reverse(f"candidates:{name}", args=[candidate.pk])


def revealed() -> int:
    return AuditEvent.objects.filter(action="candidate.revealed").count()


def test_an_admin_erases_for_a_candidate_and_the_trail_says_who(
    client: Client, candidate: Candidate
) -> None:
    admin = factories.member(candidate.organisation, Role.ADMIN)
    client.force_login(admin.user)
    assert url("erase_for", candidate) in client.get(url("candidate", candidate)).content.decode()
    assert "for good?" in client.get(url("erase_for", candidate)).content.decode()
    assert Candidate.objects.filter(erased_at=None).exists()  # to look changes nothing
    client.post(url("erase_for", candidate))
    with pytest.raises(vault.Erased):
        vault.own_details(candidate)
    event = AuditEvent.objects.get(action="candidate.erased")
    assert (event.member, event.by) == (admin, "member")


def test_a_recruiter_erases_nobody(browser: Client, candidate: Candidate) -> None:
    assert (
        url("erase_for", candidate) not in browser.get(url("candidate", candidate)).content.decode()
    )
    assert browser.post(url("erase_for", candidate)).status_code in (403, 404)
    assert vault.own_details(candidate)


def test_the_list_shows_pseudonyms_and_nothing_else(browser: Client, candidate: Candidate) -> None:
    page = browser.get(reverse("candidates:list")).content.decode()
    assert candidate.pseudonym in page
    assert "Agreed to be named" in page
    assert not [secret for secret in SECRETS if secret in page]


@pytest.mark.parametrize("choice", ["ask_me", "name_me"])
def test_who_did_not_pass_is_not_said_to_be_asked_yet(
    browser: Client, recruiter: Member, choice: str
) -> None:
    candidate = factories.candidate(recruiter.organisation, choice=choice)
    Candidate.objects.update(not_passed_at=timezone.now() + timedelta(minutes=15))
    for page in (reverse("candidates:list"), url("candidate", candidate)):
        assert "Did not pass" not in browser.get(page).content.decode()
    Candidate.objects.update(not_passed_at=timezone.now())
    for page in (reverse("candidates:list"), url("candidate", candidate)):
        assert "Did not pass" in browser.get(page).content.decode()


def test_that_somebody_did_not_pass_is_told_to_whoever_may_read_the_outcome(
    browser: Client, recruiter: Member
) -> None:
    """Who is to write a scorecard writes it first."""
    candidate = factories.candidate(recruiter.organisation)
    position, iris = factories.position(recruiter.organisation), factories.member()
    interview = factories.held_interview(position, [iris, recruiter], who=candidate)
    Candidate.objects.update(not_passed_at=timezone.now())
    for written in (False, True):
        if written:
            content = factories.scorecard_content(interview)
            scorecards.submit(interview.assignments.get(member=recruiter), content, timezone.now())
        read = access.may_read(access.visible(recruiter).get(), recruiter)
        assert read is written
        for page in (reverse("candidates:list"), url("candidate", candidate)):
            assert ("Did not pass" in browser.get(page).content.decode()) is read


def test_search_finds_pseudonyms_only(browser: Client, candidate: Candidate) -> None:
    animal = candidate.pseudonym.split()[1]
    found = browser.get(reverse("candidates:list"), {"q": animal.lower()}).content.decode()
    assert candidate.pseudonym in found
    assert (
        "No such pseudonym"
        in browser.get(reverse("candidates:list"), {"q": "Lovelace"}).content.decode()
    )


def test_an_empty_list_says_how_it_fills(browser: Client) -> None:
    assert "No candidates yet" in browser.get(reverse("candidates:list")).content.decode()


def test_a_long_list_has_pages(browser: Client, recruiter: Member) -> None:
    for number in range(26):
        Candidate.objects.create(
            organisation=recruiter.organisation, pseudonym=f"Teal {number}", choice="ask_me"
        )
    assert "Page 1 of 2" in browser.get(reverse("candidates:list")).content.decode()
    assert "Teal 0<" in browser.get(reverse("candidates:list"), {"page": 2}).content.decode()


def test_the_candidates_page_does_not_show_who_it_is(browser: Client, candidate: Candidate) -> None:
    page = browser.get(url("candidate", candidate)).content.decode()
    assert "Show who this is" in page
    assert not [secret for secret in SECRETS if secret in page]
    assert revealed() == 0


def test_after_both_yeses_it_is_shown_and_written_down(
    browser: Client, candidate: Candidate, recruiter: Member
) -> None:
    response = browser.post(url("reveal", candidate), PURPOSE)
    page = response.content.decode()
    assert "Ada Lovelace" in page
    assert (
        "Each time these details are shown is noted down" in page
    )  # also when the page is loaded again
    assert "Ada" not in page[page.index("<title>") : page.index("</title>")]
    assert response["Cache-Control"] == "no-store"
    event = AuditEvent.objects.get(action="candidate.revealed")
    assert (event.member, event.detail["purpose"]) == (recruiter, "Arrange next steps")
    assert "Remy Park" in browser.get(url("candidate", candidate)).content.decode()


def test_the_resume_is_downloaded_under_the_pseudonym(
    browser: Client, candidate: Candidate
) -> None:
    response = browser.post(url("resume", candidate), PURPOSE)
    name = candidate.pseudonym.lower().replace(" ", "-")
    assert response["Content-Disposition"] == f'attachment; filename="resume-{name}.pdf"'
    assert response.content == b"%PDF-1.7 words"
    assert AuditEvent.objects.get(action="candidate.revealed").detail["fields"] == ["resume"]


@pytest.mark.parametrize("name", ["reveal", "resume"])
def test_without_a_purpose_nothing_is_shown(
    browser: Client, candidate: Candidate, name: str
) -> None:
    for said in ({}, {"purpose": "Curiosity"}):
        response = browser.post(url(name, candidate), said)
        assert response.status_code == 422
        assert not [secret for secret in SECRETS if secret in response.content.decode()]
    assert revealed() == 0


def not_passed(candidate: Candidate) -> None:
    Candidate.objects.update(passed_at=None)


def still_on_hold(candidate: Candidate) -> None:
    Candidate.objects.update(passed_at=timezone.now() + timedelta(minutes=15))


def taken_back(candidate: Candidate) -> None:
    consent.answer(candidate, False, timezone.now())


def not_asked(candidate: Candidate) -> None:
    candidate.consents.all().delete()


def not_answered(candidate: Candidate) -> None:
    candidate.consents.all().delete()
    consent.ask(candidate, timezone.now())


def lapsed(candidate: Candidate) -> None:
    candidate.consents.all().delete()
    consent.ask(candidate, timezone.now() - timedelta(days=15))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (not_passed, "no successful outcome"),
        (still_on_hold, "no successful outcome"),
        (taken_back, "chose to stay unnamed"),
        (not_asked, "has not been asked yet"),
        (not_answered, "no answer yet"),
        (lapsed, "did not answer in time"),
        (erasure.withdraw, "has withdrawn"),
        (erasure.erase, "had their details erased"),
    ],
)
@pytest.mark.parametrize("name", ["reveal", "resume"])
def test_before_both_yeses_nothing_is_shown_and_the_page_says_why(
    browser: Client, candidate: Candidate, change: object, why: str, name: str
) -> None:
    assert callable(change)
    change(candidate)
    response = browser.post(url(name, candidate), PURPOSE)
    assert response.status_code == 409
    assert why in response.content.decode()
    assert not [secret for secret in SECRETS if secret in response.content.decode()]
    assert "Show who this is" not in browser.get(url("candidate", candidate)).content.decode()
    assert revealed() == 0


@pytest.mark.parametrize("name", ["candidate", "reveal", "resume"])
def test_another_organisations_candidate_does_not_exist(
    client: Client, candidate: Candidate, name: str
) -> None:
    client.force_login(factories.member(factories.organisation("Other")).user)
    method = client.get if name == "candidate" else client.post
    assert method(url(name, candidate), PURPOSE).status_code == 404


@pytest.mark.parametrize("name", ["candidate", "reveal", "resume"])
def test_an_interviewer_never_gets_there(client: Client, candidate: Candidate, name: str) -> None:
    client.force_login(factories.member(candidate.organisation, Role.INTERVIEWER).user)
    method = client.get if name == "candidate" else client.post
    assert method(url(name, candidate), PURPOSE).status_code == 404


def test_looking_by_get_is_not_offered(browser: Client, candidate: Candidate) -> None:
    assert browser.get(url("reveal", candidate)).status_code == 405


def test_whoever_interviewed_them_never_learns_who_it_was_whatever_their_role(
    browser: Client, candidate: Candidate, recruiter: Member
) -> None:
    position = factories.position(recruiter.organisation)
    factories.held_interview(position, [recruiter], who=candidate)
    assert (
        "You interviewed this candidate"
        in browser.get(url("candidate", candidate)).content.decode()
    )
    for name in ("reveal", "resume"):
        response = browser.post(url(name, candidate), PURPOSE)
        assert response.status_code == 409
        assert not [secret for secret in SECRETS if secret in response.content.decode()]
    assert revealed() == 0


LEAVING = ["replaced", "left out", "moved, left out", "cancelled, left out", "no-show, left out"]


@pytest.mark.parametrize("how", LEAVING)
@pytest.mark.parametrize(
    ("began_in", "allowed"),
    [(-30, False), (10, False), (30, True)],
    ids=["held", "perhaps begun early", "before it began"],
)
def test_who_was_to_hold_it_when_it_began_did_interview_them(
    browser: Client, candidate: Candidate, recruiter: Member, how: str, began_in: int, allowed: bool
) -> None:
    """Out of it before it began, they are as good as anybody."""
    other, now = factories.member(recruiter.organisation, Role.INTERVIEWER), timezone.now()
    began = now + timedelta(minutes=began_in)
    position = factories.position(recruiter.organisation)
    interview = factories.interview(position, [recruiter], began, who=candidate)
    plan = scheduling.Plan(now + timedelta(days=1), 60, "", (recruiter,), recruiter)
    if how.startswith("moved"):
        interview = scheduling.schedule(interview, plan, interview.version, recruiter)
    elif how.startswith("cancelled"):
        interview = scheduling.cancel(interview, "organisation", recruiter)
    elif how.startswith("no-show") and began_in > 0:  # as could once be said before it began
        Interview.objects.update(state=State.NO_SHOW)
        interview.refresh_from_db()
    elif how.startswith("no-show"):
        interview = scheduling.no_show(interview, recruiter)
    if how == "replaced":
        scheduling.reassign(interview.assignments.get(), other, recruiter, now)
    else:
        plan = replace(plan, interviewers=(other,), decider=other)
        scheduling.schedule(interview, plan, interview.version, recruiter)
    assert list(interview.assignments.values_list("member", flat=True)) == [other.pk]
    shown = browser.get(url("candidate", candidate)).content.decode()
    assert ("You interviewed this candidate" in shown) is not allowed
    assert (browser.post(url("reveal", candidate), PURPOSE).status_code == 200) is allowed
    assert revealed() == allowed


def test_whoever_interviewed_does_not_read_when_the_details_were_entered(
    browser: Client, candidate: Candidate, recruiter: Member
) -> None:
    """The time could tell them whom they know; also if they were replaced since."""
    position, entered = factories.position(recruiter.organisation), "2024-02-03T"
    interview = factories.held_interview(position, who=candidate)
    Candidate.objects.update(created_at=datetime(2024, 2, 3, 4, 5, tzinfo=UTC))
    pages = reverse("candidates:list"), url("candidate", candidate)

    def told() -> list[bool]:
        return [entered in browser.get(page).content.decode() for page in pages]

    assert told() == [True, True]
    assignment = interview.assignments.create(member=recruiter)
    assert told() == [False, False]
    assignment.delete()
    interview.former.add(recruiter)
    assert told() == [False, False]


def test_whoever_interviewed_does_not_read_whether_the_details_went_to_lever(
    browser: Client, candidate: Candidate, recruiter: Member
) -> None:
    """The guard lets nothing go in which they guessed right."""
    interview = factories.held_interview(factories.position(recruiter.organisation), who=candidate)
    factories.sent_by_name(interview)
    page = url("candidate", candidate)
    assert "Sent to Lever" in browser.get(page).content.decode()
    interview.assignments.create(member=recruiter)
    shown = browser.get(page).content.decode()
    assert "Sent to Lever" not in shown
    # Nor does the page say that nobody opened them.
    assert "Nobody." not in shown
    assert "not shown to those who interviewed" in shown


def test_also_where_it_was_called_a_no_show_before_it_began(
    browser: Client, candidate: Candidate, recruiter: Member
) -> None:
    """They may have met all the same, and it be held after somebody else was put there."""
    other, now = factories.member(recruiter.organisation, Role.INTERVIEWER), timezone.now()
    position = factories.position(recruiter.organisation)
    soon = now + timedelta(minutes=30)
    interview = factories.interview(position, [recruiter], soon, who=candidate)
    Interview.objects.update(state=State.NO_SHOW, starts_at=now - timedelta(minutes=30))
    interview.refresh_from_db()
    scheduling.reassign(interview.assignments.get(), other, recruiter, now)
    assert browser.post(url("reveal", candidate), PURPOSE).status_code == 409


# --- a private link that was lost


def tokens() -> list[str]:
    """Of the letters that left, the newest last."""
    return [re.findall(r"/c/(\S+)/", each.body)[0] for each in mail.outbox]


def test_a_lost_private_link_is_sent_again_and_older_ones_close_as_it_leaves(
    browser: Client, candidate: Candidate, recruiter: Member
) -> None:
    letters.send_due()
    said = browser.post(url("send_link", candidate), follow=True).content.decode()
    assert "A new private link is on its way." in said
    assert links.resolve(tokens()[0]) == candidate
    letters.send_due()
    old, new = tokens()
    assert (links.resolve(old), links.resolve(new)) == (None, candidate)
    event = AuditEvent.objects.get(action="candidate.link_sent")
    assert (event.member, event.detail) == (recruiter, {})
    assert not [secret for secret in SECRETS if secret in said]


def test_a_letter_that_could_not_be_sent_leaves_the_older_link(
    browser: Client, candidate: Candidate
) -> None:
    letters.send_due()
    browser.post(url("send_link", candidate))
    with patch("django.core.mail.EmailMessage.send", side_effect=OSError):
        letters.send_due()
    assert links.resolve(tokens()[0]) == candidate


def test_it_is_sent_once_in_a_few_minutes(browser: Client, candidate: Candidate) -> None:
    browser.post(url("send_link", candidate))
    said = browser.post(url("send_link", candidate), follow=True).content.decode()
    assert "The link was sent a moment ago" in said
    candidate.letters.update(created_at=timezone.now() - timedelta(minutes=5))
    browser.post(url("send_link", candidate))
    assert candidate.letters.filter(kind="link_again").count() == 2


def test_nothing_is_sent_to_who_was_erased(browser: Client, candidate: Candidate) -> None:
    offer = "Send the private link again"
    assert offer in browser.get(url("candidate", candidate)).content.decode()
    erasure.erase(candidate)
    assert offer not in browser.get(url("candidate", candidate)).content.decode()
    browser.post(url("send_link", candidate))
    assert not AuditEvent.objects.filter(action="candidate.link_sent").exists()
