"""Every call there is, with the permission it needs, and the way a call goes."""

import asyncio
import base64
import re
from collections.abc import Callable
from time import perf_counter
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lever_sandbox.account import Account, key_hash
from lever_sandbox.api import attachments, hooks, lookups, opportunities
from lever_sandbox.api.call import Answer, Call
from lever_sandbox.faults import Fault, cut, take_fault
from lever_sandbox.forms import Body, read_body
from lever_sandbox.journal import Entry
from lever_sandbox.records import Key, now_ms
from lever_sandbox.refusals import Refused, forbidden, not_found
from lever_sandbox.world import World

Endpoint = Callable[[Call], Answer]

ONE = "/opportunities/{opportunity}"
ROUTES: list[tuple[str, str, str, Endpoint]] = [
    ("GET", "/users", "users:read", lookups.list_users),
    ("GET", "/users/{user}", "users:read", lookups.get_user),
    ("GET", "/stages", "stages:read", lookups.list_stages),
    ("GET", "/stages/{stage}", "stages:read", lookups.get_stage),
    ("GET", "/disposition_stages", "stages:read", lookups.list_disposition_stages),
    ("GET", "/postings", "postings:read", lookups.list_postings),
    ("GET", "/postings/{posting}", "postings:read", lookups.get_posting),
    ("GET", "/archive_reasons", "archive_reasons:read", lookups.list_archive_reasons),
    ("GET", "/archive_reasons/{reason}", "archive_reasons:read", lookups.get_archive_reason),
    ("GET", "/tags", "tags:read", lookups.list_tags),
    ("GET", "/sources", "sources:read", lookups.list_sources),
    ("GET", "/contacts/{contact}", "contact:read", lookups.get_contact),
    ("PUT", "/contacts/{contact}", "contact:write", lookups.put_contact),
    (
        "GET",
        "/feedback_templates",
        "feedback_templates:read",
        lookups.list_feedback_templates,
    ),
    (
        "GET",
        "/feedback_templates/{template}",
        "feedback_templates:read",
        lookups.get_feedback_template,
    ),
    ("GET", "/opportunities", "opportunities:read", opportunities.list_opportunities),
    ("POST", "/opportunities", "opportunities:write", opportunities.create_opportunity),
    ("GET", "/opportunities/deleted", "opportunities:read", opportunities.list_deleted),
    ("GET", ONE, "opportunities:read", opportunities.get_opportunity),
    ("PUT", f"{ONE}/stage", "opportunities:write", opportunities.put_stage),
    ("PUT", f"{ONE}/archived", "opportunities:write", opportunities.put_archived),
    *(
        (
            method,
            f"{ONE}/{verb}{kind.title()}",
            "opportunities:write",
            opportunities.labels(kind, add=verb == "add"),
        )
        for kind in ("tags", "links", "sources")
        for verb in ("add", "remove")
        for method in ("POST", "PUT")
    ),
    ("GET", f"{ONE}/notes", "notes:read", attachments.list_notes),
    ("POST", f"{ONE}/notes", "notes:write", attachments.create_note),
    ("GET", f"{ONE}/notes/{{note}}", "notes:read", attachments.get_note),
    ("DELETE", f"{ONE}/notes/{{note}}", "notes:write", attachments.delete_note),
    ("GET", f"{ONE}/files", "files:read", attachments.list_files),
    ("POST", f"{ONE}/files", "files:write", attachments.create_file),
    ("GET", f"{ONE}/files/{{file}}", "files:read", attachments.get_file),
    ("GET", f"{ONE}/files/{{file}}/download", "files:read", attachments.download_file),
    ("GET", f"{ONE}/resumes", "resumes:read", attachments.list_resumes),
    ("GET", f"{ONE}/resumes/{{file}}", "resumes:read", attachments.get_resume),
    ("GET", f"{ONE}/resumes/{{file}}/download", "resumes:read", attachments.download_resume),
    ("GET", f"{ONE}/feedback", "feedback:read", attachments.list_feedback),
    ("POST", f"{ONE}/feedback", "feedback:write", attachments.create_feedback),
    ("GET", f"{ONE}/feedback/{{feedback}}", "feedback:read", attachments.get_feedback),
    ("GET", "/webhooks", "webhooks:read", hooks.list_webhooks),
    ("POST", "/webhooks", "webhooks:write", hooks.create_webhook),
    ("PUT", "/webhooks/{webhook}", "webhooks:write", hooks.put_webhook),
    ("DELETE", "/webhooks/{webhook}", "webhooks:write", hooks.delete_webhook),
]
SCOPES = sorted({f"{scope}:admin" for _, _, scope, _ in ROUTES})

MATCHERS = [
    (method, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), path, scope, endpoint)
    for method, path, scope, endpoint in ROUTES
]


async def serve(request: Request) -> Response:
    """Answer one call to `/v1/…`, whatever it is, and write it down."""
    world: World = request.app.state.world
    began = perf_counter()
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    entry = world.journal.begin(now_ms(), request.method, request.url.path, query)
    fault = take_fault(world.faults, request.method, request.url.path)
    entry.fault = fault.kind if fault else ""
    if fault and fault.kind == "lose_request":
        cut(request.scope["client"])
        return Response(status_code=500)
    response = await _answer(request, world, entry, fault)
    entry.status, entry.ms = response.status_code, round((perf_counter() - began) * 1000, 1)
    if fault and fault.kind == "lose_answer":
        cut(request.scope["client"])
    return response


async def _answer(request: Request, world: World, entry: Entry, fault: Fault | None) -> Response:
    try:
        return _response(await _carry_out(request, world, entry, fault))
    except Refused as refused:
        entry.message = refused.message
        return JSONResponse({"code": refused.code, "message": refused.message}, refused.status)


async def _carry_out(request: Request, world: World, entry: Entry, fault: Fault | None) -> Answer:
    body: Body | Refused
    try:
        body = await read_body(request)
        entry.body = body.described() or None
    except Refused as refused:
        body = refused
    await asyncio.sleep((world.latency_ms + (fault.ms if fault else 0)) / 1000)
    if fault and fault.kind == "status":
        raise Refused(fault.status, fault.code, fault.message)
    account, key = _who(request, world)
    entry.account, entry.key = account.slug, key.last4
    world.limits.take(key.hash)
    endpoint, scope, path = _find(request, entry)
    _check_scope(key, scope)
    if isinstance(body, Refused):
        raise body
    query = request.query_params.multi_items()
    call = Call(account, key, str(request.base_url).rstrip("/"), now_ms(), query, path, body)
    entry.performed_as = call.one("perform_as") or ""
    answer = endpoint(call)
    if request.method != "GET":
        world.changed()
    return answer


def _who(request: Request, world: World) -> tuple[Account, Key]:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        plain = base64.b64decode(given).decode().partition(":")[0] if scheme == "Basic" else ""
    except ValueError:
        plain = ""
    wanted = key_hash(plain)
    for account in world.sandbox.accounts.values():
        for key in account.keys:
            if key.hash == wanted:
                return account, key
    raise Refused(401, "Unauthorized", "Invalid API key")


def _find(request: Request, entry: Entry) -> tuple[Endpoint, str, dict[str, str]]:
    path = request.url.path.removeprefix("/v1")
    methods = []
    for method, pattern, template, scope, endpoint in MATCHERS:
        if match := pattern.fullmatch(path):
            entry.template = entry.template or f"/v1{template}"
            if method == request.method:
                return endpoint, scope, match.groupdict()
            methods.append(method)
    if methods:
        raise Refused(405, "MethodNotAllowed", f"Only {', '.join(methods)} can be used here")
    raise not_found("The requested resource")


def _check_scope(key: Key, scope: str) -> None:
    if key.scopes is None:
        return
    write = scope.replace(":read", ":write")
    if not {f"{scope}:admin", f"{write}:admin"} & set(key.scopes):
        raise forbidden(f"This API key lacks the permission {scope}:admin")


def _response(answer: Answer) -> Response:
    if answer.content is not None:
        name = f"attachment; filename*=UTF-8''{quote(answer.name)}"
        headers = {"content-disposition": name}
        return Response(answer.content, 200, headers, "application/octet-stream")
    if answer.status == 204:
        return Response(status_code=204)
    return JSONResponse(answer.body, answer.status)
