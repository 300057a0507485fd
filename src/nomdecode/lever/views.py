"""The settings page: a ladder whose steps each save on their own."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from nomdecode.lever import (
    accounts,
    choices,
    client,
    credentials,
    export,
    pick_lists,
    preview,
    problems,
)
from nomdecode.lever import connection as connections
from nomdecode.lever.forms import ALL, SettingsForm
from nomdecode.lever.models import Connection
from nomdecode.orgs.roles import MemberRequest

STALE = (
    "Somebody else saved these settings while you had them open. "
    "What you chose is still here: save again to put it in place of theirs."
)
INVALID = 422
PERMISSIONS = {  # kind -> what it is called, what is lost without it
    "users": ("users", "missing, and needed"),
    "stages": ("stages", "missing, and needed"),
    "opportunities": ("profiles", "missing, and needed"),
    "postings": ("postings", "positions cannot be tied to them"),
    "archive_reasons": ("archive reasons", "profiles cannot be archived"),
    "webhooks": ("webhooks", "paste tokens by hand below"),
}


@require_GET
def setup(request: MemberRequest) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    part = request.GET.get("part", "")
    if part in ("status", "missing"):
        return render(request, f"lever/setup.html#{part}", _state(connection))
    if part == "account":
        return render(request, "lever/setup.html#account", _account(connection))
    pick_lists.freshen(connection)
    return _page(request, connection)


def _state(connection: Connection) -> dict[str, Any]:
    kind, word = choices.status(connection)
    return {
        "connection": connection,
        "status_kind": kind,
        "status_word": word,
        "missing": [] if connection.enabled else choices.ready(connection),
        "problem_count": problems.count(connection),
    }


def _page(
    request: HttpRequest,
    connection: Connection,
    form: SettingsForm | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    named, pseudonymous = export.waiting_counts(connection.organisation)
    shown = preview.pseudonymous if request.GET.get("preview") == "unsuccessful" else preview.named
    context = {
        **_state(connection),
        **_account(connection),
        **_tokens(connection),
        **_performer(connection),
        "here": "setup",
        "form": form or SettingsForm(connection),
        "webhook_url": connections.webhook_url(connection),
        "addresses": [(url, _address_name(url)) for url in settings.LEVER_URLS],
        "address": connections.address(connection),
        "checks": _checks(connection),
        "stages_listed": pick_lists.known(connection, "stages"),
        "waiting_named": named,
        "waiting_pseudonymous": pseudonymous,
        "preview": shown(connection),
        "replaces_key": "replace" in request.GET,
        **more,
    }
    return render(request, "lever/setup.html", context, status=status)


def _address_name(url: str) -> str:
    return "Lever’s sandbox" if "sandbox" in url else url.split("://")[-1].split("/")[0]


def _checks(connection: Connection) -> list[tuple[str, str]]:
    """(class, words) of each permission that was tried."""
    checks = []
    for kind, (name, without) in PERMISSIONS.items():
        if (allowed := connection.permissions.get(kind)) is not None:
            mark = "" if allowed else "no" if kind in credentials.NEEDED else "warn"
            checks.append((mark, name if allowed else f"{name}: {without}"))
    return checks


# --- the key


@require_POST
@sensitive_post_parameters()
def key(request: MemberRequest) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    if "check" in request.POST:
        if not credentials.check_again(connection):
            messages.warning(request, "Lever does not answer. Try again in a moment.")
        return _go(request)
    try:
        checked = credentials.set_key(
            connection,
            request.POST.get("key", ""),
            request.member,
            request.POST.get("address", ""),
        )
    except connections.Invalid as error:
        if not request.htmx:
            return _page(request, connection, status=INVALID, key_error=error.sentence)
        # Only the sentence is swapped: what was pasted stays in its box and never comes back.
        answer = render(
            request, "lever/setup.html#key_problem", {"key_error": error.sentence}, status=INVALID
        )
        return reswap(retarget(answer, "#key-problem"), "outerHTML")
    if checked:
        messages.success(request, "Lever accepted the key.")
    else:
        messages.warning(
            request,
            "The key is kept, but could not be checked yet: Lever did not answer. "
            "Check it again in a moment.",
        )
    return _go(request)


def _account(connection: Connection) -> dict[str, Any]:
    """What was meant for other accounts, each with the short names of both where they differ."""
    here, decisions = connection.account_name, []
    for other in accounts.elsewhere(connection):
        names = [name.partition(",")[0] for name in (other.name, here)]
        decisions.append((other, *(names if len(set(names)) == 2 else (other.name, here))))
    return {"connection": connection, "decisions": decisions}


@require_POST
def account(request: MemberRequest) -> HttpResponse:
    """What was meant for one account goes to the key's, or stays here."""
    connection, choice = connections.of(request.member.organisation), request.POST.get("choice")
    meant_for, to = (_number(request.POST.get(name, "")) for name in ("meant_for", "to"))
    if choice not in ("send", "keep"):
        return _go(request)
    try:
        accounts.settle(connection, meant_for, to, send=choice == "send", member=request.member)
    except accounts.Changed:
        messages.warning(request, "The key was replaced meanwhile. Look at what it says now.")
    else:
        done = "They leave" if choice == "send" else "They stay here"
        messages.success(request, f"{done}: see “Activity”.")
    return _go(request)


def _go(request: MemberRequest) -> HttpResponse:
    """Back to the whole page: another key changes all that follows."""
    answer = redirect("lever:setup")
    return HttpResponseClientRedirect(answer.url) if request.htmx else answer


# --- signing tokens


@require_GET
def tokens(request: MemberRequest) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    return render(request, "lever/setup.html#tokens", _tokens(connection))


def _tokens(connection: Connection) -> dict[str, Any]:
    return {"connection": connection, "tokens": list(connection.tokens.filter(revoked_at=None))}


@require_POST
@sensitive_post_parameters()
def token_add(request: MemberRequest) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    label = request.POST.get("label", "")
    try:
        credentials.add_token(connection, label, request.POST.get("token", ""), request.member)
    except connections.Invalid as error:
        more: dict[str, Any] = {"token_error": error.sentence, "token_label": label}
        if not request.htmx:
            return _page(request, connection, status=INVALID, **more)
        answer = render(request, "lever/setup.html#token_problem", more, status=INVALID)
        return retarget(answer, "#token-problem")
    return _tokens_again(request, connection)


@require_POST
def token_remove(request: MemberRequest, pk: int) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    token = get_object_or_404(connection.tokens.filter(revoked_at=None), pk=pk)
    credentials.remove_token(connection, token, request.member)
    return _tokens_again(request, connection)


def _tokens_again(request: MemberRequest, connection: Connection) -> HttpResponse:
    if request.htmx:
        return render(request, "lever/setup.html#token_step", _tokens(connection))
    return redirect("lever:setup")


# --- perform as, and where profiles go


@require_POST
def perform_as(request: MemberRequest) -> HttpResponse:
    """Checked and kept as soon as it is typed; "Save changes" takes it, too."""
    connection = connections.of(request.member.organisation)
    email, error = request.POST.get("perform_as", "").strip(), ""
    try:
        choices.set_perform_as(connection, email, request.member)
    except connections.Invalid as invalid:
        error = invalid.sentence
    if not request.htmx:
        if error:
            messages.error(request, error)
        return redirect("lever:setup")
    context = {**_performer(connection), "perform_as_error": error, "swaps": True}
    return render(request, "lever/setup.html#performer", context, status=INVALID if error else 200)


def _performer(connection: Connection) -> dict[str, Any]:
    user = choices.fallback_user(connection)
    role = user["role"].capitalize() if user else ""
    return {
        "connection": connection,
        "performer": user,
        "performer_words": ", ".join(word for word in ("Active", role) if word),
    }


@require_POST
def refresh(request: MemberRequest) -> HttpResponse:
    """Asks Lever for its lists now; with htmx, what was chosen and not yet saved stays chosen."""
    connection, error = connections.of(request.member.organisation), ""
    try:
        for kind in ("stages", "archive_reasons", "users"):
            if connection.permissions.get(kind) is not False:
                pick_lists.refresh(connection, kind)
    except client.LeverError as failure:
        error = failure.sentence
    if not request.htmx:
        if error:
            messages.warning(request, error)
        return redirect("lever:setup")
    form = SettingsForm(connection)
    form.keep(request.POST)
    context = {
        "connection": connection,
        "form": form,
        "stages_listed": pick_lists.known(connection, "stages"),
        "refresh_error": error,
    }
    return render(request, "lever/setup.html#where", context)


@require_POST
def stages(request: MemberRequest) -> HttpResponse:
    """Save changes: the choices are kept even where enabling has to wait."""
    connection = connections.of(request.member.organisation)
    form = SettingsForm(connection, request.POST)
    valid = form.is_valid()
    wanted = "enabled" in request.POST
    try:
        missing = choices.save(
            connection,
            form.chosen(),
            enabled=wanted and (valid or connection.enabled),
            send_waiting=request.POST.get("waiting") == ALL,
            version=_number(request.POST.get("version", "")),
            member=request.member,
            now=timezone.now(),
        )
    except choices.Stale:
        connection.refresh_from_db()
        return _page(request, connection, form, INVALID, settings_error=STALE)
    refused = wanted and not connection.enabled
    if not valid or refused:
        more = {"refused": refused, "missing": missing or choices.ready(connection)}
        return _page(request, connection, form, INVALID, **more)
    messages.success(request, "Saved. Lever is live." if connection.enabled else "Saved.")
    return redirect("lever:setup")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1
