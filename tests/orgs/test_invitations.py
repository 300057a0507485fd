import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends import locmem
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.orgs import invitations, tasks
from nomdecode.orgs.models import AuditEvent, Invitation, Member, Organisation, Role, User

pytestmark = pytest.mark.django_db
PASSWORD = "copper-heron-41"


@pytest.fixture
def client(admin: Member) -> Client:
    client = Client()
    client.force_login(admin.user)
    return client


def invite(client: Client, email: str = "iris@acme.example", role: str = Role.INTERVIEWER) -> str:
    answer = client.post(reverse("orgs:invite"), {"email": email, "role": role}, follow=True)
    return answer.content.decode()


def link() -> str:
    """The path in the newest mail, sent if it waits."""
    tasks.send_invitations()
    found = re.search(r"http://testserver(\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def join(path: str, name: str = "Iris Chen", password: str = PASSWORD) -> Any:
    return Client().post(path, {"name": name, "password": password})


def test_an_invitation_is_mailed(client: Client) -> None:
    invite(client)
    link()
    letter = mail.outbox[0]
    assert letter.to == ["iris@acme.example"]
    assert "Ada Byron invites you to join Acme in Nom de Code as interviewer." in str(letter.body)


def test_a_new_account_is_made_by_name_and_password(client: Client, admin: Member) -> None:
    invite(client)
    join(link())
    member = Member.objects.get(user__email="iris@acme.example")
    assert (member.name, member.role, member.organisation) == (
        "Iris Chen",
        Role.INTERVIEWER,
        admin.organisation,
    )


def test_who_has_joined_is_signed_in_and_can_sign_in_again(client: Client) -> None:
    invite(client)
    newcomer = Client()
    newcomer.post(link(), {"name": "Iris Chen", "password": PASSWORD})
    assert newcomer.get(reverse("orgs:profile")).status_code == 200
    again = Client()
    again.post(reverse("account_login"), {"login": "iris@acme.example", "password": PASSWORD})
    assert again.get(reverse("orgs:profile")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_leave_one_open_invitation(admin: Member) -> None:
    both = Barrier(4)

    def click(_: int) -> None:
        try:
            both.wait()
            invitations.invite(admin.organisation, "iris@acme.example", Role.INTERVIEWER, admin)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as clicks:
        list(clicks.map(click, range(4)))
    assert invitations.pending(admin.organisation).count() == 1


def test_opening_the_link_changes_nothing(client: Client) -> None:
    invite(client)
    path = link()
    for _ in range(2):
        assert Client().get(path).status_code == 200
    assert not User.objects.filter(email="iris@acme.example").exists()
    assert invitations.pending(Organisation.objects.get()).exists()


def test_somebody_with_an_account_joins_after_signing_in(client: Client) -> None:
    known = factories.member(factories.organisation("Zeta"), email="iris@acme.example")
    invite(client)
    path = link()
    assert "Sign in as iris@acme.example" in Client().get(path).content.decode()
    theirs = Client()
    theirs.force_login(known.user)
    theirs.post(path)
    assert known.user.memberships.count() == 2


def test_a_link_alone_gives_nobody_an_account_that_exists(client: Client) -> None:
    known = factories.member(factories.organisation("Zeta"), email="iris@acme.example")
    invite(client)
    join(link())
    assert known.user.memberships.count() == 1


def test_somebody_else_who_is_signed_in_cannot_use_the_link(client: Client, admin: Member) -> None:
    invite(client)
    answer = client.post(link(), {"name": "Iris Chen", "password": PASSWORD})
    assert "You are signed in as" in answer.content.decode()
    assert not User.objects.filter(email="iris@acme.example").exists()


@pytest.mark.parametrize("password", ["short", "password123", ""])
def test_a_weak_password_is_refused_and_the_name_is_kept(client: Client, password: str) -> None:
    invite(client)
    page = join(link(), password=password).content.decode()
    assert 'value="Iris Chen"' in page
    assert 'class="errorlist"' in page
    assert not User.objects.filter(email="iris@acme.example").exists()


def test_a_link_works_once(client: Client) -> None:
    invite(client)
    path = link()
    join(path)
    answer = join(path, name="Somebody Else")
    assert answer.status_code == 404
    assert "This invitation is no longer open" in answer.content.decode()


def test_a_link_that_was_taken_back_is_closed(client: Client) -> None:
    invite(client)
    path = link()
    client.post(reverse("orgs:revoke", args=[Invitation.objects.get().pk]))
    assert join(path).status_code == 404
    assert AuditEvent.objects.filter(action="member.uninvited").exists()


def test_a_link_is_closed_after_fourteen_days(client: Client) -> None:
    invite(client)
    path = link()
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=14, seconds=1))
    assert join(path).status_code == 404
    assert "Too old: invite again" in client.get(reverse("orgs:members")).content.decode()


def test_inviting_again_closes_the_earlier_link(client: Client) -> None:
    invite(client)
    first = link()
    invite(client)
    second = link()
    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200


def test_no_job_and_no_row_holds_the_link(client: Client) -> None:
    invite(client)
    job = ProcrastinateJob.objects.get(task_name="orgs.send_invitations")
    assert job.args == {}
    token = link().split("/")[2]
    row = Invitation.objects.values().get()
    assert token not in str(row)
    assert bytes(row["token_hash"]) != token.encode()


def test_a_mail_that_could_not_leave_is_tried_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    invite(client)

    def refuse(*args: Any) -> int:
        raise OSError("iris@acme.example refused")

    with monkeypatch.context() as patched:
        patched.setattr(locmem.EmailBackend, "send_messages", refuse)
        tasks.send_invitations()
    assert "iris" not in caplog.text
    assert "Could not be mailed yet" in client.get(reverse("orgs:members")).content.decode()
    invitations.send_waiting(timezone.now() + timedelta(hours=1))
    assert len(mail.outbox) == 1


def test_a_mail_leaves_once(client: Client) -> None:
    invite(client)
    tasks.send_invitations()
    tasks.send_invitations()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("", "Enter the address the invitation goes to."),
        ("iris", "This is not a complete e-mail address"),
        ("ADA@acme.example", "Ada Byron is already a member."),
    ],
)
def test_an_address_that_cannot_be_invited_is_said(
    client: Client, admin: Member, email: str, sentence: str
) -> None:
    User.objects.filter(pk=admin.user.pk).update(email="ada@acme.example")
    assert sentence in invite(client, email)
    assert not Invitation.objects.exists()


def test_a_former_member_is_to_be_switched_on_instead(client: Client, admin: Member) -> None:
    iris = factories.member(admin.organisation, name="Iris Chen", email="iris@acme.example")
    Member.objects.filter(pk=iris.pk).update(active=False)
    assert "Iris Chen was a member before" in invite(client)


def test_the_trail_names_no_address(client: Client) -> None:
    invite(client)
    join(link())
    actions = AuditEvent.objects.values_list("action", flat=True)
    assert set(actions) == {"member.invited", "member.joined"}
    assert "@" not in str(list(AuditEvent.objects.values("thing", "detail")))
