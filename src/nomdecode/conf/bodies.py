"""What anybody may send at most, counted before Django sees any of it; and what is whole is done.

Django reads a body to its end before it looks at the address, and what does not fit into memory
goes to the disk: a résumé unencrypted, and a stranger's gigabytes.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.csp import build_policy

from nomdecode.lever.receiving.receiver import Application, Receive, Scope, Send

STREAMS = ("/live",)  # which end when the visitor goes
UPLOADS = ("/join/", "/c/")  # where candidates send a résumé


def limit(path: str) -> int:
    """Bytes of a body that are taken at this address."""
    if path.startswith(UPLOADS):
        return int(settings.FILE_UPLOAD_MAX_MEMORY_SIZE)
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)


def limited(application: Application) -> Application:
    async def within_limits(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await application(scope, receive, send)
        most, taken, whole = limit(scope["path"]), 0, False
        streams = asyncio.Event()
        if announced(scope) > most:
            return await refuse(receive, send)

        async def counted() -> Mapping[str, Any]:
            nonlocal taken, whole
            if whole:
                # That the visitor has gone is told once a stream has begun, else never: Django
                # would break off in the middle of what it does.
                await streams.wait()
            message = await receive()
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            # For Django the visitor has gone: it lets go of what it has read, and answers nothing.
            return {"type": "http.disconnect"} if taken > most else message

        async def begins(message: Mapping[str, Any]) -> None:
            if scope["path"] in STREAMS:
                streams.set()
            await send(message)

        await application(scope, counted, begins)
        if taken > most:
            await refuse(receive, send)
        return None

    return within_limits


def announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


async def refuse(receive: Receive, send: Send) -> None:
    page = render_to_string("413.html").encode()
    policy: str = build_policy(settings.SECURE_CSP)  # type: ignore[arg-type]
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(page)).encode()),
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": page})
