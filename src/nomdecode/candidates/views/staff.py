"""What recruiters and admins see of candidates: pseudonyms, and after both yeses the identity."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from nomdecode.candidates import consent, erasure, letters, reveals, vault
from nomdecode.candidates.forms import PurposeForm
from nomdecode.candidates.models import Candidate
from nomdecode.candidates.views.own import attachment
from nomdecode.orgs.roles import MemberRequest
from nomdecode.web.private import not_stored

PAGE_LENGTH = 25
# State -> kind of pill, words
STATES = {
    "erased": ("quiet", "Erased"),
    "withdrew": ("quiet", "Withdrew"),
    "yes": ("ok", "Agreed to be named"),
    "no": ("quiet", "Stays unnamed"),
    "waiting": ("info", "Asked, no answer yet"),
    "lapsed": ("warn", "Did not answer in time"),
    "unasked": ("quiet", "Not asked yet"),
    "not_passed": ("quiet", "Did not pass"),
}


def state_in_words(candidate: Candidate, now: datetime, reads: bool) -> tuple[str, str]:
    """`reads`: whether the reader may read the outcome."""
    if candidate.erased_at:
        return STATES["erased"]
    if candidate.withdrawn_at:
        return STATES["withdrew"]
    if reads and candidate.not_passed_at and candidate.not_passed_at <= now:
        return STATES["not_passed"]
    return STATES[consent.state(candidate, now)]


@require_safe
def index(request: MemberRequest) -> HttpResponse:
    sought = request.GET.get("q", "").strip()
    found = Candidate.objects.filter(organisation=request.member.organisation)
    found = found.filter(pseudonym__icontains=sought).prefetch_related("consents")
    page = Paginator(found, PAGE_LENGTH).get_page(request.GET.get("page"))
    now = timezone.now()
    unread = reveals.outcome_unread(list(page), request.member)
    met = reveals.interviewed_by(request.member, list(page))
    rows = [
        (each, state_in_words(each, now, each.pk not in unread), each.pk in met) for each in page
    ]
    return render(request, "candidates/list.html", {"rows": rows, "page": page, "sought": sought})


def _of(request: MemberRequest, pk: UUID) -> Candidate:
    candidates = Candidate.objects.select_related("organisation")
    return get_object_or_404(candidates, pk=pk, organisation=request.member.organisation)


@require_safe
def candidate(request: MemberRequest, pk: UUID) -> HttpResponse:
    return _page(request, _of(request, pk), PurposeForm())


def _page(
    request: MemberRequest, candidate: Candidate, form: PurposeForm, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    reads = not reveals.outcome_unread([candidate], request.member)
    context = {
        "candidate": candidate,
        "state": state_in_words(candidate, now, reads),
        "interviewed": reveals.interviewed(candidate, request.member),
        "why_not": reveals.why_not(candidate, request.member, now),
        "form": form,
        "seen": reveals.seen(candidate, request.member),
        "sent": reveals.sent(candidate),
        "undeliverable": letters.undeliverable(candidate),
    }
    return render(request, "candidates/candidate.html", context, status=status)


@require_POST
@transaction.atomic
def reveal(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Shows the identity in the answer to a POST: it is in no history and under no address."""
    candidate = _locked(request, pk)
    form = PurposeForm(request.POST)
    if reveals.why_not(candidate, request.member, timezone.now()):
        return _page(request, candidate, PurposeForm(), status=409)
    if not form.is_valid():
        return _page(request, candidate, form, status=422)
    purpose = form.cleaned_data["purpose"]
    context = {
        "candidate": candidate,
        "identity": vault.reveal(candidate, reveals.PAGE, purpose, request.member),
        "resume": vault.resume_label(candidate),
        "purpose": purpose,
    }
    return not_stored(render(request, "candidates/revealed.html", context))


@require_POST
@transaction.atomic
def resume(request: MemberRequest, pk: UUID) -> HttpResponse:
    candidate = _locked(request, pk)
    form = PurposeForm(request.POST)
    if reveals.why_not(candidate, request.member, timezone.now()):
        return _page(request, candidate, PurposeForm(), status=409)
    if not form.is_valid():
        return _page(request, candidate, form, status=422)
    found = vault.resume(candidate, reveals.PAGE, form.cleaned_data["purpose"], request.member)
    if found is None:
        return _page(request, candidate, form, status=404)
    name = f"resume-{slugify(candidate.pseudonym)}.{found.kind}"
    return not_stored(attachment(found.content, name))


@require_POST
def send_link(request: MemberRequest, pk: UUID) -> HttpResponse:
    if letters.send_link_again(_of(request, pk), request.member, timezone.now()):
        messages.success(request, "A new private link is on its way.", extra_tags="ok")
    else:
        messages.error(request, "The link was sent a moment ago, or the details are erased.")
    return redirect("candidates:candidate", pk)


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: MemberRequest, pk: UUID) -> HttpResponse:
    """For a candidate who asks by another way, or whom Lever has deleted."""
    candidate = _of(request, pk)
    if candidate.erased_at is None and request.method != "POST":
        return render(request, "candidates/erase_for.html", {"candidate": candidate})
    erasure.erase(candidate, by="member", member=request.member)
    messages.success(request, "Everything they entered is erased.", extra_tags="ok")
    return redirect("candidates:candidate", pk)


def _locked(request: MemberRequest, pk: UUID) -> Candidate:
    """Consent and erasure as they stand while the identity is opened."""
    return consent.lock(_of(request, pk))
