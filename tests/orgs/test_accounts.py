from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

import factories
from nomdecode.orgs import accounts
from nomdecode.orgs.models import AuditEvent, Organisation, Role, User

pytestmark = pytest.mark.django_db
PASSWORD = "copper-heron-41"


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> None:
    cache.clear()


@pytest.fixture
def user() -> User:
    member = factories.member(email="ada@acme.example")
    member.user.set_password(PASSWORD)
    member.user.save()
    return member.user


def sign_in(client: Client, password: str = PASSWORD, email: str = "ada@acme.example") -> Any:
    return client.post(reverse("account_login"), {"login": email, "password": password})


def test_signing_in_by_address_and_password(user: User, client: Client) -> None:
    assert sign_in(client, email="ADA@acme.example").status_code == 302
    assert client.get(reverse("orgs:profile")).status_code == 200


@pytest.mark.parametrize(
    ("sent_from", "back"),
    [
        ("http://testserver/members/?page=2", "/members/%3Fpage%3D2"),
        ("http://evil.example/members/", "/"),
        ("http://testserver//evil.example/", "/"),
        ("", "/"),
    ],
)
def test_who_sent_a_form_signed_out_comes_back_to_its_page_and_is_told(
    client: Client, sent_from: str, back: str
) -> None:
    answer = client.post(reverse("orgs:invite"), headers={"referer": sent_from})
    assert answer["Location"] == f"/accounts/login/?next={back}&undone=1"
    shown = client.get(answer["Location"]).content.decode()
    assert "You were signed out, so that was not done." in shown


def test_signing_out_takes_a_post(user: User, client: Client) -> None:
    sign_in(client)
    client.get(reverse("account_logout"))
    assert client.get(reverse("orgs:profile")).status_code == 200
    client.post(reverse("account_logout"))
    assert client.get(reverse("orgs:profile")).status_code == 302


def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(
    user: User, client: Client
) -> None:
    for _ in range(5):
        sign_in(client, "wrong")
    answer = sign_in(client)
    assert "Too many failed login attempts" in answer.content.decode()


@pytest.mark.parametrize("path", ["signup/", "email/", "inactive/", "password/set/"])
def test_what_nobody_needs_does_not_exist(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 404
    assert client.post(f"/accounts/{path}", {"email": "x@acme.example"}).status_code == 404


def test_a_forgotten_password_is_set_anew_by_mail(user: User, client: Client) -> None:
    client.post(reverse("account_reset_password"), {"email": user.email})
    path = str(mail.outbox[0].body).partition("http://testserver")[2].split()[0]
    form = client.get(path, follow=True)
    client.post(
        form.request["PATH_INFO"], {"password1": "teal-otter-97", "password2": "teal-otter-97"}
    )
    assert sign_in(Client(), "teal-otter-97").status_code == 302


def test_an_unknown_address_gets_no_mail_and_the_same_answer(user: User, client: Client) -> None:
    known = client.post(reverse("account_reset_password"), {"email": user.email})
    unknown = client.post(reverse("account_reset_password"), {"email": "no@acme.example"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [letter.to for letter in mail.outbox] == [[user.email]]


def test_two_step_sign_in_asks_for_the_code(user: User, client: Client) -> None:
    secret = switch_two_step_on(client)
    fresh = Client()
    assert sign_in(fresh)["Location"] == reverse("mfa_authenticate")
    assert fresh.get(reverse("orgs:profile")).status_code == 302
    cache.clear()  # a code is taken once
    fresh.post(reverse("mfa_authenticate"), {"code": code(secret)})
    assert fresh.get(reverse("orgs:profile")).status_code == 200


def test_a_two_step_secret_lies_sealed_in_the_database(user: User, client: Client) -> None:
    secret = switch_two_step_on(client)
    for authenticator in Authenticator.objects.all():
        assert secret not in str(authenticator.data)


@pytest.mark.parametrize(
    "name",
    ["mfa_index", "mfa_activate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes"],
)
def test_the_two_step_pages_open(user: User, client: Client, name: str) -> None:
    if name != "mfa_activate_totp":
        switch_two_step_on(client)
    else:
        sign_in(client)
    assert client.get(reverse(name), follow=True).status_code == 200


def switch_two_step_on(client: Client) -> str:
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = str(page.context["form"].secret)
    client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert Authenticator.objects.filter(type="totp").exists()
    return secret


def code(secret: str) -> str:
    counter = next(totp.yield_hotp_counters_from_time())
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def test_the_first_admin_is_made_with_organisation_and_account() -> None:
    member = accounts.create_admin("Acme", "Ada@acme.example", "Ada Byron", PASSWORD)
    assert (member.role, member.organisation.name, member.email) == (
        Role.ADMIN,
        "Acme",
        "ada@acme.example",
    )
    assert member.user.check_password(PASSWORD)
    assert AuditEvent.objects.get().action == "member.joined"


def test_made_again_the_admin_gets_the_new_password_and_the_role_back(user: User) -> None:
    user.memberships.update(role=Role.INTERVIEWER, active=False)
    member = accounts.create_admin("Acme", user.email, "Ada Byron", "teal-otter-97")
    assert (member.user, member.role, member.active) == (user, Role.ADMIN, True)
    assert member.user.check_password("teal-otter-97")
    assert Organisation.objects.count() == 1


def test_a_weak_password_makes_no_admin() -> None:
    with pytest.raises(ValidationError):
        accounts.create_admin("Acme", "ada@acme.example", "Ada Byron", "short")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("organisation", "email", "name", "sentence"),
    [
        ("Acme", "not an email", "Ada", "E-mail: Enter a valid email address."),
        ("Acme", f"{'a' * 250}@acme.example", "Ada", "E-mail: Ensure this value has at most 254"),
        (" ", "ada@acme.example", "Ada", "Organisation: This field cannot be blank."),
        ("A" * 81, "ada@acme.example", "Ada", "Organisation: Ensure this value has at most 80"),
        ("Acme", "ada@acme.example", "", "Name: This field cannot be blank."),
    ],
)
def test_what_no_page_would_take_makes_no_admin(
    organisation: str, email: str, name: str, sentence: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        accounts.create_admin(organisation, email, name, PASSWORD)
    assert any(message.startswith(sentence) for message in refused.value.messages)
    assert not User.objects.exists()
    assert not Organisation.objects.exists()


def test_an_organisation_is_known_by_its_name_however_it_is_typed() -> None:
    acme = factories.organisation("Acme")
    made = accounts.create_admin(" acme ", "ada@acme.example", "Ada Byron", PASSWORD)
    assert made.organisation == acme
    other = Organisation.objects.create(name="ACME")
    made = accounts.create_admin("ACME", "ada@acme.example", "Ada Byron", PASSWORD)
    assert made.organisation == other


@pytest.mark.parametrize("path", ["/accounts/login/", "/settings/", "/nothing-here", "/health"])
def test_every_page_forbids_foreign_script(user: User, client: Client, path: str) -> None:
    client.force_login(user)
    policy = client.get(path)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_no_cookie_is_readable_by_script_or_sent_by_other_sites(user: User, client: Client) -> None:
    client.get(reverse("account_login"))
    sign_in(client)
    assert set(client.cookies) == {"nomdecode_session", "nomdecode_csrf"}
    for cookie in client.cookies.values():
        assert cookie["httponly"], cookie.key
        assert cookie["samesite"] in ("Lax", "Strict"), cookie.key


def test_signing_in_is_asked_for_in_plain_words(client: Client) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert "E-mail" in page and "Stay signed in on this device" in page
    assert "Remember Me" not in page


def test_a_new_password_is_told_what_it_needs(client: Client, user: User) -> None:
    client.force_login(user)
    page = client.get(reverse("account_change_password")).content.decode()
    assert "Present password" in page and "At least 10 characters" in page
