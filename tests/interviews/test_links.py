"""One link for a position, personal ones that work once; a token is nowhere in the database."""

import pytest
from django.utils import timezone

import factories
from nomdecode.interviews import links
from nomdecode.interviews.models import InviteLink, Position
from nomdecode.orgs.models import Member

pytestmark = pytest.mark.django_db


@pytest.fixture
def recruiter() -> Member:
    return factories.member()


@pytest.fixture
def position(recruiter: Member) -> Position:
    return factories.position(recruiter.organisation)


def test_a_position_has_one_link(position: Position, recruiter: Member) -> None:
    assert links.position_link(position, recruiter) == links.position_link(position, recruiter)


def test_it_can_be_shown_again_though_only_its_hash_is_stored(
    position: Position, recruiter: Member
) -> None:
    link = links.position_link(position, recruiter)
    again = InviteLink.objects.get()
    assert links.token_of(again) == links.token_of(link)
    assert links.resolve(links.token_of(link)) == link
    assert links.token_of(link).encode() not in bytes(again.token_hash)


def test_tokens_differ_and_are_long(position: Position, recruiter: Member) -> None:
    tokens = {links.token_of(links.personal_link(position, recruiter)) for _ in range(5)}
    assert len(tokens) == 5
    assert min(map(len, tokens)) >= 43


def test_a_new_link_ends_the_one_before(position: Position, recruiter: Member) -> None:
    old = links.position_link(position, recruiter)
    new = links.new_position_link(position, recruiter, timezone.now())
    old.refresh_from_db()
    assert (links.why_not(old), links.why_not(new)) == ("replaced", "")


def test_a_new_link_leaves_personal_ones(position: Position, recruiter: Member) -> None:
    personal = links.personal_link(position, recruiter)
    links.new_position_link(position, recruiter, timezone.now())
    personal.refresh_from_db()
    assert links.why_not(personal) == ""


def test_an_invented_token_finds_nothing() -> None:
    assert links.resolve("x" * 43) is None


def test_a_closed_position_closes_its_links(position: Position, recruiter: Member) -> None:
    link = links.position_link(position, recruiter)
    position.open = False
    position.save()
    found = links.resolve(links.token_of(link))
    assert found
    assert links.why_not(found) == "closed"
