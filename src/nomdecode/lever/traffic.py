"""The frame of the pages about Lever, and what is wrong as a list: never an identity among it."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from nomdecode.lever import choices
from nomdecode.lever import connection as connections
from nomdecode.lever import problems as found
from nomdecode.lever.findings import Finding
from nomdecode.lever.models import Connection
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest


class SinceForm(forms.Form):
    """From when on something is to be done again."""

    since = forms.DateTimeField(
        label="Since",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={
            "required": "Choose a day and a time.",
            "invalid": "This is no time, or one that the change of clocks leaves out.",
        },
    )


@require_GET
def problems(request: MemberRequest) -> HttpResponse:
    """As it is at this moment; the rows that watch() keeps may be a minute old."""
    organisation = request.member.organisation
    wrong = found.current(connections.of(organisation))
    context = {
        "problems": [_problem(each, request.member) for each in wrong],
        "over": found.over(organisation, timezone.now()),
        "problem_count": len(wrong),
    }
    return answer(request, "problems", context)


def _problem(finding: Finding, member: Member) -> dict[str, Any]:
    concerned = found.concerned(finding, member)
    more = finding.stops - len(concerned)
    return {"problem": finding, "concerned": concerned, "more": more}


def answer(
    request: MemberRequest, here: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """The page, or the list alone where htmx asks again."""
    if request.htmx:
        return render(request, f"lever/{here}.html#list", context)
    connection: Connection = connections.of(request.member.organisation)
    kind, word = choices.status(connection)
    context |= {"here": here, "status_kind": kind, "status_word": word}
    if here != "problems":
        context["problem_count"] = found.count(connection)
    return render(request, f"lever/{here}.html", context, status=status)
