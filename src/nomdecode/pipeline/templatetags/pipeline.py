"""`{% load pipeline %}`: numbers that open the list behind them, and how long something lasted."""

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

register = template.Library()

UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@register.simple_tag(takes_context=True)
def behind(context: Context, show: str, stage: str = "") -> str:
    """The address of that list (lists.py), with the filters of the page."""
    chosen = {"show": show, **({"stage": stage} if stage else {})}
    return f"{reverse('pipeline:behind')}?{context['filters'].query}&{urlencode(chosen)}"


@register.simple_tag(takes_context=True)
def number(context: Context, count: object, show: str, stage: str = "", of: str = "") -> SafeString:
    """A count that opens its list; `of` says to those who hear it alone what it counts."""
    hidden = format_html('<span class="visually-hidden"> {}</span>', of) if of else ""
    address = behind(context, show, stage)
    return format_html('<a class="opens" href="{}">{}{}</a>', address, count, hidden)


@register.filter
def lasting(seconds: float) -> str:
    """ "3 days", "2.5 days", "5 hours": in the largest unit of which it is at least one."""
    length, unit = next((each for each in UNITS if seconds >= each[0]), UNITS[-1])
    count = seconds / length
    said = f"{count:.1f}".removesuffix(".0") if count < 9.95 else f"{count:.0f}"
    return f"{said} {unit}" if said == "1" else f"{said} {unit}s"
