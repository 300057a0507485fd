"""The door that Lever knocks at: signed deliveries, quickly answered."""

import json

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from nomdecode.lever import webhooks
from nomdecode.lever.models import Connection

LONGEST = 64 * 1024  # bytes


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, hook_id: str) -> HttpResponse:
    connection = Connection.objects.filter(hook_id=hook_id).first()
    if connection is None:
        raise Http404
    length = request.headers.get("Content-Length", "")
    announced = int(length) if length.isascii() and length.isdigit() else 0
    if announced > LONGEST or len(request.body) > LONGEST:
        return _answer(413, "The body is longer than 64 KB.")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return _answer(400, "The body is not a JSON object.")
    if not webhooks.receive(connection, body):
        return _answer(401, "The signature fits none of the signing tokens.")
    return _answer(200, "Taken.")


def _answer(status: int, sentence: str) -> JsonResponse:
    return JsonResponse({"message": sentence}, status=status)
