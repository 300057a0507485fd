"""What staff do about one interviewer of one interview."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from nomdecode.interviews import outcome, scheduling, tasks
from nomdecode.interviews.models import Assignment
from nomdecode.interviews.views.interviews import act
from nomdecode.orgs.doorbell import ring
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest


def _assignment_or_404(member: Member, pk: int) -> Assignment:
    assignments = Assignment.objects.select_related("interview", "member__user")
    return get_object_or_404(assignments, pk=pk, interview__organisation_id=member.organisation_id)


@require_POST
def excuse(request: MemberRequest, pk: int) -> HttpResponse:
    assignment = _assignment_or_404(request.member, pk)
    done = f"{assignment.member.name} is excused; the outcome no longer waits for them."
    return act(
        request,
        assignment.interview_id,
        done,
        lambda: scheduling.excuse(assignment, request.member, timezone.now()),
    )


@require_POST
def reassign(request: MemberRequest, pk: int) -> HttpResponse:
    assignment = _assignment_or_404(request.member, pk)
    colleagues = Member.objects.filter(organisation_id=request.member.organisation_id, active=True)
    chosen = request.POST.get("member", "")
    to = colleagues.filter(pk=chosen).first() if chosen.isdecimal() else None
    if to is None:
        messages.error(request, "Choose who takes over.")
        return redirect("interviews:interview", assignment.interview_id)
    return act(
        request,
        assignment.interview_id,
        f"{to.name} takes over from {assignment.member.name}.",
        lambda: scheduling.reassign(assignment, to, request.member, timezone.now()),
    )


@require_POST
def remind(request: MemberRequest, pk: int) -> HttpResponse:
    assignment = _assignment_or_404(request.member, pk)
    if assignment.scorecard is None and assignment.excused_at is None:
        assignment.reminded_at = timezone.now()
        assignment.save(update_fields=["reminded_at"])
        ring(tasks.send_reminder, assignment_id=assignment.pk)
        outcome.changed(assignment.interview)
        messages.success(request, f"{assignment.member.name} is reminded.", extra_tags="ok")
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("interviews:interview", assignment.interview_id)
