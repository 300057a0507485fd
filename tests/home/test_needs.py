"""What a member is asked to do, and what waits by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

import factories
from nomdecode.home import first_steps, needs, waiting
from nomdecode.interviews.models import Assignment, Scorecard, State
from nomdecode.lever import connection as connections
from nomdecode.lever import problems
from nomdecode.lever.models import Export, ExportState, Kind, Problem
from nomdecode.orgs.models import Role
from nomdecode.pipeline import moves

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def acme():
    return factories.organisation()


@pytest.fixture
def ada(acme):
    return factories.member(acme, Role.ADMIN, "Ada Byron")


@pytest.fixture
def iris(acme):
    return factories.member(acme, Role.INTERVIEWER, "Iris Chen")


def interview(organisation, *interviewers, state=State.HELD, hours_ago=30):
    at = NOW - timedelta(hours=hours_ago)
    made = factories.passed(organisation, at=at)
    made.outcome.delete()
    made.state, made.held_at = state, at if state == State.HELD else None
    made.starts_at = None if state == State.UNSCHEDULED else at
    made.save()
    for member in interviewers:
        Assignment.objects.create(interview=made, member=member, decider=member == interviewers[0])
    return made


def export(organisation, state, reason="", kind=Kind.NAMED):
    return Export.objects.create(
        interview=factories.passed(organisation),
        organisation=organisation,
        state=state,
        reason=reason,
        kind=kind,
    )


def sentences(member):
    return [(need.sentence, need.action) for need in needs.of(member, NOW)]


def waits(member):
    return [(wait.count, wait.words) for wait in waiting.of(member, NOW)]


def test_where_nothing_needs_anybody_the_database_is_asked_once(ada, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert needs.of(ada, NOW) == []


def test_what_needs_one_company_does_not_need_another(acme, ada, iris):
    interview(acme, iris, state=State.UNSCHEDULED)
    export(acme, ExportState.STOPPED, "lever_refused")
    elsewhere = factories.member(factories.organisation(), Role.ADMIN)
    assert (len(needs.of(ada, NOW)), needs.of(elsewhere, NOW)) == (2, [])


def test_an_interviewer_is_asked_for_their_own_scorecard(acme, iris):
    interview(acme, iris, hours_ago=1)
    interview(acme, factories.member(acme, Role.INTERVIEWER))
    assert sentences(iris) == [("Your scorecard is due", "Write it")]


def test_a_sent_scorecard_needs_nobody(acme, iris):
    made = interview(acme, iris)
    Scorecard.objects.create(assignment=made.assignments.get(), content={}, at=NOW)
    assert sentences(iris) == []


def test_an_interviewer_is_asked_to_rephrase_but_not_told_what(acme, iris):
    made = factories.passed(acme)
    Assignment.objects.create(interview=made, member=iris, rephrase_asked_at=NOW)
    assert sentences(iris) == [("Something in your scorecard may identify the person", "Rephrase")]


def test_a_scorecard_overdue_for_a_day_asks_staff_for_a_reminder(acme, ada, iris):
    made = interview(acme, iris, hours_ago=25)
    interview(acme, iris, hours_ago=23)
    (need,) = needs.of(ada, NOW)
    assert (need.sentence, need.remind) == ("Scorecard due", made.assignments.get())


def test_after_a_reminder_it_waits_for_a_day(acme, ada, iris):
    made = interview(acme, iris, hours_ago=80)
    made.assignments.update(reminded_at=NOW - timedelta(hours=2))
    assert sentences(ada) == []
    assert waits(ada) == [("1 scorecard", "due")]
    made.assignments.update(reminded_at=NOW - timedelta(hours=25))
    assert sentences(ada) == [("Scorecard due", "Remind")]


def test_who_recognised_the_person_is_to_be_replaced(acme, ada, iris):
    made = interview(acme, iris, state=State.SCHEDULED, hours_ago=-5)
    made.assignments.update(recognised_at=NOW)
    assert sentences(ada) == [("Iris Chen recognised the person", "Reassign")]
    assert sentences(iris) == []


def test_a_new_interview_is_to_be_scheduled_unless_the_candidate_has_left(acme, ada):
    interview(acme, state=State.UNSCHEDULED)
    left = interview(acme, state=State.UNSCHEDULED)
    left.candidate.withdrawn_at = NOW
    left.candidate.save()
    assert sentences(ada) == [("To be scheduled", "Choose a time")]


def test_a_time_that_has_passed_asks_whether_it_was_held(acme, ada, iris):
    interview(acme, iris, state=State.SCHEDULED, hours_ago=3)
    assert sentences(ada) == [("Was it held?", "Say so")]


def test_exports_stopped_by_one_setting_are_one_row(acme, ada):
    export(acme, ExportState.STOPPED, "identity")
    export(acme, ExportState.STOPPED, "stage_gone")
    export(acme, ExportState.STOPPED, "stage_gone")
    connections.of(acme)
    problems.watch(NOW)
    one, lever = needs.of(ada, NOW)
    assert (one.candidate is None, lever.candidate) == (False, None)
    assert lever.sentence.endswith("; 2 interviews wait")
    assert lever.action == "Choose a stage"


def test_whoever_interviewed_is_not_told_what_stopped_it(acme, ada):
    stopped = export(acme, ExportState.STOPPED, "identity")
    mine = Assignment.objects.create(interview=stopped.interview, member=ada, decider=True)
    assert sentences(ada) == []
    Scorecard.objects.create(assignment=mine, version=1, decision="yes", content={}, at=NOW)
    assert sentences(ada) == [("Somebody who did not interview sees why", "Look")]


def test_whose_interviewers_were_asked_to_rephrase_waits_and_does_not_need_staff(acme, ada, iris):
    stopped = export(acme, ExportState.STOPPED, "identity")
    assert len(sentences(ada)) == 1
    asked = Assignment.objects.create(
        interview=stopped.interview, member=iris, rephrase_asked_at=stopped.state_since
    )
    assert sentences(ada) == []
    assert waits(ada) == [("1 profile", "waits until a scorecard is rephrased")]
    asked.rephrase_asked_at -= timedelta(hours=1)  # it stopped once more since then
    asked.save()
    assert (len(sentences(ada)), waits(ada)) == (1, [])


def test_who_interviewed_is_not_told_by_home_that_somebody_was_asked(acme, ada):
    stopped = export(acme, ExportState.STOPPED, "not_allowed")
    mine = Assignment.objects.create(interview=stopped.interview, member=ada, decider=True)
    Scorecard.objects.create(assignment=mine, version=1, decision="yes", content={}, at=NOW)
    Export.objects.update(reason="identity")
    other = factories.member(acme, Role.INTERVIEWER)
    Assignment.objects.create(
        interview=stopped.interview, member=other, rephrase_asked_at=timezone.now()
    )
    assert sentences(ada) == [("Somebody who did not interview sees why", "Look")]
    assert waits(ada) == []


def test_an_admin_is_told_what_stops_nothing_yet(acme, ada):
    Problem.objects.create(organisation=acme, kind="fallback_gone", title="Gone", opened_at=NOW)
    Problem.objects.create(organisation=acme, kind="left_out", title="Refused", opened_at=NOW)
    assert sentences(ada) == [("Gone", "Choose another")]


def test_a_recruiter_is_sent_to_an_admin_for_settings(acme):
    rex = factories.member(acme, Role.RECRUITER)
    export(acme, ExportState.STOPPED, "stage_gone")
    (need,) = needs.of(rex, NOW)
    assert need.url == ""
    assert need.sentence.endswith("for an admin")


def test_outcomes_that_wait_for_lever_are_an_admins_need_and_a_recruiters_wait(acme, ada):
    rex = factories.member(acme, Role.RECRUITER)
    export(acme, ExportState.WAITING, "off")
    assert sentences(ada) == [("Lever is not enabled; 1 profile waits", "Set it up")]
    assert (waits(ada), sentences(rex)) == ([], [])
    assert waits(rex) == [("1 profile", "waits until an admin sets up Lever")]


def test_candidates_who_are_asked_wait_with_the_oldest(acme, ada):
    for days in (1, 4):
        asked = export(acme, ExportState.WAITING, "consent").interview.candidate
        asked.asked_at = NOW - timedelta(days=days)
        asked.save()
    (wait,) = waiting.of(ada, NOW)
    assert (wait.count, wait.since) == ("2 candidates", NOW - timedelta(days=4))


def test_what_stays_here_after_its_hold_is_not_said_to_leave(acme, ada):
    export(acme, ExportState.WAITING, "hold", Kind.PSEUDONYMOUS)
    assert waits(ada) == []


def test_another_organisations_work_is_nobodys_here(acme, ada, iris):
    other = factories.organisation("Other")
    export(other, ExportState.STOPPED, "identity")
    export(other, ExportState.WAITING, "consent")
    interview(other, factories.member(other))
    assert (sentences(ada), waits(ada), sentences(iris)) == ([], [], [])


def test_first_steps_tick_off_by_what_is_there(acme, ada):
    assert [step.done for step in first_steps.of(ada)] == [False, False, False]
    factories.passed(acme)
    assert [step.done for step in first_steps.of(ada)] == [False, True, True]


def test_interviewers_have_no_first_steps(iris):
    assert first_steps.of(iris) == []


def test_of_many_that_were_deleted_in_lever_the_first_three_are_asked_about(acme, ada):
    deleted = [factories.opportunity(factories.passed(acme)) for _ in range(5)]
    for number, opportunity in enumerate(deleted):
        moves.gone(opportunity, NOW - timedelta(days=number))
    asked = [need for need in needs.of(ada, NOW) if "deleted" in need.sentence.lower()]
    assert [need.candidate for need in asked] == [
        *(each.interview.candidate for each in reversed(deleted[2:])),
        None,
    ]
    assert asked[-1].sentence == "2 more deleted there: asked about after these"
