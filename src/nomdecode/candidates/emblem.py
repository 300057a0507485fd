"""The emblem of a pseudonym: two tones of its colour, one of a few shapes, from the words alone."""

import hashlib

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from nomdecode.candidates import pseudonyms

SHAPES = [
    '<path d="M30 0v30H0z" fill="{}"/>',  # lower right half
    '<path d="M0 0h30L0 30z" fill="{}"/>',  # upper left half
    '<path d="M30 8v22H8A22 22 0 0 1 30 8z" fill="{}"/>',  # a quarter disc in the corner
    '<path d="M0 0h22A22 22 0 0 1 0 22z" fill="{}"/>',  # the other corner
    '<circle cx="15" cy="15" r="8" fill="{}"/>',
    '<path d="M15 5l10 10-10 10L5 15z" fill="{}"/>',  # a lozenge
    '<path d="M0 15h30v15H0z" fill="{}"/>',  # the lower half
    '<path d="M0 18L18 0h12L0 30z" fill="{}"/>',  # a slanting band
]
UNKNOWN = "#6b7480"


def svg(pseudonym: str) -> SafeString:
    """An inline `<svg class="emblem">`; decoration: the pseudonym stands beside it."""
    words = pseudonym.split()
    tone = pseudonyms.colours().get(words[-2] if len(words) > 1 else "", UNKNOWN)
    chosen = hashlib.sha256(pseudonym.encode()).digest()[0] % len(SHAPES)
    shape = SHAPES[chosen].format(darker(tone))
    return format_html(
        '<svg class="emblem" viewBox="0 0 30 30" aria-hidden="true" focusable="false">'
        '<path d="M0 0h30v30H0z" fill="{}"/>{}</svg>',
        tone,
        mark_safe(shape),  # noqa: S308  ours alone
    )


def darker(tone: str) -> str:
    """The second tone, of the same hue."""
    parts = (int(tone[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{int(part * 0.58):02x}" for part in parts)
