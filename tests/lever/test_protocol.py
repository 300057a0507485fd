"""The laws of exactly one profile, over every order of calls, crashes, lost and late requests."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from nomdecode.lever import protocol
from nomdecode.lever.protocol import (
    GRACE,
    LEASE,
    Adopt,
    Call,
    Done,
    Look,
    Seen,
    Step,
    Wait,
    next_action,
)

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
IN_DOUBT = Step(calling_since=NOW - timedelta(minutes=5), lease_until=NOW - timedelta(seconds=1))


def test_a_fresh_step_calls() -> None:
    assert next_action(Step(), None, NOW) == Call()


def test_a_step_with_an_id_is_done() -> None:
    assert next_action(replace(IN_DOUBT, remote_id="o1"), None, NOW) == Done()


def test_another_owners_lease_is_waited_out() -> None:
    until = NOW + timedelta(seconds=9)
    step = Step(calling_since=NOW, lease_until=until)
    assert next_action(step, None, NOW) == Wait(until)


def test_a_call_without_a_result_looks_first() -> None:
    assert next_action(IN_DOUBT, None, NOW) == Look()


def test_a_look_that_finds_adopts_the_smallest_id_and_names_the_others() -> None:
    assert next_action(IN_DOUBT, Seen(("b", "a")), NOW) == Adopt("a", ("b",))


def test_a_first_look_that_finds_nothing_waits_for_what_may_still_arrive() -> None:
    assert next_action(IN_DOUBT, Seen(()), NOW) == Wait(NOW + GRACE)


def test_only_a_second_look_after_the_grace_calls_again() -> None:
    looked = replace(IN_DOUBT, looked_at=NOW - GRACE)
    assert next_action(looked, None, NOW) == Look()
    assert next_action(looked, Seen(()), NOW) == Call()


def test_a_second_look_within_the_grace_is_not_made() -> None:
    looked = replace(IN_DOUBT, looked_at=NOW)
    assert next_action(looked, None, NOW) == Wait(NOW + GRACE)


def test_the_lease_outlasts_the_call() -> None:
    assert LEASE > protocol.CALL_DEADLINE


@given(tries=st.integers(0, 10_000), seed=st.integers())
def test_back_off_lies_between_nothing_and_an_hour(tries: int, seed: int) -> None:
    waited = protocol.back_off(tries, random.Random(seed))
    assert timedelta(0) <= waited <= timedelta(hours=1)


@given(tries=st.integers(0, 30), asked=st.floats(1, 7200))
def test_back_off_is_never_shorter_than_lever_asked_for(tries: int, asked: float) -> None:
    assert protocol.back_off(tries, random.Random(1), asked) >= timedelta(seconds=asked)


class World:
    """Lever and one step, with workers that may die at any point between two commits."""

    def __init__(self) -> None:
        self.now = NOW
        self.step = Step()
        self.in_lever: list[str] = []
        self.under_way: list[datetime] = []  # requests that arrive late, and when

    def arrive(self) -> None:
        for at in [at for at in self.under_way if at <= self.now]:
            self.under_way.remove(at)
            self._make()

    def _make(self) -> str:
        self.in_lever.append(f"o{len(self.in_lever)}")
        return self.in_lever[-1]

    def work(self, fate: str, late: timedelta) -> None:
        """One worker's turn. fate: what becomes of its call, or of the worker."""
        self.arrive()
        action = next_action(self.step, None, self.now)
        if isinstance(action, Look):
            self._look(fate)
        elif isinstance(action, Call):
            self._call(fate, late)

    def _look(self, fate: str) -> None:
        if fate in ("dies", "refused"):
            return
        seen = Seen(tuple(self.in_lever))
        action = next_action(replace(self.step, lease_until=None), seen, self.now)
        if isinstance(action, Adopt):
            self.step = replace(self.step, remote_id=action.remote_id)
        elif isinstance(action, Call):
            self.step = Step()
        elif self.step.looked_at is None:
            self.step = replace(self.step, looked_at=self.now, lease_until=None)

    def _call(self, fate: str, late: timedelta) -> None:
        self.step = Step(calling_since=self.now, lease_until=self.now + LEASE)
        if fate == "refused":  # nothing was sent
            self.step = Step()
        elif fate == "answered":
            self.step = replace(self.step, remote_id=self._make())
        elif fate == "answer lost":
            self._make()
        elif fate == "arrives late":
            self.under_way.append(self.now + late)
        # "dies", "request lost": nothing arrives, nothing is written


FATES = st.sampled_from(
    ["answered", "answer lost", "request lost", "arrives late", "dies", "refused"]
)
# The documented window: nothing arrives later than the grace after the lease.
TURNS = st.lists(
    st.tuples(FATES, st.integers(0, 300), st.integers(0, int(GRACE.total_seconds()))), max_size=40
)


@settings(max_examples=400)
@given(TURNS)
def test_there_is_never_more_than_one_profile(turns: list[tuple[str, int, int]]) -> None:
    world = World()
    for fate, pause, late in turns:
        world.work(fate, timedelta(seconds=late))
        world.now += timedelta(seconds=pause)
        world.arrive()
        assert len(world.in_lever) <= 1


@settings(max_examples=200)
@given(TURNS)
def test_once_the_faults_are_over_there_is_exactly_one(turns: list[tuple[str, int, int]]) -> None:
    world = World()
    for fate, pause, late in turns:
        world.work(fate, timedelta(seconds=late))
        world.now += timedelta(seconds=pause)
    for _ in range(6):
        world.now += LEASE + GRACE
        world.work("answered", timedelta(0))
    assert world.in_lever == [world.step.remote_id]
