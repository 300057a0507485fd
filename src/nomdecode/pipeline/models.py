"""Opportunities, stages and stage moves, as facts, and what is kept up to date from them.

Knows no applicant tracking system by name.
"""

import uuid
from typing import Any, ClassVar

from django.db import models

from nomdecode.interviews.models import Interview, Position
from nomdecode.orgs.models import Member, Organisation
from nomdecode.pipeline.passages import Outcome

# --- facts


class Stage(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="stages")
    external_id = models.CharField(max_length=80)
    text = models.CharField(max_length=120)
    order = models.PositiveSmallIntegerField()  # its place among all, gone ones too
    gone_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "external_id"], name="stage_once")
        ]
        ordering: ClassVar = ["order"]

    def __str__(self) -> str:
        return self.text

    @classmethod
    def in_order(cls, organisation_id: uuid.UUID) -> "list[Stage]":
        """Gone ones too, each behind those it followed."""
        stages = cls.objects.filter(organisation=organisation_id)
        return sorted(stages, key=lambda stage: (stage.order, stage.gone_at is None))


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
    kept_here_at = models.DateTimeField(null=True)  # deleted there; a person says: not erased here
    erased_there_at = models.DateTimeField(null=True)  # a person says so, after an erasure here
    # Of the look that the above is from: when we asked, and since when it stood so by their clock.
    looked_at = models.DateTimeField(null=True)
    as_of = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "external_id"], name="opportunity_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["organisation", "looked_at"], name="opportunity_looked_at"),
            models.Index(  # few of many, and every page of an admin asks
                fields=["organisation"],
                condition=models.Q(deleted_at__isnull=False, kept_here_at=None),
                name="opportunity_deleted_there",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id

    @property
    def link(self) -> str:
        """Where a person finds it; nowhere once it was deleted."""
        return "" if self.deleted_at else self.url


class StageMove(models.Model):
    """A fact: the opportunity came into `to_stage` at `happened_at`; when and how we heard."""

    opportunity = models.ForeignKey(Opportunity, models.CASCADE, related_name="moves")
    from_stage = models.CharField(max_length=80, blank=True)
    to_stage = models.CharField(max_length=80)
    to_index = models.IntegerField(null=True)  # the stage's place in the order at that time
    happened_at = models.DateTimeField()
    heard_at = models.DateTimeField()
    how = models.CharField(max_length=12)  # export, adopted, webhook, reconcile
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


# --- kept up to date from the facts: journeys.py writes the first two, tallies.py counts them


class State(models.TextChoices):
    """Where somebody who met the bar is."""

    NOT_THERE = "not_there", "Not in Lever"
    ON_THE_WAY = "on_the_way", "On the way"
    LEFT = "left", "Archived"
    HIRED = "hired", "Hired"
    DELETED = "deleted", "Deleted in Lever"
    PSEUDONYM = "pseudonym", "Not passed, under the pseudonym alone"  # met no bar


class Journey(models.Model):
    """How far one interview led: of whoever met the bar, and of the profiles of who did not."""

    interview = models.OneToOneField(
        Interview, models.CASCADE, primary_key=True, related_name="journey"
    )
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="journeys")
    position = models.ForeignKey(Position, models.PROTECT, related_name="+", db_index=False)
    interviewer = models.ForeignKey(  # who decided
        Member, models.PROTECT, null=True, related_name="+", db_index=False
    )
    stood_at = models.DateTimeField()  # since when the outcome stands
    state = models.CharField(max_length=10, choices=State)
    began = models.CharField(max_length=80, blank=True)  # the stage where the profile was made
    furthest = models.CharField(max_length=80, blank=True)  # the latest stage it was ever in
    since = models.DateTimeField()  # when it came to where it is now
    changed_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-stood_at"], name="journey_stood_at"),
            models.Index(fields=["organisation", "state", "-since"], name="journey_state"),
            models.Index(
                fields=["organisation", "state", "position", "-since"],
                name="journey_state_position",
            ),
            models.Index(
                fields=["organisation", "state", "interviewer", "-since"],
                name="journey_state_interviewer",
            ),
            models.Index(fields=["organisation", "-changed_at"], name="journey_changed_at"),
        ]

    def __str__(self) -> str:
        return f"{self.furthest} {self.state}"


HERE = models.Q(outcome=Outcome.OPEN.value, left_at=None)  # passages of who is in the stage now


class Passage(models.Model):
    """One passage of a profile that met the bar, as passages.py defines it.

    Open with a `left_at`: the profile was deleted then, and nobody knows how it went on.
    """

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="passages", db_index=False
    )
    opportunity = models.ForeignKey(
        Opportunity, models.CASCADE, related_name="passages", db_index=False
    )
    position = models.ForeignKey(Position, models.PROTECT, related_name="+", db_index=False)
    interviewer = models.ForeignKey(
        Member, models.PROTECT, null=True, related_name="+", db_index=False
    )
    stage = models.CharField(max_length=80)
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=[(it.value, it.value) for it in Outcome])

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["opportunity", "entered_at"], name="passage_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["organisation", "stage", "-entered_at"], name="passage_entered"),
            models.Index(
                fields=["organisation", "stage", "-entered_at"], condition=HERE, name="passage_here"
            ),
            models.Index(
                fields=["organisation", "stage", "position", "-entered_at"],
                condition=HERE,
                name="passage_here_position",
            ),
            models.Index(
                fields=["organisation", "stage", "interviewer", "-entered_at"],
                condition=HERE,
                name="passage_here_interviewer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.outcome}"


class Tally(models.Model):
    """How many: of one position, interviewer and day, or of all (null) of each.

    `what`: an Outcome or "censored" of the passages through `stage`, by the day they began; a State
    of the journeys whose furthest is `stage`, and "began" where it is their first, by the day the
    outcome stood. Days are UTC's.
    """

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="tallies", db_index=False
    )
    position = models.ForeignKey(
        Position, models.CASCADE, null=True, related_name="+", db_index=False
    )
    interviewer = models.ForeignKey(
        Member, models.CASCADE, null=True, related_name="+", db_index=False
    )
    day = models.DateField(null=True)
    stage = models.CharField(max_length=80, blank=True)
    what = models.CharField(max_length=10)
    count = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "position", "interviewer", "day", "stage", "what"],
                nulls_distinct=False,
                name="tally_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.what}: {self.count}"


class KeptTimes(models.Model):
    """How long the stages take for one choice of filters: computed by a worker, asked by a page."""

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="kept_times", db_index=False
    )
    position = models.ForeignKey(
        Position, models.CASCADE, null=True, related_name="+", db_index=False
    )
    interviewer = models.ForeignKey(
        Member, models.CASCADE, null=True, related_name="+", db_index=False
    )
    days = models.CharField(max_length=4)  # of Filters
    asked_at = models.DateTimeField()
    computed_at = models.DateTimeField(null=True)
    times: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "position", "interviewer", "days"],
                nulls_distinct=False,
                name="kept_times_once",
            )
        ]

    def __str__(self) -> str:
        return self.days


class KeptSignal(models.Model):
    """Signal's numbers for one choice of filters: computed by a worker, asked for by a page."""

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="kept_signals", db_index=False
    )
    position = models.ForeignKey(
        Position, models.CASCADE, null=True, related_name="+", db_index=False
    )
    interviewer = models.ForeignKey(
        Member, models.CASCADE, null=True, related_name="+", db_index=False
    )
    days = models.CharField(max_length=4)  # of Filters
    asked_at = models.DateTimeField()
    computed_at = models.DateTimeField(null=True)
    took = models.FloatField(default=0)  # seconds
    content: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "position", "interviewer", "days"],
                nulls_distinct=False,
                name="kept_signal_once",
            )
        ]

    def __str__(self) -> str:
        return self.days

    @property
    def asking(self) -> bool:
        """A worker is to compute it, or is at it."""
        return self.computed_at is None or self.computed_at < self.asked_at
