"""Letters go to the address that was entered; nothing but the address knows who it is."""

import logging
import re
import smtplib
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

import factories
from nomdecode.candidates import consent, erasure, letters, links
from nomdecode.candidates.models import Candidate, Letter

pytestmark = pytest.mark.django_db
# None so short that a random token or a message id could hold it.
SECRETS = ("Lovelace", "analytical", "London", "7946 0000")


@pytest.fixture
def candidate() -> Candidate:
    return factories.candidate(factories.organisation("Acme & Sons\nBcc: x@evil.example"))


@pytest.mark.parametrize("kind", letters.TEXTS)
def test_a_letter_says_nothing_of_the_person_but_the_address(
    candidate: Candidate, kind: str
) -> None:
    candidate.letters.all().delete()
    candidate.lapses_at = timezone.now()
    candidate.save()
    letters.send(candidate, kind)
    assert letters.send_due() == 1
    (letter,) = mail.outbox
    assert letter.to == ["ada@analytical.example"]
    headers = dict(letter.message().items())
    said = letter.subject + letter.body + "".join(v for k, v in headers.items() if k != "To")
    assert not [secret for secret in (*SECRETS, candidate.pseudonym) if secret in said]
    assert "passed" not in said
    assert letter.subject == "Your interview with Acme & Sons Bcc: x@evil.example"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Reply-To"] == headers["From"]


def test_its_link_leads_to_the_candidates_page(candidate: Candidate) -> None:
    letters.send_due()
    token = re.search(r"http://testserver/c/(\S+)/", mail.outbox[0].body)
    assert token
    assert links.resolve(token.group(1)) == candidate


def test_it_leaves_once(candidate: Candidate) -> None:
    assert (letters.send_due(), letters.send_due()) == (1, 0)
    assert len(mail.outbox) == 1


def test_the_job_holds_nothing(candidate: Candidate) -> None:
    letters.send(candidate, "scheduled")
    jobs = ProcrastinateJob.objects.filter(task_name__endswith="send_letters")
    assert [job.args for job in jobs] == [{}]


def test_a_letter_that_fails_is_tried_again_and_given_up_after_a_day(
    candidate: Candidate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refused = smtplib.SMTPRecipientsRefused({"ada@analytical.example": (550, b"no Ada here")})
    now = timezone.now()
    with patch("django.core.mail.EmailMessage.send", side_effect=refused):
        for _ in range(len(letters.GAPS) + 3):
            letters.send_due(now)
            letters.send_due(now)  # before its next try nothing happens
            now += timedelta(hours=13)
    assert Letter.objects.get().tries == len(letters.GAPS) + 1
    assert letters.undeliverable(candidate)
    assert not candidate.links.filter(revoked_at=None).exists()
    assert "SMTPRecipientsRefused" in caplog.text
    assert not [secret for secret in (*SECRETS, "Ada") if secret in caplog.text]


def test_nothing_goes_to_whoever_is_erased(candidate: Candidate) -> None:
    erasure.erase(candidate)
    letters.send(candidate, "cancelled")
    assert letters.send_due() == 0
    assert not mail.outbox


def test_the_last_day_is_the_one_that_the_page_says(candidate: Candidate, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"  # 14 hours ahead of UTC
    candidate.asked_at = candidate.created_at
    candidate.lapses_at = datetime(2031, 3, 30, 23, 30, tzinfo=UTC)
    candidate.save()
    letters.send(candidate, "consent_question")
    letters.send_due()
    assert "until 31 March" in " ".join(mail.outbox[-1].body.split())


def test_the_question_says_until_when(candidate: Candidate) -> None:
    now = timezone.now()
    consent.ask(candidate, now)
    letters.send_due()
    last = now + timedelta(days=14)
    assert f"until {last.day} {last:%B}" in " ".join(mail.outbox[1].body.split())
