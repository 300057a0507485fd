"""The second promise: exactly one profile, in every order of events that chance comes upon.

The laws and the events are in model.py. `make model` runs 10,000 examples of them (N=, SEED=);
here it is fewer, the same ones each time. Whether the laws would notice anything is tried, too: on
bugs that are seeded into the decisions, one at a time.
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from lever.model import Decisions, ExactlyOne
from nomdecode.lever import protocol
from nomdecode.lever.protocol import Found, Step

MANY = int(os.environ.get("MODEL_EXAMPLES", 0))
EXAMPLES = MANY or 100
ENOUGH = 10_000  # within which a seeded bug must be found


def chance(examples: int, **more: object) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=40,
        derandomize=not MANY,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        **more,
    )


@contextmanager
def told(machine: type[ExactlyOne], what: str) -> Iterator[None]:
    """Prints after how many examples it was over, and how long that took without the others."""
    began, machine.examples = time.process_time(), 0
    yield
    seconds = time.process_time() - began
    print(f"\n  {what}: {machine.examples:,} examples, {seconds:.1f} s", end=" ")


# --- the protocol holds


class WithItsNote(ExactlyOne):
    things = ("profile", "note")


class WithTheWindow(ExactlyOne):
    window = True


def test_every_interview_gets_exactly_one_profile() -> None:
    with told(ExactlyOne, "a profile"):
        run_state_machine_as_test(ExactlyOne, settings=chance(EXAMPLES))


def test_every_interview_gets_exactly_one_profile_and_one_note() -> None:
    with told(WithItsNote, "a profile, then its note"):
        run_state_machine_as_test(WithItsNote, settings=chance(EXAMPLES // 2))


def sleeps(machine: ExactlyOne, before: int, after: int) -> None:
    """So many seconds before and after its last look at the lease; the others miss nothing."""
    machine.begins(set(), alone=True, adds_links=True)
    machine.claims("first")
    for seconds, wakes in (before, machine.checks), (after, machine.sends):
        for _ in range(seconds):
            others_go_on(machine)
            machine.time_passes(1)
        if 1 in machine.turns:
            wakes(1)
    machine.teardown()


def others_go_on(machine: ExactlyOne) -> None:
    while machine.worth_a_claim():
        machine.takes_up(2, machine.exports["first"])
        while 2 in machine.turns:
            machine.goes_on(2)


def for_every_second(machine: type[ExactlyOne]) -> None:
    for before in range(int(protocol.LEASE.total_seconds()) + 2):
        for after in range(int(protocol.CALL_DEADLINE.total_seconds()) + 2):
            sleeps(machine(), before, after)


def test_a_worker_may_sleep_for_any_time_around_its_last_look_at_the_lease() -> None:
    for_every_second(ExactlyOne)


# --- where the promise ends


def frozen(machine: ExactlyOne) -> None:
    """The first worker freezes between its deadline and the socket, until all others are done."""
    machine.begins(set(), alone=True, adds_links=True)
    machine.claims("first")
    machine.checks(1)
    machine.time_passes(protocol.LEASE.total_seconds())
    for _ in range(2):
        machine.claims("first")
        machine.checks(2)
        machine.looks(2)
        machine.judges(2)
        machine.time_passes(protocol.GRACE.total_seconds())
    machine.claims("first")
    machine.checks(2)
    for worker in (2, 1):
        machine.sends(worker)
        if machine.travelling():
            machine.makes(machine.travelling()[0])
            machine.hears_the_answer(worker)


def test_a_worker_frozen_inside_the_window_makes_a_second_profile_that_a_person_is_shown() -> None:
    machine = WithTheWindow()
    frozen(machine)
    export = machine.exports["first"]
    assert machine.lever.made_for(export, "profile") == ["p1", "p2"]
    assert (export.steps["profile"].remote_id, export.duplicates) == ("p1", {"p2"})


def test_a_worker_frozen_elsewhere_sends_nothing() -> None:
    machine = ExactlyOne()
    frozen(machine)
    assert machine.lever.made_for(machine.exports["first"], "profile") == ["p1"]


def test_whatever_the_window_makes_a_second_time_is_reported() -> None:
    with told(WithTheWindow, "with the window"):
        run_state_machine_as_test(WithTheWindow, settings=chance(EXAMPLES // 4))


# --- seeded bugs


def without_intent(step: Step, owner: UUID, now: datetime) -> Step:
    return replace(protocol.claimed(step, owner, now), calling_since=None)


def content_with_one_look(step: Step, now: datetime) -> Step:
    return Step(tries=step.tries)


def always(step: Step, owner: UUID, now: datetime) -> bool:
    return True


def still_its_own(step: Step, owner: UUID, now: datetime) -> bool:
    return step.lease_owner == owner


def not_over(step: Step, owner: UUID, now: datetime) -> bool:
    return bool(still_its_own(step, owner, now) and step.lease_until and now < step.lease_until)


def forgotten(step: Step, remote_id: str) -> Step:
    return protocol.in_doubt(step, None)


def linked(
    found: Iterable[Found], created_at: int, link: str, ours: Iterable[str]
) -> tuple[str, ...]:
    return tuple(each.id for each in found if link in each.links)


def of_the_second(
    found: Iterable[Found], created_at: int, link: str, ours: Iterable[str]
) -> tuple[str, ...]:
    return tuple(each.id for each in found if each.created_at == created_at)


def not_linked_to_another(
    found: Iterable[Found], created_at: int, link: str, ours: Iterable[str]
) -> tuple[str, ...]:
    return protocol.bearing(found, created_at, link, ours=())


BUGS = {
    "intent not committed before the call": Decisions(claimed=without_intent),
    "no second look": Decisions(nothing_found=content_with_one_look),
    "lease not checked again before sending": Decisions(may_send=always),
    "id not stored": Decisions(made=forgotten),
    "marker matched on the link alone": Decisions(bearing=linked),
    "marker matched on the second alone": Decisions(bearing=of_the_second),
    "links of the same person held against it": Decisions(bearing=not_linked_to_another),
    "called again where nobody knows": Decisions(in_doubt=protocol.not_made),
}
MARGINS = {
    "the lease is still its own, but over": Decisions(may_send=still_its_own),
    "the lease need not outlast the call": Decisions(may_send=not_over),
}
BROKEN = "two of one profile|adopted|in doubt|not exported"


@pytest.mark.parametrize("bug", BUGS)
def test_a_seeded_bug_is_found(bug: str) -> None:
    machine = type("Bugged", (ExactlyOne,), {"decide": BUGS[bug]})
    first = chance(
        ENOUGH, phases=[Phase.generate], report_multiple_bugs=False, verbosity=Verbosity.quiet
    )
    with told(machine, bug), pytest.raises(AssertionError, match=BROKEN):
        run_state_machine_as_test(machine, settings=first)


@pytest.mark.parametrize("margin", MARGINS)
def test_a_margin_that_is_left_out_is_found(margin: str) -> None:
    with pytest.raises(AssertionError, match=BROKEN):
        for_every_second(type("Bugged", (ExactlyOne,), {"decide": MARGINS[margin]}))
