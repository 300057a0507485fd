"""Lever's allowance, shared: turns in order, by the database's clock, and never too many."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection as database
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings

import factories
from nomdecode.demo import clock
from nomdecode.lever import allowance, client, moment
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Allowance, Connection
from sandbox import Running

pytestmark = pytest.mark.django_db

BURST = 10  # a second's calls


@pytest.fixture
def connection() -> Connection:
    return connections.of(factories.organisation())


def taken(connection: Connection, times: int) -> list[float]:
    return [allowance.take(connection.pk) for _ in range(times)]


def due(connection: Connection) -> datetime:
    return Allowance.objects.get(connection=connection).due


def later(seconds: float) -> None:
    """As if so much time had passed."""
    Allowance.objects.update(due=F("due") - timedelta(seconds=seconds))


@pytest.fixture
def slept() -> Iterator[list[float]]:
    """Nobody sleeps: how long it would have been, while the process's clock goes on."""
    naps: list[float] = []
    began = time.monotonic()
    with (
        mock.patch.object(allowance.time, "sleep", naps.append),
        mock.patch.object(allowance.time, "monotonic", lambda: began + sum(naps)),
    ):
        yield naps


# --- turns


def test_an_idle_allowance_lets_a_burst_go_at_once(connection: Connection) -> None:
    assert taken(connection, BURST) == [0.0] * BURST


def test_what_comes_after_the_burst_waits_for_its_turn(connection: Connection) -> None:
    began = moment.now()
    taken(connection, BURST + 20)
    assert due(connection) >= began + timedelta(seconds=(BURST + 20) / 10)


def test_turns_are_given_in_the_order_in_which_they_were_asked_for(connection: Connection) -> None:
    dues = []
    for _ in range(30):
        allowance.take(connection.pk)
        dues.append(due(connection))
    assert dues == sorted(dues)


def test_another_connection_has_an_allowance_of_its_own(connection: Connection) -> None:
    taken(connection, BURST + 5)
    other = connections.of(factories.organisation("Borealis"))
    assert allowance.take(other.pk) == 0.0


def test_the_rate_is_a_setting(connection: Connection, settings: Settings) -> None:
    settings.LEVER_RATE = 0.1
    first, second = taken(connection, 2)
    assert first == 0.0 and second > 1.0


def test_whoever_would_wait_too_long_is_busy_and_reserves_nothing(connection: Connection) -> None:
    allowance.slow(connection.pk, 30)
    before = due(connection)
    with pytest.raises(client.Busy) as refused:
        allowance.take(connection.pk)
    assert due(connection) == before
    assert refused.value.retry_after and 0 < refused.value.retry_after <= 30


@pytest.mark.django_db(transaction=True)
def test_processes_together_get_no_more_than_the_burst_and_the_rate(
    connection: Connection,
) -> None:
    """Of calls that wait `wait` at most, only so many can have gone by then."""
    waits: list[float] = []
    began = moment.now()

    def take_fifty() -> None:
        waits.extend(taken(connection, 50))
        database.close()

    both = [threading.Thread(target=take_fifty) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    passed = (moment.now() - began).total_seconds()
    assert len(waits) == 100
    for count, wait in enumerate(sorted(waits), start=1):
        assert count <= BURST + 10 * (passed + wait)


@pytest.mark.django_db(transaction=True)
def test_a_turn_is_never_taken_within_a_transaction(connection: Connection) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        allowance.take(connection.pk)


# --- clocks


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_the_host_plays_no_role(connection: Connection, hours: int) -> None:
    with clock.at(timezone.now() + timedelta(hours=hours)):
        waits = taken(connection, BURST + 50)
    assert waits[0] == 0.0 and waits[-1] > 0.0
    assert due(connection) < moment.now() + timedelta(minutes=1)


def test_when_the_databases_clock_is_set_back_the_allowance_begins_anew(
    connection: Connection,
) -> None:
    allowance.take(connection.pk)
    later(-3600)
    assert allowance.take(connection.pk) == 0.0
    assert due(connection) < moment.now() + timedelta(minutes=1)


# --- background work


def test_background_work_takes_what_is_idle(connection: Connection) -> None:
    assert allowance.take(connection.pk, background=True) == 0.0


def test_background_work_leaves_half_of_the_burst_to_exports(connection: Connection) -> None:
    with pytest.raises(client.Busy):
        for _ in range(BURST):
            allowance.take(connection.pk, background=True)
    assert taken(connection, BURST // 2) == [0.0] * (BURST // 2)


def test_background_work_waits_without_a_turn(connection: Connection) -> None:
    taken(connection, BURST)
    before = due(connection)
    with pytest.raises(client.Busy):
        allowance.take(connection.pk, background=True)
    assert due(connection) == before


def test_background_work_goes_as_soon_as_the_allowance_is_idle(
    connection: Connection, slept: list[float]
) -> None:
    taken(connection, BURST)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        later(seconds)

    with mock.patch.object(allowance.time, "sleep", sleep):
        allowance.wait(connection.pk, background=True)


def test_background_work_gives_up_for_now_when_exports_go_on_and_on(
    connection: Connection, slept: list[float]
) -> None:
    allowance.slow(connection.pk, 60)
    with pytest.raises(client.Busy):
        allowance.wait(connection.pk, background=True)
    assert allowance.LONGEST_WAIT <= sum(slept) <= allowance.LONGEST_WAIT + 1


# --- a 429


def test_a_429_slows_everybody_and_leaves_no_burst(connection: Connection) -> None:
    allowance.slow(connection.pk, 5)
    began = moment.now()
    first, second = taken(connection, 2)
    assert first > 0 and second > 0
    assert due(connection) >= began + timedelta(seconds=5)


def test_a_429_that_names_no_pause_slows_for_a_moment(connection: Connection) -> None:
    allowance.slow(connection.pk, None)
    assert 0.0 < allowance.take(connection.pk) < 2.0


def test_an_absurd_pause_is_not_believed(connection: Connection) -> None:
    allowance.slow(connection.pk, 10**9)
    assert due(connection) < moment.now() + timedelta(minutes=2)


def test_a_shorter_pause_does_not_end_a_longer_one(connection: Connection) -> None:
    allowance.slow(connection.pk, 30)
    before = due(connection)
    allowance.slow(connection.pk, 1)
    assert due(connection) == before


# --- the client


def test_each_page_of_a_list_takes_a_turn(lever: Running) -> None:
    connection = factories.connect(factories.organisation(), lever)
    Allowance.objects.all().delete()
    before = len(lever.log())
    with (
        mock.patch.object(client, "PAGE", 2),
        mock.patch.object(allowance, "wait") as wait,
        connections.lever(connection, background=True) as asked,
    ):
        asked.stages()
    calls = len(lever.log()) - before
    assert calls > 1
    assert wait.call_args_list == [mock.call(connection.pk, background=True)] * calls


def test_a_429_from_lever_slows_the_connection(lever: Running) -> None:
    connection = factories.connect(factories.organisation(), lever)
    Allowance.objects.all().delete()
    lever.fault({"match": "GET /v1/stages", "kind": "status", "status": 429})
    began = moment.now()
    with connections.lever(connection) as asked, pytest.raises(client.RateLimited):
        asked.stages()
    assert due(connection) >= began + timedelta(seconds=1)


def test_nothing_is_sent_while_lever_is_busy_with_us(lever: Running) -> None:
    connection = factories.connect(factories.organisation(), lever)
    allowance.slow(connection.pk, 60)
    before = len(lever.log())
    with connections.lever(connection) as asked, pytest.raises(client.Busy):
        asked.stages()
    assert len(lever.log()) == before


def test_a_key_that_is_not_saved_yet_takes_its_turns_too(lever: Running) -> None:
    connection = connections.of(factories.organisation())
    factories.set_key(connection, "not-a-key-that-lever-knows", factories.member())
    assert due(connection)


# --- the law


@dataclass
class Going:
    """When a call goes, on the clock that `later` moves: not before, and not after."""

    earliest: float
    latest: float


@dataclass
class Course:
    """What happens to one allowance, and when its calls go."""

    connection: Connection
    shifted: float = 0.0
    gone: list[Going] = field(default_factory=list)
    closed_until: float = 0.0

    def now(self) -> float:
        return moment.now().timestamp() + self.shifted

    def take(self, background: bool) -> None:
        before = self.now()
        try:
            wait = allowance.take(self.connection.pk, background=background)
        except client.Busy:
            return
        going = Going(before + wait, self.now() + wait)
        assert going.latest >= self.closed_until
        assert not (background and wait)
        self.gone.append(going)

    def later(self, seconds: float) -> None:
        later(seconds)
        self.shifted += seconds

    def slow(self, seconds: float) -> None:
        self.closed_until = max(self.closed_until, self.now() + seconds)
        allowance.slow(self.connection.pk, seconds)


EVENTS = st.one_of(
    st.tuples(st.just("take"), st.booleans()),
    st.tuples(st.just("take"), st.just(False)),
    st.tuples(st.just("later"), st.floats(0, 3)),
    st.tuples(st.just("slow"), st.floats(0, 30)),
)


@examples(max_examples=60, suppress_health_check=list(HealthCheck))
@given(rate=st.sampled_from([0.5, 1, 3, 10, 200]), events=st.lists(EVENTS, max_size=40))
def test_in_no_stretch_of_time_go_more_than_the_burst_and_the_rate(
    rate: float, events: list[tuple[str, Any]]
) -> None:
    course = Course(connections.of(factories.organisation()))
    with mock.patch.object(allowance.settings, "LEVER_RATE", rate):
        for name, value in events:
            getattr(course, name)(value)
    for first, begins in enumerate(course.gone):
        for last, ends in enumerate(course.gone[first:]):
            assert ends.latest >= begins.earliest  # in order
            assert last + 1 <= max(rate, 1) + rate * (ends.latest - begins.earliest) + 0.001
