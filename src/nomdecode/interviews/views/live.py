"""The stream of live events, of what each member may see."""

from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.db import connections
from django.http import StreamingHttpResponse
from django.views.decorators.http import require_GET

from nomdecode.interviews import access
from nomdecode.orgs import live as live_events
from nomdecode.orgs.models import Member
from nomdecode.orgs.roles import MemberRequest


@require_GET
async def live(request: MemberRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        _events(request.member, request.GET.get("since", "")),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _events(member: Member, since: str) -> AsyncIterator[str]:
    hears = await sync_to_async(access.hears)(member)
    # The connection that found the session would otherwise be held as long as the page is open.
    await sync_to_async(connections.close_all)()
    async for event in live_events.stream(member.organisation_id, since, hears):
        yield event
