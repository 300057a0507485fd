"""What Lever will be told of one interview: pure. It is handed the identity; it fetches nothing.

`named` carries every detail of the person; `pseudonymous` carries none. Field names are those of
Lever's POST /opportunities.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nomdecode.candidates.leaks import Person
from nomdecode.interviews.scorecards import RATINGS
from nomdecode.orgs.models import Decision

SOURCE = "Nom de Code"
_REFERENCE = "Nom de Code reference "
PASSED, NOT_PASSED = "Passed", "Not passed"


@dataclass(frozen=True)
class Card:
    """One scorecard as a reader wants it. ratings: (criterion, 1 to 4, evidence)."""

    interviewer: str
    decider: bool
    ratings: tuple[tuple[str, int, str], ...]
    notes: str
    decision: str


@dataclass(frozen=True)
class Facts:
    """The interview without the person."""

    pseudonym: str
    position: str
    url: str  # of the interview's page here
    reference: str  # short; in the note's last line, to find it again
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Plan:
    """Fixed at the first claim; later settings do not change it. Stored as JSON in Export.plan."""

    kind: str
    stage: str
    origin: str
    perform_as: str
    perform_as_email: str
    perform_as_why: str  # "interviewer", "fallback", "refused"
    owner: str
    owner_email: str
    owner_why: str = ""  # "recruiter", "posting", "fallback", "refused"
    posting: str = ""
    archive_reason: str = ""
    with_resume: bool = True
    created_at: int = 0  # milliseconds; the marker
    left_out: list[str] = field(default_factory=list)  # what Lever refused and we did without


def named(facts: Facts, person: Person, plan: Plan) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": person.name,
        "headline": person.headline,
        "location": person.place,
        "emails": list(person.emails),
        "phones": [{"type": "mobile", "value": phone} for phone in person.phones],
        "links": [*person.links, facts.url],
        "tags": [PASSED],
        **_common(plan),
    }
    return {name: value for name, value in fields.items() if value}


def pseudonymous(facts: Facts, plan: Plan) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": facts.pseudonym,
        "links": [facts.url],
        "tags": [NOT_PASSED],
        **_common(plan),
    }
    if plan.archive_reason:
        fields["archived"] = {"reason": plan.archive_reason}
    return {name: value for name, value in fields.items() if value}


def _common(plan: Plan) -> dict[str, Any]:
    return {
        "sources": [SOURCE],
        "origin": plan.origin,
        "stage": plan.stage,
        "owner": plan.owner,
        "postings": [plan.posting] if plan.posting else [],
        "createdAt": plan.created_at,
    }


def note(facts: Facts) -> str:
    """The scorecards as readable text; the last line is the reference to find it by."""
    # Without the position's title, which nobody has looked through for names.
    parts = ["Anonymous technical interview", *(_card(card) for card in facts.cards)]
    parts.append(f"{facts.url}\n{last_line(facts)}")
    return "\n\n".join(parts)


def last_line(facts: Facts) -> str:
    """What a note is found again by: written and looked for in the same words."""
    return f"{_REFERENCE}{facts.reference}"


def reference_in(text: str) -> str:
    """The reference of the interview whose note this is, or nothing."""
    found = re.search(rf"{_REFERENCE}([0-9a-f]{{12}})\s*$", text)
    return found[1] if found else ""


def _card(card: Card) -> str:
    lines = [f"Scorecard of {card.interviewer}{', who decided' if card.decider else ''}"]
    if card.decision:
        lines.append(f"Decision: {Decision(card.decision).label.lower()}")
    for criterion, rating, evidence in card.ratings:
        lines.append(f"{criterion}: {rating} {RATINGS[rating]}. {evidence}".rstrip())
    if card.notes:
        lines.append(f"Notes: {card.notes}")
    return "\n".join(lines)


_TOLD = {"tags", "sources", "origin", "stage", "owner", "postings", "createdAt", "archived"}


def redacted(fields: Mapping[str, Any], url: str) -> dict[str, Any]:
    """What may be shown of `fields`: choices and ids as they are, of the person only how much."""
    return {
        name: value if name in _TOLD else _how_much(value, url) for name, value in fields.items()
    }


def _how_much(value: Any, url: str) -> Any:
    if not isinstance(value, list):
        return "kept back"
    others = len(value) - value.count(url)
    shown = [url] if url in value else []
    return [*shown, f"{others} kept back"] if others else shown


def written_texts(facts: Facts) -> list[str]:
    """What people wrote into the scorecards, and the criteria: what a note holds of free text."""
    texts = []
    for card in facts.cards:
        texts += [text for criterion, _, evidence in card.ratings for text in (criterion, evidence)]
        texts.append(card.notes)
    return [text for text in texts if text]


def texts_of(fields: Mapping[str, Any]) -> list[str]:
    """Every text in `fields`, however deep, except ids of Lever's own."""
    ours = {"stage", "owner", "postings", "origin", "archived"}
    return list(_texts(value for name, value in fields.items() if name not in ours))


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _texts(value.values())
        elif isinstance(value, list | tuple):
            yield from _texts(value)
