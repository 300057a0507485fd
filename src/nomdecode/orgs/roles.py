"""Who may open what: one table over every URL of the site, enforced before any view runs."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from nomdecode.orgs import live
from nomdecode.orgs.models import Member, Role


class Access(Enum):
    PUBLIC = "anybody"
    LINK = "whoever holds the unguessable link; the view checks it"
    SIGNED_IN = "anybody signed in"
    MEMBER = "admin, recruiter, interviewer (an interviewer: own interviews only, the view checks)"
    STAFF = "admin, recruiter"
    ADMIN = "admin"


ROLES: dict[Access, set[str]] = {
    Access.MEMBER: {Role.ADMIN, Role.RECRUITER, Role.INTERVIEWER},
    Access.STAFF: {Role.ADMIN, Role.RECRUITER},
    Access.ADMIN: {Role.ADMIN},
}

# View name -> access. A URL that is not named here answers 404 to everyone.
PERMISSIONS: dict[str, Access] = {
    "health": Access.PUBLIC,
    # accounts (django-allauth)
    "account_login": Access.PUBLIC,
    "account_logout": Access.PUBLIC,
    "account_reset_password": Access.PUBLIC,
    "account_reset_password_done": Access.PUBLIC,
    "account_reset_password_from_key": Access.PUBLIC,
    "account_reset_password_from_key_done": Access.PUBLIC,
    "account_change_password": Access.SIGNED_IN,
    "account_reauthenticate": Access.SIGNED_IN,
    "mfa_authenticate": Access.PUBLIC,
    "mfa_reauthenticate": Access.SIGNED_IN,
    "mfa_index": Access.SIGNED_IN,
    "mfa_activate_totp": Access.SIGNED_IN,
    "mfa_deactivate_totp": Access.SIGNED_IN,
    "mfa_view_recovery_codes": Access.SIGNED_IN,
    "mfa_generate_recovery_codes": Access.SIGNED_IN,
    "mfa_download_recovery_codes": Access.SIGNED_IN,
    # home
    "home:home": Access.MEMBER,
    "home:outbox": Access.PUBLIC,  # exists in the demo only
    "web:styleguide": Access.PUBLIC,  # exists in the demo only
    "home:letter": Access.PUBLIC,  # exists in the demo only
    # orgs
    "orgs:profile": Access.MEMBER,
    "orgs:switch": Access.SIGNED_IN,
    "orgs:join": Access.LINK,
    "orgs:settings": Access.ADMIN,
    "orgs:members": Access.ADMIN,
    "orgs:member": Access.ADMIN,
    "orgs:invite": Access.ADMIN,
    "orgs:revoke": Access.ADMIN,
    "orgs:audit": Access.ADMIN,
    # candidates
    "candidates:list": Access.STAFF,
    "candidates:candidate": Access.STAFF,
    "candidates:reveal": Access.STAFF,
    "candidates:resume": Access.STAFF,
    "candidates:send_link": Access.STAFF,
    "candidates:erase_for": Access.ADMIN,
    "candidates:mine": Access.LINK,
    "candidates:correct": Access.LINK,
    "candidates:my_resume": Access.LINK,
    "candidates:answer": Access.LINK,
    "candidates:withdraw": Access.LINK,
    "candidates:erase": Access.LINK,
    "candidates:download": Access.LINK,
    "candidates:erased": Access.PUBLIC,
    # interviews
    "interviews:live": Access.MEMBER,  # each hears of what they may see
    "interviews:list": Access.MEMBER,
    "interviews:new": Access.STAFF,
    "interviews:positions": Access.STAFF,
    "interviews:position_new": Access.STAFF,
    "interviews:position": Access.STAFF,
    "interviews:link_new": Access.STAFF,
    "interviews:link_revoke": Access.STAFF,
    "interviews:interview": Access.MEMBER,
    "interviews:state": Access.MEMBER,
    "interviews:schedule": Access.STAFF,
    "interviews:cancel": Access.STAFF,
    "interviews:held": Access.MEMBER,
    "interviews:no_show": Access.MEMBER,
    "interviews:recognise": Access.MEMBER,
    "interviews:excuse": Access.STAFF,
    "interviews:reassign": Access.STAFF,
    "interviews:scorecard": Access.MEMBER,
    "interviews:draft": Access.MEMBER,
    "interviews:submit": Access.MEMBER,
    "interviews:remind": Access.STAFF,
    "interviews:join": Access.LINK,
    "interviews:joined": Access.PUBLIC,
    "interviews:candidate_part": Access.LINK,
    "interviews:candidate_asked": Access.LINK,
    # pipeline
    "pipeline:pipeline": Access.STAFF,
    "pipeline:board": Access.STAFF,
    "pipeline:behind": Access.STAFF,
    "pipeline:times": Access.STAFF,
    "pipeline:csv": Access.STAFF,
    # signal: an interviewer sees how strict they are, and nothing else
    "signal:signal": Access.MEMBER,
    "signal:numbers": Access.MEMBER,
    "signal:ask": Access.MEMBER,
    "signal:csv": Access.MEMBER,
    # lever
    "lever:setup": Access.ADMIN,
    "lever:key": Access.ADMIN,
    "lever:account": Access.ADMIN,
    "lever:token_add": Access.ADMIN,
    "lever:token_remove": Access.ADMIN,
    "lever:tokens": Access.ADMIN,
    "lever:perform_as": Access.ADMIN,
    "lever:stages": Access.ADMIN,
    "lever:refresh": Access.ADMIN,
    "lever:activity": Access.ADMIN,
    "lever:activity_csv": Access.ADMIN,
    "lever:retry_all": Access.ADMIN,
    "lever:export": Access.STAFF,
    "lever:export_retry": Access.STAFF,
    "lever:skip": Access.STAFF,
    "lever:adopt": Access.STAFF,
    "lever:read_back": Access.STAFF,
    "lever:settle": Access.STAFF,
    "lever:integrity": Access.STAFF,
    "lever:deliveries": Access.ADMIN,
    "lever:recover_since": Access.ADMIN,
    "lever:look_again": Access.ADMIN,
    "lever:drift": Access.ADMIN,
    "lever:compare": Access.ADMIN,
    "lever:problems": Access.ADMIN,
    "lever:member_email": Access.ADMIN,
    "lever:posting": Access.STAFF,
    "lever:story": Access.MEMBER,
    "lever:retry": Access.STAFF,
    "lever:rephrase": Access.STAFF,
    "lever:send_anyway": Access.STAFF,
    "lever:erased_there": Access.STAFF,
    "lever:keep_here": Access.ADMIN,
}


class MemberRequest(HttpRequest):
    """A request behind MEMBER, STAFF or ADMIN: `member` signed in, in one organisation."""

    member: Member
    htmx: HtmxDetails


def membership(request: HttpRequest) -> Member | None:
    """The signed-in user's membership: the one chosen in this session, else the first."""
    if not request.user.is_authenticated:
        return None
    members = Member.objects.filter(user_id=request.user.pk, active=True)
    members = members.select_related("organisation", "user")
    chosen = request.session.get("organisation")
    return (chosen and members.filter(organisation_id=chosen).first()) or members.first()


def _texts(request: HttpRequest) -> Iterator[str]:
    for source in (request.GET, request.POST):
        for _, values in source.lists():
            yield from (value for value in values if isinstance(value, str))


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    """And back here; after a form was sent, to the page that it was on, and do it again."""
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    answer = redirect_to_login(_came_from(request))
    answer.headers["Location"] += "&undone=1"
    return answer


def _came_from(request: HttpRequest) -> str:
    referer, here = request.headers.get("Referer", ""), request.get_host()
    if not url_has_allowed_host_and_scheme(referer, here, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(referer)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return path if url_has_allowed_host_and_scheme(path, None) else "/"


class RolesMiddleware:
    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.member = SimpleLazyObject(lambda: membership(request))  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        access = PERMISSIONS.get(match.view_name if match else "")
        if access is None:
            raise Http404
        if access in (Access.PUBLIC, Access.LINK):
            return None
        if not request.user.is_authenticated:
            return _sign_in_first(request)
        if any("\x00" in text for text in _texts(request)):
            raise BadRequest("a NUL character is in no text that PostgreSQL could hold")
        if access is Access.SIGNED_IN:
            return None
        member = membership(request)
        if member is None:
            return render(request, "orgs/nowhere.html", status=404)
        if member.role not in ROLES[access]:
            raise Http404  # what you may not see does not exist for you
        request.member = member  # type: ignore[attr-defined]
        # Before the view reads. It counts what others are told of: not for interviewers.
        known = live.position() if member.role in ROLES[Access.STAFF] else ""
        request.live_since = known  # type: ignore[attr-defined]
        return None
