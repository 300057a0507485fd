"""`{% load interviews %}`: times of interviews, in the organisation's time zone."""

from datetime import datetime, timedelta

from django import template
from django.conf import settings
from django.utils import timezone

from nomdecode.interviews import scorecards
from nomdecode.interviews.models import Interview
from nomdecode.orgs.models import Decision

register = template.Library()

RATING_KINDS = {1: "danger", 2: "warn", 3: "ok", 4: "ok"}


@register.filter
def when(moment: datetime | None) -> str:
    """ "Thu 19 Nov, 14:00"; with the year when it is another one."""
    if moment is None:
        return "no time yet"
    local = timezone.localtime(moment)
    year = "" if local.year == timezone.localtime().year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}, {local:%H:%M}"


@register.filter
def hours(interview: Interview) -> str:
    """ "Thu 19 Nov, 14:00–15:00"."""
    if interview.starts_at is None:
        return "no time yet"
    end = timezone.localtime(interview.starts_at + timedelta(minutes=interview.minutes))
    return f"{when(interview.starts_at)}–{end:%H:%M}"


@register.filter
def zone(moment: datetime | None) -> str:
    """ "Europe/Berlin, UTC+1"."""
    offset = timezone.localtime(moment).utcoffset() if moment else None
    minutes = int((offset or timedelta()).total_seconds() // 60)
    if settings.TIME_ZONE == "UTC" or moment is None:
        return str(settings.TIME_ZONE)
    sign, size = ("+" if minutes >= 0 else "−"), abs(minutes)
    shown = f"{size // 60}:{size % 60:02}" if size % 60 else f"{size // 60}"
    return f"{settings.TIME_ZONE}, UTC{sign}{shown}"


@register.filter
def rating_kind(rating: int) -> str:
    return RATING_KINDS[rating]


@register.filter
def rating_words(rating: int) -> str:
    """ "4 strong"."""
    return f"{rating} {scorecards.RATINGS[rating]}"


@register.filter
def decision_words(decision: str) -> str:
    return Decision(decision).label.lower()
