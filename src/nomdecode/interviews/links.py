"""The links a recruiter shares: one per position, or a personal one that works once."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from nomdecode.interviews.models import InviteLink, Position
from nomdecode.orgs import audit, keys
from nomdecode.orgs.models import Member

MOST_AN_HOUR = 60  # candidates who enter for one position


def token_of(link: InviteLink) -> str:
    """256 bits only this installation can derive, so a link can be shown again though just its
    hash is stored."""
    return keys.derived_token(f"invite:{link.pk}")


def address(link: InviteLink) -> str:
    """The whole URL, to be copied."""
    return settings.URL + reverse("interviews:join", args=[token_of(link)])


def _make(position: Position, member: Member, personal: bool) -> InviteLink:
    link = InviteLink(id=uuid.uuid4(), position=position, personal=personal, recruiter=member)
    link.token_hash = keys.token_hash(token_of(link))
    link.save()
    audit.record(
        position.organisation, "position.link_made", position, member=member, personal=personal
    )
    return link


def current(position: Position) -> InviteLink | None:
    """The position's link that works now."""
    return position.links.filter(personal=False, revoked_at=None).first()


@transaction.atomic
def position_link(position: Position, member: Member) -> InviteLink:
    """The link for everybody; made when there is none."""
    Position.objects.select_for_update().get(pk=position.pk)  # one link, also for two at once
    return current(position) or _make(position, member, personal=False)


@transaction.atomic
def new_position_link(position: Position, member: Member, now: datetime) -> InviteLink:
    """A fresh link for everybody; the one before stops working."""
    Position.objects.select_for_update().get(pk=position.pk)
    for link in position.links.filter(personal=False, revoked_at=None):
        revoke(link, member, now)
    return _make(position, member, personal=False)


@transaction.atomic
def personal_link(position: Position, member: Member) -> InviteLink:
    """A link that works once; whoever sends it knows whom they invited."""
    return _make(position, member, personal=True)


@transaction.atomic
def revoke(link: InviteLink, member: Member, now: datetime) -> None:
    link.revoked_at = now
    link.save(update_fields=["revoked_at"])
    audit.record(
        link.position.organisation,
        "position.link_revoked",
        link.position,
        member=member,
        personal=link.personal,
    )


def resolve(token: str) -> InviteLink | None:
    """The link of a token, whether it still works or not (see `why_not`)."""
    links = InviteLink.objects.select_related("position__organisation", "recruiter")
    return links.filter(token_hash=keys.token_hash(token)).first()


def busy(link: InviteLink, now: datetime) -> bool:
    """Whoever holds a link can have mail sent and files stored, so its use is bounded."""
    lately = link.position.interviews.filter(created_at__gt=now - timedelta(hours=1))
    return lately.count() >= MOST_AN_HOUR


def why_not(link: InviteLink) -> str:
    """ "used", "revoked", "replaced" or "closed"; empty when the link works."""
    if link.revoked_at:  # a position's link only for another one
        return "revoked" if link.personal else "replaced"
    if link.personal and link.used_at:
        return "used"
    return "" if link.position.open else "closed"
