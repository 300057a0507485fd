"""`{% load signal %}`: a table's cells in words."""

from django import template

from nomdecode.pipeline.signal.tables import BOUND, COUNT, SHARE, TIME, Cell
from nomdecode.pipeline.statistics import shares
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
        return f"{shares.percent(value)}%"
    if kind == BOUND:
        return f"{bound(value)}%"
    if kind == TIME:
        return lasting(value)
    return str(value) if kind == COUNT else f"{value:.2f}".rstrip("0").rstrip(".")


@register.filter
def percent(share: float) -> int:
    return shares.percent(share)


@register.filter
def bound(share: float) -> str:
    """Of a range: it may end at 0 or 100."""
    return f"{100 * share:.0f}"
