"""Merging facts is a least upper bound: whatever is heard, in whatever order, comes out alike."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nomdecode.pipeline import merge
from nomdecode.pipeline.merge import NOTHING, Change, Facts, Place
from nomdecode.pipeline.moves import Snapshot
from nomdecode.pipeline.passages import Order, Span, in_pipeline, passages

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STAGES = ("lead", "screen", "onsite", "offer")

# --- the laws, for any facts whatever, also such as nobody could tell

moments = st.integers(0, 3).map(lambda hours: START + timedelta(hours=hours))
changes = st.builds(
    Change, st.sampled_from(STAGES), st.none() | st.integers(0, 2), moments, st.sampled_from("ab")
)
places = st.builds(
    Place,
    as_of=moments,
    asked_at=moments,
    stage=st.sampled_from(STAGES),
    archived_at=st.none() | moments,
    archive_reason=st.sampled_from(["", "Withdrew"]),
    hired=st.booleans(),
)
facts = st.builds(
    Facts,
    # At most one for each stage and time, as whatever was merged before.
    st.frozensets(changes).map(lambda some: merge.merge(Facts(some), NOTHING).changes),
    st.none() | places,
    st.none() | moments,
)


@given(facts, facts)
def test_merging_is_commutative(a, b):
    assert merge.merge(a, b) == merge.merge(b, a)


@given(facts, facts, facts)
def test_merging_is_associative(a, b, c):
    assert merge.merge(a, merge.merge(b, c)) == merge.merge(merge.merge(a, b), c)


@given(facts)
def test_merging_is_idempotent_and_nothing_adds_nothing(a):
    assert merge.merge(a, a) == merge.merge(a, NOTHING) == merge.merge(NOTHING, a) == a


@given(facts, facts)
def test_nothing_that_was_told_is_lost(a, b):
    both = merge.merge(a, b)
    told = {(each.to_stage, each.at) for each in a.changes | b.changes}
    assert {(each.to_stage, each.at) for each in both.changes} == told
    assert both.place in (a.place, b.place)
    assert both.deleted_at in (a.deleted_at, b.deleted_at)


# --- a whole life in Lever, and looks at it


@dataclass(frozen=True)
class Life:
    """What Lever would answer after each thing that happened; the last may be a deletion."""

    answers: tuple[Snapshot, ...]
    deleted_at: datetime | None

    def heard(self, asked: int, answered: int) -> Facts:
        """A look asked for after `asked` things, and answered after `answered`."""
        if answered == len(self.answers):  # 404: says nothing
            return NOTHING
        return self.answers[answered].facts(START + timedelta(days=1, seconds=asked))

    def reconciled(self) -> Facts:
        last = len(self.answers) - (self.deleted_at is None)
        return merge.merge(self.heard(last, last), Facts(deleted_at=self.deleted_at))


happenings = st.lists(
    st.tuples(
        st.sampled_from(["move", "archive", "hire", "take out"]),
        st.sampled_from(STAGES),
        st.integers(0, 2),  # hours since the one before: two may have the same time
    ),
    max_size=8,
)


@st.composite
def lives(draw) -> Life:
    at = START
    now = Snapshot("lead", (Change("lead", 0, at, "dana"),), as_of=at)
    answers = [now]
    for what, stage, hours in draw(happenings):
        at += timedelta(hours=hours)
        if what == "move":
            change = Change(stage, STAGES.index(stage), at, "remy")
            now = replace(now, stage=stage, changes=(*now.changes, change), as_of=at)
        elif what == "take out":
            now = replace(now, archived_at=None, archive_reason="", hired=False, as_of=at)
        else:
            hired, reason = what == "hire", what.title()
            now = replace(now, archived_at=at, archive_reason=reason, hired=hired, as_of=at)
        answers.append(now)
    return Life(tuple(answers), draw(st.none() | st.just(at + timedelta(hours=1))))


def drawn(facts: Facts) -> list[Span]:
    """The statistics' raw material, from what is stored of these facts."""

    @dataclass(frozen=True)
    class Row:
        to_stage: str
        to_index: int | None
        happened_at: datetime

    rows = [Row(each.to_stage, each.to_index, each.at) for each in merge.in_order(facts.changes)]
    order = Order((stage, False) for stage in STAGES)
    archived_at = facts.place.archived_at if facts.place else None
    hired = bool(facts.place and facts.place.hired)
    hired_at = archived_at if hired else None
    moves = in_pipeline(rows, archived_at)
    return passages(moves, order, archived_at, hired_at, facts.deleted_at)


@given(lives(), st.data())
def test_any_order_repeats_and_any_subset_then_one_reconciliation_is_the_perfect_sequence(
    life, data
):
    last = len(life.answers) - (life.deleted_at is None)
    looks = [(asked, answered) for asked in range(last + 1) for answered in range(asked, last + 1)]
    some = data.draw(st.lists(st.sampled_from(looks), max_size=12))

    perfect = _merged([life.heard(each, each) for each in range(last + 1)] + [life.reconciled()])
    got = _merged([life.heard(*each) for each in some])
    end = _merged([got, life.reconciled()])

    assert end.deleted_at == perfect.deleted_at == life.deleted_at
    if life.deleted_at is None:
        assert end == perfect
        assert drawn(end) == drawn(perfect)
        assert merge.stage(end) == life.answers[-1].stage
    else:  # of what is gone only that can be known which was seen in time
        assert merge.merge(end, perfect) == perfect


@given(lives(), st.randoms(use_true_random=False))
def test_the_reconciliation_may_come_at_any_place_among_the_looks(life, chance: random.Random):
    last = len(life.answers) - (life.deleted_at is None)
    told = [life.heard(each, each) for each in range(last + 1)] + [life.reconciled()]
    shuffled = chance.sample(told, len(told))
    assert _merged(shuffled) == _merged(told)


def _merged(told: list[Facts]) -> Facts:
    both = NOTHING
    for each in told:
        both = merge.merge(both, each)
    return both


# --- what decides


def test_what_was_asked_first_and_answered_last_counts_if_it_changed_later_there():
    late = Snapshot("offer", as_of=START + timedelta(minutes=2)).facts(START)
    early = Snapshot("onsite", as_of=START + timedelta(minutes=1)).facts(START + timedelta(1))
    assert merge.stage(merge.merge(late, early)) == "offer"


def test_of_one_state_the_later_look_counts():
    """Also where something changed that their clock does not tell."""
    archived = Snapshot("onsite", archived_at=START, as_of=START).facts(START)
    taken_out = Snapshot("onsite", as_of=START).facts(START + timedelta(seconds=1))
    both = merge.merge(taken_out, archived)
    assert both.place and both.place.archived_at is None


def test_without_their_clock_ours_decides():
    earlier, later = Snapshot("lead").facts(START), Snapshot("screen").facts(START + timedelta(1))
    assert merge.stage(merge.merge(later, earlier)) == "screen"


def test_changes_of_one_moment_stand_in_the_order_of_the_pipeline():
    some = frozenset(
        {Change("onsite", 2, START), Change("lead", 0, START), Change("x", None, START)}
    )
    assert [each.to_stage for each in merge.in_order(some)] == ["x", "lead", "onsite"]


def test_a_change_that_is_told_again_with_more_keeps_the_more():
    bare, full = Change("lead", None, START), Change("lead", 1, START, "dana")
    assert merge.merge(Facts(frozenset({bare})), Facts(frozenset({full}))).changes == {full}
