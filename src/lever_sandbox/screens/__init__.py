"""The pages people work in: plain forms, which work without a script."""

from starlette.routing import Route

from lever_sandbox.screens import board, hooks, settings
from lever_sandbox.screens.pages import missing, refusal

__all__ = ["ROUTES", "missing", "refusal"]

ONE = "/{account}/opportunities/{id}"
HOOKS = "/{account}/settings/webhooks"
ROUTES = [
    Route("/", board.companies),
    Route("/{account}/", board.board),
    Route("/{account}/act-as", settings.act_as, methods=["POST"]),
    Route(ONE, board.opportunity),
    Route(f"{ONE}/move", board.move, methods=["POST"]),
    Route(f"{ONE}/hire", board.hire, methods=["POST"]),
    Route(f"{ONE}/archive", board.archive, methods=["POST"]),
    Route(f"{ONE}/unarchive", board.unarchive, methods=["POST"]),
    Route(f"{ONE}/delete", board.delete, methods=["POST"]),
    Route(f"{ONE}/files/{{file}}", board.download),
    Route("/{account}/settings/integrations", settings.integrations),
    Route("/{account}/settings/integrations", settings.switch_integration, methods=["POST"]),
    Route("/{account}/settings/users", settings.users),
    Route("/{account}/log", settings.log),
    Route(HOOKS, hooks.webhooks),
    Route(f"{HOOKS}/{{event}}", hooks.change_event, methods=["POST"]),
    Route(f"{HOOKS}/{{event}}/{{id}}", hooks.change_webhook, methods=["POST"]),
]
