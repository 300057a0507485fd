"""Exactly one profile: what to do next with one step of an export. Pure; no clock, no database.

Lever has no idempotency keys: a POST whose answer was lost may or may not have made something.
Whoever finds a step in doubt (called, no result, lease over) looks in Lever first, looks again
after a grace period, and only then calls again. The worker and the tests drive these functions;
docs/exactly-once.md tells the whole of it.
"""

import random
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

CALL_DEADLINE = timedelta(seconds=20)  # one total deadline around a call
LEASE = timedelta(seconds=45)  # longer than the deadline, with a margin
GRACE = timedelta(seconds=60)  # longer than any delay we know of between a POST and its effect
GIVE_UP = timedelta(days=3)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(hours=1)
INTERVIEW = re.compile(r"/interviews/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/")


@dataclass(frozen=True)
class Step:
    """What is stored of a step. `calling_since` without `remote_id`: a call without a result."""

    remote_id: str = ""
    calling_since: datetime | None = None
    lease_until: datetime | None = None
    lease_owner: UUID | None = None
    looked_at: datetime | None = None  # when a look, after the call, found nothing
    next_try_at: datetime | None = None
    tries: int = 0


@dataclass(frozen=True)
class Seen:
    """What a look in Lever has just found: ids that carry the step's marker."""

    matches: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    pass


@dataclass(frozen=True)
class Wait:
    until: datetime


@dataclass(frozen=True)
class Call:
    pass


@dataclass(frozen=True)
class Look:
    pass


@dataclass(frozen=True)
class Adopt:
    remote_id: str
    others: tuple[str, ...]  # more than one match: a person must see them


Action = Done | Wait | Call | Look | Adopt


def next_action(step: Step, seen: Seen | None, now: datetime) -> Action:
    """The next thing to do. `seen` is None unless a look was made just now."""
    if step.remote_id:
        return Done()
    if seen and seen.matches:
        first, *others = sorted(seen.matches)
        return Adopt(first, tuple(others))
    if seen is None and step.lease_until and now < step.lease_until:
        return Wait(step.lease_until)
    if seen is None and step.next_try_at and now < step.next_try_at:
        return Wait(step.next_try_at)
    if step.calling_since is None:
        return Call()
    if seen is None:
        again = step.looked_at + GRACE if step.looked_at else now
        return Wait(again) if now < again else Look()
    if step.looked_at is None:
        return Wait(now + GRACE)  # nothing found, but the call may still arrive
    return Call() if now >= step.looked_at + GRACE else Wait(step.looked_at + GRACE)


# --- what is committed around a call


def claimed(step: Step, owner: UUID, now: datetime) -> Step:
    """Before a call: the intent, and who may carry it out until when."""
    return Step(calling_since=now, lease_until=now + LEASE, lease_owner=owner, tries=step.tries + 1)


def looking(step: Step, owner: UUID, now: datetime) -> Step:
    """Before a look, which changes nothing in Lever. It counts as a try: back-off grows with it."""
    return replace(step, lease_until=now + LEASE, lease_owner=owner, tries=step.tries + 1)


def may_send(step: Step, owner: UUID, now: datetime) -> bool:
    """Just before anything is sent: the lease is still ours, and outlasts the whole call."""
    if step.remote_id or step.lease_owner != owner or step.lease_until is None:
        return False
    return step.lease_until > now + CALL_DEADLINE


def made(step: Step, remote_id: str) -> Step:
    """Lever has it. Whatever came first stays."""
    return step if step.remote_id else Step(remote_id=remote_id, tries=step.tries)


def adopted(remote_id: str) -> Step:
    """After a restore, or by a person: no try of ours is told as what made it."""
    return Step(remote_id=remote_id)


def nothing_found(step: Step, now: datetime) -> Step:
    """After a look without a match: the first one begins the grace, one after it ends the doubt."""
    if isinstance(next_action(step, Seen(()), now), Call):
        return Step(tries=step.tries)
    return replace(step, looked_at=step.looked_at or now, lease_until=None, next_try_at=None)


def in_doubt(step: Step, again_at: datetime | None) -> Step:
    """Something was sent and no usable answer came, or a look failed: who comes next looks."""
    return replace(step, lease_until=None, next_try_at=again_at)


def not_made(step: Step, again_at: datetime | None) -> Step:
    """Lever answered, or was never reached: nothing was made."""
    return Step(tries=step.tries, next_try_at=again_at)


# --- what bears the marker of a step


@dataclass(frozen=True)
class Found:
    """A profile that a look came upon. `created_at` in milliseconds."""

    id: str
    created_at: int | None
    links: tuple[str, ...]


def bearing(
    found: Iterable[Found], created_at: int, link: str, ours: Container[str]
) -> tuple[str, ...]:
    """Ids of those made in the second of `created_at`; `link` breaks ties.

    Not by the link alone: links belong to the contact, and show on every profile of the person.
    One with a link to somebody else's interview is not ours: two of us may share one Lever. Links
    to `ours` say nothing: of a contact that it knows, Lever may keep those it had and drop `link`.
    """

    def of_others(each: Found) -> bool:
        return any(INTERVIEW.search(link) and link not in ours for link in each.links)

    second = created_at // 1000
    same = [each for each in found if each.created_at and each.created_at // 1000 == second]
    linked = [each.id for each in same if link in each.links]
    return tuple(linked or [each.id for each in same if not of_others(each)])


def back_off(tries: int, random: random.Random, asked: float | None = None) -> timedelta:
    """Full jitter from a second to an hour after `tries` failures; `asked` is Retry-After.

    Nobody can ask for more than the time after which we give up.
    """
    longest = min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries, 12)))
    jittered = longest * random.random()
    if not asked:
        return jittered
    return max(jittered, timedelta(seconds=min(asked, GIVE_UP.total_seconds())))
