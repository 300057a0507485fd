"""The story's part of the interview page, and what staff may do with a stopped export."""

from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from nomdecode.candidates import reveals
from nomdecode.interviews import access
from nomdecode.lever import export as exports
from nomdecode.lever import story
from nomdecode.lever.models import Export, ExportState
from nomdecode.orgs import audit, live
from nomdecode.orgs.roles import MemberRequest
from nomdecode.pipeline import moves
from nomdecode.pipeline.models import Opportunity


@require_GET
def part(request: MemberRequest, pk: UUID) -> HttpResponse:
    member, interview = request.member, access.interview_or_404(request.member, pk)
    export = Export.objects.filter(interview=interview).first()
    opportunity = Opportunity.objects.filter(interview=interview).first()
    reads = access.may_read(interview, member)
    if not reads:
        export = opportunity = None
    staff = access.is_staff(member)
    # Whoever interviewed is an interviewer to this candidate, whatever else they are.
    apart = staff and not reveals.interviewed(interview.candidate, member)
    stopped = staff and export is not None and export.state == ExportState.STOPPED
    context = {
        "interview": interview,
        "title": _title(export),
        "entries": story.of(interview, export, for_staff=apart) if reads else [story.NOT_YET],
        # Lever shows the name, which an interviewer never sees.
        "url": opportunity.url if opportunity and apart else "",
        "can_retry": stopped,
        "to_activity": staff and export is not None,
        "asks_erasure": staff and opportunity is not None and moves.to_erase_there(opportunity),
        "asks_rephrase": stopped and export is not None and export.reason == "identity",
    }
    return render(request, "lever/story.html", context)


def _title(export: Export | None) -> str:
    if export and export.state == ExportState.EXPORTED:
        return "In Lever"
    return "Stays here" if export and export.state == ExportState.ENDED else "On its way to Lever"


def _stopped(request: MemberRequest, pk: UUID) -> Export:
    """Under lock: two people may press at once."""
    get_object_or_404(Export, organisation=request.member.organisation, interview=pk)
    _, export = exports.locked(pk)
    if export.state != ExportState.STOPPED:
        raise Http404
    return export


@require_POST
@transaction.atomic
def retry(request: MemberRequest, pk: UUID) -> HttpResponse:
    export = _stopped(request, pk)
    audit.record(export.organisation, "export.retried", export.interview, member=request.member)
    exports.retry(export)
    return redirect("interviews:interview", pk)


@require_POST
@transaction.atomic
def rephrase(request: MemberRequest, pk: UUID) -> HttpResponse:
    """One neutral request to every interviewer: who wrote what is not told."""
    export = _stopped(request, pk)
    export.interview.assignments.update(rephrase_asked_at=timezone.now())
    audit.record(
        export.organisation, "export.rephrase_asked", export.interview, member=request.member
    )
    exports.changed(export)
    return redirect("interviews:interview", pk)


@require_POST
@transaction.atomic
def erased_there(request: MemberRequest, pk: UUID) -> HttpResponse:
    """A person says that the profile of an erased candidate is erased in Lever, too."""
    opportunity = get_object_or_404(
        Opportunity.objects.select_for_update(of=("self",)).select_related("interview"),
        organisation=request.member.organisation,
        interview=pk,
        erased_there_at=None,
        interview__candidate__erased_at__isnull=False,
    )
    opportunity.erased_there_at = timezone.now()
    opportunity.save(update_fields=["erased_there_at"])
    audit.record(
        request.member.organisation,
        "candidate.erased_there",
        opportunity.interview,
        member=request.member,
    )
    live.publish(opportunity.organisation_id, f"interview-{pk}")
    live.publish(opportunity.organisation_id, "home")
    return redirect("interviews:interview", pk)


@require_POST
@transaction.atomic
def send_anyway(request: MemberRequest, pk: UUID) -> HttpResponse:
    export = _stopped(request, pk)
    kinds = export.detail.get("kinds", [])
    audit.record(
        export.organisation,
        "export.cleared",
        export.interview,
        member=request.member,
        kinds=kinds,
    )
    exports.clear(export, kinds)
    return redirect("interviews:interview", pk)
