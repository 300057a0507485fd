"""Organisations, their members, and the append-only audit trail."""

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Decision(models.TextChoices):
    STRONG_NO = "strong_no", "Strong no"
    NO = "no", "No"
    YES = "yes", "Yes"
    STRONG_YES = "strong_yes", "Strong yes"


class Hold(models.IntegerChoices):
    """Minutes between an outcome and its leaving."""

    NONE = 0, "At once"
    QUARTER = 15, "After 15 minutes"
    DAY = 1440, "After 24 hours"


def default_success() -> list[str]:
    return [Decision.YES.value, Decision.STRONG_YES.value]


class Organisation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    successful_decisions = ArrayField(
        models.CharField(max_length=10, choices=Decision), default=default_success
    )
    hold_minutes = models.PositiveIntegerField(choices=Hold, default=Hold.NONE)
    remind_after_days = models.PositiveIntegerField(default=3)
    lapse_after_days = models.PositiveIntegerField(default=14)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, name: str, password: str | None = None) -> "User":
        user = self.model(email=email.strip().lower(), name=name)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractUser):
    """Someone who signs in; candidates never do."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()  # type: ignore[misc, assignment]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]


class Role(models.TextChoices):
    ADMIN = "admin", "Admin"
    RECRUITER = "recruiter", "Recruiter"
    INTERVIEWER = "interviewer", "Interviewer"


class Member(models.Model):
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "user"], name="member_once")
        ]
        ordering: ClassVar = ["user__name"]

    def __str__(self) -> str:
        return self.user.name

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def email(self) -> str:
        return self.user.email


class Invitation(models.Model):
    """Somebody asked to become a member.

    The link is made when its mail leaves, so that no job and no row ever holds it: only its hash.
    """

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=12, choices=Role)
    token_hash = models.BinaryField(unique=True, null=True)  # null until it is to be mailed
    invited_by = models.ForeignKey(Member, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.email


class AuditEvent(models.Model):
    """Who did what to which thing; never an identity. The database refuses changes (0002)."""

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    member = models.ForeignKey(Member, models.PROTECT, null=True, related_name="+")
    by = models.CharField(max_length=10)  # member, candidate, system, lever
    action = models.CharField(max_length=60)  # "candidate.revealed"
    thing = models.CharField(max_length=80)  # "interview:<id>"
    detail = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["organisation", "-at"]),
            models.Index(fields=["thing"]),
        ]
        ordering: ClassVar = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.thing}"
