"""AUC by counting pairs, its interval, and the rate in each band."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nomdecode.pipeline.statistics.prediction import auc, calibration

ratings = st.lists(st.integers(1, 4), min_size=1, max_size=20)


def of(yes, no, **options):
    rated = np.array([*yes, *no], float)
    return auc(rated, np.arange(len(rated)) < len(yes), **options)


def test_golden_value():
    assert of([4, 3, 3, 4, 2], [1, 2, 2, 3]).value == pytest.approx(0.85)


@given(ratings, ratings)
def test_it_is_the_share_of_pairs_and_mann_whitneys(yes, no):
    value = of(yes, no).value
    pairs = list(itertools.product(yes, no))
    wins = sum((a > b) + (a == b) / 2 for a, b in pairs)
    assert value == pytest.approx(wins / len(pairs))
    assert value == pytest.approx(stats.mannwhitneyu(yes, no).statistic / len(pairs))


@given(ratings, ratings)
def test_the_interval_holds_the_value_and_is_the_same_each_time(yes, no):
    found = of(yes, no)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found == of(yes, no)


def test_drawing_counts_is_drawing_people():
    chance = np.random.default_rng(7)
    yes, no = chance.integers(2, 5, 40), chance.integers(1, 4, 60)
    drawn = [of(chance.choice(yes, 40), chance.choice(no, 60)).value for _ in range(600)]
    found = of(yes, no)
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_a_perfect_one_is_not_certain_and_the_less_so_the_fewer():
    assert of([4] * 5, [1] * 5).low == pytest.approx(0.025 ** (1 / 5))
    assert of([4] * 50, [1] * 50).low > 0.92
    assert of([1] * 5, [4] * 5).high == pytest.approx(1 - 0.025 ** (1 / 5))


@pytest.mark.parametrize(("yes", "no"), [([], []), ([3], []), ([], [3])])
def test_without_both_kinds_there_is_nothing_to_tell_apart(yes, no):
    assert of(yes, no) is None


@pytest.mark.parametrize(("yes", "no", "enough"), [(5, 5, True), (4, 90, False), (90, 4, False)])
def test_few_of_a_kind_are_too_few(yes, no, enough):
    assert of([4] * yes, [2] * no).enough is enough


def test_the_interval_covers_the_truth_as_often_as_it_claims():
    chance = np.random.default_rng(8)
    high, low = [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]
    truth = sum(high[a] * low[b] * ((a > b) + (a == b) / 2) for a in range(4) for b in range(4))
    found = [
        of(chance.choice(4, 50, p=high), chance.choice(4, 50, p=low), seed=run)
        for run in range(600)
    ]
    assert 0.93 <= np.mean([each.low <= truth <= each.high for each in found]) <= 0.97


def test_each_band_has_its_rate_and_everybody_is_in_one():
    bands = calibration(
        np.array([1, 1.9, 2, 3, 3.5, 4]), np.array([0, 1, 0, 1, 1, 1], bool), [1, 2, 3, 4]
    )
    assert [(band.share.part, band.share.whole) for band in bands] == [(1, 2), (0, 1), (3, 3)]


def test_bands_of_nobody():
    bands = calibration(np.array([]), np.array([], bool), [1, 2.5, 4])
    assert [band.share.whole for band in bands] == [0, 0]
