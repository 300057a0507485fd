"""When an outcome stands, what it is, and when it leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import factories
from nomdecode.candidates import consent
from nomdecode.candidates.models import PassChoice
from nomdecode.interviews import outcome, scheduling, scorecards, signals
from nomdecode.interviews.models import Assignment, Interview, Outcome
from nomdecode.orgs.models import Decision, Organisation, Role

pytestmark = pytest.mark.django_db


@contextmanager
def announced() -> Iterator[list[Outcome]]:
    heard: list[Outcome] = []

    def hear(outcome: Outcome, **kwargs: Any) -> None:
        heard.append(outcome)

    signals.outcome_stands.connect(hear)
    try:
        yield heard
    finally:
        signals.outcome_stands.disconnect(hear)


def team(of: Organisation, size: int) -> list[Any]:
    return [factories.member(of, Role.INTERVIEWER) for _ in range(size)]


def held(size: int = 1, **organisation: Any) -> Interview:
    position = factories.position(factories.organisation(**organisation))
    return factories.held_interview(position, team(position.organisation, size))


def places(interview: Interview) -> list[Assignment]:
    return list(interview.assignments.all())


def test_it_stands_when_the_only_scorecard_is_in() -> None:
    interview = held()
    factories.submitted(places(interview)[0], Decision.YES)
    assert Outcome.objects.get(interview=interview).successful


def test_it_waits_for_the_others() -> None:
    interview = held(size=2)
    factories.submitted(places(interview)[0])
    assert not Outcome.objects.exists()


def test_it_waits_for_the_decider() -> None:
    interview = held(size=2)
    factories.submitted(places(interview)[1], decision="")
    assert not Outcome.objects.exists()


def test_it_does_not_wait_for_who_is_excused() -> None:
    interview = held(size=2)
    decider, other = places(interview)
    factories.submitted(decider)
    scheduling.excuse(other, interview.recruiter, timezone.now())
    assert Outcome.objects.get().successful


def test_the_organisation_says_which_decisions_are_a_success() -> None:
    interview = held(successful_decisions=[Decision.STRONG_YES])
    factories.submitted(places(interview)[0], Decision.YES)
    assert not Outcome.objects.get().successful


def test_a_later_change_of_that_leaves_what_stands() -> None:
    interview = held()
    factories.submitted(places(interview)[0], Decision.YES)
    Organisation.objects.update(successful_decisions=[Decision.STRONG_YES])
    outcome.evaluate(interview, timezone.now())
    assert Outcome.objects.get().successful


def test_the_decision_of_the_others_does_not_count() -> None:
    interview = held(size=2)
    decider, other = places(interview)
    factories.submitted(other, Decision.STRONG_NO)
    factories.submitted(decider, Decision.YES)
    assert Outcome.objects.get().decision == Decision.YES
    assert other.scorecard and other.scorecard.decision == ""


def test_it_leaves_at_once_without_a_hold() -> None:
    interview, now = held(), timezone.now()
    factories.submitted(places(interview)[0], at=now)
    assert Outcome.objects.get().leaves_at == now


def test_it_leaves_after_the_hold() -> None:
    interview, now = held(hold_minutes=15), timezone.now()
    factories.submitted(places(interview)[0], at=now)
    assert Outcome.objects.get().leaves_at == now + timedelta(minutes=15)


def test_an_amendment_changes_what_leaves_but_not_when() -> None:
    interview, now = held(hold_minutes=15), timezone.now()
    place = places(interview)[0]
    factories.submitted(place, Decision.YES, now)
    content = factories.scorecard_content(interview, Decision.NO)
    scorecards.submit(place, content, now + timedelta(minutes=10), amends=1)
    stands = Outcome.objects.get()
    assert (stands.successful, stands.leaves_at) == (False, now + timedelta(minutes=15))


def test_it_is_announced_when_it_stands_and_again_when_amended() -> None:
    interview, now = held(hold_minutes=15), timezone.now()
    place = places(interview)[0]
    with announced() as heard:
        factories.submitted(place, Decision.YES, now)
        content = factories.scorecard_content(interview, Decision.NO)
        scorecards.submit(place, content, now, amends=1)
    assert [each.decision for each in heard] == ["yes", "no"]


def test_nothing_is_announced_before_it_stands() -> None:
    with announced() as heard:
        factories.submitted(places(held(size=2))[0])
    assert heard == []


# --- what the candidate's side learns


def test_who_passes_is_asked_at_once_without_a_hold() -> None:
    interview, now = held(), timezone.now()
    factories.submitted(places(interview)[0], at=now)
    interview.candidate.refresh_from_db()
    assert consent.state(interview.candidate, now) == "waiting"
    assert interview.candidate.passed_at == now


def test_who_does_not_pass_is_not_asked() -> None:
    interview = held()
    factories.submitted(places(interview)[0], Decision.NO)
    interview.candidate.refresh_from_db()
    assert (interview.candidate.asked_at, interview.candidate.passed_at) == (None, None)


def test_who_agreed_in_advance_is_not_asked() -> None:
    position = factories.position()
    eager = factories.candidate(position.organisation, choice=PassChoice.NAME_ME)
    interview = factories.held_interview(position, who=eager)
    factories.submitted(places(interview)[0])
    eager.refresh_from_db()
    assert eager.asked_at is None


@pytest.mark.parametrize("hold", [0, 15], ids=["at once", "after a hold"])
@pytest.mark.parametrize("answers", [[False], [True], [True, False]])
def test_who_answered_before_passing_has_no_longer_to_change_it_than_who_is_asked(
    hold: int, answers: list[bool]
) -> None:
    interview, now = held(hold_minutes=hold), timezone.now()
    candidate = interview.candidate
    for each in answers:
        consent.answer(candidate, each, now)
    factories.submitted(places(interview)[0], at=now)
    left = now + timedelta(minutes=hold)
    outcome.ask_after_hold(left)
    candidate.refresh_from_db()
    lapses_at = left + timedelta(days=candidate.organisation.lapse_after_days)
    assert (candidate.asked_at, candidate.lapses_at) == (None, lapses_at)
    assert list(candidate.letters.values_list("kind", flat=True)) == ["private_link"]
    consent.answer(candidate, False, lapses_at)
    with pytest.raises(consent.TooLate):
        consent.answer(candidate, True, lapses_at)


def test_during_a_hold_nobody_is_asked_and_after_it_once() -> None:
    interview, now = held(hold_minutes=15), timezone.now()
    factories.submitted(places(interview)[0], at=now)
    asked = [outcome.ask_after_hold(now + timedelta(minutes=m)) for m in (0, 14, 15, 16)]
    assert asked == [0, 0, 1, 0]


def test_while_another_worker_asks_it_is_left_to_them() -> None:
    interview, now = held(hold_minutes=15), timezone.now()
    factories.submitted(places(interview)[0], at=now)
    after = now + timedelta(minutes=16)
    with factories.busy_elsewhere("interviews.ask_after_hold"):
        assert outcome.ask_after_hold(after) == 0
    assert outcome.ask_after_hold(after) == 1


def test_an_amendment_to_no_takes_the_pass_back() -> None:
    interview, now = held(hold_minutes=15), timezone.now()
    place = places(interview)[0]
    factories.submitted(place, Decision.YES, now)
    scorecards.submit(place, factories.scorecard_content(interview, "no"), now, amends=1)
    interview.candidate.refresh_from_db()
    assert interview.candidate.passed_at is None
    assert outcome.ask_after_hold(now + timedelta(hours=1)) == 0


def test_who_has_withdrawn_is_not_asked() -> None:
    interview = held()
    interview.candidate.withdrawn_at = timezone.now()
    interview.candidate.save()
    factories.submitted(places(interview)[0])
    interview.candidate.refresh_from_db()
    assert interview.candidate.asked_at is None


# --- the order in which things come in does not matter


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[int, str]], str]:
    """(place, "submit" or "excuse") for the decider (0) and two others, shuffled."""
    ways = [(0, "submit"), *((n, draw(st.sampled_from(["submit", "excuse"]))) for n in (1, 2))]
    return draw(st.permutations(ways)), draw(st.sampled_from(Decision.values))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories())
def test_scorecards_and_excuses_in_any_order_make_the_same_outcome(
    history: tuple[list[tuple[int, str]], str],
) -> None:
    steps, decision = history
    interview, now = held(size=3), timezone.now()
    for number, (place, way) in enumerate(steps):
        assert not Outcome.objects.filter(interview=interview).exists(), "stood too early"
        at = now + timedelta(minutes=number)
        if way == "submit":
            factories.submitted(places(interview)[place], decision, at)
        else:
            scheduling.excuse(places(interview)[place], interview.recruiter, at)
    stands = Outcome.objects.get(interview=interview)
    assert (stands.decision, stands.successful) == (decision, decision in ("yes", "strong_yes"))
    assert stands.stands_at == now + timedelta(minutes=2)
