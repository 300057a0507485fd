import pytest
from django.test import Client
from django.urls import reverse

import factories
from nomdecode.orgs import members
from nomdecode.orgs.models import AuditEvent, Member, Role

pytestmark = pytest.mark.django_db


def signed_in(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def post(client: Client, of: Member, role: str, active: bool = True) -> str:
    data = {"role": role, **({"active": "on"} if active else {})}
    answer = client.post(reverse("orgs:member", args=[of.pk]), data, follow=True)
    return answer.content.decode()


def test_an_admin_changes_a_role(admin: Member) -> None:
    iris = factories.member(admin.organisation, Role.INTERVIEWER)
    post(signed_in(admin), iris, Role.RECRUITER)
    iris.refresh_from_db()
    assert iris.role == Role.RECRUITER


def test_the_trail_says_what_a_member_was_before(admin: Member) -> None:
    iris = factories.member(admin.organisation, Role.INTERVIEWER)
    post(signed_in(admin), iris, Role.RECRUITER)
    event = AuditEvent.objects.get(action="member.changed")
    assert (event.member, event.thing) == (admin, f"member:{iris.pk}")
    assert event.detail == {"role": {"from": "interviewer", "to": "recruiter"}}


def test_saving_what_is_there_already_writes_no_audit_row(admin: Member) -> None:
    post(signed_in(admin), admin, Role.ADMIN)
    assert not AuditEvent.objects.exists()


def test_a_member_who_was_switched_off_finds_nothing_here(admin: Member) -> None:
    iris = factories.member(admin.organisation, Role.INTERVIEWER)
    theirs = signed_in(iris)
    post(signed_in(admin), iris, Role.INTERVIEWER, active=False)
    answer = theirs.get(reverse("orgs:profile"))
    assert answer.status_code == 404
    assert "You belong to no organisation" in answer.content.decode()


def test_a_member_switched_on_again_is_back(admin: Member) -> None:
    iris = factories.member(admin.organisation, Role.INTERVIEWER)
    members.change(iris, Role.INTERVIEWER, False, admin)
    post(signed_in(admin), iris, Role.INTERVIEWER, active=True)
    assert signed_in(iris).get(reverse("orgs:profile")).status_code == 200


@pytest.mark.parametrize(("role", "active"), [(Role.RECRUITER, True), (Role.ADMIN, False)])
def test_the_last_admin_stays(admin: Member, role: str, active: bool) -> None:
    factories.member(admin.organisation, Role.RECRUITER)
    page = post(signed_in(admin), admin, role, active)
    admin.refresh_from_db()
    assert (admin.role, admin.active) == (Role.ADMIN, True)
    assert "This is the only admin. Make somebody else an admin first." in page


def test_an_admin_who_is_switched_off_does_not_count_as_another_admin(admin: Member) -> None:
    other = factories.member(admin.organisation)
    members.change(other, Role.ADMIN, False, admin)
    with pytest.raises(members.LastAdmin):
        members.change(admin, Role.RECRUITER, True, admin)


def test_one_of_two_admins_may_step_down(admin: Member) -> None:
    factories.member(admin.organisation)
    post(signed_in(admin), admin, Role.RECRUITER)
    admin.refresh_from_db()
    assert admin.role == Role.RECRUITER


def test_the_list_shows_everybody_with_role_and_access(admin: Member) -> None:
    iris = factories.member(admin.organisation, Role.INTERVIEWER, "Iris Chen", "iris@acme.example")
    members.change(iris, Role.INTERVIEWER, False, admin)
    page = signed_in(admin).get(reverse("orgs:members")).content.decode()
    for words in ("Ada Byron", "Iris Chen", "iris@acme.example", "Interviewer", "Switched off"):
        assert words in page


def test_a_nul_character_is_refused_before_it_reaches_the_database(client: Client) -> None:
    client.force_login(factories.member().user)
    assert client.get("/candidates/?q=%00").status_code == 400
