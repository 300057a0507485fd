"""One organisation's connection to Lever, the exports and their steps, the deliveries received."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from nomdecode.interviews.models import Interview, Position
from nomdecode.orgs.models import Member, Organisation
from nomdecode.pipeline.models import Opportunity, Stage


class Origin(models.TextChoices):
    SOURCED = "sourced", "Sourced"
    APPLIED = "applied", "Applied"
    AGENCY = "agency", "Agency"
    REFERRED = "referred", "Referred"
    INTERNAL = "internal", "Internal"
    UNIVERSITY = "university", "University"


class Connection(models.Model):
    """Made on the first visit of the page, so the webhook URL is there before any key."""

    organisation = models.OneToOneField(Organisation, models.CASCADE, related_name="lever")
    base_url = models.CharField(max_length=200)
    hook_id = models.CharField(
        max_length=64, unique=True
    )  # the unguessable part of the webhook URL
    wrapped_key = models.BinaryField()  # data key that seals the API key and the signing tokens
    api_key = models.BinaryField(null=True)
    api_key_last4 = models.CharField(max_length=4, blank=True)
    api_key_set_by = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="+")
    api_key_set_at = models.DateTimeField(null=True)
    api_key_refused_at = models.DateTimeField(null=True)  # 401 since: everything waits
    permissions = models.JSONField(
        default=dict
    )  # {"users": true, "stages": false, …} as last tried
    perform_as = models.EmailField(blank=True)
    perform_as_draft = models.EmailField(blank=True)  # counts as soon as Lever lists it as active
    stage_passed = models.CharField(max_length=80, blank=True)
    export_unsuccessful = models.BooleanField(default=False)
    stage_not_passed = models.CharField(max_length=80, blank=True)  # blank: the same
    archive_not_passed = models.BooleanField(default=True)
    archive_reason = models.CharField(max_length=80, blank=True)
    origin = models.CharField(max_length=12, choices=Origin, default=Origin.SOURCED)
    enabled = models.BooleanField(default=False)
    exports_from = models.DateTimeField(null=True)  # outcomes before it stay here; null: all leave
    recovering_since = models.DateTimeField(null=True)  # a restored database: nothing leaves yet
    changed_at = models.DateTimeField(null=True)  # until what waits has looked again
    version = models.PositiveIntegerField(default=0)  # two people editing one
    # Which Lever account the key belongs to: counted up when a key of another account is saved.
    account = models.PositiveIntegerField(default=1)
    account_name = models.CharField(max_length=200, blank=True)
    unsigned_count = models.PositiveIntegerField(default=0)
    unsigned_at = models.DateTimeField(null=True)

    @cached_property
    def stages(self) -> dict[str, datetime | None]:
        """Stage -> since when it is gone from Lever, or None; as this object first read it."""
        known = Stage.objects.filter(organisation=self.organisation_id)
        return dict(known.values_list("external_id", "gone_at"))


class OfferedKey(models.Model):
    """A Data API key beside the present one, until a worker has asked Lever whether to keep it."""

    connection = models.OneToOneField(
        Connection, models.CASCADE, primary_key=True, related_name="offered"
    )
    sealed = models.BinaryField(null=True)  # null: refused, and destroyed
    last4 = models.CharField(max_length=4)
    base_url = models.CharField(max_length=200)
    member = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="+")
    refused_at = models.DateTimeField(null=True)
    sentence = models.CharField(max_length=200, blank=True)  # why refused, or not yet checked


class Question(models.Model):
    """What a page wants to know from Lever: a worker asks. `what`: key, or a kind of pick list."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="questions")
    what = models.CharField(max_length=20)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, blank=True)  # why Lever did not tell: a sentence

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "what"], name="question_once")
        ]


class SigningToken(models.Model):
    """Lever gives one for each webhook; a delivery may be signed with any that still counts."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="tokens")
    label = models.CharField(max_length=60)
    sealed = models.BinaryField()
    last4 = models.CharField(max_length=4)
    created_at = models.DateTimeField(auto_now_add=True)
    verified_at = models.DateTimeField(null=True)
    retires_at = models.DateTimeField(
        null=True
    )  # replaced: what Lever retries still counts so long
    revoked_at = models.DateTimeField(null=True)  # and its text destroyed

    class Meta:
        ordering: ClassVar = ["id"]


class PickList(models.Model):
    """Users, postings, stages or archive reasons, as Lever last said, with their age."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="pick_lists")
    kind = models.CharField(max_length=20)
    items = models.JSONField(default=list)
    fetched_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "kind"], name="pick_list_once")
        ]


class MemberEmail(models.Model):
    """The e-mail of a member in Lever, where it differs from the one they sign in with."""

    member = models.OneToOneField(Member, models.CASCADE, related_name="lever_email")
    email = models.EmailField()


class PositionPosting(models.Model):
    position = models.OneToOneField(Position, models.CASCADE, related_name="posting")
    posting_id = models.CharField(max_length=80)
    text = models.CharField(max_length=200)


class Kind(models.TextChoices):
    NAMED = "named", "Named"
    PSEUDONYMOUS = "pseudonymous", "Under the pseudonym"


class ExportState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    GOING = "going", "On its way"
    EXPORTED = "exported", "In Lever"
    STOPPED = "stopped", "Needs somebody"
    ENDED = "ended", "Stays here"


class Export(models.Model):
    """Taking one interview's outcome to Lever. `reason` says what it waits for, or why it ended."""

    interview = models.OneToOneField(Interview, models.PROTECT, related_name="export")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="exports")
    kind = models.CharField(max_length=12, choices=Kind)
    state = models.CharField(max_length=10, choices=ExportState, default=ExportState.WAITING)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.JSONField(default=dict)  # for the reason: kinds found, message; no identity
    plan = models.JSONField(null=True)  # fixed at the first claim
    claimed_at = models.DateTimeField(null=True)  # the first time: stays when it is planned anew
    marker = models.DateTimeField(null=True)  # the profile's createdAt: a whole second
    found_in = models.CharField(max_length=64, blank=True)  # digest of what the guard stopped
    cleared_kinds = models.JSONField(default=list)  # what a person let through, in these texts
    account = models.PositiveIntegerField(default=1)  # the connection's, when the outcome stood
    skipped_at = models.DateTimeField(null=True)  # a person decided that it stays here
    skipped_why = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    state_since = models.DateTimeField(default=timezone.now)
    exported_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "marker"], name="marker_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-created_at"], name="export_newest"),
            models.Index(fields=["organisation", "state", "-created_at"], name="export_by_state"),
        ]

    @property
    def deleted_there(self) -> bool:
        """It went to Lever, and the profile was deleted there."""
        profile = getattr(self.interview, "opportunity", None)
        gone = profile is not None and profile.deleted_at is not None
        return self.state == ExportState.EXPORTED and gone

    @property
    def state_in_words(self) -> str:
        return "Deleted in Lever" if self.deleted_there else ExportState(self.state).label


class StepState(models.TextChoices):
    TODO = "todo", "To do"
    CALLING = "calling", "Asked Lever"
    DONE = "done", "Done"


class ExportStep(models.Model):
    """One call that makes one thing in Lever: intent before it, the id after it."""

    export = models.ForeignKey(Export, models.CASCADE, related_name="steps")
    name = models.CharField(max_length=12)  # profile, note
    order = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=StepState, default=StepState.TODO)
    calling_since = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)  # the last look that found nothing
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.UUIDField(null=True)
    remote_id = models.CharField(max_length=80, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["export", "name"], name="step_once")
        ]
        ordering: ClassVar = ["order"]


class Attempt(models.Model):
    """One call made for a step, redacted: what was asked and what came back, never an identity."""

    step = models.ForeignKey(ExportStep, models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField(default=0)
    asked = models.CharField(max_length=200)
    performed_as = models.CharField(max_length=254, blank=True)  # a Lever user's address
    sent = models.JSONField(default=dict)  # what was sent, redacted
    status = models.PositiveSmallIntegerField(null=True)
    code = models.CharField(max_length=40, blank=True)  # Lever's, or the kind of failure
    outcome = models.CharField(max_length=40)
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]


class Duplicate(models.Model):
    """Something too much in Lever that bears the marker of one export; nobody deletes it."""

    export = models.ForeignKey(Export, models.CASCADE, related_name="duplicates")
    thing = models.CharField(max_length=12)  # profile, note
    external_id = models.CharField(max_length=80)
    url = models.CharField(max_length=300, blank=True)
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)  # gone from Lever, or a person dealt with it

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["export", "external_id"], name="duplicate_once")
        ]

    @property
    def late(self) -> bool:
        """The export has none itself: it found nothing, gave up, and this one came after all."""
        steps = self.export.steps.filter(name=self.thing)
        return steps.exclude(state=StepState.DONE).exists()


class Errand(models.Model):
    """Something that a person wants to know from Lever, or have done there: asked in a worker."""

    class What(models.TextChoices):
        ADOPT = "adopt", "Adopt a profile"
        READ_BACK = "read_back", "Read back"

    export = models.ForeignKey(Export, models.CASCADE, related_name="errands")
    what = models.CharField(max_length=12, choices=What)
    opportunity_id = models.CharField(max_length=80, blank=True)
    member = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    succeeded = models.BooleanField(null=True)
    sentence = models.CharField(max_length=300, blank=True)
    differs = models.JSONField(default=list)  # read back: names of fields, never their values

    class Meta:
        ordering: ClassVar = ["id"]


class Problem(models.Model):
    """Something that somebody must see to, from when it was noticed until it was cured."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="problems")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=80, blank=True)  # which of its kind
    title = models.CharField(max_length=200)  # holds no identity, no pseudonym: it is mailed
    stops = models.PositiveIntegerField(default=0)  # how many interviews
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    opening_mailed_at = models.DateTimeField(null=True)
    closing_mailed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "kind", "key"],
                condition=models.Q(closed_at=None),
                name="problem_once",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["organisation", "-opened_at"])]


class Allowance(models.Model):
    """When Lever's allowance of one connection is free again (allowance.py). An unlogged table."""

    connection = models.OneToOneField(Connection, models.CASCADE, primary_key=True)
    due = models.DateTimeField()


class Verdict(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    REPORTED = "reported"  # Lever could not be asked yet
    APPLIED = "applied"  # Lever was asked
    NOT_OURS = "not_ours"
    UNKNOWN = "unknown"
    SUSPICIOUS = "suspicious"


class Delivery(models.Model):
    """A signed webhook request that reached us, once for each token of Lever's.

    Of what is not ours only the ids are kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of their own: each costs every delivery, and those below begin with the connection.
    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="deliveries", db_index=False
    )
    signing_token = models.ForeignKey(SigningToken, models.SET_NULL, null=True, db_index=False)
    token = models.CharField(max_length=200)  # Lever's: a delivery counts once
    event = models.CharField(max_length=60)
    triggered_at = models.DateTimeField()
    received_at = models.DateTimeField()
    opportunity_id = models.CharField(max_length=80, blank=True)
    to_stage = models.CharField(max_length=80, blank=True)  # as it claims; only of what is ours
    repeats = models.PositiveIntegerField(default=0)
    verdict = models.CharField(max_length=20)  # a Verdict
    repeated_at = models.DateTimeField(null=True)
    disputed = models.BooleanField(default=False)  # a repeat said something else: one is forged

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "token"], name="delivery_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["connection", "-received_at"]),
            models.Index(fields=["connection", "opportunity_id"], name="delivery_about"),
        ]
        verbose_name_plural = "deliveries"


class Refusal(models.Model):
    """Requests to the webhook's address that were refused within one hour, counted by reason."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="refusals")
    why = models.CharField(max_length=12)  # a receiver.Why
    hour = models.DateTimeField()
    count = models.PositiveBigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "why", "hour"], name="refusal_once")
        ]


class Mark(models.Model):
    """An opportunity that something was heard of: Lever is to be asked about it."""

    connection = models.ForeignKey(
        Connection, models.CASCADE, related_name="marks", db_index=False
    )  # the constraint's index begins with it
    opportunity_id = models.CharField(max_length=80)
    marked_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)  # looked at since marked: nothing to do
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "opportunity_id"], name="mark_once")
        ]


class Sweep(models.TextChoices):
    """What of ours is compared with Lever. In the order in which they are done."""

    CHANGES = "changes", "What changed"
    DELETED = "deleted", "What was deleted"
    OPEN = "open", "All that are open"


class Reconciliation(models.Model):
    """One comparison of what is ours with Lever. Interrupted, it goes on from `reached`."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="reconciliations")
    account = models.PositiveIntegerField(default=1)  # the connection's, when it began
    sweep = models.CharField(max_length=10, choices=Sweep)
    why = models.CharField(max_length=10)  # a reconcile.Why
    since = models.DateTimeField()
    reached = models.DateTimeField()  # what changed, was deleted, or was made before it is done
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField(null=True)  # of ours, where that is known
    listed = models.PositiveIntegerField(default=0)  # by Lever
    compared = models.PositiveIntegerField(default=0)  # of ours
    unseen = models.PositiveIntegerField(default=0)  # which Lever does not tell this key
    mended = models.PositiveIntegerField(default=0)
    failure = models.CharField(max_length=200, blank=True)  # why it waits: a sentence

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "account", "sweep"],
                condition=models.Q(ended_at=None),
                name="reconciliation_once",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["connection", "-began_at"])]


class Mend(models.Model):
    """Something that happened in Lever, and that a comparison found first."""

    class What(models.TextChoices):
        STAGE = "stage", "Stage"
        ARCHIVED = "archived", "Archived"
        HIRED = "hired", "Hired"
        TAKEN_OUT = "taken_out", "Out of the archive"
        DELETED = "deleted", "Deleted"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="mends")
    opportunity = models.ForeignKey(Opportunity, models.CASCADE, related_name="+")
    what = models.CharField(max_length=10, choices=What)
    happened_at = models.DateTimeField()  # by Lever's clock
    found_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["connection", "-found_at"])]
