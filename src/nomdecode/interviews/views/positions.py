"""Positions: their criteria, and the links that bring candidates."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from nomdecode.interviews import links, positions
from nomdecode.interviews.forms import CriterionFormSet, NewPositionForm, PositionForm
from nomdecode.interviews.models import InviteLink, Position
from nomdecode.interviews.templates import TEMPLATES
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest


def _position_or_404(member: Member, pk: UUID) -> Position:
    return get_object_or_404(Position, pk=pk, organisation_id=member.organisation_id)


@require_GET
def index(request: MemberRequest) -> HttpResponse:
    found = request.member.organisation.positions.annotate(count=Count("interviews"))
    return render(
        request, "interviews/positions.html", {"positions": found.order_by("-open", "title")}
    )


@require_http_methods(["GET", "POST"])
def new(request: MemberRequest) -> HttpResponse:
    form = NewPositionForm(request.POST or None, initial={"template": TEMPLATES[0].key})
    if form.is_valid():
        data = form.cleaned_data
        made = positions.create(data["title"], data["place"], form.chosen(), request.member)
        messages.success(request, "The position is there. Share its link.", extra_tags="ok")
        return redirect("interviews:position", made.pk)
    context = {"form": form, "templates": TEMPLATES}
    return render(
        request, "interviews/position_new.html", context, status=422 if form.is_bound else 200
    )


@require_http_methods(["GET", "POST"])
def position(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = _position_or_404(request.member, pk)
    criteria = found.criteria.order_by("retired", "order", "id")
    data = request.POST if request.method == "POST" else None
    form = PositionForm(data, instance=found)
    rows = CriterionFormSet(data, queryset=criteria, prefix="criteria")
    if data is not None and form.is_valid() and rows.is_valid():
        positions.save(found, rows.save(commit=False), request.member)
        _move(found, request.POST.get("move", ""))
        messages.success(request, "Saved.", extra_tags="ok")
        return redirect("interviews:position", pk)
    current = links.current(found)
    context: dict[str, Any] = {
        "position": _position_or_404(request.member, pk),  # as stored, not as typed
        "form": form,
        "rows": rows,
        "address": links.address(current) if current else "",
        "personal": [
            {"link": link, "address": links.address(link)}
            for link in found.links.filter(personal=True, used_at=None, revoked_at=None)
        ],
    }
    return render(
        request, "interviews/position.html", context, status=422 if data is not None else 200
    )


def _move(position: Position, wish: str) -> None:
    """ "12:up": the button that was pressed beside a criterion."""
    criterion, _, direction = wish.partition(":")
    if criterion.isdecimal():
        positions.move(position, int(criterion), -1 if direction == "up" else 1)


@require_POST
def link_new(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = _position_or_404(request.member, pk)
    if "personal" in request.POST:
        links.personal_link(found, request.member)
        said = "A personal link is ready below. It works once."
    else:
        links.new_position_link(found, request.member, timezone.now())
        said = "There is a new link. The one before no longer works."
    messages.success(request, said, extra_tags="ok")
    return redirect("interviews:position", pk)


@require_POST
def link_revoke(request: MemberRequest, pk: UUID) -> HttpResponse:
    link = get_object_or_404(
        InviteLink.objects.select_related("position__organisation"),
        pk=pk,
        position__organisation_id=request.member.organisation_id,
    )
    if link.revoked_at is None:
        links.revoke(link, request.member, timezone.now())
    messages.success(request, "The link no longer works.", extra_tags="ok")
    return redirect("interviews:position", link.position_id)
