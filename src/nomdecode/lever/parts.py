"""Small parts that pages of other rooms show: a member's Lever user, a position's posting."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from nomdecode.interviews.models import Position
from nomdecode.lever import choices, client, pick_lists
from nomdecode.lever import connection as connections
from nomdecode.lever.models import Connection, MemberEmail, PositionPosting
from nomdecode.orgs import audit
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest

shows_and_saves = require_http_methods(["GET", "POST"])
INVALID = 422


@shows_and_saves
def member_email(request: MemberRequest, pk: int) -> HttpResponse:
    member = get_object_or_404(request.member.organisation.members.select_related("user"), pk=pk)
    connection = connections.of(request.member.organisation)
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
    context = {
        "found": member,
        "typed": email if typed is None else typed,
        "error": error,
        **_user(connection, email or member.email),
    }
    return render(request, "lever/member_email.html", context, status=INVALID if error else 200)


@transaction.atomic
def _set_member_email(connection: Connection, member: Member, email: str, by: Member) -> None:
    if email:
        choices.user_problem(connection, email)
        MemberEmail.objects.update_or_create(member=member, defaults={"email": email})
    else:
        MemberEmail.objects.filter(member=member).delete()
    audit.record(connection.organisation, "lever.saved", member, member=by, what="Lever e-mail")
    connections.changed(connection)


def _user(connection: Connection, email: str) -> dict[str, Any]:
    """Which Lever user stands behind `email`, in words."""
    if not connection.api_key:
        return {"pill": "quiet", "words": "Connect Lever first"}
    try:
        user = pick_lists.user_by_email(connection, email)
    except client.LeverError:
        return {"pill": "quiet", "words": "Lever does not answer"}
    if user is None:
        return {"pill": "warn", "words": f"No Lever user has {email}"}
    if user["deactivated"]:
        return {"pill": "warn", "words": f"{email} is deactivated in Lever"}
    role = f", {user['role']}" if user["role"] else ""
    return {"pill": "ok", "words": f"{user['name'] or email}{role}"}


@shows_and_saves
def posting(request: MemberRequest, pk: UUID) -> HttpResponse:
    position = get_object_or_404(Position, organisation=request.member.organisation, pk=pk)
    connection = connections.of(request.member.organisation)
    error, postings = "", []
    if connection.api_key:
        try:
            postings = pick_lists.postings(connection)
        except client.LeverError as failure:
            error = failure.sentence
    if request.method == "POST" and not error:
        error = _set_posting(position, postings, request.POST.get("posting", ""), request.member)
        if not request.htmx and not error:
            return redirect("interviews:position", pk)
    context = {
        "position": position,
        "connection": connection,
        "error": error,
        "chosen": PositionPosting.objects.filter(position=position).first(),
        "postings": [one for one in postings if one["state"] in ("published", "internal")],
    }
    status = INVALID if error and request.method == "POST" else 200
    return render(request, "lever/posting.html", context, status=status)


@transaction.atomic
def _set_posting(
    position: Position, postings: list[dict[str, Any]], chosen: str, by: Member
) -> str:
    """The sentence that says why not, or ""."""
    if chosen:
        text = next((one["text"] for one in postings if one["id"] == chosen), None)
        if text is None:
            return "This posting is gone from Lever: choose another one."
        PositionPosting.objects.update_or_create(
            position=position, defaults={"posting_id": chosen, "text": text[:200]}
        )
    else:
        PositionPosting.objects.filter(position=position).delete()
    audit.record(position.organisation, "lever.saved", position, member=by, what="posting")
    return ""
