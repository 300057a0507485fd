"""The settings page: a ladder whose steps each save on their own.

Nothing here asks Lever: a worker does (questions.py), and the parts that show it look again
(live.js, showing.py).
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from nomdecode.lever import (
    accounts,
    choices,
    credentials,
    export,
    preview,
    problems,
    questions,
    showing,
)
from nomdecode.lever import connection as connections
from nomdecode.lever.forms import ALL, SettingsForm
from nomdecode.lever.models import Connection, OfferedKey
from nomdecode.orgs.roles import MemberRequest

STALE = (
    "Somebody else saved these settings while you had them open. "
    "What you chose is still here: save again to put it in place of theirs."
)
INVALID = 422
LISTS = ("stages", "users", "archive_reasons")
REFUSAL_SHOWS = timedelta(hours=1)  # of a key that was offered
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
    if "part" in request.GET:
        return _part(request, connection)
    questions.freshen(connection, LISTS)
    choices.look_up(connection, connection.perform_as_draft or connection.perform_as)
    return _page(request, connection)


def _part(request: HttpRequest, connection: Connection) -> HttpResponse:
    match part := request.GET["part"]:
        case "status" | "missing":
            context = _state(connection)
        case "account":
            context = _account(connection)
        case "key_step":
            context = _key(connection, request.GET)
        case "performer":
            context = {**_performer(connection), "swaps": True}
        case "where":
            context = _where(connection, _form(connection, request.GET))
        case _:
            raise Http404
    shows = context.get(f"{part}_shows", "")
    return showing.part(request, f"lever/setup.html#{part}", context, shows)


def _form(connection: Connection, typed: QueryDict) -> SettingsForm:
    form = SettingsForm(connection)
    if "stage_passed" in typed:
        form.keep(typed)
    return form


def _state(connection: Connection) -> dict[str, Any]:
    kind, word = choices.status(connection)
    return {
        "connection": connection,
        "status_kind": kind,
        "status_word": word,
        "missing": (choices.hindrances if connection.enabled else choices.ready)(connection),
        "problem_count": problems.count(connection),
    }


def _page(
    request: HttpRequest,
    connection: Connection,
    form: SettingsForm | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    shown = preview.pseudonymous if request.GET.get("preview") == "unsuccessful" else preview.named
    context = {
        **_state(connection),
        **_account(connection),
        **_tokens(connection),
        **_performer(connection),
        **_key(connection, request.GET),
        **_where(connection, form or SettingsForm(connection)),
        "here": "setup",
        "webhook_url": connections.webhook_url(connection),
        "waited": "" if connection.enabled else _waited(export.waiting(connection.organisation)),
        "preview": shown(connection),
        **more,
    }
    return render(request, "lever/setup.html", context, status=status)


def _waited(waiting: export.Waiting) -> str:
    """How many outcomes of which kind, or "" for none."""
    agreed, asked, unsuccessful = waiting
    it = ("was", "leaves", "it stays") if unsuccessful == 1 else ("were", "leave", "they stay")
    kinds = {
        f"{agreed} would name a candidate who agreed": agreed,
        f"{asked} wait{'s' if asked == 1 else ''} for the candidate’s answer": asked,
        f"{unsuccessful} {it[0]} unsuccessful and {it[1]} under the pseudonym if that is switched "
        f"on, else {it[2]} here": unsuccessful,
    }
    count, told = sum(waiting), ", ".join(words for words, number in kinds.items() if number)
    return f"{count} outcome{'' if count == 1 else 's'} waited: {told}." if count else ""


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


def _key(connection: Connection, asked: QueryDict) -> dict[str, Any]:
    offered = OfferedKey.objects.filter(connection=connection).first()
    # Once another key is there, nobody wants to replace the one before.
    number = str(connection.api_key_set_at.timestamp()) if connection.api_key_set_at else ""
    good = bool(number and not connection.api_key_refused_at)
    replaces, leaves_it = asked.get("replace") == number, good and asked.get("replace") == "no"
    if offered and offered.refused_at:
        long_ago = timezone.now() - offered.refused_at > REFUSAL_SHOWS
        offered = None if long_ago or leaves_it else offered
    checking, failure = questions.state(connection, questions.KEY)
    checks = _checks(connection)
    return {
        "connection": connection,
        "addresses": [(url, _address_name(url)) for url in settings.LEVER_URLS],
        "address": offered.base_url if offered else connections.address(connection),
        "checks": checks,
        "offered": offered,
        "key_number": number,
        "takes_key": replaces or offered or not number or connection.api_key_refused_at,
        "key_replaces": number if replaces else "no" if leaves_it else "",
        "key_cancels": good and (replaces or (offered and offered.refused_at)),
        "key_checking": checking,
        "key_failure": failure,
        "key_step_shows": showing.digest(
            number,
            connection.api_key_refused_at,
            connection.account,
            checks,
            offered and (offered.last4, offered.sentence),
            checking,
            failure,
        ),
    }


@require_POST
@sensitive_post_parameters()
def key(request: MemberRequest) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    text, address = request.POST.get("key", ""), request.POST.get("address", "")
    try:
        if "check" in request.POST:
            questions.ask(connection, questions.KEY)
        else:
            credentials.offer_key(connection, text, request.member, address)
    except connections.Invalid as error:
        if not request.htmx:
            return _page(request, connection, status=INVALID, key_error=error.sentence)
        # Only the sentence is swapped: what was pasted stays in its box and never comes back.
        answer = render(
            request, "lever/setup.html#key_problem", {"key_error": error.sentence}, status=INVALID
        )
        return reswap(retarget(answer, "#key-problem"), "outerHTML")
    if not request.htmx:
        return redirect("lever:setup")
    return render(request, "lever/setup.html#key_step", _key(connection, request.GET))


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
    tokens = list(connections.tokens(connection))
    return {
        "connection": connection,
        "tokens": tokens,
        "replaceable": [token for token in tokens if token.retires_at is None],
        "replaced_hours": int(credentials.REPLACED_COUNTS / timedelta(hours=1)),
    }


@require_POST
@sensitive_post_parameters()
def token_add(request: MemberRequest) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    label, text = request.POST.get("label", ""), request.POST.get("token", "")
    pk = _number(request.POST.get("instead_of", ""))
    old = connections.tokens(connection).filter(pk=pk).first()
    try:
        anyway = "anyway" in request.POST
        credentials.add_token(
            connection, label, text, request.member, instead_of=old, anyway=anyway
        )
    except connections.Invalid as error:
        more: dict[str, Any] = {"token_error": error.sentence, "token_label": label}
        more |= {
            "token_instead_of": pk,
            "token_anyway": isinstance(error, credentials.UnlikeToken),
        }
        if not request.htmx:
            return _page(request, connection, status=INVALID, **more)
        answer = render(request, "lever/setup.html#token_problem", more, status=INVALID)
        return retarget(answer, "#token-problem")
    return _tokens_again(request, connection)


@require_POST
def token_remove(request: MemberRequest, pk: int) -> HttpResponse:
    connection = connections.of(request.member.organisation)
    token = get_object_or_404(connections.tokens(connection), pk=pk)
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
    email = connection.perform_as_draft or connection.perform_as
    who = choices.who(connection, email) if email else None
    return {
        "connection": connection,
        "performer": who,
        "performer_shows": showing.digest(email, who),
    }


def _where(connection: Connection, form: SettingsForm) -> dict[str, Any]:
    stages = questions.listed(connection, "stages")
    reasons = questions.listed(connection, "archive_reasons")
    return {
        "connection": connection,
        "form": form,
        "gone": {
            name: choices.GONE[name]
            for name in choices.gone(connection)
            if name in form.fields and form[name].value() == getattr(connection, name)
        },
        "stages_listed": stages,
        "where_shows": showing.digest(
            connection.api_key_set_at,
            connection.api_key_refused_at,
            *((each.read_at, each.asking, each.failure) for each in (stages, reasons)),
        ),
    }


@require_POST
def refresh(request: MemberRequest) -> HttpResponse:
    """Has Lever asked for its lists now; what was chosen and not yet saved stays chosen."""
    connection = connections.of(request.member.organisation)
    questions.ask(connection, *LISTS)
    if not request.htmx:
        return redirect("lever:setup")
    context = _where(connection, _form(connection, request.POST))
    return render(request, "lever/setup.html#where", context)


@require_POST
def stages(request: MemberRequest) -> HttpResponse:
    """Save changes: the choices are kept even where enabling has to wait."""
    connection = connections.of(request.member.organisation)
    form = SettingsForm(connection, request.POST)
    valid = form.is_valid()
    wanted = "enabled" in request.POST
    try:
        choices.save(
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
        differs = ", ".join(form.differs())
        told = f"{STALE} It would change: {differs}." if differs else STALE
        return _page(request, connection, form, INVALID, settings_error=told)
    refused = wanted and not connection.enabled
    if not valid or refused:
        return _page(request, connection, form, INVALID, refused=refused)
    messages.success(request, "Saved. Lever is live." if connection.enabled else "Saved.")
    return redirect("lever:setup")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1
