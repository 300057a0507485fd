"""Finds pieces of an identity in texts, however they are spaced, cased or accented.

It would rather find too much: a person then reads the text and decides, or has it rephrased. What
it lets through is listed where it does so.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from nomdecode.candidates.folding import fold, forms, unaccented

LONG = 7  # letters from which a name is recognised inside a longer word
HANDLE = 5  # the same for the local part of an e-mail and the handle in a link
GAP = r"[\W_]*"  # whatever may stand between two letters to hide them
TIGHT = r"(?:[^\w\s]|_)*"  # the same without white space
LETTER = r"[^\W\d_]"
NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Person(Protocol):
    """The identity, as the vault holds it."""

    @property
    def name(self) -> str: ...
    @property
    def emails(self) -> tuple[str, ...]: ...
    @property
    def phones(self) -> tuple[str, ...]: ...
    @property
    def place(self) -> str: ...
    @property
    def headline(self) -> str: ...
    @property
    def links(self) -> tuple[str, ...]: ...


@cache
def listed(kind: str) -> frozenset[str]:
    """The words of one paragraph of words/common.txt."""
    text = (Path(__file__).parent / "words" / "common.txt").read_text()
    paragraphs = dict(part.split(":", 1) for part in text.split("\n\n") if ":" in part)
    return frozenset(paragraphs[kind].split())


def find(person: Person, texts: Iterable[str], allowed: Iterable[str] = ()) -> set[str]:
    """The kinds of piece found: name, full_name, email, phone, place, headline, link.

    full_name instead of name: more than one part of it, be it in one text or in several.
    """
    patterns = list(_patterns(person, [_words(text) for text in allowed]))
    found: set[Pattern] = set()
    for text in texts:
        bare, folded = _beside_bare([unaccented(text)]), _beside_bare(forms(text))
        found |= {
            pattern
            for pattern in patterns
            if any(
                pattern.letters in squeezed and pattern.stands_in(form)
                for form, squeezed in (bare if pattern.cased else folded)
            )
        }
    return _kinds(found)


def _beside_bare(texts: Iterable[str]) -> list[tuple[str, str]]:
    return [(text, _bare(text)) for text in texts]


@dataclass(frozen=True)
class Pattern:
    kind: str
    regex: str
    letters: str = ""  # what stands in every text that it matches: most texts need no regex
    cased: bool = False  # looked for in the text as it was written, accents aside
    plain_words: bool = False  # "as a" is no sign of Asa
    part: str = ""  # which word of the name

    def stands_in(self, text: str) -> bool:
        return any(
            not (self.plain_words and _is_plain(match.group()))
            for match in re.finditer(self.regex, text)
        )


def _is_plain(match: str) -> bool:
    """White space splits it into everyday words, so nobody hid a name there: "in a", "the o"."""
    chunks = [re.sub(r"[\W_]", "", chunk) for chunk in match.split()]
    chunks = [chunk for chunk in chunks if chunk]
    everyday = [chunk for chunk in chunks if chunk in listed("everyday")]
    others = [chunk for chunk in chunks if chunk not in listed("everyday") and len(chunk) > 1]
    return len(chunks) > 1 and not others and any(len(chunk) > 1 for chunk in everyday)


def _kinds(found: set[Pattern]) -> set[str]:
    kinds, parts = {pattern.kind for pattern in found}, {pattern.part for pattern in found} - {""}
    # "It will, and may": of Will May that says nothing, one beside the other does (_whole).
    if len(parts) > 1 and not parts <= listed("everyday"):
        kinds.add("full_name")
    return kinds - {"name"} if "full_name" in kinds else kinds


def _patterns(person: Person, allowed: list[str]) -> Iterator[Pattern]:
    yield from _name(person.name)
    for email in person.emails:
        yield from _email(email)
    for phone in person.phones:
        yield from _phone(phone)
    for kind, phrase in (("place", person.place), ("headline", person.headline)):
        yield from _phrase(kind, phrase, allowed)
    for link in person.links:
        yield from _link(link)


# --- names


def _name(name: str) -> Iterator[Pattern]:
    words = [word.strip("-'’.,()\"") for word in name.split()]
    words = [word for word in words if word]
    pieces = [(part, word) for word in words for part in (word, *re.split(r"[-'’.]", word)) if part]
    unlisted = [each for each in pieces if fold(each[0]) not in listed("particles")] or pieces
    part_of: dict[str, str] = {}  # a part that stands in two words is one part
    for part, word in unlisted:
        within = any(_squeezed(part) in _squeezed(other) for other in words if other != word)
        label = part_of.setdefault(_squeezed(part), _squeezed(word))
        yield from _name_part(part, label, within, always_capital=name.islower())
    if len(words) > 1:
        yield from _whole(words)
        if len(words[-1]) >= 4:
            initial = words[0][0] + words[-1]
            yield from _hidden("name", initial, 99, part=_squeezed(words[-1]))
    elif words and len(words[0]) > 1 and NO_SPACES.search(words[0]):  # first and last in one
        yield from _hidden("full_name", words[0], 2)


def _name_part(part: str, word: str, within: bool, always_capital: bool) -> Iterator[Pattern]:
    """`within`: another word of the name holds it, as Christiansen does Christian."""
    letters = _squeezed(part)
    if len(letters) > 2 or (len(letters) == 2 and NO_SPACES.search(letters)):
        inside = "" if within else word
        yield from _hidden("name", part, LONG, plain_words=True, part=word, inside=inside)
    elif len(letters) == 2 and (always_capital or not part[0].islower()):
        # "An excellent answer": a capital that only begins a sentence says nothing.
        begins = r"(?<=[^\W_])[ ,]+" if letters in listed("everyday") else f"(?<!{LETTER})"
        yield Pattern("name", f"{begins}{_capital(part)}(?!{LETTER})", cased=True, part=word)


def _whole(words: list[str]) -> Iterator[Pattern]:
    """All words of a name beside each other, in either order."""
    # "Can do", "do an": a name of everyday words is one where it has its capitals.
    everyday = set(map(_squeezed, words)) <= listed("everyday") | listed("particles")
    kind = "name" if everyday else "full_name"
    for order in (words, [*words[1:], words[0]]):
        if len(_squeezed("".join(order))) >= HANDLE:
            yield from _hidden(kind, "".join(order), LONG)
        if everyday:
            capitals = GAP.join(map(_capital, order))
            yield Pattern("full_name", _bounded(capitals), cased=True)
    yield Pattern(kind, _bounded(r"[\W_]+".join(map(re.escape, map(fold, words)))))


def _capital(word: str) -> str:
    bare = re.sub(r"[\W_]", "", unaccented(word))
    return bare[:1].upper() + "".join(f"[{char.lower()}{char.upper()}]" for char in bare[1:])


# --- addresses


def _email(email: str) -> Iterator[Pattern]:
    local, _, domain = email.rpartition("@")
    local = local.split("+")[0]
    yield from _spelled("email", local, domain)
    if fold(local) not in listed("roles") and len(_squeezed(local)) >= 3:
        yield from _hidden("email", local, HANDLE)
    if not _is_common(domain, "mail"):
        yield from _host("email", domain)


def _spelled(kind: str, local: str, domain: str) -> Iterator[Pattern]:
    """The whole address, "at" and "dot" spelled out or not."""
    dotted = [GAP.join(fold(label)) for label in re.split(r"[\W_]+", domain) if label]
    for form in forms(local):
        at = f"{GAP}(?:at)?{GAP}".join([_letters(form), f"{GAP}(?:dot)?{GAP}".join(dotted)])
        yield Pattern(kind, _bounded(at))


def _host(kind: str, host: str) -> Iterator[Pattern]:
    labels = [label for label in re.split(r"\.", fold(host)) if _squeezed(label)]
    if len(labels) > 1:
        between = r"\s*(?:(?:[^\w\s]|_)+|(?<!\w)dot(?!\w))\s*"
        yield Pattern(kind, _bounded(between.join(map(_letters, labels))))


def _is_common(host: str, kind: str) -> bool:
    """A mail provider or site that everybody uses, in any of its countries."""
    labels = fold(host).removeprefix("www.").split(".")
    short = len(labels) == 2 or (len(labels) == 3 and labels[1] in ("co", "com", "ne"))
    return labels[0] in listed(kind) and short


def _link(link: str) -> Iterator[Pattern]:
    bare = re.sub(r"^\s*[a-z][a-z0-9+.-]*://", "", link.casefold()).removeprefix("www.")
    host, *path = re.split(r"[/?#&=]+", bare.strip().rstrip("/"))
    host = host.split(":")[0]
    segments = [part for part in path if part.removeprefix("@") not in listed("segments")]
    if path and len(_squeezed(host + "".join(path))) >= HANDLE:
        yield from _hidden("link", bare.rstrip("/"), HANDLE)
    if _is_common(host, "code"):
        segments = segments[:1]  # what follows is a project, whose name may be any word
    if not (_is_common(host, "code") or _is_common(host, "sites")):
        yield from _host("link", host)
        if host.count(".") > 1 and host.split(".", 1)[1] in listed("hosting"):
            segments.append(host.split(".")[0])
    for segment in segments:
        if len(_squeezed(segment)) >= 3:
            yield from _hidden("link", segment, HANDLE)


# --- numbers and phrases


def _phone(phone: str) -> Iterator[Pattern]:
    digits = re.sub(r"\D", "", fold(phone))
    if len(digits) >= 7:
        yield Pattern("phone", GAP.join(digits[-7:]) + r"(?!\d)", digits[-7:])
    elif len(digits) >= 5:
        yield Pattern("phone", r"(?<!\d)" + GAP.join(digits) + r"(?!\d)", digits)


def _phrase(kind: str, phrase: str, allowed: list[str]) -> Iterator[Pattern]:
    words = _words(phrase)
    known = any(f" {words} " in f" {text} " for text in allowed)
    if len(_squeezed(phrase)) >= 2 and not known and words not in listed("places"):
        for form in forms(phrase):
            yield Pattern(kind, _bounded(_letters(form)), _bare(form), plain_words=True)


# --- letters


def _hidden(
    kind: str, piece: str, long: int, plain_words: bool = False, part: str = "", inside: str = ""
) -> Iterator[Pattern]:
    """`piece` on its own however spaced; from `long` letters on also inside a longer word."""
    for form in forms(piece):
        letters = _bare(form)
        yield Pattern(kind, _bounded(_letters(form)), letters, plain_words=plain_words, part=part)
        if len(_squeezed(form)) >= long or NO_SPACES.search(form):
            yield Pattern(kind, _letters(form, TIGHT), letters, part=inside)


def _letters(form: str, gap: str = GAP) -> str:
    return gap.join(map(re.escape, _bare(form)))


def _bounded(pattern: str) -> str:
    """Not within a longer word; digits and underscores end a word."""
    return f"(?<!{LETTER}){pattern}(?!{LETTER})"


def _squeezed(text: str) -> str:
    return _bare(fold(text))


def _bare(text: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[\W_]", "", text)


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", fold(text)))
