"""What a person may do about an export: try again, skip, adopt a profile, read back.

Nothing waits on Lever here: what has to ask Lever is written down as an errand, and a worker runs
it. The answer is a sentence, without identity.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from nomdecode.candidates import consent, vault
from nomdecode.candidates.models import Candidate
from nomdecode.lever import (
    calls,
    client,
    comparison,
    eligibility,
    moment,
    plan,
    profile,
    protocol,
)
from nomdecode.lever import connection as connections
from nomdecode.lever import export as exports
from nomdecode.lever.models import (
    Connection,
    Duplicate,
    Errand,
    Export,
    ExportState,
    ExportStep,
    Kind,
    StepState,
)
from nomdecode.lever.story import KINDS
from nomdecode.orgs import audit, live
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import AuditEvent, Member, Organisation
from nomdecode.pipeline.models import Opportunity

_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LINK = re.compile(
    rf"https?://\S+/(?:candidates|opportunities)/({_ID})(?:[/?#]\S*)?", re.IGNORECASE
)
LONGEST_WHY = 200
READ_BACK = "read back: compared with what Lever has; shown to nobody"


class Refused(Exception):
    """It cannot be done; the sentence says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Answer:
    succeeded: bool
    sentence: str
    differs: tuple[str, ...] = ()


# --- try again


def may_retry(export: Export, now: datetime) -> bool:
    """It is stopped, or waits for its next try."""
    if export.state == ExportState.STOPPED:
        return True
    open_states = (ExportState.WAITING, ExportState.GOING)
    return export.state in open_states and export.steps.filter(next_try_at__gt=now).exists()


@transaction.atomic
def retry(export: Export, member: Member | None) -> None:
    _, held = exports.locked(export.interview_id)
    if not may_retry(held, moment.now()):
        raise Refused("Nothing is stopped here any more, and nothing waits for its next try.")
    audit.record(held.organisation, "export.retried", held.interview, member=member)
    exports.retry(held)


def count_stopped(organisation: Organisation, since: datetime) -> int:
    return _stopped(organisation, since).count()


def _stopped(organisation: Organisation, since: datetime) -> QuerySet[Export]:
    stopped = Export.objects.filter(organisation=organisation, state=ExportState.STOPPED)
    return stopped.filter(state_since__gte=since)


@transaction.atomic
def retry_since(organisation: Organisation, since: datetime, member: Member | None) -> int:
    """All that stopped since then, in a few statements: the sweep rings, each claim looks anew."""
    from nomdecode.lever.tasks import sweep_exports

    list(Connection.objects.select_for_update().filter(organisation=organisation))  # before exports
    held = _stopped(organisation, since).select_for_update(of=("self",)).order_by("pk")
    stopped = list(held.select_related("interview"))
    rows = Export.objects.filter(pk__in=[export.pk for export in stopped])
    rows.update(state=ExportState.WAITING, reason="", detail={}, state_since=timezone.now())
    ExportStep.objects.filter(export__in=rows).update(next_try_at=None)
    AuditEvent.objects.bulk_create(
        AuditEvent(
            organisation=organisation,
            member=member,
            by="member" if member else "system",
            action="export.retried",
            thing=audit.name_of(export.interview),
        )
        for export in stopped
    )
    for topic in ("lever", "home"):
        live.publish(organisation.pk, topic)
    ring(sweep_exports, timestamp=0)
    return len(stopped)


# --- skip


@transaction.atomic
def skip(export: Export, why: str, member: Member | None) -> None:
    """It stays here. A call that is under way is still looked for: what Lever has must be known."""
    _, held = exports.locked(export.interview_id)
    if held.state == ExportState.EXPORTED:
        raise Refused("It is in Lever already: there is nothing to skip.")
    if held.state == ExportState.ENDED:
        raise Refused("It stays here already.")
    why = why.strip()
    _check_why(held, why)
    held.skipped_at, held.skipped_why = timezone.now(), why
    held.save(update_fields=["skipped_at", "skipped_why"])
    audit.record(held.organisation, "export.skipped", held.interview, member=member, why=why)
    exports.reconsider(held, timezone.now())


def _check_why(export: Export, why: str) -> None:
    if not why:
        raise Refused("Say why it is skipped.")
    if len(why) > LONGEST_WHY:
        raise Refused(f"Say it in at most {LONGEST_WHY} characters.")
    position = export.interview.position
    found = vault.find_leaks(export.interview.candidate, [why], [position.title, position.place])
    if found:
        kinds = ", ".join(KINDS.get(kind, kind) for kind in sorted(found))
        raise Refused(f"This may tell who the candidate is ({kinds}). Say it without.")


# --- errands: asked for here, run by a worker


def ask_adopt(export: Export, text: str, member: Member | None) -> Errand:
    """`text`: the link of a Lever profile, or its id."""
    opportunity_id = _id_in(text)
    connection = connections.of(export.organisation)
    _check_adoption(export, connection, opportunity_id)
    return _ask(export, Errand.What.ADOPT, member, opportunity_id)


def _id_in(text: str) -> str:
    text = text.strip()
    found = _LINK.fullmatch(text) or re.fullmatch(f"({_ID})", text, re.IGNORECASE)
    if not found:
        raise Refused(
            "Paste the link of the profile in Lever: it looks like "
            "https://hire.lever.co/candidates/… and ends with its id."
        )
    return found[1].lower()


def ask_read_back(export: Export, member: Member | None) -> Errand:
    if not export.steps.exclude(calling_since=None, remote_id="").exists():
        raise Refused("Nothing of it was sent to Lever yet.")
    return _ask(export, Errand.What.READ_BACK, member)


@transaction.atomic
def _ask(export: Export, what: str, member: Member | None, opportunity_id: str = "") -> Errand:
    from nomdecode.lever.tasks import run_errands

    errand = Errand.objects.create(
        export=export,
        what=what,
        opportunity_id=opportunity_id,
        member=member,
        asked_at=timezone.now(),
    )
    action = "export.adoption_asked" if what == Errand.What.ADOPT else "export.read_back"
    audit.record(export.organisation, action, export.interview, member=member)
    live.publish(export.organisation_id, "lever")
    ring(run_errands, timestamp=0)
    return errand


def run_all() -> None:
    """Whatever is asked for and not done; the job that was rung for it may be lost."""
    for errand in Errand.objects.filter(done_at=None):
        run(errand)


def run(errand: Errand) -> Errand:
    """Asks Lever now. Run twice, the first answer stands."""
    export = Export.objects.select_related(
        "organisation", "interview__candidate", "interview__position"
    ).get(pk=errand.export_id)
    connection = connections.of(export.organisation)
    try:
        if errand.what == Errand.What.ADOPT:
            _adopt(errand, export, connection)
        else:
            _finish(errand, _read_back(export, connection))
    except Refused as refused:
        _finish(errand, Answer(False, refused.sentence))
    except client.LeverError as error:
        if isinstance(error, client.Unauthorised) and connection.api_key:
            connections.refused(connection)
        _finish(errand, Answer(False, error.sentence))
    except Exception:  # else it would be run for ever, and those behind it never
        _finish(errand, Answer(False, "It did not work. Try again."))
        raise
    errand.refresh_from_db()
    return errand


def _finish(errand: Errand, answer: Answer) -> None:
    Errand.objects.filter(pk=errand.pk, done_at=None).update(
        done_at=timezone.now(),
        succeeded=answer.succeeded,
        sentence=answer.sentence[:300],
        differs=list(answer.differs),
    )
    live.publish(errand.export.organisation_id, "lever")


# --- adopt a profile that Lever has


def _check_adoption(export: Export, connection: Connection, opportunity_id: str) -> None:
    """What can be told without asking Lever. Nobody is tied to a person before both yeses."""
    verdict = eligibility.verdict(export, connection, timezone.now())
    if not verdict.ready and verdict.reason != "stage_gone":
        raise Refused(f"{eligibility.REASONS[verdict.reason]}.")
    ours = Opportunity.objects.filter(
        organisation=export.organisation_id, external_id=opportunity_id
    ).first()
    if ours and ours.interview_id == export.interview_id:
        raise Refused("This interview has that profile already.")
    if ours:
        raise Refused("That profile belongs to another interview here.")
    if export.steps.filter(lease_until__gt=moment.now(), remote_id="").exists():
        raise Refused("Lever is being asked about this interview just now. Try again in a minute.")


def _adopt(errand: Errand, export: Export, connection: Connection) -> None:
    _check_adoption(export, connection, errand.opportunity_id)
    plan.warm(export.interview, connection)  # asks Lever, so before any lock
    with connections.lever(connection) as lever:
        found = _visible(lever, errand.opportunity_id)
        notes = lever.notes(found.id)
    facts = plan.facts(export.interview)
    _check_profile(export, found, facts)
    ends = profile.last_line(facts)
    ids = sorted(note.id for note in notes if note.value.strip().endswith(ends))
    with transaction.atomic():
        held_connection, held = exports.locked(export.interview_id)
        if Errand.objects.select_for_update().get(pk=errand.pk).done_at:
            return
        _check_adoption(held, held_connection, found.id)
        _check_profile(held, found, facts)  # it may be under the pseudonym since
        _take(held, held_connection, found, ids)
        audit.record(held.organisation, "export.adopted", held.interview, member=errand.member)
        _finish(errand, Answer(True, "This interview has that profile from now on."))


def _visible(lever: client.Lever, opportunity_id: str) -> client.Opportunity:
    try:
        found = lever.opportunity(opportunity_id)
    except client.NotFound:
        raise Refused(
            "Lever shows no such profile to the Data API key: look at the link once more. "
            "It may be deleted or confidential, or of another Lever account."
        ) from None
    if found.anonymised:
        raise Refused("That profile was deleted in Lever: only an anonymous rest is left of it.")
    return found


def _check_profile(export: Export, found: client.Opportunity, facts: profile.Facts) -> None:
    if export.kind != Kind.PSEUDONYMOUS:
        return
    if details := comparison.contact_details(found, facts.pseudonym, facts.url):
        raise Refused(
            f"That profile tells who somebody is ({', '.join(details)}), and this outcome goes "
            "under the pseudonym alone."
        )


def _take(
    export: Export, connection: Connection, found: client.Opportunity, notes: list[str]
) -> None:
    """As if it had just been made; a note of ours that is there already is taken as well."""
    now = moment.now()
    if export.plan is None:
        try:
            plan.fix(export, connection, now)
        except plan.NoFallback:
            raise Refused(
                "The user to perform as is no active Lever user. Choose another."
            ) from None
    steps = {step.name: step for step in export.steps.all()}
    _leave(export, steps["profile"], now)
    _set(steps["profile"], found.id)
    _set(steps["note"], notes[0] if notes else "")
    export.duplicates.filter(external_id__in=[found.id, *notes[:1]]).update(settled_at=now)
    calls.register(export, connection, calls.Thing(found.id, found))
    exports.retry(export)


def _leave(export: Export, step: ExportStep, now: datetime) -> None:
    """The profile that it had before stays in Lever, and a person sees that it is one too many."""
    before = Opportunity.objects.filter(interview=export.interview_id).first()
    if before is None:
        return
    Duplicate.objects.update_or_create(
        export=export,
        external_id=before.external_id,
        defaults={"thing": step.name, "url": before.url, "found_at": now, "settled_at": None},
    )
    before.delete()  # with its moves: they are not those of the profile that comes


def _set(step: ExportStep, remote_id: str) -> None:
    if not remote_id:
        step.done_at = None
    exports.write(step, protocol.Step(remote_id=remote_id, tries=step.tries))


# --- read back


def _read_back(export: Export, connection: Connection) -> Answer:
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
        return _read_back(export, connection)
    differs = comparison.differing(sent, has, f"{settings.URL}/interviews/")
    if _note_differs(export, notes):
        differs.append("note")
    return Answer(True, _result(differs, sent, has), tuple(differs))


def _closed(export: Export) -> str:
    """Why the identity may not be opened any more, not even for a comparison."""
    candidate = Candidate.objects.get(pk=export.interview.candidate_id)
    if candidate.erased_at:
        return "The candidate had their details erased."
    if export.kind == Kind.NAMED and consent.state(candidate, timezone.now()) != "yes":
        return "The candidate does not agree to be named any more."
    return ""


@transaction.atomic
def _sent(export: Export) -> dict[str, Any] | None:
    """What Lever was told, built once more; None if the identity was closed meanwhile."""
    facts, fixed = plan.facts(export.interview), plan.of(export)
    if fixed.kind != Kind.NAMED:
        return profile.pseudonymous(facts, fixed)
    candidate = consent.lock(export.interview.candidate)
    if _closed(export):
        return None
    return profile.named(facts, vault.reveal(candidate, "Nom de Code", READ_BACK), fixed)


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
    return everything if export.kind == Kind.NAMED else everything - comparison.OF_THE_PERSON
