"""Clocks: how long until it happened, who still waits counted for as long as they wait."""

import numpy as np
import pytest

from nomdecode.pipeline.statistics.clocks import clock


def test_where_all_has_happened_they_are_the_plain_quantiles():
    found = clock(np.arange(1.0, 101.0), np.ones(100, bool))
    assert (found.p50, found.p95, found.happened, found.waiting) == (50, 95, 100, 0)


def test_who_still_waits_makes_it_longer():
    times = np.array([1.0, 2, 3, 4, 5, 9, 9, 9, 9])
    happened = times < 9
    assert clock(times, happened).p50 == 5
    assert clock(times[happened], happened[happened]).p50 == 3
    assert clock(times, happened).p95 is None


@pytest.mark.parametrize("n", [0, 1, 4])
def test_too_few_are_counted_and_nothing_is_said(n):
    found = clock(np.arange(1.0, n + 1), np.ones(n, bool))
    assert (found.happened, found.p50, found.p95) == (n, None, None)
