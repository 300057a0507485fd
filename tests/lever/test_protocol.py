"""Single decisions of the protocol; that they add up is tried in test_protocol_model.py."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nomdecode.lever import protocol
from nomdecode.lever.protocol import (
    GRACE,
    LEASE,
    Adopt,
    Call,
    Done,
    Found,
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


# --- whose profile it is

SECOND = 1_793_620_800_000
MINE, SAME_PERSON, SOMEBODY_ELSES = (
    f"https://nomdecode.example/interviews/00000000-0000-4000-8000-00000000000{number}/"
    for number in (1, 2, 3)
)


def of_this_second(*found: Found) -> tuple[str, ...]:
    return protocol.bearing(found, SECOND, MINE, ours={MINE, SAME_PERSON})


def test_a_profile_of_the_second_is_ours_without_any_link() -> None:
    assert of_this_second(Found("a", SECOND + 999, ())) == ("a",)
    assert of_this_second(Found("a", SECOND + 1000, (MINE,)), Found("b", None, (MINE,))) == ()


def test_the_link_breaks_a_tie() -> None:
    assert of_this_second(Found("a", SECOND, ()), Found("b", SECOND, (MINE,))) == ("b",)


def test_a_profile_that_links_to_somebody_elses_interview_alone_is_not_ours() -> None:
    assert of_this_second(Found("a", SECOND, (SOMEBODY_ELSES,))) == ()


def test_a_link_to_another_interview_of_the_same_person_says_nothing() -> None:
    assert of_this_second(Found("a", SECOND, (SAME_PERSON,))) == ("a",)
