"""The first three steps of a new organisation, each ticked off by what is there."""

from dataclasses import dataclass

from django.urls import reverse

from nomdecode.interviews import access
from nomdecode.lever.models import Connection
from nomdecode.orgs.models import Member, Role


@dataclass(frozen=True)
class Step:
    title: str
    text: str
    done: bool
    url: str = ""
    action: str = ""


def of(member: Member) -> list[Step]:
    """Empty once all are done, and for interviewers."""
    if not access.is_staff(member):
        return []
    steps = [_lever(member), *_position_and_link(member)]
    return [] if all(step.done for step in steps) else steps


def _lever(member: Member) -> Step:
    done = Connection.objects.filter(organisation=member.organisation_id, enabled=True).exists()
    if member.role == Role.ADMIN:
        text = "Six short steps, checked as you go. You can interview before they are done."
        return Step("Connect Lever", text, done, reverse("lever:setup"), "Connect")
    return Step("Connect Lever", "An admin does this. You can interview before it is done.", done)


def _position_and_link(member: Member) -> list[Step]:
    positions = list(member.organisation.positions.filter(open=True)[:1])
    if positions:
        where = reverse("interviews:position", args=[positions[0].pk])
    else:
        where = reverse("interviews:position_new")
    return [
        Step(
            "Make a position",
            "What you interview for, and the criteria of its scorecard.",
            member.organisation.positions.exists(),
            reverse("interviews:position_new"),
            "New position",
        ),
        Step(
            "Share its link",
            "Candidates enter their details themselves; you see a pseudonym.",
            member.organisation.candidates.exists(),
            where if positions else "",
            "Show the link",
        ),
    ]
