"""Whether Lever's webhooks reach us: what a comparison found first, and why nothing told of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from nomdecode.lever import connection as connections
from nomdecode.lever import marks, pick_lists
from nomdecode.lever.answers import HIRED
from nomdecode.lever.models import Connection, Delivery, Mend, Verdict

STAGE, ARCHIVE = "candidateStageChange", "candidateArchiveChange"
TELLS: dict[str, tuple[str, ...]] = {
    Mend.What.STAGE: (STAGE,),
    Mend.What.ARCHIVED: (ARCHIVE,),
    Mend.What.HIRED: (HIRED, ARCHIVE),
    Mend.What.TAKEN_OUT: (ARCHIVE,),
    Mend.What.DELETED: (marks.DELETED,),
}
NEAR = timedelta(minutes=2)  # of a change and of the delivery that tells of it
COMES = timedelta(days=30)
LOOKED_BACK = timedelta(days=7)
LAST = 20  # changes by which is judged
TOO_MANY, SHARE = 3, 0.25
TOLD_AGAIN = 5  # in a row: then the webhooks reach us again


class Why(StrEnum):
    LATER = "later"
    SOON = "soon"
    NOT_LISTED = "not_listed"
    NEVER = "never"
    SIGNATURE = "signature"
    NONE = "none"


@dataclass(frozen=True)
class Explained:
    """One mend, and why no delivery had told of it; `delivery`: the one that did, after all."""

    mend: Mend
    why: Why
    delivery: Delivery | None = None


def explain(connection: Connection, mends: Iterable[Mend]) -> list[Explained]:
    """`mends`: each with its opportunity."""
    mends = list(mends)
    knows, told = _Knows(connection), _told(connection, mends)
    return [_explained(mend, told.get(mend.pk), knows) for mend in mends]


def _told(connection: Connection, mends: list[Mend]) -> dict[int, Delivery]:
    """Mend -> the delivery that told of it, before or after the comparison."""
    heard: dict[str, list[Delivery]] = {}
    about = [mend.opportunity.external_id for mend in mends]
    for each in connection.deliveries.filter(opportunity_id__in=about).order_by("received_at"):
        heard.setdefault(each.opportunity_id, []).append(each)
    return {
        mend.pk: each
        for mend in mends
        for each in reversed(heard.get(mend.opportunity.external_id, []))
        if each.event in TELLS[mend.what] and abs(each.triggered_at - mend.happened_at) <= NEAR
    }


class _Knows:
    """What is known of the webhooks of one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self._comes = connection, dict[tuple[str, ...], bool]()
        listed = pick_lists.known(connection, "webhooks")
        self.listed = {each["event"] for each in listed.items} if listed else set()

    def comes(self, events: tuple[str, ...]) -> bool:
        """Whether one of them came lately, or its token may be too young to tell."""
        if events not in self._comes:
            since = timezone.now() - COMES
            young = connections.tokens(self.connection).filter(created_at__gt=since)
            lately = self.connection.deliveries.filter(received_at__gt=since, event__in=events)
            self._comes[events] = young.exists() or lately.exists()
        return self._comes[events]


def _explained(mend: Mend, told: Delivery | None, knows: _Knows) -> Explained:
    events, unsigned_at = TELLS[mend.what], knows.connection.unsigned_at
    if told:
        return Explained(mend, Why.LATER if told.received_at > mend.found_at else Why.SOON, told)
    # An empty list may be one that does not tell of those that were made in Lever's screens.
    if knows.listed and not knows.listed.intersection(events):
        return Explained(mend, Why.NOT_LISTED)
    if not knows.comes(events):
        return Explained(mend, Why.NEVER)
    if unsigned_at and unsigned_at >= mend.happened_at:
        return Explained(mend, Why.SIGNATURE)
    return Explained(mend, Why.NONE)


@dataclass(frozen=True)
class Reach:
    """The last changes, newest first: when each came to be known here, and whether it was missed.

    What was delivered twice or together counts as often; it is about deliveries that arrive.
    """

    changes: tuple[tuple[datetime, bool], ...]

    @property
    def missed(self) -> int:
        return sum(missed for _, missed in self.changes)

    @property
    def lost_since(self) -> datetime | None:
        """From when too many were missed, until the last few were told again."""
        times = [at for at, missed in self.changes if missed]
        lately = any(missed for _, missed in self.changes[:TOLD_AGAIN])
        many = len(times) >= max(TOO_MANY, SHARE * len(self.changes))
        return min(times) if lately and many else None


def of(connection: Connection, now: datetime) -> Reach:
    since = now - LOOKED_BACK
    lately = connection.mends.filter(found_at__gt=since).select_related("opportunity")
    mends = list(lately.order_by("-found_at")[:LAST])
    after_all = _told(connection, mends)
    events = {event for some in TELLS.values() for event in some}
    told = connection.deliveries.filter(
        received_at__gt=since, event__in=events, verdict=Verdict.APPLIED
    )
    received = told.order_by("-received_at").values_list("received_at", flat=True)[:LAST]
    changes = [(mend.found_at, True) for mend in mends if mend.pk not in after_all]
    changes += [(at, False) for at in received]
    return Reach(tuple(sorted(changes, reverse=True)[:LAST]))
