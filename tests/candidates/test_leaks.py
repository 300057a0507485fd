"""The guard's eyes: which texts give a person away, and which do not."""

import random
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import factories
from nomdecode.candidates import leaks
from nomdecode.candidates.folding import fold
from nomdecode.candidates.vault import Identity

ADA = factories.identity(
    emails=("al@analytical.example",), links=("https://analytical.example/notes43",)
)


def person(name: str = "Xy Qqqq", **fields: object) -> Identity:
    return Identity(**{"name": name, "emails": ("q@gmail.com",), **fields})


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Ada found the invariant", {"name"}),
        ("ADA found it", {"name"}),
        ("Ada's code", {"name"}),
        ("A-d-a", {"name"}),
        ("a d a", {"name"}),
        ("A\u200bd\u00ada", {"name"}),
        ("Ａｄａ", {"name"}),
        ("Àdá", {"name"}),
        ("ada_2024", {"name"}),
        ("Lo velace", {"name"}),
        ("l.o.v.e.l.a.c.e", {"name"}),
        ("the lovelaceish way", {"name"}),
        ("file adalovelace.py", {"full_name"}),
        ("user lovelaceada", {"full_name"}),
        ("alovelace wrote", {"name"}),
        ("Canada is large", set()),
        ("adapter, Adam, radar", set()),
        ("the love lace curtain", {"name"}),
        ("from al at analytical dot example", {"email", "link"}),
        ("mail to ada@analytical.example", {"name", "email", "link"}),
        ("see www.analytical.example", {"email", "link"}),
        ("an analytical mind", set()),
        ("call 79460000", {"phone"}),
        ("call (020) 7946-0000 now", {"phone"}),
        ("0044.20.7946.0000", {"phone"}),
        ("+44 (0)20 7946 00 00", {"phone"}),
        ("٠٢٠٧٩٤٦٠٠٠٠", {"phone"}),
        ("7946", set()),
        ("79460000123456", set()),
        ("was an analyst; analytical engines", {"headline"}),
        ("an analyst of engines", set()),
        ("lives in L o n d o n", {"place"}),
        ("Londoners", set()),
        ("", set()),
    ],
)
def test_what_gives_ada_lovelace_away(text: str, kinds: set[str]) -> None:
    assert leaks.find(ADA, [text]) == kinds


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Jürgen Müller", "Juergen said"),
        ("Jürgen Müller", "Mr Muller"),
        ("Juergen Mueller", "Jürgen"),
        ("Søren Kjær", "Soren K"),
        ("Søren Kjær", "mister Kjaer"),
        ("Łukasz Żak", "lukasz"),
        ("Jean-Luc Picard", "Jean Luc"),
        ("Jean-Luc Picard", "with Luc"),
        ("Siobhán O'Brien", "OBrien"),
        ("Siobhán O'Brien", "Siobhan"),
        ("Bo Li", "I asked Bo."),
        ("bo li", "I asked Bo."),
        ("An Do", "I asked An to begin"),
        ("Will May", "the tests will pass"),
        ("Vincent van Gogh", "Gogh"),
        ("山田 太郎", "候補者は山田さんです"),
        ("Юлия Ким", "юлия"),
        ("J. R. Smith", "jsmith"),
        ("Asa Gray", "A-s-a"),
        ("Asa Gray", "As a matter, Asa did"),
        ("Jo Smith", "JO"),
    ],
)
def test_a_name_is_found_however_it_is_written(name: str, text: str) -> None:
    assert leaks.find(person(name), [text]) == {"name"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Asa Gray", "as a reviewer"),
        ("Isa Gray", "it is a tree"),
        ("Theo Gray", "in the O(n) bound"),
        ("Ina Gray", "in a loop"),
        ("Arun Gray", "after a run of tests"),
        ("Ian Gray", "I'd an idea"),
        ("Bo Li", "the bolt, a bo, and a listing"),
        ("An Do", "An excellent answer. Do it again"),
        ("Therese Gray", "the research was good"),
        ("Vincent van Gogh", "the van, and under the hood"),
        ("Juan de la Cruz", "De facto, la"),
        ("Sam Gray", "the same tests"),
    ],
)
def test_ordinary_words_are_no_name(name: str, text: str) -> None:
    assert leaks.find(person(name), [text]) == set()


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("Tobias Klingemann", ["Tobias Klingemann wrote it"]),
        ("Tobias Klingemann", ["Tobias was quick", "and Klingemann was thorough"]),
        ("Tobias Klingemann", ["Klingemann, Tobias"]),
        ("Tobias Klingemann", ["tobiasklingemann.py"]),
        ("Tobias Klingemann", ["user t-klingemann", "T o b i a s"]),
        ("Anna Maria Schmidt", ["Anna Maria did well"]),
        ("Jean-Luc Picard", ["Luc said", "so did Picard"]),
        ("Vincent van Gogh", ["Vincent", "Gogh"]),
        ("Max Klingemann", ["a max heap", "Klingemann"]),
        ("Christian Christiansen", ["Christian", "Christiansen"]),
        ("Thomas Thomas", ["Thomas Thomas wrote it"]),
        ("Will May", ["I asked Will May to begin"]),
        ("Will May", ["WILL MAY", "May, Will"]),
        ("An Do", ["I asked An Do"]),
        ("Van Nguyen", ["Van Nguyen"]),
        ("Bo Li", ["asked bo li"]),
        ("山田 太郎", ["山田さん", "太郎"]),
        ("山田太郎", ["候補者は山田太郎です"]),
    ],
)
def test_two_parts_of_a_name_are_more_than_a_common_word(name: str, texts: list[str]) -> None:
    assert leaks.find(person(name), texts) == {"full_name"}


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("Will May", ["the tests will pass", "may be slower"]),
        ("Can Do", ["with a can do spirit"]),
        ("Thomas Thomas", ["Thomas was quick", "Thomas was thorough"]),
        ("Christian Christiansen", ["Christiansen"]),
        ("Jean-Luc Picard", ["Jean-Luc", "Jean", "Luc"]),
        ("Jean-Luc Jean", ["Jean"]),
        ("Vincent van Gogh", ["van Gogh"]),
        ("J. R. Smith", ["jsmith"]),
        ("Madonna", ["Madonna", "madonna"]),
    ],
)
def test_one_part_of_a_name_however_often_is_one(name: str, texts: list[str]) -> None:
    assert leaks.find(person(name), texts) == {"name"}


@pytest.mark.parametrize(
    ("fields", "text", "kinds"),
    [
        ({"emails": ("turing77@gmail.com",)}, "xturing77x", {"email"}),
        ({"emails": ("tur@gmail.com",)}, "mail tur there", {"email"}),
        ({"emails": ("tur@gmail.com",)}, "turn, gmail.com", set()),
        ({"emails": ("info@bletchley.example",)}, "more info is good", set()),
        ({"emails": ("info@bletchley.example",)}, "at bletchley . example", {"email"}),
        ({"emails": ("zed+jobs@gmail.com",)}, "zed", {"email"}),
        ({"links": ("https://github.com/enigma42/python",)}, "enigma42", {"link"}),
        ({"links": ("https://github.com/enigma42/python",)}, "python on github.com", set()),
        ({"links": ("https://www.linkedin.com/in/enigma-breaker/",)}, "enigmabreaker", {"link"}),
        ({"links": ("http://bletchley.example",)}, "bletchley.example/huts", {"link"}),
        ({"links": ("https://enigma42.github.io",)}, "enigma42", {"link"}),
        ({"links": ("https://medium.com/@bombe/how-to-win",)}, "as bombe wrote", {"link"}),
        ({"phones": ("12345",)}, "1-2-3-4-5", {"phone"}),
        ({"phones": ("12345",)}, "912345", set()),
        ({"place": "Remote"}, "remote work", set()),
        ({"place": "Köln, NRW"}, "in koeln nrw", {"place"}),
    ],
)
def test_other_pieces(fields: dict[str, object], text: str, kinds: set[str]) -> None:
    assert leaks.find(person(**fields), [text]) == kinds


def test_headline_and_place_that_the_position_names_give_nobody_away() -> None:
    someone = person(place="Leeds", headline="Backend engineer")
    text = "a backend engineer in Leeds"
    assert leaks.find(someone, [text]) == {"place", "headline"}
    assert leaks.find(someone, [text], ["Senior Backend Engineer", "Leeds, UK"]) == set()


def test_each_text_is_looked_at() -> None:
    assert leaks.find(ADA, ["nothing", "Ada", "from London"]) == {"name", "place"}


# --- properties

SEPARATORS = [" ", "  ", "-", ".", "_", "\u200b", "\u00ad", "\n", "/", "\u2060"]
MARKS = ["", "", "\u0301", "\u0308", "\u0327"]
NAMES = st.text("bcdfghjklpqrstvwz", min_size=3, max_size=12)
FILLER = ["the", "candidate", "wrote", "tests", "first", "and", "measured", "8", "paths", "–"]


def disguised(piece: str, chance: random.Random) -> str:
    """`piece` in random case, with accents and with anything between its letters."""
    return "".join(
        chance.choice([char.lower(), char.upper()])
        + chance.choice(MARKS)
        + (chance.choice(SEPARATORS) if chance.random() < 0.4 else "")
        for char in piece
    )


def filled(inner: str, chance: random.Random) -> str:
    words = [*chance.choices(FILLER, k=5), inner, *chance.choices(FILLER, k=5)]
    return " ".join(words)


@given(NAMES, NAMES, st.randoms(use_true_random=False))
def test_any_name_is_found_in_any_disguise(first: str, last: str, chance: random.Random) -> None:
    assume(not {first, last} & (leaks.listed("particles") | leaks.listed("everyday")))
    piece = chance.choice([first, last, first + last])
    text = unicodedata.normalize(
        chance.choice(["NFC", "NFD"]), filled(disguised(piece, chance), chance)
    )
    (kind,) = leaks.find(person(f"{first} {last}".title()), [text])
    assert kind == "full_name" if piece == first + last else "name" in kind


@given(NAMES, NAMES, st.randoms(use_true_random=False))
def test_both_names_are_found_as_such_in_any_two_texts(
    first: str, last: str, chance: random.Random
) -> None:
    listed = leaks.listed("particles") | leaks.listed("everyday")
    assume(first != last and not {first, last} & listed)
    texts = [filled(disguised(piece, chance), chance) for piece in (first, last)]
    assert leaks.find(person(f"{first} {last}".title()), texts) == {"full_name"}


@given(st.text("0123456789", min_size=7, max_size=11), st.randoms(use_true_random=False))
def test_any_phone_is_found_however_spaced(digits: str, chance: random.Random) -> None:
    text = "call " + disguised(digits, chance) + " today"
    assert leaks.find(person(phones=(f"+49 {digits}",)), [text]) == {"phone"}


@given(
    st.lists(st.text("aeiou", min_size=2, max_size=6), min_size=1, max_size=8),
    NAMES,
    NAMES,
)
def test_texts_without_a_letter_of_the_name_are_clean(
    words: list[str], first: str, last: str
) -> None:
    text = " ".join(words)
    assert not set(fold(text)) & set(first + last)
    assert leaks.find(person(f"{first} {last}", emails=("qq@gmail.com",)), [text]) == set()
