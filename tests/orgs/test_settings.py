from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import factories
from nomdecode.orgs.models import AuditEvent, Member, Role

pytestmark = pytest.mark.django_db

GENERAL = {
    "name": "Acme",
    "successful_decisions": ["yes", "strong_yes"],
    "hold_minutes": "0",
    "remind_after_days": "3",
    "lapse_after_days": "14",
}


@pytest.fixture
def client(admin: Member) -> Client:
    client = Client()
    client.force_login(admin.user)
    return client


def save(client: Client, **fields: Any) -> str:
    answer = client.post(reverse("orgs:settings"), GENERAL | fields, follow=True)
    return answer.content.decode()


def test_the_settings_are_kept(client: Client, admin: Member) -> None:
    save(client, successful_decisions=["strong_yes"], hold_minutes="1440", lapse_after_days="21")
    kept = admin.organisation
    kept.refresh_from_db()
    assert kept.successful_decisions == ["strong_yes"]
    assert (kept.hold_minutes, kept.lapse_after_days) == (1440, 21)


def test_the_trail_says_who_changed_what(client: Client, admin: Member) -> None:
    save(client, hold_minutes="15")
    event = AuditEvent.objects.get()
    assert (event.action, event.member) == ("organisation.changed", admin)
    assert event.detail == {"hold_minutes": {"from": 0, "to": 15}}


def test_a_new_name_does_not_stand_in_the_trail(client: Client) -> None:
    save(client, name="ada@byron.example")
    assert "@" not in str(AuditEvent.objects.get().detail)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "Enter the name that candidates will see."),
        ({"successful_decisions": []}, "Choose at least one, or no interview could ever succeed."),
        (
            {"successful_decisions": ["yes"]},
            "If “Yes” is a success, “Strong yes” must be one, too.",
        ),
        ({"successful_decisions": ["no", "strong_yes"]}, "If a no is a success, “Yes” must be one"),
        ({"lapse_after_days": "3"}, "Choose more days than for the reminder."),
        ({"remind_after_days": "0"}, "greater than or equal to 1"),
        ({"hold_minutes": "7"}, "Select a valid choice"),
    ],
)
def test_a_wrong_setting_is_said_and_changes_nothing(
    client: Client, admin: Member, fields: dict[str, Any], sentence: str
) -> None:
    assert sentence in save(client, **fields)
    assert not AuditEvent.objects.exists()


def test_settings_lead_to_lever_members_and_the_trail(client: Client) -> None:
    page = client.get(reverse("orgs:settings")).content.decode()
    for name in ("lever:setup", "orgs:members", "orgs:audit"):
        assert f'href="{reverse(name)}"' in page


@pytest.mark.parametrize("role", [Role.RECRUITER, Role.INTERVIEWER])
def test_who_is_no_admin_sees_only_their_profile(admin: Member, role: str) -> None:
    client = Client()
    client.force_login(factories.member(admin.organisation, role).user)
    page = client.get(reverse("orgs:profile")).content.decode()
    assert reverse("orgs:settings") not in page.replace(reverse("orgs:settings") + "switch", "")


def test_a_member_corrects_their_name(client: Client, admin: Member) -> None:
    client.post(reverse("orgs:profile"), {"name": "Ada King"})
    admin.user.refresh_from_db()
    assert admin.user.name == "Ada King"


def test_a_member_of_two_organisations_switches_between_them(client: Client, admin: Member) -> None:
    other = factories.organisation("Zeta")
    other.members.create(user=admin.user, role=Role.INTERVIEWER)
    client.post(reverse("orgs:switch"), {"organisation": str(other.pk)})
    assert client.get(reverse("orgs:profile")).wsgi_request.member.organisation == other


@pytest.mark.parametrize("chosen", ["another", "", "nonsense"])
def test_nobody_switches_to_an_organisation_that_is_not_theirs(client: Client, chosen: str) -> None:
    if chosen == "another":
        chosen = str(factories.organisation("Zeta").pk)
    assert client.post(reverse("orgs:switch"), {"organisation": chosen}).status_code == 404
