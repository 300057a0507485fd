"""Settings, Webhooks: one event at a time; its token first, its address when there is one."""

from starlette.requests import Request
from starlette.responses import Response

from lever_sandbox.account import EVENTS, Account, new_token
from lever_sandbox.records import Webhook
from lever_sandbox.refusals import Refused, forbidden, not_found
from lever_sandbox.screens.pages import account_of, back, page, world_of
from lever_sandbox.urls import check_webhook_url

ABOUT = {
    "candidateStageChange": "A candidate was moved to another stage.",
    "candidateHired": "A candidate was marked as hired.",
    "candidateArchiveChange": "A candidate was archived, or taken out of the archive.",
    "candidateDeleted": "A candidate was deleted.",
    "applicationCreated": "A candidate was added to a posting.",
    "contactCreated": "A person was added.",
    "contactUpdated": "A person's details changed.",
}


async def webhooks(request: Request) -> Response:
    return _page(request, account_of(request))


async def change_event(request: Request) -> Response:
    account, event = account_of(request), request.path_params["event"]
    form = await request.form()
    if event not in EVENTS:
        raise not_found("Event")
    match form.get("do"):
        case "on" | "off" as switch:
            account.switch_event(event, on=switch == "on")
        case "generate":
            account.add_webhook(event)
        case "add":
            _open_row(account, event)
    return _back(request, account, event)


async def change_webhook(request: Request) -> Response:
    account, event = account_of(request), request.path_params["event"]
    webhook = account.webhook(request.path_params["id"])
    if webhook.made_by != "screen":
        raise forbidden("This webhook was made through the API and can be changed only there")
    form = await request.form()
    match form.get("do"):
        case "token":
            webhook.token = new_token()
        case "remove":
            account.remove_webhook(webhook)
        case "save" | "verify" as wanted:
            url = str(form.get("url", "")).strip()
            try:
                _set_url(webhook, url)
            except Refused as refused:
                problem = (webhook.id, url, refused.message.removeprefix("url: "))
                return _page(request, account, problem, refused.status)
            if wanted == "verify":
                await world_of(request).deliverer.verify(webhook)
    return _back(request, account, event)


def _open_row(account: Account, event: str) -> None:
    """Show a field for the URL; a token made beforehand is the one of the new row."""
    for webhook in account.webhooks:
        if webhook.event == event and not webhook.url:
            webhook.opened = True
            return
    account.add_webhook(event).opened = True


def _set_url(webhook: Webhook, url: str) -> None:
    check_webhook_url(url)
    if url != webhook.url:
        webhook.url, webhook.verified = url, None


def _page(
    request: Request,
    account: Account,
    problem: tuple[str, str, str] | None = None,
    status: int = 200,
) -> Response:
    rows = {name: [one for one in account.webhooks if one.event == name] for name in EVENTS}
    return page(
        request,
        "webhooks.html",
        status,
        account=account,
        events=EVENTS,
        about=ABOUT,
        rows=rows,
        problem=problem,
    )


def _back(request: Request, account: Account, event: str) -> Response:
    return back(request, f"/{account.slug}/settings/webhooks#{event}")
