"""The opportunities of a company: by stage, and each for itself."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from lever_sandbox.account import Account
from lever_sandbox.records import Opportunity, User
from lever_sandbox.refusals import not_found
from lever_sandbox.screens.pages import account_of, acting, back, page, world_of

SHOWN = {"active": "Active", "hired": "Hired", "archived": "Archived"}

Change = Callable[[Account, str, User, FormData], None]
Endpoint = Callable[[Request], Awaitable[Response]]


async def companies(request: Request) -> Response:
    return page(request, "companies.html", accounts=world_of(request).sandbox.accounts.values())


async def board(request: Request) -> Response:
    account = account_of(request)
    asked = request.query_params.get("show", "active")
    show = asked if asked in SHOWN else "active"
    groups: dict[str, list[Opportunity]] = {name: [] for name in SHOWN}
    for one in sorted(account.opportunities.values(), key=lambda one: -one.updated_at):
        groups[_group(account, one)].append(one)
    columns = [
        (stage, [one for one in groups["active"] if one.stage == stage.id])
        for stage in account.stages
    ]
    return page(
        request,
        "board.html",
        account=account,
        show=show,
        filters=[(name, text, len(groups[name])) for name, text in SHOWN.items()],
        columns=columns,
        rows=groups[show],
    )


async def opportunity(request: Request) -> Response:
    account = account_of(request)
    one = account.opportunity(request.path_params["id"])
    others = [
        other for other in account.opportunities.values() if other.contact == one.contact != ""
    ]
    return page(
        request,
        "opportunity.html",
        account=account,
        one=one,
        contact=account.contacts[one.contact],
        group=_group(account, one),
        others=[other for other in others if other.id != one.id],
        names={user.id: user.name for user in account.users},
        stages={one.ref: "a stage that is gone" for one in one.history}
        | {stage.id: stage.text for stage in account.stages},
        reasons={reason.id: reason.text for reason in account.reasons},
        non_hired=[reason for reason in account.reasons if reason.type == "non-hired"],
    )


def _endpoint(change: Change) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        account, id = account_of(request), request.path_params["id"]
        change(account, id, acting(request, account), await request.form())
        return back(request, f"/{account.slug}/opportunities/{id}")

    return endpoint


def _move(account: Account, id: str, by: User, form: FormData) -> None:
    account.move_stage(id, str(form.get("stage")), by=by.id)


def _hire(account: Account, id: str, by: User, form: FormData) -> None:
    account.hire(id, by=by.id)


def _archive(account: Account, id: str, by: User, form: FormData) -> None:
    account.archive(id, str(form.get("reason")), by=by.id)


def _unarchive(account: Account, id: str, by: User, form: FormData) -> None:
    account.unarchive(id, by=by.id)


move, hire, archive, unarchive = (
    _endpoint(change) for change in (_move, _hire, _archive, _unarchive)
)


async def delete(request: Request) -> Response:
    account = account_of(request)
    account.delete(request.path_params["id"], by=acting(request, account).id)
    return back(request, f"/{account.slug}/")


async def download(request: Request) -> Response:
    account = account_of(request)
    for file in account.opportunity(request.path_params["id"]).files:
        if file.id == request.path_params["file"]:
            # Always a download: what somebody uploaded is never shown as a page of this site.
            name = f"attachment; filename*=UTF-8''{quote(file.name)}"
            headers = {"content-disposition": name}
            content = account.contents[file.id]
            return Response(content, 200, headers, "application/octet-stream")
    raise not_found("File")


def _group(account: Account, one: Opportunity) -> str:
    if one.archived_at is None:
        return "active"
    return "hired" if account.is_hired(one) else "archived"
