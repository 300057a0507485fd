"""How a page is made: its template, whose company it shows, and who looks at it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lever_sandbox.account import Account
from lever_sandbox.records import User, now_ms
from lever_sandbox.refusals import Refused
from lever_sandbox.world import World

FOLDER = Path(__file__).parent.parent / "templates"


def world_of(request: Request) -> World:
    world: World = request.app.state.world
    return world


def account_of(request: Request) -> Account:
    return world_of(request).sandbox.account(request.path_params["account"])


def acting(request: Request, account: Account) -> User:
    """Whom the person at the screen acts as: their choice, else the first user."""
    chosen = request.cookies.get(cookie_name(account))
    active = [user for user in account.users if not user.deactivated_at]
    return next((user for user in active if user.id == chosen), active[0])


def cookie_name(account: Account) -> str:
    return f"acting_{account.slug}"


def page(request: Request, template: str, status: int = 200, **content: Any) -> Response:
    """The page of `template`; with an `account` among its content also that company's header."""
    account = content.get("account")
    shown = {
        "account": None,
        "acting": acting(request, account) if account else None,
        "path": request.url.path,
        **content,
    }
    html = ENVIRONMENT.get_template(template).render(shown)
    return HTMLResponse(html, status, {"cache-control": "no-store"})


def back(request: Request, path: str) -> Response:
    """After a change: to the page at `path`, asked for anew."""
    world_of(request).changed()
    return RedirectResponse(quote(path, safe="/#?=&"), 303)


async def missing(request: Request, error: Exception) -> Response:
    return _message(request, 404, "There is no page at this address.")


def refusal(request: Request, refused: Refused) -> Response:
    return _message(request, refused.status, f"{refused.message}.")


def _message(request: Request, status: int, message: str) -> Response:
    slug = request.url.path.strip("/").partition("/")[0]
    account = world_of(request).sandbox.accounts.get(slug)
    return page(request, "message.html", status, account=account, message=message)


def when(ms: int) -> Markup:
    """A time as people say it, with the exact one in the title."""
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone()
    exact = local.strftime("%d %b %Y, %H:%M:%S")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        local.isoformat(timespec="milliseconds"), exact, _spoken(ms, local)
    )


def _spoken(ms: int, local: datetime) -> str:
    seconds = (now_ms() - ms) // 1000
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600} h ago"
    if seconds < 14 * 86_400:
        days = seconds // 86_400
        return "yesterday" if days == 1 else f"{days} days ago"
    return local.strftime("%d %b %Y").lstrip("0")


def clock(ms: int) -> Markup:
    """The time of day, for logs; the day is in the title."""
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone()
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        local.isoformat(timespec="milliseconds"),
        local.strftime("%d %b %Y"),
        local.strftime("%H:%M:%S"),
    )


def size(count: int) -> str:
    if count < 1024:
        return f"{count} bytes"
    if count < 1024 * 1024:
        return f"{count / 1024:.0f} KB"
    return f"{count / 1024 / 1024:.1f} MB"


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters.update(when=when, clock=clock, size=size, pretty=_pretty)
