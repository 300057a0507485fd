"""The scorecard form: what is typed is kept as a draft, and sent once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_GET, require_POST

from nomdecode.interviews import access, scorecards, sending
from nomdecode.interviews.models import Assignment, Criterion, Recognised, State
from nomdecode.interviews.refusals import AlreadySubmitted, Incomplete, Refused, Stale
from nomdecode.orgs.models import Decision
from nomdecode.orgs.roles import MemberRequest

PAGE = "interviews/scorecard.html"
PAGE_NAME_AT_MOST = 32


def _own_or_404(request: MemberRequest, pk: UUID) -> Assignment:
    interview = access.interview_or_404(request.member, pk)
    assignment = access.own(interview, request.member)
    if assignment is None or interview.state == State.CANCELLED:
        raise Http404
    assignment.interview = interview
    return assignment


def typed(post: QueryDict, criteria: list[Criterion], decider: bool) -> dict[str, Any]:
    """The form's fields as scorecard content."""
    ratings = {}
    for criterion in criteria:
        rating = post.get(f"rating-{criterion.pk}", "")
        ratings[str(criterion.pk)] = {
            "rating": int(rating) if rating.isdecimal() else None,
            "evidence": post.get(f"evidence-{criterion.pk}", ""),
        }
    content = {
        "ratings": ratings,
        "notes": post.get("notes"),
        "recognised": post.get("recognised"),
        "decision": post.get("decision"),
    }
    return scorecards.tidy(content, criteria, decider)


def _number(post: QueryDict, name: str) -> int:
    text = post.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


@require_GET
def scorecard(request: MemberRequest, pk: UUID) -> HttpResponse:
    assignment, now = _own_or_404(request, pk), timezone.now()
    card = assignment.scorecard
    if card and not scorecards.may_amend(assignment, now):
        messages.error(request, scorecards.LEFT)
        return redirect("interviews:interview", pk)
    content = assignment.draft or (card.content if card else {})
    criteria = scorecards.criteria_of(assignment)
    content = scorecards.tidy(content, criteria, assignment.decider)
    return render(request, PAGE, _context(assignment, criteria, content, now))


@require_POST
def draft(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Keeps what is typed; with `ask` answers what sending would do, for the dialog."""
    assignment, now = _own_or_404(request, pk), timezone.now()
    criteria = scorecards.criteria_of(assignment)
    content = typed(request.POST, criteria, assignment.decider)
    version = _number(request.POST, "draft_version")
    if "keep" in request.POST:
        version = assignment.draft_version
    conflict = ""
    try:
        version = scorecards.save_draft(
            assignment,
            content,
            version,
            request.POST.get("page", "")[:PAGE_NAME_AT_MOST],
            _number(request.POST, "number"),
        )
    except Stale as stale:
        conflict = stale.sentence
    context = _context(assignment, criteria, content, now)
    asked = "ask" in request.POST
    context |= {"draft_version": version, "conflict": conflict, "kept_at": now}
    context |= {"again": True, "beside": asked}
    return render(request, PAGE + ("#ask" if asked else "#kept"), context)


@require_POST
def submit(request: MemberRequest, pk: UUID) -> HttpResponse:
    assignment, now = _own_or_404(request, pk), timezone.now()
    criteria = scorecards.criteria_of(assignment)
    content = typed(request.POST, criteria, assignment.decider)
    amends = _number(request.POST, "amends")
    errors: dict[str, str] = {}
    try:
        with transaction.atomic():
            scorecards.submit(assignment, content, now, amends=amends)
    except Incomplete as incomplete:
        errors, notice = incomplete.errors, incomplete.sentence
        notice = _keep(assignment, content, _number(request.POST, "draft_version")) or notice
    except Refused as refused:
        notice = refused.sentence
        if not isinstance(refused, AlreadySubmitted):
            _keep(assignment, content, _number(request.POST, "draft_version"))
    else:
        messages.success(request, "Your scorecard is in.", extra_tags="ok")
        return redirect("interviews:interview", pk)
    assignment.refresh_from_db(fields=["draft_version"])
    context = _context(assignment, criteria, content, now)
    context |= {"errors": errors, "notice": notice, "amends": amends}
    context["focus"] = next(iter(errors.values()), "")  # of the first field concerned
    context["rows"] = _rows(criteria, content, errors)
    return render(request, PAGE, context, status=422)


def _keep(assignment: Assignment, content: dict[str, Any], version: int) -> str:
    try:
        scorecards.save_draft(assignment, content, version)
    except Stale as stale:
        return f"{stale.sentence} What you typed is still here: check it, then send it again."
    return ""


def _rows(
    criteria: list[Criterion], content: dict[str, Any], errors: dict[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            "criterion": criterion,
            **content["ratings"][str(criterion.pk)],
            "rating_error": errors.get(f"rating-{criterion.pk}"),
            "evidence_error": errors.get(f"evidence-{criterion.pk}"),
        }
        for criterion in criteria
    ]


def _context(
    assignment: Assignment, criteria: list[Criterion], content: dict[str, Any], now: datetime
) -> dict[str, Any]:
    card = assignment.scorecard
    missing = scorecards.validate(content, criteria, assignment)
    return {
        "interview": assignment.interview,
        "candidate": assignment.interview.candidate,
        "assignment": assignment,
        "content": content,
        "rows": _rows(criteria, content, {}),
        "unrated": sum(1 for entry in content["ratings"].values() if entry["rating"] is None),
        "missing": list(dict.fromkeys(missing.values())),
        "amends": card.version if card else 0,
        "draft_version": assignment.draft_version,
        "page": get_random_string(12),
        "ratings": scorecards.RATINGS.items(),
        "decisions": Decision.choices,
        "recognised": Recognised.choices,
        "judgement_fixed": card is not None and sending.has_left(assignment, now),
        "what_happens": sending.what_happens(assignment, content["decision"], now),
        "changes_in": access.changes_in(assignment.interview, now),
        "early": assignment.interview.state == State.SCHEDULED
        and (assignment.interview.starts_at or now) > now,
    }
