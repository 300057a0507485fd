"""Compares what is ours with Lever, for what no delivery told; resumable, and after exports.

Three sweeps: what changed there, every few minutes; what was deleted, daily; all that are open,
nightly. Not visible is not deleted.
"""

import logging
from collections.abc import Container, Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet

from nomdecode.lever import client, moment, pick_lists, silence
from nomdecode.lever import connection as connections
from nomdecode.lever.answers import FURTHEST_BACK, Looks, milliseconds
from nomdecode.lever.errors import OF_ALL
from nomdecode.lever.marks import OVERLAP, of_the_account, ours
from nomdecode.lever.models import Connection, Mend, Reconciliation, Sweep
from nomdecode.lever.profile import SOURCE
from nomdecode.orgs import live, locks
from nomdecode.orgs.doorbell import ring
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity

log = logging.getLogger(__name__)

CALL_DEADLINE = 20.0  # seconds
SLICE = timedelta(hours=6)  # of what changed, done at once: begun again where it was interrupted
FIRST = timedelta(days=1)  # so far back goes the first one
DAILY = timedelta(days=1)
AGAIN = timedelta(minutes=1)  # at the earliest, whatever the occasion
KEPT = timedelta(days=30)
BATCH = client.PAGE
ORDER = [Sweep.CHANGES, Sweep.DELETED, Sweep.OPEN]


class Why(StrEnum):
    TIME = "time"
    SILENT = "silent"
    STARTED = "started"
    ASKED = "asked"
    KEY = "key"


# --- when


def sweep(now: datetime) -> None:
    """Each minute: begins what is due, and rings for what is unfinished."""
    _forget(now)
    for connection in _reachable():
        if why := _due(connection, now):
            begin(connection, Sweep.CHANGES, why)
        if not _begun(connection, Sweep.DELETED, now - DAILY):
            begin(connection, Sweep.DELETED, Why.TIME)
        if of(connection).filter(ended_at=None).exists():
            ring_for(connection)


def _forget(now: datetime) -> None:
    """Old ones; but the last of each kind says from where the next one has to go on."""
    same = {name: OuterRef(name) for name in ("connection", "account", "sweep")}
    later = Reconciliation.objects.filter(**same, ended_at__gt=OuterRef("ended_at"))
    Reconciliation.objects.filter(Exists(later), ended_at__lt=now - KEPT).delete()


def nightly() -> None:
    for connection in _reachable():
        begin(connection, Sweep.OPEN, Why.TIME)


def after_start() -> None:
    """The address may have been down as long as the workers were."""
    for connection in _reachable():
        if not _begun(connection, Sweep.CHANGES, moment.now() - AGAIN):
            begin(connection, Sweep.CHANGES, Why.STARTED)


def _reachable() -> QuerySet[Connection]:
    return Connection.objects.filter(api_key_refused_at=None).exclude(api_key=None)


def _due(connection: Connection, now: datetime) -> Why | None:
    if not _begun(connection, Sweep.CHANGES, now - timedelta(minutes=settings.RECONCILE_MINUTES)):
        return Why.TIME
    if not _begun(connection, Sweep.CHANGES, now - 2 * AGAIN) and silence.since(connection, now):
        return Why.SILENT
    return None


def _begun(connection: Connection, sweep: Sweep, after: datetime) -> bool:
    return of(connection).filter(sweep=sweep, began_at__gt=after).exists()


def of(connection: Connection) -> QuerySet[Reconciliation]:
    """With the key's account. Those with another one go on where they were when it is back."""
    return connection.reconciliations.filter(account=connection.account)


def begin_all(connection: Connection, why: Why) -> None:
    for sweep in Sweep:
        begin(connection, sweep, why)


@transaction.atomic
def begin(
    connection: Connection, sweep: Sweep, why: Why, since: datetime | None = None
) -> Reconciliation:
    """The unfinished one where there is one; it goes back as far as `since`."""
    held = connections.held(connection)
    row = of(held).filter(sweep=sweep, ended_at=None).first()
    if row is None:
        since = since or _last_reached(held, sweep)
        now, total = moment.now(), None
        if sweep == Sweep.OPEN:
            since, total = datetime.fromtimestamp(0, now.tzinfo), _open(held).count()
        row = Reconciliation(connection=held, account=held.account, sweep=sweep, why=why)
        row.since, row.reached, row.began_at, row.total = since, since, now, total
        row.save()
    elif since and since < row.reached:
        row.since = row.reached = since
        row.save(update_fields=["since", "reached"])
    ring_for(connection)
    return row


def _last_reached(connection: Connection, sweep: Sweep) -> datetime:
    done = of(connection).filter(sweep=sweep, ended_at__isnull=False)
    last = done.order_by("-began_at").first()
    return last.reached if last else moment.now() - (FIRST if sweep == Sweep.CHANGES else KEPT)


def ring_for(connection: Connection) -> None:
    from nomdecode.lever.tasks import reconcile

    ring(reconcile, connection_id=connection.pk)


# --- a run


def run(connection_id: int) -> bool:
    """Whatever is unfinished, the most urgent first, step by step. One worker at a time.

    False if another one is at it.
    """
    connection = Connection.objects.select_related("organisation").get(pk=connection_id)
    # Again, should something have begun while this one was ending.
    while _next(connection):
        with locks.alone(f"lever.reconcile {connection.pk}") as alone:
            if not alone:
                return False
            if not _went(connection):
                break
    return True


def _went(connection: Connection) -> bool:
    """False if Lever cannot be asked now."""
    try:
        return _steps(connection)
    except client.LeverError as error:
        if isinstance(error, client.Unauthorised) and connection.api_key:
            connections.refused(connection)
        _failed(connection, error, *ORDER)
    return False


def _steps(connection: Connection) -> bool:
    """False where one could not go on: the others have had their turn, it has its own shortly."""
    failed: set[str] = set()
    with connections.lever(connection, CALL_DEADLINE, background=True) as asked:
        looks = Looks(connection, asked)
        while row := _next(connection, failed):
            try:
                _Step(row, looks).take()
            except OF_ALL:
                raise
            except client.LeverError as error:
                failed.add(row.sweep)
                _failed(connection, error, row.sweep)
    return not failed


def _next(connection: Connection, failed: Container[str] = ()) -> Reconciliation | None:
    rows = {row.sweep: row for row in of(connection).filter(ended_at=None)}
    return next((rows[each] for each in ORDER if each in rows and each not in failed), None)


def _failed(connection: Connection, error: client.LeverError, *sweeps: str) -> None:
    log.info("reconciliation: %s; going on shortly", type(error).__name__)
    unfinished = of(connection).filter(ended_at=None, sweep__in=sweeps)
    unfinished.update(failure=error.sentence)
    live.publish(connection.organisation_id, "lever")


class _Step:
    """A part of one comparison that is done at once; what is done is never done again."""

    def __init__(self, row: Reconciliation, looks: Looks) -> None:
        self.row, self.looks, self.connection = row, looks, looks.connection

    def take(self) -> None:
        steps = {
            Sweep.CHANGES: self._changes,
            Sweep.DELETED: self._deletions,
            Sweep.OPEN: self._some_open,
        }
        steps[Sweep(self.row.sweep)]()

    # --- what changed

    def _changes(self) -> None:
        asked_at = moment.now()
        end = self.row.reached + SLICE
        last = end >= asked_at
        if last:
            self._lists()
        window = {"updated_at_start": milliseconds(self.row.reached - OVERLAP)}
        if not last:
            window["updated_at_end"] = milliseconds(end)
        for some in self.looks.asked.opportunity_pages(**window):
            self._compare(some, asked_at)
        self._reached(asked_at if last else end, over=last)

    def _lists(self) -> None:
        """Stages and archive reasons as they are called now, and the webhooks that come here.

        What cannot be had is gone without: what changed is compared all the same.
        """
        for kind in ("stages", "archive_reasons", "webhooks"):
            if self.connection.permissions.get(kind):
                try:
                    self._list(kind)
                except OF_ALL:
                    raise
                except client.Forbidden:
                    self._may_not(kind)
                except client.LeverError as error:
                    log.info("reconciliation: %s for %s", type(error).__name__, kind)

    def _list(self, kind: str) -> None:
        if kind != "webhooks":
            pick_lists.refresh(self.connection, kind)
            return
        url = connections.webhook_url(self.connection)
        here = [{"event": each.event} for each in self.looks.asked.webhooks() if each.url == url]
        with transaction.atomic():
            pick_lists.keep(connections.held(self.connection), kind, here)

    @transaction.atomic
    def _may_not(self, kind: str) -> None:
        """Not asked for again until the key is checked again."""
        held = connections.held(self.connection)
        if held.api_key_set_at == self.connection.api_key_set_at:  # else it is another key's
            held.permissions[kind] = False
            held.save(update_fields=["permissions"])
            self.connection.permissions = held.permissions
            connections.publish(held)

    # --- what was deleted

    def _deletions(self) -> None:
        asked_at = moment.now()
        end = min(self.row.reached + FURTHEST_BACK - 2 * OVERLAP, asked_at)
        deleted = self.looks.deleted(self.row.reached - OVERLAP, end + OVERLAP)
        self._count(listed=len(deleted))
        for opportunity in ours(self.connection, deleted).values():
            with transaction.atomic():
                if moves.gone(opportunity, deleted[opportunity.external_id]):
                    self._mended(opportunity, [Mend.What.DELETED])
            self._count(compared=1)
        self._reached(end, over=end == asked_at)

    # --- all that are open

    def _some_open(self) -> None:
        """The next hundred, by the time at which they were made: with few calls found by it."""
        rows = _open(self.connection).filter(created_at__gt=self.row.reached)
        times = list(rows.order_by("created_at").values_list("created_at", flat=True)[:BATCH])
        if not times:
            return self._reached(moment.now(), over=True)
        some = {each.external_id: each for each in rows.filter(created_at__lte=times[-1])}
        asked_at, second = moment.now(), timedelta(seconds=1)
        start, end = milliseconds(times[0] - second), milliseconds(times[-1] + second)
        for listed in self.looks.asked.opportunity_pages(
            source=SOURCE, created_at_start=start, created_at_end=end
        ):
            for id in self._compare(listed, asked_at):
                some.pop(id, None)
        for opportunity in some.values():
            self._ask(opportunity)
        return self._reached(times[-1], over=False)

    def _ask(self, opportunity: Opportunity) -> None:
        """One that Lever does not tell of, for whatever reason, holds up no other."""
        asked_at = moment.now()
        try:
            found = self.looks.asked.opportunity(opportunity.external_id)
        except OF_ALL:
            raise
        except client.LeverError:
            self._count(unseen=1)
        else:
            self._compare([found], asked_at)

    # --- the comparison

    def _compare(self, some: Iterable[client.Opportunity], asked_at: datetime) -> list[str]:
        """The ids of those that are ours."""
        found = {each.id: each for each in some}
        known = ours(self.connection, found)
        snapshots = {id: self.looks.snapshot(found[id]) for id in known}
        organisation = self.connection.organisation
        with transaction.atomic():
            told = moves.record_all(organisation, snapshots, "reconcile", asked_at)
            for opportunity, changed in told.items():
                if "registered" not in changed:
                    self._mended(opportunity, _what(changed, opportunity))
        self._count(listed=len(found), compared=len(known))
        return list(known)

    def _mended(self, opportunity: Opportunity, what: list[Mend.What]) -> None:
        """What was delivered, and only not looked at yet, was not missed."""
        marks = self.connection.marks.filter(opportunity_id=opportunity.external_id)
        if what and not marks.filter(looked_at=None).exists():
            now = moment.now()
            Mend.objects.bulk_create(
                Mend(
                    connection=self.connection,
                    opportunity=opportunity,
                    what=each,
                    happened_at=_when(each, opportunity) or now,
                    found_at=now,
                )
                for each in what
            )
            self._count(mended=len(what))

    def _count(self, **numbers: int) -> None:
        more = {name: F(name) + number for name, number in numbers.items()}
        Reconciliation.objects.filter(pk=self.row.pk).update(failure="", **more)
        live.publish(self.connection.organisation_id, "lever")

    def _reached(self, at: datetime, *, over: bool) -> None:
        """Unless a person has sent it further back meanwhile."""
        same = Reconciliation.objects.filter(pk=self.row.pk, reached=self.row.reached)
        same.update(reached=at, failure="", ended_at=moment.now() if over else None)
        live.publish(self.connection.organisation_id, "lever")


def _open(connection: Connection) -> QuerySet[Opportunity]:
    return of_the_account(connection).filter(archived_at=None, deleted_at=None)


def _what(changed: set[str], opportunity: Opportunity) -> list[Mend.What]:
    what = [Mend.What.STAGE] if "stage" in changed else []
    if "archive" in changed:
        if opportunity.hired_at:
            what.append(Mend.What.HIRED)
        else:
            left = opportunity.archived_at
            what.append(Mend.What.ARCHIVED if left else Mend.What.TAKEN_OUT)
    return what


def _when(what: Mend.What, opportunity: Opportunity) -> datetime | None:
    """By Lever's clock, as far as it tells."""
    if what == Mend.What.STAGE:
        return opportunity.moves.aggregate(last=Max("happened_at"))["last"] or opportunity.as_of
    if what == Mend.What.DELETED:
        return opportunity.deleted_at
    return opportunity.archived_at or opportunity.as_of
