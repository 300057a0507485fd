"""The list of interviews, one interview, and what can be done to it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from nomdecode.interviews import access, links, scheduling, sending
from nomdecode.interviews.forms import ScheduleForm
from nomdecode.interviews.models import Assignment, Interview, Position, State
from nomdecode.interviews.refusals import Refused, Stale
from nomdecode.interviews.templatetags.interviews import hours
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest

PAGE = 25


@require_GET
def index(request: MemberRequest) -> HttpResponse:
    member, now = request.member, timezone.now()
    positions = Position.objects.filter(interviews__in=access.visible(member)).distinct()
    chosen_state = request.GET.get("state", "")
    chosen = next((p for p in positions if str(p.pk) == request.GET.get("position", "")), None)
    interviews = access.visible(member)
    if chosen_state in State.values:
        interviews = interviews.filter(state=chosen_state)
    if chosen:
        interviews = interviews.filter(position=chosen)
    open_ones = interviews.filter(state__in=[State.UNSCHEDULED, State.SCHEDULED]) | (
        interviews.filter(state=State.HELD, outcome=None)
    )
    rows = [_row(each, member, now) for each in open_ones.order_by("starts_at", "created_at")]
    shown = {row["interview"].pk for row in rows}
    rest = interviews.exclude(pk__in=shown).order_by("-starts_at", "-created_at")
    page = Paginator(rest, PAGE).get_page(request.GET.get("page"))
    context = {
        "groups": [
            ("Needs you", [row for row in rows if row["needs"] and page.number == 1]),
            ("Coming up and waiting", [r for r in rows if not r["needs"] and page.number == 1]),
            ("Done", [_row(each, member, now) for each in page]),
        ],
        "page": page,
        "positions": positions,
        "position": chosen,
        "states": State.choices,
        "state": chosen_state,
        "staff": access.is_staff(member),
        "filtered": chosen is not None or chosen_state in State.values,
    }
    name = "interviews/list.html"
    return render(request, f"{name}#groups" if request.htmx else name, context)


def _row(interview: Interview, member: Member, now: datetime) -> dict[str, Any]:
    needs = access.needs(interview, member, now)
    return {
        "interview": interview,
        "needs": needs,
        "note": needs or access.waits_for(interview),
        "pill": access.pill(interview, member, now),
        "interviewers": ", ".join(each.member.name for each in interview.assignments.all()),
    }


@require_GET
def new(request: MemberRequest) -> HttpResponse:
    """A new interview is a link: the candidate begins it by filling in their details."""
    positions = request.member.organisation.positions.filter(open=True)
    chosen = next((p for p in positions if str(p.pk) == request.GET.get("position", "")), None)
    link = links.current(chosen) if chosen else None
    context: dict[str, Any] = {"positions": positions, "position": chosen}
    if link:
        context["address"] = links.address(link)
    return render(request, "interviews/new.html", context)


@require_GET
def interview(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = access.interview_or_404(request.member, pk)
    return render(request, "interviews/interview.html", _context(request.member, found))


@require_GET
def state(request: MemberRequest, pk: UUID) -> HttpResponse:
    """The page's living part, and its head out of band."""
    context = _context(request.member, access.interview_or_404(request.member, pk))
    return render(request, "interviews/interview.html#live", context | {"again": True})


def _context(member: Member, interview: Interview) -> dict[str, Any]:
    now, staff = timezone.now(), access.is_staff(member)
    own = access.own(interview, member)
    assignments = list(interview.assignments.all())
    reads = access.may_read(interview, member)
    return {
        "interview": interview,
        "candidate": interview.candidate,
        "pill": access.pill(interview, member, now),
        "staff": staff,
        "own": own,
        "assignments": [_assignment(each, interview, staff) for each in assignments],
        "cards": _cards(interview, assignments) if reads else _cards(interview, [own]),
        "hidden": 0 if reads else sum(1 for each in assignments if each.scorecard),
        "outcome": access.outcome_of(interview) if reads else None,
        "reads": reads,
        "recognised": access.to_reassign(interview) if staff else [],
        "over": access.over(interview, now),
        "may_be_held": interview.state in (State.SCHEDULED, State.NO_SHOW)
        and scheduling.may_have_begun(interview, now),
        "may_be_missed": interview.state == State.SCHEDULED
        and scheduling.has_begun(interview, now),
        "now": now,
        "changes_in": access.changes_in(interview, now),
        "may_write": own is not None and interview.state in (State.SCHEDULED, State.HELD),
        "may_amend": own is not None
        and (own.rephrase_asked_at is not None or not sending.has_left(own, now)),
        "open": interview.state in scheduling.OPEN,
        "colleagues": _colleagues(interview) if staff else [],
    }


def _colleagues(interview: Interview) -> list[Member]:
    members = interview.organisation.members.filter(active=True).select_related("user")
    knows = {each.member_id for each in interview.assignments.all() if each.recognised_at}
    return [member for member in members if member.pk not in knows]


def _assignment(assignment: Assignment, interview: Interview, staff: bool) -> dict[str, Any]:
    missing = assignment.scorecard is None
    settled = interview.state == State.CANCELLED or access.outcome_of(interview) is not None
    return {
        "assignment": assignment,
        "card": assignment.scorecard,
        "may_remind": staff
        and interview.state == State.HELD
        and assignment in access.pending(interview)
        and not assignment.recognised_at,
        "may_excuse": staff
        and missing
        and not assignment.decider
        and not assignment.excused_at
        and not settled,
        "may_reassign": staff and missing and not settled,
    }


def _cards(interview: Interview, assignments: list[Any]) -> list[dict[str, Any]]:
    criteria = {str(each.pk): each for each in interview.position.criteria.all()}
    cards = []
    for assignment in assignments:
        versions = (
            sorted(assignment.scorecards.all(), key=lambda v: -v.version) if assignment else []
        )
        for version in versions:
            version.rows = [
                {"criterion": criteria[key], **entry}
                for key, entry in version.content["ratings"].items()
                if key in criteria
            ]
        if versions:
            cards.append({"assignment": assignment, "card": versions[0], "earlier": versions[1:]})
    return cards


@require_http_methods(["GET", "POST"])
def schedule(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = access.interview_or_404(request.member, pk)
    if request.method == "GET":
        return _schedule_page(request, found, ScheduleForm(found))
    form = ScheduleForm(found, request.POST)
    if not form.is_valid():
        return _schedule_page(request, found, form)
    version = form.cleaned_data["version"]
    try:
        scheduling.schedule(found, form.plan(), version, request.member)
    except Stale as stale:
        # Both values stay in sight; saving again replaces what the other person set.
        now_set = access.interview_or_404(request.member, pk)
        data = request.POST.copy()
        data["version"] = str(now_set.version)
        form = ScheduleForm(now_set, data)
        return _schedule_page(request, now_set, form, stale.sentence)
    except Refused as refused:
        messages.error(request, refused.sentence)
    else:
        messages.success(request, "Saved. The candidate is told by mail.", extra_tags="ok")
    return redirect("interviews:interview", pk)


def _schedule_page(
    request: HttpRequest, interview: Interview, form: ScheduleForm, stale: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {"interview": interview, "form": form, "stale": stale}
    if stale:
        context["theirs"] = hours(interview)
    status = 422 if form.is_bound else 200
    return render(request, "interviews/schedule.html", context, status=status)


def act(request: HttpRequest, pk: UUID, done: str, action: Callable[[], object]) -> HttpResponse:
    """Does it, or says why not, and goes back to the interview."""
    try:
        action()
    except Refused as refused:
        messages.error(request, refused.sentence)
    else:
        messages.success(request, done, extra_tags="ok")
    return redirect("interviews:interview", pk)


@require_POST
def cancel(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = access.interview_or_404(request.member, pk)
    done = "Cancelled. The candidate is told by mail."
    return act(request, pk, done, lambda: scheduling.cancel(found, "organisation", request.member))


@require_POST
def held(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = access.interview_or_404(request.member, pk)
    done = "Held. The scorecards are due now."
    return act(request, pk, done, lambda: scheduling.held(found, request.member, timezone.now()))


@require_POST
def no_show(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = access.interview_or_404(request.member, pk)
    who = "You" if access.is_staff(request.member) else "The recruiter"
    done = f"Noted: the candidate did not come. {who} can choose another time."
    return act(request, pk, done, lambda: scheduling.no_show(found, request.member))


@require_POST
def recognise(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = access.interview_or_404(request.member, pk)
    own = get_object_or_404(Assignment, interview=found, member=request.member)
    done = "Thank you. The recruiter is asked to find somebody else."
    return act(request, pk, done, lambda: scheduling.recognise(own, timezone.now()))
