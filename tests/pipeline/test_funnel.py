"""How many came how far, and where everybody is."""

from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.pipeline import moves, stages, times
from nomdecode.pipeline.board import SHOWN, Board
from nomdecode.pipeline.cohort import Cohort, Filters
from nomdecode.pipeline.funnel import Funnel
from nomdecode.pipeline.statistics.shares import Share

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    organisation = factories.organisation()
    names = ["New lead", "New applicant", "Recruiter screen", "On-site loop", "Offer"]
    stages.replace(organisation, [(name.split()[-1].lower(), name) for name in names])
    return organisation


def went(organisation, *way, days_ago=20, **snapshot):
    at = timezone.now() - timedelta(days=days_ago)
    return factories.opportunity(factories.passed(organisation, at=at), way, **snapshot)


def cohort(organisation, **query):
    return Cohort(organisation, Filters.read(query), timezone.now())


def counts(organisation, **query):
    return {row.text: row.count for row in Funnel(cohort(organisation, **query)).rows}


def test_a_stage_counts_who_reached_it_or_a_later_one(acme):
    went(acme, "applicant")
    went(acme, "applicant", "screen")
    went(acme, "applicant", "loop")
    went(acme, "applicant", "screen", "offer")
    factories.passed(acme)
    assert counts(acme) == {
        "Successful": 5,
        "In Lever": 4,
        "Recruiter screen": 3,
        "On-site loop": 2,
        "Offer": 1,
        "Hired": 0,
    }


def test_going_back_does_not_undo_how_far_somebody_came(acme):
    went(acme, "applicant", "loop", "screen")
    assert counts(acme)["On-site loop"] == 1


def test_the_hired_came_through_everything(acme):
    at = timezone.now()
    went(acme, "applicant", "screen", archived_at=at, archive_reason="Hired", hired=True)
    assert (counts(acme)["Offer"], counts(acme)["Hired"]) == (1, 1)


def test_profiles_under_the_pseudonym_alone_are_in_no_funnel(acme):
    factories.opportunity(factories.passed(acme, successful=False), ["applicant"], named=False)
    assert counts(acme)["Successful"] == counts(acme)["In Lever"] == 0
    assert len(board(acme).not_passed) == 1


def test_the_sentence_accounts_for_everybody_who_met_the_bar(acme):
    at = timezone.now()
    went(acme, "applicant", "loop")
    went(acme, "applicant", archived_at=at, archive_reason="Withdrew")
    went(acme, "applicant", "screen")
    moves.gone(went(acme, "applicant"), at)
    factories.passed(acme)
    milestone = Funnel(cohort(acme)).milestone
    assert milestone.stage.text == "On-site loop"
    found = (milestone.reached, milestone.left, milestone.on_the_way)
    assert found == (1, 1, 1)
    assert (milestone.not_there, milestone.deleted) == (1, 1)
    assert (milestone.share.part, milestone.share.whole) == (1, 2)


def test_who_is_undecided_is_in_no_share_of_the_funnel(acme):
    at = timezone.now()
    went(acme, "applicant", "loop")
    went(acme, "applicant", "offer", archived_at=at, archive_reason="Hired", hired=True)
    for _ in range(4):
        went(acme, "applicant", archived_at=at, archive_reason="Withdrew")
    for _ in range(3):
        went(acme, "applicant", "screen")
    moves.gone(went(acme, "applicant"), at)
    factories.passed(acme)
    shares = {row.text: row.share for row in Funnel(cohort(acme)).rows}
    assert shares == {
        "Successful": None,
        "In Lever": None,
        "Recruiter screen": Share(5, 9),
        "On-site loop": Share(2, 6),
        "Offer": Share(1, 5),
        "Hired": Share(1, 5),
    }


def test_who_was_archived_left_also_if_the_profile_was_deleted_later(acme):
    at = timezone.now()
    moves.gone(went(acme, "applicant", archived_at=at, archive_reason="Withdrew"), at)
    milestone = Funnel(cohort(acme)).milestone
    assert (milestone.left, milestone.deleted) == (1, 0)


def test_the_period_goes_by_when_the_outcome_stood(acme):
    went(acme, "applicant", days_ago=100)
    went(acme, "applicant", days_ago=10)
    assert counts(acme)["Successful"] == 1
    assert counts(acme, days="365")["Successful"] == 2


def test_a_position_narrows_it_down(acme):
    went(acme, "applicant")
    other = factories.passed(acme, title="Data engineer")
    assert counts(acme, position=str(other.position_id))["Successful"] == 1


def test_a_choice_that_cannot_be_read_counts_as_none(acme):
    assert Filters.read({"position": "x' OR 1", "days": "-3"}) == Filters()


def board(organisation, **query):
    return Board(cohort(organisation, **query), factories.member(organisation))


def lane(organisation, text, **query):
    return next(lane for lane in board(organisation, **query).lanes if lane.text == text)


def test_every_profile_stands_in_one_lane(acme):
    at = timezone.now()
    went(acme, "applicant", "screen")
    went(acme, "applicant", "offer", archived_at=at, archive_reason="Hired", hired=True)
    went(acme, "applicant", archived_at=at, archive_reason="Withdrew")
    went(acme, "applicant", "unheard-of")
    moves.gone(went(acme, "applicant"), at)
    found = board(acme)
    assert {lane.text: lane.here for lane in found.lanes} == {
        "New applicant": 0,
        "Recruiter screen": 1,
        "On-site loop": 0,
        "Offer": 0,
        "Another stage": 1,
    }
    assert len(found.hired) == found.counts["hired"] == 1
    assert (found.counts["left"], found.counts["deleted"]) == (1, 1)


def test_lanes_stand_in_the_order_of_today_under_the_names_of_today(acme):
    went(acme, "lead", "loop")
    stages.replace(acme, [("loop", "Team day"), ("lead", "Lead"), ("new", "Brand new")])
    shown = [(lane.text, lane.gone) for lane in board(acme).lanes]
    assert shown == [("Team day", False), ("Lead", False), ("Brand new", False)]


def test_a_gone_stage_keeps_its_lane_and_its_place_and_is_marked(acme):
    went(acme, "applicant", "loop")
    stages.replace(acme, [("applicant", "New applicant"), ("screen", "Screen"), ("offer", "Offer")])
    shown = [(lane.text, lane.gone) for lane in board(acme).lanes]
    assert shown == [
        ("New applicant", False),
        ("Screen", False),
        ("On-site loop", True),
        ("Offer", False),
    ]


NAMES = ("lead", "applicant", "screen", "loop", "offer")


def listed(organisation, *names):
    stages.replace(organisation, [(name, name) for name in names])
    return [(stage.text, stage.gone_at is not None) for stage in cohort(organisation).all_stages]


def test_stages_that_go_together_stay_behind_the_one_before_them():
    organisation = factories.organisation()
    listed(organisation, *NAMES)
    assert listed(organisation, "lead", "loop", "offer") == [
        ("lead", False),
        ("applicant", True),
        ("screen", True),
        ("loop", False),
        ("offer", False),
    ]


def test_a_gone_stage_stays_between_its_neighbours_whatever_comes_in_front_of_them():
    organisation = factories.organisation()
    listed(organisation, *NAMES)
    listed(organisation, "lead", "applicant", "loop", "offer")
    assert listed(organisation, "new", "newer", "lead", "applicant", "loop", "offer")[3:6] == [
        ("applicant", False),
        ("screen", True),
        ("loop", False),
    ]
    assert listed(organisation, "loop", "screen")[-2:] == [("offer", True), ("screen", False)]


def test_the_same_list_again_is_no_news():
    organisation = factories.organisation()
    listed(organisation, *NAMES)
    listed(organisation, "lead", "loop")
    ProcrastinateJob.objects.all().delete()
    listed(organisation, "lead", "loop")
    assert not ProcrastinateJob.objects.exists()


def test_a_gone_stage_in_which_nobody_ever_was_is_not_shown(acme):
    went(acme, "applicant")
    stages.replace(acme, [("applicant", "New applicant"), ("offer", "Offer")])
    assert [lane.text for lane in board(acme).lanes] == ["New applicant", "Offer"]


def test_who_went_on_is_counted_by_passages(acme):
    for _ in range(3):
        went(acme, "applicant", "screen")
    went(acme, "applicant", archived_at=timezone.now(), archive_reason="Withdrew")
    went_on = lane(acme, "New applicant").went_on
    assert (went_on.share.part, went_on.share.whole, went_on.open) == (3, 4, 0)


def test_a_rate_is_provisional_until_four_in_five_have_left(acme):
    for _ in range(4):
        went(acme, "applicant", "screen")
    went(acme, "applicant")
    assert not lane(acme, "New applicant").went_on.provisional
    moves.gone(went(acme, "applicant"), timezone.now())  # nobody will ever know
    assert lane(acme, "New applicant").went_on.provisional


def test_the_period_is_that_of_entering_but_who_is_there_is_there_whenever_they_came(acme):
    went(acme, "applicant", days_ago=100)
    went(acme, "applicant", "screen", days_ago=100)
    found = lane(acme, "New applicant")
    assert (found.here, found.went_on.share.whole, found.went_on.open) == (1, 0, 0)
    assert len(found.cards) == 1
    assert lane(acme, "New applicant", days="365").went_on.share.whole == 1


def test_a_lane_into_which_nobody_came_in_the_period_says_so_also_if_somebody_is_there(acme):
    went(acme, "applicant", days_ago=100)
    assert lane(acme, "New applicant").unused
    assert not lane(acme, "New applicant", days="365").unused


def test_a_lane_shows_the_newest_and_says_how_many_more(acme):
    for days in range(1, SHOWN + 3):
        went(acme, "applicant", days_ago=days)
    found = lane(acme, "New applicant")
    assert (found.here, len(found.cards), found.more) == (SHOWN + 2, SHOWN, 2)
    entered = [card.passage.entered_at for card in found.cards]
    assert entered == sorted(entered, reverse=True)


def test_older_than_nine_in_ten_stay_is_ageing(acme):
    for _ in range(10):
        went(acme, "applicant", "screen")  # one day each
    old, young = went(acme, "applicant", days_ago=3), went(acme, "applicant", days_ago=0)
    times.ask(cohort(acme))
    times.compute_asked(acme)
    found = lane(acme, "New applicant")
    assert found.ageing == 1
    assert {card.passage.opportunity_id: card.ageing for card in found.cards} == {
        old.pk: True,
        young.pk: False,
    }
