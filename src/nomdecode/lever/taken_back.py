"""Profiles in Lever of people who took their word back before all of it was there, or whose yes
is not known here: a restore lost it."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from nomdecode.candidates.models import Consent
from nomdecode.lever.models import ExportState, ExportStep
from nomdecode.pipeline.models import Opportunity

BACK = {
    "interview__export__state": ExportState.ENDED,
    "interview__export__reason__in": ["withdrew", "refused"],
}
APART = timedelta(minutes=1)  # at most, the clocks of two hosts


def profiles(organisation: UUID) -> QuerySet[Opportunity]:
    """Until a person says that they are erased there, or Lever says that they are gone."""
    return _there(organisation).filter(**BACK)


def without_yes(organisation: UUID) -> QuerySet[Opportunity]:
    """Named there, though the person's newest answer was no yes when the profile became known
    here, and is none now. Who erased, or is among profiles(), is asked about already."""
    made = ExportStep.objects.filter(export__interview=OuterRef("interview"), name="profile")
    answers = Consent.objects.filter(candidate=OuterRef("interview__candidate"))
    before = answers.filter(at__lte=OuterRef("made_at"))
    just_then = answers.filter(
        answer=True, at__gt=OuterRef("made_at") - APART, at__lt=OuterRef("made_at") + APART
    )
    there = _there(organisation).filter(named=True, interview__candidate__erased_at=None)
    there = there.exclude(**BACK).annotate(made_at=Subquery(made.values("done_at")[:1]))
    return there.annotate(yes=_newest(answers), yes_then=_newest(before)).filter(
        ~Exists(just_then), made_at__isnull=False, yes=False, yes_then=False
    )


def _there(organisation: UUID) -> QuerySet[Opportunity]:
    return Opportunity.objects.filter(
        organisation=organisation, deleted_at=None, erased_there_at=None
    )


def _newest(answers: QuerySet[Consent]) -> Coalesce:
    return Coalesce(Subquery(answers.order_by("-id").values("answer")[:1]), Value(False))
