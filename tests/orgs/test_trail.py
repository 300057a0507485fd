import ast
import re
import uuid
from pathlib import Path

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse

import factories
import nomdecode
from nomdecode.interviews.models import Assignment
from nomdecode.orgs import audit, trail
from nomdecode.orgs.models import Member

pytestmark = pytest.mark.django_db


def page(admin: Member, **query: str) -> str:
    client = Client()
    client.force_login(admin.user)
    return client.get(reverse("orgs:audit"), query).content.decode()


def record(admin: Member, action: str, thing: models.Model | None = None, **detail: object) -> None:
    audit.record(admin.organisation, action, thing or admin, member=admin, by="member", **detail)


def test_a_row_is_told_in_words(admin: Member) -> None:
    record(admin, "member.changed", role={"from": "recruiter", "to": "admin"})
    shown = page(admin)
    assert "Ada Byron changed a member" in shown
    assert "role: recruiter → admin" in shown


def test_a_thing_is_called_what_people_call_it(admin: Member) -> None:
    interview = factories.passed(admin.organisation)
    record(admin, "interview.moved", interview)
    address = reverse("interviews:interview", args=[interview.pk])
    assert f'<a href="{address}">{interview.candidate.pseudonym}</a>' in page(admin)


def test_whoever_interviewed_does_not_read_that_a_finding_was_let_through(admin: Member) -> None:
    held, moved, others = (factories.passed(admin.organisation) for _ in range(3))
    Assignment.objects.create(interview=held, member=admin)
    moved.former.add(admin)
    for interview in (held, moved, others):
        record(admin, "export.cleared", interview, kinds=["name"])
        record(admin, "export.exported", interview)
    shown = page(admin)
    assert shown.count("let a finding through") == shown.count("kinds: name") == 1
    assert shown.count("made the profile in Lever") == 3
    assert "let a finding through" not in page(admin, about=audit.name_of(held))


def test_nor_that_the_details_went_to_lever(admin: Member) -> None:
    """Which the guard stops, if what they wrote on a guess was right."""
    held, others = (factories.passed(admin.organisation) for _ in range(2))
    Assignment.objects.create(interview=held, member=admin)
    for interview in (held, others):
        for to in ("Lever", "page"):
            record(admin, "candidate.revealed", interview.candidate, to=to, fields=["name"])
    shown = page(admin)
    assert (shown.count("to: Lever"), shown.count("to: page")) == (1, 2)


def test_nor_when_the_details_were_entered(admin: Member) -> None:
    """Which could tell them whom they know."""
    held, others = (factories.passed(admin.organisation) for _ in range(2))
    Assignment.objects.create(interview=held, member=admin)
    for interview in (held, others):
        record(admin, "candidate.entered", interview.candidate, choice="ask_me")
    about = [audit.name_of(interview.candidate) for interview in (held, others)]
    assert ["Ada Byron entered their details" in page(admin, about=one) for one in about] == [
        False,
        True,
    ]


def test_the_newest_comes_first(admin: Member) -> None:
    record(admin, "lever.enabled")
    record(admin, "lever.disabled")
    shown = page(admin)
    assert shown.index("Ada Byron switched Lever off") < shown.index("Ada Byron switched Lever on")


def test_the_trail_can_be_narrowed_to_an_action(admin: Member) -> None:
    record(admin, "lever.enabled")
    record(admin, "member.invited")
    shown = page(admin, action="member.invited")
    assert "Ada Byron invited somebody" in shown
    assert "Ada Byron switched Lever on" not in shown


def test_the_trail_can_be_narrowed_to_one_thing(admin: Member) -> None:
    other = factories.member(admin.organisation)
    record(admin, "member.joined", other)
    record(admin, "member.changed", admin)
    shown = page(admin, about=f"member:{other.pk}")
    assert "Ada Byron joined" in shown
    assert "Ada Byron changed a member" not in shown


def test_a_kind_of_thing_does_not_stand_for_another_that_begins_like_it(admin: Member) -> None:
    record(admin, "member.joined")
    assert "Ada Byron joined" not in page(admin, about="mem")


def test_the_trail_has_pages(admin: Member) -> None:
    for _ in range(51):
        record(admin, "lever.saved")
    assert page(admin).count("Ada Byron changed the Lever settings") == 50
    assert page(admin, page="2").count("Ada Byron changed the Lever settings") == 1
    assert "Page 1 of 2" in page(admin)


def test_an_empty_trail_says_so(admin: Member) -> None:
    assert "Nothing has happened yet" in page(admin)
    assert "Nothing of this kind has happened" in page(admin, action="member.joined")


def test_another_organisations_rows_are_not_shown(admin: Member) -> None:
    other = factories.member(factories.organisation("Zeta"), name="Zoe Zeta")
    record(other, "lever.enabled")
    for query in ({}, {"about": f"member:{other.pk}"}, {"about": "member"}):
        assert "Zoe Zeta" not in page(admin, **query)


@pytest.mark.parametrize("thing", ["interview:nonsense", "nothing:1", "member:99999", "x"])
def test_a_row_about_something_that_cannot_be_found_is_still_told(
    admin: Member, thing: str
) -> None:
    event = trail.AuditEvent(
        organisation=admin.organisation, action="odd.thing_done", by="system", thing=thing
    )
    event.save()
    assert "Nom de Code odd thing done" in page(admin)


@pytest.mark.parametrize(
    ("by", "who"), [("candidate", "The candidate"), ("lever", "Lever"), ("system", "Nom de Code")]
)
def test_who_is_no_member_has_a_word(admin: Member, by: str, who: str) -> None:
    audit.record(admin.organisation, "candidate.withdrew", admin, by=by)
    assert f"{who} withdrew" in page(admin)


def test_a_strange_filter_finds_nothing_and_breaks_nothing(admin: Member) -> None:
    record(admin, "lever.enabled")
    for about in (f"interview:{uuid.uuid4()}", "'; --", "%", ":"):
        assert "Nothing of this kind has happened" in page(admin, about=about)


def test_every_action_that_the_product_writes_has_words() -> None:
    assert sorted(actions_in_the_source() - set(trail.WORDS)) == []


def actions_in_the_source() -> set[str]:
    rooms = {action.partition(".")[0] for action in trail.WORDS}
    action = re.compile(rf"({'|'.join(rooms)})\.[a-z_]+")
    texts: set[str] = set()
    for path in Path(nomdecode.__path__[0]).rglob("*.py"):
        tree = ast.parse(path.read_text())
        tasks = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
        names = {node.value.value for node in tasks if isinstance(node.value, ast.Constant)}
        constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        texts |= {text for text in constants - names if isinstance(text, str)}
    return {text for text in texts if action.fullmatch(text)}
