from datetime import datetime, timedelta

import pytest
from django.utils import timezone

import factories
from nomdecode.candidates import consent, erasure
from nomdecode.candidates.models import Candidate, PassChoice
from nomdecode.candidates.signals import consent_changed
from nomdecode.orgs.models import AuditEvent

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


@pytest.fixture
def candidate() -> Candidate:
    """Asked just now; the organisation reminds after 3 days and lets it lapse after 14."""
    candidate = factories.candidate()
    consent.ask(candidate, NOW)
    return candidate


def kinds(candidate: Candidate) -> list[str]:
    return list(candidate.letters.order_by("id").values_list("kind", flat=True))


def state(candidate: Candidate, now: datetime = NOW) -> str:
    return consent.state(Candidate.objects.get(pk=candidate.pk), now)


def test_who_chose_to_be_named_need_not_be_asked() -> None:
    candidate = factories.candidate(choice=PassChoice.NAME_ME)
    assert state(candidate) == "yes"
    consent.ask(candidate, NOW)
    assert kinds(candidate) == ["private_link"]


def test_who_chose_to_be_asked_is_unasked_then_waiting_then_lapsed() -> None:
    candidate = factories.candidate()
    assert state(candidate) == "unasked"
    consent.ask(candidate, NOW)
    assert state(candidate) == "waiting"
    assert state(candidate, NOW + 14 * DAY) == "lapsed"


def test_being_asked_is_a_letter_and_once_is_enough(candidate: Candidate) -> None:
    consent.ask(candidate, NOW + DAY)
    assert kinds(candidate) == ["private_link", "consent_question"]
    assert Candidate.objects.get().lapses_at == NOW + 14 * DAY


@pytest.mark.parametrize(("yes", "word"), [(True, "yes"), (False, "no")])
def test_an_answer_counts_is_told_and_is_in_the_trail(
    candidate: Candidate, yes: bool, word: str
) -> None:
    heard = []

    def hear(answer: bool, **_: object) -> None:
        heard.append(answer)

    consent_changed.connect(hear)
    consent.answer(candidate, yes, NOW)
    consent.answer(candidate, yes, NOW)  # a second click
    consent_changed.disconnect(hear)
    assert (state(candidate), heard, candidate.consents.count()) == (word, [yes], 1)
    action = "candidate.consented" if yes else "candidate.refused"
    assert AuditEvent.objects.filter(action=action, by="candidate").count() == 1


def test_a_no_can_become_a_yes_until_it_lapses(candidate: Candidate) -> None:
    consent.answer(candidate, False, NOW)
    consent.answer(candidate, True, NOW + 13 * DAY)
    assert state(candidate) == "yes"


def test_a_yes_after_the_time_is_over_is_too_late(candidate: Candidate) -> None:
    with pytest.raises(consent.TooLate):
        consent.answer(candidate, True, NOW + 14 * DAY)
    assert not candidate.consents.exists()


def test_a_yes_can_be_taken_back_at_any_time(candidate: Candidate) -> None:
    consent.answer(candidate, True, NOW)
    consent.answer(candidate, False, NOW + 100 * DAY)
    assert state(candidate) == "no"


def test_whoever_withdrew_is_not_named(candidate: Candidate) -> None:
    consent.answer(candidate, True, NOW)
    erasure.withdraw(candidate)
    assert state(candidate) == "no"
    with pytest.raises(consent.TooLate):
        consent.answer(candidate, True, NOW)


def test_a_reminder_goes_once_after_the_organisations_days(candidate: Candidate) -> None:
    consent.due(NOW + 2 * DAY)
    assert kinds(candidate) == ["private_link", "consent_question"]
    consent.due(NOW + 3 * DAY)
    consent.due(NOW + 4 * DAY)
    assert kinds(candidate)[2:] == ["consent_reminder"]


def test_who_has_answered_is_not_reminded(candidate: Candidate) -> None:
    consent.answer(candidate, False, NOW)
    consent.due(NOW + 20 * DAY)
    assert kinds(candidate) == ["private_link", "consent_question"]
    assert not AuditEvent.objects.filter(action="candidate.lapsed").exists()


def test_a_lapse_is_told_once(candidate: Candidate) -> None:
    consent.due(NOW + 14 * DAY)
    consent.due(NOW + 15 * DAY)
    assert AuditEvent.objects.filter(action="candidate.lapsed").count() == 1
    assert state(candidate, NOW + 15 * DAY) == "lapsed"
