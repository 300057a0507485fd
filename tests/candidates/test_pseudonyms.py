import random
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import factories
from nomdecode.candidates import emblem, intake, pseudonyms
from nomdecode.candidates.folding import fold
from nomdecode.candidates.models import Candidate

SKIN = "black white brown yellow red olive ebony ivory tan pale dark fair beige chocolate caramel"
INSULTS = "pig ape monkey rat snake toad donkey cow whale sloth dog bitch ass crow vulture skunk"


def test_there_are_at_least_twenty_thousand_pairs() -> None:
    assert len(pseudonyms.colours()) * len(pseudonyms.animals()) >= 20_000


def test_no_word_is_a_colour_of_skin_or_an_insult() -> None:
    words = {fold(word) for word in (*pseudonyms.colours(), *pseudonyms.animals())}
    assert not words & set((SKIN + " " + INSULTS).split())


@given(st.integers())
def test_a_pseudonym_is_a_colour_and_an_animal(seed: int) -> None:
    colour, animal = pseudonyms.draw(set(), [], random.Random(seed)).split()
    assert colour in pseudonyms.colours()
    assert animal in pseudonyms.animals()


@given(
    st.lists(st.sampled_from([*pseudonyms.colours(), *pseudonyms.animals()]), max_size=40),
    st.integers(),
)
def test_it_shares_no_word_with_the_identity(words: list[str], seed: int) -> None:
    drawn = pseudonyms.draw(set(), [" ".join(words).upper()], random.Random(seed))
    assert not set(drawn.split()) & set(words)


@pytest.mark.parametrize(
    "piece", ["Finch", "mr.finch@x.example", "https://x.example/goldfinch", "Fínch-Copper"]
)
def test_a_word_within_a_piece_of_the_identity_is_drawn_again(piece: str) -> None:
    taken = {
        f"{colour} {animal}"
        for colour in pseudonyms.colours()
        for animal in pseudonyms.animals()
        if animal not in ("Finch", "Goldfinch")
    }
    drawn = pseudonyms.draw(taken, [piece], random.Random(1))
    assert not drawn.lower().endswith((" finch", " goldfinch"))


def test_a_third_word_comes_when_the_pairs_have_run_out() -> None:
    drawn = pseudonyms.draw(lambda text: text.count(" ") < 2, [], random.Random(1))
    assert drawn.split()[0] in pseudonyms.places()


@pytest.mark.django_db
def test_it_is_unique_in_the_organisation(monkeypatch: pytest.MonkeyPatch) -> None:
    first = factories.candidate()
    draws = iter([first.pseudonym, "Teal Lynx"])
    monkeypatch.setattr(pseudonyms, "draw", lambda taken, words: next(draws))
    entered = intake.enter(first.organisation, factories.identity(), None, "ask_me")
    assert entered.pseudonym == "Teal Lynx"
    assert Candidate.objects.count() == 2


@given(st.sampled_from(sorted(pseudonyms.colours())), st.sampled_from(pseudonyms.animals()))
def test_an_emblem_has_two_tones_and_one_shape(colour: str, animal: str) -> None:
    drawn = emblem.svg(f"{colour} {animal}")
    tree = ElementTree.fromstring(drawn)
    assert (tree.get("class"), tree.get("aria-hidden")) == ("emblem", "true")
    assert [part.get("fill") for part in tree] == [
        pseudonyms.colours()[colour],
        emblem.darker(pseudonyms.colours()[colour]),
    ]
    assert "style" not in drawn


def test_the_emblem_depends_on_the_pseudonym_alone() -> None:
    assert emblem.svg("Copper Heron") == emblem.svg("Copper Heron")
    shapes = {re.sub("#......", "", emblem.svg(f"Copper {a}")) for a in pseudonyms.animals()}
    assert len(shapes) == len(emblem.SHAPES) >= 6


def test_a_colour_that_is_not_listed_has_an_emblem_too() -> None:
    assert "<svg" in emblem.svg("<b> Heron")
    assert "<b>" not in emblem.svg("<b> Heron")
