"""What a candidate sees and does on their own page, behind the private link."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import factories
from nomdecode.candidates import (
    consent,
    erasure,
    intake,
    letters,
    links,
    pseudonyms,
    reveals,
    vault,
)
from nomdecode.candidates.models import Candidate
from nomdecode.lever.models import Export
from nomdecode.orgs.models import AuditEvent
from nomdecode.pipeline.models import Opportunity

pytestmark = pytest.mark.django_db
PAGES = ("mine", "correct", "withdraw", "erase", "download", "my_resume")


@pytest.fixture
def candidate() -> Candidate:
    return factories.candidate(resume=vault.Resume(b"%PDF-1.7 words", "pdf"))


@pytest.fixture
def token(candidate: Candidate) -> str:
    return links.issue(candidate)


def url(name: str, token: str) -> str:
    return reverse(f"candidates:{name}", args=[token])


def mine(client: Client, token: str) -> str:
    return client.get(url("mine", token)).content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_kept_nowhere_and_opening_it_changes_nothing(
    client: Client, candidate: Candidate, token: str, name: str
) -> None:
    before = list(Candidate.objects.values()), candidate.consents.count()
    response = client.get(url(name, token))
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert (list(Candidate.objects.values()), candidate.consents.count()) == before
    assert vault.own_details(candidate)


@pytest.mark.parametrize("name", PAGES)
def test_a_link_that_is_unknown_or_revoked_says_what_to_do(
    client: Client, candidate: Candidate, token: str, name: str
) -> None:
    links.revoke_all(candidate)
    for tried in (token, "unknown"):
        response = client.get(url(name, tried))
        assert response.status_code == 404
        assert "newest letter" in response.content.decode()
        assert "to send it again" in response.content.decode()
        assert "Lovelace" not in response.content.decode()


@pytest.mark.parametrize("name", ["answer", "correct", "withdraw", "erase"])
def test_nothing_can_be_done_with_a_revoked_link(
    client: Client, candidate: Candidate, token: str, name: str
) -> None:
    links.revoke_all(candidate)
    assert client.post(url(name, token), {"answer": "yes"}).status_code == 404
    assert consent.state(Candidate.objects.get(), timezone.now()) == "unasked"


def test_the_page_shows_what_is_held_and_what_is_seen(client: Client, token: str) -> None:
    page = mine(client, token)
    for piece in ("Ada Lovelace", "+44 20 7946 0000", "London", "resume.pdf", "Nobody has seen"):
        assert piece in page
    title = page[page.index("<title>") : page.index("</title>")]
    assert "Ada" not in title


def test_who_saw_what_is_told_without_the_members_name(
    client: Client, candidate: Candidate, token: str
) -> None:
    recruiter = factories.member(candidate.organisation, "recruiter", name="Remy Park")
    vault.reveal(candidate, "page", "Arrange next steps", recruiter)
    page = mine(client, token)
    assert "Recruiter</strong> at Acme" in page
    assert "name, e-mail, phone, place, headline, links · Arrange next steps" in page
    assert "Remy" not in page


def test_each_time_that_people_opened_the_details_is_told_with_its_time(
    client: Client, candidate: Candidate, token: str
) -> None:
    recruiter = factories.member(candidate.organisation, "recruiter")
    now = timezone.now()
    days = [now, now - timedelta(days=1)]
    for day in days:
        with patch("django.utils.timezone.now", return_value=day):
            vault.reveal(candidate, "page", "Arrange next steps", recruiter)
    page = mine(client, token)
    assert page.count("Recruiter</strong> at Acme") == 2
    assert "2 times" not in page
    told = json.loads(client.get(url("download", token)).content)["seen"]
    assert {entry["at"][:10] for entry in told} == {f"{day:%Y-%m-%d}" for day in days}
    assert [entry["times"] for entry in told] == [1, 1]


def test_a_look_that_nobody_took_is_said_to_be_ours(
    client: Client, candidate: Candidate, token: str
) -> None:
    vault.reveal(candidate, "Nom de Code", "compared with what Lever has; shown to nobody")
    page = mine(client, token)
    assert "<strong>Nom de Code itself</strong>" in page
    assert "Somebody" not in page
    (seen,) = client.get(url("download", token)).json()["seen"]
    assert seen["by"] == "Nom de Code itself"


def test_a_yes_is_given_and_taken_back_by_post(
    client: Client, candidate: Candidate, token: str
) -> None:
    for said in ("yes", "no"):
        response = client.post(url("answer", token), {"answer": said}, follow=True)
        assert "Your answer is saved." in response.content.decode()
        assert consent.state(Candidate.objects.get(), timezone.now()) == said
    assert client.get(url("answer", token)).status_code == 405


def test_the_question_says_who_gets_what_and_until_when(
    client: Client, candidate: Candidate, token: str
) -> None:
    consent.ask(candidate, timezone.now())
    page = mine(client, token)
    assert "Whoever interviews you is not shown who you are; whoever invited you may know." in page
    assert "your interviewers, too, if they have it" in page
    assert "Tell Acme who I am" in page
    assert "Stay unnamed" in page
    assert f"{candidate.lapses_at:%B}" in page


def test_before_the_outcome_it_says_what_may_be_kept_of_who_does_not_pass(
    client: Client, candidate: Candidate, token: str
) -> None:
    kept = "If you do not pass, Acme may keep the scorecards in Lever"
    assert kept in mine(client, token)
    Candidate.objects.update(passed_at=timezone.now())
    assert kept not in mine(client, token)


def test_an_answer_is_to_the_words_as_they_are_now(
    client: Client, candidate: Candidate, token: str
) -> None:
    client.post(url("answer", token), {"answer": "no"})
    assert Candidate.objects.get().consents.get().text_version == "4"


def test_an_answer_that_comes_too_late_is_told_so(
    client: Client, candidate: Candidate, token: str
) -> None:
    consent.ask(candidate, timezone.now() - timedelta(days=15))
    response = client.post(url("answer", token), {"answer": "yes"}, follow=True)
    assert "The time to answer is over" in response.content.decode()
    assert "Tell Acme who I am" not in response.content.decode()


def test_whoever_did_not_pass_is_asked_nothing(
    client: Client, candidate: Candidate, token: str
) -> None:
    Candidate.objects.update(not_passed_at=timezone.now())
    page = mine(client, token)
    assert "Nothing is sent under your name." in page
    assert "in Lever, its hiring system, under the pseudonym alone" in page
    assert "Tell Acme who I am" not in page
    assert "Ada Lovelace" in page


def test_the_page_says_from_when_on_the_details_may_be_opened(
    client: Client, candidate: Candidate, token: str
) -> None:
    """By the rule by which they are opened: recruiters have the button from then on."""
    sealed, may_open = "Your details below are sealed.", "may open your details now; nobody has yet"
    recruiter, now = factories.member(candidate.organisation, "recruiter"), timezone.now()
    consent.answer(candidate, True, now)
    for passed_at, opens in ((None, False), (now + timedelta(hours=1), False), (now, True)):
        Candidate.objects.update(passed_at=passed_at)
        page = mine(client, token)
        assert (may_open in page, sealed in page) == (opens, not opens)
        candidate.refresh_from_db()
        assert (not reveals.why_not(candidate, recruiter, now)) is opens
    consent.answer(candidate, False, now)
    assert sealed in mine(client, token)


@pytest.mark.parametrize(
    ("passed", "yes", "begins"),
    [
        (False, False, "If you agree and pass, recruiters"),
        (True, False, "If you agree, recruiters"),
        (False, True, "If you pass, recruiters"),
        (True, True, "Recruiters"),
    ],
)
def test_the_question_says_who_may_open_the_details_here(
    client: Client, candidate: Candidate, token: str, passed: bool, yes: bool, begins: str
) -> None:
    if passed:
        Candidate.objects.update(passed_at=timezone.now())
    if yes:
        consent.answer(candidate, True, timezone.now())
    page = mine(client, token)
    may = "and admins of Acme who did not interview you may also open these details here"
    assert f"{begins} {may}" in page
    assert "each time is noted on this page" in page
    Candidate.objects.update(passed_at=None, not_passed_at=timezone.now())
    assert may not in mine(client, token)


def test_nobody_reads_that_an_interview_was_held_that_was_not(client: Client, token: str) -> None:
    page = mine(client, token)
    assert "was not shown" not in page
    Candidate.objects.update(passed_at=timezone.now())
    assert "Your interviewer was not shown who you are" in mine(client, token)


def test_the_question_says_what_happens_without_a_yes(client: Client, token: str) -> None:
    assert "If you do not agree, nothing is sent under your name." in mine(client, token)


def test_erasing_speaks_of_lever_where_something_is_or_may_be_there(
    client: Client, candidate: Candidate, token: str
) -> None:
    asks = "(also asks Acme to erase"
    assert asks not in mine(client, token)
    Candidate.objects.update(not_passed_at=timezone.now())
    assert f"{asks} what may be in Lever)" in mine(client, token)
    position = factories.position(candidate.organisation)
    factories.sent_by_name(factories.held_interview(position, who=candidate))
    assert f"{asks} in Lever)" in mine(client, token)


def test_a_profile_that_has_left_is_said_to_be_in_lever(
    client: Client, candidate: Candidate, token: str
) -> None:
    position = factories.position(candidate.organisation)
    factories.sent_by_name(factories.held_interview(position, who=candidate))
    consent.answer(candidate, True, timezone.now())
    shown = mine(client, token)
    assert "can no longer be taken back here" in shown
    assert "Stay unnamed" not in shown


def in_lever(candidate: Candidate, arrived: bool = True) -> Export:
    """Passed, agreed, and in Lever by name; or (not `arrived`) the call has had no answer."""
    consent.answer(candidate, True, timezone.now())
    Candidate.objects.update(passed_at=timezone.now())
    position = factories.position(candidate.organisation)
    export = factories.sent_by_name(factories.held_interview(position, who=candidate))
    if not arrived:
        export.steps.update(state="calling", done_at=None, calling_since=timezone.now())
    return export


def withdraws(candidate: Candidate) -> None:
    erasure.withdraw(candidate)


def says_no(candidate: Candidate) -> None:
    consent.answer(candidate, False, timezone.now())


def lapses(candidate: Candidate) -> None:
    """As after a restore that lost their yes."""
    candidate.consents.all().delete()
    consent.ask(candidate, timezone.now() - timedelta(days=15))


def is_not_passed_after_all(candidate: Candidate) -> None:
    Candidate.objects.update(passed_at=None, not_passed_at=timezone.now())


UNTRUE = ("othing is sent under your name", "You stay unnamed", "sealed", "pseudonym alone")


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("then", [withdraws, says_no, lapses, is_not_passed_after_all])
def test_whoever_is_in_lever_by_name_reads_so_whatever_is_said_after(
    client: Client,
    candidate: Candidate,
    token: str,
    then: Callable[[Candidate], None],
    arrived: bool,
) -> None:
    in_lever(candidate, arrived)
    then(candidate)
    page = mine(client, token)
    assert not [words for words in UNTRUE if words in page]
    assert ("Your details went to Lever" if arrived else "on their way to Lever") in page
    assert "asks Acme to erase them there, too" in page
    no_more = "Nothing more is sent under your name." in page
    assert no_more is (then is not is_not_passed_after_all)  # the export goes on as it began
    assert "Stay unnamed" not in page


def test_whoever_agrees_again_can_say_so_when_their_yes_was_lost(
    client: Client, candidate: Candidate, token: str
) -> None:
    in_lever(candidate)
    candidate.consents.all().delete()
    page = mine(client, token)
    assert "Tell Acme who I am" in page
    assert "Stay unnamed" not in page


@pytest.mark.parametrize("how", ["deleted_at", "erased_there_at"])
def test_a_profile_that_is_gone_from_lever_is_asked_of_nobody(
    client: Client, candidate: Candidate, token: str, how: str
) -> None:
    interview = in_lever(candidate).interview
    asks = ("is asked to erase it there", "asks Acme to erase")
    erase_page = client.get(url("erase", token)).content.decode()
    assert asks[0] in erase_page and asks[1] in mine(client, token)
    Opportunity.objects.create(
        organisation=interview.organisation,
        interview=interview,
        external_id="made",
        named=True,
        created_at=timezone.now(),
        **{how: timezone.now()},
    )
    erase_page, own_page = client.get(url("erase", token)).content.decode(), mine(client, token)
    assert not [words for words in asks if words in erase_page + own_page]
    assert "was in Lever and is deleted there" in erase_page
    assert "Your profile was deleted there" in own_page
    assert "in Lever as Acme decides" not in own_page


CORRECT = {"name": "Ada King", "email": "ada@analytical.example"}


def test_details_are_corrected_and_the_resume_stays(
    client: Client, candidate: Candidate, token: str
) -> None:
    form = client.get(url("correct", token)).content.decode()
    assert 'value="Ada Lovelace"' in form
    response = client.post(url("correct", token), CORRECT, follow=True)
    assert "Your details are saved." in response.content.decode()
    assert vault.own_details(candidate).name == "Ada King"
    assert vault.own_resume(candidate)


@pytest.fixture
def heron(candidate: Candidate) -> Candidate:
    """Called Copper Heron, as nobody would be whose details hold either word."""
    candidate.pseudonym = "Copper Heron"
    candidate.save()
    return candidate


@pytest.mark.parametrize("piece", [{"name": "Ada Heron"}, {"email": "ada@copperworks.example"}])
def test_a_correction_that_shares_a_word_with_the_pseudonym_draws_another_one(
    client: Client, heron: Candidate, token: str, piece: dict[str, str]
) -> None:
    response = client.post(url("correct", token), {**CORRECT, **piece}, follow=True)
    assert "so you have another pseudonym now" in response.content.decode()
    heron.refresh_from_db()
    words = intake.words_of(vault.own_details(heron))
    assert not pseudonyms.shares_word(heron.pseudonym, words)
    assert AuditEvent.objects.get(action="candidate.renamed").detail == {}


def test_once_a_time_was_told_the_pseudonym_stays_and_the_page_says_what_to_do(
    client: Client, heron: Candidate, token: str
) -> None:
    letters.send(heron, "scheduled")
    response = client.post(url("correct", token), {**CORRECT, "name": "Ada Heron"}, follow=True)
    assert "withdraw and enter your details again" in response.content.decode()
    heron.refresh_from_db()
    assert heron.pseudonym == "Copper Heron"
    assert vault.own_details(heron).name == "Ada Heron"


def test_a_correction_that_shares_no_word_leaves_the_pseudonym(
    client: Client, heron: Candidate, token: str
) -> None:
    client.post(url("correct", token), CORRECT)
    heron.refresh_from_db()
    assert heron.pseudonym == "Copper Heron"


def test_a_wrong_correction_keeps_what_was_typed(
    client: Client, candidate: Candidate, token: str
) -> None:
    response = client.post(url("correct", token), {**CORRECT, "phone": "none yet"})
    assert response.status_code == 422
    assert 'value="none yet"' in response.content.decode()
    assert vault.own_details(candidate).name == "Ada Lovelace"


def test_a_new_address_closes_older_links_but_the_one_in_use(
    client: Client, candidate: Candidate, token: str
) -> None:
    older = links.issue(candidate)
    client.post(url("correct", token), {**CORRECT, "email": "new@analytical.example"})
    assert links.resolve(older) is None
    assert links.resolve(token) == candidate
    assert candidate.letters.filter(kind="private_link").count() == 2


def test_the_own_resume_comes_without_its_name(client: Client, token: str) -> None:
    response = client.get(url("my_resume", token))
    assert response["Content-Disposition"] == 'attachment; filename="resume.pdf"'
    assert response.content == b"%PDF-1.7 words"


def test_everything_held_can_be_downloaded(client: Client, token: str) -> None:
    response = client.get(url("download", token))
    assert response["Content-Disposition"] == 'attachment; filename="nom-de-code.json"'
    held = json.loads(response.content)
    assert held["details"]["emails"] == ["ada@analytical.example"]
    assert base64.b64decode(held["resume"]["base64"]) == b"%PDF-1.7 words"


def test_withdrawing_ends_the_question(client: Client, candidate: Candidate, token: str) -> None:
    response = client.post(url("withdraw", token), follow=True)
    assert "You have withdrawn" in response.content.decode()
    assert "Tell Acme who I am" not in response.content.decode()


def test_erasing_gives_a_receipt_and_closes_the_page(
    client: Client, candidate: Candidate, token: str
) -> None:
    response = client.post(url("erase", token), follow=True)
    page = response.content.decode()
    assert str(candidate.pk)[:13].upper() in page
    assert "Backups" in page
    with pytest.raises(vault.Erased):
        vault.own_details(candidate)
    assert client.get(url("mine", token)).status_code == 404


def test_a_receipt_of_another_hand_is_not_found(client: Client, candidate: Candidate) -> None:
    erasure.erase(candidate)
    forged = erasure.receipt(candidate)[:-2] + "xx"
    assert client.get(reverse("candidates:erased", args=[forged])).status_code == 404


def test_the_csrf_token_is_asked_for(token: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(url("erase", token)).status_code == 403
