"""Every URL of the site × every role × one's own things and another organisation's."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

import factories
from nomdecode.candidates import links as private_links
from nomdecode.interviews import links as invite_links
from nomdecode.lever import connection as connections
from nomdecode.lever import credentials
from nomdecode.orgs import invitations, keys
from nomdecode.orgs.models import Invitation, Member, Organisation, Role
from nomdecode.orgs.roles import PERMISSIONS, ROLES, Access

pytestmark = pytest.mark.django_db

ROOMS = {name for name, access in PERMISSIONS.items() if access in ROLES}
OPEN = {name for name, access in PERMISSIONS.items() if access in (Access.PUBLIC, Access.LINK)}


# --- the site


@dataclass(frozen=True)
class Route:
    name: str  # "interviews:schedule"
    pattern: str  # "interviews/<uuid:pk>/schedule/"
    parameters: tuple[str, ...]

    @property
    def thing(self) -> str:
        """What stands before the parameter says what it names: "interviews/", "c/"."""
        return self.pattern.partition("<")[0]


def walk(resolver: URLResolver, before: str = "", space: str = "") -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from walk(entry, pattern, inner)
        elif isinstance(entry, URLPattern):
            yield Route(f"{space}{entry.name}", pattern, tuple(entry.pattern.converters))


ROUTES = {route.name: route for route in walk(get_resolver())}
CLOSED = {name for name in ROUTES if name not in PERMISSIONS}
OWNED = {name for name in ROOMS if ROUTES[name].parameters}
BEHIND_LINK = {name for name, access in PERMISSIONS.items() if access is Access.LINK}
CHANGES = {
    "candidates:answer",
    "candidates:resume",
    "candidates:reveal",
    "candidates:send_link",
    "interviews:cancel",
    "interviews:draft",
    "interviews:excuse",
    "interviews:held",
    "interviews:link_new",
    "interviews:link_revoke",
    "interviews:no_show",
    "interviews:reassign",
    "interviews:recognise",
    "interviews:remind",
    "interviews:submit",
    "lever:account",
    "lever:adopt",
    "lever:compare",
    "lever:erased_there",
    "lever:export_retry",
    "lever:keep_here",
    "lever:key",
    "lever:look_again",
    "lever:perform_as",
    "lever:read_back",
    "lever:refresh",
    "lever:rephrase",
    "lever:retry",
    "lever:send_anyway",
    "lever:settle",
    "lever:skip",
    "lever:stages",
    "lever:token_add",
    "lever:token_remove",
    "orgs:invite",
    "orgs:revoke",
    "orgs:switch",
    "pipeline:times",
    "signal:ask",
}


@dataclass(frozen=True)
class World:
    """One organisation with one of everything that a URL can name."""

    sessions: dict[str, str]  # of one member of each role
    stranger: str  # the session of an interviewer who is assigned to nothing
    keys: dict[str, Any]  # by Route.thing
    words: tuple[str, ...]  # that nobody outside may ever read

    def url(self, name: str) -> str:
        route = ROUTES[name]
        if "<" not in route.pattern:
            return reverse(name)
        assert route.thing in self.keys, f"say here what {route.pattern} names"
        key = self.keys[route.thing]
        return reverse(name, args=key if isinstance(key, list) else [key])


def world(name: str) -> World:
    organisation = factories.organisation(f"{name} Works")
    members = {
        role.value: factories.member(organisation, role, f"{name} {role.label}") for role in Role
    }
    stranger = factories.member(organisation, Role.INTERVIEWER, f"{name} Stranger")
    position = factories.position(organisation, f"{name} keeper")
    candidate = factories.candidate(organisation)
    interview = factories.held_interview(position, list(members.values()), who=candidate)
    exported = factories.exported(organisation)
    link = invite_links.position_link(position, members[Role.RECRUITER])
    connected = connections.of(organisation)
    delivery = factories.delivery(connected, exported.interview.opportunity.external_id)
    token = credentials.add_token(connected, f"{name} token", "c1" * 32, members[Role.ADMIN])
    invitation, invited = invite(organisation, f"{name}@new.example".lower(), members[Role.ADMIN])
    return World(
        sessions={role: sign_in(member) for role, member in members.items()},
        stranger=sign_in(stranger),
        keys={
            "candidates/": candidate.pk,
            "interviews/": interview.pk,
            "assignments/": interview.assignments.first().pk,  # type: ignore[union-attr]
            "positions/": position.pk,
            "links/": link.pk,
            "settings/org/members/": stranger.pk,
            "settings/org/invitations/": invitation.pk,
            "settings/org/lever/tokens/": token.pk,
            "settings/org/lever/activity/": exported.interview_id,
            "settings/org/lever/deliveries/": delivery.pk,
            "settings/org/lever/duplicates/": exported.duplicates.get().pk,
            "c/": private_links.issue(candidate),
            "join/": invite_links.token_of(link),
            "invited/": invited,
            "erased/": "nothing-was-erased",
            "outbox/": "no-such-letter",
            "accounts/^password/reset/key/(?P": ["1", "no-such-key"],
        },
        words=(name, candidate.pseudonym, exported.interview.candidate.pseudonym),
    )


def invite(organisation: Organisation, email: str, by: Member) -> tuple[Invitation, str]:
    invitation = invitations.invite(organisation, email, Role.INTERVIEWER, by)
    token = keys.new_token()
    invitation.token_hash, invitation.sent_at = keys.token_hash(token), timezone.now()
    invitation.save()
    return invitation, token


def sign_in(member: Member) -> str:
    client = Client()
    client.force_login(member.user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.fixture(scope="module")
def worlds(undone: None) -> tuple[World, World]:
    return world("Acme"), world("Zebra")


@pytest.fixture
def ours(worlds: tuple[World, World]) -> World:
    return worlds[0]


@pytest.fixture
def theirs(worlds: tuple[World, World]) -> World:
    return worlds[1]


@cache  # several tests read the same pages, and each answer is the only one there is
def ask(session: str | None, method: str, url: str) -> Any:
    """One request, and as `wrote` what it changed in the database; undone again."""
    client = Client()
    if session:
        client.cookies[settings.SESSION_COOKIE_NAME] = session
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        answer = getattr(client, method)(url)
        transaction.set_rollback(True)
    answer.wrote = [query["sql"] for query in queries if is_write(query["sql"])]
    return answer


def is_write(sql: str) -> bool:
    return sql.startswith(("INSERT", "UPDATE", "DELETE")) and "django_session" not in sql


def text(answer: Any) -> str:
    return "" if answer.streaming else str(answer.content.decode())


def test_the_watch_sees_what_is_written_and_what_is_shown(ours: World) -> None:
    """Without which the tests below would prove nothing."""
    admin = ours.sessions["admin"]
    assert ask(admin, "post", ours.url("interviews:link_new")).wrote
    assert all(word in text(ask(admin, "get", ours.url("interviews:list"))) for word in ours.words)


# --- the table


def test_every_view_of_ours_is_in_the_table() -> None:
    assert {name for name in CLOSED if not name.startswith(("account_", "mfa_"))} == set()


def test_every_name_in_the_table_has_a_view() -> None:
    assert set(PERMISSIONS) - set(ROUTES) == set()


@pytest.mark.parametrize("name", sorted(CLOSED))
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_not_in_the_table_does_not_exist(name: str, method: str, ours: World) -> None:
    url = reverse(name, args=["x"] * ROUTES[name].pattern.count("<"))
    for session in (None, *ours.sessions.values()):
        assert ask(session, method, url).status_code == 404


# --- roles


@pytest.mark.parametrize("name", sorted(ROOMS))
@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_not_signed_in_is_asked_to(name: str, method: str, ours: World) -> None:
    answer = ask(None, method, url := ours.url(name))
    back = {"get": f"?next={url}", "post": "?next=/&undone=1"}[method]
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/{back}")


@pytest.mark.parametrize("name", sorted(ROOMS))
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_role_that_may_not_finds_nothing(name: str, method: str, ours: World) -> None:
    for role, session in ours.sessions.items():
        if role not in ROLES[PERMISSIONS[name]]:
            assert ask(session, method, ours.url(name)).status_code == 404, role


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_a_role_that_may_finds_it(name: str, ours: World) -> None:
    for role in ROLES[PERMISSIONS[name]]:
        answer = ask(ours.sessions[role], "get", ours.url(name))
        assert answer.status_code == (405 if name in CHANGES else 200), role


@pytest.mark.parametrize("name", sorted(n for n in OWNED if PERMISSIONS[n] is Access.MEMBER))
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_interviewer_finds_own_interviews_only(name: str, method: str, ours: World) -> None:
    answer = ask(ours.stranger, method, ours.url(name))
    assert answer.status_code in (404, 405)
    assert answer.wrote == []


# --- another organisation


@pytest.mark.parametrize("name", sorted(OWNED))
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head"])
def test_another_organisations_thing_does_not_exist(
    name: str, method: str, ours: World, theirs: World
) -> None:
    for role, session in ours.sessions.items():
        answer = ask(session, method, theirs.url(name))
        # 405 is said before anything is looked up: of what exists and of what does not.
        assert answer.status_code in (404, 405), role
        assert answer.wrote == []
        assert not any(word in text(answer) for word in theirs.words)


@pytest.mark.parametrize("name", sorted(OWNED))
def test_the_method_that_a_view_takes_answers_404_for_another_organisations_thing(
    name: str, ours: World, theirs: World
) -> None:
    methods = {"post"} if name in CHANGES else {"get"}
    for method in methods:
        assert ask(ours.sessions["admin"], method, theirs.url(name)).status_code == 404


@pytest.mark.parametrize("name", sorted(ROOMS - CHANGES))
def test_no_page_shows_a_word_of_another_organisation(
    name: str, ours: World, theirs: World
) -> None:
    for role in ROLES[PERMISSIONS[name]]:
        page = text(ask(ours.sessions[role], "get", ours.url(name)))
        assert [word for word in theirs.words if word in page] == [], role


# --- links


@pytest.mark.parametrize("name", sorted(BEHIND_LINK))
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_was_never_given_out_leads_nowhere(name: str, method: str, ours: World) -> None:
    answer = ask(None, method, reverse(name, args=["never-given-out"]))
    assert answer.status_code in (404, 405)
    assert answer.wrote == []


# --- methods


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_what_changes_something_takes_a_post(name: str, ours: World) -> None:
    assert ask(ours.sessions["admin"], "get", ours.url(name)).status_code == 405


@pytest.mark.parametrize("name", sorted(ROOMS | OPEN))
@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(name: str, method: str, ours: World) -> None:
    for session in (None, ours.sessions["admin"], ours.sessions["interviewer"]):
        assert ask(session, method, ours.url(name)).wrote == []


@pytest.mark.parametrize("name", sorted(ROOMS | OPEN))
def test_every_page_carries_the_policy_against_foreign_script(name: str, ours: World) -> None:
    policy = ask(ours.sessions["admin"], "get", ours.url(name))["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
