"""How long the stages take: Kaplan-Meier, asked by a page and computed by a worker."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.demo import clock
from nomdecode.orgs.models import Role
from nomdecode.pipeline import stages, times
from nomdecode.pipeline.cohort import Cohort, Filters
from nomdecode.pipeline.templatetags.pipeline import lasting
from nomdecode.pipeline.times import Times, durations

DAY = 86400


# --- the quantiles


def test_where_all_have_left_they_are_those_of_what_was_seen():
    assert durations((day, True) for day in range(1, 11)) == Times(5, 9, 10)


def test_who_is_still_there_counts_as_long_as_they_were_seen():
    # Freireich 1963, 6-mercaptopurine: the median remission is 23 weeks.
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    seen = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    found = durations([*((week, True) for week in ended), *((week, False) for week in seen)])
    assert (found.median, found.ninetieth, found.ended) == (23, None, 9)


def test_under_five_ends_there_is_too_little_to_say():
    found = durations([(1, True)] * 4 + [(2, False)] * 9)
    assert found.too_few
    assert (found.median, found.ninetieth) == (None, None)


@pytest.mark.parametrize("stays", [[], [(1, False)] * 9])
def test_of_nobody_and_of_nobody_who_left_nothing_is_said(stays):
    assert durations(stays) == Times(None, None, 0)


def test_who_was_in_and_out_in_a_moment_counts():
    assert durations([(0, True)] * 6 + [(3, True)] * 4).median == 0


stays = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1)


@given(stays)
def test_the_curve_equals_the_product_limit_by_its_definition(stays):
    found = durations(stays)
    for share, quantile in ((0.5, found.median), (0.1, found.ninetieth)):
        reached = [t for t in sorted({t for t, _ in stays}) if survival(stays, t) <= share + 1e-12]
        wanted = reached[0] if reached and not found.too_few else None
        assert quantile == wanted


def survival(stays, moment):
    """The product over all times up to `moment` of (1 - ended then / there until then)."""
    product = 1.0
    for each in {t for t, ended in stays if ended and t <= moment}:
        there = sum(t >= each for t, _ in stays)
        product *= 1 - sum(ended for t, ended in stays if t == each) / there
    return product


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (90, "1.5 minutes"),
        (3600, "1 hour"),
        (2.25 * DAY, "2.2 days"),
        (3 * DAY, "3 days"),
        (9.97 * DAY, "10 days"),
        (41.6 * DAY, "42 days"),
    ],
)
def test_a_length_is_said_in_the_largest_unit_that_fits(seconds, said):
    assert lasting(seconds) == said


# --- kept


@pytest.fixture
def acme(db):
    organisation = factories.organisation()
    stages.replace(organisation, [("lead", "New lead"), ("onsite", "Onsite")])
    return organisation


def cohort(organisation, minutes=0, **query):
    later = timezone.now() + timedelta(minutes=minutes)
    return Cohort(organisation, Filters.read(query), later)


def five(organisation, title="Backend"):
    at = timezone.now() - timedelta(days=20)
    for _ in range(5):
        factories.opportunity(factories.passed(organisation, title, at), ["lead", "onsite"])


def test_asked_for_once_and_computed_for_that_choice(acme):
    five(acme)
    assert times.kept(cohort(acme)).outdated
    times.ask(cohort(acme))
    waiting = times.kept(cohort(acme))
    assert (waiting.asking, waiting.outdated) == (True, False)
    times.compute_asked(acme)
    kept = times.kept(cohort(acme))
    assert (kept.asking, kept.outdated) == (False, False)
    assert kept.times["lead"] == Times(DAY, DAY, 5)
    assert kept.times["onsite"].too_few
    assert times.kept(cohort(acme, days="all")).outdated


def test_they_are_of_the_position_the_interviewer_and_the_period(acme):
    five(acme, "Backend")
    position = str(acme.positions.get().pk)
    five(acme, "Data")
    other = str(factories.member(acme, Role.INTERVIEWER).pk)
    for query, ended in (({}, 10), ({"position": position}, 5), ({"interviewer": other}, 0)):
        found = times.compute(cohort(acme, **query))
        assert found.get("lead", Times()).ended == ended


def test_a_fact_after_they_were_computed_makes_them_outdated_but_not_at_once(acme):
    with clock.at(timezone.now() - timedelta(minutes=1)):
        five(acme)
    times.ask(cohort(acme))
    times.compute_asked(acme)
    assert not times.kept(cohort(acme, minutes=5)).outdated
    five(acme)
    assert not times.kept(cohort(acme)).outdated  # just now they were asked for
    assert times.kept(cohort(acme, minutes=5)).outdated


def test_without_any_fact_they_grow_old(acme):
    five(acme)
    times.ask(cohort(acme))
    times.compute_asked(acme)
    assert times.kept(cohort(acme, minutes=13 * 60)).outdated


def test_a_lost_job_is_asked_for_again(acme):
    times.ask(cohort(acme))
    assert times.kept(cohort(acme, minutes=2)).outdated


def test_many_who_ask_ring_once(acme):
    for days in ("30", "90", "all"):
        times.ask(cohort(acme, days=days))
    name = "nomdecode.pipeline.tasks.compute_times"
    assert ProcrastinateJob.objects.filter(task_name=name).count() == 1


def test_another_organisations_position_is_not_asked_about(acme):
    other = factories.passed(factories.organisation("Other"))
    times.ask(cohort(acme, position=str(other.position_id)))
    times.ask(cohort(acme, interviewer=str(other.recruiter_id)))
    assert not acme.kept_times.exists()
