"""Candidates by pseudonym; their sealed identity, their consent, their links and letters."""

import uuid
from typing import ClassVar

from django.db import models

from nomdecode.orgs.models import Organisation


class PassChoice(models.TextChoices):
    NAME_ME = "name_me", "Name me if I pass"
    ASK_ME = "ask_me", "Ask me first"


class Candidate(models.Model):
    """One person for one position: a candidacy. Nothing here identifies the person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="candidates")
    pseudonym = models.CharField(max_length=60)
    choice = models.CharField(max_length=10, choices=PassChoice)
    created_at = models.DateTimeField(auto_now_add=True)
    asked_at = models.DateTimeField(null=True)  # when asked whether to be named
    lapses_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    lapsed_at = models.DateTimeField(null=True)  # set once, when no answer came in time
    passed_at = models.DateTimeField(null=True)  # when a successful outcome's hold is over
    not_passed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "pseudonym"], name="pseudonym_unique_in_organisation"
            )
        ]
        # Of many candidates these are few, and every page asks for them.
        indexes: ClassVar = [
            models.Index(
                fields=["organisation"],
                condition=models.Q(
                    passed_at=None, not_passed_at=None, withdrawn_at=None, erased_at=None
                ),
                name="candidate_undecided",
            ),
            models.Index(
                fields=["erased_at"],
                condition=models.Q(erased_at__isnull=False),
                name="candidate_erased",
            ),
        ]
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return self.pseudonym


class VaultEntry(models.Model):
    """Identity and résumé of one candidate under a data key of its own. Only vault.py reads it."""

    candidate = models.OneToOneField(Candidate, models.CASCADE, primary_key=True, related_name="+")
    wrapped_key = models.BinaryField(null=True)  # null: destroyed, so erased
    identity = models.BinaryField(null=True)
    resume = models.BinaryField(null=True)
    resume_kind = models.CharField(max_length=4, blank=True)  # pdf, docx, doc, png, jpg, txt
    resume_size = models.PositiveIntegerField(default=0)  # bytes, before sealing
    updated_at = models.DateTimeField(auto_now=True)


class Consent(models.Model):
    """Append-only: each answer to "may we name you?"; the newest one counts."""

    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="consents")
    answer = models.BooleanField()
    text_version = models.CharField(max_length=20)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]


class CandidateLink(models.Model):
    """A private link that was mailed; only its hash is kept."""

    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="links")
    token_hash = models.BinaryField(unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)


class Letter(models.Model):
    """A mail to a candidate, to be sent or sent; the address stays in the vault until it leaves."""

    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="letters")
    kind = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
