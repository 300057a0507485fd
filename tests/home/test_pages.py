"""The home page, the sidebar and the demo's outbox, over HTTP."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend
from django.utils import timezone

import factories
from nomdecode.interviews.models import Assignment, State
from nomdecode.orgs.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return factories.organisation()


@pytest.fixture
def ada(acme, client):
    member = factories.member(acme, Role.ADMIN, "Ada Byron")
    client.force_login(member.user)
    return member


def held(organisation, interviewer):
    made = factories.passed(organisation, at=timezone.now() - timedelta(hours=30))
    made.outcome.delete()
    Assignment.objects.create(interview=made, member=interviewer, decider=True)
    return made


def test_home_greets_by_first_name_and_offers_first_steps(client, ada):
    page = client.get("/").content.decode()
    assert ", Ada</h1>" in page
    assert "First steps" in page


def test_home_is_for_those_who_sign_in(client):
    assert client.get("/").status_code == 302


def test_the_part_alone_is_answered_to_htmx_with_the_new_count(client, ada):
    held(ada.organisation, factories.member(ada.organisation, Role.INTERVIEWER, "Iris Chen"))
    part = client.get("/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "Remind Iris" in part
    assert '<span class="count">1</span>' in part


def test_a_pseudonym_that_needs_somebody_leads_to_its_interview(client, ada):
    made = held(ada.organisation, factories.member(ada.organisation, Role.INTERVIEWER))
    needs = client.get("/").content.decode().split('id="needs"')[1].split("</section>")[0]
    link = f'<a class="who" href="/interviews/{made.pk}/">'
    assert link in needs
    assert made.candidate.pseudonym in needs.split(link)[1].split("</a>")[0]


def test_the_sidebar_has_what_the_role_may_open(client, acme):
    client.force_login(factories.member(acme, Role.INTERVIEWER).user)
    page = client.get("/").content.decode()
    assert "Interviews" in page
    assert "Candidates" not in page
    assert "Pipeline" not in page


def test_today_has_todays_interviews_in_order(client, ada):
    noon = timezone.localtime().replace(hour=12, minute=0)
    for hours in (2, 0, 48):
        made = factories.passed(ada.organisation, at=noon + timedelta(hours=hours))
        made.state = State.SCHEDULED
        made.save()
    page = client.get("/").content.decode()
    assert page.index("<td>12:00</td>") < page.index("<td>14:00</td>")
    assert page.count("<td>12:00</td>") == 1


def test_an_interviewer_sees_no_interview_of_others_today(client, acme):
    client.force_login(factories.member(acme, Role.INTERVIEWER).user)
    interview = factories.passed(acme)
    assert interview.candidate.pseudonym not in client.get("/").content.decode()


@pytest.mark.parametrize("role", [Role.ADMIN, Role.INTERVIEWER])
def test_home_asks_the_database_as_often_for_fifty_as_for_five(
    client, acme, role, django_assert_num_queries, django_assert_max_num_queries
):
    member = factories.member(acme, role)
    client.force_login(member.user)
    for _ in range(5):
        held(acme, member)
    with django_assert_max_num_queries(24) as few:
        client.get("/")
    for _ in range(45):
        held(acme, member)
    with django_assert_num_queries(len(few)):
        client.get("/")


@pytest.fixture
def outbox(settings, tmp_path):
    settings.DEMO, settings.OUTBOX = True, tmp_path / "outbox"
    return tmp_path / "outbox"


def send(*letters):
    """All in one file, as letters are that one worker sends within a second."""
    mails = [EmailMessage(subject, text, to=["someone@mail.example"]) for subject, text in letters]
    EmailBackend(file_path=str(settings.OUTBOX), alias="default").send_messages(mails)


def letters(client):
    """Their addresses, the newest first."""
    return re.findall(r'href="(/outbox/[^"]+)"', client.get("/outbox/").content.decode())


def test_the_outbox_lists_mail_with_the_newest_first(client, outbox):
    send(("First", "one"))
    send(("Second", "two"))
    page = client.get("/outbox/").content.decode()
    assert page.index("Second") < page.index("First")
    assert "Demo only: mail that would have gone out" in page


def test_a_letter_links_to_this_installation_and_nowhere_else(client, outbox):
    own = "http://testserver/c/token?a=1&b=2"
    send(("Link", f"{own}\nhttp://testserver.evil.example/x\n<script>alert(1)</script>"))
    (letter,) = letters(client)
    page = client.get(letter).content.decode()
    assert '<a href="http://testserver/c/token?a=1&amp;b=2">' in page
    assert 'href="http://testserver.evil' not in page
    assert "<script>alert" not in page


def test_letters_of_one_second_have_a_page_each(client, outbox):
    send(("First", "for Ada"), ("Second", "for Charles"))
    second, first = (client.get(letter).content.decode() for letter in letters(client))
    assert ("for Ada" in first, "for Charles" in first) == (True, False)
    assert ("for Ada" in second, "for Charles" in second) == (False, True)


@pytest.mark.parametrize("name", ["..%2Fsecret.0", "%2e%2e", "secret.0", "..%5Csecret.0"])
def test_nothing_outside_the_outbox_can_be_read(client, outbox, name):
    send(("Hello", "text"))
    (outbox.parent / "secret.log").write_text("Subject: secret\n\nsecret")
    assert client.get(f"/outbox/{name}").status_code == 404


def test_an_empty_outbox_says_so(client, outbox):
    assert "No mail yet" in client.get("/outbox/").content.decode()


def test_outside_the_demo_there_is_no_outbox(client, settings):
    settings.DEMO = False
    assert client.get("/outbox/").status_code == 404
    assert client.get("/outbox/any.log").status_code == 404
