"""What came from Lever and what is wrong, as lists: never an identity among it."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from nomdecode.lever import choices
from nomdecode.lever import connection as connections
from nomdecode.lever import problems as found
from nomdecode.lever.findings import Finding
from nomdecode.lever.models import Connection, Delivery, Verdict
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest
from nomdecode.pipeline.models import Opportunity

PAGE = 50
EVENTS = {
    "applicationCreated": "Application created",
    "candidateStageChange": "Candidate stage change",
    "candidateHired": "Candidate hired",
    "candidateArchiveChange": "Candidate archive change",
    "candidateDeleted": "Candidate deleted",
    "interviewCreated": "Interview created",
    "interviewUpdated": "Interview updated",
    "interviewDeleted": "Interview deleted",
    "contactCreated": "Contact created",
    "contactUpdated": "Contact updated",
}
VERDICTS = {
    Verdict.WAITING: ("info", "To be looked at"),
    Verdict.REPORTED: ("warn", "Reported; Lever is asked again"),
    Verdict.APPLIED: ("ok", "Looked at in Lever"),
    Verdict.NOT_OURS: ("quiet", "No profile of ours"),
    Verdict.UNKNOWN: ("quiet", "Kept; nothing to do"),
    Verdict.SUSPICIOUS: ("warn", "Its time is far off"),
}


@require_GET
def events(request: MemberRequest) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    deliveries = connection.deliveries.select_related("signing_token").order_by("-received_at")
    page = _page(request, deliveries)
    ours = Opportunity.objects.filter(
        organisation=request.member.organisation,
        external_id__in={delivery.opportunity_id for delivery in page},
    ).select_related("interview__candidate")
    interviews = {opportunity.external_id: opportunity.interview for opportunity in ours}
    rows = [
        _delivery(delivery) | {"interview": interviews.get(delivery.opportunity_id)}
        for delivery in page
    ]
    return answer(request, "events", {"page": page, "rows": rows, "connection": connection})


def _delivery(delivery: Delivery) -> dict[str, Any]:
    pill, words = VERDICTS[Verdict(delivery.verdict)]
    took = (delivery.received_at - delivery.triggered_at).total_seconds()
    return {
        "delivery": delivery,
        "event": EVENTS.get(delivery.event, delivery.event or "Unnamed event"),
        "pill": pill,
        "words": words,
        "delay": duration(took),
    }


def duration(seconds: float) -> str:
    if abs(seconds) < 1:
        return "under 1 s"
    for unit, length, limit in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if abs(seconds) < limit:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


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


def _page(request: MemberRequest, rows: QuerySet[Any]) -> Any:
    return Paginator(rows, PAGE).get_page(request.GET.get("page"))


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
