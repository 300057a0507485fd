"""What an unforeseen error writes into the log holds no private link and no address."""

import io
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

import factories
from nomdecode.candidates import consent, links
from nomdecode.interviews import links as invite_links
from nomdecode.lever import connection as connections
from nomdecode.orgs import keys


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the product's own handler writes; a test run logs elsewhere."""
    root, written = logging.getLogger(), io.StringIO()
    plain = dict(settings.LOGGING["formatters"]["plain"])  # what reads it takes it apart
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.config.DictConfigurator({}).configure_formatter(plain))
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def fails(*args: object, **kwargs: object) -> None:
    raise RuntimeError(f"said by ada@analytical.example: {args[1:]}")


@pytest.mark.django_db
def test_an_error_on_a_candidates_page_does_not_log_the_private_link(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = links.issue(factories.candidate())
    monkeypatch.setattr(consent, "answer", fails)
    browser = Client(raise_request_exception=False)
    answer = browser.post(reverse("candidates:answer", args=[token]), {"answer": "yes"})
    assert answer.status_code == 500
    assert "RuntimeError: said by […]" in log.getvalue()
    assert token not in log.getvalue()
    assert "analytical" not in log.getvalue()


@pytest.mark.django_db
def test_a_forged_request_does_not_log_the_private_link(log: io.StringIO) -> None:
    token = links.issue(factories.candidate())
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(reverse("candidates:answer", args=[token])).status_code == 403
    assert "Forbidden" in log.getvalue()
    assert token not in log.getvalue()


@pytest.mark.django_db
def test_links_are_recognised_wherever_they_stand(log: io.StringIO) -> None:
    member = factories.member()
    link = invite_links.position_link(factories.position(member.organisation), member)
    secrets = [invite_links.token_of(link), connections.of(member.organisation).hook_id]
    secrets += [keys.new_token() for _ in range(20)]
    for secret in secrets:
        logging.getLogger("anything").error("no reverse for 'mine' with arguments ('%s',)", secret)
    assert log.getvalue().count("('[…]',)") == len(secrets)


def test_what_helps_to_find_a_mistake_stays(log: io.StringIO) -> None:
    request = HttpRequest()
    request.path = "/interviews/0b5e2d6e-8f7e-4a54-9a2b-3f0d8a1c9e11/scorecard/"
    logging.getLogger("django.request").error("Internal Server Error: %s", request.path)
    logging.getLogger("nomdecode").warning("letter 12 was not sent: SMTPRecipientsRefused")
    assert request.path in log.getvalue()
    assert "letter 12 was not sent: SMTPRecipientsRefused" in log.getvalue()
