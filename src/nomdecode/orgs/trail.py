"""The audit trail, read: words instead of codes, and the things by their names."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Left, StrIndex
from django.urls import NoReverseMatch, reverse

from nomdecode.orgs.models import AuditEvent, Member, Organisation

# Group -> action -> words, read after the name of whoever did it.
ACTIONS: dict[str, dict[str, str]] = {
    "Candidates": {
        "candidate.entered": "entered their details",
        "candidate.revealed": "opened the identity",
        "candidate.corrected": "corrected details",
        "candidate.renamed": "got another pseudonym",
        "candidate.link_sent": "sent the private link again",
        "candidate.consented": "agreed to be named",
        "candidate.refused": "chose to stay unnamed",
        "candidate.lapsed": "let the question lapse",
        "candidate.withdrew": "withdrew",
        "candidate.erased": "erased the identity",
        "candidate.kept_here": "kept what is held here of whom Lever deleted",
        "candidate.erased_there": "said that the profile is erased in Lever, too",
    },
    "Positions": {
        "position.created": "made a position",
        "position.changed": "changed the position",
        "position.link_made": "made a link for candidates",
        "position.link_revoked": "took a link for candidates back",
    },
    "Interviews": {
        "interview.scheduled": "scheduled the interview",
        "interview.moved": "moved the interview",
        "interview.cancelled": "cancelled the interview",
        "interview.held": "marked the interview as held",
        "interview.no_show": "marked the candidate as not there",
        "interview.recognised": "recognised the candidate",
        "interview.reassigned": "changed the interviewers",
    },
    "Scorecards": {
        "scorecard.submitted": "submitted a scorecard",
        "scorecard.amended": "amended a scorecard",
        "scorecard.excused": "excused an interviewer",
    },
    "Profiles": {
        "export.planned": "planned the profile",
        "export.exported": "made the profile in Lever",
        "export.stopped": "stopped before sending",
        "export.ended": "ended: the profile stays here",
        "export.retried": "asked to try again",
        "export.rephrase_asked": "asked the interviewers to rephrase",
        "export.cleared": "let a finding through",
        "export.skipped": "skipped the profile: it stays here",
        "export.adoption_asked": "asked to adopt a profile of Lever’s",
        "export.adopted": "adopted a profile that was in Lever",
        "export.read_back": "asked to compare with what Lever has",
        "export.duplicate_settled": "dealt with what Lever had twice",
    },
    "Lever": {
        "lever.key_set": "set the Data API key",
        "lever.account_changed": "noticed that the key belongs to another Lever account",
        "lever.account_sent": "sent on what was meant for another Lever account",
        "lever.account_kept": "kept here what was meant for another Lever account",
        "lever.token_added": "added a signing token",
        "lever.token_replaced": "replaced a signing token",
        "lever.token_removed": "removed a signing token",
        "lever.enabled": "switched Lever on",
        "lever.disabled": "switched Lever off",
        "lever.saved": "changed the Lever settings",
        "lever.looked_again": "had Lever asked again about what was received",
        "lever.recovery_began": "began to compare Lever with a restored database",
        "lever.recovered": "compared Lever with a restored database",
    },
    "Members": {
        "member.invited": "invited somebody",
        "member.uninvited": "took an invitation back",
        "member.joined": "joined",
        "member.changed": "changed a member",
    },
    "Organisation": {"organisation.changed": "changed the settings"},
}
WORDS = {action: words for group in ACTIONS.values() for action, words in group.items()}
# The first two would answer whoever interviewed, and wrote on a guess, whether a piece of the
# identity was there; when somebody entered their details could tell them whom they know.
NOT_FOR_INTERVIEWERS = (
    Q(action="export.cleared")
    | Q(action="candidate.revealed", detail__to="Lever")
    | Q(action="candidate.entered")
)
BY = {"candidate": "The candidate", "lever": "Lever", "system": "Nom de Code"}
PAGES = {
    "candidate": "candidates:candidate",
    "interview": "interviews:interview",
    "position": "interviews:position",
    "member": "orgs:member",
}
# From a part to what people know it by: scorecard -> assignment -> interview -> candidate.
OWNERS = ("step", "export", "scorecard", "assignment", "interview", "candidate")


@dataclass(frozen=True)
class Entry:
    at: datetime
    who: str
    what: str
    thing: str  # "interview:<id>"
    kind: str  # "Interview"
    title: str  # "Copper Heron"
    url: str  # may be empty
    details: list[str]


def events(reader: Member, action: str = "", about: str = "") -> QuerySet[AuditEvent]:
    """Newest first. `about`: a kind of thing ("interview") or one thing ("interview:<id>")."""
    found = AuditEvent.objects.filter(organisation=reader.organisation_id)
    found = found.select_related("member__user")
    found = found.exclude(NOT_FOR_INTERVIEWERS, thing__in=_interviewed_by(reader))
    if action:
        found = found.filter(action=action)
    if about:
        named = Q(thing=about) if ":" in about else Q(thing__startswith=f"{about}:")
        found = found.filter(named)
    return found


def _interviewed_by(reader: Member) -> list[str]:
    held = Q(assignments__member=reader) | Q(former=reader)
    interviews = apps.get_model("interviews", "Interview")._default_manager.filter(held)
    found = interviews.values_list("pk", "candidate")
    return [name for pk, of in found for name in (f"interview:{pk}", f"candidate:{of}")]


def kinds(organisation: Organisation) -> list[tuple[str, str]]:
    """The kinds of things that the organisation's trail speaks of, with their words."""
    things = AuditEvent.objects.filter(organisation=organisation).order_by()
    first = StrIndex("thing", models.Value(":")) - 1
    names = things.values_list(Left("thing", first), flat=True).distinct()
    return sorted((name, _kind_in_words(name)) for name in names)


def entries(page: Iterable[AuditEvent]) -> list[Entry]:
    page = list(page)
    titles = _titles({event.thing for event in page})
    return [
        Entry(
            at=event.at,
            who=event.member.name if event.member else BY.get(event.by, event.by.capitalize()),
            what=WORDS.get(event.action, event.action.replace(".", " ").replace("_", " ")),
            thing=event.thing,
            kind=_kind_in_words(event.thing.partition(":")[0]),
            title=titles.get(event.thing, ""),
            url=_url(event.thing) if titles.get(event.thing) else "",
            details=[_in_words(name, value) for name, value in event.detail.items()],
        )
        for event in page
    ]


def _model(kind: str) -> type[models.Model] | None:
    ours = (m for m in apps.get_models() if m.__module__.startswith("nomdecode."))
    return next((model for model in ours if model._meta.model_name == kind), None)


def _kind_in_words(kind: str) -> str:
    model = _model(kind)
    return str(model._meta.verbose_name).capitalize() if model else kind.capitalize()


def _titles(things: set[str]) -> dict[str, str]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for thing in things:
        kind, _, key = thing.partition(":")
        by_kind[kind].append(key)
    titles = {}
    for kind, ids in by_kind.items():
        if model := _model(kind):
            for found in _with_ids(model, ids):
                titles[f"{kind}:{found.pk}"] = _title(found)
    return titles


def _with_ids(model: type[models.Model], ids: list[str]) -> Iterable[models.Model]:
    try:
        return list(model._default_manager.filter(pk__in=ids))
    except (ValidationError, ValueError):  # a thing that was named otherwise than by its key
        return []


def _title(thing: models.Model) -> str:
    for owner in OWNERS:
        if owner in {field.name for field in thing._meta.fields}:
            thing = getattr(thing, owner)
    nameless = type(thing).__str__ is models.Model.__str__
    return "" if nameless else str(thing)


def _url(thing: str) -> str:
    kind, _, key = thing.partition(":")
    try:
        return reverse(PAGES[kind], args=[key]) if kind in PAGES else ""
    except NoReverseMatch:
        return ""


def _in_words(name: str, value: Any) -> str:
    name = name.replace("_", " ")
    if isinstance(value, dict) and value.keys() == {"from", "to"}:
        return f"{name}: {_value(value['from'])} → {_value(value['to'])}"
    return f"{name}: {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value) or "none"
    return str(value).replace("_", " ") or "none"
