"""Private links to a candidate's own page: long, random, kept as hashes, revocable."""

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from nomdecode.candidates.models import Candidate, CandidateLink
from nomdecode.orgs import keys


def issue(candidate: Candidate) -> str:
    """A fresh token; those issued before stay good."""
    token = keys.new_token()
    CandidateLink.objects.create(candidate=candidate, token_hash=keys.token_hash(token))
    return token


def resolve(token: str) -> Candidate | None:
    link = (
        CandidateLink.objects.filter(token_hash=keys.token_hash(token), revoked_at=None)
        .select_related("candidate__organisation")
        .first()
    )
    return link.candidate if link else None


def revoke(token: str) -> None:
    _revoke(CandidateLink.objects.filter(token_hash=keys.token_hash(token)))


def revoke_all(candidate: Candidate, but: str = "") -> None:
    """All links of the candidate, save the one with the token `but`."""
    others = CandidateLink.objects.filter(candidate=candidate)
    _revoke(others.exclude(token_hash=keys.token_hash(but)))


def _revoke(links: QuerySet[CandidateLink]) -> None:
    links.filter(revoked_at=None).update(revoked_at=timezone.now())


def address(token: str) -> str:
    """The whole URL, for a letter."""
    return settings.URL + reverse("candidates:mine", args=[token])
