"""After a restore: Lever has profiles that the restored database knows nothing of.

Exports are held while ours are listed, matched to their interviews and adopted. What cannot be
told is left to a person. Then exports go on, and whatever is unfinished looks in Lever first.
"""

import logging
import re
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from nomdecode.candidates import consent, erasure
from nomdecode.interviews.models import Interview
from nomdecode.lever import calls, client, duplicates, export, moment, plan, protocol, taken_back
from nomdecode.lever import connection as connections
from nomdecode.lever.models import (
    Connection,
    Duplicate,
    Export,
    ExportState,
    ExportStep,
    Kind,
    StepState,
)
from nomdecode.lever.profile import SOURCE, reference_in
from nomdecode.orgs import audit
from nomdecode.pipeline.models import Opportunity

log = logging.getLogger(__name__)

MARGIN = timedelta(hours=6)  # for the minute before each call, and what the backup does not count
FIRST = datetime(2012, 1, 1, tzinfo=UTC)  # Lever takes no time of long before there was any Lever
_LINK = re.compile(r"/interviews/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/")
LOST_YES = "In Lever by name, but the candidate’s yes is lost: ask them, or erase it there."


class Failed(Exception):
    """It cannot go on; exports stay held, and it may be run again."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class ToSee:
    """What a person must look at. No identity: a pseudonym, and links."""

    sentence: str
    profile: str = ""  # its address in Lever
    interview: UUID | None = None
    pseudonym: str = ""


@dataclass(frozen=True)
class Report:
    listed: int  # profiles of ours that Lever has from that time
    adopted: int
    look_first: int  # unfinished exports
    to_see: tuple[ToSee, ...]


@dataclass(frozen=True)
class Stray:
    """A profile of ours that no export here holds, and its notes by their reference."""

    profile: client.Opportunity
    notes: Mapping[str, list[str]]
    confidential: bool = False  # its notes are not shown to this key

    @property
    def second(self) -> datetime:
        return datetime.fromtimestamp((self.profile.created_at or 0) // 1000, UTC)

    def bears(self, interview: UUID) -> bool:
        return interview.hex[:12] in self.notes


def run(connection: Connection, since: datetime) -> Report:
    """`since`: when the backup was made. Raises Failed or LeverError; then it may be run again."""
    since = max(since, FIRST)
    erasure.replay()
    held_since = _hold(connection)
    _let_arrive(held_since)
    with connections.lever(connection) as lever:
        listed = _listed(lever, since - MARGIN - _drained(connection))
        strays = _strays(lever, connection, listed)
    adopted, to_see = _settle(connection, strays)
    looking = _look_first(connection)
    _release(connection)
    return Report(len(listed), adopted, looking, (*to_see, *_lost(connection)))


# --- holding exports: a column that every claim reads under the connection's lock


@transaction.atomic
def _hold(connection: Connection) -> datetime:
    """Since when. It stays until a run has come to its end, so a crash lets nothing go."""
    held = connections.held(connection)
    if held.recovering_since is None:
        held.recovering_since = moment.now()
        held.save(update_fields=["recovering_since"])
        audit.record(held.organisation, "lever.recovery_began", held)
        connections.publish(held)
    since: datetime = held.recovering_since
    return since


def _let_arrive(held_since: datetime) -> None:
    """What was under way when the database was restored is in Lever by then, or never will be."""
    left = (held_since + protocol.GRACE - moment.now()).total_seconds()
    if left > 0:
        log.info("recover: waiting %.0f s for what was under way", left)
        time.sleep(left)


@transaction.atomic
def _release(connection: Connection) -> None:
    held = connections.held(connection)
    held.recovering_since = None
    held.save(update_fields=["recovering_since"])
    audit.record(held.organisation, "lever.recovered", held)
    connections.changed(held)


# --- what Lever has


def _drained(connection: Connection) -> timedelta:
    """So far back may seconds go: each export has one of its own, the latest that was free."""
    exports = Export.objects.filter(organisation=connection.organisation_id)
    return timedelta(seconds=exports.count())


def _listed(lever: client.Lever, start: datetime) -> list[client.Opportunity]:
    found = lever.opportunities(source=SOURCE, created_at_start=int(start.timestamp() * 1000))
    return list(found)


def _strays(
    lever: client.Lever, connection: Connection, listed: list[client.Opportunity]
) -> list[Stray]:
    ids = [profile.id for profile in listed]
    ours = {"export__organisation": connection.organisation_id}
    held = ExportStep.objects.filter(name="profile", remote_id__in=ids, **ours)
    shown = Duplicate.objects.filter(external_id__in=ids, **ours)
    known = {
        *held.values_list("remote_id", flat=True),
        *shown.values_list("external_id", flat=True),
    }
    strays = [profile for profile in listed if profile.id not in known]
    log.info("recover: %s profiles in Lever, %s not known here", len(listed), len(strays))
    return [_stray(lever, profile) for profile in strays]


def _stray(lever: client.Lever, profile: client.Opportunity) -> Stray:
    notes = defaultdict(list)
    try:
        for note in lever.notes(profile.id):
            if reference := reference_in(note.value):
                notes[reference].append(note.id)
    except client.NotFound:  # deleted meanwhile
        pass
    except client.Forbidden:
        return Stray(profile, {}, confidential=True)
    return Stray(profile, {reference: sorted(ids) for reference, ids in notes.items()})


# --- whose it is


def _settle(connection: Connection, strays: list[Stray]) -> tuple[int, list[ToSee]]:
    """How many were adopted, and what a person must see."""
    matched: dict[UUID, list[Stray]] = defaultdict(list)
    adopted, to_see = 0, []
    for stray in strays:
        possible = _possible(connection, stray)
        if possible is None:
            continue
        here = Interview.objects.filter(organisation=connection.organisation_id, pk__in=possible)
        interviews = list(here.select_related("candidate", "organisation"))
        if len(possible) == len(interviews) == 1:
            matched[interviews[0].pk].append(stray)
        elif stray.confidential and not interviews:
            sentence = f"Lever does not show the notes of {stray.profile.url} to the Data API key"
            raise Failed(f"{sentence}, and only they tell whose it is: paste one that may read it.")
        else:
            to_see += _cannot_be_told(connection, stray, interviews)
    for interview_id, profiles in matched.items():
        count, seen = _take(connection, interview_id, profiles)
        adopted += count
        to_see += seen
    return adopted, to_see


def _possible(connection: Connection, stray: Stray) -> set[UUID] | None:
    """Interviews that it may be of, those that this database does not know among them.

    Links belong to the contact and show on every profile of the person: the note decides, then the
    second, and an interview that holds a profile of another second is ruled out. None: not ours.
    """
    exports = Export.objects.filter(organisation=connection.organisation_id)
    linked = _linked(connection, stray)
    if not linked and any(map(_LINK.search, stray.profile.links)):
        return None
    if stray.notes:
        return {id for id in linked if stray.bears(id)} | _referred(connection, stray)
    same = exports.filter(marker=stray.second)
    same = same.filter(interview__in=linked) if linked else same
    if certain := set(same.values_list("interview_id", flat=True)):
        return certain
    done = exports.filter(interview__in=linked, steps__name="profile", steps__state=StepState.DONE)
    return linked - set(done.values_list("interview_id", flat=True))


def _linked(connection: Connection, stray: Stray) -> set[UUID]:
    """Not those of another installation, or of another organisation here, in the same Lever."""
    links = {UUID(found[1]): link for link in stray.profile.links if (found := _LINK.search(link))}
    known = dict(Interview.objects.filter(pk__in=links).values_list("pk", "organisation_id"))
    return {
        id
        for id, link in links.items()
        if known.get(id) == connection.organisation_id
        or (id not in known and link.startswith(settings.URL + "/"))
    }


def _referred(connection: Connection, stray: Stray) -> set[UUID]:
    here = Interview.objects.filter(organisation=connection.organisation_id)
    return {
        id
        for reference in stray.notes
        for id in here.filter(
            pk__range=(UUID(reference + "0" * 20), UUID(reference + "f" * 20))
        ).values_list("pk", flat=True)
    }


@transaction.atomic
def _cannot_be_told(
    connection: Connection, stray: Stray, interviews: list[Interview]
) -> list[ToSee]:
    """Those of its possible interviews that have no profile stop, until a person has decided."""
    url = stray.profile.url
    if not interviews:
        return [ToSee("Of an interview that this database does not know.", url)]
    for interview in interviews:
        row = _row(connections.held(connection), interview)
        if not row.steps.filter(name="profile", state=StepState.DONE).exists():
            message = f"Look whether it is {url}; then adopt that one, or try again."
            export.stop(row, "restored", message=message)
    return [_see("Perhaps of this interview: adopt it, or try again.", url, i) for i in interviews]


def _see(sentence: str, url: str, interview: Interview) -> ToSee:
    return ToSee(sentence, url, interview.pk, interview.candidate.pseudonym)


def _row(held: Connection, interview: Interview) -> Export:
    """Under lock; made where the outcome was lost, too."""
    defaults = {"organisation": interview.organisation, "account": held.account}
    rows = Export.objects.select_for_update()
    return rows.get_or_create(interview=interview, defaults=defaults)[0]


# --- adopting


def _take(
    connection: Connection, interview_id: UUID, strays: list[Stray]
) -> tuple[int, list[ToSee]]:
    """Adopts the one whose note says so, or the smallest id; the others are duplicates."""
    first, *others = sorted(strays, key=lambda one: (not one.bears(interview_id), one.profile.id))
    interviews = Interview.objects.select_related("candidate", "organisation")
    interview = interviews.get(pk=interview_id)
    plan.warm(interview, connection)  # asks Lever, so before any lock
    adopted = _adopt(connection, interview, first)
    if not adopted:
        others = strays
    row = Export.objects.get(interview=interview)
    now = moment.now()
    second = [
        Duplicate(export=row, thing="profile", external_id=one.id, url=one.url, found_at=now)
        for one in (other.profile for other in others)
    ]
    second += [
        Duplicate(export=row, thing="note", external_id=id, url=first.profile.url, found_at=now)
        for id in first.notes.get(interview_id.hex[:12], [])[1:]
    ]
    duplicates.keep(second)
    sentence = "A second profile of this interview."
    return int(adopted), [_see(sentence, other.profile.url, interview) for other in others]


@transaction.atomic
def _adopt(connection: Connection, interview: Interview, stray: Stray) -> bool:
    """The export of this interview holds this profile from now on. False: it holds another one."""
    held = connections.held(connection)
    consent.lock(interview.candidate)
    row = _row(held, interview)
    if row.steps.filter(name="profile", state=StepState.DONE).exists():
        return False
    row.account = held.account
    _plan(row, held, stray)
    if row.kind == Kind.NAMED:
        consent.ask_anew(interview.candidate, timezone.now())
    profile, note = row.steps.all()
    export.write(profile, protocol.adopted(stray.profile.id))
    if ids := stray.notes.get(interview.pk.hex[:12]):
        export.write(note, protocol.made(export.stored(note), ids[0]))
        row.state, row.reason, row.exported_at = ExportState.EXPORTED, "", stray.second
    elif row.state != ExportState.ENDED or row.reason == "lapsed":
        row.state, row.reason = ExportState.WAITING, ""
    row.state_since, row.detail = timezone.now(), {}
    row.save()
    calls.register(row, held, calls.Thing(stray.profile.id, stray.profile), "adopted")
    audit.record(row.organisation, "export.adopted", interview, after="a restore")
    export.changed(row)
    return True


def _plan(row: Export, connection: Connection, stray: Stray) -> None:
    """As it was, as far as it can be told; its second is the profile's."""
    if row.plan is None:
        unnamed = stray.profile.name == row.interview.candidate.pseudonym
        row.kind = Kind.PSEUDONYMOUS if unnamed else Kind.NAMED
        try:
            plan.fix(row, connection, moment.now())
        except plan.NoFallback:
            sentence = "The user to perform as is no active Lever user: choose another one"
            raise Failed(f"{sentence} under Settings, Lever.") from None
    taken = Export.objects.filter(organisation=row.organisation_id, marker=stray.second)
    row.marker = None if taken.exclude(pk=row.pk).exists() else stray.second
    plan.change(row, created_at=int(stray.second.timestamp()) * 1000)


# --- what the restored database lacks beside the profile


def _lost(connection: Connection) -> list[ToSee]:
    """Of every profile, whichever run adopted it, as long as it is so."""
    here = connection.organisation_id
    ours = Opportunity.objects.filter(organisation=here, deleted_at=None)
    done = Export.objects.filter(steps__name="profile", steps__state=StepState.DONE)
    unscored = ours.filter(interview__export__in=done, interview__outcome=None)
    sentences = {
        "Its scorecards are lost: enter them again; no second profile will be made.": unscored,
        LOST_YES: taken_back.without_yes(here),
    }
    return [
        _see(sentence, one.url, one.interview)
        for sentence, found in sentences.items()
        for one in found.select_related("interview__candidate").order_by("created_at")
    ]


# --- what is unfinished


def _look_first(connection: Connection) -> int:
    """Whatever a step says, it may have been made since the backup. How many exports look."""
    unfinished = ExportStep.objects.exclude(state=StepState.DONE)
    ours = unfinished.filter(export__organisation=connection.organisation_id)
    ids = set(ours.values_list("export_id", flat=True))
    for id in ids:
        with transaction.atomic():
            Export.objects.select_for_update().get(pk=id)
            for step in unfinished.filter(export=id):
                stored = export.stored(step)
                since = stored.calling_since or moment.now()
                doubted = replace(stored, calling_since=since, looked_at=None, next_try_at=None)
                export.write(step, doubted)
    return len(ids)
