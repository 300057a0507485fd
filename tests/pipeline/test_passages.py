"""Passages as docs/statistics defines them, and the golden values of the Wilson interval."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from nomdecode.pipeline.passages import Outcome, Share, passages

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ORDER = {"lead": 0, "screen": 1, "onsite": 2, "offer": 3}


def moved(*stages, indexes=None):
    return [
        SimpleNamespace(
            to_stage=stage,
            to_index=indexes[day] if indexes else ORDER[stage],
            happened_at=START + timedelta(days=day),
        )
        for day, stage in enumerate(stages)
    ]


def outcomes(moves, **ends):
    return [(p.stage, p.outcome.value) for p in passages(moves, ORDER, **ends)]


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(6, 10, 0.31267, 0.83182), (0, 5, 0, 0.43448), (45, 150, 0.23241, 0.37758)],
)
def test_the_wilson_interval_has_its_golden_values(part, whole, low, high):
    assert Share(part, whole).interval == pytest.approx((low, high), abs=5e-6)


def test_a_share_of_nothing_may_be_anything():
    assert Share(0, 0).percents == (0, 100)


def test_a_later_stage_advances_an_earlier_one_returns_and_the_last_is_open():
    assert outcomes(moved("lead", "onsite", "screen")) == [
        ("lead", "advanced"),
        ("onsite", "returned"),
        ("screen", "open"),
    ]


def test_a_skipped_stage_makes_no_passage():
    assert [stage for stage, _ in outcomes(moved("lead", "offer"))] == ["lead", "offer"]


def test_hired_advances_and_another_archive_exits():
    end = START + timedelta(days=9)
    assert outcomes(moved("offer"), archived_at=end, hired_at=end) == [("offer", "advanced")]
    assert outcomes(moved("offer"), archived_at=end) == [("offer", "exited")]


def test_the_places_at_the_time_of_the_moves_decide_not_those_of_today():
    assert outcomes(moved("onsite", "screen", indexes=[1, 2]))[0] == ("onsite", "advanced")


def test_todays_order_decides_where_a_place_is_unknown():
    assert outcomes(moved("onsite", "screen", indexes=[None, 2]))[0] == ("onsite", "returned")


def test_a_passage_lasts_from_entering_to_leaving():
    first, last = passages(moved("lead", "screen"), ORDER)
    assert (first.entered_at, first.left_at) == (START, START + timedelta(days=1))
    assert (last.left_at, last.outcome) == (None, Outcome.OPEN)
