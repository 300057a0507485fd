"""How strict interviewers are: golden values, SciPy's beta-binomial, and how sure a mark is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nomdecode.pipeline.statistics.severity import (
    PRESET_M,
    severities,
    severity,
    weight_by_moments,
)
from nomdecode.pipeline.statistics.shares import Share


@pytest.mark.parametrize(("passed", "of", "rate"), [(3, 4, 0.4167), (30, 40, 0.6167)])
def test_the_shrunk_rate_has_its_golden_values(passed, of, rate):
    assert severity(passed, of, 0.35, 20).rate == pytest.approx(rate, abs=5e-5)


def test_the_interval_is_the_posteriors():
    found = severity(30, 40, 0.35, 20)
    assert (found.low, found.high) == pytest.approx(stats.beta(37, 23).interval(0.95))


def test_without_an_interview_there_is_only_what_is_known_of_all():
    found = severity(0, 0, 0.35, 20)
    assert found.rate == pytest.approx(0.35)
    assert not found.marked


@pytest.mark.parametrize(("of", "marked"), [(11, False), (12, True)])
def test_a_mark_needs_twelve_interviews(of, marked):
    assert severity(0, of, 0.5, 5).marked is marked


def test_a_mark_needs_an_interval_that_leaves_the_mean_out():
    assert not severity(25, 50, 0.4, 20).marked
    assert severity(45, 50, 0.4, 20).marked


@pytest.mark.parametrize("rate", [0, 1])
def test_where_all_passed_or_none_nobody_is_marked(rate):
    found = severities([rate * 20] * 6, [20] * 6)
    assert [each.marked for each in found.each] == [False] * 6
    assert found.each[0].rate == rate
    assert (found.each[0].low, found.each[0].high) == Share(rate * 20, 20).interval


def test_too_few_interviewers_do_not_tell_how_much_they_vary():
    assert weight_by_moments([1, 19, 10, 5], [20, 20, 20, 20]) == PRESET_M
    assert weight_by_moments([1] * 8, [1] * 8) == PRESET_M
    assert weight_by_moments([], []) == PRESET_M


def test_the_weight_by_moments_finds_how_much_they_vary():
    chance = np.random.default_rng(3)
    of = chance.integers(5, 80, 4000)
    passed = stats.betabinom.rvs(of, 0.35 * 20, 0.65 * 20, random_state=chance)
    assert weight_by_moments(list(passed), list(of)) == pytest.approx(20, rel=0.1)


def test_where_they_vary_no_more_than_by_chance_the_weight_is_as_large_as_the_data_can_tell():
    free = 120 - 20 - 5
    assert weight_by_moments([10] * 6, [20] * 6) == pytest.approx(free / np.sqrt(10) - 1)


of_each = st.integers(1, 40).flatmap(
    lambda of: st.tuples(st.lists(st.integers(0, of), min_size=1, max_size=12), st.just(of))
)


@given(of_each)
def test_no_range_is_a_point_and_each_holds_its_rate(drawn):
    passed, of = drawn
    for it in severities(passed, [of] * len(passed)).each:
        assert it.low + 0.001 < it.high
        assert it.low - 1e-9 <= it.rate <= it.high + 1e-9  # but for rounding


@pytest.mark.parametrize("weight", [20, 50, 200])
@pytest.mark.parametrize(("interviewers", "of"), [(6, 15), (10, 30), (20, 30), (5, 8), (50, 100)])
def test_the_ranges_hold_the_truth_where_m_and_the_weight_must_be_found_as_well(
    interviewers, of, weight
):
    chance, held = np.random.default_rng(7), []
    for _ in range(2000 // interviewers):
        truth = chance.beta(0.35 * weight, 0.65 * weight, interviewers)
        found = severities(chance.binomial(of, truth).tolist(), [of] * interviewers)
        held += [it.low <= p <= it.high for it, p in zip(found.each, truth, strict=True)]
    assert np.mean(held) >= 0.89  # a little less than 95% where few tell how much they differ


def test_of_interviewers_who_are_alike_few_are_marked():
    """95% intervals, drawn towards the mean: at most one in twenty cries wolf."""
    chance = np.random.default_rng(4)
    found = [severities(list(chance.binomial(30, 0.4, 10)), [30] * 10) for _ in range(100)]
    assert np.mean([each.marked for of in found for each in of.each]) <= 0.05


def test_the_interval_covers_the_truth_as_often_as_it_claims():
    chance = np.random.default_rng(6)
    truth = chance.beta(0.35 * 20, 0.65 * 20, 2000)
    found = [severity(int(k), 40, 0.35, 20) for k in chance.binomial(40, truth)]
    covered = [each.low <= p <= each.high for each, p in zip(found, truth, strict=True)]
    assert 0.93 <= np.mean(covered) <= 0.97
