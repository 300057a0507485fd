"""Home: what needs me, what waits by itself, what is today."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from nomdecode.home import first_steps, waiting
from nomdecode.home.context import needs_of
from nomdecode.interviews import access
from nomdecode.interviews.models import Interview, State
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest

SHOWN = 30


@require_safe
def home(request: MemberRequest) -> HttpResponse:
    """The page; htmx gets the part that something happened to."""
    now, member = timezone.now(), request.member
    needs = needs_of(request)
    today, following = _today(member, now)
    context: dict[str, Any] = {
        "greeting": greeting(timezone.localtime(now)),
        "needs": needs[:SHOWN],
        "more": max(0, len(needs) - SHOWN),
        "count": len(needs),
        "waits": waiting.of(member, now),
        "steps": first_steps.of(member),
        "today": [{"interview": one, "pill": access.pill(one, member, now)} for one in today],
        "following": following,
    }
    return render(request, "home/home.html#parts" if request.htmx else "home/home.html", context)


def greeting(local: datetime) -> str:
    if local.hour < 5 or local.hour >= 18:
        return "Good evening"
    return "Good morning" if local.hour < 12 else "Good afternoon"


def _today(member: Member, now: datetime) -> tuple[list[Interview], Interview | None]:
    """Today's interviews in order; the next one after that where there are none."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    # Not 24 hours: a day may have 23 or 25.
    tomorrow = (midnight + timedelta(days=1, hours=12)).replace(hour=0)
    found = access.visible(member).exclude(state=State.CANCELLED).order_by("starts_at")
    today = list(found.filter(starts_at__gte=midnight, starts_at__lt=tomorrow))
    later = found.filter(starts_at__gte=tomorrow, state=State.SCHEDULED)
    return today, None if today else later.first()
