"""Whether there are facts that what was computed at some moment does not know."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from nomdecode.orgs.models import AuditEvent, Organisation

LATE = timedelta(seconds=5)  # others see a row so long after the time in it, when it is committed
ANSWERED = ["candidate.consented", "candidate.refused", "candidate.lapsed"]
ANSWERED += ["candidate.withdrew", "candidate.erased"]
HAPPENED = Q(action__startswith="scorecard.") | Q(action__startswith="interview.")


def of_profiles(organisation: Organisation, moment: datetime) -> bool:
    """Whether one is elsewhere since, or counts no more."""
    moved = organisation.journeys.filter(changed_at__gt=moment - LATE)
    amended = _trail(organisation, moment).filter(action="scorecard.amended")
    return moved.exists() or amended.exists()


def of_anything(organisation: Organisation, moment: datetime) -> bool:
    """Also of interviews, scorecards, and what candidates say."""
    answered = organisation.interviews.filter(asked_who_at__gt=moment - LATE)
    told = _trail(organisation, moment).filter(HAPPENED | Q(action__in=ANSWERED))
    return of_profiles(organisation, moment) or answered.exists() or told.exists()


def _trail(organisation: Organisation, moment: datetime) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(organisation=organisation, at__gt=moment - LATE)
