"""What is wrong with the connection now, derived from facts: a problem that is mended is gone."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from nomdecode.lever import choices, credentials
from nomdecode.lever.eligibility import REASONS
from nomdecode.lever.models import Connection, Export, ExportState
from nomdecode.pipeline.models import Stage


@dataclass(frozen=True)
class Problem:
    title: str
    what_to_do: str
    url: str
    action: str
    since: datetime | None = None


def of(connection: Connection) -> list[Problem]:
    return [*_of_the_key(connection), *_of_the_choices(connection), *_of_exports(connection)]


def _of_the_key(connection: Connection) -> list[Problem]:
    if not connection.api_key:
        return []
    setup = reverse("lever:setup")
    if connection.api_key_refused_at:
        since = connection.api_key_refused_at
        text = "Every profile waits. Make a new key in Lever and paste it here."
        return [
            Problem("Lever refuses the Data API key", text, f"{setup}#key", "Replace it", since)
        ]
    return [
        Problem(
            f"The Data API key may not read {kind}",
            "Give it that permission in Lever, then check the key again.",
            f"{setup}#key",
            "Look at the key",
        )
        for kind in credentials.NEEDED
        if connection.permissions.get(kind) is False
    ]


def _of_the_choices(connection: Connection) -> list[Problem]:
    found = []
    setup = reverse("lever:setup")
    fallback = choices.fallback_user(connection)
    if fallback is not None and fallback["deactivated"]:
        title = f"{connection.perform_as} is no active Lever user"
        text = "Choose another user to perform as when the interviewer is no Lever user."
        found.append(Problem(title, text, f"{setup}#perform-as", "Choose another"))
    for stage, passed in ((connection.stage_passed, True), (connection.stage_not_passed, False)):
        if choices.stage_gone(connection, stage):
            kept = Stage.objects.filter(
                organisation=connection.organisation_id, external_id=stage
            ).first()
            title = f"The stage “{kept.text}” is gone from Lever" if kept else GONE
            text = "Choose where profiles go." if passed else "Choose where unsuccessful ones go."
            found.append(Problem(title, text, f"{setup}#where", "Choose a stage"))
    return found


GONE = "The chosen stage is gone from Lever"


def _of_exports(connection: Connection) -> list[Problem]:
    stopped = Export.objects.filter(
        organisation=connection.organisation_id, state=ExportState.STOPPED
    )
    return [
        Problem(
            f"{export.interview.candidate.pseudonym} has not reached Lever",
            f"{REASONS.get(export.reason, 'It was stopped')}.",
            reverse("interviews:interview", args=[export.interview_id]),
            "Open the interview",
        )
        for export in stopped.select_related("interview__candidate").order_by("-created_at")[:100]
    ]


def count(connection: Connection) -> int:
    return len(of(connection))
