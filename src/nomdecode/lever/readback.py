"""Read back: what Lever has now, compared with what was sent. Fields are named, never values."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from nomdecode.candidates import consent, vault
from nomdecode.candidates.models import Candidate
from nomdecode.lever import client, comparison, eligibility, plan, profile
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, Export, ExportStep, Kind, StepState
from nomdecode.lever.remedies import Refused

PURPOSE = "read back: compared with what Lever has; shown to nobody"


@dataclass(frozen=True)
class Answer:
    succeeded: bool
    sentence: str
    differs: tuple[str, ...] = ()


def compare(export: Export, connection: Connection) -> Answer:
    """Asks Lever. Raises Refused or LeverError."""
    if why := _closed(export):
        return Answer(True, f"{why} There is nothing left to compare with. {_listed(export)}")
    if eligibility.elsewhere(export, connection):
        raise Refused("It is in another Lever account than the one this key belongs to.")
    made = export.steps.filter(name="profile", state=StepState.DONE).first()
    if made is None:
        raise Refused("Whether Lever has the profile is not known yet: it is being looked for.")
    with connections.lever(connection) as lever:
        has = lever.opportunity(made.remote_id, expand=["applications"])
        notes = {note.id: note.value for note in lever.notes(made.remote_id)}
    if has.anonymised:
        return Answer(True, "The profile was anonymised in Lever: nothing is left to compare.")
    sent = _sent(export)
    if sent is None:  # closed meanwhile
        return compare(export, connection)
    differs = comparison.differing(sent, has, f"{settings.URL}/interviews/")
    if _note_differs(export, notes):
        differs.append("note")
    return Answer(True, _result(differs, sent, has), tuple(differs))


def _closed(export: Export) -> str:
    """Why the identity may not be opened any more, not even for a comparison."""
    candidate = Candidate.objects.get(pk=export.interview.candidate_id)
    if candidate.erased_at:
        return "The candidate had their details erased."
    answer = consent.state(candidate, timezone.now()) if export.kind == Kind.NAMED else "yes"
    if answer == "no":
        return "The candidate does not agree to be named any more."
    return "" if answer == "yes" else "No yes of the candidate to be named is known here."


@transaction.atomic
def _sent(export: Export) -> dict[str, Any] | None:
    """What Lever was told, built once more; None if the identity was closed meanwhile."""
    facts, fixed = plan.facts(export.interview), plan.of(export)
    if fixed.kind != Kind.NAMED:
        return profile.pseudonymous(facts, fixed)
    candidate = consent.lock(export.interview.candidate)
    if _closed(export):
        return None
    return profile.named(facts, vault.reveal(candidate, "Nom de Code", PURPOSE), fixed)


def _note_differs(export: Export, notes: dict[str, str]) -> bool:
    made = export.steps.filter(name="note", state=StepState.DONE).first()
    if made is None:
        return False
    text = notes.get(made.remote_id)
    return text is None or text.strip() != profile.note(plan.facts(export.interview)).strip()


def _result(differs: list[str], sent: dict[str, Any], has: client.Opportunity) -> str:
    if differs:
        sentence = f"Otherwise in Lever by now: {', '.join(differs)}."
    else:
        sentence = "Lever has what was sent."
    if has.stage != sent["stage"]:
        sentence += " It has moved on to another stage since."
    if has.archived and not sent.get("archived"):
        sentence += " It was archived there since."
    return sentence


def _listed(export: Export) -> str:
    sent = what_was_sent(export)
    return f"Lever was sent: {', '.join(sent)}." if sent else "Nothing was sent to Lever."


def what_was_sent(export: Export) -> list[str]:
    """Names of all fields of each call that Lever took, or may have taken."""
    names: set[str] = set()
    late = set(export.duplicates.values_list("thing", flat=True))
    for step in export.steps.prefetch_related("attempts"):
        if step.remote_id or step.calling_since or step.name in late:
            told = {name for attempt in step.attempts.all() for name in attempt.sent}
            names |= told or _at_most(step, export)
    return comparison.in_words(names)


def _at_most(step: ExportStep, export: Export) -> set[str]:
    """A worker that died in its call left no record of it."""
    if step.name == "note":
        return {"value"}
    everything = comparison.FIELDS.keys() - {"value"}
    # Only what goes under the pseudonym is archived as it is made.
    return everything - ({"archived"} if export.kind == Kind.NAMED else comparison.OF_THE_PERSON)
