"""Passages as docs/statistics defines them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from nomdecode.pipeline.passages import Order, Outcome, furthest, in_pipeline
from nomdecode.pipeline.passages import passages as of_moves

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ORDER = {"lead": 0, "screen": 1, "onsite": 2, "offer": 3}
TODAY = Order((stage, False) for stage in ORDER)


def moved(*stages, indexes=None):
    return [
        SimpleNamespace(
            to_stage=stage,
            to_index=indexes[day] if indexes else ORDER[stage],
            happened_at=START + timedelta(days=day),
        )
        for day, stage in enumerate(stages)
    ]


def passages(moves, order=TODAY, archived_at=None, **ends):
    return of_moves(in_pipeline(moves, archived_at), order, archived_at, **ends)


def outcomes(moves, order=TODAY, **ends):
    return [(p.stage, p.outcome.value) for p in passages(moves, order, **ends)]


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
    first, last = passages(moved("lead", "screen"))
    assert (first.entered_at, first.left_at) == (START, START + timedelta(days=1))
    assert (last.left_at, last.outcome) == (None, Outcome.OPEN)


def at(day, stage, index=None):
    when = START + timedelta(days=day)
    place = ORDER[stage] if index is None else index
    return SimpleNamespace(to_stage=stage, to_index=place, happened_at=when)


def test_a_deleted_profile_leaves_its_last_passage_open_and_seen_until_then():
    (one,) = passages(moved("lead"), deleted_at=START + timedelta(days=4))
    assert (one.outcome, one.left_at) == (Outcome.OPEN, START + timedelta(days=4))


def test_deleted_after_an_archive_it_had_ended_before():
    end = START + timedelta(days=2)
    (one,) = passages(moved("lead"), archived_at=end, deleted_at=START + timedelta(days=4))
    assert (one.outcome, one.left_at) == (Outcome.EXITED, end)


def test_of_moves_at_one_time_the_last_counts_and_the_others_are_skipped():
    steps = [at(0, "lead"), at(1, "screen"), at(1, "onsite")]
    assert outcomes(steps) == [("lead", "advanced"), ("onsite", "open")]


def test_back_and_forth_at_one_time_is_where_it_led_to():
    steps = [at(0, "onsite"), at(1, "screen"), at(1, "offer")]
    assert outcomes(steps)[0] == ("onsite", "advanced")


def test_a_move_within_a_stage_goes_on_with_its_passage():
    steps = [at(0, "lead"), at(2, "lead"), at(3, "screen")]
    first, _ = passages(steps)
    assert (first.entered_at, first.left_at) == (START, START + timedelta(days=3))


def test_a_move_within_a_stage_tells_its_place_at_that_time():
    steps = [at(0, "screen", 3), at(1, "screen", 1), at(2, "onsite", 2)]
    assert outcomes(steps)[0] == ("screen", "advanced")


def today(*stages, gone=()):
    return Order((stage, stage in gone) for stage in stages)


def test_of_stages_that_had_the_same_place_only_the_order_of_today_tells_which_is_later():
    steps = [at(0, "screen", 1), at(1, "onsite", 1)]
    assert outcomes(steps)[0] == ("screen", "advanced")
    assert outcomes(steps, today("onsite", "screen"))[0] == ("screen", "returned")
    assert outcomes(steps, today("screen"))[0] == ("screen", "returned")  # nobody knows


def test_a_stage_that_was_removed_between_two_moves_does_not_turn_them_round():
    order = today("lead", "applicant", "screen", "onsite", gone={"applicant"})
    steps = [at(0, "screen", 2), at(1, "onsite", 2)]
    assert outcomes(steps, order)[0] == ("screen", "advanced")
    order = today("lead", "applicant", "screen", "onsite", gone={"lead", "applicant", "screen"})
    steps = [at(0, "screen", 2), at(1, "onsite", 0)]
    assert outcomes(steps, order)[0] == ("screen", "advanced")


def test_stages_that_were_inserted_between_two_moves_do_not_turn_them_round():
    order = today("lead", "new", "newer", "applicant", "screen", "onsite")
    steps = [at(0, "onsite", 3), at(1, "screen", 4)]
    assert outcomes(steps, order)[0] == ("onsite", "returned")


def test_the_furthest_is_the_latest_of_today_whatever_the_places_were():
    order = today("lead", "applicant", "screen", "onsite", gone={"lead", "applicant"})
    steps = [at(0, "screen", 3), at(1, "onsite", 2), at(2, "screen", 1), at(3, "unheard-of", 9)]
    assert furthest(steps, order).to_stage == "onsite"
    assert furthest(steps, Order()).to_stage == "unheard-of"
    assert furthest([], order) is None


def test_what_is_moved_in_the_archive_went_nowhere():
    end = START + timedelta(days=1)
    assert outcomes([at(0, "lead"), at(2, "offer")], archived_at=end) == [("lead", "exited")]


def test_archived_in_the_moment_it_came_it_lasted_no_time():
    (one,) = passages(moved("lead"), archived_at=START)
    assert (one.outcome, one.left_at) == (Outcome.EXITED, START)


def test_nothing_moved_nothing_passed():
    assert passages([], archived_at=START) == []


day = st.integers(0, 6).map(lambda day: START + timedelta(days=day))
any_move = st.builds(
    SimpleNamespace,
    to_stage=st.sampled_from([*ORDER, "unheard-of"]),
    to_index=st.none() | st.integers(0, 4),
    happened_at=day,
)
ends = st.fixed_dictionaries({"archived_at": st.none() | day, "deleted_at": st.none() | day})


@given(st.lists(any_move), ends, st.booleans())
def test_each_passage_begins_where_the_one_before_it_ended_in_another_stage(steps, ends, hired):
    ends["hired_at"] = ends["archived_at"] if hired else None
    found = passages(steps, **ends)
    assert bool(found) == bool(steps)
    for one, then in pairwise(found):
        assert one.entered_at < one.left_at == then.entered_at
        assert one.stage != then.stage
        assert one.outcome in (Outcome.ADVANCED, Outcome.RETURNED)
    for last in found[-1:]:
        assert last.left_at is None or last.left_at >= last.entered_at
        assert (last.outcome is Outcome.OPEN) == (ends["archived_at"] is None)


@given(st.lists(any_move, min_size=1))
def test_how_it_ended_changes_the_last_passage_alone(steps):
    end = START + timedelta(days=6)
    *before, last = passages(steps)
    *same, ended = passages(steps, archived_at=end)
    assert (same, ended.stage, ended.entered_at) == (before, last.stage, last.entered_at)
