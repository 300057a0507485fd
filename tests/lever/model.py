"""Exactly one profile, as a machine of chance: every order of what workers, Lever, the network
and people can do.

Whatever is decided, the functions of protocol.py decide: the same that the worker calls. The
database, the network and Lever are modelled. Every event is one atomic step of somebody. Between
any two of them a worker may sleep, since time passes in an event of its own; it may die; another
may be at the same work, since doorbells ring whenever they like.

What is granted: a request takes effect, if ever, within GRACE after the lease that it was sent
under, or after its worker has seen the connection end. What is not granted: that Lever answers,
that it answers in time, and that it adds links to a contact that it knows.
"""

import functools
import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from nomdecode.lever import protocol
from nomdecode.lever.protocol import Action, Adopt, Call, Found, Look, Seen, Step, Wait

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
WORKERS = (1, 2, 3)
AFTERWARDS = 0  # the worker that finishes everything once the faults are over
LINK = "https://nomdecode.example/interviews/00000000-0000-4000-8000-00000000000{}/".format
TURNS = 3  # at most, for a step without faults, whatever came before: a look, a look, a call
SPANS = (
    timedelta(seconds=1),
    protocol.CALL_DEADLINE,
    protocol.LEASE - protocol.CALL_DEADLINE,
)


@dataclass(frozen=True)
class Decisions:
    """What a worker asks protocol.py. Each seeded bug replaces one of them."""

    next_action: Callable[..., Action] = protocol.next_action
    claimed: Callable[..., Step] = protocol.claimed
    looking: Callable[..., Step] = protocol.looking
    may_send: Callable[..., bool] = protocol.may_send
    made: Callable[..., Step] = protocol.made
    nothing_found: Callable[..., Step] = protocol.nothing_found
    in_doubt: Callable[..., Step] = protocol.in_doubt
    not_made: Callable[..., Step] = protocol.not_made
    bearing: Callable[..., tuple[str, ...]] = protocol.bearing


# --- what our database holds


@dataclass
class Export:
    """The rows of one interview's export."""

    interview: str
    link: str
    created_at: int  # the marker, in milliseconds
    steps: dict[str, Step]
    may_leave: bool = True  # until the candidate withdraws, or is erased
    stopped: bool = False  # a problem that a person sees; until they have it tried again
    claims: int = 0  # calls ever claimed ...
    claims_in_time: int | None = None  # ... and how many were, when the candidate left
    duplicates: set[str] = field(default_factory=set)  # shown to a person

    @property
    def unfinished(self) -> str | None:
        return next((name for name, step in self.steps.items() if not step.remote_id), None)

    @property
    def in_doubt(self) -> bool:
        return any(step.calling_since and not step.remote_id for step in self.steps.values())


# --- Lever and the network


@dataclass
class Request:
    """A POST that has left. `result`: "" while it travels, then an id or what became of it."""

    export: Export
    name: str
    arrives_before: datetime
    result: str = ""


@dataclass(frozen=True)
class Made:
    """A profile, or a note on one. Whose it is only the laws read, and a look at a note's end."""

    id: str
    name: str
    interview: str
    created_at: int
    contact: str
    profile: str = ""


class Lever:
    """What it shows: profiles with their second and the links of their contact; notes.

    Both interviews are of one person, Ada. Somebody else, who shares this Lever, has a profile of
    the first interview's second here.
    """

    adds_links = True  # of a further profile, to those that its contact has

    def __init__(self) -> None:
        self.links = {"Bob": (LINK(9),), "Ada": ()}
        self.made = [Made("p0", "profile", "another's", _second(1), "Bob")]

    def make(self, request: Request) -> None:
        export, name = request.export, request.name
        request.result = f"{name[0]}{len(self.made)}"
        profile = export.steps["profile"].remote_id if name == "note" else ""
        made = Made(request.result, name, export.interview, export.created_at, "Ada", profile)
        self.made.append(made)
        if name == "profile" and (self.adds_links or not self.links["Ada"]):
            self.links["Ada"] += (export.link,)

    def profiles(self) -> list[Found]:
        profiles = [made for made in self.made if made.name == "profile"]
        return [Found(made.id, made.created_at, self.links[made.contact]) for made in profiles]

    def notes(self, export: Export) -> tuple[str, ...]:
        on = export.steps["profile"].remote_id
        notes = [made for made in self.made if made.name == "note" and made.profile == on]
        return tuple(made.id for made in notes if made.interview == export.interview)

    def made_for(self, export: Export, name: str) -> list[str]:
        """The truth, that no worker may ask for."""
        mine = [made for made in self.made if made.interview == export.interview]
        return [made.id for made in mine if made.name == name]


def _second(number: int) -> int:
    return (int(START.timestamp()) - 60 - number) * 1000


# --- what a worker holds in its memory


@dataclass
class Turn:
    """One worker's business with one step of an export: a crash forgets it."""

    export: Export
    name: str
    step: Step  # as its claim committed it
    owner: UUID
    look: bool
    deadline: datetime | None = None
    request: Request | None = None
    seen: Seen | None = None

    @property
    def stored(self) -> Step:
        return self.export.steps[self.name]

    @property
    def point(self) -> str:
        """How far the worker has come."""
        if self.seen:
            return "has seen"
        if self.request:
            return "waits" if self.request.result in ("", "lost") else "is answered"
        if self.deadline:
            return "may look" if self.look else "may send"
        return "has claimed"


BUSY = ("has claimed", "may look", "has seen", "may send", "waits", "is answered")


# --- the events: one after the other is drawn among those that are possible

Subjects = Callable[["ExactlyOne"], Iterable[Any]]
Method = Callable[..., None]
EVENTS: dict[str, tuple[Subjects, Method]] = {}
FAULTS: list[str] = []  # of these each example draws which ones happen in it


def event(subjects: Subjects, fault: bool = False) -> Callable[[Method], Method]:
    """Possible as long as there are `subjects` that it can happen to."""

    def register(method: Method) -> Method:
        EVENTS[method.__name__] = subjects, method
        FAULTS.extend([method.__name__] if fault else [])
        return method

    return register


def of_a_worker(*points: str, fault: bool = False) -> Callable[[Method], Method]:
    return event(lambda machine: machine.at(*points), fault)


def of_a_request(fault: bool = False) -> Callable[[Method], Method]:
    return event(lambda machine: machine.travelling(), fault)


@st.composite
def _events(draw: Any) -> tuple[str, Any]:
    possible = draw(st.runner()).possible()
    name = draw(_one_of(*possible))
    return name, draw(_one_of(*possible[name]))


_one_of = functools.cache(lambda *options: st.sampled_from(options))  # making one is slow


def says(what: str) -> None:
    """In the report of an example that fails."""
    if currently_in_test_context():
        note(what)


class ExactlyOne(RuleBasedStateMachine):
    """Three workers, two interviews of one person, one Lever."""

    decide: ClassVar[Decisions] = Decisions()
    things: ClassVar[tuple[str, ...]] = ("profile",)
    window: ClassVar[bool] = False  # a worker may freeze between its deadline and the socket
    examples: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).examples += 1
        self.now, self.enabled, self.jitter = START, True, random.Random(1)
        self.exports = {"first": self._export("first", 1), "second": self._export("second", 2)}
        self.turns: dict[int, Turn] = {}  # of the workers that are at something
        self.claimed = 0
        self.requests: list[Request] = []
        self.lever = Lever()

    def _export(self, interview: str, number: int) -> Export:
        return Export(
            interview, LINK(number), _second(number), {each: Step() for each in self.things}
        )

    @initialize(
        faults=st.sets(st.sampled_from(FAULTS)),
        alone=st.booleans(),
        adds_links=st.booleans(),
    )
    def begins(self, faults: set[str], alone: bool, adds_links: bool) -> None:
        self.faults = faults
        self.lever.adds_links = adds_links
        if alone:
            del self.exports["second"]

    @rule(event=_events())
    def next(self, event: tuple[str, Any]) -> None:
        name, subject = event
        EVENTS[name][1](self, subject)
        self.the_laws_hold()

    def possible(self) -> dict[str, list[Any]]:
        here = {name for name in EVENTS if name in self.faults or name not in FAULTS}
        found = {name: list(of(self)) for name, (of, _) in EVENTS.items() if name in here}
        return {name: subjects for name, subjects in found.items() if subjects}

    # --- of a worker

    @event(lambda machine: machine.worth_a_claim())
    def claims(self, interview: str) -> None:
        """A doorbell rang, for the first or the tenth time; a free worker takes it."""
        self.takes_up(self.at("is free")[0], self.exports[interview])

    @of_a_worker("has claimed")
    def checks(self, worker: int) -> None:
        """The last look at the lease and the candidate's will; the call's deadline runs already."""
        turn = self.turns[worker]
        if not self.decide.may_send(turn.stored, turn.owner, self.now):
            del self.turns[worker]
        elif turn.look or (self.enabled and turn.export.may_leave):
            turn.deadline = self.now + protocol.CALL_DEADLINE
        else:
            self._settle(worker, self.decide.not_made(turn.step, None))

    @of_a_worker("may send")
    def sends(self, worker: int) -> None:
        """The request leaves, unless the deadline is over: that is asked at the socket."""
        turn = self.turns[worker]
        if self.now > turn.deadline and not self.window:
            self._settle(worker, self.decide.not_made(turn.step, self._later(turn)))
            return
        arrives_before = max(turn.step.lease_until, self.now) + protocol.GRACE
        turn.request = Request(turn.export, turn.name, arrives_before)
        self.requests.append(turn.request)

    @of_a_worker("waits", "is answered", fault=True)
    def hears_nothing(self, worker: int) -> None:
        """Time-out, cut connection, 500, a page of HTML: whatever became of the request."""
        turn = self.turns[worker]
        ended = self.now + protocol.GRACE
        turn.request.arrives_before = min(turn.request.arrives_before, ended)
        self._settle(worker, self.decide.in_doubt(turn.step, self._later(turn)))

    @of_a_worker("is answered")
    def hears_the_answer(self, worker: int) -> None:
        """... and commits it: to die between the two is to die before the answer."""
        turn = self.turns[worker]
        result = turn.request.result
        if result in ("400", "429"):
            again_at = self._later(turn) if result == "429" else None
            turn.export.stopped |= result == "400"
            self._settle(worker, self.decide.not_made(turn.step, again_at))
        else:
            self._keep(self.turns.pop(worker), result)

    @of_a_worker("may look")
    def looks(self, worker: int) -> None:
        """Lever lists what it has at this moment."""
        turn = self.turns[worker]
        turn.seen = Seen(self._bearing(turn.export, turn.name))

    @of_a_worker("may look", fault=True)
    def looks_in_vain(self, worker: int) -> None:
        turn = self.turns[worker]
        self._settle(worker, self.decide.in_doubt(turn.step, self._later(turn)))

    @of_a_worker("has seen")
    def judges(self, worker: int) -> None:
        """Commits what a look has shown, which may be long ago."""
        turn = self.turns[worker]
        action = self.decide.next_action(turn.step, turn.seen, self.now)
        if isinstance(action, Adopt):
            self._keep(self.turns.pop(worker), action.remote_id)
            turn.export.duplicates.update(action.others)
        else:
            self._settle(worker, self.decide.nothing_found(turn.step, self.now))

    @of_a_worker(*BUSY, fault=True)
    def dies(self, worker: int) -> None:
        del self.turns[worker]

    # --- of Lever, the network, the time and people

    @of_a_request()
    def makes(self, request: int) -> None:
        self.lever.make(self.requests[request])

    @of_a_request(fault=True)
    def refuses(self, request: int) -> None:
        self.requests[request].result = "400"

    @of_a_request(fault=True)
    def is_busy(self, request: int) -> None:
        self.requests[request].result = "429"

    @of_a_request(fault=True)
    def loses(self, request: int) -> None:
        self.requests[request].result = "lost"

    @event(lambda machine: machine.spans())
    def time_passes(self, seconds: float) -> None:
        self._wait_until(self.now + timedelta(seconds=seconds))

    @event(lambda machine: machine.candidates(), fault=True)
    def withdraws_or_is_erased(self, interview: str) -> None:
        export = self.exports[interview]
        export.may_leave, export.claims_in_time = False, export.claims

    @event(lambda machine: [not machine.enabled], fault=True)
    def is_enabled(self, enabled: bool) -> None:
        self.enabled = enabled

    @event(lambda machine: machine.backing_off(), fault=True)
    def is_told_to_retry_now(self, interview: str) -> None:
        steps = self.exports[interview].steps
        steps.update({name: replace(step, next_try_at=None) for name, step in steps.items()})

    @event(lambda machine: machine.backing_off(), fault=True)
    def is_given_up(self, interview: str) -> None:
        """It went wrong for three days."""
        self.exports[interview].stopped = True

    @event(lambda machine: machine.stopped(), fault=True)
    def is_tried_again_by_a_person(self, interview: str) -> None:
        self.exports[interview].stopped = False
        self.is_told_to_retry_now(interview)

    # --- what it can happen to

    def at(self, *points: str) -> list[int]:
        busy = {worker: turn.point for worker, turn in self.turns.items()}
        return [worker for worker in WORKERS if busy.get(worker, "is free") in points]

    def travelling(self) -> list[int]:
        return [nth for nth, request in enumerate(self.requests) if not request.result]

    def worth_a_claim(self) -> list[str]:
        """Of the others nothing would be written: their doorbells ring in vain."""
        exports = self.exports.values() if self.at("is free") else ()
        return [e.interview for e in exports if isinstance(self._to_do(e), Look | Call)]

    def spans(self) -> list[float]:
        """The protocol's own, and to the second when something is due."""
        actions = [self._next(export) for export in self.exports.values()]
        due = [action.until - self.now for action in actions if isinstance(action, Wait)]
        return [span.total_seconds() for span in (*SPANS, *due)]

    def backing_off(self) -> list[str]:
        steps = {name: export.steps.values() for name, export in self.exports.items()}
        return [name for name in steps if any(step.next_try_at for step in steps[name])]

    def stopped(self) -> list[str]:
        return [name for name, export in self.exports.items() if export.stopped]

    def candidates(self) -> list[str]:
        return [name for name, export in self.exports.items() if export.may_leave]

    # --- the laws

    def the_laws_hold(self) -> None:
        self.no_interview_has_two_profiles()
        self.none_adopts_what_is_anothers()
        self.nothing_is_claimed_after_the_candidate_left()

    def no_interview_has_two_profiles(self) -> None:
        for export in self.exports.values():
            for name in export.steps:
                made = self.lever.made_for(export, name)
                assert self.window or len(made) <= 1, f"two of one {name}: {made}"

    def none_adopts_what_is_anothers(self) -> None:
        for export in self.exports.values():
            for name, step in export.steps.items():
                mine = ("", *self.lever.made_for(export, name))
                assert step.remote_id in mine, f"{export.interview} adopted {step.remote_id}"

    def nothing_is_claimed_after_the_candidate_left(self) -> None:
        for export in self.exports.values():
            assert export.claims_in_time in (None, export.claims), f"{export.interview} claimed"

    def teardown(self) -> None:
        """Once the faults end, everything ends well."""
        if sys.exception() is not None:
            return  # a law is broken already
        says("The faults are over.")
        self.enabled = True
        posted = [request.export for request in self.requests]
        for export in self.exports.values():
            self._finish(export)
        self._wait_until(self.now + protocol.LEASE + protocol.GRACE)  # nothing travels any more
        for worker in self.at(*BUSY):  # who slept through all that goes on
            while worker in self.turns:
                self.goes_on(worker)
        for export in self.exports.values():
            self._has_ended_well(export, posted)

    def _finish(self, export: Export) -> None:
        """As the sweep: a worker whenever something is due."""
        for _ in range(TURNS * len(export.steps)):
            due = self._next(export)
            if isinstance(due, Wait):
                self._wait_until(due.until)
            self.takes_up(AFTERWARDS, export)
            while AFTERWARDS in self.turns:
                self.goes_on(AFTERWARDS)

    def goes_on(self, worker: int) -> None:
        """The next step of a worker when nothing goes wrong."""
        turn = self.turns[worker]
        if turn.point == "waits" and not turn.request.result:
            self.lever.make(turn.request)
        steps = {
            "has claimed": self.checks,
            "may look": self.looks,
            "has seen": self.judges,
            "may send": self.sends,
            "waits": self.hears_nothing,
            "is answered": self.hears_the_answer,
        }
        says(f"{turn.export.interview}: {steps[turn.point].__name__}, {worker}")
        steps[turn.point](worker)

    def _has_ended_well(self, export: Export, posted: list[Export]) -> None:
        self.the_laws_hold()
        for name, step in export.steps.items():
            more = {*self.lever.made_for(export, name)} - {step.remote_id}
            at_night = {*self._bearing(export, name)}
            assert more <= export.duplicates | at_night, f"nobody is told of {more}"
        if export.stopped:
            return  # a person sees it; in other examples they have it tried again
        assert not export.in_doubt, f"{export.interview} is still in doubt"
        if export.may_leave:
            assert export.unfinished is None, f"{export.interview} is not exported"
        elif not self.window:
            sent = [request.export for request in self.requests].count(export)
            assert sent == posted.count(export), f"{export.interview} was sent after all"

    # --- how the worker uses the decisions

    def _next(self, export: Export) -> Action | None:
        name = export.unfinished
        return self.decide.next_action(export.steps[name], None, self.now) if name else None

    def _to_do(self, export: Export) -> Action | None:
        """As export.claim: what was begun is looked for, even when nothing new may be sent."""
        if export.stopped or not self.enabled or not (export.may_leave or export.in_doubt):
            return None
        action = self._next(export)
        return action if export.may_leave or not isinstance(action, Call) else None

    def takes_up(self, worker: int, export: Export) -> None:
        """In one transaction, under lock: the intent, the lease and whose it is."""
        action, name = self._to_do(export), export.unfinished
        if name is None or not isinstance(action, Look | Call):
            return
        look, owner = isinstance(action, Look), UUID(int=self.claimed)
        commits = self.decide.looking if look else self.decide.claimed
        export.steps[name] = commits(export.steps[name], owner, self.now)
        self.turns[worker] = Turn(export, name, export.steps[name], owner, look)
        self.claimed, export.claims = self.claimed + 1, export.claims + (not look)

    def _bearing(self, export: Export, name: str) -> tuple[str, ...]:
        if name == "note":
            return self.lever.notes(export)
        ours = {each.link for each in self.exports.values()}
        return self.decide.bearing(self.lever.profiles(), export.created_at, export.link, ours)

    def _keep(self, turn: Turn, remote_id: str) -> None:
        """As calls.keep: whoever holds the lease by now; of two ids the first one stays."""
        after = self.decide.made(turn.stored, remote_id)
        turn.export.steps[turn.name] = after
        if after.remote_id != remote_id:
            turn.export.duplicates.add(remote_id)

    def _settle(self, worker: int, after: Step) -> None:
        """As export.store: only while the lease is still this worker's."""
        turn = self.turns.pop(worker)
        if turn.stored.lease_owner == turn.owner and not turn.stored.remote_id:
            turn.export.steps[turn.name] = after

    def _later(self, turn: Turn) -> datetime:
        return self.now + protocol.back_off(turn.step.tries, self.jitter)

    def _wait_until(self, moment: datetime) -> None:
        """What still travels then has arrived at the last moment that it had."""
        for nth in self.travelling():
            if self.requests[nth].arrives_before <= moment:
                self.lever.make(self.requests[nth])
        self.now = max(self.now, moment)
