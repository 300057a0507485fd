"""When an interview is, who holds it, and what becomes of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

import factories
from nomdecode.candidates import erasure
from nomdecode.candidates.models import Letter
from nomdecode.interviews import scheduling
from nomdecode.interviews.models import Assignment, Interview, State
from nomdecode.interviews.refusals import Refused, Stale
from nomdecode.orgs.models import AuditEvent, Member, Role

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SOON = NOW + timedelta(days=2)


@pytest.fixture
def recruiter() -> Member:
    return factories.member(role=Role.RECRUITER)


@pytest.fixture
def fresh(recruiter: Member) -> Interview:
    return factories.interview(factories.position(recruiter.organisation))


def team(of: Any, size: int = 2) -> list[Member]:
    return [factories.member(of, Role.INTERVIEWER) for _ in range(size)]


def plan(team: list[Member], at: datetime = SOON, **changes: Any) -> scheduling.Plan:
    fields = {"minutes": 60, "meeting_url": "https://meet.example/a", "decider": team[0]}
    return scheduling.Plan(starts_at=at, interviewers=tuple(team), **{**fields, **changes})


def letters(interview: Interview) -> list[str]:
    kinds = interview.candidate.letters.exclude(kind="private_link")
    return list(kinds.order_by("id").values_list("kind", flat=True))


def test_it_gets_a_time_interviewers_and_one_decider(fresh: Interview, recruiter: Member) -> None:
    people = team(fresh.organisation)
    done = scheduling.schedule(fresh, plan(people), 0, recruiter)
    assert (done.state, done.starts_at) == (State.SCHEDULED, SOON)
    assert [(a.member, a.decider) for a in done.assignments.all()] == [
        (people[0], True),
        (people[1], False),
    ]
    assert letters(fresh) == ["scheduled"]


def test_the_second_of_two_editors_is_told(fresh: Interview, recruiter: Member) -> None:
    people = team(fresh.organisation)
    scheduling.schedule(fresh, plan(people), 0, recruiter)
    with pytest.raises(Stale):
        scheduling.schedule(fresh, plan(people[:1]), 0, recruiter)


def test_moving_it_tells_the_candidate_again(fresh: Interview, recruiter: Member) -> None:
    people = team(fresh.organisation)
    scheduling.schedule(fresh, plan(people), 0, recruiter)
    later = SOON + timedelta(hours=1)
    scheduling.schedule(fresh, plan(people, later), 1, recruiter)
    assert letters(fresh) == ["scheduled", "scheduled"]
    assert AuditEvent.objects.filter(action="interview.moved").count() == 1


def test_other_interviewers_alone_are_no_news_for_the_candidate(
    fresh: Interview, recruiter: Member
) -> None:
    people = team(fresh.organisation)
    scheduling.schedule(fresh, plan(people), 0, recruiter)
    scheduling.schedule(fresh, plan(people, decider=people[1]), 1, recruiter)
    assert letters(fresh) == ["scheduled"]
    assert fresh.assignments.get(decider=True).member == people[1]


def test_who_is_no_longer_chosen_is_no_longer_assigned(fresh: Interview, recruiter: Member) -> None:
    people = team(fresh.organisation)
    scheduling.schedule(fresh, plan(people), 0, recruiter)
    scheduling.schedule(fresh, plan(people[:1]), 1, recruiter)
    assert [each.member for each in fresh.assignments.all()] == people[:1]


def test_held_it_cannot_move(recruiter: Member) -> None:
    interview = factories.held_interview(factories.position(recruiter.organisation))
    with pytest.raises(Refused):
        scheduling.schedule(interview, plan(team(recruiter.organisation)), 0, recruiter)


def test_after_a_no_show_it_can_be_scheduled_again(recruiter: Member) -> None:
    interview = factories.held_interview(factories.position(recruiter.organisation))
    missed = scheduling.no_show(interview, recruiter)
    again = scheduling.schedule(
        missed, plan(team(recruiter.organisation)), missed.version, recruiter
    )
    assert again.state == State.SCHEDULED


def test_a_scorecard_says_that_the_candidate_came(recruiter: Member) -> None:
    interview = factories.held_interview(factories.position(recruiter.organisation))
    factories.submitted(interview.assignments.get())
    with pytest.raises(Refused):
        scheduling.no_show(interview, recruiter)


def test_cancelled_by_the_organisation_the_candidate_is_told(
    fresh: Interview, recruiter: Member
) -> None:
    scheduling.cancel(fresh, "organisation", recruiter)
    assert letters(fresh) == ["cancelled"]


def test_a_candidate_who_withdraws_cancels_it_and_gets_no_letter(fresh: Interview) -> None:
    erasure.withdraw(fresh.candidate)
    fresh.refresh_from_db()
    assert (fresh.state, fresh.cancelled_because) == (State.CANCELLED, "candidate")
    assert letters(fresh) == []


def test_a_candidate_who_is_erased_cancels_it(fresh: Interview) -> None:
    erasure.erase(fresh.candidate)
    fresh.refresh_from_db()
    assert fresh.state == State.CANCELLED


def test_who_withdraws_after_it_was_held_leaves_it_held() -> None:
    interview = factories.held_interview()
    erasure.withdraw(interview.candidate)
    interview.refresh_from_db()
    assert interview.state == State.HELD


def test_a_withdrawn_candidate_is_not_scheduled_again(fresh: Interview, recruiter: Member) -> None:
    erasure.withdraw(fresh.candidate)
    with pytest.raises(Refused):
        scheduling.schedule(fresh, plan(team(fresh.organisation)), 1, recruiter)
    assert not Letter.objects.filter(kind="scheduled").exists()


# --- not before it begins


def beginning_in(minutes: float, of: Member) -> Interview:
    begins = timezone.now() + timedelta(minutes=minutes)
    return factories.interview(factories.position(of.organisation), team(of.organisation), begins)


def test_before_it_begins_nobody_can_have_stayed_away(recruiter: Member) -> None:
    with pytest.raises(Refused, match="may still come"):
        scheduling.no_show(beginning_in(1, recruiter), recruiter)
    assert scheduling.no_show(beginning_in(-1, recruiter), recruiter).state == State.NO_SHOW


def test_it_may_begin_a_little_early_but_not_much(recruiter: Member) -> None:
    with pytest.raises(Refused, match="has not begun"):
        scheduling.held(beginning_in(16, recruiter), recruiter, timezone.now())
    held = scheduling.held(beginning_in(14, recruiter), recruiter, timezone.now())
    assert held.state == State.HELD


# --- interviewers


@pytest.fixture
def pair(recruiter: Member) -> list[Assignment]:
    """The places of a held interview: the decider's and another."""
    position = factories.position(recruiter.organisation)
    interview = factories.held_interview(position, team(recruiter.organisation))
    return list(interview.assignments.all())


def test_who_recognised_the_person_is_replaced(pair: list[Assignment], recruiter: Member) -> None:
    scheduling.recognise(pair[0], NOW)
    newcomer = factories.member(recruiter.organisation, Role.INTERVIEWER)
    place = scheduling.reassign(pair[0], newcomer, recruiter, NOW)
    assert (place.member, place.decider) == (newcomer, True)
    assert not Assignment.objects.filter(pk=pair[0].pk).exists()


def test_the_deciders_place_can_go_to_another_interviewer(
    pair: list[Assignment], recruiter: Member
) -> None:
    place = scheduling.reassign(pair[0], pair[1].member, recruiter, NOW)
    assert place == pair[1]
    assert place.decider


def test_a_place_cannot_go_to_who_is_there_already(
    pair: list[Assignment], recruiter: Member
) -> None:
    with pytest.raises(Refused):
        scheduling.reassign(pair[1], pair[0].member, recruiter, NOW)


def test_who_sent_a_scorecard_is_not_replaced(pair: list[Assignment], recruiter: Member) -> None:
    factories.submitted(pair[0])
    with pytest.raises(Refused):
        scheduling.reassign(pair[0], recruiter, recruiter, NOW)


def test_the_decider_cannot_be_excused(pair: list[Assignment], recruiter: Member) -> None:
    with pytest.raises(Refused):
        scheduling.excuse(pair[0], recruiter, NOW)


def test_who_sent_a_scorecard_needs_no_excuse(pair: list[Assignment], recruiter: Member) -> None:
    factories.submitted(pair[1], "")
    with pytest.raises(Refused):
        scheduling.excuse(pair[1], recruiter, NOW)


def test_a_place_that_is_gone_is_refused_with_a_sentence(
    pair: list[Assignment], recruiter: Member
) -> None:
    newcomer = factories.member(recruiter.organisation)
    scheduling.reassign(pair[1], newcomer, recruiter, NOW)
    with pytest.raises(Refused, match="no longer an interviewer"):
        factories.submitted(pair[1])
