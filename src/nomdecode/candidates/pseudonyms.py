"""Pseudonyms: a colour or material, and an animal, drawn at random and never from the person.

The word lists leave out colours of skin, animals used as insults, and words that are mostly first
names.
"""

import random as chance
import re
from collections.abc import Callable, Container, Iterable
from functools import cache
from pathlib import Path

from nomdecode.candidates.folding import fold

WORDS = Path(__file__).parent / "words"
TRIES = 300  # more misses than this in a row: nearly all pairs are taken


@cache
def colours() -> dict[str, str]:
    """Colour word -> its "#rrggbb"."""
    lines = (WORDS / "colours.txt").read_text().splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}


@cache
def animals() -> tuple[str, ...]:
    return tuple((WORDS / "animals.txt").read_text().split())


@cache
def places() -> tuple[str, ...]:
    """Third words, for when the pairs run out: "Lakeside Copper Heron"."""
    return tuple((WORDS / "places.txt").read_text().split())


def draw(
    taken: Callable[[str], bool] | Container[str],
    identity_words: Iterable[str],
    random: chance.Random | None = None,
) -> str:
    """ "Copper Heron": not taken, and sharing no word with the identity."""
    random = random or chance.SystemRandom()
    is_taken = taken if callable(taken) else taken.__contains__
    pieces = _pieces(identity_words)
    lists = (places(), tuple(colours()), animals())
    for choices in (lists[1:], lists):
        for _ in range(TRIES):
            words = [random.choice(each) for each in choices]
            pseudonym = " ".join(words)
            if not any(_shared(word, pieces) for word in words) and not is_taken(pseudonym):
                return pseudonym
    raise RuntimeError("no pseudonym is left")


def shares_word(pseudonym: str, identity_words: Iterable[str]) -> bool:
    pieces = _pieces(identity_words)
    return any(_shared(word, pieces) for word in pseudonym.split())


def _pieces(identity_words: Iterable[str]) -> set[str]:
    return {piece for text in identity_words for piece in re.findall(r"[^\W\d_]+", fold(text))}


@cache
def _folded(word: str) -> str:
    """Of the lists: the same few hundred words each time."""
    return fold(word)


def _shared(word: str, pieces: set[str]) -> bool:
    """Equal, or one within the other where both are long enough to be recognised."""
    word = _folded(word)
    return any(
        word == piece or (len(word) >= 4 and word in piece) or (len(piece) >= 4 and piece in word)
        for piece in pieces
    )
