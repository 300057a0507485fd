"""Integrations, users, the log of API calls, and whom one acts as."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lever_sandbox.screens.pages import account_of, acting, back, cookie_name, page, world_of

LOG_SHOWN = 200


async def act_as(request: Request) -> Response:
    account, form = account_of(request), await request.form()
    next_path = str(form.get("next", ""))
    # Only back into this company: the field comes from the browser and may say anything.
    inside = next_path.startswith(f"/{account.slug}/")
    response = RedirectResponse(next_path if inside else f"/{account.slug}/", 303)
    user = str(form.get("user", ""))
    response.set_cookie(cookie_name(account), user, httponly=True, samesite="lax")
    return response


async def integrations(request: Request) -> Response:
    account = account_of(request)
    return page(request, "integrations.html", account=account, new_key=None)


async def switch_integration(request: Request) -> Response:
    account, form = account_of(request), await request.form()
    here = f"/{account.slug}/settings/integrations"
    match form.get("do"):
        case "on":
            account.integration_on = True
        case "off":
            account.disconnect()
        case "send" if account.integration_key() is None:
            key = account.connect(by=acting(request, account).id)
            world_of(request).changed()
            # No redirect here: the key is in this one answer and nowhere else.
            return page(request, "integrations.html", account=account, new_key=key)
    return back(request, here)


async def users(request: Request) -> Response:
    return page(request, "users.html", account=account_of(request))


async def log(request: Request) -> Response:
    account = account_of(request)
    entries = world_of(request).journal.of(account.slug)
    names = {user.id: user.name for user in account.users}
    shown = entries[:LOG_SHOWN]
    return page(
        request, "log.html", account=account, entries=shown, total=len(entries), names=names
    )
