"""Small parts that pages of other rooms show: a member's Lever user, a position's posting.

They show what Lever told last; where that is old, a worker asks, and the part looks again.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from nomdecode.interviews.models import Position
from nomdecode.lever import choices, questions, showing
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, MemberEmail, PositionPosting
from nomdecode.orgs import audit
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest

shows_and_saves = require_http_methods(["GET", "POST"])
INVALID = 422


def _looks_again(request: HttpRequest) -> bool:
    """By itself: what is asked of Lever is asked for when somebody opens the page."""
    return "shows" in request.GET


@shows_and_saves
def member_email(request: MemberRequest, pk: int) -> HttpResponse:
    member = get_object_or_404(request.member.organisation.members.select_related("user"), pk=pk)
    connection = connections.of(request.member.organisation)
    if _looks_again(request):
        context = _user(connection, member)
        return showing.part(request, "lever/member_email.html#user", context, context["shows"])
    typed, error = None, ""
    if request.method == "POST":
        typed = request.POST.get("lever_email", "").strip()
        try:
            _set_member_email(connection, member, typed, request.member)
        except connections.Invalid as invalid:
            error = invalid.sentence
        if not request.htmx and not error:
            return redirect("orgs:member", pk)
    own = MemberEmail.objects.filter(member=member).first()
    email = own.email if own else ""
    choices.look_up(connection, email or member.email)
    context = {
        **_user(connection, member),
        "typed": email if typed is None else typed,
        "error": error,
    }
    return render(request, "lever/member_email.html", context, status=INVALID if error else 200)


@transaction.atomic
def _set_member_email(connection: Connection, member: Member, email: str, by: Member) -> None:
    connections.held(connection)  # before what is asked of Lever, as everywhere
    if email:
        choices.take_user(connection, email)
        MemberEmail.objects.update_or_create(member=member, defaults={"email": email})
    else:
        MemberEmail.objects.filter(member=member).delete()
    audit.record(connection.organisation, "lever.saved", member, member=by, what="Lever e-mail")
    connections.changed(connection)


def _user(connection: Connection, member: Member) -> dict[str, Any]:
    """Which Lever user stands behind the member, in words."""
    own = MemberEmail.objects.filter(member=member).first()
    email = own.email if own else member.email
    who = choices.who(connection, email)
    if who.user:
        role = f", {who.user['role']}" if who.user["role"] else ""
        who = choices.Who("ok", f"{who.user['name'] or email}{role}")
    elif not connection.api_key:
        who = choices.Who("quiet", "Connect Lever first")
    elif who.look == "wrong" and not own:  # nobody said that they have one
        who = choices.Who("warn", f"No active Lever user has {email}")
    return {"found": member, "who": who, "shows": showing.digest(email, who)}


@shows_and_saves
def posting(request: MemberRequest, pk: UUID) -> HttpResponse:
    position = get_object_or_404(Position, organisation=request.member.organisation, pk=pk)
    connection = connections.of(request.member.organisation)
    error = ""
    if request.method == "POST":
        error = _set_posting(position, connection, request.POST.get("posting", ""), request.member)
        if not request.htmx and not error:
            return redirect("interviews:position", pk)
    if not _looks_again(request):
        questions.freshen(connection, ["postings"])
    listed = questions.listed(connection, "postings")
    chosen = PositionPosting.objects.filter(position=position).first()
    shows = showing.digest(connection.api_key_set_at, chosen and chosen.posting_id, listed)
    context = {
        "position": position,
        "connection": connection,
        "error": error,
        "chosen": chosen,
        "picked": request.GET.get("posting", chosen.posting_id if chosen else ""),
        "listed": listed,
        "postings": [one for one in listed.items if one["state"] in ("published", "internal")],
        "shows": shows,
    }
    if error:
        return render(request, "lever/posting.html", context, status=INVALID)
    return showing.part(request, "lever/posting.html", context, shows)


@transaction.atomic
def _set_posting(position: Position, connection: Connection, chosen: str, by: Member) -> str:
    """The sentence that says why not, or ""."""
    before = PositionPosting.objects.filter(position=position).first()
    text = ""
    if chosen:
        listed = questions.listed(connection, "postings").items
        texts = {one["id"]: one["text"] for one in listed}
        if chosen not in texts:
            return "This posting is gone from Lever: choose another one."
        text = texts[chosen][:200]
        PositionPosting.objects.update_or_create(
            position=position, defaults={"posting_id": chosen, "text": text}
        )
    else:
        PositionPosting.objects.filter(position=position).delete()
    told = {"from": before.text if before else "", "to": text}
    audit.record(position.organisation, "lever.saved", position, member=by, posting=told)
    return ""
