""" "May we name you?": asked, answered, reminded of, lapsed. The newest answer counts."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from nomdecode.candidates import letters
from nomdecode.candidates.models import Candidate, Consent
from nomdecode.candidates.signals import consent_changed
from nomdecode.orgs import audit, live

TEXT_VERSION = "4"  # of what candidates/consent.html says; a new wording is a new version


class TooLate(Exception):
    """The time to answer is over, or the candidate has withdrawn."""


def state(candidate: Candidate, now: datetime) -> str:
    """yes, no, waiting (asked), lapsed (asked, no answer in time), unasked."""
    if candidate.withdrawn_at or candidate.erased_at:
        return "no"
    newest = candidate.consents.first()
    if newest:
        return "yes" if newest.answer else "no"
    if candidate.asked_at is None:
        return "unasked"
    return "lapsed" if _over(candidate, now) else "waiting"


def may_still_agree(candidate: Candidate, now: datetime) -> bool:
    return not (candidate.withdrawn_at or candidate.erased_at or _over(candidate, now))


def _over(candidate: Candidate, now: datetime) -> bool:
    return candidate.lapses_at is not None and now >= candidate.lapses_at


@transaction.atomic
def ask(candidate: Candidate, now: datetime) -> None:
    """Puts the question once; the candidate has the organisation's days to answer.

    Who has answered beforehand is sent nothing, and has as long to change it.
    """
    locked = lock(candidate)
    if locked.lapses_at or locked.withdrawn_at or locked.erased_at:
        return
    unasked = state(locked, now) == "unasked"
    candidate.asked_at = now if unasked else None
    candidate.lapses_at = now + timedelta(days=candidate.organisation.lapse_after_days)
    candidate.save(update_fields=["asked_at", "lapses_at"])
    if unasked:
        letters.send(candidate, "consent_question")


@transaction.atomic
def ask_anew(candidate: Candidate, now: datetime) -> None:
    """After a restore that lost the answer: whose time is over is asked as if they never were."""
    if state(lock(candidate), now) != "lapsed":
        return
    again = dict.fromkeys(("asked_at", "reminded_at", "lapses_at", "lapsed_at"))
    Candidate.objects.filter(pk=candidate.pk).update(**again)


@transaction.atomic
def answer(candidate: Candidate, yes: bool, now: datetime) -> None:
    """Records the answer. A yes may come too late (TooLate); taking it back never does.

    A no after the profile left changes nothing in Lever: the page says so.
    """
    locked = lock(candidate)
    if yes and not may_still_agree(locked, now):
        raise TooLate
    before = state(locked, now)
    if before == ("yes" if yes else "no"):
        return
    record(candidate, yes)
    audit.record(
        candidate.organisation,
        "candidate.consented" if yes else "candidate.refused",
        candidate,
        by="candidate",
        text_version=TEXT_VERSION,
    )
    _tell(candidate, yes)


def record(candidate: Candidate, yes: bool) -> None:
    Consent.objects.create(candidate=candidate, answer=yes, text_version=TEXT_VERSION)


def _tell(candidate: Candidate, yes: bool) -> None:
    consent_changed.send(Candidate, candidate=candidate, answer=yes)
    live.publish(candidate.organisation_id, "needs")  # not interviewers


def lock(candidate: Candidate) -> Candidate:
    """The row, locked: answers, erasure and an export's start come one after the other."""
    return Candidate.objects.select_for_update().get(pk=candidate.pk)


# --- in time


def due(now: datetime | None = None) -> None:
    """Reminds who was asked and has not answered; closes the question where time is over."""
    now = now or timezone.now()
    asked = Candidate.objects.filter(
        asked_at__isnull=False, consents=None, lapsed_at=None, withdrawn_at=None, erased_at=None
    ).select_related("organisation")
    for candidate in asked.filter(lapses_at__lte=now):
        _lapse(candidate, now)
    remind_after = F("organisation__remind_after_days") * timedelta(days=1)
    waiting = asked.filter(lapses_at__gt=now, reminded_at=None)
    for candidate in waiting.filter(Q(asked_at__lte=now - remind_after)):
        _remind(candidate, now)


@transaction.atomic
def _lapse(candidate: Candidate, now: datetime) -> None:
    if state(lock(candidate), now) != "lapsed":
        return
    Candidate.objects.filter(pk=candidate.pk).update(lapsed_at=now)
    audit.record(candidate.organisation, "candidate.lapsed", candidate)
    _tell(candidate, False)


@transaction.atomic
def _remind(candidate: Candidate, now: datetime) -> None:
    if Candidate.objects.filter(pk=candidate.pk, reminded_at=None).update(reminded_at=now):
        letters.send(candidate, "consent_reminder")
