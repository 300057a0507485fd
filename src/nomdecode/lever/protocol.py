"""Exactly one profile: what to do next with one step of an export. Pure; no clock, no database.

Lever has no idempotency keys: a POST whose answer was lost may or may not have made something.
Whoever finds a step in doubt (called, no result, lease over) looks in Lever first, looks again
after a grace period, and only then calls again. The worker and the tests drive it.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

CALL_DEADLINE = timedelta(seconds=20)  # one total deadline around a call
LEASE = timedelta(seconds=45)  # longer than the deadline, with a margin
GRACE = timedelta(seconds=60)  # longer than any delay we know of between a POST and its effect
GIVE_UP = timedelta(days=3)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=1), timedelta(hours=1)


@dataclass(frozen=True)
class Step:
    """What is stored of a step. `calling_since` without `remote_id`: a call without a result."""

    remote_id: str = ""
    calling_since: datetime | None = None
    lease_until: datetime | None = None
    looked_at: datetime | None = None  # when a look, after the lease, found nothing
    next_try_at: datetime | None = None


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
    if step.lease_until and now < step.lease_until:
        return Wait(step.lease_until)
    if step.next_try_at and now < step.next_try_at:
        return Wait(step.next_try_at)
    if step.calling_since is None:
        return Call()
    if seen is None:
        again = step.looked_at + GRACE if step.looked_at else now
        return Wait(again) if now < again else Look()
    if step.looked_at is None:
        return Wait(now + GRACE)  # nothing found, but the call may still arrive
    return Call() if now >= step.looked_at + GRACE else Wait(step.looked_at + GRACE)


def back_off(tries: int, random: random.Random, asked: float | None = None) -> timedelta:
    """Full jitter from a second to an hour after `tries` failures; `asked` is Retry-After."""
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(tries, 12)))
    jittered = longest * random.random()
    return max(jittered, timedelta(seconds=asked)) if asked else jittered
