"""`{% load candidates %}`: how a candidate is shown everywhere, by emblem and pseudonym."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from nomdecode.candidates import emblem as emblems
from nomdecode.candidates.models import Candidate

register = template.Library()


@register.simple_tag
def who(candidate: Candidate) -> SafeString:
    """Emblem and pseudonym, side by side."""
    return format_html(
        '<span class="who">{}<span>{}</span></span>',
        emblems.svg(candidate.pseudonym),
        candidate.pseudonym,
    )


@register.simple_tag
def emblem(pseudonym: str) -> SafeString:
    return emblems.svg(pseudonym)
