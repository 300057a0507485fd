"""What waits by itself: nobody has to do anything about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from nomdecode.home.needs import OVERDUE, overdue, reminded, rephrasing
from nomdecode.interviews import access
from nomdecode.interviews.models import State
from nomdecode.lever.models import Connection, Export, ExportState, Kind
from nomdecode.orgs.models import Hold, Member, Role


@dataclass(frozen=True)
class Wait:
    """<strong>`count`</strong> `words` `at` (a time of day or a date), `detail` beneath it."""

    count: str
    words: str
    detail: str = ""
    at: datetime | None = None  # ends the sentence
    since: datetime | None = None  # ends the detail


def of(member: Member, now: datetime) -> list[Wait]:
    if not access.is_staff(member):
        return []
    connection = Connection.objects.filter(organisation=member.organisation_id).first()
    exports = Export.objects.filter(
        organisation=member.organisation_id, state__in=[ExportState.WAITING, ExportState.GOING]
    )
    if not (connection and connection.export_unsuccessful):
        exports = exports.filter(kind=Kind.NAMED)  # the others stay here when their time comes
    groups = exports.values("reason").annotate(
        count=Count("pk"),
        asked=Min("interview__candidate__asked_at"),
        leaves=Min("interview__outcome__leaves_at"),
    )
    found = {group["reason"]: group for group in groups.order_by()}
    waits = [_wait(member, connection, **found[reason]) for reason in ORDER if reason in found]
    others = [*_rephrasing(member), *_reminded(member, now)]
    return [wait for wait in waits if wait] + others


ORDER = ["consent", "hold", "", "off", "key"]


def _wait(
    member: Member,
    connection: Connection | None,
    reason: str,
    count: int,
    asked: datetime | None,
    leaves: datetime,
) -> Wait | None:
    profiles = _number(count, "profile")
    verb = "waits" if count == 1 else "wait"
    match reason:
        case "consent":
            who = _number(count, "candidate")
            return Wait(who, "asked whether to be named", "the oldest" * bool(asked), since=asked)
        case "hold" if connection and connection.enabled:
            verb = "leaves for Lever" if count == 1 else "leave for Lever, the first"
            return Wait(profiles, verb, _hold(member), at=leaves)
        case "":
            return Wait(profiles, "on the way to Lever", "tried again until Lever answers")
        case "off" | "key" if member.role != Role.ADMIN:  # an admin has it under "Needs you"
            return Wait(profiles, f"{verb} until an admin sets up Lever")
    return None


def _hold(member: Member) -> str:
    minutes = member.organisation.hold_minutes
    length = Hold(minutes).label.removeprefix("After ")
    return f"the hold of {length}" if minutes else ""


def _rephrasing(member: Member) -> Iterable[Wait]:
    asked = list(rephrasing(member).values_list("asked", flat=True))
    if asked:
        verb = "waits" if len(asked) == 1 else "wait"
        words = f"{verb} until a scorecard is rephrased"
        yield Wait(_number(len(asked), "profile"), words, "asked", since=min(asked))


def _reminded(member: Member, now: datetime) -> Iterable[Wait]:
    """Overdue scorecards whose interviewer was reminded lately."""
    held = access.visible(member).filter(
        state=State.HELD, outcome=None, assignments__reminded_at__gt=now - OVERDUE
    )
    late = [one for interview in held.distinct() for one in overdue(interview, now)]
    late = [one for one in late if reminded(one, now)]
    if late:
        names = ", ".join(sorted({one.member.user.get_short_name() for one in late}))
        yield Wait(_number(len(late), "scorecard"), "due", f"{names} reminded lately")


def _number(count: int, thing: str) -> str:
    return f"1 {thing}" if count == 1 else f"{count} {thing}s"
