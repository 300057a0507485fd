"""Adverse impact: golden values, and that few people are neither marked nor shown."""

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import Table2x2

from nomdecode.pipeline.statistics.impact import impact, suppressed
from nomdecode.pipeline.statistics.shares import Share


@pytest.mark.parametrize(
    ("group", "reference", "ratio", "interval", "fisher"),
    [
        (Share(20, 50), Share(30, 50), 0.6667, (0.4433, 1.0025), 0.07134),
        (Share(6, 20), Share(10, 20), 0.60, (0.2696, 1.3355), 0.33321),
    ],
)
def test_golden_values(group, reference, ratio, interval, fisher):
    found = impact(group, reference)
    assert found.ratio == pytest.approx(ratio, abs=5e-5)
    assert (found.low, found.high) == pytest.approx(interval, abs=5e-5)
    assert found.fisher == pytest.approx(fisher, abs=5e-6)


def test_ratio_and_interval_are_statsmodels():
    found, theirs = impact(Share(17, 60), Share(41, 80)), Table2x2([[17, 43], [41, 39]])
    assert found.ratio == pytest.approx(theirs.riskratio)
    assert (found.low, found.high) == pytest.approx(theirs.riskratio_confint())


@pytest.mark.parametrize(("part", "whole", "marked"), [(6, 29, False), (6, 30, True)])
def test_nobody_is_marked_under_thirty_a_group(part, whole, marked):
    assert impact(Share(part, whole), Share(25, 40)).marked is marked


def test_four_fifths_alone_marks_nobody():
    """With two groups of 20 alike the bare rule cries wolf 62% of the time."""
    drawn = np.random.default_rng(9).binomial(20, 0.35, (2000, 2))
    rates = np.sort(drawn, axis=1)
    assert np.mean(rates[:, 0] < 0.8 * rates[:, 1]) > 0.5
    found = [impact(Share(int(a), 40), Share(int(b), 40)) for a, b in drawn[:300]]
    assert np.mean([it is not None and it.marked for it in found]) <= 0.05


@pytest.mark.parametrize(("group", "reference"), [((0, 40), (5, 40)), ((5, 40), (0, 0))])
def test_without_anybody_selected_there_is_no_ratio(group, reference):
    assert impact(Share(*group), Share(*reference)) is None


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_the_interval_covers_the_truth_as_often_as_it_claims(p):
    drawn = np.random.default_rng(10).binomial(100, p, (600, 2))
    spread = [impact(Share(int(a), 100), Share(int(b), 100)) for a, b in drawn]
    assert 0.93 <= np.mean([it.low <= 1 <= it.high for it in spread]) <= 0.98


def test_small_cells_are_hidden_and_cannot_be_worked_out_from_the_total():
    groups = {"a": Share(40, 90), "b": Share(3, 60), "c": Share(20, 45)}
    assert suppressed(groups) == {"b", "c"}
    assert suppressed(groups | {"d": Share(57, 60)}) == {"b", "d"}
    assert suppressed({"a": Share(40, 90), "c": Share(20, 45)}) == set()
    assert suppressed({"b": Share(3, 60)}) == {"b"}
