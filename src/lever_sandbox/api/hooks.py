"""Webhooks, as the API makes them. Those made in the screens can be seen here, but not changed."""

from lever_sandbox.api.call import Answer, Call, data
from lever_sandbox.records import Webhook
from lever_sandbox.refusals import forbidden, invalid
from lever_sandbox.shapes import show_webhook
from lever_sandbox.urls import check_webhook_url

CONDITIONED = (
    "applicationCreated",
    "candidateHired",
    "candidateStageChange",
    "candidateArchiveChange",
)


def list_webhooks(call: Call) -> Answer:
    call.only()
    return call.page([one for one in call.account.webhooks if one.url], show_webhook)


def create_webhook(call: Call) -> Answer:
    event, url = call.text("event"), call.text("url")
    if not url:
        raise invalid("url is required")
    origins = _origins(call, event)
    webhook = call.account.add_webhook(
        event, url, label=call.key.label, made_by="api", origins=origins
    )
    return data(show_webhook(webhook, with_token=True), 201)


def put_webhook(call: Call) -> Answer:
    webhook = _changeable(call)
    url = call.text("url", webhook.url)
    check_webhook_url(url)
    if call.text("event", webhook.event) != webhook.event:
        raise invalid("event: cannot be changed")
    if "configuration" in call.body.values:
        webhook.origins = _origins(call, webhook.event)
    webhook.url = url
    return data(show_webhook(webhook))


def delete_webhook(call: Call) -> Answer:
    call.account.remove_webhook(_changeable(call))
    return Answer(status=204)


def _changeable(call: Call) -> Webhook:
    webhook = call.account.webhook(call.path["webhook"])
    if webhook.made_by != "api":
        raise forbidden("This webhook was made in the settings and can be changed only there")
    return webhook


def _origins(call: Call, event: str) -> list[str]:
    configuration = call.body.values.get("configuration") or {}
    conditions = configuration.get("conditions") if isinstance(configuration, dict) else None
    origins = (conditions or {}).get("origins", []) if isinstance(conditions, dict) else []
    if origins and event not in CONDITIONED:
        raise invalid(f"configuration: {event} takes no conditions")
    if not isinstance(origins, list):
        raise invalid("configuration: origins must be a list")
    return [str(one) for one in origins]
