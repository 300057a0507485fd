"""Looks for the words of a person in whatever others may see."""

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import httpx2
from django.urls import URLPattern, URLResolver, get_resolver

from journeys.product import Product

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/|$)|[\w-]{40,}")
LINKS = re.compile(r'(?:href|src|action|hx-get|data-copy)="([^"]+)"')
# The demo's mail, the candidates' own pages, and the stream that never ends.
NOT_OURS = re.compile(r"/outbox/|/c/|/live$|/static/")
type Ids = Mapping[str, Sequence[str]]  # "interviews" -> ids, as in /interviews/<id>/
SHOWS_OTHERS = {"show", "state", "table", "part", "shows"}  # choose another kind of page
OF_A_KIND = 1  # pages of one kind that are read, beside all that are about our candidates


class Canaries:
    """Every word in all the ways in which text, URLs, HTML, JSON and dumps may write it."""

    def __init__(self, words: Iterable[str]) -> None:
        self.ways = {way: word for word in words for way in _ways(word)}
        # What is not ASCII keeps its case among bytes; to fold a whole database takes long.
        self.bytes = {
            form.encode().lower(): word
            for way, word in self.ways.items()
            for form in (way, way.upper(), way.title(), word)
        }

    def in_text(self, text: str) -> set[str]:
        folded = text.casefold()
        return {word for way, word in self.ways.items() if way in folded}

    def in_bytes(self, content: bytes) -> set[str]:
        lower = content.lower()
        return {word for way, word in self.bytes.items() if way in lower}


def _ways(word: str) -> set[str]:
    plain = html.escape(word), html.escape(word).encode("ascii", "xmlcharrefreplace").decode()
    escaped = quote(word), json.dumps(word)[1:-1], ascii(word)[1:-1], word.encode().hex()
    return {way.casefold() for way in (word, *plain, *escaped)}


def readable_pages(
    product: Product, cookies: list[dict[str, str]], ours: Ids
) -> Iterator[tuple[str, str]]:
    """(address, all that was answered) of what a member can open: by links, and by name.

    `ours`: the things that are about our candidates; every page of theirs is read.
    """
    ids = {each for some in ours.values() for each in some}
    wanted = [product.url + "/", *(product.url + path for path in named_paths(ours))]
    read: set[str] = set()
    kinds: Counter[str] = Counter()
    with httpx2.Client(timeout=30, verify=False) as http:
        for cookie in cookies:
            http.cookies.set(cookie["name"], cookie["value"], domain=cookie["domain"])
        while wanted:
            address = wanted.pop().split("#")[0]
            kind = _kind(address)
            about_ours = not ids.isdisjoint(re.split("[/?=&]|%3A", address))
            if address in read or (kinds[kind] >= OF_A_KIND and not about_ours):
                continue
            read.add(address)
            kinds[kind] += not about_ours
            answer = http.get(address)
            assert answer.status_code < 500, f"{answer.status_code} of {address}"
            yield address, f"{answer.headers}\n{answer.text}"
            links = [urljoin(address, html.unescape(each)) for each in LINKS.findall(answer.text)]
            links += [urljoin(address, answer.headers.get("location", address))]
            wanted += [each for each in links if _inside(product, each)]


def _kind(address: str) -> str:
    """Pages that differ only in whom or how much they show are of one kind."""
    parts = urlsplit(ID.sub("*", address))
    asked = parse_qsl(parts.query, keep_blank_values=True)
    chosen = (f"{name}={value}" if name in SHOWS_OTHERS else name for name, value in asked)
    return "&".join([parts.path, *sorted(chosen)])


def _inside(product: Product, address: str) -> bool:
    return address.startswith(product.url) and not NOT_OURS.search(urlsplit(address).path)


def named_paths(ours: Ids) -> Iterator[str]:
    """Every URL of the site, with each of `ours` in its place; other ids are found by links."""
    for path in _patterns(get_resolver()):
        ids = ours.get(path.partition("/")[0], []) if "<" in path else [""]
        paths = ["/" + re.sub(r"<[^>]+>", each, path) for each in ids]
        yield from (each for each in paths if not NOT_OURS.search(each))


def _patterns(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for each in resolver.url_patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _patterns(each, path)
        elif isinstance(each, URLPattern) and not re.search(r"[\\^$(]", path):
            yield path
