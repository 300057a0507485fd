"""Drafts are never lost, a scorecard is sent once, and can be amended until the outcome leaves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

import factories
from nomdecode.candidates import erasure
from nomdecode.candidates.models import Candidate
from nomdecode.interviews import positions, scorecards
from nomdecode.interviews.models import Assignment, Interview, Outcome, Scorecard, State
from nomdecode.interviews.refusals import (
    AlreadySubmitted,
    Incomplete,
    NotHeld,
    Stale,
    TooLate,
)
from nomdecode.orgs.models import AuditEvent, Decision, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def interview() -> Interview:
    return factories.held_interview()


@pytest.fixture
def place(interview: Interview) -> Assignment:
    return interview.assignments.get()


def on_hold(minutes: int = 15) -> Assignment:
    of = factories.organisation(hold_minutes=minutes)
    return factories.held_interview(factories.position(of)).assignments.get()


def content(place: Assignment, **changes: Any) -> dict[str, Any]:
    return {**factories.scorecard_content(place.interview), **changes}


# --- what a whole one needs


def errors_of(place: Assignment, **changes: Any) -> dict[str, str]:
    with pytest.raises(Incomplete) as refused:
        scorecards.submit(place, content(place, **changes), timezone.now())
    return refused.value.errors


def test_each_criterion_needs_a_rating(place: Assignment) -> None:
    ratings = content(place)["ratings"]
    first = next(iter(ratings))
    ratings[first]["rating"] = None
    assert set(errors_of(place, ratings=ratings)) == {f"rating-{first}"}


@pytest.mark.parametrize("rating", [0, 5, "3", 2.5, None])
def test_a_rating_is_one_of_four(place: Assignment, rating: Any) -> None:
    ratings = content(place)["ratings"]
    first = next(iter(ratings))
    ratings[first]["rating"] = rating
    assert f"rating-{first}" in errors_of(place, ratings=ratings)


@pytest.mark.parametrize("evidence", ["", "   ", "good", "x" * 4001])
def test_each_rating_needs_written_evidence(place: Assignment, evidence: str) -> None:
    ratings = content(place)["ratings"]
    first = next(iter(ratings))
    ratings[first]["evidence"] = evidence
    assert set(errors_of(place, ratings=ratings)) == {f"evidence-{first}"}


def test_the_decider_needs_a_decision(place: Assignment) -> None:
    assert set(errors_of(place, decision="")) == {"decision"}


def test_it_needs_to_say_whether_the_person_was_recognised(place: Assignment) -> None:
    assert set(errors_of(place, recognised="")) == {"recognised"}


def test_a_retired_criterion_is_not_asked(place: Assignment) -> None:
    criterion = place.interview.position.criteria.first()
    assert criterion
    criterion.retired = True
    criterion.save()
    card = scorecards.submit(place, content(place), timezone.now())
    assert str(criterion.pk) not in card.content["ratings"]


def test_a_criterion_retired_afterwards_keeps_its_rating(place: Assignment) -> None:
    card = factories.submitted(place)
    positions.Criterion.objects.update(retired=True)
    place.rephrase_asked_at = timezone.now()
    place.save()
    again = scorecards.submit(place, card.content, timezone.now(), amends=1)
    assert again.content == card.content


# --- sending


def test_the_same_twice_is_one_scorecard(place: Assignment) -> None:
    first, second = factories.submitted(place), factories.submitted(place)
    assert (first, Scorecard.objects.count()) == (second, 1)


def test_another_one_from_an_old_tab_is_refused(place: Assignment) -> None:
    factories.submitted(place)
    with pytest.raises(AlreadySubmitted):
        factories.submitted(place, Decision.NO)


def test_it_is_too_early_before_the_interview() -> None:
    interviewer = factories.member()
    early = factories.interview(factories.position(interviewer.organisation), [interviewer])
    with pytest.raises(NotHeld):
        factories.submitted(early.assignments.get())


def test_the_first_one_after_the_beginning_says_that_it_was_held() -> None:
    interviewer = factories.member()
    began = timezone.now() - timedelta(minutes=50)
    position = factories.position(interviewer.organisation)
    interview = factories.interview(position, [interviewer], began)
    factories.submitted(interview.assignments.get())
    interview.refresh_from_db()
    assert interview.state == State.HELD


def test_a_cancelled_interview_takes_none(interview: Interview, place: Assignment) -> None:
    Interview.objects.update(state=State.CANCELLED)
    with pytest.raises(NotHeld):
        factories.submitted(place)


def test_it_is_in_the_audit_trail_without_its_text(place: Assignment) -> None:
    factories.submitted(place)
    event = AuditEvent.objects.get(action="scorecard.submitted")
    assert (event.member, event.detail) == (place.member, {"version": 1})


# --- amending


def test_it_can_be_amended_until_the_hold_is_over_and_keeps_its_history() -> None:
    place, now = on_hold(), timezone.now()
    factories.submitted(place, at=now)
    scorecards.submit(place, content(place, notes="Later."), now, amends=1)
    versions = place.scorecards.values_list("version", "content__notes")
    assert list(versions) == [(1, ""), (2, "Later.")]


def test_it_cannot_be_amended_once_the_outcome_has_left() -> None:
    place, now = on_hold(), timezone.now()
    factories.submitted(place, at=now)
    late = now + timedelta(minutes=15)
    with pytest.raises(TooLate):
        scorecards.submit(place, content(place, notes="Later."), late, amends=1)


def asked_to_rephrase() -> Assignment:
    place = factories.held_interview().assignments.get()
    factories.submitted(place)
    place.rephrase_asked_at = timezone.now()
    place.save()
    return place


def test_it_can_be_rephrased_after_that_when_asked() -> None:
    place = asked_to_rephrase()
    scorecards.submit(place, content(place, notes="The work."), timezone.now(), amends=1)
    place.refresh_from_db()
    assert place.rephrase_asked_at is None


def test_what_was_rephrased_keeps_its_ratings_and_not_its_words() -> None:
    place = asked_to_rephrase()
    before = place.scorecards.get()
    scorecards.submit(place, content(place, notes="The work."), timezone.now(), amends=1)
    first, second = place.scorecards.all()
    assert first.wordless and not first.content["notes"] and not second.wordless
    assert scorecards._judgement(first.content) == scorecards._judgement(before.content)


def test_where_nothing_was_to_be_rated_no_words_were_dropped() -> None:
    assert not Scorecard(content={"ratings": {}, "notes": "Calm."}).wordless


def test_rephrasing_cannot_change_the_judgement() -> None:
    place = asked_to_rephrase()
    with pytest.raises(TooLate):
        scorecards.submit(place, content(place, decision="no"), timezone.now(), amends=1)


# --- once the candidate's details are erased


def words_of(place: Assignment) -> set[str]:
    place.refresh_from_db()
    kept = [place.draft, *place.scorecards.values_list("content", flat=True)]
    texts = [each.get("notes", "") for each in kept]
    texts += [entry["evidence"] for each in kept for entry in each.get("ratings", {}).values()]
    return set(texts) - {""}


def erased_amid_an_amendment() -> Assignment:
    """Sent twice and about to be amended once more, in an open tab."""
    place, now = on_hold(), timezone.now()
    factories.submitted(place, at=now)
    scorecards.submit(place, content(place, notes="Lovelace, I think."), now, amends=1)
    scorecards.save_draft(place, content(place, notes="Or Marigold?"), 2, "tab", 1)
    Assignment.objects.update(rephrase_asked_at=now)
    erasure.erase(place.interview.candidate)
    return place


def test_no_version_and_no_draft_keeps_a_word() -> None:
    """Were only those dropped that name the person, whoever wrote them would read which do."""
    place = erased_amid_an_amendment()
    assert words_of(place) == set()
    assert (place.draft, place.rephrase_asked_at) == ({}, None)


def test_ratings_and_decisions_stay() -> None:
    place = erased_amid_an_amendment()
    judged = scorecards._judgement(content(place))
    assert [scorecards._judgement(each.content) for each in place.scorecards.all()] == [judged] * 2
    assert {each.decision for each in place.scorecards.all()} == {Decision.YES}


def test_carried_out_again_after_a_restore_the_words_go_as_well() -> None:
    place = erased_amid_an_amendment()
    Candidate.objects.update(erased_at=None)
    scorecards.submit(place, content(place, notes="Lovelace."), timezone.now(), amends=2)
    assert erasure.replay() == 1
    assert words_of(place) == set()


def test_a_tab_that_was_open_brings_no_words_back() -> None:
    place = erased_amid_an_amendment()
    late = content(place, notes="Or Marigold?", decision="no")
    with pytest.raises(Stale, match="erased"):
        scorecards.save_draft(place, late, 3, "tab", 2)
    place.refresh_from_db()
    scorecards.save_draft(place, late, place.draft_version, "tab", 3)  # "Keep this one"
    assert words_of(place) == set()
    assert place.draft["decision"] == "no"
    card = scorecards.submit(place, late, timezone.now(), amends=2)
    assert words_of(place) == set()
    assert (card.version, card.decision) == (3, "no")


def test_sent_without_words_it_is_whole(place: Assignment) -> None:
    erasure.erase(place.interview.candidate)
    blank = content(place)
    for entry in blank["ratings"].values():
        entry["evidence"] = ""
    assert scorecards.submit(place, blank, timezone.now()).wordless


# --- drafts


def test_a_draft_is_kept(place: Assignment) -> None:
    scorecards.save_draft(place, {"notes": "So far"}, 0)
    place.refresh_from_db()
    assert place.draft == {"notes": "So far"}


def test_two_tabs_do_not_overwrite_each_other(place: Assignment) -> None:
    scorecards.save_draft(place, {"notes": "One tab"}, 0)
    with pytest.raises(Stale):
        scorecards.save_draft(place, {"notes": "The other tab"}, 0)
    place.refresh_from_db()
    assert place.draft == {"notes": "One tab"}


def test_the_same_from_two_tabs_is_no_conflict(place: Assignment) -> None:
    version = scorecards.save_draft(place, {"notes": "Same"}, 0)
    assert scorecards.save_draft(place, {"notes": "Same"}, 0) == version


def test_a_page_goes_on_from_its_own_draft_though_the_answer_was_lost(place: Assignment) -> None:
    scorecards.save_draft(place, {"notes": "Asked"}, 0, "page", 1)
    scorecards.save_draft(place, {"notes": "Asked first"}, 0, "page", 2)
    place.refresh_from_db()
    assert place.draft["notes"] == "Asked first"


def test_what_a_page_sent_before_and_comes_late_is_dropped(place: Assignment) -> None:
    scorecards.save_draft(place, {"notes": "Asked first"}, 0, "page", 2)
    scorecards.save_draft(place, {"notes": "Asked"}, 0, "page", 1)
    place.refresh_from_db()
    assert place.draft["notes"] == "Asked first"


def test_what_a_page_sends_when_it_is_left_replaces_no_draft_of_another(place: Assignment) -> None:
    scorecards.save_draft(place, {"notes": "One tab"}, 0, "page", 1)
    scorecards.save_draft(place, {"notes": "The other tab"}, 1, "other", 1)
    with pytest.raises(Stale):
        scorecards.save_draft(place, {"notes": "One tab, late"}, 1, "page", 2)


def test_what_a_page_sends_when_it_is_left_does_not_come_after_the_scorecard(
    place: Assignment,
) -> None:
    scorecards.save_draft(place, {"notes": "Draft"}, 0, "page", 1)
    factories.submitted(place)
    with pytest.raises(Stale):
        scorecards.save_draft(place, {"notes": "Late"}, 1, "page", 2)


def test_a_draft_typed_in_another_tab_before_sending_does_not_come_back(
    place: Assignment,
) -> None:
    scorecards.save_draft(place, {"notes": "Draft"}, 0)
    factories.submitted(place)
    with pytest.raises(Stale):
        scorecards.save_draft(place, {"notes": "Old tab"}, 1)


@pytest.mark.django_db(transaction=True)
def test_two_scorecards_at_the_same_moment_do_not_miss_each_other() -> None:
    position = factories.position()
    team = [factories.member(position.organisation, Role.INTERVIEWER) for _ in range(2)]
    interview = factories.held_interview(position, team)
    both = Barrier(2)

    def send(place: Assignment) -> None:
        both.wait()
        try:
            factories.submitted(place)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send, interview.assignments.select_related("interview__position")))
    assert Outcome.objects.filter(interview=interview).exists()
