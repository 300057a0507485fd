"""Opportunities, stages and stage moves, as facts. Knows no applicant tracking system by name."""

import uuid
from typing import ClassVar

from django.db import models

from nomdecode.interviews.models import Interview
from nomdecode.orgs.models import Organisation


class Stage(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="stages")
    external_id = models.CharField(max_length=80)
    text = models.CharField(max_length=120)
    order = models.PositiveSmallIntegerField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "external_id"], name="stage_once")
        ]
        ordering: ClassVar = ["order"]

    def __str__(self) -> str:
        return self.text


class Opportunity(models.Model):
    """One profile made from one interview; stage, archive and hire as last heard."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="opportunities")
    interview = models.OneToOneField(Interview, models.PROTECT, related_name="opportunity")
    external_id = models.CharField(max_length=80)
    url = models.URLField(max_length=500, blank=True)
    named = models.BooleanField()  # False: under the pseudonym alone; in no funnel of successes
    known_before = models.BooleanField(default=False)  # the person was already there
    created_at = models.DateTimeField()
    stage_id_now = models.CharField(max_length=80, blank=True)  # derived from the newest move
    archived_at = models.DateTimeField(null=True)
    archive_reason = models.CharField(max_length=120, blank=True)
    hired_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    erased_there_at = models.DateTimeField(null=True)  # a person says so, after an erasure here
    # Of the look that the above is from: when we asked, and since when it stood so by their clock.
    looked_at = models.DateTimeField(null=True)
    as_of = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "external_id"], name="opportunity_once")
        ]

    def __str__(self) -> str:
        return self.external_id


class StageMove(models.Model):
    """A fact: the opportunity came into `to_stage` at `happened_at`; when and how we heard."""

    opportunity = models.ForeignKey(Opportunity, models.CASCADE, related_name="moves")
    from_stage = models.CharField(max_length=80, blank=True)
    to_stage = models.CharField(max_length=80)
    to_index = models.IntegerField(null=True)  # the stage's place in the order at that time
    happened_at = models.DateTimeField()
    heard_at = models.DateTimeField()
    how = models.CharField(max_length=12)  # export, webhook, reconcile
    by = models.CharField(max_length=80, blank=True)  # the external user id

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["opportunity", "to_stage", "happened_at"], name="move_once"
            )
        ]
        ordering: ClassVar = ["happened_at", "id"]

    def __str__(self) -> str:
        return self.to_stage
