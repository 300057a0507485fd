"""Headers of answers that must not be kept, or whose address must not be passed on."""

from django.http import HttpResponse


def not_stored(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response


def at_secret_address(response: HttpResponse) -> HttpResponse:
    """Behind a private link: nor may the address reach other sites."""
    response["Referrer-Policy"] = "no-referrer"
    return not_stored(response)
