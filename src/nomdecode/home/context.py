"""The sidebar: which rooms the member may enter, which one is open, and what needs them."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from nomdecode.home import needs
from nomdecode.interviews import access
from nomdecode.orgs.models import Member, Role

# URL name, label, and the rooms whose pages stand beneath it
ROOMS = [
    ("home:home", "Home", {"home"}),
    ("interviews:list", "Interviews", {"interviews"}),
    ("candidates:list", "Candidates", {"candidates"}),
    ("pipeline:pipeline", "Pipeline", {"pipeline"}),
    ("signal:signal", "Signal", {"signal"}),
]
FOR_EVERYBODY = {"home:home", "interviews:list", "signal:signal"}
SETTINGS = {"orgs", "lever"}


def navigation(request: HttpRequest) -> dict[str, Any]:
    """What web/base.html reads; made when a page does read it, so others cost no query."""
    member = getattr(request, "member", None)
    return {
        "member": member,
        "nav": SimpleLazyObject(lambda: _nav(request, member)),
        "nav_foot": SimpleLazyObject(lambda: _nav_foot(request, member)),
    }


def needs_of(request: HttpRequest) -> list[needs.Need]:
    """Asked for by the sidebar and by the home page: once a request."""
    if not hasattr(request, "_needs"):
        request._needs = needs.of(request.member, timezone.now())  # type: ignore[attr-defined]
    return request._needs  # type: ignore[attr-defined, no-any-return]


def _nav(request: HttpRequest, member: Member | None) -> list[dict[str, Any]]:
    if not member:
        return []
    names = [room for room in ROOMS if access.is_staff(member) or room[0] in FOR_EVERYBODY]
    items = [_item(request, *room) for room in names]
    items[0]["count"] = len(needs_of(request))
    return items


def _nav_foot(request: HttpRequest, member: Member | None) -> list[dict[str, Any]]:
    if not member:
        return []
    name = "orgs:settings" if member.role == Role.ADMIN else "orgs:profile"
    return [_item(request, name, "Settings", SETTINGS)]


def _item(request: HttpRequest, name: str, label: str, rooms: set[str]) -> dict[str, Any]:
    match = request.resolver_match
    current = bool(match and match.app_name in rooms)
    return {"label": label, "url": reverse(name), "current": current}
