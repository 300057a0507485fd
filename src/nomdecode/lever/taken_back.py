"""Profiles in Lever of people who took their word back before all of it was there."""

from uuid import UUID

from django.db.models import QuerySet

from nomdecode.lever.models import ExportState
from nomdecode.pipeline.models import Opportunity


def profiles(organisation: UUID) -> QuerySet[Opportunity]:
    """Until a person says that they are erased there, or Lever says that they are gone."""
    return Opportunity.objects.filter(
        organisation=organisation,
        deleted_at=None,
        erased_there_at=None,
        interview__export__state=ExportState.ENDED,
        interview__export__reason__in=["withdrew", "refused"],
    )
