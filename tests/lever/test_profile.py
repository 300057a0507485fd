"""What Lever is told of anybody at all, and what the guard finds in it."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

import factories
from nomdecode.candidates import vault
from nomdecode.candidates.folding import forms
from nomdecode.candidates.models import Candidate
from nomdecode.lever import guard, profile
from nomdecode.lever.models import Kind

URL = "https://nomdecode.acme.example/interviews/1f/"
PLAN = profile.Plan(
    kind="",
    stage="lead-new",
    origin="sourced",
    perform_as="u-1",
    perform_as_email="iris@acme.example",
    perform_as_why="interviewer",
    owner="u-2",
    owner_email="remy@acme.example",
    posting="p-1",
    archive_reason="r-1",
    created_at=1_762_000_000_000,
)

words = st.from_regex(r"[A-ZÄÖÅČŁ][a-zäöåčłé]{5,11}", fullmatch=True)
phrases = st.tuples(words, words).map(" ".join)
people = st.builds(
    vault.Identity,
    name=phrases,
    emails=st.lists(
        st.from_regex(r"[a-z]{6,12}@[a-z]{6,12}\.example", fullmatch=True), min_size=1, max_size=2
    ).map(tuple),
    phones=st.lists(st.from_regex(r"\+49 30 [0-9]{7}", fullmatch=True), max_size=2).map(tuple),
    place=st.just("") | words,
    headline=st.just("") | phrases,
    links=st.lists(
        st.from_regex(r"https://[a-z]{6,12}\.example/[a-z]{6,12}", fullmatch=True), max_size=2
    ).map(tuple),
)


def facts(*texts: str) -> profile.Facts:
    """An interview in whose scorecard these stand, beside what is always there."""
    ratings = tuple(("Code", 3, text) for text in ("Small functions.", *texts))
    card = profile.Card("Iris Chen", True, ratings, "; ".join(texts), "yes")
    return profile.Facts("Copper Heron", "Backend engineer", URL, "1f", (card,))


def pieces(person: vault.Identity) -> list[tuple[str, str]]:
    """(kind, piece) of all that is held of somebody."""
    single = [("full_name", person.name), ("place", person.place), ("headline", person.headline)]
    several = {"email": person.emails, "phone": person.phones, "link": person.links}
    return [each for each in single if each[1]] + [
        (kind, piece) for kind, held in several.items() for piece in held
    ]


def said(fields: Any, person: vault.Identity) -> list[str]:
    """The pieces of the person that stand in `fields`, the parts of the name on their own."""
    text = json.dumps(fields, ensure_ascii=False)
    sought = [piece for _, piece in pieces(person)] + person.name.split()
    return [piece for piece in sought if piece in text]


# --- the profile


@given(people)
def test_the_note_repeats_no_title_that_names_the_person(person: vault.Identity) -> None:
    titled = replace(facts(), position=f"Backend engineer, {person.name}")
    assert said(profile.note(titled), person) == []


@given(people)
def test_under_the_pseudonym_nothing_of_anybody_is_said(person: vault.Identity) -> None:
    """Whatever the scorecards hold."""
    written = facts(*(piece for _, piece in pieces(person)))
    assert said(profile.pseudonymous(written, PLAN), person) == []


@given(people)
def test_under_the_name_every_detail_is_said_where_lever_keeps_it(person: vault.Identity) -> None:
    fields = profile.named(facts(), person, PLAN)
    assert fields["name"] == person.name
    assert fields["emails"] == list(person.emails)
    assert [each["value"] for each in fields.get("phones", [])] == list(person.phones)
    assert (fields.get("location", ""), fields.get("headline", "")) == (
        person.place,
        person.headline,
    )
    assert fields["links"] == [*person.links, URL]


@given(people)
def test_what_lever_keeps_after_it_anonymises_says_nothing_of_them(person: vault.Identity) -> None:
    fields = profile.named(facts(), person, PLAN)
    for name in ("name", "headline", "location", "emails", "phones", "links"):
        fields.pop(name, None)
    assert said(fields, person) == []


@given(people)
def test_what_an_attempt_keeps_of_a_call_says_nothing_of_them(person: vault.Identity) -> None:
    fields = profile.named(facts(), person, PLAN)
    assert said(profile.redacted(fields, URL), person) == []


# --- the guard


class Guard(TestCase):
    @settings(max_examples=20)
    @given(people)
    def test_it_finds_every_piece_of_anybody_in_a_scorecard(self, person: vault.Identity) -> None:
        candidate = _sealed(person)
        for kind, piece in pieces(person):
            written = facts(f"We spoke of {piece}, and of queues.")
            for export, fields in _both(written, person).items():
                assert kind in guard.find(candidate, export, fields, written)

    @settings(max_examples=20)
    @given(people)
    def test_it_tells_one_part_of_a_name_from_two_in_two_texts(
        self, person: vault.Identity
    ) -> None:
        first, last = person.name.split()
        # Of Anna Änna each is the other.
        assume(all(a not in b and b not in a for a in forms(first) for b in forms(last)))
        candidate = _sealed(person)
        for kind, texts in {"name": (first,), "full_name": (first, last)}.items():
            written = facts(*(f"We spoke of {text}, and of queues." for text in texts))
            for export, fields in _both(written, person).items():
                found = guard.find(candidate, export, fields, written)
                assert found & {"name", "full_name"} == {kind}

    @settings(max_examples=20)
    @given(people)
    def test_it_finds_every_piece_of_anybody_in_a_tag(self, person: vault.Identity) -> None:
        candidate, written = _sealed(person), facts()
        for kind, piece in pieces(person):
            for export, fields in _both(written, person).items():
                tagged = fields | {"tags": [*fields["tags"], piece]}
                assert kind in guard.find(candidate, export, tagged, written)

    @settings(max_examples=20)
    @given(people)
    def test_it_finds_everybody_in_a_profile_that_should_have_none(
        self, person: vault.Identity
    ) -> None:
        named = profile.named(facts(), person, PLAN)
        found = guard.find(_sealed(person), Kind.PSEUDONYMOUS, named, facts())
        assert found == {kind for kind, _ in pieces(person)}

    @settings(max_examples=20)
    @given(people)
    def test_it_stops_nobody_whose_profile_is_as_it_should_be(self, person: vault.Identity) -> None:
        candidate = _sealed(person)
        for export, fields in _both(facts(), person).items():
            assert guard.find(candidate, export, fields, facts()) == set()


def _sealed(person: vault.Identity) -> Candidate:
    candidate = Candidate.objects.create(
        organisation=factories.organisation(), pseudonym="Copper Heron"
    )
    vault.store(candidate, person)
    return candidate


def _both(written: profile.Facts, person: vault.Identity) -> dict[str, dict[str, Any]]:
    return {
        Kind.NAMED: profile.named(written, person, PLAN),
        Kind.PSEUDONYMOUS: profile.pseudonymous(written, PLAN),
    }
