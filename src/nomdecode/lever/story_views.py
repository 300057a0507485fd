"""The story's part of the interview page, and what staff may do with a stopped export."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from nomdecode.candidates import reveals
from nomdecode.interviews import access, outcome
from nomdecode.lever import export as exports
from nomdecode.lever import guard, story, taken_back
from nomdecode.lever.models import Export, ExportState
from nomdecode.orgs import audit, live
from nomdecode.orgs.models import Role
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
    stopped = apart and export is not None and export.state == ExportState.STOPPED
    context = {
        "interview": interview,
        "title": _title(export, opportunity) if apart or story.waits(export) else "Decided",
        "entries": story.of(interview, export, for_staff=apart) if reads else [story.NOT_YET],
        # Lever shows the name, which an interviewer never sees.
        "url": opportunity.link if opportunity and apart else "",
        "can_retry": stopped,
        "to_activity": staff and export is not None,
        "deleted_there": opportunity is not None
        and member.role == Role.ADMIN
        and moves.deleted_only_there(member.organisation_id).filter(interview=pk).exists(),
        "asks_erasure": staff and opportunity is not None and moves.to_erase_there(opportunity),
        "taken_back": staff and taken_back.profiles(member.organisation_id).filter(interview=pk),
        "without_yes": staff
        and opportunity is not None
        and taken_back.without_yes(member.organisation_id).filter(interview=pk).exists(),
        "asks_rephrase": stopped and export is not None and export.reason == "identity",
        "asks_again": stopped and story.asked_to_rephrase(interview) is not None,
        "texts": export.found_in if stopped and export and _only_common(export) else "",
    }
    return render(request, "lever/story.html", context)


def _title(export: Export | None, opportunity: Opportunity | None) -> str:
    if export is None:
        return "How it goes"
    state = export.state
    if opportunity and opportunity.deleted_at:
        return "Deleted in Lever"
    if state == ExportState.EXPORTED or (state == ExportState.ENDED and opportunity):
        return "In Lever"
    return "Stays here" if state == ExportState.ENDED else "On its way to Lever"


def _stopped(request: MemberRequest, pk: UUID) -> Export:
    """Under lock: two people may press at once. Nobody decides over a text of their own."""
    get_object_or_404(Export, organisation=request.member.organisation, interview=pk)
    _, export = exports.locked(pk)
    own = reveals.interviewed(export.interview.candidate, request.member)
    if own or export.state != ExportState.STOPPED:
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
    """One neutral request to everybody who wrote a scorecard: who wrote what is not told."""
    export = _stopped(request, pk)
    written = export.interview.assignments.filter(scorecards__isnull=False)
    written.update(rephrase_asked_at=timezone.now())
    audit.record(
        export.organisation, "export.rephrase_asked", export.interview, member=request.member
    )
    exports.changed(export)
    outcome.changed(export.interview)
    return redirect("interviews:interview", pk)


@require_POST
@transaction.atomic
def erased_there(request: MemberRequest, pk: UUID) -> HttpResponse:
    """A person says that the profile of who erased or took back is erased in Lever, too."""
    erased = Q(interview__candidate__erased_at__isnull=False)
    here = request.member.organisation_id
    back = Q(pk__in=taken_back.profiles(here))
    back |= Q(pk__in=taken_back.without_yes(here).values("pk"))
    opportunity = get_object_or_404(
        Opportunity.objects.select_for_update(of=("self",))
        .select_related("interview")
        .filter(erased | back),
        organisation=request.member.organisation,
        interview=pk,
        erased_there_at=None,
    )
    opportunity.erased_there_at = timezone.now()
    opportunity.save(update_fields=["erased_there_at"])
    audit.record(
        request.member.organisation,
        "candidate.erased_there",
        opportunity.interview,
        member=request.member,
    )
    live.publish(opportunity.organisation_id, f"export-{pk}", "needs")
    return redirect("interviews:interview", pk)


@require_POST
@transaction.atomic
def keep_here(request: MemberRequest, pk: UUID) -> HttpResponse:
    """A person says that who was deleted in Lever stays here."""
    there = moves.deleted_only_there(request.member.organisation_id).select_related("interview")
    opportunity = get_object_or_404(there.select_for_update(of=("self",)), interview=pk)
    opportunity.kept_here_at = timezone.now()
    opportunity.save(update_fields=["kept_here_at"])
    organisation, interview = request.member.organisation, opportunity.interview
    audit.record(organisation, "candidate.kept_here", interview, member=request.member)
    live.publish(opportunity.organisation_id, f"export-{pk}", "needs")
    return redirect("interviews:interview", pk)


def _only_common(export: Export) -> bool:
    """Stopped for what may be common words: an address or a number never is one."""
    kinds = set(export.detail.get("kinds", ()))
    return export.reason == "identity" and bool(kinds) and kinds <= guard.COMMON


@require_POST
@transaction.atomic
def send_anyway(request: MemberRequest, pk: UUID) -> HttpResponse:
    export = _stopped(request, pk)
    if not _only_common(export):
        raise Http404
    if request.POST.get("texts") != export.found_in:
        messages.warning(request, "The scorecards have changed meanwhile: read them once more.")
        return redirect("interviews:interview", pk)
    kinds = export.detail["kinds"]
    audit.record(
        export.organisation,
        "export.cleared",
        export.interview,
        member=request.member,
        kinds=kinds,
    )
    # Who does not read the line above reads this one, as after a stop for any other reason.
    audit.record(export.organisation, "export.retried", export.interview, member=request.member)
    exports.clear(export, kinds)
    return redirect("interviews:interview", pk)
