"""The web application: API, screens, and the doors for tests."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lever_sandbox import screens
from lever_sandbox.account import Account
from lever_sandbox.api import routes
from lever_sandbox.faults import read_faults
from lever_sandbox.refusals import Refused, bad
from lever_sandbox.world import World

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(world: World) -> Starlette:
    @asynccontextmanager
    async def running(app: Starlette) -> AsyncIterator[None]:
        await world.start()
        yield
        await world.stop()

    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/_log.json", get_log),
            Route("/_log.json", delete_log, methods=["DELETE"]),
            Route("/_faults", post_faults, methods=["POST"]),
            Route("/_faults", delete_faults, methods=["DELETE"]),
            Route("/_keys", post_key, methods=["POST"]),
            Route("/_stages", post_stage, methods=["POST"]),
            Route("/_contacts", post_contact, methods=["POST"]),
            Route("/v1/{rest:path}", routes.serve, methods=METHODS),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
            *screens.ROUTES,
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=guard)],
        exception_handlers={Refused: refuse, 404: screens.missing},
        lifespan=running,
    )
    app.state.world = world
    return app


async def healthz(request: Request) -> Response:
    return PlainTextResponse("ok")


async def get_log(request: Request) -> Response:
    """Every API call that is still remembered, oldest first."""
    world: World = request.app.state.world
    return JSONResponse([dataclasses.asdict(entry) for entry in world.journal.entries])


async def delete_log(request: Request) -> Response:
    """Begin anew; numbers go on."""
    world: World = request.app.state.world
    world.journal.entries.clear()
    return Response(status_code=204)


async def post_faults(request: Request) -> Response:
    world: World = request.app.state.world
    world.faults.extend(read_faults(await _json(request)))
    return JSONResponse([dataclasses.asdict(fault) for fault in world.faults], 201)


async def delete_faults(request: Request) -> Response:
    world: World = request.app.state.world
    world.faults.clear()
    return Response(status_code=204)


async def post_key(request: Request) -> Response:
    """A key for tests: `{account, label?, scopes?, confidential?}` answers `{key}`."""
    world: World = request.app.state.world
    asked = await _json(request)
    if not isinstance(asked, dict) or not isinstance(asked.get("account"), str):
        raise bad("account is required")
    scopes = asked.get("scopes")
    for scope in scopes or []:
        if scope not in routes.SCOPES and scope.replace(":read", ":write") not in routes.SCOPES:
            raise bad(f"scopes: {scope} is not one of {', '.join(routes.SCOPES)}")
    key = world.sandbox.account(asked["account"]).issue_key(
        asked.get("label", "Test key"), scopes=scopes, confidential=bool(asked.get("confidential"))
    )
    world.changed()
    return JSONResponse({"key": key}, 201)


async def post_stage(request: Request) -> Response:
    """Stages for tests: `{account}` with `{add, before}`, `{rename, text}` or `{remove, to}`."""
    world: World = request.app.state.world
    account, asked = await _account(request)
    if "add" in asked:
        account.add_stage(asked["add"], asked["before"])
    elif "rename" in asked:
        account.rename_stage(asked["rename"], asked["text"])
    else:
        account.remove_stage(asked["remove"], asked["to"], by=account.users[0].id)
    world.changed()
    return JSONResponse([dataclasses.asdict(stage) for stage in account.stages])


async def post_contact(request: Request) -> Response:
    """Two contacts become one, for tests: `{account, kept, other}`."""
    world: World = request.app.state.world
    account, asked = await _account(request)
    account.merge_contacts(asked["kept"], asked["other"])
    world.changed()
    return Response(status_code=204)


async def _account(request: Request) -> tuple[Account, dict[str, str]]:
    asked = await _json(request)
    if not isinstance(asked, dict) or not all(isinstance(each, str) for each in asked.values()):
        raise bad("account is required, and everything must be a string")
    world: World = request.app.state.world
    return world.sandbox.account(asked.get("account", "")), asked


async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Keep other sites from sending forms here, and scripts of other sites out of the pages."""
    origin = request.headers.get("origin")
    if origin and request.method != "GET" and urlsplit(origin).netloc != request.url.netloc:
        return PlainTextResponse("This form came from another site.", 403)
    response = await call_next(request)
    response.headers["content-security-policy"] = POLICY
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["referrer-policy"] = "same-origin"
    return response


async def refuse(request: Request, refused: Exception) -> Response:
    if not isinstance(refused, Refused):
        raise refused
    if request.url.path.startswith("/_"):
        return JSONResponse({"code": refused.code, "message": refused.message}, refused.status)
    return screens.refusal(request, refused)


async def _json(request: Request) -> object:
    try:
        answer: object = await request.json()
    except ValueError:
        raise bad("The body is not valid JSON") from None
    return answer
