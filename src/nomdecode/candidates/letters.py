"""Mail to candidates. A row says that one is to be sent; the address leaves the vault as it goes.

Subject and headers say nothing of the person, the pseudonym or the outcome.
"""

import logging
import textwrap
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from nomdecode.candidates import links, vault
from nomdecode.candidates.models import Candidate, Letter
from nomdecode.orgs import audit
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import Member

log = logging.getLogger(__name__)
GAPS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720)]  # then it is given up

AGAIN, NEXT_LINK_AFTER = "link_again", timedelta(minutes=5)

TEXTS = {
    "private_link": """Thank you for entering your details.

Your private page shows what {organisation} sees of you. There you can correct it, withdraw or
have everything erased. Keep this link: it is the only way back in, so do not pass it on.""",
    "link_again": """{organisation} was asked for your private link again. Here is a new one.

The links in earlier letters no longer work. Keep this one: it is the only way back in, so do not
pass it on.""",
    "scheduled": """The time of your interview has been set or changed.

When it is and how to join without giving your name away is on your private page.""",
    "cancelled": """Your interview has been cancelled.

Your private page has what is known, and there you can have your details erased.""",
    "consent_question": """There is a question for you.

Please open your private page and answer it{until}. Opening it changes nothing.""",
    "consent_reminder": """A question still waits for your answer.

Please open your private page and answer it{until}. Without an answer nothing is sent under your
name.""",
}


def send(candidate: Candidate, kind: str) -> None:
    """Writes down that the letter is to go, in the caller's transaction, and rings for a worker."""
    from nomdecode.candidates.tasks import send_letters

    if kind not in TEXTS:
        raise ValueError(kind)
    if candidate.erased_at:
        return
    Letter.objects.create(candidate=candidate, kind=kind)
    ring(send_letters)


@transaction.atomic
def send_link_again(candidate: Candidate, member: Member, now: datetime) -> bool:
    """A lost private link, anew. False: one is on its way, or there is nothing left to open."""
    locked = Candidate.objects.select_for_update().get(pk=candidate.pk)
    lately = candidate.letters.filter(kind=AGAIN, created_at__gt=now - NEXT_LINK_AFTER)
    if locked.erased_at or lately.exists():
        return False
    send(candidate, AGAIN)
    audit.record(candidate.organisation, "candidate.link_sent", candidate, member=member)
    return True


def undeliverable(candidate: Candidate) -> bool:
    """Whether a letter was given up."""
    return candidate.letters.filter(sent_at=None, tries__gt=len(GAPS)).exists()


# --- the worker's side


def _waiting(now: datetime) -> Q:
    due = Q(next_try_at=None) | Q(next_try_at__lte=now)
    return due & Q(sent_at=None, tries__lte=len(GAPS), candidate__erased_at=None)


def any_due(now: datetime | None = None) -> bool:
    return Letter.objects.filter(_waiting(now or timezone.now())).exists()


def send_due(now: datetime | None = None) -> int:
    """Sends what is due; how many left."""
    sent = 0
    while letter := _claim(now or timezone.now()):
        sent += _send(letter)
    return sent


@transaction.atomic
def _claim(now: datetime) -> Letter | None:
    """One letter, its next try written down before the first: no lock is held while it is sent."""
    due = Letter.objects.select_for_update(of=("self",), skip_locked=True).filter(_waiting(now))
    letter = due.select_related("candidate__organisation").order_by("id").first()
    if letter:
        letter.next_try_at = now + GAPS[min(letter.tries, len(GAPS) - 1)]
        letter.tries += 1
        letter.save(update_fields=["next_try_at", "tries"])
    return letter


def _send(letter: Letter) -> bool:
    token = links.issue(letter.candidate)
    try:
        compose(letter, token).send()
    except vault.Erased:
        letter.delete()
        return False
    except Exception as error:  # a mail library's error may hold the address: its type must do
        links.revoke(token)
        log.warning("letter %s was not sent: %s", letter.pk, type(error).__name__)
        return False
    if letter.kind == AGAIN:  # not before: a letter that never arrives must close nothing
        links.revoke_all(letter.candidate, but=token)
    letter.sent_at = timezone.now()
    letter.save(update_fields=["sent_at"])
    return True


def compose(letter: Letter, token: str) -> EmailMessage:
    """Raises vault.Erased."""
    candidate = letter.candidate
    organisation = " ".join(candidate.organisation.name.split())
    lapses_at = candidate.lapses_at and timezone.localtime(candidate.lapses_at)
    until = f" until {lapses_at.day} {lapses_at:%B}" if lapses_at else ""
    text = TEXTS[letter.kind].format(organisation=organisation, until=until)
    text = "\n\n".join(textwrap.fill(part, 72) for part in text.split("\n\n"))
    return EmailMessage(
        subject=f"Your interview with {organisation}",
        body=f"{text}\n\n{links.address(token)}\n\n{organisation}, through Nom de Code\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[vault.address(candidate)],
        reply_to=[settings.DEFAULT_FROM_EMAIL],
        headers={"Auto-Submitted": "auto-generated"},
    )
