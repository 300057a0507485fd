"""Shares, pass-through and yield; no number counts the undecided as failures."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from nomdecode.pipeline.statistics.shares import PassThrough, Share, Yield


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(6, 10, 0.31267, 0.83182), (0, 5, 0, 0.43448), (45, 150, 0.23241, 0.37758)],
)
def test_the_wilson_interval_has_its_golden_values(part, whole, low, high):
    assert Share(part, whole).interval == pytest.approx((low, high), abs=5e-6)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_is_statsmodels(counts):
    assert Share(*counts).interval == pytest.approx(
        proportion_confint(*counts, method="wilson"), abs=1e-12
    )


def test_a_share_of_nothing_may_be_anything():
    assert Share(0, 0).percents == (0, 100)
    assert not Share(0, 0).enough


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [
        (0, 200, 0),
        (1, 200, 1),
        (1, 1000, 1),
        (1, 3, 33),
        (199, 200, 99),
        (200, 200, 100),
        (0, 0, 0),
    ],
)
def test_it_is_never_0_or_100_percent_unless_it_is_none_or_all(part, whole, percent):
    assert Share(part, whole).percent == percent


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_the_wilson_interval_covers_the_truth_as_often_as_it_claims(p):
    parts = np.random.default_rng(5).binomial(100, p, 2000)
    intervals = [Share(int(part), 100).interval for part in parts]
    assert 0.93 <= np.mean([low <= p <= high for low, high in intervals]) <= 0.97


def test_who_is_still_there_or_was_deleted_is_no_failure():
    found = PassThrough(advanced=6, exited=3, returned=1, open=20, censored=2)
    assert (found.share.part, found.share.whole, found.entered) == (6, 10, 32)


@pytest.mark.parametrize(("still_open", "provisional"), [(0, False), (2, False), (3, True)])
def test_a_rate_is_provisional_until_four_in_five_are_closed(still_open, provisional):
    assert PassThrough(6, 3, 1, still_open).provisional is provisional


def test_a_stage_that_nobody_entered_or_left_has_no_rate():
    assert PassThrough(0, 0, 0, 0).share.whole == 0
    everybody_there = PassThrough(0, 0, 0, open=7)
    assert everybody_there.provisional
    assert not everybody_there.share.enough


def test_all_returned_is_nobody_passed():
    assert PassThrough(0, 0, 9, 0).share.rate == 0


def test_the_product_of_stages_is_said_to_be_apart_from_the_yield_when_it_is():
    half = Share(10, 20)
    assert Yield(Share(25, 100), [half, half]).product == 0.25
    assert not Yield(Share(30, 100), [half, half]).apart  # by 5 points
    assert Yield(Share(31, 100), [half, half]).apart


def test_a_stage_of_few_makes_no_product():
    assert Yield(Share(25, 100), [Share(10, 20), Share(1, 4)]).product is None
    assert Yield(Share(25, 100), []).product is None
    assert not Yield(Share(25, 100), [Share(1, 4)]).apart


def test_a_share_costs_a_web_process_neither_scipy_nor_numpy():
    code = (
        "import sys, nomdecode.pipeline.statistics.shares;"
        "assert not {'scipy', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
