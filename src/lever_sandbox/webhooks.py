"""Sending events: signed, at once, and up to five more times if they are not taken."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from time import perf_counter
from typing import Any

import httpx2

from lever_sandbox.account import Account, Event
from lever_sandbox.records import Delivery, Try, Verified, Webhook, new_id, now_ms

RETRY_GAPS = (1.0, 5.0, 25.0, 125.0, 625.0)
KEPT = 50
TIMEOUT_S = 10.0


def sign(token: str, nonce: str, triggered_at: int) -> str:
    """The signature of a delivery: it covers its token and its time, not its data."""
    return hmac.new(token.encode(), f"{nonce}{triggered_at}".encode(), hashlib.sha256).hexdigest()


def envelope(webhook: Webhook, event: str, at: int, data: dict[str, Any]) -> dict[str, Any]:
    nonce = secrets.token_hex(16)
    return {
        "id": new_id(),
        "event": event,
        "triggeredAt": at,
        "token": nonce,
        "signature": sign(webhook.token, nonce, at),
        "data": data,
    }


class Deliverer:
    """Sends in the background; `changed` is called whenever a delivery got further."""

    def __init__(self, changed: Callable[[], None], gaps: tuple[float, ...] = RETRY_GAPS) -> None:
        self.changed = changed
        self.gaps = gaps
        self.tasks: set[asyncio.Task[None]] = set()
        # Proxies and redirects would take a signed delivery to somewhere nobody entered.
        self.client = httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False)

    async def stop(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.client.aclose()

    def hear(self, account: Account, event: Event) -> None:
        """Send `event` to whoever wants it."""
        for webhook in account.webhooks:
            if _wants(account, webhook, event):
                self._send(webhook, event)

    def resume(self, account: Account) -> None:
        """Take up deliveries that were waiting for another try when the sandbox was stopped."""
        for webhook in account.webhooks:
            for delivery in webhook.deliveries:
                if delivery.state == "waiting":
                    self._start(webhook, delivery)

    async def verify(self, webhook: Webhook) -> Verified:
        """Send a test with made-up ids, once, and note on the webhook what came of it."""
        made_up = {name: new_id() for name in ("opportunityId", "contactId", "toStageId")}
        data = {
            **made_up,
            "candidateId": made_up["opportunityId"],
            "fromStageId": "lead-new",
        }
        at = now_ms()
        body = envelope(webhook, "candidateStageChange", at, data)
        delivery = Delivery(body["id"], "Verify connection", at, body)
        _keep(webhook, delivery)
        tried = await self._try(webhook, delivery)
        delivery.state = "delivered" if _taken(tried) else "failed"
        webhook.verified = Verified(now_ms(), _taken(tried), tried.message)
        self.changed()
        return webhook.verified

    def _send(self, webhook: Webhook, event: Event) -> None:
        body = envelope(webhook, event.name, event.at, event.data)
        delivery = Delivery(body["id"], event.name, event.at, body)
        _keep(webhook, delivery)
        self._start(webhook, delivery)

    def _start(self, webhook: Webhook, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(webhook, delivery))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _deliver(self, webhook: Webhook, delivery: Delivery) -> None:
        while delivery.state == "waiting" and webhook.enabled:
            if delivery.next_at:
                await asyncio.sleep(max(0.0, (delivery.next_at - now_ms()) / 1000))
            tried = await self._try(webhook, delivery)
            done = len(delivery.tries)
            delivery.next_at = None
            if _taken(tried):
                delivery.state = "delivered"
            elif done > len(self.gaps):
                delivery.state = "failed"
            else:
                delivery.next_at = now_ms() + int(self.gaps[done - 1] * 1000)
            self.changed()

    async def _try(self, webhook: Webhook, delivery: Delivery) -> Try:
        at, began = now_ms(), perf_counter()
        status: int | None = None
        try:
            answer = await self.client.post(webhook.url, json=delivery.body)
            status, message = answer.status_code, f"answered {answer.status_code}"
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            message = _in_words(error)
        tried = Try(at, round((perf_counter() - began) * 1000), status, message)
        delivery.tries.append(tried)
        return tried


def _wants(account: Account, webhook: Webhook, event: Event) -> bool:
    return (
        webhook.event == event.name
        and webhook.enabled
        and bool(webhook.url)
        and event.name in account.events_on
        and (not webhook.origins or event.origin in webhook.origins)
    )


def _keep(webhook: Webhook, delivery: Delivery) -> None:
    webhook.deliveries.insert(0, delivery)
    del webhook.deliveries[KEPT:]


def _taken(tried: Try) -> bool:
    return tried.status is not None and 200 <= tried.status < 300


def _in_words(error: Exception) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return f"gave no answer within {TIMEOUT_S:.0f} seconds"
    if isinstance(error, httpx2.ConnectError):
        return "could not be reached"
    return "broke off the connection"
