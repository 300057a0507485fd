"""Opportunities that something was heard of: Lever is asked about them, and its answer recorded.

Only what Lever answers when it is asked moves our state; a delivery says where to look.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, Min, OuterRef, QuerySet
from django.db.models.functions import Collate, Greatest
from django.utils import timezone

from nomdecode.lever import client, moment
from nomdecode.lever import connection as connections
from nomdecode.lever.answers import FURTHEST_BACK, HIRED, Looks, milliseconds
from nomdecode.lever.models import Connection, Delivery, Export, Mark, Verdict
from nomdecode.orgs import live, locks
from nomdecode.orgs.doorbell import ring
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)  # marks, and deliveries that are not ours
CALL_DEADLINE = 10.0  # seconds
MANY = 50  # marks; more of them are found in Lever's list of what changed
FEW = 10  # looks one by one between two lists
OVERLAP = timedelta(minutes=5)  # of two looks: clocks differ, and a list may lag behind

DELETED = "candidateDeleted"
OF_OPPORTUNITIES = {
    "applicationCreated",
    "candidateStageChange",
    "candidateArchiveChange",
    DELETED,
    HIRED,
}


# --- marked


def mark(connection: Connection, opportunity_id: str, now: datetime) -> None:
    """Lever is to be asked about this opportunity, of which something was heard until `now`."""
    row = {"connection": connection, "opportunity_id": opportunity_id}
    Mark.objects.bulk_create([Mark(**row, marked_at=now)], ignore_conflicts=True)
    # What was received first may be stored last.
    latest = Greatest("marked_at", now)
    Mark.objects.filter(**row).update(marked_at=latest, looked_at=None, tries=0)
    ring_to_apply(connection)


def ring_to_apply(connection: Connection, at: datetime | None = None) -> None:
    from nomdecode.lever.tasks import apply_deliveries

    ring(apply_deliveries, at=at, connection_id=connection.pk)


def became_ours(connection: Connection, opportunity_id: str) -> None:
    """An export has registered this opportunity: what was heard of it before is looked at now."""

    def look_again() -> None:
        marks = Mark.objects.filter(connection=connection, opportunity_id=opportunity_id)
        if marks.update(looked_at=None, tries=0):
            ring_to_apply(connection)

    look_again()
    # Once more when others can see that it is ours: a delivery may come in between.
    transaction.on_commit(look_again)


# --- looked at


def drain(connection_id: int) -> None:
    """Asks Lever about every marked opportunity that is ours, once however often it was marked."""
    connection = Connection.objects.select_related("organisation").get(pk=connection_id)
    _set_aside(connection)
    if not _due(connection).exists():
        return
    try:
        with connections.lever(connection, CALL_DEADLINE, background=True) as asked:
            _Drain(connection, asked).run()
    except client.Unauthorised:
        if connection.api_key:
            connections.refused(connection)  # the marks wait for a better key
        _reported(connection)


def sweep(now: datetime) -> None:
    """Each minute: rings where marks are left over."""
    waiting = Mark.objects.filter(connection=OuterRef("pk"), looked_at=None)
    for connection in Connection.objects.filter(Exists(waiting), api_key_refused_at=None):
        if _due(connection).exists():
            ring_to_apply(connection)


def forget(now: datetime) -> None:
    """Nightly: marks that nobody asked about for long, and what is not ours and did not become it.

    What tells of no profile at all is kept.
    """
    long_ago = now - KEPT
    Mark.objects.filter(looked_at__isnull=False, marked_at__lt=long_ago).delete()
    ours = Opportunity.objects.filter(
        organisation=OuterRef("connection__organisation"), external_id=OuterRef("opportunity_id")
    )
    old = Delivery.objects.filter(~Exists(ours), received_at__lt=long_ago)
    old.exclude(opportunity_id="").delete()


class _Drain:
    """One worker at it; others may be at other marks of the same connection."""

    def __init__(self, connection: Connection, asked: client.Lever) -> None:
        self.connection, self.looks = connection, Looks(connection, asked)
        self.unseen: dict[int, Mark] = {}  # of what Lever does not show to this key

    def run(self) -> None:
        try:
            told = self._page() if self._due() > MANY else 0
            if told is None:
                return
            # A list that tells of them is cheaper; but what it does not tell of waits for no flood.
            looks, limit = (FEW, MANY) if told else (1, self._due() + MANY)
            while self._next():
                looks -= 1
                if looks <= 0 and self._due() > limit:
                    ring_to_apply(self.connection)
                    break
            self._ask_what_is_deleted()
        except client.Unauthorised:
            raise
        except client.Busy as error:
            _ring_later(self.connection, error.retry_after or 1.0)
        except client.LeverError as error:
            self._put_off(error)

    def _due(self) -> int:
        return _due(self.connection).count()

    # --- many at once

    def _page(self) -> int | None:
        """Of how many marked ones it told; None where another worker is at it: nothing to do.

        Lists what changed, as long as that costs fewer calls than asking one by one.
        """
        told = 0
        with locks.alone(f"lever.marks {self.connection.pk}") as alone:
            if alone:
                due = self._marked()
                asked_at = moment.now()
                since = milliseconds(_told_since(self.connection, due) - OVERLAP)
                pages = self.looks.asked.opportunity_pages(updated_at_start=since)
                for _ in range(len(due) // 2):
                    # Read before each page: what was marked until then, that page tells of.
                    due = self._marked()
                    page = next(pages, None) if due else None
                    if page is None:
                        break
                    told += self._keep(page, asked_at, due)
        return told if alone else None

    def _marked(self) -> dict[str, Mark]:
        return {mark.opportunity_id: mark for mark in _due(self.connection)}

    def _keep(
        self, page: Iterable[client.Opportunity], asked_at: datetime, due: dict[str, Mark]
    ) -> int:
        marked = {found.id: found for found in page if found.id in due}
        known = ours(self.connection, marked)
        snapshots = {id: self.looks.snapshot(marked[id]) for id in known}
        moves.record_all(self.connection.organisation, snapshots, "webhook", asked_at)
        _looked(self.connection, [due[id] for id in known], known.values())
        return len(known)

    # --- one by one

    def _next(self) -> bool:
        """One opportunity that no other worker looks at; False when there is none."""
        for mark in _due(self.connection).exclude(pk__in=self.unseen)[:100]:
            # Deliveries go on marking the row.
            with locks.alone(f"lever.mark {mark.pk}") as alone:
                if alone and Mark.objects.filter(pk=mark.pk, looked_at=None).exists():
                    return self._look_at(mark)
        return False

    def _look_at(self, mark: Mark) -> bool:
        opportunity = moves.find(self.connection.organisation, mark.opportunity_id)
        if opportunity is None:  # marked after the others were set aside: the next ring does it
            ring_to_apply(self.connection)
            return False
        asked_at = moment.now()
        try:
            found = self.looks.asked.opportunity(mark.opportunity_id)
        except (client.NotFound, client.Forbidden):
            self.unseen[mark.pk] = mark
        except (client.Unauthorised, client.Busy):
            raise
        except client.LeverError as error:
            self._put_off(error, mark)
            return False
        else:
            moves.record(opportunity, self.looks.snapshot(found), "webhook", asked_at)
            _looked(self.connection, [mark], [opportunity])
        return True

    def _ask_what_is_deleted(self) -> None:
        """Not visible to this key is not deleted: only what Lever lists as such."""
        if not self.unseen:
            return
        marks = {mark.opportunity_id: mark for mark in self.unseen.values()}
        until = moment.now() + OVERLAP
        deleted = self.looks.deleted(until - FURTHEST_BACK, until)
        known = ours(self.connection, marks)
        for id, opportunity in known.items():
            if at := deleted.get(id):
                moves.gone(opportunity, at)
        _looked(self.connection, [marks[id] for id in known], known.values())

    # --- what came of it

    def _put_off(self, error: client.LeverError, mark: Mark | None = None) -> None:
        """What could not be looked at is looked at again, and shown meanwhile as reported."""
        log.info("deliveries: %s; looking again shortly", type(error).__name__)
        tries = min(mark.tries + 1, 1000) if mark else 1
        if mark:
            self.connection.marks.filter(pk=mark.pk).update(tries=tries)
        _reported(self.connection)
        _ring_later(self.connection, error.retry_after or 2.0 ** min(tries, 5))


def _due(connection: Connection) -> QuerySet[Mark]:
    """Those that failed come after all others: one that always fails holds nobody up.

    What is in another account than the key's waits until that one's key is back.
    """
    there = Opportunity.objects.filter(
        _elsewhere(connection), organisation=connection.organisation_id
    )
    there = there.filter(external_id=OuterRef("opportunity_id"))
    due = connection.marks.filter(~Exists(there), looked_at=None)
    return due.order_by("tries", "marked_at")


@transaction.atomic
def _set_aside(connection: Connection) -> None:
    """Marks of opportunities that are not ours keep their id, in case they become ours."""
    seen = {mark.opportunity_id: mark.marked_at for mark in _due(connection)}
    theirs = seen.keys() - ours(connection, seen)
    if not theirs:
        return
    heard = _locked(connection, theirs)
    due = _due(connection).filter(opportunity_id__in=theirs).order_by("opportunity_id")
    # What was marked meanwhile has deliveries that are not locked: the next ring does it.
    held = [mark for mark in due.select_for_update() if mark.marked_at == seen[mark.opportunity_id]]
    theirs = {mark.opportunity_id for mark in held}
    theirs -= ours(connection, theirs).keys()  # who becomes ours from now on waits for the mark
    connection.marks.filter(opportunity_id__in=theirs).update(looked_at=timezone.now())
    heard.filter(opportunity_id__in=theirs).update(verdict=Verdict.NOT_OURS)
    live.publish(connection.organisation_id, "lever")


def _locked(connection: Connection, ids: Iterable[str]) -> QuerySet[Delivery]:
    """The waiting deliveries of these opportunities, locked as the inbox does: in their order."""
    waiting = connection.deliveries.filter(verdict=Verdict.WAITING, opportunity_id__in=list(ids))
    in_order = waiting.order_by(Collate("token", "C")).select_for_update()
    return Delivery.objects.filter(pk__in=list(in_order.values_list("pk", flat=True)))


def ours(connection: Connection, ids: Iterable[str]) -> dict[str, Opportunity]:
    """Id in Lever -> opportunity, of those that an export of this organisation made there."""
    known = of_the_account(connection).filter(external_id__in=list(ids))
    return {each.external_id: each for each in known}


def of_the_account(connection: Connection) -> QuerySet[Opportunity]:
    """All of ours that the present key's account has."""
    here = Opportunity.objects.filter(organisation=connection.organisation_id)
    return here.exclude(_elsewhere(connection))


def _elsewhere(connection: Connection) -> Exists:
    """Of an opportunity: this key can neither see it nor say that it is gone."""
    exports = Export.objects.filter(interview=OuterRef("interview"))
    return Exists(exports.exclude(account=connection.account))


def _told_since(connection: Connection, ids: Iterable[str]) -> datetime:
    """When the first of what was heard of them, and not yet looked at, happened in Lever."""
    undecided = connection.deliveries.filter(opportunity_id__in=list(ids), verdict__in=_UNDECIDED)
    told = undecided.aggregate(since=Min("triggered_at"))["since"]
    return told or timezone.now()


_UNDECIDED = [Verdict.WAITING, Verdict.NOT_OURS, Verdict.REPORTED]


def _looked(
    connection: Connection, looked: list[Mark], opportunities: Iterable[Opportunity]
) -> None:
    """Once what they said is recorded: cut off before this, they are looked at again.

    What came since a mark was read is looked at once more.
    """
    if not looked:
        return
    ids, about = [mark.pk for mark in looked], [mark.opportunity_id for mark in looked]
    until = [mark.marked_at for mark in looked]
    with database.cursor() as cursor:
        cursor.execute(_APPLIED, [about, until, connection.pk, _UNDECIDED])
        cursor.execute(_LOOKED, [timezone.now(), ids, until])
    _publish(connection, opportunities)


# Both lock as the inbox does: deliveries before marks, and each in its order.
_APPLIED = """
    UPDATE lever_delivery SET verdict = 'applied' WHERE id IN (
        SELECT heard.id FROM lever_delivery heard
        JOIN unnest(%s::text[], %s::timestamptz[]) AS looked(about, until)
            ON opportunity_id = about AND received_at <= until
        WHERE connection_id = %s AND verdict = ANY(%s)
        ORDER BY token COLLATE "C" FOR UPDATE OF heard
    )
"""
_LOOKED = """
    UPDATE lever_mark SET looked_at = %s WHERE id IN (
        SELECT mark.id FROM lever_mark mark
        JOIN unnest(%s::bigint[], %s::timestamptz[]) AS looked(id, until)
            ON mark.id = looked.id AND marked_at = until
        ORDER BY opportunity_id FOR UPDATE OF mark
    )
"""


@transaction.atomic
def _reported(connection: Connection) -> None:
    waiting = _locked(connection, _due(connection).values_list("opportunity_id", flat=True))
    ids = set(waiting.values_list("opportunity_id", flat=True))
    if waiting.update(verdict=Verdict.REPORTED):
        _publish(connection, ours(connection, ids).values())


def _publish(connection: Connection, opportunities: Iterable[Opportunity]) -> None:
    """That deliveries of theirs have another verdict; of a move itself moves.py tells."""
    exports = [f"export-{each.interview_id}" for each in opportunities]
    live.publish(connection.organisation_id, "lever", *exports)


def _ring_later(connection: Connection, seconds: float) -> None:
    if seconds < 60:  # beyond that the sweep of each minute does
        ring_to_apply(connection, at=timezone.now() + timedelta(seconds=seconds))
