"""Parts of pages that look again by themselves, and are put anew only when something changed.

So what is being typed in one stays, a list that is open stays open, and nothing is read out twice.
"""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def digest(*facts: object) -> str:
    """What a part shows, to be handed back when it looks again."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def part(request: HttpRequest, template: str, context: dict[str, Any], shows: str) -> HttpResponse:
    """The part, unless it `shows` the same already."""
    if request.GET.get("shows") == shows:
        return HttpResponse(status=204)
    return render(request, template, context)
