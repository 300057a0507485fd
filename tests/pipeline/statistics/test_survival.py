"""Kaplan-Meier and Aalen-Johansen against statsmodels, by hand, and against the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from nomdecode.pipeline.statistics.shares import Share
from nomdecode.pipeline.statistics.survival import aalen_johansen, kaplan_meier, stay

NAMES = {1: "advanced", 2: "exited", 3: "returned"}


def floats(*values):
    return np.array(values, dtype=float)


def bools(*values):
    return np.array(values, dtype=bool)


def drawn(n, seed=1, mean=10.0, seen=20.0):
    """Exponential stays; everybody is seen for a while that was drawn too."""
    chance = np.random.default_rng(seed)
    true, until = chance.exponential(mean, n), chance.uniform(0, seen, n)
    return np.minimum(true, until), true <= until


times = st.lists(
    st.tuples(st.integers(1, 30).map(float), st.integers(0, 3)), min_size=5, max_size=60
)


# --- Kaplan-Meier


def test_by_hand():
    """Of 6: one leaves at 1, one was seen till 2, two leave at 3, one was seen till 4, one at 5."""
    curve = kaplan_meier(floats(1, 2, 3, 3, 4, 5), bools(1, 0, 1, 1, 0, 1))
    assert curve.staying == pytest.approx([5 / 6, 5 / 6, 5 / 12, 5 / 12, 0])
    assert curve.quantile(0.5).value == 3
    assert curve.quantile(0.9).value == 5


@given(times)
def test_curve_and_quantiles_are_statsmodels(rows):
    seconds, left = floats(*(t for t, _ in rows)), bools(*(c > 0 for _, c in rows))
    if left.sum() < 5:
        return
    curve, theirs = kaplan_meier(seconds, left), SurvfuncRight(seconds, left)
    at = np.isin(curve.times, theirs.surv_times)
    assert curve.staying[at] == pytest.approx(theirs.surv_prob, abs=1e-12)
    for q in (0.51234, 0.90123):  # at which no curve of so few stands still, where customs differ
        value = theirs.quantile(q)
        assert curve.quantile(q).value == (None if np.isnan(value) else value)


def test_a_curve_at_exactly_a_half_has_its_median_there():
    assert kaplan_meier(floats(1, 2, 3, 4), bools(1, 1, 1, 1)).quantile(0.5).value == 2


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_the_log_log_interval_is_statsmodels(q):
    seconds, left = drawn(200, seen=60)
    found = kaplan_meier(seconds, left).quantile(q)
    theirs = SurvfuncRight(seconds, left).quantile_ci(q, method="cloglog")
    assert [found.low, found.high or np.inf] == pytest.approx(theirs)


def test_who_is_still_there_makes_a_stay_longer_not_shorter():
    """The median of those who left is of the quick ones alone."""
    seconds, left = drawn(4000, seen=20)
    assert 0.35 < 1 - left.mean() < 0.5
    truth = 10 * np.log(2)
    assert stay(seconds, left).median.value == pytest.approx(truth, rel=0.05)
    assert np.median(seconds[left]) < 0.75 * truth


@pytest.mark.parametrize("left", [[], [1], [1, 1, 1, 1], [0] * 50, [1] * 4 + [0] * 50])
def test_under_five_who_left_nothing_is_said(left):
    found = stay(floats(*range(1, len(left) + 1)), bools(*left))
    assert (found.curve, found.median, found.ninetieth) == (None, None, None)
    assert (found.n, found.ended) == (len(left), sum(left))


def test_a_quantile_that_the_curve_does_not_reach_is_not_made_up():
    found = stay(floats(1, 2, 3, 4, 5, *[9] * 20), bools(1, 1, 1, 1, 1, *[0] * 20))
    assert found.median.value is None
    assert found.ninetieth.value is None


def test_all_left_at_once():
    assert stay(floats(*[3] * 8), bools(*[1] * 8)).median.value == 3


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_the_curves_interval_covers_the_truth_as_often_as_it_claims(p):
    at = -10 * np.log(p)  # where the true share that is still there is p
    covered = 0
    for seed in range(400):
        curve = kaplan_meier(*drawn(100, seed, seen=60))
        last = np.searchsorted(curve.times, at, side="right") - 1
        covered += curve.low[last] <= p <= curve.high[last]
    assert 0.92 <= covered / 400 <= 0.98  # 400 runs: two standard errors are 2 points


# --- Aalen-Johansen


def test_competing_risks_by_hand():
    """Of 4: one advances at 1, one exits at 2, one was seen till 3, one returns at 4."""
    found = aalen_johansen(floats(1, 2, 3, 4), np.array([1, 2, 0, 3]), NAMES)
    assert found.at("advanced", 1).share == pytest.approx(1 / 4)
    assert found.at("exited", 2).share == pytest.approx(1 / 4)
    assert found.at("returned", 3.9).share == 0
    assert found.at("returned", 4).share == pytest.approx(1 / 2)
    assert found.at("advanced", 0.5).share == 0


@given(times)
def test_incidence_is_statsmodels(rows):
    seconds, causes = floats(*(t for t, _ in rows)), np.array([c for _, c in rows])
    if not set(causes) >= {1, 2, 3}:
        return
    found, theirs = aalen_johansen(seconds, causes, NAMES), CumIncidenceRight(seconds, causes)
    for cause, name in NAMES.items():
        ours = [found.at(name, time).share for time in theirs.times]
        assert ours == pytest.approx(theirs.cinc[cause - 1], abs=1e-9)


@given(times)
def test_what_ended_and_who_is_there_is_everybody(rows):
    seconds, causes = floats(*(t for t, _ in rows)), np.array([c for _, c in rows])
    found = aalen_johansen(seconds, causes, NAMES)
    ended = sum(found.by_cause[name] for name in NAMES.values())
    assert ended + kaplan_meier(seconds, causes > 0).staying == pytest.approx(1)


def test_without_anybody_still_there_it_is_the_plain_share():
    chance = np.random.default_rng(2)
    seconds, causes = chance.exponential(10, 300), chance.integers(1, 4, 300)
    found = aalen_johansen(seconds, causes, NAMES)
    assert found.at("exited", 12.0).share == pytest.approx(np.mean((seconds <= 12) & (causes == 2)))


def test_where_none_has_ended_so_yet_it_is_not_certain_that_none_will():
    found = aalen_johansen(floats(*range(1, 9)), np.array([1, 0, 0, 0, 0, 0, 0, 0]), NAMES)
    assert found.at("exited", 4).share == 0
    assert found.at("exited", 4).high > 0.3  # of five who were seen for so long
    assert found.at("exited", 0.5).high < found.at("exited", 4).high


def test_who_left_another_way_was_seen_not_to_leave_this_way():
    """97 of 100 advanced within five days, three are there: that none returned is of a hundred."""
    seconds = floats(*np.arange(97) / 20, 9, 9, 9)
    found = aalen_johansen(seconds, np.array([1] * 97 + [0] * 3), NAMES).at("returned", 7)
    assert (found.share, found.low, found.high) == pytest.approx((0, *Share(0, 100).interval))


def test_who_leaves_in_that_moment_or_is_last_seen_in_it_is_known():
    for n in (50, 60):
        everybody = aalen_johansen(floats(*range(1, n + 1)), np.array([1] * n), NAMES)
        for time in (n, n + 9):  # after the last moment, what was known in it
            found = everybody.at("advanced", time)
            assert (found.share, found.low, found.high) == pytest.approx((1, *Share(n, n).interval))
    there = aalen_johansen(floats(1, 2, 2, 3), np.array([1, 0, 0, 0]), NAMES)
    known = {1: 4, 2: 4, 2.5: 2, 3: 2, 9: 2}
    for time, n in known.items():
        assert there.at("exited", time).high == Share(0, n).interval[1]


@pytest.mark.parametrize("cause", [0, 3])
def test_all_open_and_all_returned(cause):
    found = aalen_johansen(floats(*range(1, 9)), np.array([cause] * 8), NAMES)
    assert found.at("advanced", 8).share == 0
    assert found.at("returned", 8).share == (1 if cause else 0)


def test_the_intervals_of_competing_risks_cover_the_truth_as_often_as_they_claim():
    """At 7: two in three of who has left by then advanced."""
    truth = 2 / 3 * (1 - np.exp(-7 / 10))
    covered = 0
    for seed in range(1000):
        seconds, left = drawn(100, seed, seen=60)
        advanced = np.random.default_rng(seed + 10_000).random(100) < 2 / 3
        causes = np.where(left, np.where(advanced, 1, 2), 0)
        found = aalen_johansen(seconds, causes, NAMES).at("advanced", 7)
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / 1000 <= 0.97
