"""The audit trail: append-only rows of who did what to which thing, without identity in them."""

from typing import Any

from django.db import models

from nomdecode.orgs.models import AuditEvent, Member, Organisation


def name_of(thing: models.Model) -> str:
    """ "candidate:<id>": what `thing` is called in the trail."""
    return f"{thing._meta.model_name}:{thing.pk}"


def record(
    organisation: Organisation,
    action: str,
    thing: models.Model,
    *,
    member: Member | None = None,
    by: str = "",
    **detail: Any,
) -> None:
    """Writes one row in the caller's transaction. `by`: member, candidate, lever or system."""
    AuditEvent.objects.create(
        organisation=organisation,
        member=member,
        by=by or ("member" if member else "system"),
        action=action,
        thing=name_of(thing),
        detail=detail,
    )


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What differs, as detail of a row: {"role": {"from": "recruiter", "to": "admin"}}."""
    return {
        name: {"from": before[name], "to": after[name]}
        for name in after
        if before[name] != after[name]
    }
