"""Asking somebody to join: a mail with a link that works once, for fourteen days."""

import logging
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from nomdecode.orgs import audit, doorbell, keys
from nomdecode.orgs.models import Invitation, Member, Organisation, User

log = logging.getLogger(__name__)
GOOD_FOR = timedelta(days=14)


class NotOpen(Exception):
    """The invitation was used, taken back or has grown too old in the meantime."""


@transaction.atomic
def invite(organisation: Organisation, email: str, role: str, by: Member) -> Invitation:
    """Makes an invitation and has its mail sent; an earlier one to the same address ends."""
    from nomdecode.orgs import tasks  # the tasks import this module

    # One at a time: the second of two clicks finds what the first one made.
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    email = email.strip().lower()
    pending(organisation).filter(email=email).update(revoked_at=timezone.now())
    invitation = Invitation.objects.create(
        organisation=organisation, email=email, role=role, invited_by=by
    )
    audit.record(organisation, "member.invited", invitation, member=by, role=role)
    doorbell.ring(tasks.send_invitations)
    return invitation


@transaction.atomic
def revoke(invitation: Invitation, by: Member) -> None:
    if pending(invitation.organisation).filter(pk=invitation.pk).update(revoked_at=timezone.now()):
        audit.record(invitation.organisation, "member.uninvited", invitation, member=by)


def pending(organisation: Organisation) -> QuerySet[Invitation]:
    """Those neither accepted nor taken back; the too old ones among them."""
    return organisation.invitations.filter(accepted_at=None, revoked_at=None).order_by("-pk")


def is_open(invitation: Invitation, now: datetime) -> bool:
    ended = invitation.accepted_at or invitation.revoked_at
    return not ended and now < invitation.created_at + GOOD_FOR


def find(token: str, now: datetime) -> Invitation | None:
    """The open invitation behind a link; looking at it changes nothing."""
    found = Invitation.objects.filter(token_hash=keys.token_hash(token))
    invitation = found.select_related("organisation", "invited_by__user").first()
    return invitation if invitation and is_open(invitation, now) else None


@transaction.atomic
def accept(invitation: Invitation, user: User, now: datetime) -> Member:
    """Makes the user a member. Raises NotOpen when somebody was quicker."""
    invitation = _locked(invitation, now)
    member, _ = Member.objects.get_or_create(
        organisation=invitation.organisation, user=user, defaults={"role": invitation.role}
    )
    if not member.active:  # one who is active keeps the role they have
        member.role, member.active = invitation.role, True
        member.save(update_fields=["role", "active"])
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    audit.record(member.organisation, "member.joined", member, member=member, role=member.role)
    return member


@transaction.atomic
def accept_as_new(invitation: Invitation, name: str, password: str, now: datetime) -> Member:
    """Makes the account as well; whoever holds the link has shown that the address is theirs."""
    invitation = _locked(invitation, now)
    user = User.objects.create_user(invitation.email, name, password)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return accept(invitation, user, now)


def _locked(invitation: Invitation, now: datetime) -> Invitation:
    locked = Invitation.objects.select_for_update(of=["self"]).get(pk=invitation.pk)
    if not is_open(locked, now):
        raise NotOpen
    return locked


def send_waiting(now: datetime) -> None:
    """Sends every mail that waits."""
    waiting = Invitation.objects.filter(
        Q(next_try_at=None) | Q(next_try_at__lte=now),
        sent_at=None,
        accepted_at=None,
        revoked_at=None,
        created_at__gt=now - GOOD_FOR,
    )
    for pk in waiting.values_list("pk", flat=True):
        _send(waiting, pk, now)


def _send(waiting: QuerySet[Invitation], pk: int, now: datetime) -> None:
    token = keys.new_token()
    invitation = _claim(waiting, pk, token, now)
    if invitation is None:  # another worker has it
        return
    try:
        _mail(invitation, settings.URL + reverse("orgs:join", args=[token])).send()
    except OSError as error:  # its text may hold the address
        log.warning("invitation %s was not sent: %s", pk, type(error).__name__)
        return
    same = Invitation.objects.filter(pk=pk, token_hash=invitation.token_hash)
    same.update(sent_at=now, next_try_at=None)


@transaction.atomic
def _claim(waiting: QuerySet[Invitation], pk: int, token: str, now: datetime) -> Invitation | None:
    """Its link and its next try are written down first: no transaction waits for a mail server."""
    invitation = waiting.select_for_update(skip_locked=True, of=["self"]).filter(pk=pk).first()
    if invitation:
        invitation.tries += 1
        invitation.next_try_at = now + timedelta(minutes=min(2**invitation.tries, 60))
        invitation.token_hash = keys.token_hash(token)
        invitation.save(update_fields=["tries", "next_try_at", "token_hash"])
    return invitation


def _mail(invitation: Invitation, url: str) -> EmailMessage:
    context = {"invitation": invitation, "url": url, "days": GOOD_FOR.days}
    return EmailMessage(
        subject="An invitation to Nom de Code",
        body=render_to_string("orgs/invitation.txt", context),
        to=[invitation.email],
    )
