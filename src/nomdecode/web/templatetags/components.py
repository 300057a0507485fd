"""`{% load components %}`: the small things that every page repeats."""

import math
from datetime import datetime

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

register = template.Library()

MARKS = {"ok": "full", "warn": "full", "danger": "full", "info": "ring", "quiet": "ring"}


@register.simple_tag
def pill(kind: str, text: object, mark: str = "") -> SafeString:
    """State as dot and words. `kind`: ok, warn, danger, info, quiet; `mark`: full, ring, none."""
    mark = mark or MARKS[kind]
    if mark == "none":
        return format_html('<span class="pill {}">{}</span>', kind, text)
    dot = "dot ring" if mark == "ring" else "dot"
    return format_html('<span class="pill {}"><span class="{}"></span>{}</span>', kind, dot, text)


@register.simple_tag
def ago(moment: datetime | None, absent: str = "never") -> SafeString:
    """`<time>` in words relative to now, the exact time as its title; site.js keeps it fresh."""
    if moment is None:
        return format_html("{}", absent)
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        moment.isoformat(),
        _exact(moment),
        relative(moment, timezone.now()),
    )


@register.simple_tag
def since(moment: datetime) -> SafeString:
    """`<time>` that follows “since”: "11:06", of another day "12 Nov, 11:06"."""
    local, now = timezone.localtime(moment), timezone.localtime()
    day = "" if local.date() == now.date() else f"{local.day} {local:%b}, "
    if local.year != now.year:
        day = f"{local.day} {local:%b %Y}, "
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        _exact(moment),
        f"{day}{local:%H:%M}",
    )


@register.simple_tag
def lasted(began: datetime, ended: datetime) -> str:
    """How long it took: "2 hours, 3 minutes"."""
    if (ended - began).total_seconds() < 60:
        return "less than a minute"
    return timesince(began, ended)


def _exact(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"


def relative(moment: datetime, now: datetime) -> str:
    """ "3 min ago", "in 2 h", "yesterday", "12 Nov": static/web/site.js says it the same way."""
    seconds = (moment - now).total_seconds()
    size = abs(seconds)
    if size < 10:
        return "just now"
    for unit, length, limit in (("s", 1, 60), ("min", 60, 60), ("h", 3600, 24)):
        # Half rounds up, as JavaScript's Math.round does.
        count = math.floor(size / length + 0.5)
        if count < limit:
            return f"in {count} {unit}" if seconds > 0 else f"{count} {unit} ago"
    return _by_date(timezone.localtime(moment), timezone.localtime(now))


def _by_date(moment: datetime, now: datetime) -> str:
    days = (moment.date() - now.date()).days
    if abs(days) == 1:
        return "tomorrow" if days > 0 else "yesterday"
    if abs(days) < 7:
        return f"in {days} days" if days > 0 else f"{-days} days ago"
    year = "" if moment.year == now.year else f" {moment.year}"
    return f"{moment.day} {moment:%b}{year}"


@register.inclusion_tag("web/parts/copy.html")
def copy(value: object, label: str) -> dict[str, object]:
    """A read-only box with a Copy button; `label` is its accessible name."""
    return {"value": value, "label": label}


@register.inclusion_tag("web/forms/field.html")
def field(bound: BoundField, look: str = "") -> dict[str, object]:
    """One field with label, help and error. `look`: "switchable" (checkbox as switch),
    "segmented" (radios as buttons)."""
    return {"field": bound, "look": look}


@register.simple_tag
def secret(last: str) -> SafeString:
    """A secret that is kept but never shown: dots and its last characters."""
    return format_html(
        '<code class="secret"><span aria-hidden="true">•••••••• </span>'
        '<span class="visually-hidden">hidden, ends with </span>{}</code>',
        last,
    )
