"""What candidates see: the form behind a shared link, and their interview on their own page."""

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from nomdecode.candidates import intake
from nomdecode.candidates.forms import Entered, IdentityForm
from nomdecode.candidates.models import Candidate
from nomdecode.candidates.views.own import own
from nomdecode.interviews import access, anonymity, links, outcome
from nomdecode.interviews.models import Interview, InviteLink, State
from nomdecode.web.private import at_secret_address

WHY_NOT = {
    "unknown": "This link does not work. Perhaps a piece of it was lost on the way.",
    "revoked": "This personal link no longer works: it was taken back.",
    "replaced": "This link no longer works: it was replaced by a new one.",
    "used": "This personal link has been used. Its way back in is the private link in the letter.",
    "closed": "This position is closed, so it takes no new candidates.",
}

BUSY = "Many people are entering their details just now. Please try again in an hour."


@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the form and changes nothing: mail scanners open links, too."""
    link = links.resolve(token)
    why = links.why_not(link) if link else "unknown"
    if link is None or why:
        return _sorry(request, why, link)
    posted = request.method == "POST"
    form = IdentityForm(request.POST, request.FILES) if posted else IdentityForm()
    if posted and form.is_valid():
        why = _enter(link, form)
        if why != "busy":
            return _sorry(request, why, link) if why else redirect("interviews:joined")
        form.add_error(None, BUSY)
    context = {
        "form": form,
        "position": link.position,
        "organisation": link.position.organisation,
        "personal": link.personal,
        "choose_file_again": posted and bool(request.FILES),
    }
    return at_secret_address(
        render(request, "interviews/join.html", context, status=422 if posted else 200)
    )


def _sorry(request: HttpRequest, why: str, link: InviteLink | None) -> HttpResponse:
    context = {"sentence": WHY_NOT[why], "link": link}
    return at_secret_address(render(request, "interviews/join_not.html", context, status=404))


@transaction.atomic
def _enter(link: InviteLink, form: Entered) -> str:
    """Candidate and interview in one go; why not, when the link stopped working meanwhile."""
    row = InviteLink.objects.select_for_update(of=("self",)).get(pk=link.pk)
    if why := links.why_not(row):
        return why
    if links.busy(row, timezone.now()):
        return "busy"
    organisation = row.position.organisation
    candidate = intake.enter(
        organisation, form.identity(), form.resume(), form.cleaned_data["choice"]
    )
    interview = Interview.objects.create(
        organisation=organisation,
        position=row.position,
        candidate=candidate,
        recruiter=row.recruiter,
    )
    if row.personal:
        row.used_at = timezone.now()
        row.save(update_fields=["used_at"])
    outcome.changed(interview)
    return ""


@require_GET
def joined(request: HttpRequest) -> HttpResponse:
    return render(request, "interviews/joined.html")


@require_GET
@own
def part(request: HttpRequest, candidate: Candidate, token: str) -> HttpResponse:
    """The interview on the candidate's own page; a page of its own without scripts."""
    interviews = Interview.objects.select_related(
        "position", "organisation", "candidate", "outcome"
    )
    interview = get_object_or_404(interviews, candidate=candidate)
    stands = access.outcome_of(interview)
    context = {
        "interview": interview,
        "candidate": candidate,
        "token": token,
        "outcome": stands if stands and stands.leaves_at <= timezone.now() else None,
        "scheduled": interview.state == State.SCHEDULED,
        "asks": anonymity.may_answer(interview),
    }
    name = "interviews/candidate.html"
    name = f"{name}#part" if request.htmx else name  # type: ignore[attr-defined]
    return render(request, name, context)


@require_POST
@own
def asked(request: HttpRequest, candidate: Candidate, token: str) -> HttpResponse:
    """Whether they were asked anything that could tell who they are."""
    said = request.POST.get("asked")
    if said not in ("yes", "no") or not anonymity.answer(candidate, said == "yes"):
        raise Http404
    if request.htmx:  # type: ignore[attr-defined]
        interview = Interview.objects.get(candidate=candidate)
        context = {"interview": interview, "token": token, "asks": True}
        return render(request, "interviews/candidate.html#asked", context)
    return redirect("candidates:mine", token)
