"""What Lever has too much of an export: found each night by its marker, and shown to a person.

A second one, or one that came after the export had looked twice, found nothing and asks no more.

Nothing is deleted in Lever; a duplicate that a person archived or deleted there is settled.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet

from nomdecode.lever import client, moment, plan, protocol
from nomdecode.lever import connection as connections
from nomdecode.lever.errors import OF_ALL
from nomdecode.lever.models import Connection, Duplicate, Export, ExportStep, StepState
from nomdecode.lever.profile import SOURCE, last_line
from nomdecode.orgs import live
from nomdecode.orgs.doorbell import ring

log = logging.getLogger(__name__)

WINDOW = timedelta(days=35)

type Listed = Mapping[str, client.Opportunity]


def ring_for_all() -> None:
    """Each night, for every connection whose key Lever takes."""
    from nomdecode.lever.tasks import find_duplicates

    for connection in Connection.objects.filter(api_key_refused_at=None).exclude(api_key=None):
        ring(find_duplicates, connection_id=connection.pk)


def run(connection_id: int) -> None:
    connection = Connection.objects.select_related("organisation").get(pk=connection_id)
    try:
        sweep(connection, moment.now())
    except client.Unauthorised:
        if connection.api_key:
            connections.refused(connection)


def sweep(connection: Connection, now: datetime) -> int:
    """How many were found that were not known. Run again, it repeats nothing."""
    since = now - WINDOW
    with connections.lever(connection, background=True) as lever:
        start = int(since.timestamp() * 1000)
        found = lever.opportunities(source=SOURCE, created_at_start=start)
        listed = {profile.id: profile for profile in found}
        count = keep(_not_ours(_profiles(connection, listed, now)))
        settled, failures = 0, list[client.LeverError]()
        for export in _doubted(connection, since):  # each is kept, should Lever fail at the next
            with _alone(failures):
                count += keep(_not_ours(_notes(lever, export, now)))
        for each in _open(connection):
            with _alone(failures):
                settled += _settle(lever, each, listed, now)
    if count or settled:
        live.publish(connection.organisation_id, "lever")
    if failures:  # so that the job is done again
        raise failures[0]
    return count


@contextmanager
def _alone(failures: list[client.LeverError]) -> Iterator[None]:
    """One that Lever does not tell of holds up no other; it is as it was."""
    try:
        yield
    except OF_ALL:
        raise
    except client.Forbidden as error:  # again it would be the same
        log.info("duplicates: %s", error)
    except client.LeverError as error:
        failures.append(error)


def keep(duplicates: list[Duplicate]) -> int:
    """Writes down those that are not known yet; how many they were."""
    known = set(
        Duplicate.objects.filter(export__in={each.export_id for each in duplicates}).values_list(
            "export_id", "external_id"
        )
    )
    fresh = [each for each in duplicates if (each.export_id, each.external_id) not in known]
    Duplicate.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def _not_ours(found: list[Duplicate]) -> list[Duplicate]:
    """Without what an export has made, or is about to make, since Lever was asked."""
    steps = ExportStep.objects.filter(export__in={each.export_id for each in found})
    held = set(steps.values_list("export_id", "remote_id"))
    going = set(steps.filter(state=StepState.CALLING).values_list("export_id", "name"))
    return [
        each
        for each in found
        if (each.export_id, each.external_id) not in held
        and (each.export_id, each.thing) not in going
    ]


# --- profiles


def _profiles(connection: Connection, listed: Listed, now: datetime) -> list[Duplicate]:
    """What bears the marker of an export of ours that holds another profile, or none any more."""
    held = _held(connection, listed)
    found = [protocol.Found(each.id, each.created_at, each.links) for each in listed.values()]
    loose = [each for each in found if each.id not in held and each.created_at]
    ours = plan.ours(connection, [link for each in loose for link in each.links])
    seconds = {(each.created_at or 0) // 1000 for each in loose}
    exports = _decided(connection, "profile").filter(
        marker__in=[datetime.fromtimestamp(second, UTC) for second in seconds]
    )
    return [
        Duplicate(export=export, thing="profile", external_id=id, url=listed[id].url, found_at=now)
        for export in exports
        for id in protocol.bearing(found, *_marker(export), ours)
        if id not in held
    ]


def _held(connection: Connection, listed: Listed) -> set[str]:
    """Profiles that an export of this organisation has: of one person, but of an own marker."""
    steps = ExportStep.objects.filter(name="profile", remote_id__in=list(listed))
    ours = steps.filter(export__organisation=connection.organisation_id)
    return set(ours.values_list("remote_id", flat=True))


def _decided(connection: Connection, step: str) -> QuerySet[Export]:
    """Exports to the connection's present account, without those that still look for `step`."""
    decided = [StepState.DONE, StepState.TODO]
    exports = Export.objects.filter(steps__name=step, steps__state__in=decided)
    exports = exports.filter(organisation=connection.organisation_id, account=connection.account)
    return exports.select_related("interview__candidate", "interview__position")


def _marker(export: Export) -> tuple[int, str]:
    assert export.marker is not None
    return int(export.marker.timestamp()) * 1000, plan.facts(export.interview).url


# --- notes: a call for each profile, so only where one was asked for twice


def _doubted(connection: Connection, since: datetime) -> QuerySet[Export]:
    return _decided(connection, "note").filter(
        marker__gte=since, steps__in=ExportStep.objects.filter(name="note", tries__gt=1)
    )


def _notes(lever: client.Lever, export: Export, now: datetime) -> list[Duplicate]:
    profile = export.steps.get(name="profile").remote_id
    if not profile:
        return []
    ids = _bearing_reference(lever, profile, last_line(plan.facts(export.interview)))
    return [Duplicate(export=export, thing="note", external_id=id, found_at=now) for id in ids]


def _bearing_reference(lever: client.Lever, profile: str, ends: str) -> list[str]:
    try:
        notes = lever.notes(profile)
    except client.NotFound:
        return []
    return [note.id for note in notes if note.value.strip().endswith(ends)]


# --- what was found before


def _open(connection: Connection) -> QuerySet[Duplicate]:
    duplicates = Duplicate.objects.filter(export__organisation=connection.organisation_id)
    return duplicates.filter(settled_at=None, export__account=connection.account).select_related(
        "export__interview__candidate", "export__interview__position"
    )


def _settle(lever: client.Lever, duplicate: Duplicate, listed: Listed, now: datetime) -> int:
    if not _settled(lever, duplicate, listed):
        return 0
    return Duplicate.objects.filter(pk=duplicate.pk).update(settled_at=now)


def _settled(lever: client.Lever, duplicate: Duplicate, listed: Listed) -> bool:
    """Gone from Lever, adopted since, or archived by a person if one of two was too many."""
    export = duplicate.export
    steps = ExportStep.objects.filter(export__organisation=export.organisation_id)
    if steps.filter(remote_id=duplicate.external_id).exists():
        return True
    if duplicate.thing == "note":
        profile = export.steps.get(name="profile").remote_id
        ends = last_line(plan.facts(export.interview))
        return duplicate.external_id not in _bearing_reference(lever, profile, ends)
    found = listed.get(duplicate.external_id) or _asked(lever, duplicate.external_id)
    if found is None or found.anonymised:
        return True
    made_archived = export.plan is not None and bool(plan.of(export).archive_reason)
    return found.archived is not None and not made_archived and not duplicate.late


def _asked(lever: client.Lever, id: str) -> client.Opportunity | None:
    try:
        return lever.opportunity(id)
    except client.NotFound:
        return None
