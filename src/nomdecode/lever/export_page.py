"""One export's own page: its steps, every attempt, and what staff may do. Never an identity."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from nomdecode.lever import activity, errands, moment, readback, remedies
from nomdecode.lever.models import (
    Attempt,
    Duplicate,
    Export,
    ExportState,
    ExportStep,
    StepState,
)
from nomdecode.lever.story import KINDS, WHY_OWNED, WHY_PERFORMED
from nomdecode.orgs import audit, live
from nomdecode.orgs.models import Role
from nomdecode.orgs.roles import MemberRequest
from nomdecode.pipeline.models import Stage

THINGS = {"profile": "Profile", "note": "Scorecards as a note"}
# Attempt.outcome -> pill and words.
OUTCOMES = {
    "made": ("ok", "Made"),
    "found": ("ok", "Found there"),
    "not found": ("info", "Not there"),
    "Unavailable": ("warn", "Not reached"),
    "Busy": ("info", "Had to wait"),
    "RateLimited": ("warn", "Asked to slow down"),
    "Ambiguous": ("warn", "No usable answer"),
    "Unauthorised": ("danger", "Key refused"),
    "Forbidden": ("danger", "Not allowed"),
    "NotFound": ("danger", "Not there any more"),
    "Refused": ("danger", "Not accepted"),
}


def _of(request: MemberRequest, pk: UUID) -> Any:
    """With `own`, as in the list; in no case of another organisation."""
    return get_object_or_404(
        activity.visible(request.member).select_related("organisation"), interview=pk
    )


def _to_change(request: MemberRequest, pk: UUID) -> Export:
    """Whoever interviewed leaves this to others: what it needs is seen in Lever, with the name."""
    export: Any = _of(request, pk)
    if export.own:
        raise Http404
    found: Export = export
    return found


# --- the page


@require_safe
def page(request: MemberRequest, pk: UUID) -> HttpResponse:
    context = _context(request, _of(request, pk))
    part = "#part" if request.htmx else ""
    return render(request, f"lever/activity_export.html{part}", context)


def _context(request: MemberRequest, export: Any) -> dict[str, Any]:
    now, untold = moment.now(), activity.untold(export, export.own)
    # Whoever interviewed could tell from these whether Lever was ever asked.
    steps = [] if untold else list(export.steps.prefetch_related("attempts"))
    todo = next((step for step in steps if step.state != StepState.DONE), None)
    return {
        "export": export,
        "candidate": export.interview.candidate,
        "position": export.interview.position,
        "admin": request.member.role == Role.ADMIN,
        "pill": activity.pill(export),
        "reason": activity.reason(export, export.own),
        "detail": _detail(export),
        "next": activity.next_at(export, todo.next_try_at if todo else None, now),
        "steps": [_step(step, export, now) for step in steps],
        "untold": untold,
        "attempts": _attempts(steps),
        "plan": [] if untold else _plan(export),
        "sent": readback.what_was_sent(export) if export.interview.candidate.erased_at else [],
        "duplicates": export.duplicates.order_by("id"),
        "errands": export.errands.select_related("member__user").order_by("-id")[:10],
        "whys": remedies.WHYS,
        **_may(export, steps, now),
    }


def _may(export: Any, steps: list[ExportStep], now: Any) -> dict[str, Any]:
    """What is offered. Each remedy looks once more when it is asked for."""
    open_states = (ExportState.WAITING, ExportState.GOING, ExportState.STOPPED)
    profile = getattr(export.interview, "opportunity", None)
    others = not export.own
    # Under way it looks by itself whether what was asked for is there.
    rests = export.state in (ExportState.STOPPED, ExportState.ENDED)
    return {
        "url": profile.link if profile and others else "",
        "may_retry": others and remedies.may_retry(export, now),
        "may_skip": others and export.state in open_states,
        "may_adopt": others and export.state != ExportState.ENDED,
        "may_read_back": others and any(s.remote_id or (s.calling_since and rests) for s in steps),
    }


def _detail(export: Any) -> str:
    """What belongs to the reason: the kinds found, Lever’s answer, or why it was skipped."""
    if activity.untold(export, export.own):
        return ""
    if export.skipped_at:
        return str(export.skipped_why)
    if kinds := export.detail.get("kinds"):
        return "Found: " + ", ".join(KINDS.get(kind, kind) for kind in kinds)
    message: str = export.detail.get("message", "")
    return message


def _step(step: ExportStep, export: Export, now: Any) -> dict[str, Any]:
    mark, words = _state(step, export, now)
    return {
        "title": THINGS.get(step.name, step.name),
        "mark": mark,
        "words": words,
        "at": step.done_at if step.state == StepState.DONE else step.calling_since,
        "tries": step.tries,
    }


def _state(step: ExportStep, export: Export, now: Any) -> tuple[str, str]:
    """The dot of the story and its words."""
    if step.state == StepState.DONE:
        return "done", "in Lever"
    if step.lease_until and step.lease_until > now:
        return "now", "Lever is being asked"
    if step.calling_since:
        return "warn", "Asked without a usable answer: we look whether it was made"
    ended = export.state == ExportState.ENDED
    return "wait", "not sent" if ended else "not yet"


def _attempts(steps: list[ExportStep]) -> list[dict[str, Any]]:
    made = [(attempt, step) for step in steps for attempt in step.attempts.all()]
    made.sort(key=lambda each: each[0].pk, reverse=True)
    return [_attempt(attempt, step) for attempt, step in made]


def _attempt(attempt: Attempt, step: ExportStep) -> dict[str, Any]:
    pill, words = OUTCOMES.get(attempt.outcome, ("info", attempt.outcome))
    ms = attempt.milliseconds
    return {
        "attempt": attempt,
        "thing": THINGS.get(step.name, step.name),
        "took": f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s",
        "pill": pill,
        "words": words,
        "back": _back_came(attempt),
        "sent": json.dumps(attempt.sent, indent=2, ensure_ascii=False) if attempt.sent else "",
    }


def _back_came(attempt: Attempt) -> str:
    if attempt.status:
        return f"{attempt.status} {attempt.code}".strip()
    return attempt.code or ("" if attempt.outcome == "not found" else "no answer")


def _plan(export: Export) -> list[tuple[str, str]]:
    """What was fixed at the first claim, in words."""
    fixed: dict[str, Any] = export.plan or {}
    if not fixed:
        return []
    stages = Stage.objects.filter(organisation=export.organisation_id, external_id=fixed["stage"])
    stage = stages.first()
    performed = WHY_PERFORMED.get(fixed["perform_as_why"], "")
    owned = WHY_OWNED.get(fixed.get("owner_why", ""), "")
    facts = [
        ("Stage", stage.text if stage else "gone from Lever"),
        ("Performed as", fixed["perform_as_email"] + (f" ({performed})" if performed else "")),
        ("Owner", fixed["owner_email"] + (f" ({owned})" if owned else "")),
        ("Origin", fixed["origin"]),
        ("Went without", ", ".join(fixed.get("left_out", []))),
    ]
    return [(name, value) for name, value in facts if value]


# --- what staff may do


def _back(request: MemberRequest, pk: UUID) -> HttpResponse:
    answer = redirect("lever:export", pk)
    return HttpResponseClientRedirect(answer.url) if request.htmx else answer


def _refused(
    request: MemberRequest, export: Any, field: str, refused: remedies.Refused
) -> HttpResponse:
    """The form once more, with what was typed and why not beside it."""
    typed = {f"{field}_typed": request.POST.get(field, ""), f"{field}_error": refused.sentence}
    context = _context(request, export) | typed
    part = f"#{field}_form" if request.htmx else ""
    return render(request, f"lever/activity_export.html{part}", context, status=422)


@require_POST
def retry(request: MemberRequest, pk: UUID) -> HttpResponse:
    try:
        remedies.retry(_to_change(request, pk), request.member)
    except remedies.Refused as refused:
        messages.warning(request, refused.sentence)
    return _back(request, pk)


@require_POST
def skip(request: MemberRequest, pk: UUID) -> HttpResponse:
    export = _to_change(request, pk)
    try:
        remedies.skip(export, request.POST.get("why", ""), request.member)
    except remedies.Refused as refused:
        return _refused(request, export, "why", refused)
    messages.success(request, "Skipped. It stays here.")
    return _back(request, pk)


@require_POST
def adopt(request: MemberRequest, pk: UUID) -> HttpResponse:
    export = _to_change(request, pk)
    try:
        errands.ask_adopt(export, request.POST.get("link", ""), request.member)
    except remedies.Refused as refused:
        return _refused(request, export, "link", refused)
    return _back(request, pk)


@require_POST
def read_back(request: MemberRequest, pk: UUID) -> HttpResponse:
    try:
        errands.ask_read_back(_to_change(request, pk), request.member)
    except remedies.Refused as refused:
        messages.warning(request, refused.sentence)
    return _back(request, pk)


@require_POST
@transaction.atomic
def settle(request: MemberRequest, pk: int) -> HttpResponse:
    """A person says that something which Lever had twice is dealt with."""
    duplicate = get_object_or_404(
        Duplicate.objects.select_for_update(of=("self",)).select_related("export__interview"),
        export__organisation=request.member.organisation_id,
        pk=pk,
    )
    _to_change(request, duplicate.export.interview_id)
    if duplicate.settled_at is None:
        duplicate.settled_at = timezone.now()
        duplicate.save(update_fields=["settled_at"])
        audit.record(
            request.member.organisation,
            "export.duplicate_settled",
            duplicate.export.interview,
            member=request.member,
        )
        live.publish(request.member.organisation_id, "lever", "needs")
    return _back(request, duplicate.export.interview_id)
