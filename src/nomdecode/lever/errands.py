"""What a person wants done or known in Lever: adopt a profile that is there, read back.

Nothing waits on Lever here: what is asked for is written down, and a worker runs it. The answer
is a sentence, without identity.
"""

import re
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from nomdecode.lever import (
    calls,
    client,
    comparison,
    eligibility,
    moment,
    plan,
    profile,
    protocol,
    readback,
)
from nomdecode.lever import connection as connections
from nomdecode.lever import export as exports
from nomdecode.lever.models import Connection, Duplicate, Errand, Export, ExportStep, Kind, Mend
from nomdecode.lever.remedies import Refused
from nomdecode.orgs import audit, live
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import Member
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity

_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LINK = re.compile(
    rf"https?://\S+/(?:candidates|opportunities)/({_ID})(?:[/?#]\S*)?", re.IGNORECASE
)


# --- asked for


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


# --- run by a worker


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
            _finish(errand, readback.compare(export, connection))
    except Refused as refused:
        _finish(errand, readback.Answer(False, refused.sentence))
    except client.LeverError as error:
        if isinstance(error, client.Unauthorised) and connection.api_key:
            connections.refused(connection)
        _finish(errand, readback.Answer(False, error.sentence))
    except Exception:  # else it would be run for ever, and those behind it never
        _finish(errand, readback.Answer(False, "It did not work. Try again."))
        raise
    errand.refresh_from_db()
    return errand


def _finish(errand: Errand, answer: readback.Answer) -> None:
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
        _finish(errand, readback.Answer(True, "This interview has that profile from now on."))


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
    exports.write(steps["profile"], protocol.adopted(found.id))
    _set_note(steps["note"], notes[0] if notes else "")
    # Also where another interview of ours had it before.
    too_many = Duplicate.objects.filter(export__organisation=export.organisation_id)
    too_many.filter(external_id__in=[found.id, *notes[:1]]).update(settled_at=now)
    calls.register(export, connection, calls.Thing(found.id, found), "adopted")
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
    moves.make_way(before)
    Mend.objects.filter(opportunity=before).delete()


def _set_note(step: ExportStep, remote_id: str) -> None:
    """It keeps its tries: whoever looks for a second note goes by them."""
    if not remote_id:
        step.done_at = None
    exports.write(step, protocol.Step(remote_id=remote_id, tries=step.tries))
