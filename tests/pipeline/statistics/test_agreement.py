"""Agreement of two who scored the same interview."""

import itertools

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomdecode.pipeline.statistics.agreement import agreement

GOLDEN = [[1, 1], [2, 3], [4, 4], [3, 3], [2, 2], [1, 2], [4, 3], [3, 3]]


def of(rated):
    things = [n for n, ratings in enumerate(rated) for _ in ratings]
    ratings = [rating for each in rated for rating in each]
    return agreement(np.array(things, np.int64), np.array(ratings, np.int64), 4)


def test_golden_values():
    found = of(GOLDEN)
    assert found.alpha == pytest.approx(0.8281, abs=5e-5)
    assert (found.exact.part, found.exact.whole) == (5, 8)
    assert (found.within_one.part, found.within_one.whole) == (8, 8)


@given(
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=2, max_size=30).filter(
        lambda rated: len({r for each in rated if len(each) > 1 for r in each}) > 1
    )
)
def test_alpha_is_krippendorffs_and_pairs_are_counted_one_by_one(rated):
    table = [[*each, *[np.nan] * (4 - len(each))] for each in rated if len(each) > 1]
    found = of(rated)
    theirs = krippendorff.alpha(
        np.array(table).T, level_of_measurement="ordinal", value_domain=[1, 2, 3, 4]
    )
    assert found.alpha == pytest.approx(theirs)
    pairs = [pair for each in rated for pair in itertools.combinations(each, 2)]
    assert found.exact.whole == len(pairs)
    assert found.exact.part == sum(a == b for a, b in pairs)
    assert found.within_one.part == sum(abs(a - b) <= 1 for a, b in pairs)


@pytest.mark.parametrize("rated", [[], [[1]], [[1], [2], [3]]])
def test_what_was_rated_once_says_nothing(rated):
    found = of(rated)
    assert (found.things, found.alpha, found.exact.whole) == (0, None, 0)


def test_where_nothing_varies_there_is_no_alpha():
    assert of([[3, 3], [3, 3]]).alpha is None
