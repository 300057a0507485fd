"""Telling the admins by mail what has gone wrong with Lever, and what is over."""

import logging
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from nomdecode.lever import problem_kinds, problems
from nomdecode.lever.models import Problem
from nomdecode.orgs import locks
from nomdecode.orgs.models import Organisation, Role

log = logging.getLogger(__name__)


def send(organisation: Organisation, now: datetime) -> None:
    """All that is to be told, in one mail, unless another worker is sending it."""
    with locks.alone(f"lever.problem_mail {organisation.pk}") as alone:
        if alone:
            _send(organisation, now)


def _send(organisation: Organisation, now: datetime) -> None:
    """Whoever dies between sending and writing it down sends it again: better twice than never."""
    told = list(problems.untold(organisation, now).order_by("opened_at", "pk"))
    to = _admins(organisation)
    if not (told and to):
        return
    try:
        compose(organisation, told, to).send()
    except OSError as error:  # its text may hold an address; a minute later it is tried again
        log.warning("problems of %s were not mailed: %s", organisation.pk, type(error).__name__)
        return
    begun, over = _sorted(told)
    _written(organisation, begun).update(opening_mailed_at=now)
    # Not what has come back in this moment.
    _written(organisation, over).exclude(closed_at=None).update(closing_mailed_at=now)


def _admins(organisation: Organisation) -> list[str]:
    admins = organisation.members.filter(role=Role.ADMIN, active=True, user__is_active=True)
    return [admin.email for admin in admins.select_related("user")]


def _sorted(told: list[Problem]) -> tuple[list[Problem], list[Problem]]:
    return [row for row in told if not row.closed_at], [row for row in told if row.closed_at]


def _written(organisation: Organisation, rows: list[Problem]) -> QuerySet[Problem]:
    return organisation.problems.filter(pk__in=[row.pk for row in rows])


def compose(organisation: Organisation, told: list[Problem], to: list[str]) -> EmailMessage:
    begun, over = _sorted(told)
    context = {
        "organisation": organisation,
        "begun": [_said(row) for row in begun],
        "over": over,
        "url": settings.URL + reverse("lever:problems"),
    }
    return EmailMessage(
        subject=f"Nom de Code: {_subject(begun, over)}",
        body=render_to_string("lever/problems.txt", context),
        to=to,
        headers={"Auto-Submitted": "auto-generated"},
    )


def _said(row: Problem) -> dict[str, object]:
    words = problem_kinds.words(row.kind, row.key)
    return {
        "title": row.title,
        "since": row.opened_at,
        "what_it_stops": problem_kinds.what_it_stops(row.kind, row.stops),
        "what_to_do": words.what_to_do,
        "steps": words.steps,
    }


def _subject(begun: list[Problem], over: list[Problem]) -> str:
    if len(begun) + len(over) == 1:
        return begun[0].title if begun else f"over: {over[0].title}"
    new = f"{len(begun)} new problem{'' if len(begun) == 1 else 's'}" if begun else ""
    gone = f"{len(over)} over" if begun else f"{len(over)} problems are over"
    return f"{new}, {gone}" if begun and over else new or gone
