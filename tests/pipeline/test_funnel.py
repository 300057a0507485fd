"""How many came how far, and where everybody is."""

from datetime import timedelta

import pytest
from django.utils import timezone

import factories
from nomdecode.pipeline import moves, stages
from nomdecode.pipeline.board import lanes
from nomdecode.pipeline.cohort import Cohort, Filters
from nomdecode.pipeline.funnel import Funnel

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
    assert len(cohort(acme).not_passed) == 1


def test_the_sentence_accounts_for_everybody_who_met_the_bar(acme):
    at = timezone.now()
    went(acme, "applicant", "loop")
    went(acme, "applicant", archived_at=at, archive_reason="Withdrew")
    went(acme, "applicant", "screen")
    moves.gone(went(acme, "applicant"), at)
    factories.passed(acme)
    milestone = Funnel(cohort(acme)).milestone
    assert milestone.text == "On-site loop"
    found = (milestone.reached, milestone.left, milestone.on_the_way)
    assert found == (1, 1, 1)
    assert (milestone.not_there, milestone.deleted) == (1, 1)
    assert (milestone.share.part, milestone.share.whole) == (1, 2)


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


def test_every_profile_stands_in_one_lane(acme):
    at = timezone.now()
    went(acme, "applicant", "screen")
    went(acme, "applicant", "offer", archived_at=at, archive_reason="Hired", hired=True)
    went(acme, "applicant", archived_at=at, archive_reason="Withdrew")
    went(acme, "applicant", "unheard-of")
    moves.gone(went(acme, "applicant"), at)
    found = {lane.text: len(lane.journeys) for lane in lanes(cohort(acme))}
    assert found == {
        "New applicant": 0,
        "Recruiter screen": 1,
        "On-site loop": 0,
        "Offer": 0,
        "Hired": 1,
        "Archived": 1,
        "Another stage": 1,
        "Deleted in Lever": 1,
    }


def test_a_gone_stage_keeps_its_lane_as_long_as_somebody_was_in_it(acme):
    went(acme, "applicant", "loop")
    kept = [("applicant", "New applicant"), ("offer", "Offer")]
    stages.replace(acme, kept)
    assert "On-site loop" in [lane.text for lane in lanes(cohort(acme))]


def test_who_went_on_is_counted_by_passages(acme):
    for _ in range(3):
        went(acme, "applicant", "screen")
    went(acme, "applicant", archived_at=timezone.now(), archive_reason="Withdrew")
    lane = next(lane for lane in lanes(cohort(acme)) if lane.text == "New applicant")
    assert (lane.went_on.share.part, lane.went_on.share.whole, lane.went_on.open) == (3, 4, 0)
