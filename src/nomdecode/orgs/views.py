"""Settings, members, invitations and the audit trail."""

from typing import cast

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from nomdecode.orgs import audit, invitations, trail
from nomdecode.orgs import members as membership
from nomdecode.orgs.forms import GeneralForm, InviteForm, JoinForm, MemberForm, NameForm
from nomdecode.orgs.models import Invitation, Organisation, Role, User
from nomdecode.orgs.roles import MemberRequest

LAST_ADMIN = "This is the only admin. Make somebody else an admin first."
form_page = require_http_methods(["GET", "HEAD", "POST"])


@form_page
def profile(request: MemberRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = NameForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("orgs:profile")
    return render(
        request,
        "orgs/profile.html",
        {
            "form": form,
            "two_step": is_mfa_enabled(user),
            "memberships": user.memberships.filter(active=True)
            .select_related("organisation")
            .order_by("organisation__name"),
        },
    )


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Makes another of the user's organisations the one this session shows."""
    user = cast(User, request.user)
    try:
        chosen = user.memberships.filter(
            organisation_id=request.POST.get("organisation", ""), active=True
        ).first()
    except ValidationError:
        chosen = None
    if chosen is None:
        raise Http404
    request.session["organisation"] = str(chosen.organisation_id)
    return redirect("/")


@form_page
def settings(request: MemberRequest) -> HttpResponse:
    organisation = Organisation.objects.get(pk=request.member.organisation_id)
    before = {name: getattr(organisation, name) for name in GeneralForm.Meta.fields}
    form = GeneralForm(request.POST or None, instance=organisation)
    if request.method == "POST" and form.is_valid():
        _save_general(request, form, before)
        messages.success(request, "Saved. It counts for outcomes from now on.")
        return redirect("orgs:settings")
    return render(request, "orgs/settings.html", {"form": form, "organisation": organisation})


@transaction.atomic
def _save_general(request: MemberRequest, form: GeneralForm, before: dict[str, object]) -> None:
    organisation = form.save()
    changed = audit.changes(before, {name: getattr(organisation, name) for name in before})
    if "name" in changed:
        changed["name"] = {"from": "the old one", "to": "a new one"}  # a name may hold anything
    if changed:
        audit.record(
            organisation,
            "organisation.changed",
            organisation,
            member=request.member,
            by="member",
            **changed,
        )


@require_GET
def members(request: MemberRequest) -> HttpResponse:
    return _members_page(request, InviteForm(organisation=request.member.organisation))


@require_POST
def invite(request: MemberRequest) -> HttpResponse:
    organisation = request.member.organisation
    form = InviteForm(request.POST, organisation=organisation)
    if not form.is_valid():
        return _members_page(request, form)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    invitations.invite(organisation, email, role, request.member)
    messages.success(request, f"An invitation is on its way to {email}.")
    return redirect("orgs:members")


def _members_page(request: MemberRequest, form: InviteForm) -> HttpResponse:
    organisation, now = request.member.organisation, timezone.now()
    pending = [
        {"invitation": invitation, "open": invitations.is_open(invitation, now)}
        for invitation in invitations.pending(organisation).select_related("invited_by__user")
    ]
    return render(
        request,
        "orgs/members.html",
        {
            "form": form,
            "members": organisation.members.select_related("user").order_by(
                "-active", "user__name"
            ),
            "pending": pending,
            "good_for_days": invitations.GOOD_FOR.days,
        },
    )


@form_page
def member(request: MemberRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(request.member.organisation.members.select_related("user"), pk=pk)
    form = MemberForm(request.POST or None, member=found)
    if request.method == "POST" and form.is_valid():
        role, active = form.cleaned_data["role"], form.cleaned_data["active"]
        try:
            membership.change(found, role, active, request.member)
        except membership.LastAdmin:
            form.add_error("role" if role != Role.ADMIN else "active", LAST_ADMIN)
        else:
            messages.success(request, f"Saved for {found.name}.")
            gave_up = found.pk == request.member.pk and not (active and role == Role.ADMIN)
            return redirect("/" if gave_up else "orgs:members")
    return render(request, "orgs/member.html", {"form": form, "found": found})


@require_POST
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
    invitation = get_object_or_404(request.member.organisation.invitations, pk=pk)
    invitations.revoke(invitation, request.member)
    messages.success(request, "The invitation was taken back. Its link works no more.")
    return redirect("orgs:members")


@require_GET
def audit_trail(request: MemberRequest) -> HttpResponse:
    organisation = request.member.organisation
    action, about = request.GET.get("action", ""), request.GET.get("about", "")
    events = trail.events(request.member, action, about)
    page = Paginator(events, 50).get_page(request.GET.get("page"))
    return render(
        request,
        "orgs/audit.html",
        {
            "page": page,
            "entries": trail.entries(page.object_list),
            "actions": trail.ACTIONS,
            "kinds": trail.kinds(organisation),
            "action": action,
            "about": about,
        },
    )


@never_cache
@form_page
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an invitation's link. Opening it changes nothing."""
    now = timezone.now()
    invitation = invitations.find(token, now)
    if invitation is None:
        return render(request, "orgs/join_closed.html", status=404)
    account = User.objects.filter(email=invitation.email).first()
    form = JoinForm(request.POST or None)
    try:
        if request.method == "POST" and account and account == request.user:
            invitations.accept(invitation, account, now)
            return _welcome(request, invitation)
        may_make = not account and not request.user.is_authenticated
        if request.method == "POST" and may_make and form.is_valid():
            made = invitations.accept_as_new(invitation, now=now, **form.cleaned_data)
            login(request, made.user, "allauth.account.auth_backends.AuthenticationBackend")
            return _welcome(request, invitation)
    except invitations.NotOpen:
        return render(request, "orgs/join_closed.html", status=404)
    context = {"invitation": invitation, "account": account, "form": form}
    return render(request, "orgs/join.html", context)


def _welcome(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    request.session["organisation"] = str(invitation.organisation_id)
    messages.success(request, f"Welcome to {invitation.organisation}.")
    return redirect("/")
