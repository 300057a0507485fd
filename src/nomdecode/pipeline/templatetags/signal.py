"""`{% load signal %}`: a table's cells in words."""

from django import template

from nomdecode.pipeline.signal.tables import COUNT, SHARE, TIME, Cell
from nomdecode.pipeline.templatetags.pipeline import lasting

register = template.Library()


@register.filter
def cell(value: Cell, kind: str) -> str:
    """ "67%", "3 days", "0.83"; a dash where there were too few to say."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if kind == SHARE:
        return f"{100 * value:.0f}%"
    if kind == TIME:
        return lasting(value)
    return str(value) if kind == COUNT else f"{value:.2f}".rstrip("0").rstrip(".")


@register.filter
def percent(share: float) -> str:
    return f"{100 * share:.0f}"
