"""What Lever has now against what it was sent: names of fields, never what stands in them. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nomdecode.lever.client import Opportunity

# Lever's name of a field -> what a reader calls it.
FIELDS = {
    "name": "name",
    "emails": "e-mails",
    "phones": "phones",
    "location": "location",
    "headline": "headline",
    "links": "links",
    "tags": "tags",
    "sources": "source",
    "origin": "origin",
    "stage": "stage",
    "owner": "owner",
    "postings": "posting",
    "archived": "archive reason",
    "resumeFile": "résumé",
    "value": "scorecards",
}

OF_THE_PERSON = {"emails", "phones", "location", "headline", "resumeFile"}


def in_words(names: Iterable[str]) -> list[str]:
    """In the order of the table, whatever the order they come in."""
    given = set(names)
    return [words for name, words in FIELDS.items() if name in given]


def differing(sent: Mapping[str, Any], has: Opportunity, interviews: str) -> list[str]:
    """The fields of `sent` that are otherwise by now. A stage moves on, so it is not among them.

    `interviews`: where our pages begin; links to others of the person's interviews are expected.
    """
    now: dict[str, object] = {
        "name": has.name,
        "headline": has.headline,
        "location": has.location,
        "emails": has.emails,
        "phones": has.phones,
        "links": _without_others(has.links, sent.get("links", []), interviews),
        "tags": has.tags,
        "sources": has.sources,
        "origin": has.origin,
        "owner": has.owner,
        "postings": has.postings,
    }
    return in_words(
        name for name, value in now.items() if _alike(name, value) != _alike(name, sent.get(name))
    )


def contact_details(has: Opportunity, pseudonym: str, link: str) -> list[str]:
    """What of a profile tells who somebody is: under a pseudonym none of it may be there."""
    found = {
        "name": has.name.strip() != pseudonym,
        "emails": has.emails,
        "phones": has.phones,
        "location": has.location.strip(),
        "headline": has.headline.strip(),
        "links": [each for each in has.links if each != link],
    }
    return in_words(name for name, there in found.items() if there)


def _without_others(links: Iterable[str], sent: Iterable[str], interviews: str) -> list[str]:
    return [link for link in links if link in sent or not link.startswith(interviews)]


def _alike(name: str, value: Any) -> object:
    """Without what does not matter: order, capitals of an address, how a phone is spaced."""
    if name == "phones":
        numbers = (each["value"] if isinstance(each, Mapping) else each for each in value or ())
        return {re.sub(r"\D", "", number) for number in numbers}
    if isinstance(value, list | tuple):
        fold: Callable[[str], str] = str.lower if name == "emails" else str.strip
        return {fold(each) for each in value}
    if name in ("emails", "links", "tags", "sources", "postings"):
        return set()
    return (value or "").strip()
