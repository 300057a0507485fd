"""Positions, the links to apply with, interviews, scorecards and outcomes."""

import uuid
from typing import Any, ClassVar

from django.db import models

from nomdecode.candidates.models import Candidate
from nomdecode.orgs.models import Decision, Member, Organisation


class Position(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="positions")
    title = models.CharField(max_length=120)
    place = models.CharField(max_length=80, blank=True)
    open = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["title"]

    def __str__(self) -> str:
        return self.title


class Criterion(models.Model):
    position = models.ForeignKey(Position, models.CASCADE, related_name="criteria")
    name = models.CharField(max_length=80)
    hint = models.CharField(max_length=200, blank=True)
    order = models.PositiveSmallIntegerField()
    retired = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["order", "id"]

    def __str__(self) -> str:
        return self.name


class InviteLink(models.Model):
    """The link a recruiter shares: one per position, or a personal one that works once.

    Its token is derived from the installation key and the id, so that it can be shown again though
    only its hash is stored.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    position = models.ForeignKey(Position, models.CASCADE, related_name="links")
    personal = models.BooleanField(default=False)
    recruiter = models.ForeignKey(Member, models.PROTECT, related_name="+")
    token_hash = models.BinaryField(unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class State(models.TextChoices):
    UNSCHEDULED = "unscheduled", "To schedule"
    SCHEDULED = "scheduled", "Scheduled"
    HELD = "held", "Held"
    NO_SHOW = "no_show", "Did not come"
    CANCELLED = "cancelled", "Cancelled"


class Interview(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="interviews")
    position = models.ForeignKey(Position, models.PROTECT, related_name="interviews")
    candidate = models.OneToOneField(Candidate, models.PROTECT, related_name="interview")
    recruiter = models.ForeignKey(Member, models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=State, default=State.UNSCHEDULED)
    starts_at = models.DateTimeField(null=True)
    minutes = models.PositiveSmallIntegerField(default=60)
    meeting_url = models.URLField(max_length=500, blank=True)
    held_at = models.DateTimeField(null=True)
    asked_who = models.BooleanField(null=True)  # the candidate's word: asked what could tell who
    asked_who_at = models.DateTimeField(null=True)
    cancelled_because = models.CharField(max_length=20, blank=True)  # organisation, candidate
    version = models.PositiveIntegerField(default=0)  # of the schedule: two people editing one
    former = models.ManyToManyField(Member, related_name="+")  # may have met the candidate
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["organisation", "-starts_at"])]
        ordering: ClassVar = ["-starts_at", "-created_at"]


class Recognised(models.TextChoices):
    NO = "no", "No"
    GUESS = "guess", "I could guess"
    YES = "yes", "Yes"


class Assignment(models.Model):
    """One interviewer of one interview, and the draft of their scorecard."""

    interview = models.ForeignKey(Interview, models.CASCADE, related_name="assignments")
    member = models.ForeignKey(Member, models.PROTECT, related_name="assignments")
    decider = models.BooleanField(default=False)
    recognised_at = models.DateTimeField(null=True)  # "I recognise this person", said beforehand
    excused_at = models.DateTimeField(null=True)  # the outcome does not wait for this scorecard
    draft = models.JSONField(default=dict)  # the shape of Scorecard.content, perhaps incomplete
    draft_version = models.PositiveIntegerField(default=0)
    rephrase_asked_at = models.DateTimeField(null=True)  # something in it might identify the person
    reminded_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["interview", "member"], name="assigned_once"),
            models.UniqueConstraint(
                fields=["interview"], condition=models.Q(decider=True), name="one_decider"
            ),
        ]
        indexes: ClassVar = [
            models.Index(  # few of many, and every page asks
                fields=["member"],
                condition=models.Q(rephrase_asked_at__isnull=False),
                name="assignment_to_rephrase",
            )
        ]
        ordering: ClassVar = ["-decider", "id"]

    @property
    def scorecard(self) -> "Scorecard | None":
        """The scorecard as it stands: the newest version. Costs nothing once prefetched."""
        return max(self.scorecards.all(), key=lambda card: card.version, default=None)


class Scorecard(models.Model):
    """A submitted scorecard; an amendment is a new version, the older ones stay.

    content: {"ratings": {"<criterion id>": {"rating": 1..4, "evidence": str}}, "notes": str,
    "recognised": Recognised, "decision": Decision or ""}
    """

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="scorecards")
    version = models.PositiveSmallIntegerField(default=1)
    content: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()
    decision = models.CharField(max_length=10, choices=Decision, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["assignment", "version"], name="scorecard_version_once")
        ]
        ordering: ClassVar = ["version"]

    @property
    def wordless(self) -> bool:
        """Evidence cannot be left out: its words were dropped."""
        ratings = self.content["ratings"].values()
        return bool(ratings) and not any(entry["evidence"] for entry in ratings)


class Outcome(models.Model):
    """The interview's result, once the decider's scorecard and the others' are in or excused."""

    interview = models.OneToOneField(
        Interview, models.CASCADE, primary_key=True, related_name="outcome"
    )
    decision = models.CharField(max_length=10, choices=Decision)
    successful = models.BooleanField()
    stands_at = models.DateTimeField()
    leaves_at = models.DateTimeField()  # stands_at plus the hold; amendable until then
