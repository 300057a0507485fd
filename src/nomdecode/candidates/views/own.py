"""The candidate's own pages, behind the private link. Opening one changes nothing."""

import base64
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from nomdecode.candidates import consent, corrections, erasure, links, reveals, vault
from nomdecode.candidates.forms import CorrectionForm, Entered
from nomdecode.candidates.models import Candidate
from nomdecode.web.private import at_secret_address

form_page = require_http_methods(["GET", "HEAD", "POST"])
DONE = {
    "corrected": "Your details are saved.",
    "moved": "Your details are saved. A new link is on its way to the new address; older links "
    "no longer work, save the one you are using now.",
    "renamed": "They shared a word with your pseudonym, so you have another pseudonym now.",
    "clashes": "They share a word with your pseudonym. It stays, since your interview was arranged "
    "under it; if that could give you away, withdraw and enter your details again.",
    "answered": "Your answer is saved.",
    "late": "The time to answer is over, so nothing was changed.",
    "withdrawn": "You have withdrawn.",
}


def own(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Gives the view the candidate whose link it is; a link that does not work says what to do."""

    @wraps(view)
    def checked(request: HttpRequest, token: str) -> HttpResponse:
        candidate = links.resolve(token)
        try:
            if candidate:
                return at_secret_address(view(request, candidate, token))
        except vault.Erased:  # erased in another tab while this one was read
            pass
        return at_secret_address(render(request, "candidates/gone.html", status=404))

    return checked


@require_safe
@own
def mine(request: HttpRequest, candidate: Candidate, token: str) -> HttpResponse:
    now = timezone.now()
    seen, state = reveals.seen(candidate), consent.state(candidate, now)
    not_passed = candidate.not_passed_at is not None and candidate.not_passed_at <= now
    is_open = not (not_passed or candidate.withdrawn_at or state == "lapsed")
    may_agree, sent = consent.may_still_agree(candidate, now), reveals.sent(candidate)
    context = {
        "candidate": candidate,
        "token": token,
        "identity": vault.own_details(candidate),
        "resume": vault.resume_label(candidate),
        "consent": state,
        "passed": candidate.passed_at is not None and candidate.passed_at <= now,
        "not_passed": not_passed,
        "open": is_open,
        "may_agree": may_agree,
        "says_yes": is_open and may_agree and state != "yes",
        "says_no": is_open and state != "no" and not (sent and sent.arrived),
        "may_open": not reveals.why_closed(candidate, now),
        "seen": seen,
        "sent": sent,
        "done": " ".join(DONE.get(each, "") for each in request.GET.getlist("done")),
    }
    return render(request, "candidates/mine.html", context)


def _back(token: str, *done: str) -> HttpResponse:
    response = redirect("candidates:mine", token)
    response["Location"] += "?" + "&".join(f"done={each}" for each in done if each)
    return response


@require_POST
@own
def answer(request: HttpRequest, candidate: Candidate, token: str) -> HttpResponse:
    said = request.POST.get("answer")
    if said not in ("yes", "no"):
        raise Http404
    try:
        consent.answer(candidate, said == "yes", timezone.now())
    except consent.TooLate:
        return _back(token, "late")
    return _back(token, "answered")


@form_page
@own
def correct(request: HttpRequest, candidate: Candidate, token: str) -> HttpResponse:
    identity = vault.own_details(candidate)
    posted = request.method == "POST"
    form: Entered = (
        CorrectionForm(request.POST, request.FILES)
        if posted
        else CorrectionForm(initial=CorrectionForm.filled(identity))
    )
    if posted and form.is_valid():
        pseudonym = corrections.correct(candidate, form.identity(), form.resume(), token)
        moved = form.identity().emails[0] != identity.emails[0]
        return _back(token, "moved" if moved else "corrected", pseudonym)
    context = {
        "candidate": candidate,
        "token": token,
        "form": form,
        "resume": vault.resume_label(candidate),
        "choose_file_again": posted and bool(request.FILES),
    }
    return render(request, "candidates/correct.html", context, status=422 if posted else 200)


@require_safe
@own
def my_resume(request: HttpRequest, candidate: Candidate, token: str) -> HttpResponse:
    resume = vault.own_resume(candidate)
    if resume is None:
        raise Http404
    return attachment(resume.content, resume.file_name)


def attachment(content: bytes, file_name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


@require_safe
@own
def download(request: HttpRequest, candidate: Candidate, token: str) -> HttpResponse:
    response = JsonResponse(everything(candidate), json_dumps_params={"indent": 2})
    response["Content-Disposition"] = 'attachment; filename="nom-de-code.json"'
    return response


def everything(candidate: Candidate) -> dict[str, Any]:
    """All that is held of a candidate but what others wrote, for the candidate."""
    identity, resume = vault.own_details(candidate), vault.own_resume(candidate)
    sent = reveals.sent(candidate)
    interview = getattr(candidate, "interview", None)
    return {
        "organisation": candidate.organisation.name,
        "pseudonym": candidate.pseudonym,
        "entered": candidate.created_at,
        "details": {name: getattr(identity, name) for name in identity.__dataclass_fields__},
        "resume": resume
        and {"file": resume.file_name, "base64": base64.b64encode(resume.content).decode()},
        "choice": candidate.get_choice_display(),
        "asked": candidate.asked_at,
        "withdrawn": candidate.withdrawn_at,
        "answers": list(candidate.consents.values("at", "answer", "text_version")),
        "interview": interview
        and {
            "position": interview.position.title,
            "state": interview.get_state_display(),
            "at": interview.starts_at,
            "asked_who_you_are": interview.asked_who,
            "answered": interview.asked_who_at,
        },
        "letters": list(candidate.letters.order_by("id").values("kind", "created_at", "sent_at")),
        "links": list(candidate.links.order_by("id").values("created_at", "revoked_at")),
        "seen": [
            {
                "at": entry.at,
                "times": entry.times,
                "by": by_whom(candidate, entry, sent),
                "what": entry.what,
            }
            for entry in reveals.seen(candidate)
        ],
    }


def by_whom(candidate: Candidate, entry: reveals.Seen, sent: reveals.Sent | None) -> str:
    organisation = candidate.organisation.name
    if entry.lever and sent:
        return f"Lever, for people at {organisation}"
    if entry.lever:
        return "Nom de Code itself; nothing has got to Lever"
    return f"{entry.role} at {organisation}" if entry.role else "Nom de Code itself"


@form_page
@own
def withdraw(request: HttpRequest, candidate: Candidate, token: str) -> HttpResponse:
    if request.method == "POST":
        erasure.withdraw(candidate)
        return _back(token, "withdrawn")
    return render(request, "candidates/withdraw.html", {"candidate": candidate, "token": token})


@form_page
@own
def erase(request: HttpRequest, candidate: Candidate, token: str) -> HttpResponse:
    if request.method == "POST":
        erasure.erase(candidate)
        return redirect("candidates:erased", erasure.receipt(candidate))
    context = {"candidate": candidate, "token": token, "sent": reveals.sent(candidate)}
    return render(request, "candidates/erase.html", context)


@require_safe
def erased(request: HttpRequest, receipt: str) -> HttpResponse:
    """The receipt can be opened again; it holds a number and a time and nothing else."""
    said = erasure.read_receipt(receipt)
    if said is None:
        raise Http404
    context = {"number": said[0], "at": said[1]}
    return at_secret_address(render(request, "candidates/erased.html", context))
